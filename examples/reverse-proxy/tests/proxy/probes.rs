//! What is answered in front of the gate, and how little that is.

use crate::world::{World, header, mirror, mirrored, settings, world_with};
use oidc_gate_tower::{
    GateBuilder,
    core::time::UnixTime,
    dev::{DevProvider, Fault},
    testing::ManualClock,
};
use reverse_proxy::{Server, serve_metrics};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

async fn probed(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    let mut server = Server::default();
    server.probes.ping = Some("/ping".to_owned());
    server.probes.ready = Some("/ready".to_owned());
    world_with(settings(mirror().await), server, build).await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_else(|| panic!("{answer:?}"))
}

fn text(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn a_probe_is_answered_whatever_its_headers_say() {
    let w = probed(|gate| gate).await;
    for path in ["/ping", "/ready", "/ping?x=1", "/ready?"] {
        for headers in [
            "Host: 10.0.0.7:4180\r\n",
            "",
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nAuthorization: Bearer x\r\nCookie: y=z\r\nOrigin: https://evil.example\r\n",
            "Host: a\r\nUser-Agent: kube-probe/1.31\r\nX-Forwarded-For: 1.2.3.4\r\n",
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
            let answer = w.raw(&request).await;
            assert_eq!(
                (status(&answer), text(&answer)),
                ("200", "OK\n"),
                "{request}"
            );
            assert_eq!(header(&answer, "set-cookie"), None);
            assert_eq!(
                header(&answer, "cache-control").as_deref(),
                Some("no-store")
            );
        }
        let answer = w.ask(&format!("HEAD {path}"), "").await;
        assert_eq!((status(&answer), text(&answer)), ("200", ""), "{path}");
    }
    // Whoever is signed in reaches no upstream there either.
    let alice = w.alice().await;
    assert_eq!(text(&w.ask("GET /ping", &alice).await), "OK\n");
    let old = w.raw("GET /ping HTTP/1.0\r\n\r\n").await;
    assert_eq!((status(&old), text(&old)), ("200", "OK\n"));
}

#[tokio::test]
async fn nothing_else_is_a_probe() {
    let w = probed(|gate| gate).await;
    let own_word =
        "User-Agent: GoogleHC/1.0\r\nX-Original-URI: /ping\r\nX-HTTP-Method-Override: GET\r\n";
    for line in [
        "GET /",
        "GET /ping/",
        "GET /ping/x",
        "GET //ping",
        "GET /PING",
        "GET /%70ing",
        "GET /ping%3f",
        "GET /ping;a",
        "GET /./ping",
        "GET /a/../ping",
        "GET /ready/",
        "GET /app?/ping",
        "POST /ping",
        "POST /ready",
        "PUT /ping",
        "OPTIONS /ping",
        "DELETE /ready",
    ] {
        let answer = w.ask(line, own_word).await;
        assert!(
            ["400", "401", "403"].contains(&status(&answer)),
            "{line}: {answer}"
        );
    }
    // It goes the way of every request.
    let alice = format!("{}Sec-Fetch-Site: same-origin\r\n", w.alice().await);
    let answer = w.ask("POST /ping", &alice).await;
    assert!(mirrored(&answer).starts_with("POST /ping HTTP/1.1\r\n"));
}

#[tokio::test]
async fn without_being_set_there_are_none() {
    let w = world_with(settings(mirror().await), Server::default(), |gate| gate).await;
    for path in ["/ping", "/ready"] {
        assert_eq!(status(&w.ask(&format!("GET {path}"), "").await), "401");
    }
    let answer = w.ask("GET /ping", &w.alice().await).await;
    assert!(mirrored(&answer).starts_with("GET /ping HTTP/1.1\r\n"));
}

#[tokio::test]
async fn who_asks_often_makes_nobody_ask_the_provider_often() {
    let provider = DevProvider::demo();
    provider.fault(Fault::Unreachable);
    let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
    let of_gate = clock.clone();
    let w = probed(|gate| gate.dev_provider(&provider).clock(of_gate)).await;
    for _ in 0..20 {
        let answer = w.ask("GET /ready", "").await;
        assert_eq!((status(&answer), text(&answer)), ("503", "not ready\n"));
        assert_eq!(header(&answer, "retry-after").as_deref(), Some("5"));
        assert_eq!(status(&w.ask("GET /ping", "").await), "200");
    }
    let asked =
        "oidc_gate_provider_requests_total{endpoint=\"metadata\",outcome=\"no_answer\"} 1\n";
    assert!(w.gate.metrics().contains(asked), "{}", w.gate.metrics());
    provider.clear_faults();
    clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(status(&w.ask("GET /ready", "").await), "200");
}

/// What the listener for metrics answers.
async fn ask(at: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_and_nothing_else_is() {
    let w = probed(|gate| gate).await;
    w.ask("GET /me", "").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(serve_metrics(w.gate.clone(), listener));
    let answer = ask(at, "GET /metrics").await;
    assert_eq!(status(&answer), "200");
    assert_eq!(
        header(&answer, "content-type").as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        text(&answer).contains("oidc_gate_requests_total{verdict=\"refused\"} 1\n"),
        "{answer}"
    );
    assert_eq!(text(&ask(at, "HEAD /metrics").await), "");
    for (line, expected) in [
        ("GET /", "404"),
        ("GET /me", "404"),
        ("GET /metrics/", "404"),
        ("POST /metrics", "405"),
    ] {
        assert_eq!(status(&ask(at, line).await), expected, "{line}");
    }
    // Nor are they where the application is.
    assert_eq!(status(&w.ask("GET /metrics", "").await), "401");
}
