//! What clients sign to prove who they are (RFC 7523): made here and verified by `josekit`, made there and judged by the
//! server's half of this crate. Nobody takes one that was changed on the way.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{
        Jwk,
        alg::{ec::EcCurve, ed::EdCurve},
    },
    jws::{self, JwsHeader, JwsSigner, JwsVerifier},
    jwt::{self, JwtPayload},
};
use oidc_gate_core::{
    backchannel::Question as _,
    check::Check,
    client_auth::{
        AssertionKey, Authenticator, Client, ClientKeys, Expires, JwtSecrets, Method, MethodName,
        Proving, RegisteredMethod, Registration, Verifying,
    },
    flow::{Entropy, EntropyUnavailable, Env},
    form::Form,
    grant::GrantType,
    jose::{Alg, JwkSet, SigningKey},
    secret::ClientSecret,
    time::UnixTime,
    token::TokenRequest,
    url::{EndpointUrl, Issuer},
};
use serde_json::{Value, json};
use std::sync::Arc;

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://id.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Every algorithm that both know. The name `Ed25519` is not among them: josekit has `EdDSA` alone.
const ALGS: [Alg; 13] = [
    Alg::RS256,
    Alg::RS384,
    Alg::RS512,
    Alg::PS256,
    Alg::PS384,
    Alg::PS512,
    Alg::ES256,
    Alg::ES384,
    Alg::ES512,
    Alg::EdDSA,
    Alg::HS256,
    Alg::HS384,
    Alg::HS512,
];

macro_rules! by_alg {
    ($alg:expr, $jwk:expr, $make:ident) => {
        match $alg {
            Alg::RS256 => Box::new(jws::RS256.$make($jwk).unwrap()),
            Alg::RS384 => Box::new(jws::RS384.$make($jwk).unwrap()),
            Alg::RS512 => Box::new(jws::RS512.$make($jwk).unwrap()),
            Alg::PS256 => Box::new(jws::PS256.$make($jwk).unwrap()),
            Alg::PS384 => Box::new(jws::PS384.$make($jwk).unwrap()),
            Alg::PS512 => Box::new(jws::PS512.$make($jwk).unwrap()),
            Alg::ES256 => Box::new(jws::ES256.$make($jwk).unwrap()),
            Alg::ES384 => Box::new(jws::ES384.$make($jwk).unwrap()),
            Alg::ES512 => Box::new(jws::ES512.$make($jwk).unwrap()),
            Alg::EdDSA => Box::new(jws::EdDSA.$make($jwk).unwrap()),
            Alg::HS256 => Box::new(jws::HS256.$make($jwk).unwrap()),
            Alg::HS384 => Box::new(jws::HS384.$make($jwk).unwrap()),
            Alg::HS512 => Box::new(jws::HS512.$make($jwk).unwrap()),
            other => panic!("{other}"),
        }
    };
}

fn verifier(alg: Alg, jwk: &Jwk) -> Box<dyn JwsVerifier> {
    by_alg!(alg, jwk, verifier_from_jwk)
}

fn signer(alg: Alg, jwk: &Jwk) -> Box<dyn JwsSigner> {
    by_alg!(alg, jwk, signer_from_jwk)
}

/// A key that josekit has made; for a symmetric algorithm the secret.
fn their_key(alg: Alg) -> Jwk {
    match alg {
        Alg::ES256 => Jwk::generate_ec_key(EcCurve::P256).unwrap(),
        Alg::ES384 => Jwk::generate_ec_key(EcCurve::P384).unwrap(),
        Alg::ES512 => Jwk::generate_ec_key(EcCurve::P521).unwrap(),
        Alg::EdDSA => Jwk::generate_ed_key(EdCurve::Ed25519).unwrap(),
        alg if alg.is_symmetric() => {
            jwk(&json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)}))
        }
        _ => Jwk::generate_rsa_key(2048).unwrap(),
    }
}

fn jwk(value: &Value) -> Jwk {
    Jwk::from_map(value.as_object().unwrap().clone()).unwrap()
}

