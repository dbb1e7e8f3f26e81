//! The token endpoint of an authorization server, through the public API alone: the cases of
//! `testdata/client_authentication.toml` and `testdata/grants.toml`, and what needs more than a case.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know for tests"
)]

mod assertion;
mod at_once;
mod bound;
mod client_authentication;
mod client_side;
mod coverage;
mod endpoint;
mod flips;
mod grants;
mod nothing_panics;
mod registration;
mod request;
mod secrecy;

use oidc_gate_core::{
    flow::{Entropy, EntropyUnavailable},
    time::UnixTime,
    url::Issuer,
};

/// When every assertion is made, and the clock of the server unless a case says otherwise.
const NOW: u64 = 1_700_000_000;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn issuer() -> Issuer {
    Issuer::parse("https://id.example").unwrap()
}

/// Predictable, and different every time.
#[derive(Debug)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}
