//! Every method over TLS, right and wrong, at the program as it is started.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use common::Running;
use oidc_gate_core::jose::{CompactJws, JwkSet, TrustedKeys};
use reqwest::{Certificate, Client, Identity, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

const BASIC: &str = "7Fjfp0ZBr1+KtDRbnfVdm/w5hCq8sLgXoPyT2eUaIk4=";
const POST: &str = "mB4zNn1tQpY7cVdXwR6sJ0uKfLhE3aGo9iTqZx5yDvA";
const HMAC: &str = "kR5dYw0u3cC1mEo8zH7bTqS2vXnP4jLa";
// RFC 7636 Appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Running {
    /// A file of the demonstration.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join("demo").join(name)
    }

    /// A client of TLS that shows the certificate `shown`.
    fn client(&self, shown: Option<&str>) -> Client {
        let ca = Certificate::from_pem(&fs::read(self.file("ca.pem")).unwrap()).unwrap();
        let mut client = Client::builder()
            .tls_certs_only([ca])
            .redirect(Policy::none())
            .no_proxy();
        if let Some(name) = shown {
            let mut pem = fs::read(self.file(&format!("{name}.key"))).unwrap();
            pem.extend(fs::read(self.file(&format!("{name}.pem"))).unwrap());
            client = client.identity(Identity::from_pem(&pem).unwrap());
        }
        client.build().unwrap()
    }

    fn assertion(&self, client: &str, with: &str, issuer: &str) -> String {
        let made = Command::new(env!("CARGO_BIN_EXE_assertion"))
            .args([client, with, issuer])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    async fn ask(&self, way: &Way<'_>, path: &str, pairs: Pairs<'_>) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.issuer);
        let mut request = self
            .client(way.shown)
            .post(url)
            .form(&[pairs, &way.pairs()].concat());
        if let Some((id, secret)) = way.basic {
            let encode = oidc_gate_core::form::encode;
            request = request.basic_auth(encode(id), Some(encode(secret)));
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        (answer.status(), answer.json().await.unwrap())
    }

    /// What the log says of a request that is refused by `check`.
    async fn refused(&self, way: Way<'_>, check: &str) -> String {
        let (status, told) = self.ask(&way, "/token", OWN).await;
        assert_eq!(
            (status.as_u16(), &told["error"]),
            (401, &json!("invalid_client")),
            "{check}"
        );
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.starts_with(&format!("refused: {check}: ")),
            "{check}: {last}"
        );
        last.to_owned()
    }

    /// A code for `phone`.
    async fn code(&self) -> String {
        let query = oidc_gate_core::form::with_query(
            &format!("{}/authorize", self.issuer),
            [
                ("response_type", "code"),
                ("client_id", "phone"),
                ("redirect_uri", "https://phone.example/callback"),
                ("scope", "read"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ],
        );
        let answer = self.client(None).get(query).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let rest = location
            .strip_prefix("https://phone.example/callback?code=")
            .unwrap();
        rest.split('&').next().unwrap().to_owned()
    }
}

const OWN: Pairs<'_> = &[("grant_type", "client_credentials")];

/// How a client comes.
#[derive(Default)]
struct Way<'a> {
    basic: Option<(&'a str, &'a str)>,
    form: Vec<(&'a str, &'a str)>,
    assertion: Option<String>,
    shown: Option<&'a str>,
}

impl<'a> Way<'a> {
    fn basic(secret: &'a str) -> Self {
        Self {
            basic: Some(("basic", secret)),
            ..Self::default()
        }
    }

    fn post(secret: &'a str) -> Self {
        Self {
            form: vec![("client_id", "post"), ("client_secret", secret)],
            ..Self::default()
        }
    }

    fn assertion(assertion: String) -> Self {
        Self {
            assertion: Some(assertion),
            ..Self::default()
        }
    }

