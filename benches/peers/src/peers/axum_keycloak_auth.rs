//! axum-keycloak-auth: takes bearer tokens of Keycloak's.

use super::named;
use crate::{
    app::{greet, hello},
    contender::{App, Contender, What},
    provider::{AUDIENCE, Provider, REALM},
};
use axum::{Extension, Router, routing::get};
use axum_keycloak_auth::{
    PassthroughMode, Url,
    decode::KeycloakToken,
    instance::{KeycloakAuthInstance, KeycloakConfig},
    layer::KeycloakAuthLayer,
};
use http::StatusCode;
use std::{sync::Arc, time::Duration};

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    async fn me(
        Extension(token): Extension<KeycloakToken<String>>,
    ) -> Result<&'static str, StatusCode> {
        greet(Some(&token.subject))
    }
    let server = Url::parse(&provider.origin).expect("an address");
    let config = KeycloakConfig::builder()
        .server(server)
        .realm(REALM.to_owned())
        .build();
    let instance = Arc::new(KeycloakAuthInstance::new(config));
    // It asks its provider behind the back of whoever has made it, and panics at a request that comes before it has begun to.
    while !instance.is_operational().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let layer = KeycloakAuthLayer::<String>::builder()
        .instance(instance)
        .passthrough_mode(PassthroughMode::Block)
        .persist_raw_claims(false)
        .expected_audiences(vec![AUDIENCE.to_owned()])
        .build();
    let app = Router::new()
        .route("/me", get(me))
        .layer(layer)
        .route("/open", get(hello));
    let app = App::Router(app);
    let contender = |what| Contender::new(named("axum-keycloak-auth"), what, app.clone());
    let contenders =
        [What::Bearer, What::FirstSight].map(|what| contender(what).bearer(&provider.bearer));
    contenders.into()
}
