//! The leg of a sign-in that asks userinfo.

use super::*;
use crate::claims::{ClaimMap, ClaimsSource, EmailRule, Shape};

const ENDPOINT: &str = "https://id.example/userinfo";

/// A sign-in whose ID token says `signed` of the user, and what userinfo answers if it is asked.
struct Case {
    scopes: &'static [&'static str],
    signed: Value,
    answer: Input,
    rules: SignInRules,
    metadata: Value,
}

impl Case {
    fn new(source: ClaimsSource) -> Self {
        let mut rules = SignInRules::default();
        rules.claims.source = source;
        Self {
            scopes: &["email", "profile"],
            signed: json!({"name": "Alice", "email": "a@example.com"}),
            answer: told(json!({"sub": "alice", "department": "R&D"})),
            rules,
            metadata: json!({"userinfo_endpoint": ENDPOINT}),
        }
    }

    fn signed(self, signed: Value) -> Self {
        Self { signed, ..self }
    }

    fn answer(self, answer: Input) -> Self {
        Self { answer, ..self }
    }

    fn scopes(self, scopes: &'static [&'static str]) -> Self {
        Self { scopes, ..self }
    }

    fn rules(mut self, change: impl FnOnce(&mut crate::claims::ClaimRules)) -> Self {
        change(&mut self.rules.claims);
        self
    }

    /// What comes of it, and how often userinfo was asked.
    fn run(self) -> (Result<SignedIn, CheckFailed>, u32) {
        let provider = Provider::new();
        let client = Client::new("app", Method::SecretBasic(ClientSecret::new("hush")));
        let redirect_uri = "https://app.example/oauth2/callback";
        let registration = Registration::new(client, redirect_uri, self.scopes);
        let metadata = metadata(self.metadata);
        let started = begin_with(&metadata, &registration, "/me", Demand::default());
        let nonce = query(&started.location).take("nonce").unwrap();
        let state = started.state.clone();
        let answered = callback(&state, &format!("code=abc&{ISS}"))
            .accept(started.transaction, NOW)
            .and_then(|consume| consume.resolve(Use::First));
        let Ok(Answered::Granted(grant)) = answered else {
            panic!("{answered:?}");
        };
        let mut flow = SignIn::new(
            Arc::new(metadata),
            Arc::new(registration),
            Arc::new(self.rules),
            *grant,
        );
        let mut claims = provider.claims(&nonce);
        claims.remove("name");
        claims.remove("groups");
        claims.extend(self.signed.as_object().unwrap().clone());
        let (mut input, mut answer, mut asked) = (Input::Start, Some(self.answer), 0);
        loop {
            let mut entropy = Counting::default();
            let env = &mut Env {
                now: NOW,
                entropy: &mut entropy,
            };
            input = match flow.resume(input, env) {
                Step::Send(exchange) if exchange.request.uri() == ENDPOINT => {
                    assert_eq!(exchange.request.headers()["authorization"], "Bearer at");
                    asked += 1;
                    answer.take().unwrap()
                }
                Step::Send(_) => provider.answer(&claims),
                Step::FindKeys(_) => Input::Keys(Ok(provider.published.clone())),
                Step::Done(output) => return (output, asked),
                other => panic!("unexpected step {other:?}"),
            };
        }
    }

    fn asked(self) -> u32 {
        self.run().1
    }

    fn signs_in(self) -> SignedIn {
        self.run().0.unwrap()
    }

    fn refused(self) -> Check {
        self.run().0.unwrap_err().check()
    }
}

fn told(claims: Value) -> Input {
    Input::Response(http::Response::new(claims.to_string().into_bytes()))
}

fn status(status: u16) -> Input {
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    Input::Response(response)
}

fn when_needed() -> Case {
    Case::new(ClaimsSource::UserinfoWhenNeeded)
}

fn always() -> Case {
    Case::new(ClaimsSource::UserinfoAlways)
}

#[test]
fn nothing_is_missing_so_nobody_is_asked() {
    let (signed_in, asked) = when_needed().run();
    assert_eq!((signed_in.unwrap().userinfo, asked), (Asked::No, 0));
}

#[test]
fn what_the_configuration_speaks_of_is_asked_for_when_it_is_missing() {
    let none = || when_needed().signed(json!({}));
    for (name, case, asked) in [
        ("no scope speaks of it", none().scopes(&["openid"]), 0),
        ("email", none().scopes(&["email"]), 1),
        (
            "email is there",
            none().scopes(&["email"]).signed(json!({"email": "a@b"})),
            0,
        ),
        ("profile", none().scopes(&["profile"]), 1),
        (
            "one name is enough",
            none()
                .scopes(&["profile"])
                .signed(json!({"preferred_username": "al"})),
            0,
        ),
        ("phone", none().scopes(&["phone"]), 1),
        ("address", none().scopes(&["address"]), 1),
        ("groups", none().scopes(&["groups"]), 1),
        (
            "no groups is a statement",
            none().scopes(&["groups"]).signed(json!({"groups": []})),
            0,
        ),
        (
            "a place for groups",
            none().scopes(&[]).rules(|r| r.groups_at = vec!["g".into()]),
            1,
        ),
        (
            "a place for roles",
            none()
                .scopes(&[])
                .signed(json!({"a": {"roles": []}}))
                .rules(|r| r.roles_at = vec![["a", "roles"].into(), ["b", "roles"].into()]),
            1,
        ),
        (
            "all places are there",
            none()
                .scopes(&[])
                .signed(json!({"a": {"roles": []}}))
                .rules(|r| r.roles_at = vec![["a", "roles"].into()]),
            0,
        ),
        (
            "no endpoint",
            Case {
                metadata: json!({}),
                ..none()
            },
            0,
        ),
        (
            "the ID token alone",
            Case::new(ClaimsSource::IdToken).signed(json!({})),
            0,
        ),
        ("always", always(), 1),
    ] {
        assert_eq!(case.asked(), asked, "{name}");
    }
}

