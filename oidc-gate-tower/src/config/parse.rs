//! From what a source says to what a setting is. Every reader says what is wrong and what to write instead, and shows the
//! value; that of a secret shows nothing.

use super::value::Value;
use crate::core::{
    claims::{ClaimPath, ClaimsSource, EmailRule},
    gate::{AddressHeader, HeaderSource, IdentityHeaders, InvalidBearer, Pattern},
    login::{Prompt, ResponseMode},
    peers::Peers,
    secret::ClientSecret,
    session::{CookieKeys, CookieLifetime, SameSite},
};
use crate::{MetricsEndpoint, pages::SignInPage};
use http::Method;
use std::time::Duration;

type Read<T> = Result<T, String>;

pub(crate) fn text(value: Value) -> Read<String> {
    match value {
        Value::Text(text) => Ok(text.trim().to_owned()),
        other => Err(format!("is {}; write a text in quotes", other.kind())),
    }
}

/// As it stands: a password may begin with a space.
pub(crate) fn secret(value: Value) -> Read<ClientSecret> {
    match value {
        Value::Text(text) => Ok(ClientSecret::new(text)),
        other => Err(format!("is {}; write a text in quotes", other.kind())),
    }
}

pub(crate) fn cookie_keys(value: Value) -> Read<CookieKeys> {
    CookieKeys::parse(&text(value)?).map_err(|problem| problem.to_string())
}

/// As Go's `strconv.ParseBool` has it.
pub(crate) fn flag(value: Value) -> Read<bool> {
    match value {
        Value::Bool(flag) => Ok(flag),
        Value::Text(text) => match text.trim() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            other => Err(format!("{other:?} is neither; write true or false")),
        },
        other => Err(format!("is {}; write true or false", other.kind())),
    }
}

/// As Go's `time.ParseDuration` has it, and days beside: `1h30m`, `15m`, `1.5s`, `0`, `7d`.
pub(crate) fn duration(value: Value) -> Read<Duration> {
    let said = match value {
        Value::Text(text) => text.trim().to_owned(),
        other => {
            return Err(format!(
                "is {}; write a duration such as \"15m\" or \"1h30m\"",
                other.kind()
            ));
        }
    };
    parse_duration(&said)
        .ok_or_else(|| format!("{said:?} is no duration; write it as in 15m, 1h30m or 7d"))
}

fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(number_ends)?;
        let unit_ends = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_ends)?;
        let unit: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let digits = |digits: &str| {
            if digits.is_empty() {
                Some(0)
            } else {
                digits.parse::<u64>().ok()
            }
        };
        nanos = nanos.checked_add(u128::from(digits(whole)?).checked_mul(unit)?)?;
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        nanos = nanos.checked_add(u128::from(digits(fraction)?).checked_mul(unit)? / scale)?;
        rest = after;
    }
    (!text.is_empty()).then(|| u64::try_from(nanos).ok().map(Duration::from_nanos))?
}

/// Texts, separated by commas in a variable.
pub(crate) fn list(value: Value) -> Read<Vec<String>> {
    texts(value, |text| {
        text.split(',').map(|part| part.trim().to_owned()).collect()
    })
}

/// Texts that restrict: a list of nobody would let in everybody, or nobody at all, and neither is said.
pub(crate) fn names(value: Value) -> Read<Vec<String>> {
    let names = list(value)?;
    match names.is_empty() {
        true => Err("names nobody; name one, or leave the setting out".to_owned()),
        false => Ok(names),
    }
}

/// Words, separated by spaces where they are one text.
pub(crate) fn words(value: Value) -> Read<Vec<String>> {
    texts(value, |text| {
        text.split_whitespace().map(String::from).collect()
    })
}

