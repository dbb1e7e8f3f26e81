//! What those ask who run the application: probes, metrics, and who the caller was.

use crate::world::{APP, ISSUER, NAVIGATION, World, world, world_with};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use oidc_gate_tower::{
    Bearer, CallerInfo, Demand, Gate, GateBody, GateLayer, MetricsEndpoint, OriginalTarget,
    PeerAddr,
    core::{identity::Via, peers::Peers},
};
use std::convert::Infallible;
use tower::{Layer as _, ServiceExt as _};

const PROBE: &[(&str, &str)] = &[("user-agent", "GoogleHC/1.0"), ("accept", "*/*")];

#[tokio::test]
async fn a_ping_is_answered_to_whoever_asks_and_nothing_else_becomes_one() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(24 * 360);
    for headers in [PROBE, NAVIGATION, &[], &[("cookie", &*cookies)]] {
        for method in ["GET", "HEAD"] {
            let answer = w.request(method, "/oauth2/ping", headers).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "OK\n"));
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(answer.header("cache-control"), "no-store");
            // A session that is due to be written down is not looked at here.
            assert!(answer.set_cookies().is_empty());
        }
    }
    assert_eq!(w.request("POST", "/oauth2/ping", PROBE).await.status, 405);
    for path in ["/me", "/oauth2/userinfo", "/oauth2/ping/", "/oauth2/pin"] {
        let answer = w.request("GET", path, PROBE).await;
        assert!(matches!(answer.status, 401 | 404), "{path}");
    }
}

#[tokio::test]
async fn whoever_asks_often_whether_it_is_ready_makes_nobody_ask_the_provider_often() {
    let w = world();
    w.wire
        .tamper(|_, answer| *answer.status_mut() = StatusCode::BAD_GATEWAY);
    for _ in 0..50 {
        let answer = w.request("GET", "/oauth2/ready", PROBE).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, "not ready\n"));
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let asked = w.wire.sent().len();
    // One look-up, at each of the well-known places.
    assert!((1..=2).contains(&asked), "{asked}");
    let log = w.log.text();
    assert!(log.contains("the provider could not be asked"), "{log}");

    let w = world();
    for _ in 0..50 {
        let answer = w.request("GET", "/oauth2/ready", PROBE).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "OK\n"));
    }
    assert_eq!(w.wire.sent().len(), 1);
}

