use crate::first_line;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{
    claims::ClaimRules,
    jose::{Alg, SigningKey},
    secret::{ClientSecret, IdToken, Nonce},
    time::UnixTime,
    token::{Expectations, UnverifiedIdToken},
    url::Issuer,
};
use serde_json::Value;
use std::{sync::LazyLock, time::Duration};

const NOW: u64 = 1_700_000_000;
const LEEWAY: u64 = 60;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::from_secret(Alg::HS256, &ClientSecret::new(SECRET))
        .expect("the secret is long enough")
});

/// An ID token from a provider that signs anything: the first line is its header, the rest its claims. What is taken says
/// what was expected in the reading of `serde_json` too.
pub fn id_token(data: &[u8]) {
    let (header, claims) = first_line(data);
    let signed = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let signature = KEY.sign(signed.as_bytes()).expect("a signature");
    let token = IdToken::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)));

    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let nonce = Nonce::new("n-1");
    let trusted_audiences = ["other".to_owned()];
    let expect = Expectations {
        issuer: &issuer,
        client_id: "app",
        nonce: Some(&nonce),
        algs: [Alg::HS256].into_iter().collect(),
        trusted_audiences: &trusted_audiences,
        leeway: Duration::from_secs(LEEWAY),
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    let Ok(token) = UnverifiedIdToken::parse(&token) else {
        return;
    };
    let Ok(believed) = token.verify(
        &ClientSecret::new(SECRET),
        &expect,
        UnixTime::from_secs(NOW),
    ) else {
        return;
    };

    let claims: Value = serde_json::from_slice(claims).expect("the claims are JSON");
    assert_eq!(claims["iss"], "https://id.example");
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["sub"].as_str(), Some(believed.subject()));
    assert_ne!(believed.subject(), "");
    let audiences = match &claims["aud"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    assert!(audiences.contains(&"app".into()));
    assert!(audiences.iter().all(|aud| aud == "app" || aud == "other"));
    assert!(
        claims["exp"]
            .as_f64()
            .is_some_and(|exp| exp > (NOW - LEEWAY) as f64)
    );
    assert!(
        claims["iat"]
            .as_f64()
            .is_some_and(|iat| iat <= (NOW + LEEWAY) as f64)
    );
    assert_eq!(Some(believed.as_map()), claims.as_object());

    let subject = believed.subject().to_owned();
    let mut rules = ClaimRules::default();
    rules.groups_at = vec![["realm_access", "roles"].into()];
    let identity = believed.into_identity("", &rules, None, "openid").unwrap();
    assert_eq!(
        (identity.issuer(), identity.subject()),
        ("https://id.example", &*subject)
    );
    let _ = format!(
        "{identity:?} {} {:?}",
        identity.display_name(),
        identity.claims()
    );
}
