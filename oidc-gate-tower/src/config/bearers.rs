//! The tokens of a file: one `[[bearer]]` table for each issuer.
//!
//! ```toml
//! [[bearer]]
//! audience = "https://shop.example.com/api"
//! issuer = "https://ci.example.com"
//! ```

use super::{
    nearest::unknown,
    parse,
    reader::Reader,
    value::{Place, Said, Value},
};
use crate::{
    Bearer,
    core::{jose::Alg, resource::Marker},
};

pub(super) const KEYS: &[&str] = &[
    "audience",
    "issuer",
    "kind",
    "untyped",
    "client_tokens",
    "algs",
    "leeway",
    "scopes_at",
    "scope_lists",
    "also_in_basic",
    "client_id_is_audience",
    "discovery_url",
    "jwks_uri",
    "key_cache_age",
    "groups_at",
    "roles_at",
    "email_at",
    "name_at",
    "username_at",
    "email",
    "danger_trust_unverified_email",
];

/// Takes over the tables of `[[bearer]]`.
pub(super) fn read(value: Value, place: &Place, reader: &mut Reader) {
    const WRITE: &str = "write [[bearer]] and below it what it says";
    let Value::List(tables) = value else {
        reader
            .problems
            .push(format!("{place}: is {}; {WRITE}", value.kind()));
        return;
    };
    for table in tables {
        let Value::Table(entries) = table else {
            reader
                .problems
                .push(format!("{place}: is {}; {WRITE}", table.kind()));
            continue;
        };
        let place = entries.first().map_or(place, |said| &said.place).clone();
        let mut problems = Vec::new();
        match one(entries, &mut problems) {
            Some((bearer, audiences)) if problems.is_empty() => {
                reader
                    .report
                    .understood
                    .push(format!("bearer for {} from {place}", audiences.join(", ")));
                reader.settings.bearers.push(Said::new(bearer, place));
            }
            None if problems.is_empty() => problems.push(format!(
                "{place}: for no audience; say what this service is called at the issuer"
            )),
            _ => {}
        }
        reader.problems.extend(problems);
    }
}

fn one(
    entries: Vec<Said<(String, Value)>>,
    problems: &mut Vec<String>,
) -> Option<(Bearer, Vec<String>)> {
    let is_audience = |said: &Said<(String, Value)>| said.value.0 == "audience";
    let (audience, more): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_audience);
    let mut audiences = Vec::new();
    for said in audience {
        match said.read(|(_, value)| parse::list(value)) {
            Ok(said) => audiences = said.value,
            Err(problem) => problems.push(problem),
        }
    }
    let (first, others) = audiences
        .split_first()
        .map_or((None, &[][..]), |(first, others)| (Some(first), others));
    // What is wrong with the rest is told without an audience, too.
    let bearer = Bearer::audience(first.cloned().unwrap_or_default());
    let mut bearer = others.iter().fold(bearer, Bearer::or_audience);
    for said in more {
        let before = bearer.clone();
        match said.read(|(key, value)| with(before, &key, value)) {
            Ok(said) => bearer = said.value,
            Err(problem) => problems.push(problem),
        }
    }
    (!audiences.is_empty()).then_some((bearer, audiences))
}

fn with(bearer: Bearer, key: &str, value: Value) -> Result<Bearer, String> {
    let if_set = |set: fn(Bearer) -> Bearer, bearer: Bearer, value| {
        Ok(if parse::flag(value)? {
            set(bearer)
        } else {
            bearer
        })
    };
    Ok(match key {
        "issuer" => bearer.issuer(parse::text(value)?),
        "kind" => match parse::choice(value, &[("access_token", false), ("id_token", true)])? {
            true => bearer.id_tokens(),
            false => bearer,
        },
        "untyped" => bearer.untyped(marker(value)?),
        "client_tokens" => bearer.client_tokens(marker(value)?),
        "algs" => {
            let known = Alg::ALL
                .iter()
                .map(|alg| (alg.name(), *alg))
                .collect::<Vec<_>>();
            let algs = parse::list(value)?
                .into_iter()
                .map(|name| parse::choice(Value::Text(name), &known));
            bearer.algs(algs.collect::<Result<Vec<_>, _>>()?)
        }
        "leeway" => bearer.leeway(parse::duration(value)?),
        "scopes_at" => bearer.scopes_at(parse::text(value)?),
        "scope_lists" => return if_set(Bearer::scope_lists, bearer, value),
        "also_in_basic" => return if_set(Bearer::also_in_basic, bearer, value),
        "client_id_is_audience" => return if_set(Bearer::client_id_is_audience, bearer, value),
        "danger_trust_unverified_email" => {
            return if_set(Bearer::danger_trust_unverified_email, bearer, value);
        }
        "discovery_url" => bearer.discovery_url(parse::text(value)?),
        "jwks_uri" => bearer.jwks_uri(parse::text(value)?),
        "key_cache_age" => bearer.key_cache(parse::duration(value)?),
        "groups_at" => parse::claim_places(value)?
            .into_iter()
            .fold(bearer, Bearer::groups_at),
        "roles_at" => parse::claim_places(value)?
            .into_iter()
            .fold(bearer, Bearer::roles_at),
        "email_at" => parse::claim_places(value)?
            .into_iter()
            .fold(bearer, Bearer::email_at),
        "name_at" => parse::claim_places(value)?
            .into_iter()
            .fold(bearer, Bearer::name_at),
        "username_at" => parse::claim_places(value)?
            .into_iter()
            .fold(bearer, Bearer::username_at),
        "email" => bearer.email(parse::email_rule(value)?),
        other => return Err(unknown(other, KEYS)),
    })
}

/// A claim that is there: `"scp"`; or one with its value: `{ token_use = "access" }`.
fn marker(value: Value) -> Result<Marker, String> {
    let Value::Table(entries) = value else {
        return parse::text(value).map(Marker::present);
    };
    match <[_; 1]>::try_from(entries) {
        Ok([said]) => {
            let (claim, value) = said.value;
            Ok(Marker::value(claim, parse::text(value)?))
        }
        Err(_) => Err("is no marker; write one claim, as in { token_use = \"access\" }".to_owned()),
    }
}
