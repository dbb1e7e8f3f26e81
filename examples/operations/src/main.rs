//! Pages in an application's own colours, metrics on a port of their own, an access log that names its callers.
use axum::{Router, http::Response, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, CallerInfo, ConfigError, CookieKeys, Gate, GateExt as _, Pattern,
    dev::DevProvider,
    group,
    pages::{Branding, Logo, SignInPage},
};
use std::time::Duration;
use tower_http::trace::TraceLayer;
use tracing::Span;

const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' \
    fill='#0a7'/><path d='M9 23 16 8l7 15M12 18h8' fill='none' stroke='#fff' stroke-width='3'/></svg>";

fn gate(provider: &DevProvider, port: u16) -> Result<Gate, ConfigError> {
    let brand = Branding::new("Acme Shop")
        .accent("#0a7")
        .logo(Logo::svg(LOGO))
        .footer("Acme Ltd.")
        .link("Home", "/");
    Gate::builder()
        .base_url(format!("http://localhost:{port}"))
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(provider)
        .open(Pattern::get("/"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .pages(brand)
        .sign_in_page(SignInPage::Show) // not straight to the provider
        .caller_in_response_extensions() // for the access log
        .build()
}

fn app() -> Router {
    let me = async |user: AuthenticatedUser| format!("hello {}", user.display_name());
    Router::new()
        .route("/", get(async || "try /me, /admin, /oauth2/ready"))
        .route("/me", get(me))
        .route("/admin", get(async || "the control room"))
}

/// What only the machines of one's own reach.
fn metrics(gate: Gate) -> Router {
    let kind = ("content-type", "text/plain; version=0.0.4");
    Router::new().route("/metrics", get(async move || ([kind], gate.metrics())))
}

fn access<B>(response: &Response<B>, latency: Duration, _: &Span) {
    let caller = response.extensions().get::<CallerInfo>();
    tracing::info!(
        status = response.status().as_u16(),
        millis = latency.as_millis(),
        user = caller.and_then(CallerInfo::user),
        check = caller.and_then(CallerInfo::check).map(|check| check.id()),
        "answered"
    );
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let port = |name, default| std::env::var(name).map_or(Ok(default), |port| port.parse());
    let port_of_app = port("PORT", 3000)?;
    let provider = DevProvider::demo();
    provider.listen(port("PROVIDER_PORT", 3001)?).await?;
    let gate = gate(&provider, port_of_app)?;
    let bind = |port| tokio::net::TcpListener::bind(("127.0.0.1", port));
    let inside = bind(port("METRICS_PORT", 3002)?).await?;
    tokio::spawn(axum::serve(inside, metrics(gate.clone())).into_future());
    let log = TraceLayer::new_for_http().on_response(access);
    let listener = bind(port_of_app).await?;
    Ok(axum::serve(listener, gate.protect(app()).layer(log)).await?)
}

#[cfg(test)]
mod tests;
