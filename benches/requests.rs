//! Prints what each kind of request costs. `cargo bench -p oidc-gate-benches`; see `README.md`.

use oidc_gate_benches::{
    bearer,
    measure::{Effort, Times},
    requests::{self, Row, SESSION, bare_open, baselines},
    setting::Setting,
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1)
    };
    if let (Some(part), Some(times)) = (after("--only"), after("--repeat")) {
        let bare = words.iter().any(|word| word == "--bare");
        repeat(part, bare, times.parse().expect("--repeat takes a number"));
    } else if words.iter().any(|word| word == "--quick") {
        table(Effort::QUICK);
    } else {
        table(Effort::FULL);
    }
}

/// Every row of the table.
fn rows() -> Vec<Row> {
    let mut rows = requests::rows();
    rows.extend(bearer::rows());
    rows
}

/// Does the request whose name contains `part` so many times and nothing else, with the gate or without: for a profiler.
fn repeat(part: &str, bare: bool, times: u64) {
    let mut row = rows()
        .into_iter()
        .find(|row| row.name.contains(part))
        .expect("--only takes a part of a row's name");
    println!("{times} times: {}", row.name);
    let operation = if bare { &mut row.bare } else { &mut row.gated };
    operation.repeat(times);
}

fn table(effort: Effort) {
    let (mut rows, mut baselines) = (rows(), baselines());
    let (sealed, mut open) = bare_open();
    let pairs = rows
        .iter_mut()
        .flat_map(|Row { gated, bare, .. }| [gated, bare]);
    let rest = baselines.iter_mut().map(|(_, operation)| operation);
    let times = Times::take(pairs.chain([&mut open]).chain(rest), effort);
    let at_open = rows.len() * 2;

    println!("\n{}\n", Setting::here_and_now());
    println!(
        "| request | own ns | own allocations | own bytes | with the gate, ns | without, ns |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for (n, row) in rows.iter_mut().enumerate() {
        let (gated, bare) = (2 * n, 2 * n + 1);
        let own = row.own_allocations();
        println!(
            "| {} | {:.0} | {} | {} | {:.0} | {:.0} |",
            row.name,
            times.median(|t| t[gated] - t[bare]),
            own.count,
            own.bytes,
            times.median(|t| t[gated]),
            times.median(|t| t[bare]),
        );
    }
    println!();
    for (n, (name, operation)) in baselines.iter_mut().enumerate() {
        let all = operation.allocations();
        println!(
            "- {name}: {:.0} ns, {} allocations, {} bytes, making the request included",
            times.median(|t| t[at_open + 1 + n]),
            all.count,
            all.bytes,
        );
    }
    println!(
        "- AES-256-GCM alone, of the {sealed} bytes of that session: {:.0} ns",
        times.median(|t| t[at_open])
    );
    if let Some(n) = rows.iter().position(|row| row.name == SESSION) {
        println!(
            "- {SESSION}: {:.1} times that",
            times.median(|t| (t[2 * n] - t[2 * n + 1]) / t[at_open])
        );
    }
}
