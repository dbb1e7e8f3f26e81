use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{
    jose::{Alg, AlgSet, CompactJws, JwkSet},
    secret::IdToken,
    token::UnverifiedIdToken,
};

/// A token as text. What is taken can be written in one way only, and no empty set of keys confirms it.
pub fn jws(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = UnverifiedIdToken::parse(&IdToken::new(text))
        .map(|token| token.key_query(AlgSet::asymmetric()));
    let Ok(jws) = CompactJws::parse(text) else {
        return;
    };
    let parts: Vec<_> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    let decoded = parts
        .iter()
        .map(|part| URL_SAFE_NO_PAD.decode(part).expect("strict base64url"));
    let [header, payload, signature] = decoded.collect::<Vec<_>>().try_into().expect("three parts");
    let again = [&header, &payload, &signature].map(|part| URL_SAFE_NO_PAD.encode(part));
    assert_eq!(again.join("."), text);

    let header: serde_json::Value = serde_json::from_slice(&header).expect("the header is JSON");
    assert_eq!(
        header["alg"].as_str().and_then(Alg::from_name),
        Some(jws.alg())
    );
    assert_eq!(header["kid"].as_str(), jws.kid());
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    let _ = format!("{jws:?} {:?}", jws.key_query());

    let nobody = JwkSet::parse(br#"{"keys":[]}"#).expect("an empty set");
    assert!(jws.verify(&nobody).is_err());
}
