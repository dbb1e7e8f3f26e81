//! Sign in, one public page, one protected page, one JSON route.

use axum::{Json, Router, response::Response, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, CookieKeys, Gate, GateExt as _, Pattern, dev::DevProvider,
};
use serde_json::{Value, json};

mod pages;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let port = port("PORT", 3000)?;

    let mut gate = Gate::builder()
        .base_url(format!("http://localhost:{port}"))
        .cookie_keys(CookieKeys::ephemeral())
        .bypass(Pattern::get("/style.css")) // no session, no login, no change
        .open(Pattern::get("/")); // anyone; the user is there if there is one
    if std::env::var_os("OIDC_GATE_ISSUER_URL").is_none() {
        let provider = DevProvider::demo();
        provider.listen(self::port("PROVIDER_PORT", 3001)?).await?;
        pages::say_who(provider.users());
        gate = gate.dev_provider(&provider);
    }
    let gate = gate.env().build()?; // OIDC_GATE_ISSUER_URL and friends win

    let app = Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/api/me", get(api_me))
        .route("/style.css", get(pages::style));

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    pages::say_where(port);
    Ok(axum::serve(listener, gate.protect(app)).await?)
}

async fn home(user: Option<AuthenticatedUser>) -> Response {
    pages::home(user.as_ref())
}

async fn me(user: AuthenticatedUser) -> Response {
    pages::me(&user)
}

async fn api_me(user: AuthenticatedUser) -> Json<Value> {
    Json(json!({ "sub": user.subject(), "name": user.name(), "email": user.verified_email() }))
}

fn port(name: &str, default: u16) -> Result<u16, String> {
    std::env::var(name).map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| format!("{name} is {text:?}, which is no port number"))
    })
}
