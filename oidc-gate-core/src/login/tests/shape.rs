//! What is asked of the provider, and what its errors come to.

use super::*;
use crate::{check::MendedBy, flow::Env};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn wishing(edit: impl FnOnce(&mut Wishes)) -> Registration {
    let mut registration = registration();
    edit(&mut registration.wishes);
    registration
}

fn started(
    extra: Value,
    registration: &Registration,
    wanted: Wanted,
) -> Result<Started, CheckFailed> {
    let mut entropy = Counting::default();
    let mut env = Env {
        now: NOW,
        entropy: &mut entropy,
    };
    start(&metadata(extra), registration, wanted, &mut env)
}

/// The query, pair by pair, of what is asked for beside what every request holds.
fn asked(registration: &Registration, wanted: Wanted) -> Vec<String> {
    let takes_claims = json!({"claims_parameter_supported": true});
    let location = started(takes_claims, registration, wanted)
        .unwrap()
        .location;
    let (_, rest) = location.split_once("&code_challenge_method=S256").unwrap();
    rest.split('&')
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect()
}

fn me() -> Wanted {
    Wanted::to(ReturnTo::parse("/me").unwrap())
}

fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

#[test]
fn nothing_is_asked_for_that_nobody_wants() {
    assert_eq!(asked(&registration(), me()), [""; 0]);
}

#[test]
fn wishes_are_sent_and_a_logins_own_come_before_them() {
    let mut registration = wishing(|wishes| {
        wishes.prompt = vec![Prompt::Login, Prompt::Consent];
        wishes.ui_locales = Locales::of(["de-CH", "de"]);
        wishes.acr_values = vec!["mfa".into(), "pwd".into()];
        wishes.max_age = secs(600);
        wishes.resource = vec![
            "https://api.example/a".into(),
            "https://api.example/b".into(),
        ];
        wishes.params.add("hd", "example.com").unwrap();
        wishes.params.add("display", "popup").unwrap();
    });
    assert_eq!(
        asked(&registration, me()),
        [
            "acr_values=mfa+pwd",
            "max_age=600",
            "prompt=login+consent",
            "ui_locales=de-CH+de",
            "resource=https%3A%2F%2Fapi.example%2Fa",
            "resource=https%3A%2F%2Fapi.example%2Fb",
            "hd=example.com",
            "display=popup",
        ]
    );
    let mut wanted = me().prompt(Prompt::Create).demand(Demand {
        acr_values: vec!["phr".into()],
        max_age: secs(0),
    });
    wanted.login_hint = LoginHint::parse("alice@example.com");
    wanted.ui_locales = Locales::of(["fr"]);
    wanted.params.add("hd", "other.example").unwrap();
    registration.wishes.resource.clear();
    assert_eq!(
        asked(&registration, wanted),
        [
            "acr_values=phr",
            "max_age=0",
            "prompt=create",
            "login_hint=alice%40example.com",
            "ui_locales=fr",
            "hd=other.example",
            "display=popup",
        ]
    );
}

#[test]
fn the_smaller_age_is_sent_and_demanded() {
    for (always, login, both) in [
        (None, None, None),
        (secs(60), None, secs(60)),
        (None, secs(60), secs(60)),
        (secs(60), secs(30), secs(30)),
        (secs(30), secs(60), secs(30)),
        (secs(0), secs(60), secs(0)),
        (secs(60), secs(0), secs(0)),
    ] {
        let registration = wishing(|wishes| wishes.max_age = always);
        let wanted = me().demand(Demand {
            acr_values: vec![],
            max_age: login,
        });
        let started = started(json!({}), &registration, wanted).unwrap();
        assert_eq!(started.transaction.demand.max_age, both);
        let sent = query(&started.location).take("max_age");
        assert_eq!(sent, both.map(|age| age.as_secs().to_string()));
    }
}

#[test]
fn what_is_only_welcome_is_not_demanded() {
    let registration = wishing(|wishes| wishes.acr_values = vec!["mfa".into()]);
    let started = started(json!({}), &registration, me()).unwrap();
    assert_eq!(started.transaction.demand, Demand::default());
}

fn claims(value: Value) -> Registration {
    wishing(|wishes| wishes.claims = Some(ClaimsRequest::parse(value).unwrap()))
}

#[test]
fn claims_go_to_a_provider_that_reads_them_only() {
    let registration = claims(json!({"userinfo": {"email": null}}));
    for extra in [json!({}), json!({"claims_parameter_supported": false})] {
        let failed = started(extra, &registration, me()).unwrap_err();
        assert_eq!(failed.check(), Check::ClaimsUnsupported);
    }
    assert_eq!(
        asked(&registration, me()),
        ["claims=%7B%22userinfo%22%3A%7B%22email%22%3Anull%7D%7D"]
    );
}

