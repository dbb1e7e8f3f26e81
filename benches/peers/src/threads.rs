//! One thread against two, in one process. What all requests share shows here: a lock, a counter, a cache line.

use crate::{
    contender::{Contender, What},
    peers::{self, BARE, GATE},
    provider::Provider,
};
use oidc_gate_benches::setting::Setting;
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// One table: as many requests as two threads answer while one answers a hundred.
pub(crate) fn run(quick: bool) {
    let (rounds, turn) = match quick {
        true => (3, Duration::from_millis(20)),
        false => (31, Duration::from_millis(200)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let handle = runtime.handle();
    let pairs = runtime.block_on(pairs());
    let all: Vec<Vec<[f64; 2]>> = (0..rounds)
        .map(|_| {
            let ratio = |(_, pair): &(String, [Contender; 2])| {
                let alone = answered(handle, &pair[..1], turn) + answered(handle, &pair[1..], turn);
                let together = answered(handle, pair, turn);
                [alone / 2.0 / turn.as_secs_f64(), 2.0 * together / alone]
            };
            pairs.iter().map(ratio).collect()
        })
        .collect();
    println!("\n{}, {rounds} rounds\n", Setting::here_and_now());
    println!("| two threads | one, requests per second | two, times one |");
    println!("|---|--:|--:|");
    for (n, (name, _)) in pairs.iter().enumerate() {
        let median = |of: usize| {
            let mut values: Vec<f64> = all.iter().map(|round| round[n][of]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!("| {name} | {:.0} | {:.2} |", median(0), median(1));
    }
}

/// Those that are measured, with the request of each thread.
async fn pairs() -> Vec<(String, [Contender; 2])> {
    let provider = Provider::start().await;
    let all = peers::all(&provider).await;
    let (first, second) = peers::two_sessions(&provider).await;
    let mut pairs = vec![
        (format!("{GATE}, two sessions"), [first.clone(), second]),
        (format!("{GATE}, the same session"), [first.clone(), first]),
    ];
    // Those that keep sessions behind a lock which is waited for cannot be measured without a runtime.
    let rest = all.into_iter().filter(|contender| match contender.what {
        What::Session => contender.who.contains("memory") || contender.who.starts_with(BARE),
        What::Open | What::Bearer => contender.who.starts_with(GATE),
        What::FirstSight | What::Redirect => false,
    });
    for contender in rest {
        let name = format!("{}, {}", contender.who, contender.what);
        pairs.push((name, [contender.clone(), contender]));
    }
    pairs
}

/// How many requests so many threads answer in that time, each those of one contender.
fn answered(handle: &Handle, contenders: &[Contender], turn: Duration) -> f64 {
    let ready = Barrier::new(contenders.len());
    let work = |contender: &Contender| {
        let _entered = handle.enter();
        let mut operation = handle.block_on(contender.operation());
        operation.repeat(64);
        ready.wait();
        let begun = Instant::now();
        let mut done = 0_u64;
        while begun.elapsed() < turn {
            operation.repeat(64);
            done += 64;
        }
        done as f64 * turn.as_secs_f64() / begun.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = contenders
            .iter()
            .map(|contender| scope.spawn(|| work(contender)))
            .collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.map(|done| done.expect("no request fails")).sum()
    })
}