#[test]
fn what_userinfo_says_is_in_the_identity() {
    let answer = json!({"sub": "alice", "name": "Alice B", "email": "b@example.com", "email_verified": true, "acr": "phr"});
    let case = || when_needed().signed(json!({})).answer(told(answer.clone()));
    let signed_in = case().signs_in();
    assert_eq!(signed_in.userinfo, Asked::Answered);
    let identity = signed_in.identity;
    assert_eq!(
        (identity.name(), identity.verified_email(), identity.acr()),
        (Some("Alice B"), Some("b@example.com"), None)
    );
    assert_eq!(signed_in.provider_session.as_deref(), Some("s1"));
    assert_eq!(signed_in.return_to.as_str(), "/me");
}

#[test]
fn a_demand_is_mended_by_userinfo_or_refused_after_it() {
    #[derive(serde::Deserialize)]
    struct Staff {
        #[serde(rename = "department")]
        _department: String,
    }
    let case = || when_needed().rules(|rules| rules.demanded = Some(Shape::of::<Staff>()));
    assert_eq!(case().run().1, 1);
    assert_eq!(case().signs_in().userinfo, Asked::Answered);
    let without = || told(json!({"sub": "alice"}));
    assert_eq!(case().answer(without()).refused(), Check::ClaimsUnfit);

    let demand = |rule| when_needed().rules(move |rules| rules.email = rule);
    let checked =
        || told(json!({"sub": "alice", "email": "a@example.com", "email_verified": true}));
    // The ID token has an address of which it does not say whether it was checked.
    assert_eq!(demand(EmailRule::Present).asked(), 0);
    assert_eq!(demand(EmailRule::Verified).answer(checked()).run().1, 1);
    demand(EmailRule::Verified).answer(checked()).signs_in();
    let case = demand(EmailRule::Verified).answer(without());
    assert_eq!(case.refused(), Check::EmailUnverified);
    let none = demand(EmailRule::Present).signed(json!({})).scopes(&[]);
    assert_eq!(none.answer(without()).refused(), Check::EmailMissing);
}

#[test]
fn an_access_token_for_another_api_does_not_keep_anybody_out() {
    for code in [401, 403] {
        let signed_in = when_needed()
            .signed(json!({}))
            .answer(status(code))
            .signs_in();
        let Asked::Declined(why) = signed_in.userinfo else {
            panic!("not declined")
        };
        assert_eq!(why.check(), Check::UserinfoRefused);
        assert_eq!(signed_in.identity.subject(), "alice");
        assert_eq!(
            always().answer(status(code)).refused(),
            Check::UserinfoRefused
        );
    }
    // What is demanded stays demanded, and the cause says why it is missing.
    let failed = when_needed()
        .signed(json!({}))
        .rules(|rules| rules.email = EmailRule::Present)
        .answer(status(401))
        .run()
        .0
        .unwrap_err();
    assert_eq!(
        failed.to_string(),
        "claims.email_missing: expected an address at \"email\", got none; expected 200 from userinfo, got 401"
    );
}

#[test]
fn every_other_failure_refuses_so_that_nobody_is_signed_in_by_half() {
    let page = || {
        let mut page = http::Response::new(b"{}".to_vec());
        let name = http::HeaderValue::from_static("application/jwt");
        page.headers_mut().insert("content-type", name);
        Input::Response(page)
    };
    for case in [always, || when_needed().signed(json!({}))] {
        for (answer, check) in [
            (Input::Failed(Failure::NotSent), Check::UserinfoUnavailable),
            (Input::Failed(Failure::Unknown), Check::UserinfoUnavailable),
            (Input::Failed(Failure::TooLarge), Check::ProviderTooLarge),
            (status(503), Check::UserinfoUnavailable),
            (status(307), Check::UserinfoMalformed),
            (status(404), Check::UserinfoMalformed),
            (page(), Check::UserinfoSigned),
            (told(json!({"name": "Alice"})), Check::UserinfoSubject),
            (told(json!({"sub": "mallory"})), Check::UserinfoSubject),
        ] {
            assert_eq!(case().answer(answer).refused(), check);
        }
    }
}

#[test]
fn a_provider_without_userinfo_cannot_always_be_asked_and_the_code_is_not_spent() {
    let case = Case {
        metadata: json!({}),
        ..always()
    };
    assert_eq!(case.refused(), Check::UserinfoUnsupported);
}

#[test]
fn changes_of_the_application_come_last_and_cannot_touch_what_was_signed() {
    let signed_in = always()
        .answer(told(
            json!({"sub": "alice", "teams": {"blue": {}, "red": {}}}),
        ))
        .rules(|rules| {
            rules.map = Some(ClaimMap::new(|claims| {
                let teams = claims["teams"].as_object().unwrap();
                let names: Vec<_> = teams.keys().cloned().collect();
                claims.insert("groups".into(), names.into());
                for name in ["iss", "sub", "acr", "auth_time", "sid"] {
                    claims.insert(name.into(), "forged".into());
                }
                claims.remove("aud");
            }));
        })
        .signs_in();
    let identity = signed_in.identity;
    assert_eq!(identity.groups().collect::<Vec<_>>(), ["blue", "red"]);
    assert_eq!(
        (identity.issuer(), identity.subject(), identity.acr()),
        (ISSUER, "alice", None)
    );
    assert_eq!(identity.claims()["aud"], "app");
    assert_eq!(identity.claims()["sid"], "s1");
    assert_eq!(identity.auth_time(), None);
}
