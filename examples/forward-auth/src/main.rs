//! The gate beside a proxy: `forward-auth nginx`, or `caddy`, `traefik`, `envoy`. The application is in `application.rs`.

use axum::Router;
use oidc_gate_axum::{
    CookieKeys, ForwardAuth, Gate, GateExt as _, Pattern, dev::DevProvider, group,
};

mod application;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let proxy = match std::env::args().nth(1).as_deref() {
        Some("nginx") => ForwardAuth::nginx(),
        Some("caddy") => ForwardAuth::caddy(),
        Some("traefik") => ForwardAuth::traefik(),
        Some("envoy") => ForwardAuth::envoy(),
        _ => return Err("say which proxy asks: nginx, caddy, traefik or envoy".into()),
    };

    let mut gate = Gate::builder()
        .base_url("https://localhost:8443") // where browsers find the proxy
        .cookie_keys(CookieKeys::ephemeral())
        .forward_auth(proxy.trust(["127.0.0.1"]))
        // The rules of the application behind the proxy:
        .open(Pattern::get("/"))
        .open(Pattern::prefix("/public"))
        .require(Pattern::prefix("/admin"), group("admins"));
    if std::env::var_os("OIDC_GATE_ISSUER_URL").is_none() {
        let provider = DevProvider::demo();
        provider.listen(port("PROVIDER_PORT", 3001)?).await?;
        gate = gate.dev_provider(&provider);
    }
    let gate = gate.env().build()?;

    tokio::spawn(application::serve(port("APPLICATION_PORT", 4181)?));
    // Nothing but the gate's own endpoints: whatever else is asked for here does not exist.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port("PORT", 4180)?)).await?;
    Ok(axum::serve(listener, gate.protect(Router::new())).await?)
}

fn port(name: &str, default: u16) -> Result<u16, String> {
    std::env::var(name).map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| format!("{name} is {text:?}, which is no port number"))
    })
}