fn value(jwk: &Jwk) -> Value {
    serde_json::from_str(&jwk.to_string()).unwrap()
}

/// The server's half of this crate, at which the client is registered with this public key or with the secret.
fn judged(alg: Alg, public: &Value, assertion: &str) -> Result<Option<Alg>, Check> {
    let server = Authenticator::new(
        Issuer::parse(ISSUER).unwrap(),
        MethodName::ALL.iter().copied(),
    )
    .algs(ALGS);
    let method = if alg.is_symmetric() {
        RegisteredMethod::SecretJwt(JwtSecrets::new(
            [(ClientSecret::new(SECRET), Expires::Never)],
            Some(alg),
        ))
    } else {
        let keys = JwkSet::parse(json!({"keys": [public]}).to_string().as_bytes()).unwrap();
        RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(keys)), Some(alg))
    };
    let client = Registration::new("app", method).grants([GrantType::ClientCredentials]);
    let client = server.register(client).unwrap();
    let body = format!(
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion={assertion}"
    );
    let request = http::Request::post("https://id.example/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .unwrap();
    let now = UnixTime::from_secs(NOW);
    let presented = server.read(&request).map_err(|refusal| refusal.check())?;
    match server
        .verify(presented, Some(&client), None, now)
        .map_err(|refusal| refusal.check())?
    {
        Verifying::Proven(proven) => Ok(proven.client().alg()),
        Verifying::KeysWanted(_) => panic!("the keys are here"),
    }
}

#[derive(Debug)]
struct Sevens;

impl Entropy for Sevens {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        out.fill(7);
        Ok(())
    }
}

/// What this crate's client puts into its request.
fn our_assertion(method: &Method) -> String {
    let mut env = Env {
        now: UnixTime::from_secs(NOW),
        entropy: &mut Sevens,
    };
    let issuer = Issuer::parse(ISSUER).unwrap();
    let id = Arc::from(Client::new("app", method.clone()).id());
    let Proving::Done(credentials) = method.prove(&id, &issuer, &mut env).unwrap() else {
        panic!("the key is here")
    };
    let at = EndpointUrl::parse("https://id.example/token").unwrap();
    let request = TokenRequest::client_credentials()
        .request(&at, credentials)
        .unwrap();
    let form = Form::parse(request.body()).unwrap();
    form.get("client_assertion").unwrap().to_owned()
}

fn ours(alg: Alg) -> (String, Value) {
    if alg.is_symmetric() {
        let method = Method::secret_jwt(alg, ClientSecret::new(SECRET)).unwrap();
        return (our_assertion(&method), value(&their_key(alg)));
    }
    let key = SigningKey::generate(alg).unwrap();
    let public = key.public_jwk();
    (
        our_assertion(&Method::PrivateKeyJwt(AssertionKey::private(key).unwrap())),
        public,
    )
}

fn theirs(alg: Alg) -> (String, Value) {
    let key = their_key(alg);
    let mut header = JwsHeader::new();
    header.set_token_type("JWT");
    let claims = json!({"iss": "app", "sub": "app", "aud": ISSUER, "jti": "id-1", "iat": NOW, "exp": NOW + 60});
    let payload = JwtPayload::from_map(claims.as_object().unwrap().clone()).unwrap();
    let token = jwt::encode_with_signer(&payload, &header, &*signer(alg, &key)).unwrap();
    let public = if alg.is_symmetric() {
        key
    } else {
        key.to_public_key().unwrap()
    };
    (token, value(&public))
}

fn verified(alg: Alg, public: &Value, assertion: &str) -> bool {
    jwt::decode_with_verifier(assertion, &*verifier(alg, &jwk(public))).is_ok()
}

