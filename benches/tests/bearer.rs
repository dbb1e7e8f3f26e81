//! What the gate keeps of bearer tokens: of those that nobody signed and of keys that nobody has, nothing, however many are
//! shown; of good ones, no more than there is room for.

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use oidc_gate_axum::{GateExt as _, GateService, Protected, core::jose::Alg, dev::DevProvider};
use oidc_gate_benches::{
    allocations::held_after,
    bearer::{authorization, gate, token},
};
use std::{cell::RefCell, time::Duration};
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// How many requests nobody has a right to.
const MANY: usize = 100_000;
/// More good tokens than there is room for: that is about 14 000 of these.
const GOOD: u64 = 20_000;
const HOUR: Duration = Duration::from_secs(3600);

/// What tables may have grown by, whatever is in them.
const LEAST: i64 = 16 * 1024;
/// What good tokens may take: 16 MiB of tokens, and what is known of each, which is about as large as the token.
const MOST: i64 = 48 * 1024 * 1024;

/// A gate that knows its issuer's keys, asked as a client asks.
struct World {
    runtime: Runtime,
    app: RefCell<Protected<GateService<Router>>>,
    provider: DevProvider,
    /// One that the gate knows.
    good: HeaderValue,
}

impl World {
    fn new(alg: Alg) -> Self {
        let (gate, provider) = gate(alg);
        let app = gate.protect(Router::new().route("/me", get(|| async { "hello" })));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let good = token(&provider, 0, HOUR);
        let world = Self {
            runtime: runtime.unwrap(),
            app: app.into(),
            provider,
            good,
        };
        // Whatever is made once is made now.
        assert_eq!(world.show(&world.good), 200);
        world
    }

    fn show(&self, authorization: &HeaderValue) -> u16 {
        let request = Request::get("/me")
            .header("host", "localhost")
            .header(AUTHORIZATION, authorization)
            .body(Body::empty())
            .unwrap();
        let answer = self.runtime.block_on(self.app.borrow_mut().call(request));
        answer.unwrap().status().as_u16()
    }
}

/// The same token with another signature: of the right form, and nobody's.
fn unsigned(token: &HeaderValue, number: usize) -> HeaderValue {
    let text = token.to_str().unwrap();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let number = format!("{number:06}");
    let (before, after) = (&signature[..10], &signature[10 + number.len()..]);
    let signature = format!("{before}{number}{after}");
    HeaderValue::try_from(format!("{signed}.{signature}")).unwrap()
}

/// A token of nobody's, whose key has that name.
fn of_key(claims: &str, key: &str) -> HeaderValue {
    let header = format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{key}"}}"#);
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    authorization(&format!(
        "{}.{claims}.{}",
        base64(&header),
        base64(&"s".repeat(64))
    ))
}

#[test]
fn a_hundred_thousand_tokens_that_nobody_signed_leave_nothing_behind() {
    let world = World::new(Alg::RS256);
    assert_eq!(world.show(&unsigned(&world.good, MANY)), 401);
    let held = held_after(|| {
        for number in 0..MANY {
            assert_eq!(world.show(&unsigned(&world.good, number)), 401);
        }
    });
    assert!(held < LEAST, "{held} bytes are held");
    assert_eq!(world.show(&world.good), 200);
}

#[test]
fn a_hundred_thousand_keys_that_nobody_has_leave_nothing_behind() {
    let world = World::new(Alg::ES256);
    let text = world.good.to_str().unwrap();
    let claims = text.split('.').nth(1).unwrap();
    assert_eq!(world.show(&of_key(claims, "first")), 401);
    let held = held_after(|| {
        for number in 0..MANY {
            assert_eq!(world.show(&of_key(claims, &format!("key-{number}"))), 401);
        }
    });
    assert!(held < LEAST, "{held} bytes are held");
    assert_eq!(world.show(&world.good), 200);
}

#[test]
fn more_good_tokens_than_there_is_room_for_take_no_more_than_is_stated() {
    let world = World::new(Alg::ES256);
    let held = held_after(|| {
        for number in 1..GOOD {
            assert_eq!(world.show(&token(&world.provider, number, HOUR)), 200);
        }
    });
    println!("{GOOD} good tokens: {held} bytes are held");
    assert!(LEAST < held && held < MOST, "{held} bytes are held");
}
