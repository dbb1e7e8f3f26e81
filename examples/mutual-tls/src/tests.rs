mod provider;

use self::provider::{Came, serve};
use super::*;
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oidc_gate_axum::{
    CookieKeys,
    core::{
        client_auth::{
            RegisteredMethod, Registration,
            certificate::{ClientCertificate, RegisteredCertificates, TlsSubject, TrustAnchors},
        },
        grant::GrantType,
    },
    dev::DevProvider,
    testing::{Browser, Page},
};
use serde_json::json;
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
const SITE: &str = "https://app.test";

fn read(name: &str) -> Vec<u8> {
    fs::read(format!("{TESTDATA}/{name}")).unwrap()
}

fn certificate(name: &str) -> ClientCertificate {
    ClientCertificate::from_pem(&read(&format!("{name}.crt"))).unwrap()
}

/// An application, a browser, and a provider behind TLS at which the client is registered so.
struct World {
    browser: Browser,
    issuer: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl World {
    async fn new(method: RegisteredMethod, gate: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let app = Registration::new("app", method).grants([GrantType::AuthorizationCode]);
        let provider = DevProvider::builder()
            .issuer(&issuer)
            .demo_users()
            .anchors(TrustAnchors::from_pem(&read("authority.crt")).unwrap())
            .registered(app, ["https://app.test/oauth2/callback"])
            .build();
        let came = serve(listener, provider.clone());
        let base = Gate::builder()
            .issuer(&issuer)
            .base_url(SITE)
            .cookie_keys(CookieKeys::ephemeral());
        let hello = async |user: AuthenticatedUser| format!("hello {}", user.display_name());
        let app = Router::new().route("/", get(hello));
        let browser = Browser::new()
            .site(SITE, gate(base).build().unwrap().protect(app))
            .site(&issuer, provider);
        Self {
            browser,
            issuer,
            came,
        }
    }

    async fn sign_in(&mut self) -> Page {
        self.browser.clear_cookies();
        self.browser.get(SITE).await;
        self.browser.sign_in_as("alice").await
    }

    /// Which certificate came to the token endpoint since this was asked last; none has come to anything else.
    fn shown(&self) -> Vec<ClientCertificate> {
        let came: Vec<Came> = self.came.lock().unwrap().drain(..).collect();
        let (token, others): (Vec<_>, Vec<_>) =
            came.into_iter().partition(|(path, _)| path == "/token");
        assert!(
            others.iter().all(|(_, shown)| shown.is_none()),
            "{}",
            self.issuer
        );
        token.into_iter().map(|(_, shown)| shown.unwrap()).collect()
    }
}

/// The files of the client's certificate, as a certificate manager writes them; gone with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let name = format!("oidc-gate-mutual-tls-{}-{name}", std::process::id());
        let this = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&this.0).unwrap();
        this
    }

    fn write(&self, name: &str) {
        for end in ["crt", "key"] {
            fs::write(
                self.0.join(format!("tls.{end}")),
                read(&format!("{name}.{end}")),
            )
            .unwrap();
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn authority() -> reqwest::Certificate {
    reqwest::Certificate::from_pem(&read("authority.crt")).unwrap()
}

fn mesh(name: &str) -> Mesh {
    let pem = [read(&format!("{name}.crt")), read(&format!("{name}.key"))].concat();
    let client = || strict().tls_certs_merge([authority()]);
    let identity = Identity::from_pem(&pem).unwrap();
    Mesh(
        client().build().unwrap(),
        client().identity(identity).build().unwrap(),
    )
}

#[tokio::test]
async fn a_certificate_in_files_signs_users_in_and_its_successor_does_without_a_restart() {
    let files = Files::new("replaced");
    files.write("one");
    let method = RegisteredMethod::Tls(TlsSubject::dn("CN=app").unwrap());
    let mut world = World::new(method, |gate| {
        by_files(gate, files.0.to_str().unwrap()).ca_pem_file(format!("{TESTDATA}/authority.crt"))
    })
    .await;
    for name in ["one", "two"] {
        files.write(name);
        assert_eq!(world.sign_in().await.body, "hello Alice Adams", "{name}");
        assert_eq!(world.shown(), [certificate(name)], "{name}");
    }
}

#[tokio::test]
async fn a_transport_of_ones_own_shows_the_certificate_that_is_registered() {
    let registered =
        json!({"keys": [{"kty": "EC", "x5c": [STANDARD.encode(certificate("one").der())]}]});
    let registered = RegisteredCertificates::from_jwks(registered.to_string().as_bytes()).unwrap();
    for (name, signs_in) in [("one", true), ("two", false)] {
        let method = RegisteredMethod::SelfSignedTls(registered.clone());
        let mut world = World::new(method, |gate| by_mesh(gate, mesh(name))).await;
        let page = world.sign_in().await;
        match signs_in {
            true => assert_eq!(page.body, "hello Alice Adams"),
            false => assert_eq!(page.status, StatusCode::BAD_GATEWAY),
        }
        assert_eq!(world.shown(), [certificate(name)]);
    }
}