/// The same assertion, changed on the way.
fn tampered(assertion: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<Vec<u8>> = assertion
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    let [header, claims, signature] = <[_; 3]>::try_from(parts).unwrap();
    let whole = |header: &[u8], claims: &[u8], signature: &[u8]| {
        [header, claims, signature]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".")
    };
    let more = |object: &[u8]| {
        String::from_utf8_lossy(object)
            .replacen('{', r#"{"more":1,"#, 1)
            .into_bytes()
    };
    let mut flipped = signature.clone();
    *flipped.last_mut().unwrap() ^= 1;
    vec![
        ("a bit of the signature", whole(&header, &claims, &flipped)),
        ("no signature", whole(&header, &claims, &[])),
        (
            "half a signature",
            whole(&header, &claims, &signature[..signature.len() / 2]),
        ),
        ("zeros", whole(&header, &claims, &vec![0; signature.len()])),
        ("one claim more", whole(&header, &more(&claims), &signature)),
        (
            "one member of the header more",
            whole(&more(&header), &claims, &signature),
        ),
        ("alg none", whole(br#"{"alg":"none"}"#, &claims, &[])),
    ]
}

#[test]
fn what_one_side_signs_the_other_verifies_and_neither_takes_it_when_it_was_changed() {
    for alg in ALGS {
        for (by, (assertion, public)) in [("ours", ours(alg)), ("theirs", theirs(alg))] {
            assert!(verified(alg, &public, &assertion), "{alg} {by}");
            assert_eq!(
                judged(alg, &public, &assertion),
                Ok(Some(alg)),
                "{alg} {by}"
            );
            for (how, changed) in tampered(&assertion) {
                assert!(!verified(alg, &public, &changed), "{alg} {by} {how}");
                assert!(judged(alg, &public, &changed).is_err(), "{alg} {by} {how}");
            }
        }
    }
}

#[test]
fn a_key_of_somebody_else_verifies_nothing() {
    for alg in ALGS.into_iter().filter(|alg| !alg.is_symmetric()) {
        let (assertion, known) = ours(alg);
        let (_, mut other) = theirs(alg);
        // Under the right name, so that it is the signature that tells.
        other["kid"] = known["kid"].clone();
        assert!(!verified(alg, &other, &assertion), "{alg}");
        assert_eq!(
            judged(alg, &other, &assertion),
            Err(Check::AssertionSignature),
            "{alg}"
        );
    }
}

#[test]
fn what_an_assertion_of_ours_says_is_what_the_other_reads() {
    let (assertion, public) = ours(Alg::ES256);
    let (payload, header) =
        jwt::decode_with_verifier(&assertion, &*verifier(Alg::ES256, &jwk(&public))).unwrap();
    assert_eq!(
        (payload.issuer(), payload.subject()),
        (Some("app"), Some("app"))
    );
    assert_eq!(payload.audience(), Some(vec![ISSUER]));
    assert!(payload.jwt_id().is_some_and(|id| id.len() >= 16));
    let seconds = |time: Option<std::time::SystemTime>| {
        time.unwrap()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    assert_eq!(seconds(payload.issued_at()), NOW);
    assert!((NOW + 1..=NOW + 300).contains(&seconds(payload.expires_at())));
    assert_eq!(header.key_id(), public["kid"].as_str());
}

/// The members of a public key that its thumbprint is made of, as RFC 7638 § 3.2 lists them, in the order that it demands.
fn required(kty: &str) -> &'static [&'static str] {
    match kty {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        other => panic!("{other}"),
    }
}

/// Neither of the others has thumbprints: josekit gives the members of the key, OpenSSL the hash.
#[test]
fn a_thumbprint_is_the_hash_of_the_members_that_the_other_reads() {
    for alg in ALGS.into_iter().filter(|alg| !alg.is_symmetric()) {
        let key = their_key(alg);
        let public = value(&key.to_public_key().unwrap());
        let members: Vec<String> = required(public["kty"].as_str().unwrap())
            .iter()
            .map(|name| format!("\"{name}\":{}", public[name]))
            .collect();
        let expected = openssl::sha::sha256(format!("{{{}}}", members.join(",")).as_bytes());
        let ours = SigningKey::from_jwk(key.to_string().as_bytes()).unwrap();
        assert_eq!(
            ours.thumbprint(),
            Some(URL_SAFE_NO_PAD.encode(expected)),
            "{alg}"
        );
    }
}
