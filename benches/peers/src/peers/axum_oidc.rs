//! axum-oidc: logs users in through OpenID Connect, and keeps their tokens in sessions of tower-sessions in memory.

use super::named;
use crate::{
    app::{greet, hello},
    contender::{App, Contender, What},
    provider::{APP, Provider},
};
use axum::{Router, error_handling::HandleErrorLayer, response::IntoResponse as _, routing::get};
use axum_oidc::{
    EmptyAdditionalClaims, OidcAuthLayer, OidcClaims, OidcLoginLayer, error::MiddlewareError,
};
use http::{StatusCode, Uri, header};
use tower::ServiceBuilder;
use tower_sessions_0_14::{MemoryStore, SessionManagerLayer, cookie::SameSite};

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    async fn me(claims: OidcClaims<EmptyAdditionalClaims>) -> Result<&'static str, StatusCode> {
        greet(Some(claims.subject().as_str()))
    }
    let answer = |error: MiddlewareError| async move { error.into_response() };
    let log_in = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(answer))
        .layer(OidcLoginLayer::<EmptyAdditionalClaims>::new());
    let discovered = OidcAuthLayer::<EmptyAdditionalClaims>::discover_client(
        Uri::from_static(APP),
        provider.issuer(),
        "web".to_owned(),
        Some("secret".to_owned()),
        Vec::new(),
    );
    let known = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(answer))
        .layer(discovered.await.expect("the provider answers"));
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false);
    let app = Router::new()
        .route("/me", get(me))
        .layer(log_in)
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .layer(known)
        .layer(sessions);
    let cookie = provider.log_in(&app).await;
    let contender = |what| Contender::new(named("axum-oidc"), what, App::Router(app.clone()));
    vec![
        contender(What::Open),
        contender(What::Session).with(header::COOKIE, cookie),
        contender(What::Redirect),
    ]
}
