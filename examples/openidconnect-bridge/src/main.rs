//! Code for `openidconnect` beside a gate: a token for the application itself by their client, read as one of ours.
use oidc_gate_axum::bridge::openidconnect::{
    OAuth2TokenResponse as _, Scope, core::CoreTokenResponse,
};
use oidc_gate_axum::bridge::{Bridged, FromTheirs as _, ToTheirs as _};
use oidc_gate_axum::core::{grant::ScopeSet, token::TokenResponse};
use oidc_gate_axum::{ClientAuth, ConfigError, CookieKeys, Gate, dev::DevProvider};
use std::error::Error;

fn gate(provider: &DevProvider) -> Result<Gate, ConfigError> {
    Gate::builder()
        .dev_provider(provider)
        .client(
            "app",
            ClientAuth::client_secret_basic(String::from("a secret")),
        )
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .build()
}

/// A token of the application's own: what was written for `openidconnect` stays as it is.
async fn of_the_application(
    theirs: &Bridged,
    scopes: Vec<Scope>,
) -> Result<CoreTokenResponse, Box<dyn Error>> {
    let request = theirs.client.exchange_client_credentials();
    Ok(request
        .add_scopes(scopes)
        .request_async(&theirs.http)
        .await?)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
async fn main() -> Result<(), Box<dyn Error>> {
    let gate = gate(&DevProvider::demo())?;
    let theirs = gate.openidconnect().await?;
    let scopes = ScopeSet::parse("stock:read").ok_or("no scope")?;
    let Ok(scopes) = scopes.to_theirs();
    let tokens = of_the_application(&theirs, scopes).await?;
    println!("theirs: good for {:?}", tokens.expires_in());
    let ours = TokenResponse::from_theirs(&tokens)?;
    println!("ours: {:?}", ours.scope);
    Ok(())
}

#[cfg(test)]
mod tests;
