//! A client's half: `assertion CLIENT SECRET-OR-KEY-FILE [ISSUER]` prints an assertion, good for one request within a
//! minute. Every assertion is another one.

use oidc_gate_core::{
    client_auth::{Asserting, AssertionKey},
    flow::{Entropy, EntropyUnavailable, Env},
    jose::{Alg, SigningKey},
    secret::ClientSecret,
};
use std::{error::Error, fs, path::Path, time::SystemTime};

#[derive(Debug)]
struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        aws_lc_rs::rand::fill(out).map_err(|_| EntropyUnavailable)
    }
}

#[expect(clippy::print_stdout, reason = "a program talks to its user")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (client, with) = (words.next(), words.next());
    let (Some(client), Some(with)) = (client, with) else {
        return Err("usage: assertion CLIENT SECRET-OR-KEY-FILE [ISSUER]".into());
    };
    let issuer = words.next().unwrap_or("https://localhost:8443".into());
    let key = match Path::new(&with).exists() {
        true => AssertionKey::private(SigningKey::from_pem(&fs::read_to_string(with)?)?)?,
        false => AssertionKey::secret(Alg::HS256, &ClientSecret::new(with))?,
    };
    let mut env = Env {
        now: SystemTime::now().into(),
        entropy: &mut System,
    };
    match key.assert(&client, &issuer, &mut env)? {
        Asserting::Done(assertion) => println!("{}", assertion.expose()),
        Asserting::ToBeSigned(..) => return Err("the key is not here".into()),
    }
    Ok(())
}
