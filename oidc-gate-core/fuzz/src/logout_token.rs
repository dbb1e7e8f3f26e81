use crate::first_line;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{
    jose::{Alg, SigningKey},
    logout::{LoggedOut, LogoutExpectations, NoExpiry, UnverifiedLogoutToken},
    secret::{ClientSecret, LogoutToken},
    session::coordinate::Seen,
    time::UnixTime,
    url::Issuer,
};
use serde_json::Value;
use std::{sync::LazyLock, time::Duration};

const NOW: u64 = 1_700_000_000;
const LEEWAY: u64 = 30;
const DAY: u64 = 24 * 60 * 60;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::from_secret(Alg::HS256, &ClientSecret::new(SECRET))
        .expect("the secret is long enough")
});

/// A logout token from a provider that signs anything: the first line is its header, the rest its claims. What is taken is
/// a logout in the reading of `serde_json` too, of whoever it names, for this client, and for no longer than it is remembered.
pub fn logout_token(data: &[u8]) {
    let (header, claims) = first_line(data);
    let signed = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let signature = KEY.sign(signed.as_bytes()).expect("a signature");
    let token = LogoutToken::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)));

    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let expect = LogoutExpectations {
        issuer: &issuer,
        client_id: "app",
        algs: [Alg::HS256].into_iter().collect(),
        trusted_audiences: &[],
        leeway: Duration::from_secs(LEEWAY),
        no_expiry: NoExpiry::Refused,
    };
    let now = UnixTime::from_secs(NOW);
    let Ok(token) = UnverifiedLogoutToken::parse(&token) else {
        return;
    };
    let Ok(logout) = token.verify(&ClientSecret::new(SECRET), &expect, now) else {
        return;
    };

    let claims: Value = serde_json::from_slice(claims).expect("the claims are JSON");
    let text = |name: &str| claims[name].as_str();
    assert_eq!(text("iss"), Some("https://id.example"));
    assert!(claims["aud"] == "app" || claims["aud"] == serde_json::json!(["app"]));
    assert!(text("jti").is_some_and(|id| !id.is_empty() && id.len() <= 255));
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert!(claims.get("nonce").is_none());
    let time = |name: &str| claims[name].as_f64().expect("a number");
    assert!(time("exp") > (NOW - LEEWAY) as f64);
    assert!(time("iat") <= (NOW + LEEWAY) as f64);
    assert!(logout.until() > now);
    assert!(logout.until() <= UnixTime::from_secs(NOW + DAY + 2 * LEEWAY));
    let _ = format!("{logout:?}");

    let logout = logout.resolve(Seen::Never).expect("nobody has seen it");
    assert_eq!(&*logout.of().issuer, "https://id.example");
    let named = match &logout.of().who {
        LoggedOut::User(subject) => (Some(&**subject), None),
        LoggedOut::AtProvider(sid) => (None, Some(&**sid)),
        LoggedOut::Both { subject, sid } => (Some(&**subject), Some(&**sid)),
    };
    assert_eq!(named, (text("sub"), text("sid")));
    assert!(named != (None, None) && named.0 != Some("") && named.1 != Some(""));
}
