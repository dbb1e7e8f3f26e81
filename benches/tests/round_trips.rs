//! How often the gate asks Redis. A round trip is what a request waits for, so a change that adds one has to say so here.

use oidc_gate_benches::{keeping::Way, redis::Redis, sessions::round_trips};

/// A login, the first request after it, the next, a request that refreshes, a sign-out. A swap is one `EVALSHA`.
const SENT: &[(Way, [&str; 5])] = &[
    (
        Way::Redis,
        [
            "4 EVALSHA, 5 GET",
            "1 GET",
            "1 GET",
            "2 EVALSHA, 3 GET",
            "2 EVALSHA, 3 GET",
        ],
    ),
    (
        Way::CachedRedis,
        [
            "4 EVALSHA, 4 GET",
            "none",
            "none",
            "2 EVALSHA, 2 GET",
            "2 EVALSHA, 2 GET",
        ],
    ),
    (
        Way::CookiesAndRedis,
        [
            "3 EVALSHA, 4 GET",
            "1 GET",
            "1 GET",
            "2 EVALSHA, 3 GET",
            "2 EVALSHA, 3 GET",
        ],
    ),
];

#[test]
fn every_operation_sends_what_is_stated_and_no_more() {
    let redis = Redis::start();
    for (way, stated) in SENT {
        let sent = round_trips(*way, &redis);
        let sent = [
            sent.login,
            sent.request,
            sent.again,
            sent.refresh,
            sent.sign_out,
        ];
        assert_eq!(sent.map(|sent| sent.to_string()), *stated, "{way}");
    }
}
