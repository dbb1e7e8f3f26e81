use super::*;
use oidc_gate_axum::{
    bridge::openidconnect::{
        DeviceAuthorizationResponse, EmptyExtraDeviceAuthorizationFields, RefreshToken,
        RequestTokenError,
    },
    dev::Fault,
    testing::Browser,
};
use std::time::Duration;

type Device = DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields>;

async fn theirs(provider: &DevProvider) -> Bridged {
    gate(provider).unwrap().openidconnect().await.unwrap()
}

#[tokio::test]
async fn the_application_gets_a_token_of_its_own() {
    let theirs = theirs(&DevProvider::demo()).await;
    let scopes = vec![Scope::new("stock:read".to_owned())];
    let tokens = of_the_application(&theirs, scopes).await.unwrap();
    let ours = TokenResponse::from_theirs(&tokens).unwrap();
    assert_eq!(ours.access_token.expose(), tokens.access_token().secret());
    assert!(ours.expires_in.is_some_and(|life| life > Duration::ZERO));
}

#[tokio::test]
async fn a_device_is_let_in_by_a_user_and_its_tokens_are_refreshed() {
    let provider = DevProvider::demo();
    let theirs = theirs(&provider).await;
    let url = theirs.device_authorization.clone().unwrap();
    let client = theirs.client.clone().set_device_authorization_url(url);
    let asked = client
        .exchange_device_code()
        .add_scope(Scope::new("offline_access".to_owned()));
    let device: Device = asked.request_async(&theirs.http).await.unwrap();

    let mut browser = Browser::new().site(&provider.issuer(), provider.clone());
    let uri = device.verification_uri_complete().unwrap();
    browser.get(uri.secret()).await;
    browser.sign_in_as("alice").await;

    let asked = client.exchange_device_access_token(&device);
    let none = Some(Duration::from_secs(60));
    let tokens = asked
        .request_async(&theirs.http, tokio::time::sleep, none)
        .await
        .unwrap();
    assert!(tokens.extra_fields().id_token().is_some());
    let refreshed = client
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .request_async(&theirs.http)
        .await
        .unwrap();
    assert_ne!(
        refreshed.access_token().secret(),
        tokens.access_token().secret()
    );
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_in_their_words() {
    let provider = DevProvider::demo();
    let theirs = theirs(&provider).await;
    provider.fault(Fault::InvalidClient);
    let token = RefreshToken::new("made up".to_owned());
    let refused = theirs.client.exchange_refresh_token(&token);
    let refused = refused.request_async(&theirs.http).await.unwrap_err();
    let RequestTokenError::ServerResponse(answer) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(answer.error().to_string(), "invalid_client");
}
