//! How long it takes to make a gate, with the default features and before it has asked its provider for anything.

use oidc_gate_axum::{ClientAuth, CookieKeys, Gate, Provider};
use oidc_gate_benches::setting::Setting;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// As in production, where it comes from the configuration.
const COOKIE_KEY: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";

/// One line for the first gate of a process, for which whatever is loaded once is loaded, and one for those after it.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let _entered = runtime.enter();
    let first = made();
    let mut others: Vec<Duration> = (0..51).map(|_| made()).collect();
    others.sort();
    let begun = Instant::now();
    drop(black_box(CookieKeys::ephemeral()));
    let drawn = begun.elapsed();
    println!("\n{}\n", Setting::here_and_now());
    println!("| a gate is made | ms |");
    println!("|---|--:|");
    println!("| the first in its process | {:.2} |", ms(first));
    println!("| another one | {:.2} |", ms(others[others.len() / 2]));
    println!(
        "| the first randomness of a process, which AWS-LC gathers for its generator | {:.2} |",
        ms(drawn)
    );
}

fn made() -> Duration {
    let begun = Instant::now();
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let auth = ClientAuth::client_secret_basic(secret);
    let gate = Gate::builder()
        .provider(Provider::unnamed("https://id.example.com", "app", auth))
        .base_url("https://app.example.com")
        .cookie_keys(CookieKeys::parse(COOKIE_KEY).expect("32 bytes are a key"))
        .build();
    let took = begun.elapsed();
    drop(black_box(gate.expect("the settings are fine")));
    took
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
