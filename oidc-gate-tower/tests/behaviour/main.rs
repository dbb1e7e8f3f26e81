//! What the gate does with a request, case by case: `testdata/behaviour/` says what comes in and what comes of it. Here the
//! gate stands around a service in the same process; `examples/reverse-proxy` holds the same table against a socket.
//!
//! Every request is made twice, the second time with headers that name another caller, path and method.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod complete;
mod table;
mod world;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{Anonymous, Gate, GateLayer, PeerAddr, Principal};
use std::{convert::Infallible, net::SocketAddr};
use table::{Answer, Case, Lines, Seen, cases, problems};
use tower::{Layer as _, ServiceExt as _, service_fn};
use world::{World, data};

/// From this package on.
const DATA: &str = "testdata/behaviour";

#[tokio::test]
async fn what_is_answered_is_what_the_table_says() {
    let mut world = World::new(&data());
    let mut wrong = Vec::new();
    for (area, case) in cases(&data()) {
        let config = world.configuration(&case.config);
        for forged in [false, true] {
            let (answer, seen) = ask(&mut world, &case, forged).await;
            let found = problems(&case, &config, case.status, &answer, seen.as_ref());
            if !found.is_empty() {
                wrong.push(case.told(area, forged, &found));
                break;
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases are otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn ask(world: &mut World, case: &Case, forged: bool) -> (Answer, Option<Seen>) {
    let gate = world.gate(&case.config);
    // Whoever waits for the provider's metadata is answered like everybody else, later.
    let headers = world.headers(case, forged).await;
    let (method, target) = case.request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let request = request
        .header("host", "app.test")
        .body(Full::from(case.body.clone()))
        .unwrap();
    let from: SocketAddr = format!("{}:4711", case.from).parse().unwrap();
    let (parts, body, seen) = pass(&gate, request, from).await;
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: lines(&parts.headers),
        body,
    };
    (answer, seen)
}

async fn pass(
    gate: &Gate,
    mut request: Request<Full<Bytes>>,
    from: SocketAddr,
) -> (http::response::Parts, String, Option<Seen>) {
    request.extensions_mut().insert(PeerAddr(from));
    let service = GateLayer::new(gate).layer(service_fn(inner));
    let Ok(response) = service.oneshot(request).await;
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = parts.extensions.remove::<Seen>();
    (parts, String::from_utf8(body.into()).unwrap(), seen)
}

/// Remembers what it sees.
async fn inner(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let extensions = request.extensions();
    let who = match extensions.get::<Principal>() {
        Some(principal) => principal.subject(),
        None if extensions.get::<Anonymous>().is_some() => "nobody",
        None => "unseen",
    };
    let seen = Seen {
        who: Some(who.to_owned()),
        target: request.uri().to_string(),
        headers: lines(request.headers()),
    };
    let mut response = Response::new(Full::from("inner"));
    response.extensions_mut().insert(seen);
    Ok(response)
}

fn lines(headers: &HeaderMap) -> Lines {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Lines(
        headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
    )
}
