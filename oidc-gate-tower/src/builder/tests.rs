//! What `builder` promises, held to it.

use super::*;
use crate::core::client_auth::{Choice, Method};
use crate::{ConfigError, Gate, core::secret::ClientSecret};

const ISSUER: (&str, &str) = ("OIDC_GATE_ISSUER_URL", "https://id.example.com");
const ID: (&str, &str) = ("OIDC_GATE_CLIENT_ID", "app");
const SECRET: (&str, &str) = ("OIDC_GATE_CLIENT_SECRET", "hush-hush");
const BASE: (&str, &str) = ("OIDC_GATE_BASE_URL", "https://app.example.com");
const KEYS: (&str, &str) = (
    "OIDC_GATE_COOKIE_SECRET",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
);

fn build(vars: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    let var = |name: &str| {
        let found = vars.iter().rev().find(|(n, _)| *n == name)?;
        Some(found.1.to_owned())
    };
    Gate::builder().said(Settings::from_variables(var)).build()
}

fn upstream(gate: &Gate) -> &crate::upstream::Upstream {
    &gate.0.sessions.as_ref().expect("sessions").upstream
}

#[test]
fn an_environment_that_says_everything_is_enough() {
    assert!(build(&[ISSUER, ID, SECRET, BASE, KEYS]).is_ok());
}

#[test]
fn each_mistake_in_the_environment_is_told_once() {
    let fine = [ISSUER, ID, SECRET, BASE, KEYS];
    for (name, value, expected) in [
        (
            "OIDC_GATE_ISSUER_URL",
            "http://id.example.com",
            "OIDC_GATE_ISSUER_URL: \"http://id.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only)",
        ),
        (
            "OIDC_GATE_CLIENT_ID",
            "",
            "OIDC_GATE_CLIENT_ID: missing; OIDC_GATE_CLIENT_SECRET is set, so say whose secret it is",
        ),
        (
            "OIDC_GATE_CLIENT_SECRET",
            " ",
            "OIDC_GATE_CLIENT_SECRET: missing; set it, or OIDC_GATE_CLIENT_AUTH=none for a public client",
        ),
        (
            "OIDC_GATE_CLIENT_AUTH",
            "none",
            "OIDC_GATE_CLIENT_AUTH: none, but OIDC_GATE_CLIENT_SECRET is set; remove one of them",
        ),
        (
            "OIDC_GATE_CLIENT_AUTH",
            "magic",
            "OIDC_GATE_CLIENT_AUTH: \"magic\" is unknown; use client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none or automatic",
        ),
        (
            "OIDC_GATE_SCOPES",
            "openid \"x\"",
            "OIDC_GATE_SCOPES: \"\\\"x\\\"\" is no scope; give each scope as a text of its own",
        ),
        (
            "OIDC_GATE_BASE_URL",
            "http://app.example.com",
            "OIDC_GATE_BASE_URL: \"http://app.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only); session cookies are bound to it",
        ),
        (
            "OIDC_GATE_BASE_URL",
            "",
            "base_url: missing; set .base_url(\"https://…\") to where browsers find it",
        ),
        (
            "OIDC_GATE_COOKIE_SECRET",
            "hush-hush",
            "OIDC_GATE_COOKIE_SECRET: is not base64; make one with `openssl rand -base64 32`",
        ),
        (
            "OIDC_GATE_COOKIE_SECRET",
            "",
            "cookie_keys: missing; make a secret with `openssl rand -base64 32` and set .cookie_keys(CookieKeys::parse(…)?)",
        ),
        (
            "OIDC_GATE_CA_FILE",
            "/nowhere/ca.pem",
            "OIDC_GATE_CA_FILE: \"/nowhere/ca.pem\": No such file or directory (os error 2)",
        ),
    ] {
        let error = build(&[&fine[..], &[(name, value)]].concat()).unwrap_err();
        assert_eq!(error.problems().collect::<Vec<_>>(), [expected]);
        assert!(!format!("{error:?}").contains("hush-hush"));
    }
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    for (url, shown) in [
        ("https://id.example/p@x", "https://id.example/p@x"),
        ("https://u:p@id.example/x", "https://***@id.example/x"),
        ("https://u:p@q@id.example", "https://***@id.example"),
        ("u:p@id.example", "***@id.example"),
    ] {
        assert_eq!(without_userinfo(url), shown);
    }
}

fn after(builder: GateBuilder, vars: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    let var = |name: &str| {
        let found = vars.iter().find(|(n, _)| *n == name)?;
        Some(found.1.to_owned())
    };
    builder.said(Settings::from_variables(var)).build()
}

