//! Browser login and an API with bearer tokens in one router, CORS and tracing outside. Open http://localhost:3000.
use axum::{Json, Router, extract::FromRef, extract::State, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, Bearer, ConfigError, CookieKeys, Gate, GateExt as _, InvalidBearer, Pattern,
    Via, dev::DevProvider,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tower_http::{cors::CorsLayer, trace::TraceLayer};

mod demo;

const API: &str = "http://localhost:3000/api";

#[derive(Clone)]
struct AppState {
    gate: Gate,
    orders: Arc<Vec<&'static str>>,
}

impl FromRef<AppState> for Gate {
    fn from_ref(state: &AppState) -> Gate {
        state.gate.clone()
    }
}

fn gate(provider: &DevProvider) -> Result<Gate, ConfigError> {
    Gate::builder()
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(provider)
        .env() // OIDC_GATE_ISSUER_URL and friends take the embedded provider's place
        .bearer(Bearer::audience(API)) // of the provider that users sign in with
        .bearer(Bearer::audience("shop").issuer("https://ci.example.com"))
        .invalid_bearer(InvalidBearer::Challenge)
        .json(Pattern::prefix("/api"))
        .bypass(Pattern::get("/healthz"))
        .build()
}

fn app(gate: &Gate) -> Router {
    let (gate, orders) = (gate.clone(), Arc::new(vec!["tea"]));
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(async || "ok"))
        .nest("/api", Router::new().route("/orders", get(orders_of)))
        .with_state(AppState { gate, orders })
}

async fn page(user: AuthenticatedUser, State(gate): State<Gate>) -> String {
    format!("{} {}", user.display_name(), gate.sign_in_path("/"))
}

async fn orders_of(user: AuthenticatedUser, State(app): State<AppState>) -> Json<Value> {
    Json(
        json!({ "for": user.subject(), "orders": *app.orders, "api_client": user.via() == Via::Bearer }),
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = gate(&demo::begin().await?)?;
    let app = gate
        .protect(app(&gate))
        .layer(CorsLayer::permissive())
        .layer(TraceLayer::new_for_http());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?)
}

#[cfg(test)]
mod tests;