#[tokio::test]
async fn the_metrics_are_off_the_public_path_unless_they_are_asked_for() {
    let network = || Peers::new(["10.0.0.0/8"]).unwrap();
    for (who, peer, status) in [
        (MetricsEndpoint::Off, Some("10.1.2.3:9"), 404),
        (
            MetricsEndpoint::ForPeers(network()),
            Some("10.1.2.3:9"),
            200,
        ),
        (
            MetricsEndpoint::ForPeers(network()),
            Some("[::ffff:10.1.2.3]:9"),
            200,
        ),
        (
            MetricsEndpoint::ForPeers(network()),
            Some("11.1.2.3:9"),
            404,
        ),
        (MetricsEndpoint::ForPeers(network()), None, 404),
        (MetricsEndpoint::ForAnybody, None, 200),
    ] {
        let case = format!("{who:?} {peer:?}");
        let w = world_with(|gate| gate.metrics_endpoint(who));
        let mut request = Request::get("/oauth2/metrics")
            .header("x-forwarded-for", "10.1.2.3")
            .body(Full::default())
            .unwrap();
        if let Some(peer) = peer {
            request
                .extensions_mut()
                .insert(PeerAddr(peer.parse().unwrap()));
        }
        let response = outside(&w, request).await;
        assert_eq!(response.status(), status, "{case}");
        let kind = response.headers().get("content-type");
        let kind = kind.map(|kind| kind.to_str().unwrap());
        let expected = (status == 200).then_some("text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(
            kind.filter(|kind| kind.starts_with("text/plain")),
            expected,
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_login_is_counted_on_its_way() {
    let mut w = world();
    let series = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect::<Vec<_>>()
    };
    let before = series(&w.gate.metrics());
    w.sign_in("alice", "/me").await;
    w.sign_in("bob", "/oauth2/start?rd=/admin").await;
    w.navigate("/oauth2/callback?state=%22%7D%0Aevil%201&code=x")
        .await;
    w.request("GET", "/%22%7D%0Aevil", &[("accept", "evil\"} 1")])
        .await;
    w.browser
        .post_form(&format!("{APP}/oauth2/sign_out"), &[])
        .await;
    let text = w.gate.metrics();
    for line in [
        "oidc_gate_logins_started_total 2",
        "oidc_gate_logins_succeeded_total 2",
        "oidc_gate_logins_failed_total 1",
        "oidc_gate_refusals_total{check=\"request.forbidden\"} 1",
        "oidc_gate_refusals_total{check=\"request.unauthenticated\"} 1",
        "oidc_gate_refusals_total{check=\"callback.state_unknown\"} 1",
        "oidc_gate_sessions_ended_total{by=\"another_user\"} 1",
        "oidc_gate_sessions_ended_total{by=\"sign_out\"} 1",
        "oidc_gate_requests_total{verdict=\"identified\"} 1",
        "oidc_gate_requests_total{verdict=\"log_in\"} 1",
        "oidc_gate_requests_total{verdict=\"refused\"} 2",
        "oidc_gate_provider_requests_total{endpoint=\"metadata\",outcome=\"success\"} 1",
        "oidc_gate_provider_requests_total{endpoint=\"keys\",outcome=\"success\"} 1",
        "oidc_gate_provider_requests_total{endpoint=\"token\",outcome=\"success\"} 2",
        "oidc_gate_provider_request_duration_seconds_count{endpoint=\"token\"} 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    assert_eq!(series(&text), before);
    assert!(!text.contains("evil"));
}

#[tokio::test]
async fn a_response_tells_its_caller_to_whoever_is_outside_and_asks_to_be_told() {
    let mut told = world_with(|gate| gate.caller_in_response_extensions());
    let mut untold = world();
    told.sign_in("bob", "/me").await;
    untold.sign_in("bob", "/me").await;
    // The log of the world that was made last is the one that is kept.
    let user = untold
        .log
        .entries()
        .iter()
        .find(|entry| entry.get("message") == "a user signed in")
        .map(|entry| entry.get("user").to_owned());
    let bob = Some((ISSUER, "bob", Via::Session));
    for (path, who, why, status) in [
        ("/me", bob, None, 200),
        ("/", bob, None, 200),
        ("/admin", bob, Some("request.forbidden"), 403),
        ("/demand", bob, Some("request.forbidden"), 403),
        ("/vault", bob, Some("request.step_up"), 303),
        ("/oauth2/userinfo", bob, None, 200),
        (
            "/oauth2/nothing",
            None,
            Some("request.unknown_endpoint"),
            404,
        ),
        ("/", None, None, 200),
        ("/me", None, Some("request.unauthenticated"), 303),
        (
            "/oauth2/callback?state=x&code=y",
            None,
            Some("callback.state_unknown"),
            400,
        ),
    ] {
        for (w, tells) in [(&told, true), (&untold, false)] {
            let mut request = Request::get(path);
            for (name, value) in NAVIGATION {
                request = request.header(*name, *value);
            }
            if who.is_some() {
                request = request.header("cookie", w.cookie_line());
            }
            let response = outside(w, request.body(Full::default()).unwrap()).await;
            assert_eq!(response.status(), status, "{path}");
            let info = response.extensions().get::<CallerInfo>();
            assert_eq!(info.is_some(), tells, "{path}");
            let Some(info) = info else { continue };
            let seen = info.issuer().zip(info.subject()).zip(info.via());
            assert_eq!(seen.map(|((iss, sub), via)| (iss, sub, via)), who, "{path}");
            assert_eq!(info.check().map(|check| check.id()), why, "{path}");
            assert_eq!(
                info.user(),
                user.clone().filter(|_| who.is_some()),
                "{path}"
            );
            // What is printed by accident names nobody.
            assert!(!format!("{info:?}").contains("bob"), "{info:?}");
            assert!(
                !format!("{:?}", response.headers()).contains("bob"),
                "{path}"
            );
        }
    }
}

/// What a layer around the gate sees.
async fn outside(w: &World, request: Request<Full<Bytes>>) -> Response<GateBody<Full<Bytes>>> {
    let app = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let mut response = Response::new(Full::default());
        if request.uri().path() == "/demand" {
            let (parts, _) = request.into_parts();
            let target = OriginalTarget::Whole.of(&parts.uri);
            let unmet = oidc_gate_tower::Unmet::Forbidden {
                requirement: "group staff".into(),
                scopes: Vec::new(),
            };
            response = Demand::of(&parts.method, &parts.headers, target)
                .unmet(unmet, Via::Session)
                .plain();
        }
        Ok::<_, Infallible>(response)
    });
    let service = GateLayer::new(&w.gate).layer(app);
    let Ok(response) = service.oneshot(request).await;
    response
}

#[tokio::test]
async fn the_provider_is_asked_under_the_eyes_of_the_log() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let asked: Vec<_> = w
        .log
        .entries()
        .iter()
        .filter(|entry| entry.get("message") == "the provider was asked")
        .map(|entry| {
            (
                entry.get("endpoint").to_owned(),
                entry.get("status").to_owned(),
            )
        })
        .collect();
    let expected = ["metadata", "token", "keys"].map(|name| (name.to_owned(), "200".to_owned()));
    assert_eq!(asked, expected);
    let sent = w.log.entries();
    let sent: Vec<_> = sent
        .iter()
        .filter(|entry| entry.get("message") == "a browser was sent to the provider")
        .map(|entry| entry.get("issuer"))
        .collect();
    assert_eq!(sent, [ISSUER]);
}

