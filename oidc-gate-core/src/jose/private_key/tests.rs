use super::super::SigningError;
use super::super::{CompactJws, JwkSet};
use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    jwk: String,
    expected: String,
}

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../../testdata/keys/", $name, ".pem"))
    };
}

/// That the private half belongs to the public one: a signature of one verifies with the other.
fn works(key: &SigningKey) {
    let claims = json!({"sub": "app"}).as_object().cloned().unwrap();
    let token = key.sign_compact(&Map::new(), &claims).unwrap();
    let set = json!({"keys": [key.public_jwk()]}).to_string();
    let set = JwkSet::parse(set.as_bytes()).unwrap();
    assert_eq!(
        CompactJws::parse(&token).unwrap().verify(&set),
        Ok(claims),
        "{key:?}"
    );
}

#[test]
fn every_jwk_is_read_or_refused_as_the_data_says() {
    let cases: Vec<Case> =
        crate::testdata::cases(include_str!("../../../testdata/private_jwk.toml"));
    assert!(cases.len() > 20);
    for case in cases {
        let read = SigningKey::from_jwk(case.jwk.as_bytes());
        let got = match &read {
            Ok(key) => {
                works(key);
                key.alg().name().to_owned()
            }
            Err(problem) => problem.to_string(),
        };
        assert_eq!(got, case.expected, "{}", case.name);
    }
}

#[test]
fn pem_of_every_form_and_type_signs() {
    for (pem, alg) in [
        (pem!("rsa-pkcs1"), Alg::RS256),
        (pem!("rsa-pkcs8"), Alg::RS256),
        (pem!("ec-prime256v1-sec1"), Alg::ES256),
        (pem!("ec-prime256v1-pkcs8"), Alg::ES256),
        (pem!("ec-secp384r1-sec1"), Alg::ES384),
        (pem!("ec-secp384r1-pkcs8"), Alg::ES384),
        (pem!("ec-secp521r1-sec1"), Alg::ES512),
        (pem!("ec-secp521r1-pkcs8"), Alg::ES512),
        (pem!("ed25519-pkcs8"), Alg::EdDSA),
    ] {
        let key = SigningKey::from_pem(pem).unwrap();
        assert_eq!((key.alg(), key.kid()), (alg, ""));
        works(&key);
        // As it stands in a file behind a certificate and with Windows' line ends.
        let file = format!("# a comment\r\n{}", pem.replace('\n', "\r\n"));
        assert_eq!(SigningKey::from_pem(&file).unwrap().alg(), alg);
    }
}

#[test]
fn what_is_no_key_to_sign_with_is_told_apart() {
    let problem = |pem: &str| SigningKey::from_pem(pem).unwrap_err();
    assert_eq!(problem(""), KeyProblem::NotPem);
    assert_eq!(problem("not a key"), KeyProblem::NotPem);
    assert_eq!(problem(pem!("encrypted")), KeyProblem::Encrypted);
    assert_eq!(problem(pem!("public")), KeyProblem::Public);
    for pem in [
        pem!("ec-secp256k1-sec1"),
        pem!("ec-secp256k1-pkcs8"),
        pem!("x25519-pkcs8"),
    ] {
        assert_eq!(
            problem(pem),
            KeyProblem::Unsupported("the type or the curve of the key".into())
        );
    }
    for pem in [
        pem!("rsa-1024-pkcs1"),
        pem!("rsa-1024-pkcs8"),
        pem!("rsa-9216"),
    ] {
        assert_eq!(problem(pem), KeyProblem::Weak);
    }
    let der = PrivateKeyDer::from_pem_slice(pem!("rsa-pkcs8").as_bytes()).unwrap();
    let cut = STANDARD.encode(&der.secret_der()[..500]);
    assert_eq!(
        problem(&format!(
            "-----BEGIN PRIVATE KEY-----\n{cut}\n-----END PRIVATE KEY-----\n"
        )),
        KeyProblem::Unsupported("the RSA key is malformed".into())
    );
    let cut = &pem!("rsa-pkcs8")[..500];
    assert_eq!(problem(cut), KeyProblem::NotPem);
}

#[test]
fn an_rsa_key_signs_with_any_rsa_algorithm_and_no_other() {
    for alg in Alg::ALL {
        let key = SigningKey::from_pem(pem!("rsa-pkcs8")).unwrap();
        let fits = alg.name().starts_with("RS") || alg.name().starts_with("PS");
        match key.with_alg(*alg) {
            Ok(key) => {
                assert!(fits, "{alg}");
                assert_eq!(key.alg(), *alg);
                works(&key);
            }
            Err(SigningError) => assert!(!fits, "{alg}"),
        }
    }
    let curve = || SigningKey::from_pem(pem!("ec-secp384r1-sec1")).unwrap();
    assert!(curve().with_alg(Alg::ES384).is_ok());
    assert!(curve().with_alg(Alg::ES256).is_err());
}

#[test]
fn a_name_is_kept_or_given() {
    let key = SigningKey::from_pem(pem!("ed25519-pkcs8")).unwrap();
    assert_eq!(key.named("2026-11").kid(), "2026-11");
    // RFC 8037 Appendix A.3.
    let jwk = br#"{"kty":"OKP","crv":"Ed25519","kid":"mine","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = SigningKey::from_jwk(jwk).unwrap();
    assert_eq!(key.kid(), "mine");
    assert_eq!(
        key.thumbprint().unwrap(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn nothing_of_a_key_is_shown() {
    let key = SigningKey::from_pem(pem!("ed25519-pkcs8"))
        .unwrap()
        .named("k");
    assert_eq!(format!("{key:?}"), "SigningKey(EdDSA k, ***)");
    let jwk = r#"{"kty":"EC","crv":"P-256","d":"c2VjcmV0","x":"c2VjcmV0","y":"c2VjcmV0"}"#;
    let problem = SigningKey::from_jwk(jwk.as_bytes()).unwrap_err();
    assert!(!format!("{problem:?}{problem}").contains("c2VjcmV0"));
}
