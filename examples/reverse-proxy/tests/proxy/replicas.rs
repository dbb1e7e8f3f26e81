//! Two of the program, and the Redis that they share: by variables alone.

use crate::{
    program::Program,
    world::{header, mirror},
};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use oidc_gate_tower::{
    core::secret::ClientSecret,
    dev::{DevProvider, Habit},
    testing::Browser,
};
use std::{
    convert::Infallible,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

const BASE: &str = "http://localhost:4180";
const PASSWORD: &str = "the/redis@password";

/// One that demands a password, and forgets everything with its process.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        loop {
            let port = free_port();
            let mut child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
                .args(["--port", &port.to_string(), "--requirepass", PASSWORD])
                .stdout(Stdio::piped())
                .spawn()
                .expect("redis-server is needed (Debian: the package redis-server)");
            let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
            let is_ready = log
                .by_ref()
                .map_while(Result::ok)
                .any(|line| line.contains("Ready to accept connections"));
            if is_ready {
                // The pipe is read on, so that nobody waits for it.
                std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
                return Self { child, port };
            }
            // Somebody else was faster.
            let _ = child.wait();
        }
    }
}

/// One that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser that finds the provider in this process, and the program at the address that is there at the time.
fn browser(provider: &DevProvider, at: &Arc<Mutex<SocketAddr>>) -> Browser {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let at = at.clone();
    let program = tower::service_fn(move |mut request: Request<Full<Bytes>>| {
        let (client, at) = (client.clone(), *at.lock().unwrap());
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
        .site(BASE, program)
}

#[tokio::test]
async fn a_login_at_one_is_a_session_at_the_other_and_outlives_both() {
    let redis = Redis::start();
    let provider = DevProvider::builder()
        .demo_users()
        .client(
            "app",
            Some(ClientSecret::new("the-client's-secret")),
            format!("{BASE}/oauth2/callback"),
        )
        .build();
    provider.habit(Habit::RefreshTokenUnasked);
    provider.listen(0).await.unwrap();
    let (issuer, port) = (provider.issuer(), redis.port);
    let upstream = format!("http://{}", mirror().await);
    let ours = [
        ("OIDC_GATE_ISSUER_URL", &*issuer),
        ("OIDC_GATE_CLIENT_ID", "app"),
        ("OIDC_GATE_CLIENT_SECRET", "the-client's-secret"),
        ("OIDC_GATE_BASE_URL", BASE),
        (
            "OIDC_GATE_COOKIE_SECRET",
            "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=",
        ),
        (
            "OIDC_GATE_STORE",
            &format!("redis://:the%2Fredis%40password@127.0.0.1:{port}"),
        ),
        (
            "OIDC_GATE_GUARANTEES",
            "sign_out_in_all_replicas,one_refresh_in_all_replicas",
        ),
        ("OIDC_GATE_ADDRESS", "127.0.0.1:0"),
        ("OIDC_GATE_UPSTREAMS", &upstream),
        ("OIDC_GATE_IDENTITY_HEADERS", "forwarded"),
    ];
    let theirs = [
        ("OAUTH2_PROXY_OIDC_ISSUER_URL", &*issuer),
        ("OAUTH2_PROXY_CLIENT_ID", "app"),
        ("OAUTH2_PROXY_CLIENT_SECRET", "the-client's-secret"),
        ("OAUTH2_PROXY_COOKIE_SECRET", "someSecret123456"),
        ("OAUTH2_PROXY_COOKIE_REFRESH", "1h"),
        ("OAUTH2_PROXY_SESSION_STORE_TYPE", "redis"),
        (
            "OAUTH2_PROXY_REDIS_CONNECTION_URL",
            &format!("redis://127.0.0.1:{port}"),
        ),
        ("OAUTH2_PROXY_REDIS_PASSWORD", PASSWORD),
        ("OAUTH2_PROXY_PASS_ACCESS_TOKEN", "true"),
        ("OAUTH2_PROXY_HTTP_ADDRESS", "127.0.0.1:0"),
        ("OAUTH2_PROXY_UPSTREAMS", &upstream),
        (
            "OAUTH2_PROXY_REDIRECT_URL",
            "http://localhost:4180/oauth2/callback",
        ),
    ];
    for (variables, has_token) in [(&ours[..], false), (&theirs[..], true)] {
        let (mut first, second) = (
            Program::start(variables).await,
            Program::start(variables).await,
        );
        let at = Arc::new(Mutex::new(first.address));
        let mut browser = browser(&provider, &at);
        browser.get(&format!("{BASE}/me")).await;
        let page = browser.sign_in_as("alice").await;
        assert_eq!(page.url, format!("{BASE}/me"), "{}", first.logged());
        let token = header(&page.body, "x-forwarded-access-token");
        assert_eq!(token.is_some(), has_token, "{}", page.body);
        // The cookie names the session, and holds nothing of it.
        let cookies = browser.cookies(BASE);
        let of_session = cookies.iter().find(|cookie| !cookie.name.contains('-'));
        assert!(
            of_session.is_none_or(|cookie| cookie.value.len() < 200),
            "{cookies:?}"
        );
        for next in [second, Program::start(variables).await] {
            *at.lock().unwrap() = next.address;
            let page = browser.get(&format!("{BASE}/me")).await;
            assert_eq!(page.url, format!("{BASE}/me"));
            let user = header(&page.body, "x-forwarded-user");
            assert_eq!(user.as_deref(), Some("alice"), "{}", page.body);
            assert_eq!(header(&page.body, "x-forwarded-access-token"), token);
        }
    }
    drop(redis);
}
