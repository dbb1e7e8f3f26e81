//! Prints what a token request costs, at both ends. `cargo bench -p oidc-gate-benches --bench token_endpoint`; see
//! `README.md`.

use oidc_gate_benches::{
    measure::{Effort, Times},
    setting::Setting,
    token_endpoint::rows,
};

fn main() {
    let effort = match std::env::args().any(|word| word == "--quick") {
        true => Effort::QUICK,
        false => Effort::FULL,
    };
    let mut rows = rows();
    let times = Times::take(rows.iter_mut().map(|(_, operation)| operation), effort);
    println!("\n{}\n", Setting::here_and_now());
    println!("| at the token endpoint | ns | allocations | bytes |");
    println!("|---|--:|--:|--:|");
    for (n, (name, operation)) in rows.iter_mut().enumerate() {
        let all = operation.allocations();
        let ns = times.median(|t| t[n]);
        println!("| {name} | {ns:.0} | {} | {} |", all.count, all.bytes);
    }
}
