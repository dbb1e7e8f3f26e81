use super::*;
use crate::bridge::FromTheirs as _;
use crate::{
    ClientAuth,
    core::{
        check::Check,
        client_auth::{AssertionKey, Held},
        jose::{Alg, SigningKey},
        secret::ClientSecret as Secret,
        url::Issuer,
    },
};
use openidconnect::core::CoreProviderMetadata;
use serde_json::{Value, json};

const METHODS: [&str; 7] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];

fn document() -> Value {
    json!({
        "issuer": "https://id.test",
        "authorization_endpoint": "https://id.test/authorize",
        "token_endpoint": "https://id.test/token",
        "userinfo_endpoint": "https://id.test/userinfo",
        "jwks_uri": "https://id.test/jwks",
        "response_types_supported": ["code", "code id_token"],
        "response_modes_supported": ["query", "form_post"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "token_endpoint_auth_methods_supported": METHODS,
        "claims_parameter_supported": true,
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.id.test/token"},
    })
}

fn metadata(document: &Value) -> Metadata {
    let issuer = Issuer::parse("https://id.test").unwrap();
    Metadata::parse(document.to_string().as_bytes(), &issuer).unwrap()
}

fn made(method: Method) -> Result<BridgedClient, BridgeError> {
    let redirect = Some("https://app.test/oauth2/callback");
    client(
        &Client::new("app", method),
        &metadata(&document()),
        CoreJsonWebKeySet::new(Vec::new()),
        redirect,
    )
}

#[test]
fn a_client_has_the_addresses_of_the_metadata_and_the_redirect_uri() {
    let client = made(Method::SecretBasic(Secret::new("hush"))).unwrap();
    assert_eq!(client.client_id().as_str(), "app");
    assert_eq!(client.auth_uri().as_str(), "https://id.test/authorize");
    assert_eq!(client.token_uri().as_str(), "https://id.test/token");
    assert_eq!(
        client.user_info_url().unwrap().as_str(),
        "https://id.test/userinfo"
    );
    assert_eq!(
        client.redirect_uri().unwrap().as_str(),
        "https://app.test/oauth2/callback"
    );
    assert!(!format!("{client:?}").contains("hush"));
}

#[test]
fn the_secret_is_put_where_the_method_has_it() {
    let secret = || Secret::new("hush");
    let is_in_header = |auth_type: &AuthType| matches!(auth_type, AuthType::BasicAuth);
    for (method, in_header) in [
        (Method::None, false),
        (Method::Tls, false),
        (Method::SelfSignedTls, false),
        (Method::SecretBasic(secret()), true),
        (Method::SecretBasicRaw(secret()), true),
        (Method::SecretPost(secret()), false),
    ] {
        let name = method.name();
        let has_secret = method.secret().is_some();
        let client = made(method.clone()).unwrap();
        assert_eq!(is_in_header(client.auth_type()), in_header, "{name}");
        let Ok((_, secret)) = proof(&Client::new("app", method.clone()), &method) else {
            panic!("{name}")
        };
        assert_eq!(secret.is_some(), has_secret, "{name}");
    }
}

#[test]
fn a_client_of_mutual_tls_asks_where_certificates_are_asked_for() {
    assert_eq!(
        made(Method::Tls).unwrap().token_uri().as_str(),
        "https://mtls.id.test/token"
    );
}

#[test]
fn what_their_client_cannot_do_is_refused_by_name() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let jwt = Method::secret_jwt(Alg::HS256, Secret::new("x".repeat(40))).unwrap();
    for (method, name) in [
        (jwt, "client_secret_jwt"),
        (
            Method::PrivateKeyJwt(AssertionKey::private(key).unwrap()),
            "private_key_jwt",
        ),
        (
            Method::SecretBasicRaw(Secret::new("hush+")),
            "client_secret_basic without encoding",
        ),
    ] {
        assert_eq!(made(method).map(drop), Err(BridgeError::Method(name)));
    }
}

#[test]
fn a_method_that_the_provider_does_not_list_is_refused_before_anything_is_made() {
    let mut document = document();
    document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    let metadata = metadata(&document);
    let with = |ours: Client| client(&ours, &metadata, CoreJsonWebKeySet::new(Vec::new()), None);
    let basic = Client::new("app", Method::SecretBasic(Secret::new("hush")));
    let Err(BridgeError::Provider(failed)) = with(basic).map(drop) else {
        panic!("it is taken")
    };
    assert_eq!(failed.check(), Check::ClientAuthUnsupported);
    let held = Client::new("app", Held::default().with_secret(Secret::new("hush")));
    let client = with(held).unwrap();
    assert!(
        matches!(client.auth_type(), AuthType::RequestBody),
        "the strongest that is taken"
    );
}

#[test]
fn a_provider_makes_a_client_of_its_own_metadata_alone() {
    let keys = || CoreJsonWebKeySet::new(Vec::new());
    let provider = Provider::unnamed("https://id.test", "app", ClientAuth::none());
    assert!(
        provider
            .openidconnect(&metadata(&document()), keys(), None)
            .is_ok()
    );
    let other = Provider::unnamed("https://other.test", "app", ClientAuth::none());
    let refused = other
        .openidconnect(&metadata(&document()), keys(), None)
        .map(drop);
    assert!(matches!(
        refused,
        Err(BridgeError::Conversion(ConversionError::Expected(_)))
    ));
}

#[test]
fn metadata_comes_back_with_everything_that_their_type_has_a_place_for() {
    let ours = metadata(&document());
    let theirs: CoreProviderMetadata = ours.to_theirs().unwrap();
    let again = Metadata::from_theirs(&theirs).unwrap();
    let said = |metadata: &Metadata| {
        (
            metadata.issuer().as_str().to_owned(),
            [
                metadata.authorization_endpoint(),
                metadata.token_endpoint(),
                metadata.jwks_uri(),
            ]
            .map(|url| url.as_str().to_owned()),
            metadata
                .userinfo_endpoint()
                .map(|url| url.as_str().to_owned()),
            metadata.response_types().map(<[String]>::to_vec),
            metadata.response_modes().to_vec(),
            metadata.id_token_algs().iter().collect::<Vec<_>>(),
            metadata
                .auth_methods(Endpoint::Token)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            metadata.takes_claims(),
        )
    };
    assert_eq!(said(&again), said(&ours));
}

#[test]
fn metadata_of_theirs_is_held_to_what_a_document_is_held_to() {
    let mut document = document();
    document["subject_types_supported"] = json!(["public"]);
    document["token_endpoint"] = json!("http://id.test/token");
    let theirs: CoreProviderMetadata = serde_json::from_value(document).unwrap();
    let Err(ConversionError::Refused(failed)) = Metadata::from_theirs(&theirs).map(drop) else {
        panic!("it is taken")
    };
    assert_eq!(failed.check(), Check::MetadataMalformed);
}
