//! The embedded provider, and a token to try the API with. At a real provider a client asks for one, with `resource` or as the
//! provider has it.

use crate::API;
use oidc_gate_axum::dev::DevProvider;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Starts the provider and the log, and prints how to ask the API.
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
pub(crate) async fn begin() -> std::io::Result<DevProvider> {
    tracing_subscriber::fmt::init();
    let provider = DevProvider::demo();
    provider.listen(3001).await?;
    let token = token(&provider, Duration::from_secs(3600));
    println!("curl -H 'authorization: Bearer {token}' {API}/orders");
    Ok(provider)
}

/// A token of the embedded provider's that is good for so long.
pub(crate) fn token(provider: &DevProvider, life: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let claims = json!({
        "iss": provider.issuer(), "sub": "alice", "aud": API, "client_id": "curl", "jti": "demo",
        "iat": now.as_secs(), "exp": (now + life).as_secs(), "scope": "orders:read",
    });
    let claims = claims.as_object().cloned().unwrap_or_default();
    provider.sign(Some("at+jwt"), &claims)
}
