//! From a refresh token to newer tokens.

use super::*;
use crate::{
    claims::{ClaimMap, ClaimsSource, EmailRule},
    jose::base64url,
    secret::RefreshToken,
};
use proptest::prelude::*;
use serde::Deserialize;

mod flow;

const ENDPOINT: &str = "https://id.example/userinfo";
/// When the tokens are refreshed.
const LATER: UnixTime = UnixTime::from_secs(1_700_001_000);

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    /// What the first ID token said, beside the usual.
    #[serde(default = "nothing")]
    first: String,
    /// Whether the nonce of the login is still known.
    #[serde(default = "yes")]
    nonce_known: bool,
    /// Who else may be an audience.
    #[serde(default)]
    trusted: Vec<String>,
    /// The claims that the application keeps.
    keep: Option<Vec<String>>,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    email: bool,
    #[serde(default = "ok")]
    status: u16,
    retry_after: Option<String>,
    /// What the token endpoint answers; tokens unless said.
    body: Option<String>,
    media_type: Option<String>,
    /// What an answer with tokens has beside the access token.
    #[serde(default = "nothing")]
    more: String,
    /// What the ID token says beside the usual; there is none unless said.
    claims: Option<String>,
    #[serde(default)]
    signed_by: SignedBy,
    #[serde(default)]
    keys: KeysAre,
    failure: Option<String>,
    userinfo: Option<String>,
    #[serde(default = "ok")]
    userinfo_status: u16,
    userinfo_failure: Option<String>,

    /// `renewed` (the identity too), `kept` (the tokens are new), `refused`, `another user`, or what became of the
    /// refresh token: `spent no`, `spent perhaps`, `spent yes`.
    expected: String,
    /// The check that failed.
    check: Option<String>,
    /// How long to wait.
    wait: Option<u64>,
    /// What became of userinfo.
    asked: Option<String>,
    /// Claims that the new identity has.
    says: Option<String>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Source {
    IdToken,
    #[default]
    WhenNeeded,
    Always,
}

#[derive(Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum SignedBy {
    #[default]
    Published,
    /// A key that was never published, by a name that was.
    Stranger,
    /// The same, without a name.
    Nameless,
    /// A key whose name was never published.
    Unknown,
}

#[derive(Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum KeysAre {
    #[default]
    There,
    /// They cannot be fetched.
    Out,
    /// Those at hand are there, and no others.
    OutAtLast,
    /// The right ones are published since.
    Rotated,
}

fn nothing() -> String {
    "{}".into()
}

fn yes() -> bool {
    true
}

