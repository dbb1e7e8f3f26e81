//! Prints what keeping a session costs. `cargo bench -p oidc-gate-benches --bench sessions`; see `README.md`.

use oidc_gate_benches::{
    keeping::Way,
    measure::{Effort, Times},
    redis::Redis,
    requests::Row,
    sessions::{STORED, figures, live, round_trips, writes},
    setting::Setting,
};

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let (effort, times) = match quick {
        true => (Effort::QUICK, 5),
        false => (Effort::FULL, 301),
    };
    let redis = Redis::start();
    let ways = || Way::IN_PROCESS.into_iter().chain(Way::WITH_REDIS);
    let mut rows: Vec<Row> = ways().map(|way| live(way, Some(&redis))).collect();
    let mut bare_get = redis.bare_get();
    let pairs = (rows.iter_mut())
        .flat_map(|Row { gated, bare, .. }| [gated, bare])
        .chain([&mut bare_get]);
    let taken = Times::take(pairs, effort);

    println!("\n{}\n", Setting::here_and_now());
    println!("| a request with a live session | own ns | own allocations | own bytes |");
    println!("|---|--:|--:|--:|");
    for (n, row) in rows.iter_mut().enumerate() {
        let own = row.own_allocations();
        let ns = taken.median(|t| t[2 * n] - t[2 * n + 1]);
        println!("| {} | {ns:.0} | {} | {} |", row.name, own.count, own.bytes);
    }
    let bare = 2 * rows.len();
    let get = taken.median(|t| t[bare]);
    println!("| a bare `GET` of the longest of these values, by the same client | {get:.0} | | |");
    for (n, row) in rows.iter().enumerate() {
        if row.name == STORED {
            let times = taken.median(|t| (t[2 * n] - t[2 * n + 1]) / t[bare]);
            println!("\n- {STORED}: {times:.2} times a bare `GET`");
        }
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
