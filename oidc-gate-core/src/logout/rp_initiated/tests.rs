use super::*;
use crate::{
    flow::{Entropy, EntropyUnavailable},
    url::{BaseUrl, Issuer},
};
use http::{HeaderValue, header::COOKIE};
use serde::Deserialize;
use serde_json::json;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BACK: &str = "https://app.example/oauth2/signed_out";

/// Predictable, and different every time.
#[derive(Debug, Default)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

const STATE: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

fn metadata(end_session_endpoint: &str) -> Metadata {
    let document = json!({
        "issuer": "https://id.example",
        "authorization_endpoint": "https://id.example/authorize",
        "token_endpoint": "https://id.example/token",
        "jwks_uri": "https://id.example/jwks",
        "end_session_endpoint": Some(end_session_endpoint).filter(|url| !url.is_empty()),
    });
    let issuer = Issuer::parse("https://id.example").unwrap();
    Metadata::parse(document.to_string().as_bytes(), &issuer).unwrap()
}

fn start(
    end: &EndSession<'_>,
    endpoint: &str,
    place: Option<&str>,
) -> Result<Option<SigningOut>, CheckFailed> {
    let place = place.map(|place| ReturnTo::unseal(place).unwrap());
    let mut env = Env {
        now: NOW,
        entropy: &mut Counting::default(),
    };
    end.start(&metadata(endpoint), place, &mut env)
}

fn location(end: &EndSession<'_>, endpoint: &str) -> String {
    start(end, endpoint, None).unwrap().unwrap().location
}

const END: &str = "https://id.example/end";

#[test]
fn the_address_says_what_the_specification_names_each_once() {
    let bare = EndSession::new("app", BACK);
    let back = "post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Foauth2%2Fsigned_out";
    assert_eq!(
        location(&bare, END),
        format!("{END}?client_id=app&{back}&state={STATE}")
    );
    let (hint, locales) = (IdToken::new("e30.e30.c2ln"), Locales::of(["de-CH", "en"]));
    let whole = EndSession {
        hint: Some(&hint),
        ui_locales: Some(&locales),
        ..bare
    };
    assert_eq!(
        location(&whole, "https://id.example/end?tenant=1"),
        format!(
            "{END}?tenant=1&id_token_hint=e30.e30.c2ln&client_id=app&{back}&state={STATE}&ui_locales=de-CH+en"
        )
    );
    let none = Locales::default();
    let silent = EndSession {
        ui_locales: Some(&none),
        ..EndSession::new("app", BACK)
    };
    assert!(!location(&silent, END).contains("ui_locales"));
}

#[test]
fn a_provider_without_the_endpoint_is_asked_nothing() {
    let none = start(&EndSession::new("app", BACK), "", Some("/x")).unwrap();
    assert!(none.is_none());
}

#[test]
fn a_hint_that_makes_the_address_too_long_is_left_out() {
    let bare = location(&EndSession::new("app", BACK), END).len();
    // With the name of the parameter, and the `&` after it.
    let room = EndSession::MAX_BYTES - bare - "id_token_hint=&".len();
    for (bytes, is_there) in [(room, true), (room + 1, false), (100_000, false)] {
        let hint = IdToken::new("a".repeat(bytes));
        let end = EndSession {
            hint: Some(&hint),
            ..EndSession::new("app", BACK)
        };
        let address = location(&end, END);
        assert_eq!(address.contains("id_token_hint"), is_there, "{bytes}");
        assert!(address.len() <= EndSession::MAX_BYTES, "{bytes}");
        assert!(address.contains("client_id=app"), "{bytes}");
    }
}

#[test]
fn a_parameter_that_the_endpoint_has_already_cannot_be_said_twice() {
    for own in ["state=1", "x=1&Client_ID=2", "id%5Ftoken_hint=", "state"] {
        let hint = IdToken::new("e30.e30.c2ln");
        let end = EndSession {
            hint: Some(&hint),
            ..EndSession::new("app", BACK)
        };
        let failed = start(&end, &format!("{END}?{own}"), None).unwrap_err();
        assert_eq!(failed.check(), Check::MetadataMalformed, "{own}");
        assert!(
            failed
                .cause()
                .starts_with("`end_session_endpoint` has the parameter ")
        );
    }
}

