//! One dependency line and a dozen lines of `main`, built from the packages as they would be published.
use axum::{Router, routing::get};
use oidc_gate_axum::{AuthenticatedUser, ClientAuth, CookieKeys, Gate, GateExt as _, Pattern, core::secret::ClientSecret};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::builder()
        .issuer("https://localhost:9") // Nothing listens there: the application starts all the same.
        .client("app", ClientAuth::client_secret_basic(ClientSecret::new("a secret of the consumer's")))
        .base_url("https://app.example.com")
        .cookie_keys(CookieKeys::ephemeral())
        .open(Pattern::get("/"))
        .build()?;

    let app = Router::new().route("/", get("public")).route("/me", get(me));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, gate.protect(app)).await?)
}

async fn me(user: AuthenticatedUser) -> String {
    format!("hello {}", user.display_name())
}