    fn shows(client: &'a str, shown: Option<&'a str>) -> Self {
        Self {
            form: vec![("client_id", client)],
            shown,
            ..Self::default()
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs = self.form.clone();
        if let Some(assertion) = &self.assertion {
            pairs.push(("client_assertion", assertion));
            pairs.push((
                "client_assertion_type",
                oidc_gate_core::client_auth::JWT_BEARER,
            ));
        }
        pairs
    }
}

#[tokio::test]
async fn each_method_gets_a_token_that_is_worth_something() {
    let server = Running::start("methods", |text| text);
    let issuer = &server.issuer;
    let ways = [
        ("basic", Way::basic(BASIC)),
        ("post", Way::post(POST)),
        (
            "hmac",
            Way::assertion(server.assertion("hmac", HMAC, issuer)),
        ),
        (
            "signer",
            Way::assertion(server.assertion("signer", "demo/signer.key", issuer)),
        ),
        ("issued", Way::shows("issued", Some("issued"))),
        ("own", Way::shows("own", Some("own"))),
    ];
    let jwks = server.client(None).get(format!("{issuer}/jwks")).send();
    let jwks = JwkSet::parse(&jwks.await.unwrap().bytes().await.unwrap()).unwrap();
    for (name, way) in ways {
        let (status, told) = server
            .ask(&way, "/token", &[OWN[0], ("scope", "read")])
            .await;
        assert_eq!(status, 200, "{name}: {told}");
        let token = told["access_token"].as_str().unwrap();

        let jws = CompactJws::parse(token).unwrap();
        assert_eq!(jws.typ(), Some("at+jwt"));
        let claims = jws.verify(TrustedKeys::Published(&jwks)).unwrap();
        assert_eq!(
            (&claims["sub"], &claims["scope"]),
            (&json!(name), &json!("read"))
        );
        assert_eq!(claims.contains_key("cnf"), way.shown.is_some(), "{name}");

        let (_, told) = server
            .ask(&Way::post(POST), "/introspect", &[("token", token)])
            .await;
        assert_eq!(
            (&told["active"], &told["client_id"]),
            (&json!(true), &json!(name))
        );
    }
    let (_, told) = server
        .ask(&Way::post(POST), "/introspect", &[("token", "made-up")])
        .await;
    assert_eq!(told, json!({"active": false}));
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_the_log_says_why() {
    let server = Running::start("refusals", |text| text);
    let issuer = &server.issuer;
    let signed = |with: &str, issuer: &str| server.assertion("signer", with, issuer);
    server.refused(Way::basic(POST), "client_auth.secret").await;
    server.refused(Way::post(BASIC), "client_auth.secret").await;
    let other = server.assertion("hmac", "another secret of thirty-two bytes", issuer);
    server
        .refused(Way::assertion(other), "assertion.signature")
        .await;
    let other = signed("demo/own.key", issuer);
    server
        .refused(Way::assertion(other), "assertion.signature")
        .await;
    let elsewhere = signed("demo/signer.key", "https://other.example");
    let log = server
        .refused(Way::assertion(elsewhere), "assertion.aud")
        .await;
    let told = format!(r#"expected "{issuer}", got "https://other.example""#);
    assert!(log.ends_with(&told), "{log}");

    let once = signed("demo/signer.key", issuer);
    let first = Way::assertion(once.clone());
    assert_eq!(server.ask(&first, "/token", OWN).await.0, 200);
    server
        .refused(Way::assertion(once), "assertion.replayed")
        .await;

    let shows = Way::shows;
    server
        .refused(shows("issued", Some("another")), "certificate.subject")
        .await;
    server
        .refused(shows("issued", Some("own")), "certificate.untrusted")
        .await;
    server
        .refused(shows("issued", None), "certificate.missing")
        .await;
    server
        .refused(shows("own", Some("issued")), "certificate.not_registered")
        .await;
    server
        .refused(shows("own", None), "certificate.missing")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_parallel_redemptions_one_gets_a_token_and_it_is_revoked() {
    let server = Running::start("parallel", |text| text);
    for _ in 0..5 {
        let code = server.code().await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "phone"),
            ("code", &code),
            ("redirect_uri", "https://phone.example/callback"),
            ("code_verifier", VERIFIER),
        ];
        let client = server.client(None);
        let request = client.post(format!("{}/token", server.issuer)).form(&form);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let request = request.try_clone().unwrap();
            all.spawn(async move {
                let answer = request.send().await.unwrap();
                (answer.status(), answer.json::<Value>().await.unwrap())
            });
        }
        let all = all.join_all().await;
        let (granted, refused): (Vec<_>, Vec<_>) = all.iter().partition(|(s, _)| s.is_success());
        assert_eq!((granted.len(), refused.len()), (1, 15));
        for (status, told) in refused {
            assert_eq!(
                (status.as_u16(), &told["error"]),
                (400, &json!("invalid_grant"))
            );
        }
        // Somebody else had the code as well: what came of it is worth nothing (RFC 6749 § 4.1.2).
        let token = granted[0].1["access_token"].as_str().unwrap();
        let (_, told) = server
            .ask(&Way::post(POST), "/introspect", &[("token", token)])
            .await;
        assert_eq!(told, json!({"active": false}));
    }
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_the_old_one_ends_everything() {
    let server = Running::start("refresh", |text| text);
    let phone = Way::shows("phone", None);
    let code = server.code().await;
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://phone.example/callback"),
        ("code_verifier", VERIFIER),
    ];
    let (status, first) = server.ask(&phone, "/token", &redemption).await;
    assert_eq!(status, 200, "{first}");
    let refresh = async |told: &Value| {
        let token = told["refresh_token"].as_str().unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        server.ask(&phone, "/token", &fields).await
    };
    let (status, second) = refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for used in [&first, &second] {
        let (status, told) = refresh(used).await;
        assert_eq!(
            (status.as_u16(), &told["error"]),
            (400, &json!("invalid_grant"))
        );
    }
}

#[tokio::test]
async fn json_is_read_where_it_is_switched_on() {
    let body =
        json!({"grant_type": "client_credentials", "client_id": "post", "client_secret": POST});
    for (json, expected, status) in [
        ("true", Value::Null, 200),
        ("false", json!("invalid_request"), 400),
    ] {
        let switch = |text: String| text.replace("json = true", &format!("json = {json}"));
        let server = Running::start(&format!("json-{json}"), switch);
        let url = format!("{}/token", server.issuer);
        let answer = server
            .client(None)
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], expected);
    }
}
