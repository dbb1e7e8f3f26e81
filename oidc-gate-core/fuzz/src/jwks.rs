use oidc_gate_core::{
    client_auth::certificate::RegisteredCertificates,
    jose::{Alg, CompactJws, JwkSet},
};

/// `{"alg":"HS256"}` and `{"alg":"ES256"}` over `{}`, signed with nothing.
const UNSIGNED: [&str; 2] = [
    "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    "eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
];

/// A set of keys. What is taken holds public keys only, and as many as are said to be in it.
pub fn jwks(data: &[u8]) {
    let certificates = RegisteredCertificates::from_jwks(data);
    let Ok(set) = JwkSet::parse(data) else {
        assert!(certificates.is_err());
        return;
    };
    let certificates = certificates.expect("whatever is a set of keys is one of certificates");
    let _ = format!("{certificates:?}");
    let _ = format!("{set:?}");
    let document: serde_json::Value = serde_json::from_slice(data).expect("the set is JSON");
    let keys = document["keys"].as_array().expect("the keys are a list");
    assert!(set.len() + set.skipped().len() <= keys.len());
    assert!(certificates.len() + certificates.skipped().len() <= keys.len());
    for skipped in set.skipped() {
        assert!(skipped.index() < keys.len());
        let _ = (skipped.to_string(), skipped.is_leak());
    }
    for &alg in Alg::ALL {
        assert!(
            !(alg.is_symmetric() && set.has(None, alg)),
            "a shared secret was published"
        );
        assert!(!(set.is_empty() && set.has(None, alg)));
    }
    for token in UNSIGNED {
        let token = CompactJws::parse(token).expect("a token");
        assert!(token.verify(&set).is_err());
    }
}
