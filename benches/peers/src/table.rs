//! What each of them costs, in this process.

use crate::{
    contender::What,
    peers::{self, BOUND, GATE},
    provider::Provider,
};
use oidc_gate_benches::{
    allocations::Allocations,
    bound,
    measure::{Effort, Operation, Times},
    requests::SESSION,
};

/// What was measured of one of them.
pub(crate) struct Measured {
    pub(crate) who: String,
    pub(crate) what: What,
    /// The median of what it takes more than the application alone.
    pub(crate) own_ns: f64,
    /// As many times what oidc-gate takes, within a round.
    pub(crate) ratio: Option<f64>,
    pub(crate) own: Allocations,
    total_ns: f64,
}

struct Row {
    who: String,
    what: What,
    with: Operation,
    bare: Operation,
}

/// Lets all of them take turns.
pub(crate) fn measure(effort: Effort) -> Vec<Measured> {
    // What they do behind a request's back is done by another thread.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let mut rows = least();
    rows.extend(runtime.block_on(contenders()));
    rows.sort_by_key(|row| What::ALL.iter().position(|what| *what == row.what));
    let _entered = runtime.enter();
    let operations = rows
        .iter_mut()
        .flat_map(|row| [&mut row.with, &mut row.bare]);
    let times = Times::take(operations, effort);
    let own = |round: &[f64], n: usize| round[2 * n] - round[2 * n + 1];
    let gate_of = |rows: &[Row], what| {
        rows.iter()
            .position(|row| row.what == what && row.who.starts_with(GATE))
    };
    (0..rows.len())
        .map(|n| {
            let gate = gate_of(&rows, rows[n].what).filter(|gate| *gate != n);
            let row = &mut rows[n];
            Measured {
                who: row.who.clone(),
                what: row.what,
                own_ns: times.median(|round| own(round, n)),
                ratio: gate.map(|gate| times.median(|round| own(round, n) / own(round, gate))),
                own: row.with.allocations() - row.bare.allocations(),
                total_ns: times.median(|round| round[2 * n]),
            }
        })
        .collect()
}

/// What cannot be undercut, by hand. It has a runtime of its own while it is made.
fn least() -> Vec<Row> {
    let rows = bound::rows().into_iter().filter_map(|row| {
        let (what, who) = match row.name {
            "open route, no credentials" => (What::Open, BOUND.to_owned()),
            SESSION => (What::Session, BOUND.to_owned()),
            "cookie session, recently opened" => {
                (What::Session, format!("{BOUND}, recently opened"))
            }
            _ => return None,
        };
        Some(Row {
            who,
            what,
            with: row.gated,
            bare: row.bare,
        })
    });
    rows.collect()
}

async fn contenders() -> Vec<Row> {
    let provider = Provider::start().await;
    let mut rows = Vec::new();
    for contender in peers::all(&provider).await {
        rows.push(Row {
            with: contender.operation().await,
            bare: contender.bare().await,
            who: contender.who,
            what: contender.what,
        });
    }
    rows
}

/// As Markdown.
pub(crate) fn print(measured: &[Measured]) {
    for what in What::ALL {
        println!("| {what} | own ns | times {GATE} | own allocations | own bytes | in all, ns |");
        println!("|---|--:|--:|--:|--:|--:|");
        for row in measured.iter().filter(|row| row.what == what) {
            let ratio = row
                .ratio
                .map_or(String::new(), |ratio| format!("{ratio:.2}"));
            println!(
                "| {} | {:.0} | {ratio} | {} | {} | {:.0} |",
                row.who, row.own_ns, row.own.count, row.own.bytes, row.total_ns
            );
        }
        println!();
    }
}
