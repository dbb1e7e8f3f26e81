//! What requests present, through the public API alone: the cases of `testdata/bearer.toml`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know for tests"
)]

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use oidc_gate_core::{
    check::{Check, CheckFailed},
    claims::EmailRule,
    identity::{Identity, IdentityKind, Via},
    jose::{Alg, JwkSet, SigningKey},
    resource::{
        BasicTokens, BearerKind, Bearers, Marker, Profile, ScopeForm, TokenRules, Verified,
        presented,
    },
    time::UnixTime,
    url::Issuer,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// A token that is right.
const TOKEN: &str = r#"{"iss":"https://id.example","sub":"alice","aud":"api","client_id":"app","exp":1700000300,"iat":1700000000,"jti":"1","scope":"read write"}"#;
const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"key"}"#;

static KEY: LazyLock<SigningKey> = LazyLock::new(new_key);
static OTHER: LazyLock<SigningKey> = LazyLock::new(new_key);

fn new_key() -> SigningKey {
    SigningKey::generate(Alg::ES256).unwrap().named("key")
}

fn jwks(key: &SigningKey) -> JwkSet {
    JwkSet::parse(json!({ "keys": [key.public_jwk()] }).to_string().as_bytes()).unwrap()
}

/// The keys of one issuer; those of another are never asked for its tokens.
fn keys_of(issuer: &Issuer) -> JwkSet {
    match issuer.as_str() {
        "https://id.example" => jwks(&KEY),
        _ => jwks(&OTHER),
    }
}

fn id_example() -> Issuer {
    Issuer::parse("https://id.example").unwrap()
}

fn access_tokens(change: impl FnOnce(&mut TokenRules)) -> TokenRules {
    let mut rules = TokenRules::new(id_example(), "api").or_audience("api-v1");
    change(&mut rules);
    rules
}

/// The rules by the names that the table uses.
fn rules(name: &str) -> Bearers {
    let marked = |marker| Profile::Marked(vec![marker]);
    let rules = match name {
        "" => vec![access_tokens(|_| {})],
        "rs256" => vec![access_tokens(|r| {
            r.algs = [Alg::RS256].into_iter().collect()
        })],
        "lists" => vec![access_tokens(|r| r.scope_form = ScopeForm::TextOrList)],
        "marked" => vec![access_tokens(|r| {
            r.profile = marked(Marker::value("token_use", "access"));
        })],
        "entra" => vec![access_tokens(|r| {
            r.profile = marked(Marker::present("scp"));
            r.scopes_at = vec!["scp".into()];
        })],
        "cognito" => vec![access_tokens(|r| {
            r.profile = marked(Marker::value("token_use", "access"));
            r.client_id_is_audience = true;
        })],
        "auth0" => vec![access_tokens(|r| {
            r.client_tokens = vec![Marker::value("gty", "client-credentials")];
        })],
        "id_token" => vec![access_tokens(|r| r.kind = BearerKind::IdToken)],
        "email" => vec![access_tokens(|r| r.claims.email = EmailRule::Present)],
        "several" => {
            let mut admin = TokenRules::new(id_example(), "admin");
            admin.claims.groups_at = vec!["teams".into()];
            let mut cli = TokenRules::new(id_example(), "cli");
            cli.kind = BearerKind::IdToken;
            let other = Issuer::parse("https://other.example").unwrap();
            vec![
                access_tokens(|_| {}),
                admin,
                cli,
                TokenRules::new(other, "api"),
            ]
        }
        other => panic!("no rules are called {other}"),
    };
    for rules in &rules {
        assert_eq!(rules.problems(), [""; 0], "{name}");
    }
    Bearers::new(rules)
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(default)]
    rules: String,
    #[serde(default)]
    basic: bool,
    authorization: Option<Vec<String>>,
    header: Option<String>,
    claims: Option<String>,
    raw_claims: Option<String>,
    #[serde(default)]
    signature: String,
    expected: String,
    identity: Option<String>,
    cause: Option<String>,
}

/// `base` with the members of `edits` in it, and without those that are `null` there.
fn merged(base: &str, edits: Option<&str>) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(base).unwrap();
    let edits: Map<String, Value> = serde_json::from_str(edits.unwrap_or("{}")).unwrap();
    for (name, value) in edits {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    Value::Object(object).to_string()
}

