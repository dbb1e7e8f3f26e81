//! What upstreams get, and what browsers do.

use crate::world::{header, mirror, mirrored, settings, upstream, world, world_with};
use oidc_gate_tower::Peers;
use reverse_proxy::{Host, Paths, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const FORGED: &str =
    "X-Forwarded-User: root\r\nX_Forwarded_Email: root@example.com\r\nRemote-User: root\r\n";

#[tokio::test]
async fn an_upstream_is_told_who_the_caller_is_and_by_nobody_else() {
    let w = world(mirror().await).await;
    let alice = w.alice().await;
    let answer = w.ask("GET /a?b=c", &format!("{alice}{FORGED}")).await;
    let got = mirrored(&answer);
    assert!(got.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{got}");
    for (name, value) in [
        ("x-forwarded-user", Some("alice")),
        ("x-forwarded-email", Some("alice@example.com")),
        ("x_forwarded_email", None),
        ("x-forwarded-groups", Some("a%2C%20b")),
        ("remote-user", None),
        ("cookie", None),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("x-forwarded-host", Some("app.example")),
        ("host", Some("app.example")),
        ("via", Some("1.1 oidc-gate")),
    ] {
        assert_eq!(header(got, name).as_deref(), value, "{name}: {got}");
    }
    for path in ["/open/x", "/bypass/x"] {
        let answer = w.ask(&format!("GET {path}"), FORGED).await;
        assert_eq!(header(mirrored(&answer), "x-forwarded-user"), None);
        assert_eq!(header(mirrored(&answer), "remote-user"), None);
    }
    w.end().await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_reaches_no_upstream() {
    let w = world(mirror().await).await;
    let browser = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let answer = w.ask("GET /a", browser).await;
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    let answer = w.ask("GET /a", "Accept: application/json\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn what_belongs_to_a_connection_stays_on_it() {
    let w = world(mirror().await).await;
    let alice = w.alice().await;
    let hop = "Connection: X-Custom, x-forwarded-user\r\nX-Custom: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nProxy-Authorization: Basic eDp5\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n";
    let answer = w.ask("GET /a", &format!("{alice}{hop}")).await;
    let got = mirrored(&answer);
    for (name, value) in [
        ("x-custom", None),
        ("keep-alive", None),
        ("proxy-authorization", None),
        ("upgrade", None),
        ("http2-settings", None),
        ("te", Some("trailers")),
        ("x-forwarded-user", Some("alice")),
    ] {
        assert_eq!(header(got, name).as_deref(), value, "{name}: {got}");
    }
    for name in ["x-hop", "keep-alive"] {
        assert_eq!(header(&answer, name), None, "{answer}");
    }
    let te = format!("{alice}Connection: TE\r\nTE: gzip, trailers\r\n");
    let answer = w.ask("GET /a", &te).await;
    assert_eq!(header(mirrored(&answer), "te").as_deref(), Some("trailers"));
}

#[tokio::test]
async fn a_body_and_its_trailers_pass_without_those_that_name_anybody() {
    let w = world(mirror().await).await;
    let headers = "Transfer-Encoding: chunked\r\nTrailer: X-Sum, X-Forwarded-User\r\nTE: trailers\r\nSec-Fetch-Site: same-origin\r\n";
    let body = "4\r\ndata\r\n0\r\nX-Sum: 17\r\nX-Forwarded-User: root\r\n\r\n";
    let alice = w.alice().await;
    let bytes =
        format!("POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{alice}{headers}\r\n{body}");
    let answer = w.raw(&bytes).await;
    let got = mirrored(&answer);
    let (_, body) = got.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body.to_lowercase(),
        "4\r\ndata\r\n0\r\nx-sum: 17\r\n\r\n",
        "{got}"
    );

    let counted = format!(
        "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\nSec-Fetch-Site: same-origin\r\n{alice}\r\ndata"
    );
    let answer = w.raw(&counted).await;
    assert_eq!(
        header(mirrored(&answer), "content-length").as_deref(),
        Some("4")
    );
    assert!(answer.ends_with("\r\n\r\ndata"), "{answer}");
}

#[tokio::test]
async fn a_path_passes_as_it_came_and_not_at_all_where_it_could_be_another() {
    let upstream = mirror().await;
    let w = world(upstream).await;
    let mut any = settings(upstream);
    any.paths = Paths::DangerAny;
    let lax = world_with(any, Server::default(), |gate| gate).await;
    for path in [
        "/a%2fb",
        "/a/../b",
        "//a",
        "/a/./b",
        "/a;b",
        "/%61",
        "/a%00",
        "/a\\b",
        "/open/..%2fa",
    ] {
        let answer = w.ask(&format!("GET {path}"), &w.alice().await).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        let answer = lax.ask(&format!("GET {path}"), &lax.alice().await).await;
        assert!(
            mirrored(&answer).starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{answer}"
        );
    }
    for path in ["/a%20b?c=%2f..", "/%C3%A9", "/a?x=//y;z", "/"] {
        let answer = w.ask(&format!("GET {path}"), &w.alice().await).await;
        assert!(
            mirrored(&answer).starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn where_a_request_came_from_is_believed_of_proxies_that_are_named() {
    let upstream = mirror().await;
    let claims = "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\nX-Forwarded-Prefix: /x\r\n";
    let proxies = Peers::new(["127.0.0.1"]).unwrap();
    let mut theirs = settings(upstream);
    theirs.host = Host::Upstreams;
    let inner = world_with(theirs, Server::default(), |gate| {
        gate.trusted_proxies(proxies)
    })
    .await;
    let answer = inner.ask("GET /open/a", claims).await;
    let got = mirrored(&answer);
    for (name, value) in [
        ("x-forwarded-for", Some("198.51.100.1, 127.0.0.1")),
        ("x-forwarded-proto", Some("https")),
        ("x-forwarded-host", Some("public.example")),
        ("x-forwarded-prefix", None),
        ("host", Some(&*upstream.to_string())),
    ] {
        assert_eq!(header(got, name).as_deref(), value, "{name}");
    }
    let edge = world(upstream).await;
    let answer = edge.ask("GET /open/a", claims).await;
    assert_eq!(
        header(mirrored(&answer), "x-forwarded-for").as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(
        header(mirrored(&answer), "x-forwarded-proto").as_deref(),
        Some("http")
    );
}

#[tokio::test]
async fn an_upstream_that_is_not_there_or_says_nothing_is_answered_for_in_few_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let w = world(gone).await;
    let answer = w.ask("GET /open/a", "Accept: text/html\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.ends_with("<h1>bad gateway</h1>\n"), "{answer}");

    // It reads, so an upload makes progress, and then nothing happens but that time runs by itself.
    let silent = upstream(async |mut stream| {
        crate::world::read_head(&mut stream).await;
        tokio::time::pause();
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let limit = settings(silent).answer_timeout;
    let w = world(silent).await;
    let begun = tokio::time::Instant::now();
    let answer = w.ask("GET /open/a", "").await;
    assert!(begun.elapsed() >= limit);
    tokio::time::resume();
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(
        answer.ends_with("{\"error\":\"gateway timeout\"}\n"),
        "{answer}"
    );
    assert!(!answer.contains(&silent.to_string()), "{answer}");
}

#[tokio::test]
async fn an_answer_that_has_begun_may_take_its_time_and_streams() {
    let (go, wait) = tokio::sync::watch::channel(());
    let slow = upstream(move |mut stream| {
        let mut wait = wait.clone();
        async move {
            let _ = crate::world::read_head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
                .await;
            // The rest is only sent once the beginning has arrived, and much later.
            let _ = wait.changed().await;
            let _ = stream.write_all(b"cd").await;
        }
    })
    .await;
    let limit = settings(slow).answer_timeout;
    let w = world(slow).await;
    let mut stream = w.connect().await;
    stream
        .write_all(b"GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let (head, mut body) = crate::world::read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    while body.len() < 2 {
        let mut more = [0; 2];
        let read = stream.read(&mut more).await.unwrap();
        body.extend_from_slice(&more[..read]);
    }
    assert_eq!(body, b"ab");
    tokio::time::pause();
    tokio::time::advance(3 * limit).await;
    tokio::time::resume();
    go.send(()).unwrap();
    let mut rest = [0; 2];
    stream.read_exact(&mut rest).await.unwrap();
    assert_eq!(rest, *b"cd");
}

#[tokio::test]
async fn at_the_end_what_is_underway_is_answered_and_nothing_new() {
    let (arrived, mut seen) = tokio::sync::mpsc::channel::<()>(1);
    let (go, wait) = tokio::sync::watch::channel(());
    let busy = upstream(move |mut stream| {
        let (arrived, mut wait) = (arrived.clone(), wait.clone());
        async move {
            let _ = crate::world::read_head(&mut stream).await;
            arrived.send(()).await.unwrap();
            let _ = wait.changed().await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
                .await;
        }
    })
    .await;
    let w = world(busy).await;
    let address = w.address;
    let mut stream = w.connect().await;
    stream
        .write_all(b"GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    seen.recv().await.unwrap();
    let ending = tokio::spawn(w.end());
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\ndone"), "{answer}");
    ending.await.unwrap();
}
