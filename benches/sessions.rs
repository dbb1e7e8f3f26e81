//! Prints what keeping a session costs. `cargo bench -p oidc-gate-benches --bench sessions`; see `README.md`.

use oidc_gate_benches::{
    keeping::Way,
    measure::{Effort, Times},
    redis::Redis,
    requests::Row,
    sessions::{STORED, after_a_bare_get, figures, live, round_trips, writes},
    setting::Setting,
};

/// A gate that asks nobody, woken up by what it does not need.
const AFTER_GET: &str = "a cookie session with tokens after a bare `GET` of as much";

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let (effort, times) = match quick {
        true => (Effort::QUICK, 5),
        false => (Effort::FULL, 301),
    };
    let redis = Redis::start();
    let ways = || Way::IN_PROCESS.into_iter().chain(Way::WITH_REDIS);
    let mut rows: Vec<Row> = ways().map(|way| live(way, Some(&redis))).collect();
    let mut after_get = after_a_bare_get(&redis);
    let pairs = (rows.iter_mut())
        .flat_map(|Row { gated, bare, .. }| [gated, bare])
        .chain(&mut after_get);
    let taken = Times::take(pairs, effort);

    println!("\n{}\n", Setting::here_and_now());
    println!("| a request with a live session | own ns | own allocations | own bytes |");
    println!("|---|--:|--:|--:|");
    for (n, row) in rows.iter_mut().enumerate() {
        let own = row.own_allocations();
        let ns = taken.median(|t| t[2 * n] - t[2 * n + 1]);
        println!("| {} | {ns:.0} | {} | {} |", row.name, own.count, own.bytes);
    }
    // What waits for an answer goes on with cold caches, whatever it does then: so all wait, and all are whole requests.
    let bare = 2 * rows.len();
    let get = taken.median(|t| t[bare]);
    println!(
        "\n- a request to the bare application after a bare `GET` of as much: {get:.0} ns in all"
    );
    let waiting = rows.iter().position(|row| row.name == STORED);
    let waiting = waiting.map(|n| (STORED, 2 * n));
    for (name, n) in waiting.into_iter().chain([(AFTER_GET, bare + 1)]) {
        let (ns, times) = (taken.median(|t| t[n]), taken.median(|t| t[n] / t[bare]));
        println!("- {name}: {ns:.0} ns in all, {times:.2} times that");
    }
    drop(rows);

    println!("\n| what begins and renews one | ns | allocations | bytes |");
    println!("|---|--:|--:|--:|");
    let of_stores = ways().flat_map(|way| writes(way, Some(&redis), times));
    let of_gates = ways().flat_map(|way| figures(way, Some(&redis), times));
    for figure in of_stores.chain(of_gates) {
        let all = figure.allocated;
        println!(
            "| {} | {:.0} | {} | {} |",
            figure.name, figure.ns, all.count, all.bytes
        );
    }

    println!("\n| commands to Redis | login | request | the next | refresh | sign-out |");
    println!("|---|---|---|---|---|---|");
    // One of its own: in the other, the user has as many sessions by now as are listed of anybody, and one by a clock that is
    // behind is the first to go.
    let redis = Redis::start();
    for way in Way::WITH_REDIS {
        let sent = round_trips(way, &redis);
        println!(
            "| {way} | {} | {} | {} | {} | {} |",
            sent.login, sent.request, sent.again, sent.refresh, sent.sign_out
        );
    }
}