fn token(header: &str, claims: &str, signature: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(header), part(claims));
    let key = if signature == "other" { &OTHER } else { &KEY };
    let mut bytes = key.sign(signed.as_bytes()).unwrap();
    match signature {
        "" | "other" => {}
        "wrong" => bytes[7] ^= 1,
        "none" => bytes.clear(),
        other => panic!("no signature is called {other}"),
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

impl Case {
    fn headers(&self) -> HeaderMap {
        let claims = self.raw_claims.clone();
        let claims = claims.unwrap_or_else(|| merged(TOKEN, self.claims.as_deref()));
        let token = token(
            &merged(HEADER, self.header.as_deref()),
            &claims,
            &self.signature,
        );
        let lines = self.authorization.clone();
        let lines = lines.unwrap_or_else(|| vec!["Bearer {token}".into()]);
        let mut headers = HeaderMap::new();
        for line in lines {
            let mut line = line.replace("{token}", &token);
            if let Some((before, rest)) = line.split_once("{base64:") {
                line = format!(
                    "{before}{}",
                    STANDARD.encode(rest.strip_suffix('}').unwrap())
                );
            }
            headers.append(
                AUTHORIZATION,
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        headers
    }

    fn run(&self) -> Result<Option<Verified>, CheckFailed> {
        let basic = match self.basic {
            true => BasicTokens::Taken,
            false => BasicTokens::Ignored,
        };
        let headers = self.headers();
        let bearers = rules(&self.rules);
        let Some(token) = presented(&headers, basic)? else {
            return Ok(None);
        };
        let candidate = bearers.read(token.expose())?;
        let keys = keys_of(candidate.issuer());
        candidate.verify(&keys, NOW).map(Some)
    }
}

fn words(identity: &Identity) -> String {
    assert_eq!(identity.via(), Via::Bearer);
    let list = |items: Vec<&str>| items.join(" ");
    let kind = match identity.kind() {
        IdentityKind::User => "user",
        IdentityKind::Client => "client",
    };
    let mut out = format!(
        "{kind} {} by {}, scopes {}",
        identity.subject(),
        identity.client_id().unwrap_or("nobody"),
        list(identity.scopes().collect())
    );
    if identity.groups().next().is_some() {
        out += &format!(", groups {}", list(identity.groups().collect()));
    }
    out
}

#[test]
fn every_case_ends_as_the_data_says() {
    let cases: Cases = toml::from_str(include_str!("../testdata/bearer.toml")).unwrap();
    assert!(cases.case.len() > 200);
    let mut wrong = vec![];
    for case in &cases.case {
        let result = case.run();
        let got = match &result {
            Ok(Some(_)) => "ok",
            Ok(None) => "none",
            Err(failed) => failed.check().id(),
        };
        if got != case.expected {
            wrong.push(format!("{}: {result:?}", case.name));
        }
        if let (Some(expected), Ok(Some(verified))) = (&case.identity, &result)
            && words(&verified.identity) != *expected
        {
            wrong.push(format!("{}: {}", case.name, words(&verified.identity)));
        }
        if let (Some(expected), Err(failed)) = (&case.cause, &result)
            && failed.cause() != expected
        {
            wrong.push(format!("{}: {}", case.name, failed.cause()));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn names_in_the_table_are_names() {
    let cases: Cases = toml::from_str(include_str!("../testdata/bearer.toml")).unwrap();
    let names: std::collections::HashSet<_> = cases.case.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.case.len());
}

fn verify(token: &str) -> Result<Verified, CheckFailed> {
    rules("").read(token)?.verify(&jwks(&KEY), NOW)
}

#[test]
fn the_signature_is_checked_before_any_claim() {
    let expired = merged(TOKEN, Some(r#"{"exp":1}"#));
    let failed = verify(&token(HEADER, &expired, "wrong")).unwrap_err();
    assert_eq!(failed.check(), Check::BearerSignature);
}

#[test]
fn a_flipped_character_anywhere_is_noticed() {
    let right = token(HEADER, TOKEN, "");
    assert!(verify(&right).is_ok());
    for at in 0..right.len() {
        let mut bytes = right.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(forged == right || verify(&forged).is_err(), "{at}");
    }
}

#[test]
fn a_key_without_a_name_is_looked_for_once_more_where_the_signature_is_wrong() {
    let unnamed = token(&merged(HEADER, Some(r#"{"kid":null}"#)), TOKEN, "");
    let (old, new) = (Arc::new(jwks(&OTHER)), Arc::new(jwks(&KEY)));
    let bearers = rules("");
    let other_keys = |token: &str, keys: &Arc<JwkSet>| {
        let candidate = bearers.read(token).unwrap();
        let failed = candidate.verify(keys, NOW).err()?;
        candidate.other_keys(&failed, keys)
    };
    let query = other_keys(&unnamed, &old).unwrap();
    assert!(!old.answers(&query) && new.answers(&query));
    assert!(other_keys(&unnamed, &new).is_none());
    // What is wrong with the claims, no other key makes right; and a key that is named and wrong is not worth a fetch.
    let expired = merged(TOKEN, Some(r#"{"exp":1}"#));
    let expired = token(&merged(HEADER, Some(r#"{"kid":null}"#)), &expired, "");
    assert!(other_keys(&expired, &new).is_none() && other_keys(&expired, &old).is_some());
    let named = token(HEADER, TOKEN, "");
    assert!(other_keys(&named, &old).is_none());
}

#[test]
fn the_identity_is_that_of_a_login_but_for_how_it_came() {
    let claims = merged(
        TOKEN,
        Some(
            r#"{"name":"Alice","email":"a@example.com","email_verified":true,"groups":["staff"],"acr":"phr","amr":["pwd"],"auth_time":1699999990,"department":"R&D"}"#,
        ),
    );
    let verified = verify(&token(HEADER, &claims, "")).unwrap();
    assert_eq!(verified.expires_at, UnixTime::from_secs(1_700_000_300));
    let alice = verified.identity;
    assert_eq!(alice.issuer(), "https://id.example");
    assert_eq!(
        (alice.name(), alice.verified_email()),
        (Some("Alice"), Some("a@example.com"))
    );
    assert!(alice.in_group("staff") && alice.has_scope("write") && !alice.has_scope("writ"));
    assert_eq!(
        (alice.acr(), alice.amr().collect::<Vec<_>>()),
        (Some("phr"), vec!["pwd"])
    );
    assert_eq!(alice.auth_time(), Some(UnixTime::from_secs(1_699_999_990)));
    assert_eq!(alice.claim("department"), Some(&json!("R&D")));
}

#[test]
fn the_client_is_known_where_claims_are_not_kept() {
    let mut keeping = access_tokens(|r| r.claims.keep = Some(["department".to_owned()].into()));
    keeping.claims.drop.insert("client_id".into());
    let bearers = Bearers::new(vec![keeping]);
    let token = token(HEADER, TOKEN, "");
    let verified = bearers
        .read(&token)
        .unwrap()
        .verify(&jwks(&KEY), NOW)
        .unwrap();
    assert_eq!(verified.identity.client_id(), Some("app"));
}

#[test]
fn a_client_is_not_the_user_whose_name_it_has() {
    let client = merged(TOKEN, Some(r#"{"client_id":"alice"}"#));
    let [user, client] =
        [TOKEN, &client].map(|claims| verify(&token(HEADER, claims, "")).unwrap().identity);
    assert!(user.is_same_user(&user) && !user.is_same_user(&client));
}

#[test]
fn rules_that_cannot_be_meant_are_named() {
    let problems = |change: &dyn Fn(&mut TokenRules)| access_tokens(change).problems();
    assert_eq!(
        TokenRules::new(id_example(), "").problems(),
        ["audience: empty; name what the issuer writes into `aud`"]
    );
    for algs in [vec![], vec![Alg::HS256], vec![Alg::RS256, Alg::HS256]] {
        assert_eq!(
            problems(&|r| r.algs = algs.iter().copied().collect()),
            ["algs: expected asymmetric algorithms, at least one"]
        );
    }
    for claim in ["azp", "sub", "nonce", "email", "groups"] {
        assert_eq!(
            problems(&|r| r.profile = Profile::Marked(vec![Marker::present(claim)])),
            [format!(
                "untyped: {claim:?} is in ID tokens too; name a claim that only access tokens have"
            )]
        );
    }
    assert_eq!(problems(&|r| r.profile = Profile::Marked(vec![])).len(), 1);
    assert_eq!(
        problems(&|r| r.profile = Profile::Marked(vec![Marker::value("use", "")])).len(),
        1
    );
    assert_eq!(problems(&|r| r.client_id_is_audience = true).len(), 1);
    assert_eq!(
        problems(&|r| {
            r.kind = BearerKind::IdToken;
            r.profile = Profile::Marked(vec![Marker::present("scp")]);
        })
        .len(),
        1
    );
}

#[test]
fn nothing_that_is_printed_shows_a_token() {
    let text = token(HEADER, TOKEN, "");
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {text}").parse().unwrap());
    let presented = presented(&headers, BasicTokens::Taken).unwrap().unwrap();
    let bearers = rules("");
    let candidate = bearers.read(presented.expose()).unwrap();
    let shown = format!("{presented:?} {candidate:?} {bearers:?}");
    for part in text.split('.') {
        assert!(!shown.contains(part), "{shown}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(line in proptest::collection::vec(32_u8..=255, 0..60), token in "[A-Za-z0-9_=.-]{0,80}") {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            headers.insert(AUTHORIZATION, value);
        }
        let _ = presented(&headers, BasicTokens::Taken);
        let _ = rules("several").read(&token);
    }
}
