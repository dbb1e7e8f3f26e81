//! tower-oauth2-resource-server: takes bearer tokens, and gives the handler the claims it asks for.

use super::named;
use crate::{
    app::{User, greet, hello},
    contender::{App, Contender, What},
    provider::{AUDIENCE, Provider},
};
use axum::{Extension, Router, routing::get};
use http::StatusCode;
use tower_oauth2_resource_server::{server::OAuth2ResourceServer, tenant::TenantConfiguration};

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    async fn me(Extension(user): Extension<User>) -> Result<&'static str, StatusCode> {
        greet(Some(&user.sub))
    }
    let tenant = TenantConfiguration::builder(provider.issuer())
        .audiences(&[AUDIENCE])
        .build()
        .await
        .expect("the provider answers");
    let server = OAuth2ResourceServer::<User>::builder()
        .add_tenant(tenant)
        .build()
        .await
        .expect("the settings are fine");
    let app = Router::new()
        .route("/me", get(me))
        .layer(server.into_layer())
        .route("/open", get(hello));
    let app = App::Router(app);
    let contender = |what| Contender::new(named("tower-oauth2-resource-server"), what, app.clone());
    let contenders =
        [What::Bearer, What::FirstSight].map(|what| contender(what).bearer(&provider.bearer));
    // It fetches its keys behind the back of whoever has built it.
    contenders[0].until_it_lets_in().await;
    contenders.into()
}
