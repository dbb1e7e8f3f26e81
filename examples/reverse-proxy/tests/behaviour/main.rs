//! The table of `oidc-gate-tower/testdata/behaviour/` against this proxy: requests over sockets, byte by byte, and an upstream
//! that says what has reached it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod socket;
#[path = "../../../../oidc-gate-tower/tests/behaviour/table.rs"]
mod table;
#[path = "../../../../oidc-gate-tower/tests/behaviour/world.rs"]
mod world;

use socket::{Upstream, ask};
use std::{collections::HashMap, net::SocketAddr};
use table::{cases, problems};
use world::{World, data};

/// From this package on.
const DATA: &str = "../../oidc-gate-tower/testdata/behaviour";

#[tokio::test]
async fn what_is_answered_over_a_socket_is_what_the_table_says() {
    let mut world = World::new(&data());
    let upstream = Upstream::listen().await;
    let mut proxies: HashMap<String, SocketAddr> = HashMap::new();
    let mut wrong = Vec::new();
    for (area, case) in cases(&data()) {
        let config = world.configuration(&case.config);
        if !proxies.contains_key(&case.config) {
            let gate = world.gate(&case.config);
            proxies.insert(
                case.config.clone(),
                socket::proxy(&gate, upstream.address).await,
            );
        }
        for forged in [false, true] {
            let headers = world.headers(&case, forged).await;
            let answer = ask(proxies[&case.config], &case, &headers).await;
            let status = case.at_a_proxy.unwrap_or(case.status);
            let found = problems(&case, &config, status, &answer, upstream.seen().as_ref());
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