/// The messages that the guide names are those that are written, and the checks are there.
#[test]
fn the_guide_names_events_and_checks_that_exist() {
    fn all(directory: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all(&path, text);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut code = String::new();
    all(source.as_ref(), &mut code);
    let guide = include_str!("../../src/observability.md");
    let events = guide.split_once("| message | level | fields |").unwrap().1;
    let events = events.split_once("\n\n").unwrap().0.lines().skip(2);
    let messages: Vec<_> = events.map(|line| line.split('`').nth(1).unwrap()).collect();
    assert_eq!(messages.len(), 20);
    for message in messages {
        assert!(code.contains(&format!("\"{message}\"")), "{message}");
    }
    for check in guide.split("check=\"").skip(1) {
        let id = check.split('"').next().unwrap();
        let exists = oidc_gate_tower::Check::ALL
            .iter()
            .any(|check| check.id() == id);
        assert!(exists, "{id}");
    }
}

#[tokio::test]
async fn a_gate_without_logins_has_what_operations_need_and_no_page_of_a_login() {
    let mut w = world();
    w.gate = Gate::builder()
        .issuer(ISSUER)
        .bearer(Bearer::audience("https://api.example"))
        .http_client(w.wire.clone())
        .clock(w.clock.clone())
        .metrics_endpoint(MetricsEndpoint::ForAnybody)
        .build()
        .unwrap();
    for (path, status) in [
        ("/oauth2/ping", 200),
        ("/oauth2/ready", 200),
        ("/oauth2/metrics", 200),
        ("/oauth2/sign_in", 404),
        ("/oauth2/start", 404),
        ("/oauth2/callback", 404),
        ("/oauth2/sign_out", 404),
        ("/me", 401),
    ] {
        let answer = w.navigate(path).await;
        assert_eq!(answer.status, status, "{path}");
        // Nobody is led to a login that there is none of.
        assert!(!answer.body.contains("href"), "{path} {}", answer.body);
    }
    assert!(
        w.gate
            .metrics()
            .contains("{check=\"request.unknown_endpoint\"} 4\n")
    );
}
