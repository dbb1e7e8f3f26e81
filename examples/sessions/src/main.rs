//! Sessions that several processes share, and access tokens that are fresh whenever a handler wants one.
use axum::{
    Json, Router,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::{Stream, stream};
use oidc_gate_axum::{AccessToken, AuthenticatedUser, ConfigError, Gate, GateExt as _};
use serde_json::{Value, json};
use std::{convert::Infallible, env, time::Duration};
use tokio::{net::TcpListener, sync::watch, time};

mod place;

/// Issuer, client, base URL and cookie keys come from `OIDC_GATE_…`.
fn gate(store: &str) -> Result<Gate, ConfigError> {
    place::kept_in(Gate::builder().env(), store).build()
}

fn app(stopping: watch::Receiver<()>) -> Router {
    Router::new()
        .route("/", get(who))
        .route("/token", get(token))
        .route("/slow", get(slow))
        .route("/feed", get(feed))
        .with_state(stopping)
}

async fn who(user: AuthenticatedUser) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "name": user.display_name() }))
}

/// Runs with a token that is good now. Send it to the service it is for; here is only its hash, for people to compare.
async fn token(user: AuthenticatedUser, token: AccessToken) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "token": hash(token.expose()) }))
}

async fn slow(user: AuthenticatedUser) -> Json<Value> {
    time::sleep(Duration::from_secs(2)).await;
    who(user).await
}

/// Outlives its request, and asks for a token whenever it needs one.
async fn feed(
    user: AuthenticatedUser,
    State(stopping): State<watch::Receiver<()>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold((user, stopping), async |(user, mut stopping)| {
        let text = match user.access_token().await {
            Ok(token) => hash(token.expose()),
            Err(error) => error.to_string(),
        };
        tokio::select! {
            () = time::sleep(Duration::from_secs(1)) => Some((Ok(Event::default().data(text)), (user, stopping))),
            _ = stopping.changed() => None,
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn hash(token: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let gate = gate(&env::var("STORE").unwrap_or_else(|_| "memory".to_owned()))?;
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let (stop, stopping) = watch::channel(());
    let app = gate.protect(app(stopping));
    axum::serve(TcpListener::bind(listen).await?, app)
        .with_graceful_shutdown(async move {
            asked_to_stop().await;
            drop(stop); // ends the feeds, which would go on for ever
        })
        .await?;
    // A refresh token that is being redeemed is good once: what came of it is written down before the process ends.
    Ok(gate.drain(Duration::from_secs(20)).await?)
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return drop(tokio::signal::ctrl_c().await);
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    drop(tokio::signal::ctrl_c().await);
}

#[cfg(test)]
mod tests;
