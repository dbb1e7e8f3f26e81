//! Prints what a token request costs at both ends, and what a client does with its answer. `cargo bench -p oidc-gate-benches --bench token_endpoint`; see
//! `README.md`.

use oidc_gate_benches::{
    measure::{Effort, Times},
    setting::Setting,
    sign_in, token_endpoint,
};

fn main() {
    let effort = match std::env::args().any(|word| word == "--quick") {
        true => Effort::QUICK,
        false => Effort::FULL,
    };
    let (mut rows, of_client) = (token_endpoint::rows(), sign_in::rows());
    let at_endpoint = rows.len();
    rows.extend(of_client);
    let times = Times::take(rows.iter_mut().map(|(_, operation)| operation), effort);
    println!("\n{}", Setting::here_and_now());
    for (n, (name, operation)) in rows.iter_mut().enumerate() {
        let table = match n {
            0 => Some("at the token endpoint"),
            n if n == at_endpoint => Some("when a user signs in"),
            _ => None,
        };
        if let Some(table) = table {
            println!("\n| {table} | ns | allocations | bytes |");
            println!("|---|--:|--:|--:|");
        }
        let all = operation.allocations();
        let ns = times.median(|t| t[n]);
        println!("| {name} | {ns:.0} | {} | {} |", all.count, all.bytes);
    }
}
