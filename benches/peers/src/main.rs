//! oidc-gate and its peers in one run: the same application behind each, the same request, every identity proven and read.
//!
//! ```text
//! oidc-gate-peers table [--quick] [--svg FILE]   in this process: time, allocations, bytes
//! oidc-gate-peers load [--quick]                 over the loopback interface, with wrk
//! oidc-gate-peers threads [--quick]              one thread against two
//! oidc-gate-peers start                          how soon a gate is there
//! ```

mod app;
mod chart;
mod contender;
mod load;
mod peers;
mod provider;
mod serve;
mod start;
mod table;
mod threads;

use oidc_gate_benches::{measure::Effort, setting::Setting};
use std::time::Duration;

/// Longer turns than the gate alone is given: sixty of them drive each other out of the processor's caches, and some take as
/// long for one request as the gate for a hundred.
const FULL: Effort = Effort {
    rounds: 1001,
    batch: Duration::from_micros(500),
};
const QUICK: Effort = Effort {
    rounds: 31,
    batch: Duration::from_micros(300),
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let quick = words.iter().any(|word| word == "--quick");
    match words.first().map(String::as_str) {
        Some("table") => {
            let effort = if quick { QUICK } else { FULL };
            let measured = table::measure(effort);
            let setting = Setting::here_and_now();
            println!("\n{setting}\n");
            table::print(&measured);
            if let Some(at) = words.iter().position(|word| word == "--svg") {
                let file = words.get(at + 1).expect("--svg takes a file");
                let svg = chart::svg(&measured, &setting.to_string());
                std::fs::write(file, svg).expect("the file can be written");
            }
        }
        Some("load") => load::run(quick),
        Some("serve") => serve::run(),
        Some("threads") => threads::run(quick),
        Some("start") => start::run(),
        _ => panic!("it takes one of: table, load, threads, start"),
    }
}