#[test]
fn an_essential_level_is_a_demand_and_is_named_in_one_place() {
    let registration =
        claims(json!({"id_token": {"acr": {"essential": true, "values": ["a", "b"]}}}));
    let takes = || json!({"claims_parameter_supported": true});
    for (login, demanded) in [
        (vec![], Ok(vec!["a", "b"])),
        (vec!["b", "c"], Ok(vec!["b"])),
        (vec!["c"], Err(Check::IdTokenAcr)),
    ] {
        let wanted = me().demand(Demand {
            acr_values: login.iter().map(|s| (*s).to_owned()).collect(),
            max_age: None,
        });
        let got = started(takes(), &registration, wanted);
        let Ok(demanded) = demanded else {
            assert_eq!(
                got.map(|_| ()).map_err(|failed| failed.check()),
                demanded.map(|_| ())
            );
            continue;
        };
        let started = got.unwrap();
        assert_eq!(started.transaction.demand.acr_values, demanded);
        let form = query(&started.location);
        assert_eq!(form.get("acr_values"), None);
        let sent: Value = serde_json::from_str(form.get("claims").unwrap()).unwrap();
        assert_eq!(
            sent,
            json!({"id_token": {"acr": {"essential": true, "values": demanded}}})
        );
    }
}

#[test]
fn a_silent_login_asks_nothing_and_remembers_where_to_go_without_one() {
    let registration = wishing(|wishes| wishes.prompt = vec![Prompt::Login]);
    let otherwise = ReturnTo::parse("/welcome").unwrap();
    let mut wanted = me();
    wanted.manner = Manner::Silent { otherwise };
    assert_eq!(asked(&registration, wanted.clone()), ["prompt=none"]);
    let transaction = started(json!({}), &registration, wanted)
        .unwrap()
        .transaction;
    assert_eq!(transaction.otherwise, ReturnTo::parse("/welcome"));
}

#[test]
fn no_parameter_is_doubled() {
    let at = |query: &str| json!({"authorization_endpoint": format!("https://id.example/authorize?{query}")});
    let registration = wishing(|wishes| {
        wishes.params.add("hd", "example.com").unwrap();
    });
    for (query, doubled) in [
        ("p=b2c_policy&tenant=1", false),
        ("prompt=login", false),
        ("", false),
        ("&&=", false),
        ("state=x", true),
        ("%73tate=x", true),
        ("tenant=1&client_id", true),
        ("Response_Type=token", true),
        ("hd=other.example", true),
    ] {
        let got = started(at(query), &registration, me());
        if doubled {
            assert_eq!(
                got.unwrap_err().check(),
                Check::MetadataMalformed,
                "{query}"
            );
        } else {
            let location = got.unwrap().location;
            assert!(
                location.starts_with(&format!("https://id.example/authorize?{query}")),
                "{location}"
            );
        }
    }
    // What is not sent is not doubled.
    let got = started(
        at("prompt=login"),
        &registration,
        me().prompt(Prompt::Login),
    );
    assert_eq!(got.unwrap_err().check(), Check::MetadataMalformed);
}

#[test]
fn resources_and_the_moment_of_the_sign_in_are_held_to_at_the_token_endpoint() {
    let wishes = claims(json!({"id_token": {"auth_time": {"essential": true}}}));
    let takes = json!({"claims_parameter_supported": true});
    let with = |auth_time: Option<u64>| {
        let edit = |claims: &mut Map<String, Value>| {
            if let Some(time) = auth_time {
                claims.insert("auth_time".into(), time.into());
            }
        };
        let rules = SignInRules::default();
        sign_in_with(
            NOW,
            edit,
            Provider::new(),
            takes.clone(),
            wishes.clone(),
            rules,
        )
        .0
    };
    assert_eq!(with(None).unwrap_err().check(), Check::IdTokenAuthTime);
    assert!(with(Some(NOW.as_secs() - 9_999)).is_ok());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    error: String,
    check: String,
    status: u16,
    mended_by: String,
    silent: String,
    /// Of the page, which is not made here.
    #[serde(rename = "title")]
    _title: String,
}

#[test]
fn every_error_of_the_provider_is_what_the_table_says() {
    let cases: Vec<Case> =
        crate::testdata::cases(include_str!("../../../testdata/callback_errors.toml"));
    assert!(cases.len() > 20);
    for case in cases {
        for silent in [false, true] {
            let mut wanted = me();
            if silent {
                let otherwise = ReturnTo::parse("/welcome").unwrap();
                wanted.manner = Manner::Silent { otherwise };
            }
            let Started {
                state, transaction, ..
            } = started(json!({}), &registration(), wanted).unwrap();
            let rest = format!("error={}&error_description=it+is+so%0A&{ISS}", case.error);
            let got = callback(&state, &rest)
                .accept(transaction, NOW)
                .unwrap()
                .resolve(Use::First);
            let why = match got {
                Err(why) => {
                    assert!(!silent || case.silent == "page", "{}", case.name);
                    why
                }
                Ok(Answered::NotSilently { otherwise, why }) => {
                    assert!(silent && case.silent == "otherwise", "{}", case.name);
                    assert_eq!(otherwise.as_str(), "/welcome");
                    why
                }
                Ok(Answered::Granted(_)) => panic!("{}", case.name),
            };
            let mended_by = match why.check().mended_by() {
                MendedBy::Caller => "caller",
                MendedBy::Operator => "operator",
            };
            assert_eq!(
                (why.check().id(), why.check().status().as_u16(), mended_by),
                (&*case.check, case.status, &*case.mended_by),
                "{}",
                case.name
            );
            let said = format!(
                "the provider answered error {:?}, description \"it is so?\"",
                case.error
            );
            assert_eq!(why.cause(), said);
        }
    }
}
