//! Bearer tokens.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Said, Value},
    },
    Options,
    provider::claim_places,
    said::{Done, is_set, texts},
};
use crate::{Bearer, core::claims::ClaimPath};

/// ID tokens and access tokens for these audiences, which come in either scheme.
fn both_kinds(audiences: &[String], issuer: Option<&str>) -> Vec<Bearer> {
    let Some((first, more)) = audiences.split_first() else {
        return Vec::new();
    };
    let one = more
        .iter()
        .fold(Bearer::audience(first), Bearer::or_audience)
        .also_in_basic();
    let one = match issuer {
        Some(issuer) => one.issuer(issuer),
        None => one,
    };
    vec![one.clone(), one.id_tokens()]
}

const KINDS: &str = "takes ID tokens, and access tokens whose typ is at+jwt; others need a marker, in a [[bearer]] of our own names";

pub(super) fn bearer(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !parse::flag(said.value.clone())? {
        return Ok(());
    }
    let mut audiences = Vec::new();
    for flag in ["client-id", "oidc-extra-audience"] {
        if let Some(said) = options.get(flag) {
            audiences.extend(texts(said)?);
        }
    }
    let place = |flag: &str| -> Result<Vec<ClaimPath>, String> {
        match options.get(flag) {
            Some(said) => {
                claim_places(parse::text(said.value.clone())?).and_then(parse::claim_places)
            }
            None => Ok(Vec::new()),
        }
    };
    let (emails, groups) = (place("oidc-email-claim")?, place("oidc-groups-claim")?);
    for mut bearer in both_kinds(&audiences, None) {
        bearer = emails.iter().cloned().fold(bearer, Bearer::email_at);
        bearer = groups.iter().cloned().fold(bearer, Bearer::groups_at);
        if is_set(options, "insecure-oidc-allow-unverified-email") {
            bearer = bearer.danger_trust_unverified_email();
        }
        reader
            .settings
            .bearers
            .push(Said::new(bearer, said.place.clone()));
    }
    reader.report.understood.push(format!(
        "bearer for {} from {}",
        audiences.join(", "),
        said.place
    ));
    reader.changed(&said, KINDS);
    Ok(())
}

pub(super) fn extra_issuers(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !is_set(options, "skip-jwt-bearer-tokens") {
        reader.report.absent.push(format!(
            "{}: without skip_jwt_bearer_tokens no bearer token is taken, as there",
            said.place
        ));
        return Ok(());
    }
    for pair in texts(&said)? {
        let Some((issuer, audience)) = pair.split_once('=') else {
            return Err(format!(
                "{:?} names no audience; write issuer=audience",
                crate::config_error::without_userinfo(&pair)
            ));
        };
        for bearer in both_kinds(&[audience.to_owned()], Some(issuer)) {
            reader
                .settings
                .bearers
                .push(Said::new(bearer, said.place.clone()));
        }
        reader.report.understood.push(format!(
            "bearer of {} for {audience} from {}",
            crate::config_error::without_userinfo(issuer),
            said.place
        ));
    }
    reader.changed(&said, KINDS);
    Ok(())
}

pub(super) fn bearer_fallback(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !is_set(options, "skip-jwt-bearer-tokens") {
        reader.report.absent.push(format!(
            "{}: without skip_jwt_bearer_tokens no bearer token is looked at, as there",
            said.place
        ));
        return Ok(());
    }
    reader.take_text("invalid_bearer", "forbidden", &said);
    reader.changed(
        &said,
        "holds on protected paths; an open one stays open, whatever a request brings",
    );
    Ok(())
}
