//! Prints what each kind of request costs. `cargo bench -p oidc-gate-benches`; see `README.md`.

use oidc_gate_benches::{
    bearer, bound, guard,
    guard::Record,
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
    let has = |flag: &str| words.iter().any(|word| word == flag);
    if has("--guard") {
        hold(has("--write"), after("--only").map_or("", |part| part));
    } else if let (Some(part), Some(times)) = (after("--only"), after("--repeat")) {
        let times = times.parse().expect("--repeat takes a number");
        let row = match has("--bound") {
            true => guard::pick(bound::rows(), part),
            false => guard::row(part),
        };
        let row = row.expect("--only takes a row's name, or a part of it");
        repeat(row, has("--bare"), times);
    } else if has("--quick") {
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

/// Compares what the rows cost whose names contain `part` with what is written down, or writes all of it down.
fn hold(write: bool, part: &str) {
    let part = if write { "" } else { part };
    let now = guard::measure(part);
    if write {
        std::fs::write(Record::file(), now.to_string()).expect("the record can be written");
        return;
    }
    let mut stated = Record::read();
    stated.rows.retain(|name, _| name.contains(part));
    let lines = guard::differences(&stated, &now);
    if !lines.is_empty() {
        eprintln!(
            "{}\n\n`--guard --write` writes down what is meant to be.",
            lines.join("\n")
        );
        std::process::exit(1);
    }
    let held = match stated.rustc == now.rustc {
        true => "instructions, allocations and bytes",
        false => "allocations and bytes; no instructions, which were counted with another compiler",
    };
    println!("{} rows are as stated: {held}", now.rows.len());
}

/// Does one request so many times and nothing else, with the gate or without: for a profiler.
fn repeat(mut row: Row, bare: bool, times: u64) {
    println!("{times} times: {}", row.name);
    let operation = if bare { &mut row.bare } else { &mut row.gated };
    operation.repeat(4);
    operation.counted(times);
}

fn table(effort: Effort) {
    let (mut rows, mut least) = (rows(), bound::rows());
    let baselines = baselines().into_iter();
    let mut baselines: Vec<_> = baselines.chain(bearer::bare_verifications()).collect();
    let (sealed, mut open) = bare_open();
    let pairs =
        (rows.iter_mut().chain(&mut least)).flat_map(|Row { gated, bare, .. }| [gated, bare]);
    let rest = baselines.iter_mut().map(|(_, operation)| operation);
    let times = Times::take(pairs.chain([&mut open]).chain(rest), effort);
    let (at_least, at_open) = (rows.len() * 2, (rows.len() + least.len()) * 2);

    println!("\n{}\n", Setting::here_and_now());
    println!(
        "| request | own ns | times the bound | own allocations | own bytes | with the gate, ns | without, ns |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (n, row) in rows.iter_mut().enumerate() {
        let bound = least.iter().position(|bound| bound.name == row.name);
        let ratio = bound.map_or("".to_owned(), |m| {
            let ratio = times.median(|t| own(t, 2 * n) / own(t, at_least + 2 * m));
            format!("{ratio:.1}")
        });
        line(row, &times, 2 * n, &ratio);
    }
    println!(
        "\n| the least, by hand | own ns | | own allocations | own bytes | with it, ns | without, ns |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (n, row) in least.iter_mut().enumerate() {
        line(row, &times, at_least + 2 * n, "");
    }
    println!();
    for (n, (name, operation)) in baselines.iter_mut().enumerate() {
        let all = operation.allocations();
        println!(
            "- {name}: {:.0} ns, {} allocations, {} bytes",
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
            times.median(|t| own(t, 2 * n) / t[at_open])
        );
    }
}

/// What a row takes more with the gate than without, in one round.
fn own(round: &[f64], at: usize) -> f64 {
    round[at] - round[at + 1]
}

fn line(row: &mut Row, times: &Times, at: usize, ratio: &str) {
    let allocated = row.own_allocations();
    println!(
        "| {} | {:.0} | {ratio} | {} | {} | {:.0} | {:.0} |",
        row.name,
        times.median(|t| own(t, at)),
        allocated.count,
        allocated.bytes,
        times.median(|t| t[at]),
        times.median(|t| t[at + 1]),
    );
}
