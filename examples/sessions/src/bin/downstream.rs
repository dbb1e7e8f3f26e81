//! Calling another API with the user's fresh token: in a handler, and in a socket that outlives the request.
use axum::{
    Json, Router,
    extract::{State, WebSocketUpgrade, ws::Message},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::AUTHORIZATION};
use oidc_gate_axum::{AccessToken, AuthenticatedUser, Gate, GateExt as _, Store, TokenError};
use serde_json::Value;
use std::env::var;

#[derive(Clone)]
struct Orders(reqwest::Client, String);

enum AppError {
    Token(TokenError),
    Downstream(reqwest::Error),
}
impl From<TokenError> for AppError {
    fn from(e: TokenError) -> Self {
        Self::Token(e)
    }
}
impl From<reqwest::Error> for AppError {
    fn from(e: reqwest::Error) -> Self {
        Self::Downstream(e)
    }
}
impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            Self::Token(e) => (StatusCode::SERVICE_UNAVAILABLE, e.to_string()).into_response(),
            Self::Downstream(e) => {
                (StatusCode::BAD_GATEWAY, e.without_url().to_string()).into_response()
            }
        }
    }
}

async fn mine(
    token: AccessToken,
    State(Orders(http, at)): State<Orders>,
) -> Result<Json<Value>, AppError> {
    Ok(Json(
        http.get(format!("{at}/mine"))
            .header(AUTHORIZATION, token.header())
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?,
    ))
}
async fn feed(
    user: AuthenticatedUser,
    State(orders): State<Orders>,
    ws: WebSocketUpgrade,
) -> Response {
    ws.on_upgrade(move |mut socket| async move {
        loop {
            tokio::select! {
                () = user.session_ended() => break,
                tick = poll(&user, &orders) => {
                    let Ok(text) = tick else { break };
                    if socket.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
            }
        }
    })
}
async fn poll(
    user: &oidc_gate_axum::Principal,
    Orders(http, at): &Orders,
) -> Result<String, AppError> {
    let token = user.access_token().await?; // &AuthenticatedUser coerces to &Principal
    Ok(http
        .get(format!("{at}/feed"))
        .bearer_auth(token.expose())
        .send()
        .await?
        .text()
        .await?)
}
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::builder().env().store(Store::memory()).build()?; // a socket's tokens are refreshed there
    let app = Router::new()
        .route("/orders", get(mine))
        .route("/feed", get(feed))
        .with_state(Orders(reqwest::Client::new(), var("ORDERS")?));
    Ok(axum::serve(
        tokio::net::TcpListener::bind(var("LISTEN")?).await?,
        gate.protect(app),
    )
    .await?)
}