#[test]
fn the_environment_replaces_what_it_names_and_keeps_the_rest() {
    let auth = || ClientAuth::client_secret_basic(ClientSecret::new("in-code"));
    let provider = Provider::unnamed("https://old.example.com", "old", auth()).groups_at(["roles"]);
    let gate = after(
        Gate::builder().provider(provider),
        &[ISSUER, ID, SECRET, BASE, KEYS],
    )
    .unwrap();
    assert_eq!(upstream(&gate).registration().client.id(), "app");
    assert_eq!(
        upstream(&gate).rules().claims.groups_at,
        [ClaimPath::from("roles")]
    );
    let in_code = Gate::builder().client("in-code", auth());
    let gate = after(in_code, &[ISSUER, BASE, KEYS]).unwrap();
    assert_eq!(upstream(&gate).registration().client.id(), "in-code");
}

#[test]
#[cfg(feature = "dev-provider")]
fn another_provider_takes_the_embedded_ones_place_whole() {
    let embedded = || Gate::builder().dev_provider(&crate::dev::DevProvider::demo());
    let error = after(embedded(), &[ISSUER, BASE, KEYS]).unwrap_err();
    assert_eq!(
        error.problems().collect::<Vec<_>>(),
        [
            "OIDC_GATE_CLIENT_ID: missing; OIDC_GATE_ISSUER_URL is set, so say who this application is there"
        ]
    );
    let gate = after(embedded(), &[ISSUER, ID, SECRET, BASE, KEYS]).unwrap();
    let choice = upstream(&gate).registration().client.choice();
    assert!(
        matches!(choice, Choice::Exactly(Method::SecretBasic(_))),
        "{choice:?}"
    );
}

#[test]
#[cfg(feature = "dev-provider")]
fn the_embedded_provider_takes_over_who_a_provider_is_and_leaves_what_it_is_asked() {
    let there = || Provider::unnamed("https://id.example.com", "app", ClientAuth::none());
    let provider = there()
        .id_token_alg("RS512")
        .discovery_url("https://inner.example.com/metadata")
        .groups_at("roles")
        .scopes(["openid"]);
    let embedded = crate::dev::DevProvider::demo();
    let base = || Gate::builder().base_url("http://localhost:3000");
    let base = || base().cookie_keys(CookieKeys::ephemeral());
    for gate in [
        base().provider(provider.clone()).dev_provider(&embedded),
        base().dev_provider(&embedded).provider(provider.clone()),
    ] {
        let gate = gate.build().unwrap();
        let upstream = upstream(&gate);
        assert_eq!(upstream.issuer().as_str(), embedded.issuer());
        assert_eq!(
            upstream.rules().claims.groups_at,
            [ClaimPath::from("roles")]
        );
        let registration = upstream.registration();
        assert_eq!(
            (registration.client.id(), &*registration.scopes),
            ("dev", "openid")
        );
        assert_eq!(registration.id_token_alg, None);
    }

    let gate = base().dev_provider(&embedded).provider(provider);
    let gate = after(gate, &[ISSUER, ID, SECRET]).unwrap();
    assert_eq!(upstream(&gate).issuer().as_str(), ISSUER.1);
    assert_eq!(upstream(&gate).registration().client.id(), "app");
    assert_eq!(
        upstream(&gate).rules().claims.groups_at,
        [ClaimPath::from("roles")]
    );

    let here = Provider::unnamed(embedded.issuer(), "registered-there", ClientAuth::none());
    let gate = base()
        .provider(here)
        .dev_provider(&embedded)
        .build()
        .unwrap();
    assert_eq!(
        upstream(&gate).registration().client.id(),
        "registered-there"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_unicode_is_a_problem_and_not_missing() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let garbled = ["OIDC_GATE_ALLOWED_GROUPS", "OIDC_GATE_ISSUER_URL"];
    let var = |name: &str| match garbled.contains(&name) {
        true => Some(OsString::from_vec(vec![0xff])),
        false => {
            let mut vars = [ID, SECRET, BASE, KEYS].into_iter();
            vars.find(|(n, _)| *n == name).map(|(_, v)| v.into())
        }
    };
    let said = Settings::from_variables(var);
    let error = Gate::builder().said(said).build().unwrap_err();
    assert_eq!(
        error.problems().collect::<Vec<_>>(),
        [
            "OIDC_GATE_ISSUER_URL: is no Unicode; write it anew",
            "OIDC_GATE_ALLOWED_GROUPS: is no Unicode; write it anew",
        ]
    );
}
