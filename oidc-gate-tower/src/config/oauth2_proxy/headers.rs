//! Which headers say who the user is, and which tokens.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Place, Said, Value},
    },
    Options, redis,
    said::{is_said, is_set},
};
use crate::core::{
    gate::{HeaderSource, IdentityHeaders},
    secret::HeaderSecret,
};

/// Those of requests. Unless it is said otherwise, they name the user.
pub(super) fn of_requests(options: &Options, reader: &mut Reader) {
    let flag = |flag| {
        let said = options.get(flag)?;
        Some((parse::flag(said.value.clone()) != Ok(false), said))
    };
    let (users, basic) = (flag("pass-user-headers"), flag("pass-basic-auth"));
    let is_on = |said: Option<(bool, _)>| said.is_none_or(|(is_on, _)| is_on);
    let names_users = is_on(users) || is_on(basic);
    let mut headers = IdentityHeaders::new();
    if names_users {
        headers = by_issuer(IdentityHeaders::forwarded(), "X-Forwarded-Issuer", options);
        headers = by_address(headers, options);
    }
    let password = match is_on(basic) {
        true => options.get("basic-auth-password"),
        false => None,
    };
    match password.map(|said| (&said.place, parse::secret(said.value.clone()))) {
        Some((_, Ok(secret))) => {
            headers = headers.basic_authorization(HeaderSecret::new(secret.expose()));
        }
        Some((place, Err(problem))) => reader.problems.push(format!("{place}: {problem}")),
        None => {}
    }
    let (access, id) = (
        set(options, "pass-access-token"),
        set(options, "pass-authorization-header"),
    );
    if access.is_some() {
        headers = headers.header("X-Forwarded-Access-Token", HeaderSource::access_token());
    }
    if let Some(said) = id {
        headers = headers.header("Authorization", HeaderSource::id_token().as_bearer());
        keep_id_tokens(said, options, reader);
    }
    let wanted = [users, basic].into_iter().flatten();
    let mut wanted = wanted.filter(|(is_on, _)| *is_on).map(|(_, said)| said);
    let of_users = password.or(wanted.next());
    if names_users && of_users.is_none() && reader.settings.identity_headers.is_none() {
        let option = match users {
            None => "pass_user_headers",
            Some(_) => "pass_basic_auth",
        };
        let names = match has_several_issuers(options) {
            true => {
                "X-Forwarded-User, -Email, -Groups, -Preferred-Username and, as there are extra_jwt_issuers, -Issuer"
            }
            false => "X-Forwarded-User, -Email, -Groups and -Preferred-Username",
        };
        reader
            .report
            .assumed
            .push(format!("{option}: true, so that requests say {names}"));
        // Whoever says it in our own names is not silent.
        if access.or(id).is_none() {
            reader.settings.identity_headers = Some(Said::new(headers, Place::assumed(option)));
            return;
        }
    }
    if let Some(said) = of_users.or(access).or(id) {
        reader.take_headers("identity_headers", headers, &said.place);
    }
}

/// The same in answers, where somebody says so.
pub(super) fn of_answers(options: &Options, reader: &mut Reader) {
    let (names, id) = (
        set(options, "set-xauthrequest"),
        set(options, "set-authorization-header"),
    );
    let mut headers = IdentityHeaders::new();
    if let Some(said) = names {
        let named = by_issuer(
            IdentityHeaders::auth_request(),
            "X-Auth-Request-Issuer",
            options,
        );
        headers = by_address(named, options);
        let mut more = Vec::new();
        if has_several_issuers(options) {
            more.push("as there are extra_jwt_issuers, -Issuer");
        }
        if set(options, "pass-access-token").is_some() {
            headers = headers.header("X-Auth-Request-Access-Token", HeaderSource::access_token());
            more.push("as there is pass_access_token, -Access-Token");
        }
        let names = match more.is_empty() {
            true => "X-Auth-Request-User, -Email, -Groups and -Preferred-Username".to_owned(),
            false => format!(
                "X-Auth-Request-User, -Email, -Groups, -Preferred-Username and, {}",
                more.join(" and, ")
            ),
        };
        reader.changed(
            said,
            &format!("answers say {names} to whoever asks; let the proxy in front take them off"),
        );
    }
    if let Some(said) = id {
        headers = headers.header("Authorization", HeaderSource::id_token().as_bearer());
        keep_id_tokens(said, options, reader);
        reader.changed(
            said,
            "answers say the user's ID token to whoever asks; let the proxy in front take it off",
        );
    }
    if let Some(said) = names.or(id) {
        reader.take_headers("identity_response_headers", headers, &said.place);
    }
}

/// Where it was said, if it is on.
fn set<'a>(options: &'a Options, flag: &str) -> Option<&'a Said<Value>> {
    options.get(flag).filter(|_| is_set(options, flag))
}

/// Sessions keep ID tokens for whoever wants them passed on. What is said in our own names stays.
fn keep_id_tokens(said: &Said<Value>, options: &Options, reader: &mut Reader) {
    if reader.settings.keep_tokens.is_some() {
        return;
    }
    reader.take_text("keep_tokens", "access, refresh, id", said);
    let room = match redis::is_chosen(options) {
        true => "",
        false => {
            ", which are large: a login without room for one in cookies fails, so keep sessions in Redis"
        }
    };
    reader.changed(
        said,
        &format!("sessions keep ID tokens{room}; one that is over is not passed on"),
    );
}

/// Whose tokens are taken too may have users of the same subjects.
fn has_several_issuers(options: &Options) -> bool {
    is_said(options, "extra-jwt-issuers") && is_set(options, "skip-jwt-bearer-tokens")
}

fn by_issuer(headers: IdentityHeaders, name: &str, options: &Options) -> IdentityHeaders {
    match has_several_issuers(options) {
        true => headers.header(name, HeaderSource::issuer()),
        false => headers,
    }
}

fn by_address(headers: IdentityHeaders, options: &Options) -> IdentityHeaders {
    match is_set(options, "prefer-email-to-user") {
        true => headers.email_as_user(),
        false => headers,
    }
}
