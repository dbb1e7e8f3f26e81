//! The program as it is started: by variables alone.

use crate::world::{header, mirror};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use oidc_gate_tower::{core::secret::ClientSecret, dev::DevProvider, testing::Browser};
use std::{
    convert::Infallible,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

struct Program(Child);

impl Program {
    /// With these variables and no others, as soon as it listens.
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reverse-proxy"))
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listens = lines.any(|line| line.unwrap().contains("listening at "));
        assert!(listens, "it has ended without listening");
        // The pipe is read on, so that nobody waits for it.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser that finds the program at its address and the provider in this process.
fn browser(provider: &DevProvider, base: &str, at: SocketAddr) -> Browser {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let program = tower::service_fn(move |mut request: Request<Full<Bytes>>| {
        let client = client.clone();
        async move {
            let place = request.uri().path_and_query().unwrap().to_string();
            *request.uri_mut() = format!("http://{at}{place}").parse::<Uri>().unwrap();
            let (parts, body) = client.request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::from_parts(parts, Full::<Bytes>::from(body)))
        }
    });
    Browser::new()
        .site(&provider.issuer(), provider.clone())
        .site(base, program)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What stands in tutorials for oauth2-proxy: an issuer, a client, a cookie secret of 16 bytes, and an upstream.
#[tokio::test]
async fn the_variables_of_a_tutorial_for_oauth2_proxy_put_a_login_in_front_of_an_application() {
    let port = free_port();
    let base = format!("http://localhost:{port}");
    let provider = DevProvider::builder()
        .demo_users()
        .client(
            "EN6vzb5d",
            Some(ClientSecret::new("the-client's-secret")),
            format!("{base}/oauth2/callback"),
        )
        .build();
    provider.listen(0).await.unwrap();
    let upstream = format!("http://{}", mirror().await);
    let metrics = free_port();
    let _program = Program::start(&[
        ("OAUTH2_PROXY_OIDC_ISSUER_URL", &provider.issuer()),
        ("OAUTH2_PROXY_COOKIE_SECRET", "someSecret123456"),
        ("OAUTH2_PROXY_CLIENT_ID", "EN6vzb5d"),
        ("OAUTH2_PROXY_CLIENT_SECRET", "the-client's-secret"),
        ("OAUTH2_PROXY_UPSTREAMS", &upstream),
        ("OAUTH2_PROXY_HTTP_ADDRESS", &format!("127.0.0.1:{port}")),
        (
            "OAUTH2_PROXY_METRICS_ADDRESS",
            &format!("127.0.0.1:{metrics}"),
        ),
        (
            "OAUTH2_PROXY_REDIRECT_URL",
            &format!("{base}/oauth2/callback"),
        ),
    ]);
    let mut browser = browser(&provider, &base, SocketAddr::from(([127, 0, 0, 1], port)));
    let page = browser.get(&format!("{base}/anything?x=1")).await;
    assert!(page.url.starts_with(&*provider.issuer()), "{page:?}");
    let page = browser.sign_in_as("alice").await;
    assert_eq!(page.url, format!("{base}/anything?x=1"));
    let got = &page.body;
    assert!(got.starts_with("GET /anything?x=1 HTTP/1.1\r\n"), "{got}");
    assert_eq!(header(got, "x-forwarded-user").as_deref(), Some("alice"));
    let address = header(got, "x-forwarded-email");
    assert_eq!(address.as_deref(), Some("alice@example.com"));
    // The provider's cookie is for the same host, whatever the port; the gate's own stay with it.
    let cookies = header(got, "cookie").unwrap_or_default();
    assert!(!cookies.contains("gate"), "{cookies}");
    // Its probes and its metrics are where they were.
    for (port, path, begins) in [
        (port, "/ping", "OK"),
        (port, "/ready", "OK"),
        (metrics, "/metrics", "# HELP oidc_gate_requests_total "),
    ] {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let place = format!("http://127.0.0.1:{port}{path}")
            .parse::<Uri>()
            .unwrap();
        let body = client.get(place).await.unwrap().into_body();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(body.starts_with(begins.as_bytes()), "{path}: {body:?}");
    }
}

#[tokio::test]
async fn a_file_in_our_own_names_does_the_same() {
    let port = free_port();
    let base = format!("http://localhost:{port}");
    let provider = DevProvider::builder()
        .demo_users()
        .client("app", None, format!("{base}/oauth2/callback"))
        .build();
    provider.listen(0).await.unwrap();
    let file = std::env::temp_dir().join(format!("reverse-proxy-{}.toml", std::process::id()));
    let text = format!(
        r#"
        issuer_url = "{}"
        client_id = "app"
        client_auth = "none"
        base_url = "{base}"
        cookie_secret = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE="
        address = "127.0.0.1:{port}"
        upstreams = ["http://{}"]
        identity_headers = {{ "X-Who" = "subject", "X-Groups" = "groups" }}
        "#,
        provider.issuer(),
        mirror().await
    );
    std::fs::write(&file, text).unwrap();
    let _program = Program::start(&[("OIDC_GATE_CONFIG", file.to_str().unwrap())]);
    std::fs::remove_file(file).unwrap();
    let mut browser = browser(&provider, &base, SocketAddr::from(([127, 0, 0, 1], port)));
    browser.get(&format!("{base}/me")).await;
    let page = browser.sign_in_as("alice").await;
    assert_eq!(header(&page.body, "x-who").as_deref(), Some("alice"));
    assert_eq!(header(&page.body, "x-forwarded-user"), None);
}

#[test]
fn what_cannot_be_meant_is_said_at_the_start() {
    let output = Command::new(env!("CARGO_BIN_EXE_reverse-proxy"))
        .env_clear()
        .env("OAUTH2_PROXY_UPSTREAMS", "ftp://files.example")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("OAUTH2_PROXY_UPSTREAMS") && said.contains("is no upstream"),
        "{said}"
    );
}
