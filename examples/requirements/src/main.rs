//! Who may do what: by path, by `route_layer`, for one method, by extractor, by hand. Open http://localhost:3000.
use axum::http::{Method, StatusCode};
use axum::{Router, routing::delete, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, ConfigError, CookieKeys, Gate, GateExt as _, Has, Pattern, Permission,
    Requirement, acr, dev::DevProvider, group, predicate, require, signed_in,
};

struct Admin;
impl Permission for Admin {
    fn requirement() -> Requirement {
        group("admins").or(group("root"))
    }
}

fn admin() -> Router {
    let wipe = async |admin: Has<Admin>| format!("wiped for {}", admin.display_name());
    Router::new()
        .route("/", get(async || "the control room"))
        .route("/wipe", delete(wipe).route_layer(require(acr("phr")))) // step-up, not 403
        .route_layer(require(group("admins"))) // no gate in reach, none needed
}

async fn report(user: AuthenticatedUser) -> Result<String, StatusCode> {
    if user.in_group("interns") {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(format!("{:?}", user.groups().collect::<Vec<_>>()))
}

fn app() -> Router {
    let staff = group("staff").and(predicate("an address", |i| i.verified_email().is_some()));
    Router::new()
        .route("/", get(async || "try /account, /admin, /report"))
        .route("/account", get(async || "your account"))
        .route("/report", get(report).layer(require(staff)))
        .nest("/admin", admin())
}

fn gate(provider: &DevProvider) -> Result<Gate, ConfigError> {
    Gate::builder()
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(provider)
        .env() // OIDC_GATE_ISSUER_URL and friends take the embedded provider's place
        .open(Pattern::prefix("/")) // a mostly public site …
        .require(Pattern::prefix("/admin"), group("admins")) // … the strictest wins
        .require(Pattern::prefix("/account"), signed_in())
        .build()
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = DevProvider::demo();
    provider.listen(3001).await?;
    let gate = gate(&provider)?;
    println!("{}", gate.explain(&Method::GET, "/admin", None));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, gate.protect(app())).await?)
}

#[cfg(test)]
mod tests;
