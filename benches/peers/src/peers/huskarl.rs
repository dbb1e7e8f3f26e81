//! huskarl: logs users in through OpenID Connect and keeps a small sealed session in a cookie; and takes bearer tokens.

use super::named;
use crate::{
    app::{greet, hello},
    contender::{App, Contender, What},
    provider::{APP, AUDIENCE, Provider},
};
use axum::{Router, routing::get};
use http::{StatusCode, header};
use huskarl::{
    core::{
        client_auth::NoAuth,
        crypto::seal::AeadV1Sealer,
        jwk::{JwksSource, OctBytes},
        secrets::{ProvidedSecret, Secret as _, SecretBytes},
        server_metadata::AuthorizationServerMetadata,
    },
    grant::authorization_code::AuthorizationCodeGrant,
};
use huskarl_axum::{
    extractors::ValidatedToken,
    layers::ValidatorLayer,
    login::{
        CookieSession, CookieSessionStore, LoginConfig, LoginLayer, LoginSession, SessionLifetime,
    },
};
use huskarl_crypto_native::aead::AesGcmKey;
use huskarl_login::{core::url_mapping::PublicUrlMapping, url::callback_path};
use huskarl_reqwest::{ReqwestClient, mtls::NoMtls};
use huskarl_resource_server::validator::rfc9068::{Rfc9068AccessTokenClaims, Rfc9068Validator};
use std::sync::Arc;

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    let client = ReqwestClient::builder().mtls(NoMtls).build().await;
    let client = client.expect("an HTTP client");
    let metadata = AuthorizationServerMetadata::oidc_fetch()
        .http_client(&client)
        .issuer(provider.issuer())
        .call()
        .await
        .expect("the provider answers");
    let signed_in = signed_in(&client, &metadata).await;
    let cookie = provider.log_in(&signed_in).await;
    let bearing = App::Router(bearing(&client, &metadata).await);
    let contender = |what, app: &App| Contender::new(named("huskarl-axum"), what, app.clone());
    let app = App::Router(signed_in);
    vec![
        contender(What::Open, &app),
        contender(What::Session, &app).with(header::COOKIE, cookie),
        contender(What::Redirect, &app),
        contender(What::Bearer, &bearing).bearer(&provider.bearer),
        contender(What::FirstSight, &bearing).bearer(&provider.bearer),
    ]
}

async fn signed_in(client: &ReqwestClient, metadata: &AuthorizationServerMetadata) -> Router {
    async fn me(session: LoginSession<CookieSession>) -> Result<&'static str, StatusCode> {
        greet(session.state().sub.as_deref())
    }
    let redirect_uri = format!("{APP}/callback");
    let mapping = PublicUrlMapping::new(APP, "/").expect("an address");
    let uri = redirect_uri.parse().expect("an address");
    let callback = callback_path(&mapping, &uri, None).expect("it is below the application");
    let grant = AuthorizationCodeGrant::builder_from_metadata(metadata)
        .expect("the provider has an authorization endpoint")
        .client_id("web")
        .client_auth(NoAuth)
        .http_client(client.clone())
        .redirect_uri(redirect_uri)
        .jws_verifier_factory(JwksSource::builder().http_client(client.clone()).build())
        .build()
        .await
        .expect("the settings are fine");
    let key = ProvidedSecret::new(SecretBytes::new(vec![7; 32])).mapped(OctBytes::new("A256GCM"));
    let key = AesGcmKey::from_secret(key)
        .await
        .expect("32 bytes are a key");
    let store: CookieSessionStore = CookieSessionStore::builder()
        .sealer(AeadV1Sealer::new(key))
        .cookie_name("session".parse().expect("a name"))
        .cookie_path("/".parse().expect("a path"))
        .build();
    let config = LoginConfig::builder()
        .url_mapping(mapping)
        .callback_path(callback.as_str().to_owned())
        .scope(vec!["openid".to_owned()])
        .session_lifetime(SessionLifetime::DelegatedToAuthorizationServer)
        .build()
        .expect("the settings are fine");
    let layer = LoginLayer::builder()
        .config(config)
        .grant(grant)
        .session_store(store)
        .build()
        .expect("the settings are fine");
    Router::new()
        .route("/me", get(me))
        .layer(layer)
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
}

async fn bearing(client: &ReqwestClient, metadata: &AuthorizationServerMetadata) -> Router {
    async fn me(
        token: ValidatedToken<Rfc9068AccessTokenClaims>,
    ) -> Result<&'static str, StatusCode> {
        greet(token.sub.as_deref())
    }
    let keys = JwksSource::builder().http_client(client.clone()).build();
    let validator = Rfc9068Validator::builder_from_metadata(metadata)
        .audience(AUDIENCE)
        .jws_verifier_factory(Arc::new(keys))
        .build()
        .await
        .expect("the settings are fine");
    let layer = ValidatorLayer::builder().validator(validator).build();
    Router::new()
        .route("/me", get(me))
        .layer(layer.authenticated())
        .route("/open", get(hello))
}
