//! Custom claims in a type of one's own, demanded at sign-in. Open http://localhost:3000: only dora has them.
use axum::{Json, Router, routing::get};
use oidc_gate_axum::{Claims, CookieKeys, Gate, GateExt as _, Identity, dev::DevProvider};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Staff {
    department: String,
    #[serde(rename = "https://example.com/cost_centre")]
    cost_centre: u32,
    manager: Option<String>,
}

async fn me(Claims(staff): Claims<Staff>) -> Json<Staff> {
    Json(staff)
}

fn provider() -> DevProvider {
    let dora = Identity::builder("", "dora")
        .claim("department", "Research")
        .claim("https://example.com/cost_centre", 4711);
    let provider = DevProvider::builder().demo_users().user(dora.build());
    provider.build()
}

fn gate(provider: &DevProvider) -> Result<Gate, oidc_gate_axum::ConfigError> {
    Gate::builder()
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(provider)
        .env() // OIDC_GATE_ISSUER_URL and friends take the embedded provider's place
        .claims::<Staff>()
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = provider();
    provider.listen(3001).await?;
    let app = Router::new().route("/", get(me));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, gate(&provider)?.protect(app)).await?)
}

#[cfg(test)]
mod tests;
