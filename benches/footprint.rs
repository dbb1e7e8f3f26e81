//! Prints what a gate holds. `cargo bench -p oidc-gate-benches --bench footprint`; see `README.md`.

use oidc_gate_benches::{footprint, setting::Setting};

fn main() {
    println!("\n{}\n", Setting::here_and_now());
    println!("| held in memory | bytes |");
    println!("|---|--:|");
    println!(
        "| for a value in the memory store, beside the value | {} |",
        footprint::beside_a_value()
    );
    println!(
        "| for a live session in the memory store, in all | {} |",
        footprint::live_session()
    );
}
