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
    time::Duration,
};
use tokio::sync::mpsc;

/// Long enough for the busiest machine; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Program {
    child: Child,
    log: mpsc::UnboundedReceiver<String>,
    /// What it has said until it listened.
    report: Vec<String>,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// With these variables and no others, as soon as it listens; or what it says instead.
    async fn try_start(variables: &[(&str, &str)]) -> Result<Self, String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reverse-proxy"))
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (write, mut log) = mpsc::unbounded_channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The pipe is read on, so that nobody waits for it.
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| drop(write.send(line)));
        });
        let mut report = Vec::new();
        while let Some(line) = log.recv().await {
            if let Some((_, address)) = line.split_once("listening at ") {
                let address = address.parse().unwrap();
                return Ok(Self {
                    child,
                    log,
                    report,
                    address,
                });
            }
            report.push(line);
        }
        let output = child.wait_with_output().unwrap();
        Err(String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        Self::try_start(variables).await.unwrap()
    }

    /// What it has logged since.
    pub(crate) fn logged(&mut self) -> String {
        let lines = std::iter::from_fn(|| self.log.try_recv().ok());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The next line of its log with this in it.
    async fn line(&mut self, part: &str) -> String {
        let found = async {
            loop {
                let line = self.log.recv().await.expect("the log has ended");
                if line.contains(part) {
                    return line;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no line with {part:?}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// A port that was free a moment ago: for a program that has to be told one.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What stands in tutorials for oauth2-proxy: an issuer, a client, a cookie secret of 16 bytes, and an upstream.
#[tokio::test]
async fn the_variables_of_a_tutorial_for_oauth2_proxy_put_a_login_in_front_of_an_application() {
    let base = "http://localhost:4180";
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
    let mut program = Program::start(&[
        ("OAUTH2_PROXY_OIDC_ISSUER_URL", &provider.issuer()),
        ("OAUTH2_PROXY_COOKIE_SECRET", "someSecret123456"),
        ("OAUTH2_PROXY_CLIENT_ID", "EN6vzb5d"),
        ("OAUTH2_PROXY_CLIENT_SECRET", "the-client's-secret"),
        ("OAUTH2_PROXY_UPSTREAMS", &upstream),
        ("OAUTH2_PROXY_HTTP_ADDRESS", "127.0.0.1:0"),
        ("OAUTH2_PROXY_METRICS_ADDRESS", "127.0.0.1:0"),
        (
            "OAUTH2_PROXY_REDIRECT_URL",
            &format!("{base}/oauth2/callback"),
        ),
    ])
    .await;
    let line = program.line("metrics at ").await;
    let metrics = line.split_once("metrics at ").unwrap().1.to_owned();
    program.line("users can sign in").await;
    let mut browser = browser(&provider, base, program.address);
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
    for (address, path, begins) in [
        (program.address.to_string(), "/ping", "OK"),
        (program.address.to_string(), "/ready", "OK"),
        (metrics, "/metrics", "# HELP oidc_gate_requests_total "),
    ] {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let place = format!("http://{address}{path}").parse::<Uri>().unwrap();
        let body = client.get(place).await.unwrap().into_body();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(body.starts_with(begins.as_bytes()), "{path}: {body:?}");
    }

    // What the access log says of it.
    for (path, status, told) in [
        ("/anything", 303, "check="),
        ("/oauth2/callback", 303, "millis="),
        ("/anything", 200, "user="),
    ] {
        let line = program.line("answered").await;
        for part in [
            "method=GET",
            &format!("path={path:?}"),
            &format!("status={status}"),
            "millis=",
            told,
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        for secret in ["x=1", "code=", "state=", "alice"] {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}

/// As it is first tried out: nobody has said at which address browsers find it.
#[tokio::test]
async fn without_a_redirect_url_the_base_url_is_this_machine_at_the_port_that_is_listened_at() {
    let upstream = format!("http://{}", mirror().await);
    loop {
        let port = free_port();
        let base = format!("http://localhost:{port}");
        let provider = DevProvider::builder()
            .demo_users()
            .client(
                "app",
                Some(ClientSecret::new("the-client's-secret")),
                format!("{base}/oauth2/callback"),
            )
            .build();
        provider.listen(0).await.unwrap();
        let started = Program::try_start(&[
            ("OAUTH2_PROXY_OIDC_ISSUER_URL", &provider.issuer()),
            ("OAUTH2_PROXY_COOKIE_SECRET", "someSecret123456"),
            ("OAUTH2_PROXY_CLIENT_ID", "app"),
            ("OAUTH2_PROXY_CLIENT_SECRET", "the-client's-secret"),
            ("OAUTH2_PROXY_UPSTREAMS", &upstream),
            ("OAUTH2_PROXY_HTTP_ADDRESS", &format!("127.0.0.1:{port}")),
        ])
        .await;
        let program = match started {
            Ok(program) => program,
            // Somebody else was faster.
            Err(said) if said.contains("cannot listen at") => continue,
            Err(said) => panic!("{said}"),
        };
        let report = program.report.join("\n");
        assert!(report.contains(&format!("base_url: {base}")), "{report}");
        let mut browser = browser(&provider, &base, program.address);
        browser.get(&format!("{base}/me")).await;
        let page = browser.sign_in_as("alice").await;
        assert_eq!(page.url, format!("{base}/me"));
        return;
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_noticed_before_the_first_user_is() {
    let provider = DevProvider::demo();
    provider.listen(0).await.unwrap();
    let issuer = format!("{}/none", provider.issuer());
    let variables = own(&issuer);
    let variables = variables.each_ref().map(|(n, v)| (*n, v.as_str()));
    let mut program = Program::start(&variables).await;
    let line = program.line("nobody can sign in yet").await;
    assert!(line.contains("WARN"), "{line}");
    assert!(line.contains("check=provider."), "{line}");
    assert!(line.contains("remedy="), "{line}");
}

#[tokio::test]
async fn what_fails_at_the_start_is_named_in_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let with = |more: &[(&'static str, &str)]| {
        let mut variables: Vec<_> = own("https://id.example").to_vec();
        variables.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        variables.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        variables
    };
    for (variables, parts) in [
        (
            with(&[("OIDC_GATE_ADDRESS", &address)]),
            [format!("cannot listen at {address}: "), "in use".to_owned()],
        ),
        // Before it listens: the address is taken here too.
        (
            with(&[
                ("OIDC_GATE_ADDRESS", &address),
                ("OIDC_GATE_TLS_CERT_FILE", "/none/server.crt"),
                ("OIDC_GATE_TLS_KEY_FILE", "/none/server.key"),
            ]),
            ["/none/server.crt: ".to_owned(), "o such file".to_owned()],
        ),
    ] {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let Err(said) = Program::try_start(&variables).await else {
            panic!("it listens")
        };
        assert!(said.starts_with("reverse-proxy: "), "{said}");
        for part in parts {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }
}

#[test]
fn how_much_is_logged_is_said_as_everywhere() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (filter, speaks) in [(None, true), (Some("info"), true), (Some("error"), false)] {
        let output = Command::new(env!("CARGO_BIN_EXE_reverse-proxy"))
            .env_clear()
            .envs(own("https://id.example"))
            .env("OIDC_GATE_ADDRESS", &address)
            .envs(filter.map(|filter| ("RUST_LOG", filter)))
            .output()
            .unwrap();
        assert_eq!(!output.stdout.is_empty(), speaks, "{filter:?}");
        assert!(!output.stderr.is_empty());
    }
}

/// The least there is to say in our own names.
fn own(issuer: &str) -> [(&'static str, String); 6] {
    [
        ("OIDC_GATE_ISSUER_URL", issuer),
        ("OIDC_GATE_CLIENT_ID", "app"),
        ("OIDC_GATE_CLIENT_AUTH", "none"),
        ("OIDC_GATE_BASE_URL", "https://app.example"),
        (
            "OIDC_GATE_COOKIE_SECRET",
            "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=",
        ),
        ("OIDC_GATE_ADDRESS", "127.0.0.1:0"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
}

#[tokio::test]
async fn a_file_in_our_own_names_does_the_same() {
    let base = "http://localhost:4180";
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
        address = "127.0.0.1:0"
        upstreams = ["http://{}"]
        identity_headers = {{ "X-Who" = "subject", "X-Groups" = "groups" }}
        "#,
        provider.issuer(),
        mirror().await
    );
    std::fs::write(&file, text).unwrap();
    let program = Program::start(&[("OIDC_GATE_CONFIG", file.to_str().unwrap())]).await;
    std::fs::remove_file(file).unwrap();
    let mut browser = browser(&provider, base, program.address);
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
