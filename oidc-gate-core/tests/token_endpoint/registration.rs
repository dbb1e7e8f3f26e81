//! What a client can be registered as: a client that could never prove itself cannot be registered.

use crate::{
    Counting,
    assertion::{KeyEntry, Keys, PublicKey},
    issuer,
};
use oidc_gate_core::{
    client_auth::{
        Authenticator, ClientKeys, Expires, HashedSecret, JwtSecrets, MethodName, RegisteredMethod,
        Registration, RegistrationError as E, SecretPlace, Secrets,
    },
    grant::GrantType,
    jose::{Alg, JwkSet},
    secret::ClientSecret,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn server() -> Authenticator {
    Authenticator::new(issuer(), MethodName::ALL.iter().copied())
}

fn error(server: &Authenticator, registration: Registration) -> Option<E> {
    server.register(registration).err()
}

fn secret(place: SecretPlace) -> RegisteredMethod {
    let hashed = HashedSecret::new(&ClientSecret::new("hush-hush"), &mut Counting(0)).unwrap();
    RegisteredMethod::Secret(place, Secrets::one(hashed))
}

fn signs(bytes: &[usize], alg: Option<Alg>) -> RegisteredMethod {
    let secrets = bytes
        .iter()
        .map(|bytes| (ClientSecret::new("x".repeat(*bytes)), Expires::Never));
    RegisteredMethod::SecretJwt(JwtSecrets::new(secrets, alg))
}

fn keys(jwk: &str, alg: Option<Alg>) -> RegisteredMethod {
    let keys = Keys::new(&[KeyEntry::file("es256", "ec-prime256v1-pkcs8.pem", "ES256")]);
    let set = keys.set(&[PublicKey::edited("es256", jwk)]);
    RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(set)), alg)
}

#[test]
fn an_id_is_1_to_1024_characters_of_printable_ascii() {
    let of = |id: &str| error(&server(), Registration::new(id, RegisteredMethod::None));
    for id in ["a", " ", "my:client", "~", &"x".repeat(1024)] {
        assert_eq!(of(id), None, "{id}");
    }
    for id in ["", "é", "a\nb", "a\u{7f}", &"x".repeat(1025)] {
        assert_eq!(of(id), Some(E::ClientId), "{id}");
    }
}

#[test]
fn a_method_is_one_that_the_server_offers() {
    let only = Authenticator::new(issuer(), [MethodName::SecretBasic]);
    let of = |method| error(&only, Registration::new("app", method));
    assert_eq!(of(secret(SecretPlace::Basic)), None);
    for (method, name) in [
        (secret(SecretPlace::Post), MethodName::SecretPost),
        (secret(SecretPlace::Either), MethodName::SecretPost),
        (RegisteredMethod::None, MethodName::None),
        (signs(&[64], None), MethodName::SecretJwt),
        (keys("{}", None), MethodName::PrivateKeyJwt),
    ] {
        assert_eq!(of(method), Some(E::MethodDisabled(name)));
    }
}

#[test]
fn a_secret_that_signs_is_as_long_as_the_shortest_hash_it_can_be_used_with() {
    let of = |server: &Authenticator, bytes: &[usize], alg| {
        error(server, Registration::new("app", signs(bytes, alg)))
    };
    let all = server();
    for (alg, least) in [
        (None, 32),
        (Some(Alg::HS256), 32),
        (Some(Alg::HS384), 48),
        (Some(Alg::HS512), 64),
    ] {
        assert_eq!(of(&all, &[least], alg), None);
        assert_eq!(
            of(&all, &[least, least - 1], alg),
            Some(E::SecretTooShort { least })
        );
    }
    assert_eq!(of(&all, &[], None), Some(E::NoKey));
    assert_eq!(of(&all, &[64], Some(Alg::ES256)), Some(E::Alg(Alg::ES256)));
    let one = server().algs([Alg::HS512, Alg::ES256]);
    assert_eq!(of(&one, &[63], None), Some(E::SecretTooShort { least: 64 }));
    assert_eq!(of(&one, &[64], None), None);
    assert_eq!(of(&one, &[64], Some(Alg::HS256)), Some(E::Alg(Alg::HS256)));
    let none = server().algs([Alg::ES256]);
    assert_eq!(of(&none, &[64], None), Some(E::NoKey));
}