#[test]
fn without_randomness_there_is_no_sign_out_at_the_provider() {
    let mut env = Env {
        now: NOW,
        entropy: &mut NoEntropy,
    };
    let failed = EndSession::new("app", BACK)
        .start(&metadata(END), None, &mut env)
        .unwrap_err();
    assert_eq!(failed.check(), Check::Randomness);
}

#[test]
fn nothing_secret_is_shown() {
    let hint = IdToken::new("e30.e30.c2ln");
    let end = EndSession {
        hint: Some(&hint),
        ..EndSession::new("app", BACK)
    };
    let out = start(&end, END, Some("/a?token=abc")).unwrap();
    let shown = format!("{end:?} {out:?}");
    for secret in ["e30.e30", STATE, "abc"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    query: String,
    #[serde(default)]
    cookie: Option<String>,
    #[serde(default)]
    after: u64,
    place: Option<String>,
    expected: String,
}

#[test]
fn a_browser_that_comes_back_goes_where_the_data_says() {
    let keys = CookieKeys::ephemeral();
    let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
    let cases: Vec<Case> =
        crate::testdata::cases(include_str!("../../../testdata/sign_out_return.toml"));
    assert!(cases.len() > 20);
    for case in cases {
        let end = EndSession::new("app", BACK);
        let out = start(&end, END, case.place.as_deref()).unwrap().unwrap();
        let own = out.leaving.seal(&keys, &names).unwrap();
        assert!(own.pair().len() < CookieNames::MAX_PAIR_BYTES);
        let pair = |value: &str| format!("{}={value}", names.leaving());
        let line = match case.cookie.as_deref().unwrap_or("own") {
            "own" => own.pair(),
            "none" => "a=b".to_owned(),
            "other" => {
                let other = Leaving {
                    state: State::new("another"),
                    ..out.leaving
                };
                other.seal(&keys, &names).unwrap().pair()
            }
            "foreign" => {
                let keys = CookieKeys::ephemeral();
                out.leaving.seal(&keys, &names).unwrap().pair()
            }
            "planted" => format!("{}; {}", pair("AAAA"), own.pair()),
            "login" => {
                let opened = open(
                    &keys,
                    Purpose::SignOut,
                    names.leaving(),
                    own.pair().split_once('=').unwrap().1.as_bytes(),
                );
                let plain = opened.unwrap().plain;
                pair(&seal(&keys, Purpose::Transaction, names.leaving(), &plain).unwrap())
            }
            other => panic!("{other:?}"),
        };
        let headers = [(COOKIE, HeaderValue::try_from(line).unwrap())];
        let headers = headers.into_iter().collect();
        let query = case.query.replace("{state}", STATE);
        let now = NOW + Duration::from_secs(case.after);
        let back = Leaving::come_back(query.as_bytes(), &headers, &keys, &names, now);
        let got = match &back {
            Ok(None) => "page",
            Ok(Some(place)) => place.as_str(),
            Err(NotOurs::Missing) => "missing",
            Err(NotOurs::Malformed) => "malformed",
            Err(NotOurs::Unknown) => "unknown",
            Err(NotOurs::Expired) => "expired",
        };
        assert_eq!(got, case.expected, "{}", case.name);
    }
}

#[test]
fn the_cookie_comes_along_from_the_provider_and_stays_with_its_host() {
    let base = BaseUrl::parse("https://app.example").unwrap();
    let keys = CookieKeys::ephemeral();
    let out = start(&EndSession::new("app", BACK), END, None)
        .unwrap()
        .unwrap();
    for names in [
        CookieNames::derive("app", &base),
        CookieNames::derive("app", &base)
            .same_site(crate::session::SameSite::Strict)
            .logins_are_posted()
            .lifetime(crate::session::CookieLifetime::BrowserSession),
    ] {
        let cookie = out.leaving.seal(&keys, &names).unwrap();
        assert!(names.is_ours(cookie.name()));
        let line = cookie.to_header();
        assert!(
            line.to_str()
                .unwrap()
                .ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure"),
            "{line:?}"
        );
    }
}
