//! The provider of all of them: the embedded development provider, on a port of the loopback interface.

use axum::Router;
use http::HeaderValue;
use oidc_gate_axum::{dev::DevProvider, testing::Browser};
use oidc_gate_benches::{
    claims::with_profile,
    requests::{SUBJECT, user},
};
use serde_json::json;
use std::{
    net::{Ipv4Addr, TcpListener},
    time::{SystemTime, UNIX_EPOCH},
};

/// Where the applications say they are.
pub(crate) const APP: &str = "http://localhost";
/// For whom the tokens are.
pub(crate) const AUDIENCE: &str = "orders-api";
/// The realm: one of the peers takes tokens of Keycloak's only, whose issuers have one in their address.
pub(crate) const REALM: &str = "bench";

/// It, and what it signs.
pub(crate) struct Provider {
    pub(crate) dev: DevProvider,
    pub(crate) origin: String,
    /// The `Authorization` header of a token that is good for an hour.
    pub(crate) bearer: HeaderValue,
    /// The `Authorization` header of one that has just expired.
    pub(crate) expired: HeaderValue,
}

impl Provider {
    /// Serves it until the runtime ends. It signs with RSA, which is what most providers do and every peer can read.
    pub(crate) async fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = free.expect("a port is free").port();
        let origin = format!("http://127.0.0.1:{port}");
        let dev = DevProvider::builder()
            .issuer(format!("{origin}/realms/{REALM}"))
            .signing_alg(oidc_gate_axum::core::jose::Alg::RS256)
            .user(user())
            .build();
        dev.listen(port).await.expect("the port is free");
        let bearer = |life| token(&dev, now().saturating_add_signed(life));
        let (bearer, expired) = (bearer(3600), bearer(-1));
        Self {
            dev,
            origin,
            bearer,
            expired,
        }
    }

    pub(crate) fn issuer(&self) -> String {
        self.dev.issuer()
    }

    /// Signs the user in to an application that sends nobody in without: the `Cookie` header of the browser then.
    pub(crate) async fn log_in(&self, app: &Router) -> HeaderValue {
        let mut browser = Browser::new()
            .site(&self.origin, self.dev.clone())
            .site(APP, app.clone());
        browser.get(&format!("{APP}/me")).await;
        let page = browser.sign_in_as(SUBJECT).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let cookies = browser.cookies(APP);
        let pairs = (cookies.iter().filter(|cookie| cookie.path == "/"))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value));
        let pairs: Vec<_> = pairs.collect();
        HeaderValue::try_from(pairs.join("; ")).expect("cookies are ASCII")
    }
}

pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is later than 1970").as_secs()
}

/// An access token as Keycloak makes them, of the kind that RFC 9068 describes.
fn token(dev: &DevProvider, exp: u64) -> HeaderValue {
    let claims = with_profile(json!({
        "exp": exp,
        "iat": exp - 3600,
        "auth_time": exp - 3600,
        "jti": "5c0d0f2e-3b52-4a0e-8d24-7c5b1f0e9a11",
        "iss": dev.issuer(),
        "aud": [AUDIENCE, "account"],
        "sub": SUBJECT,
        "typ": "Bearer",
        "azp": "web",
        "client_id": "web",
        "sid": "8a3f2b1c-5d4e-4f60-9a7b-1c2d3e4f5a6b",
        "acr": "1",
        "realm_access": { "roles": ["offline_access", "uma_authorization", "staff"] },
        "resource_access": { "account": { "roles": ["manage-account", "view-profile"] } },
        "scope": "openid profile email",
        "groups": ["staff", "engineering", "platform", "on-call", "reviewers", "vpn"],
    }));
    let token = dev.sign(Some("at+jwt"), &claims);
    HeaderValue::try_from(format!("Bearer {token}")).expect("a token is ASCII")
}