#[test]
fn a_key_fits_an_algorithm_of_the_server_and_is_public() {
    let of = |server: &Authenticator, jwk: &str, alg| {
        error(server, Registration::new("app", keys(jwk, alg)))
    };
    let all = server();
    assert_eq!(of(&all, "{}", None), None);
    assert_eq!(of(&all, "{}", Some(Alg::ES256)), None);
    assert_eq!(of(&all, "{}", Some(Alg::RS256)), Some(E::NoKey));
    assert_eq!(of(&all, "{}", Some(Alg::HS256)), Some(E::Alg(Alg::HS256)));
    assert_eq!(of(&all, r#"{"use":"enc"}"#, None), Some(E::NoKey));
    assert_eq!(of(&server().algs([Alg::RS256]), "{}", None), Some(E::NoKey));
    assert_eq!(
        of(&server().algs([Alg::RS256]), "{}", Some(Alg::ES256)),
        Some(E::Alg(Alg::ES256))
    );
    for leak in [r#"{"d":"AAAA"}"#, r#"{"kty":"oct","k":"AAAA"}"#] {
        assert_eq!(of(&all, leak, None), Some(E::PrivateKey), "{leak}");
    }
    let empty =
        RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(JwkSet::default())), None);
    assert_eq!(error(&all, Registration::new("app", empty)), Some(E::NoKey));
}

#[test]
fn a_resource_is_absolute_and_has_no_fragment() {
    for (resource, good) in [
        ("https://api.example", true),
        ("urn:example:api", true),
        ("https://api.example/#", false),
        ("/api", false),
        ("", false),
    ] {
        let registration = Registration::new("app", secret(SecretPlace::Basic))
            .resources(["https://first.example", resource]);
        let expected = (!good).then(|| E::Resource(resource.into()));
        assert_eq!(error(&server(), registration), expected, "{resource}");
    }
}

#[test]
fn a_client_has_the_grants_it_is_registered_for_and_begins_with_codes() {
    let registered = |registration| server().register(registration).unwrap();
    let new = || Registration::new("app", secret(SecretPlace::Basic));
    for grant in GrantType::ALL.iter().copied() {
        let code = grant == GrantType::AuthorizationCode;
        assert_eq!(registered(new()).may_use(grant), code);
        assert!(!registered(new().grants([])).may_use(grant));
        assert!(registered(new().grants([grant])).may_use(grant));
    }
}

#[test]
fn metadata_lists_methods_and_only_the_algorithms_they_sign_with() {
    let of = |methods: &[MethodName]| {
        let server = Authenticator::new(issuer(), methods.iter().copied()).algs([
            Alg::ES256,
            Alg::RS256,
            Alg::HS256,
        ]);
        Value::Object(server.metadata(oidc_gate_core::provider::Endpoint::Token))
    };
    use MethodName as M;
    for (methods, names, algs) in [
        (
            vec![M::SecretBasic, M::None],
            json!(["none", "client_secret_basic"]),
            None,
        ),
        (
            vec![M::SecretJwt],
            json!(["client_secret_jwt"]),
            Some(json!(["HS256"])),
        ),
        (
            vec![M::PrivateKeyJwt],
            json!(["private_key_jwt"]),
            Some(json!(["RS256", "ES256"])),
        ),
    ] {
        let mut expected = json!({"token_endpoint_auth_methods_supported": names});
        if let Some(algs) = algs {
            expected["token_endpoint_auth_signing_alg_values_supported"] = algs;
        }
        assert_eq!(of(&methods), expected);
    }
}
