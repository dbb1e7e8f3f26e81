//! What keeping a session costs, each way: the request that brings one, the login that begins one, the refresh.

use crate::{
    allocations::{self, Allocations},
    keeping::{Way, World},
    measure::Operation,
    redis::{Commands, Redis},
    requests::{Ask, Row, application, user},
};
use http::{HeaderValue, StatusCode};
use oidc_gate_axum::{Identity, SessionBackend as _, testing};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};
use tower_layer::Layer as _;

/// How many requests come at once when a token has ended.
pub const AT_ONCE: usize = 50;

/// The row of a session that is loaded for each request.
pub const STORED: &str = "session in the Redis store";

/// A request with a live session that has tokens, and nothing to be done about them.
pub fn live(way: Way, redis: Option<&Redis>) -> Row {
    let world = World::new(way, redis);
    let session = world.log_in();
    // Whatever is loaded once is.
    assert_eq!(world.request(&session), 0);
    let ask = Ask::of("/me").cookie(&session);
    let given = testing::signed_in(user()).layer(application());
    let name = match way {
        Way::Cookies => "cookie session with tokens",
        Way::Memory => "session in the memory store",
        Way::Redis => STORED,
        Way::CachedRedis => "session in the Redis store, in the local cache",
        Way::CookiesAndRedis => "cookie session with tokens, Redis coordinates",
    };
    match way {
        Way::Cookies | Way::Memory | Way::CachedRedis => Row {
            name,
            gated: {
                let operation = ask.clone().to(world.service.clone(), StatusCode::OK);
                // The connection lives as long as its runtime does.
                operation.beside(world)
            },
            bare: ask.to(given, StatusCode::OK),
        },
        Way::Redis | Way::CookiesAndRedis => {
            let idle = World::new(Way::Cookies, None);
            let service = world.service.clone();
            Row {
                name,
                gated: ask.clone().waiting(world.runtime, service),
                bare: ask.waiting(idle.runtime, given),
            }
        }
    }
}

/// Whole requests that wait for a bare `GET` first and have nothing to do with it: to the application that is given its user
/// for free, and to one behind a gate that keeps its sessions in cookies. The difference is what a gate takes that is woken up.
pub fn after_a_bare_get(redis: &Redis) -> [Operation; 2] {
    let kept = World::new(Way::Redis, Some(redis));
    let ask = Ask::of("/me").cookie(&kept.log_in());
    let given = testing::signed_in(user()).layer(application());
    let given = redis.get_before(&kept.runtime, given);

    let cookies = World::new(Way::Cookies, None);
    let own = Ask::of("/me").cookie(&cookies.log_in());
    let gated = redis.get_before(&cookies.runtime, cookies.service.clone());
    [
        ask.waiting(kept.runtime, given),
        own.waiting(cookies.runtime, gated),
    ]
}

/// What was measured of something that is not done a million times: medians.
#[derive(Debug)]
pub struct Figure {
    /// What was done.
    pub name: String,
    /// How long it took.
    pub ns: f64,
    /// What it allocated.
    pub allocated: Allocations,
}

/// Does `once` so many times with what `prepare` makes, which is not measured.
fn figure<T>(
    name: impl Into<String>,
    times: usize,
    mut prepare: impl FnMut() -> T,
    mut once: impl FnMut(T),
) -> Figure {
    let mut all: Vec<(Duration, Allocations)> = (0..times)
        .map(|_| {
            let given = prepare();
            let mut took = Duration::ZERO;
            let allocated = allocations::during(|| {
                let begun = Instant::now();
                once(given);
                took = begun.elapsed();
            });
            (took, allocated)
        })
        .collect();
    let middle = all.len() / 2;
    all.sort_by_key(|(took, _)| *took);
    let ns = all[middle].0.as_nanos() as f64;
    all.sort_by_key(|(_, allocated)| allocated.count);
    Figure {
        name: name.into(),
        ns,
        allocated: all[middle].1,
    }
}

/// What begins a session, what refreshes it, and what a crowd of requests costs when its tokens have ended.
pub fn figures(way: Way, redis: Option<&Redis>, times: usize) -> [Figure; 3] {
    let world = World::new(way, redis);
    drop(world.log_in());
    let mut users = (0_u64..).map(|n| somebody(&n.to_string()));
    let due = || {
        let session = world.log_in();
        assert_eq!(world.request(&session), 0);
        world.drain();
        world.until_tokens_end();
        session
    };
    [
        figure(
            format!("begin a session, {way}"),
            times,
            || users.next().expect("there is no last number"),
            |user| {
                drop(black_box(
                    world.runtime.block_on(testing::session(&world.gate, user)),
                ))
            },
        ),
        figure(format!("refresh a session, {way}"), times, due, |session| {
            world.request(&session);
        }),
        figure(
            format!("{AT_ONCE} requests at once, tokens ended, {way}"),
            (times / 5).max(1),
            due,
            |session| world.at_once(&session, AT_ONCE),
        ),
    ]
}

/// A value that is new, of so many bytes, into the store alone.
pub fn writes(way: Way, redis: Option<&Redis>, times: usize) -> Vec<Figure> {
    // What only coordinates is the same store as the one that keeps.
    let store = match way {
        Way::CookiesAndRedis => None,
        way => way.store(redis),
    };
    let Some(store) = store else {
        return Vec::new();
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let mut next = 0_u64;
    let mut write = |bytes: usize| {
        let new = || {
            next += 1;
            let mut key = [way as u8; 32];
            key[..8].copy_from_slice(&next.to_be_bytes());
            key[8..16].copy_from_slice(&next.to_le_bytes());
            (key, vec![b'x'; bytes])
        };
        let name = format!("write {} KB, {way}", bytes / 1024);
        figure(name, times, new, |(key, value)| {
            let minute = Duration::from_secs(60);
            let swapped = store.compare_and_swap(&key, 0, value, minute);
            assert_eq!(runtime.block_on(swapped).ok(), Some(true));
        })
    };
    vec![write(1024), write(5 * 1024)]
}

/// What each operation sends to Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTrips {
    /// A login, from the first page to the last.
    pub login: Commands,
    /// The first request after it.
    pub request: Commands,
    /// Another.
    pub again: Commands,
    /// A request whose session has to be refreshed first.
    pub refresh: Commands,
    /// The sign-out.
    pub sign_out: Commands,
}

/// Counts them.
pub fn round_trips(way: Way, redis: &Redis) -> RoundTrips {
    let world = World::new(way, Some(redis));
    // The connection is there, and the server knows the script.
    drop(world.log_in());
    let counted = |work: &mut dyn FnMut()| {
        redis.during(|| {
            work();
            world.drain();
        })
    };
    let mut session = HeaderValue::from_static("");
    let login = counted(&mut || session = world.log_in());
    let request = counted(&mut || assert_eq!(world.request(&session), 0));
    let again = counted(&mut || assert_eq!(world.request(&session), 0));
    world.until_tokens_end();
    let refresh = counted(&mut || {
        world.request(&session);
    });
    let sign_out = counted(&mut || world.sign_out(&session));
    RoundTrips {
        login,
        request,
        again,
        refresh,
        sign_out,
    }
}

/// The user under another name.
fn somebody(subject: &str) -> Identity {
    let groups = ["staff", "engineering", "platform", "on-call"];
    let user = testing::user(subject)
        .name("Alice Liddell")
        .email("alice.liddell@example.com");
    groups
        .into_iter()
        .fold(user, |user, group| user.group(group))
        .build()
}