fn texts(value: Value, split: impl Fn(&str) -> Vec<String>) -> Read<Vec<String>> {
    let texts = match value {
        Value::Text(text) => split(&text),
        Value::List(list) => list.into_iter().map(text).collect::<Read<_>>()?,
        other => return Err(format!("is {}; write a list of texts", other.kind())),
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// One of several words.
pub(crate) fn choice<T: Clone>(value: Value, choices: &[(&str, T)]) -> Read<T> {
    let said = text(value)?;
    match choices.iter().find(|(word, _)| *word == said) {
        Some((_, choice)) => Ok(choice.clone()),
        None => Err(format!(
            "{said:?} is unknown; use {}",
            either(choices.iter().map(|(word, _)| *word))
        )),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [many @ .., last] => format!("{} or {last}", many.join(", ")),
    }
}

pub(crate) fn response_mode(value: Value) -> Read<ResponseMode> {
    choice(
        value,
        &[
            ("query", ResponseMode::Query),
            ("form_post", ResponseMode::FormPost),
        ],
    )
}

pub(crate) fn same_site(value: Value) -> Read<SameSite> {
    choice(
        value,
        &[("lax", SameSite::Lax), ("strict", SameSite::Strict)],
    )
}

pub(crate) fn cookie_lifetime(value: Value) -> Read<CookieLifetime> {
    choice(
        value,
        &[
            ("persistent", CookieLifetime::Persistent),
            ("browser_session", CookieLifetime::BrowserSession),
        ],
    )
}

pub(crate) fn invalid_bearer(value: Value) -> Read<InvalidBearer> {
    choice(
        value,
        &[
            ("login", InvalidBearer::Login),
            ("forbidden", InvalidBearer::Forbidden),
            ("challenge", InvalidBearer::Challenge),
        ],
    )
}

pub(crate) fn sign_in_page(value: Value) -> Read<SignInPage> {
    choice(
        value,
        &[("skip", SignInPage::Skip), ("show", SignInPage::Show)],
    )
}

pub(crate) fn metrics_endpoint(value: Value) -> Read<MetricsEndpoint> {
    Ok(match &value {
        Value::Text(text) if text.trim() == "off" => MetricsEndpoint::Off,
        Value::Text(text) if text.trim() == "anybody" => MetricsEndpoint::ForAnybody,
        _ => MetricsEndpoint::ForPeers(peers(value)?),
    })
}

pub(crate) fn claims_source(value: Value) -> Read<ClaimsSource> {
    choice(
        value,
        &[
            ("id_token", ClaimsSource::IdToken),
            ("userinfo_when_needed", ClaimsSource::UserinfoWhenNeeded),
            ("userinfo_always", ClaimsSource::UserinfoAlways),
        ],
    )
}

pub(crate) fn email_rule(value: Value) -> Read<EmailRule> {
    choice(
        value,
        &[
            ("optional", EmailRule::Optional),
            ("present", EmailRule::Present),
            ("verified", EmailRule::Verified),
        ],
    )
}

pub(crate) fn prompts(value: Value) -> Read<Vec<Prompt>> {
    let known = [
        Prompt::Login,
        Prompt::SelectAccount,
        Prompt::Consent,
        Prompt::Create,
    ]
    .map(|prompt| (prompt.value(), prompt));
    words(value)?
        .into_iter()
        .map(|word| choice(Value::Text(word), &known))
        .collect()
}

/// Places of a claim: the name of one, or a list of names and of paths, each a list of names. In a variable such a list is
/// JSON: `[["realm_access", "roles"]]`.
pub(crate) fn claim_places(value: Value) -> Read<Vec<ClaimPath>> {
    let places = match value {
        Value::Text(text) if text.trim_start().starts_with('[') => {
            let json = serde_json::from_str(&text).map_err(|_| {
                format!("{text:?} is no JSON; write it as in [[\"realm_access\", \"roles\"]]")
            })?;
            match from_json(json) {
                Some(Value::List(places)) => places,
                _ => {
                    return Err(format!(
                        "{text:?} holds more than texts; write it as in [[\"realm_access\", \"roles\"]]"
                    ));
                }
            }
        }
        Value::Text(text) => list(Value::Text(text))?
            .into_iter()
            .map(Value::Text)
            .collect(),
        Value::List(places) => places,
        other => return Err(format!("is {}; write the name of a claim", other.kind())),
    };
    let place = |place| match place {
        Value::List(path) => Ok(ClaimPath::from(
            path.into_iter().map(text).collect::<Read<Vec<_>>>()?,
        )),
        name => text(name).map(ClaimPath::from),
    };
    places.into_iter().map(place).collect()
}

fn from_json(json: serde_json::Value) -> Option<Value> {
    match json {
        serde_json::Value::String(text) => Some(Value::Text(text)),
        serde_json::Value::Array(list) => list
            .into_iter()
            .map(from_json)
            .collect::<Option<_>>()
            .map(Value::List),
        _ => None,
    }
}

pub(crate) fn address_header(value: Value) -> Read<AddressHeader> {
    let choices = [
        ("x-forwarded-for", AddressHeader::XForwardedFor),
        ("x-real-ip", AddressHeader::XRealIp),
    ];
    choice(Value::Text(text(value)?.to_ascii_lowercase()), &choices)
}

/// A set of headers by its name, or each header with its source.
pub(crate) fn identity_headers(value: Value) -> Read<IdentityHeaders> {
    let Value::Table(headers) = value else {
        return match text(value)?.as_str() {
            "forwarded" => Ok(IdentityHeaders::forwarded()),
            "auth_request" => Ok(IdentityHeaders::auth_request()),
            other => Err(format!(
                "{other:?} is unknown; use forwarded or auth_request, or name headers in a table"
            )),
        };
    };
    headers
        .into_iter()
        .try_fold(IdentityHeaders::new(), |headers, said| {
            let (name, source) = said.value;
            let said = text(source)?;
            let source = match said.strip_prefix("Bearer ") {
                Some(token) => header_source(&name, token)?.as_bearer(),
                None => header_source(&name, &said)?,
            };
            Ok(headers.header(name, source))
        })
}

fn header_source(name: &str, said: &str) -> Read<HeaderSource> {
    Ok(match said {
        "subject" => HeaderSource::subject(),
        "issuer" => HeaderSource::issuer(),
        "email" => HeaderSource::email(),
        "preferred_username" => HeaderSource::preferred_username(),
        "name" => HeaderSource::name(),
        "groups" => HeaderSource::groups(),
        "roles" => HeaderSource::roles(),
        "access_token" => HeaderSource::access_token(),
        "id_token" => HeaderSource::id_token(),
        "presented_token" => HeaderSource::presented_token(),
        other => match other.strip_prefix("claim:") {
            Some(claim) => HeaderSource::claim(claim),
            None => {
                return Err(format!(
                    "{other:?} of {name} is unknown; use subject, issuer, email, preferred_username, name, groups, roles, \
                     access_token, id_token, presented_token or claim:…"
                ));
            }
        },
    })
}

pub(crate) fn peers(value: Value) -> Read<Peers> {
    let peers = list(value)?;
    Peers::new(&peers).map_err(|problem| format!("{:?}: {problem}", peers.join(", ")))
}

/// The addresses of a file, one in each line before any comma; `#` begins a line that says nothing.
pub(crate) fn emails_file(value: Value) -> Read<Vec<String>> {
    let path = text(value)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    let address = |line: &str| {
        let first = line.split(',').next().unwrap_or_default();
        first.trim().trim_matches('"').to_lowercase()
    };
    let addresses: Vec<_> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(address)
        .filter(|address| !address.is_empty())
        .collect();
    match addresses.is_empty() {
        true => Err(format!(
            "{path:?} names nobody; write one address in each line"
        )),
        false => Ok(addresses),
    }
}

/// Which requests: `/health`, `GET /health`, `/assets/**` for all below, `^/v[12]/…$` for a regular expression.
pub(crate) fn patterns(value: Value) -> Read<Vec<Pattern>> {
    list(value)?.iter().map(|text| pattern(text)).collect()
}

/// As [`patterns`], for a restriction: it has to be about something.
pub(crate) fn protected(value: Value) -> Read<Vec<Pattern>> {
    let patterns = patterns(value)?;
    match patterns.is_empty() {
        true => Err("names no path; name one, or leave the setting out".to_owned()),
        false => Ok(patterns),
    }
}

fn pattern(text: &str) -> Read<Pattern> {
    let (method, path) = match text.split_once(char::is_whitespace) {
        Some((name, path)) => (Some(method(name)?), path.trim()),
        None => (None, text),
    };
    let pattern = match path.strip_suffix("/**") {
        Some("") => Pattern::prefix("/"),
        Some(above) => Pattern::prefix(above),
        None if path.starts_with('^') => Pattern::regex(path),
        None => Pattern::path(path),
    };
    Ok(match method {
        Some(method) => pattern.with_method(method),
        None => pattern,
    })
}

pub(crate) fn method(name: &str) -> Read<Method> {
    let shape = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    Method::from_bytes(name.as_bytes())
        .ok()
        .filter(|_| shape)
        .ok_or_else(|| format!("{name:?} is no method; write it in capitals, as in GET"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn durations_are_read_as_go_writes_them_and_in_days() {
        for (text, millis) in [
            ("168h0m0s", 604_800_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("100ms", 100),
            ("0", 0),
            ("0s", 0),
            ("7d", 604_800_000),
        ] {
            assert_eq!(
                duration(said(text)),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "15",
            "m",
            "-1h",
            "1x",
            "1h30",
            ".s",
            "1 h",
            "99999999999999999999h",
            "5000000h5000000h",
        ] {
            assert_eq!(
                duration(said(text)),
                Err(format!(
                    "{text:?} is no duration; write it as in 15m, 1h30m or 7d"
                )),
            );
        }
    }

    #[test]
    fn booleans_are_those_of_go() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(flag(said(text)), Ok(true));
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(flag(said(text)), Ok(false));
        }
        for text in ["yes", "on", "tRUE", ""] {
            assert_eq!(
                flag(said(text)),
                Err(format!("{text:?} is neither; write true or false"))
            );
        }
    }

    #[test]
    fn lists_are_commas_in_variables() {
        assert_eq!(
            list(said("a, b,,c ")),
            Ok(vec!["a".into(), "b".into(), "c".into()])
        );
        assert_eq!(
            words(said(" openid  email")),
            Ok(vec!["openid".into(), "email".into()])
        );
        assert_eq!(
            list(Value::Number),
            Err("is a number; write a list of texts".to_owned())
        );
    }

    #[test]
    fn a_place_of_claims_is_a_name_or_a_path() {
        let nested = || vec![ClaimPath::from(["realm_access", "roles"])];
        assert_eq!(
            claim_places(said("https://example.com/groups")),
            Ok(vec![ClaimPath::from("https://example.com/groups")])
        );
        assert_eq!(
            claim_places(said(r#"[["realm_access", "roles"]]"#)),
            Ok(nested())
        );
        let list = |items: Vec<Value>| Value::List(items);
        assert_eq!(
            claim_places(list(vec![list(vec![said("realm_access"), said("roles")])])),
            Ok(nested())
        );
        assert!(claim_places(said("[1]")).is_err());
    }

    #[test]
    fn a_pattern_is_a_path_a_tree_or_an_expression() {
        for (text, pattern) in [
            ("/health", Pattern::path("/health")),
            ("GET /health", Pattern::get("/health")),
            ("/assets/**", Pattern::prefix("/assets")),
            ("/**", Pattern::prefix("/")),
            (
                "POST ^/v[12]/hooks$",
                Pattern::regex("^/v[12]/hooks$").with_method(Method::POST),
            ),
        ] {
            assert_eq!(patterns(said(text)), Ok(vec![pattern]));
        }
        assert_eq!(
            patterns(said("get /x")),
            Err("\"get\" is no method; write it in capitals, as in GET".to_owned())
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_panics(text in ".{0,40}") {
            let said = || Value::Text(text.clone());
            let _ = (duration(said()), flag(said()), claim_places(said()), patterns(said()), prompts(said()));
        }
    }
}