fn ok() -> u16 {
    200
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

/// What is in `add`, over what is in `base`; `null` takes away.
fn merged(mut base: Map<String, Value>, add: &str) -> Map<String, Value> {
    for (name, value) in object(add) {
        match value {
            Value::Null => drop(base.remove(&name)),
            value => drop(base.insert(name, value)),
        }
    }
    base
}

fn failure(name: &str) -> Input {
    Input::Failed(match name {
        "not sent" => Failure::NotSent,
        "unknown" => Failure::Unknown,
        "too large" => Failure::TooLarge,
        other => panic!("{other}"),
    })
}

/// What is kept of a sign-in whose ID token says `first`.
fn signed_in(first: &str, rules: &SignInRules) -> RefreshOf {
    let mut rules = rules.clone();
    rules.claims.source = ClaimsSource::IdToken;
    rules.claims.email = EmailRule::Optional;
    let edit = |claims: &mut Map<String, Value>| *claims = merged(claims.clone(), first);
    let provider = Provider::new();
    let (signed_in, _) = sign_in_with(NOW, edit, provider, json!({}), registration(), rules);
    let signed_in = signed_in.unwrap();
    RefreshOf {
        token: RefreshToken::new("hush-rt"),
        identity: signed_in.identity,
        provider_session: signed_in.provider_session.map(Into::into),
        scope: signed_in.scope,
        nonce: Some(signed_in.nonce),
        resources: signed_in.resources,
    }
}

impl Case {
    fn rules(&self) -> SignInRules {
        let mut rules = SignInRules::default();
        rules.claims.source = match self.source {
            Source::IdToken => ClaimsSource::IdToken,
            Source::WhenNeeded => ClaimsSource::UserinfoWhenNeeded,
            Source::Always => ClaimsSource::UserinfoAlways,
        };
        rules.trusted_audiences.clone_from(&self.trusted);
        rules.claims.keep = self.keep.clone().map(|names| names.into_iter().collect());
        if self.email {
            rules.claims.email = EmailRule::Present;
        }
        rules
    }

    fn response(&self, body: Vec<u8>) -> Input {
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap();
        for (name, value) in [
            ("retry-after", &self.retry_after),
            ("content-type", &self.media_type),
        ] {
            if let Some(value) = value {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        Input::Response(response)
    }

    fn id_token(&self, key: &SigningKey, stranger: &SigningKey, nonce: &str) -> Option<String> {
        let said = self.claims.as_ref()?.replace("$nonce", nonce);
        let now = LATER.as_secs();
        let usual = json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": now + 300, "iat": now, "name": "Alice B"});
        let claims = merged(usual.as_object().unwrap().clone(), &said);
        let (key, kid) = match self.signed_by {
            SignedBy::Published => (key, None),
            SignedBy::Nameless => (stranger, None),
            SignedBy::Stranger => (stranger, Some("one")),
            SignedBy::Unknown => (stranger, Some("two")),
        };
        let mut header = json!({"alg": "ES256"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let part = |object: Value| base64url::encode(object.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims.into()));
        let signature = key.sign(signed.as_bytes()).unwrap();
        Some(format!("{signed}.{}", base64url::encode(&signature)))
    }

    fn run(&self) -> Refreshed {
        let rules = self.rules();
        let mut of = signed_in(&self.first, &rules);
        let nonce = of.nonce.clone().unwrap();
        if !self.nonce_known {
            of.nonce = None;
        }
        let [key, stranger] = [(); 2].map(|()| SigningKey::generate(Alg::ES256).unwrap());
        let set = |key: &SigningKey| {
            let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
            jwk["kid"] = "one".into();
            Arc::new(JwkSet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap())
        };
        let mut keys = match self.keys {
            KeysAre::Out => vec![],
            KeysAre::Rotated => vec![set(&stranger), set(&key)],
            KeysAre::There | KeysAre::OutAtLast => vec![set(&key)],
        };
        keys.reverse();
        let mut metadata = json!({"userinfo_endpoint": ENDPOINT});
        if self.userinfo.as_deref() == Some("no endpoint") {
            metadata = json!({});
        }
        let mut flow = Refresh::new(
            Arc::new(super::metadata(metadata)),
            Arc::new(registration()),
            Arc::new(rules),
            of,
        );
        let (mut input, mut entropy) = (Input::Start, Counting::default());
        let mut sent = 0;
        loop {
            let env = &mut Env {
                now: LATER,
                entropy: &mut entropy,
            };
            input = match flow.resume(input, env) {
                Step::Send(exchange) if exchange.request.uri() == ENDPOINT => {
                    assert_eq!(
                        exchange.request.headers()["authorization"],
                        "Bearer hush-at"
                    );
                    match (&self.userinfo_failure, &self.userinfo) {
                        (Some(name), _) => failure(name),
                        (None, said) => {
                            let body = said.clone().expect(&self.name);
                            let mut response = http::Response::new(body.into_bytes());
                            let status = http::StatusCode::from_u16(self.userinfo_status).unwrap();
                            *response.status_mut() = status;
                            Input::Response(response)
                        }
                    }
                }
                Step::Send(exchange) => {
                    sent += 1;
                    let body = exchange.request.body();
                    assert_eq!(body, b"grant_type=refresh_token&refresh_token=hush-rt");
                    let tokens = || {
                        let usual = json!({"access_token": "hush-at", "token_type": "Bearer"});
                        let mut tokens = merged(usual.as_object().unwrap().clone(), &self.more);
                        if let Some(token) = self.id_token(&key, &stranger, nonce.expose()) {
                            tokens.insert("id_token".into(), token.into());
                        }
                        Value::from(tokens).to_string()
                    };
                    match &self.failure {
                        Some(name) => failure(name),
                        None => self.response(self.body.clone().unwrap_or_else(tokens).into()),
                    }
                }
                Step::FindKeys(_) => Input::Keys(match (keys.pop(), self.keys) {
                    (Some(keys), _) => Ok(keys),
                    (None, KeysAre::There) => Ok(set(&key)),
                    (None, _) => Err(CheckFailed::new(Check::ProviderUnreachable, "out")),
                }),
                Step::Done(output) => {
                    assert_eq!(sent, 1, "{}", self.name);
                    return output;
                }
                other => panic!("unexpected step {other:?}"),
            };
        }
    }

    fn check(&self) {
        let name = &self.name;
        let refreshed = self.run();
        let (expected, check, wait) = match &refreshed {
            Refreshed::Renewed(renewed) => {
                let identity = match renewed.identity {
                    Some(_) => "renewed",
                    None => "kept",
                };
                (identity, renewed.note.as_ref(), None)
            }
            Refreshed::Refused(failed) => ("refused", Some(failed), None),
            Refreshed::AnotherUser(failed) => ("another user", Some(failed), None),
            Refreshed::NotRenewed {
                failed,
                token,
                retry_after,
            } => {
                let spent = match token {
                    Spent::No => "spent no",
                    Spent::Perhaps => "spent perhaps",
                    Spent::Yes => "spent yes",
                };
                (spent, Some(failed), *retry_after)
            }
        };
        assert_eq!(expected, self.expected, "{name}: {check:?}");
        let id = check.map(|failed| failed.check().id());
        assert_eq!(id, self.check.as_deref(), "{name}: {check:?}");
        assert_eq!(wait.map(|wait| wait.as_secs()), self.wait, "{name}");
        let shown = format!("{refreshed:?}");
        assert!(!shown.contains("hush"), "{name}: {shown}");
        let Refreshed::Renewed(renewed) = refreshed else {
            assert!(self.asked.is_none() && self.says.is_none(), "{name}");
            return;
        };
        let asked = match &renewed.userinfo {
            Asked::No => None,
            Asked::Answered => Some("answered"),
            Asked::Declined(_) => Some("declined"),
            Asked::InVain => Some("in vain"),
        };
        assert_eq!(asked, self.asked.as_deref(), "{name}");
        assert_eq!(renewed.requested_at, LATER, "{name}");
        if let Some(identity) = &renewed.identity {
            let claim = identity.claim("auth_time").and_then(Value::as_u64);
            assert_eq!(identity.auth_time().map(UnixTime::as_secs), claim, "{name}");
        }
        if let Some(says) = &self.says {
            let identity = renewed.identity.expect(name);
            for (claim, value) in object(says) {
                let got = identity.claim(&claim).cloned().unwrap_or_default();
                assert_eq!(got, value, "{name}: {claim}");
            }
        }
    }
}

fn cases() -> Vec<Case> {
    crate::testdata::cases(include_str!("../../../testdata/refresh.toml"))
}

#[test]
fn every_answer_ends_as_the_data_says() {
    let cases = cases();
    assert!(cases.len() >= 60);
    for case in cases {
        case.check();
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_ends_and_shows_no_secret(status in 100_u16..1000,
        body in "\\PC{0,20}|\\{\"(error|access_token|id_token|token_type|scope)\":(\"[a-z_.]{0,14}\"|-?[0-9]{1,30}|null|\\{\\})\\}",
        more in "\\{\"(refresh_token|id_token|expires_in|scope)\":(\"[a-z_.]{0,9}\"|-?[1-9][0-9]{0,30}|null)\\}",
        claims in "\\{\"(iss|sub|aud|azp|exp|iat|nbf|auth_time|nonce|acr|amr|at_hash|sid|session_expiry|groups|email)\":(\"[a-z]{0,9}\"|-?[0-9]{1,30}|null|\\[\\]|\\{\\}|1e400|0.5)\\}",
        told in "\\PC{0,9}|\\{\"sub\":\"(alice|bob)\",\"(groups|email|sub2)\":(\"[a-z]{0,9}\"|-?[0-9]{1,30}|null)\\}",
        pick in 0_u8..8) {
        let mut case = cases().swap_remove(0);
        case.source = if pick & 1 == 0 { Source::Always } else { Source::WhenNeeded };
        case.userinfo = Some(told);
        if pick & 2 == 0 {
            (case.status, case.body) = (status, Some(body));
        } else {
            case.more = more;
            // What is no JSON at all is for the parser's own tests.
            if serde_json::from_str::<Value>(&claims).is_ok() {
                case.claims = Some(claims);
            }
        }
        let shown = format!("{:?}", case.run());
        prop_assert!(!shown.contains("hush"), "{}", shown);
    }
}
