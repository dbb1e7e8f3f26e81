//! jwt-authorizer: takes bearer tokens. It is made for the axum before the present one, and compared with that.

use super::named;
use crate::{
    app::{User, greet, hello},
    contender::{App, Contender, What},
    provider::{AUDIENCE, Provider},
};
use axum_0_7::{Router, routing::get};
use http::StatusCode;
use jwt_authorizer::{IntoLayer as _, JwtAuthorizer, JwtClaims, Validation};

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    async fn me(JwtClaims(user): JwtClaims<User>) -> Result<&'static str, StatusCode> {
        greet(Some(&user.sub))
    }
    let validation = Validation::new().iss(&[provider.issuer()]).aud(&[AUDIENCE]);
    let authorizer = JwtAuthorizer::<User>::from_oidc(&provider.issuer())
        .validation(validation)
        .build()
        .await
        .expect("the provider answers");
    let app = Router::new()
        .route("/me", get(me))
        .layer(authorizer.into_layer())
        .route("/open", get(hello));
    let who = format!("{} (axum 0.7)", named("jwt-authorizer"));
    [What::Bearer, What::FirstSight]
        .map(|what| {
            Contender::new(who.clone(), what, App::Older(app.clone())).bearer(&provider.bearer)
        })
        .into()
}
