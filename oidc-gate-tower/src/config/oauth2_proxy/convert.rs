//! Options of oauth2-proxy that are more than another name.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Family, Place, Said, Value},
    },
    Options,
};
use crate::Bearer;
use crate::core::{
    claims::ClaimPath,
    gate::{HeaderSource, IdentityHeaders, Pattern, RuleKind},
    secret::HeaderSecret,
    session::CookieKeys,
};
use std::time::Duration;

type Done = Result<(), String>;

/// Whether the flag is set.
fn is_set(options: &Options, flag: &str) -> bool {
    options
        .get(flag)
        .is_some_and(|said| parse::flag(said.value.clone()) == Ok(true))
}

/// Whether anything is said.
fn is_said(options: &Options, flag: &str) -> bool {
    options.contains_key(flag)
}

fn texts(said: &Said<Value>) -> Result<Vec<String>, String> {
    parse::list(said.value.clone())
}

impl Reader {
    /// One of our settings, from a text that was made of what was said.
    fn take_text(&mut self, key: &'static str, text: impl Into<String>, said: &Said<Value>) {
        let value = Value::Text(text.into());
        self.take(key, Said::new(value, said.place.clone()));
    }

    /// Which headers they are. What is wrong with them the gate says.
    fn understand_headers(&mut self, key: &str, headers: &IdentityHeaders, place: &Place) {
        let writer = headers.clone().compile().unwrap_or_default();
        let names: Vec<_> = writer.names().map(|name| name.as_str()).collect();
        self.report
            .understood
            .push(format!("{key} = {} from {place}", names.join(", ")));
    }

    fn changed(&mut self, said: &Said<Value>, text: &str) {
        self.report.changed.push(format!("{}: {text}", said.place));
    }
}

pub(super) fn provider(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    let name = parse::text(said.value.clone())?;
    let issuer = match name.as_str() {
        "google" => Some("https://accounts.google.com"),
        "gitlab" => Some("https://gitlab.com"),
        _ => None,
    };
    match name.as_str() {
        "keycloak-oidc" => reader.changed(
            &said,
            "is `oidc`; roles are not read out of access tokens, which are not the client's to read: let the provider put \
             them into a claim of the ID token",
        ),
        "google" | "gitlab" | "entra-id" | "adfs" | "cidaas" => {
            reader.changed(&said, "is `oidc`; what is particular to this company is left out");
        }
        "azure" => {
            return Err("\"azure\" is none of OpenID Connect; use oidc with the issuer https://login.microsoftonline.com/<tenant>/v2.0".to_owned());
        }
        "keycloak" => return Err("\"keycloak\" is none of OpenID Connect; use oidc with the issuer of the realm".to_owned()),
        "login.gov" => {
            return Err("\"login.gov\" is oidc with client_auth = \"private_key_jwt\" and client_key_file of our own names".to_owned());
        }
        other => {
            return Err(format!("{other:?} is no OpenID provider that is known; use oidc, or put a provider in between that speaks OpenID Connect"));
        }
    }
    if let (Some(issuer), false) = (issuer, is_said(options, "oidc-issuer-url")) {
        reader.take_text("issuer_url", issuer, &said);
    }
    Ok(())
}

const ENDPOINTS: [(&str, &str); 3] = [
    ("login-url", "authorization_endpoint"),
    ("redeem-url", "token_endpoint"),
    ("oidc-jwks-url", "jwks_uri"),
];

pub(super) fn skip_discovery(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !parse::flag(said.value.clone())? {
        return Ok(());
    }
    let missing = ENDPOINTS.iter().filter(|(flag, _)| !is_said(options, flag));
    let missing: Vec<_> = missing.map(|(flag, _)| flag.replace('-', "_")).collect();
    if !missing.is_empty() {
        return Err(format!(
            "without {}; say where everything is, or let the provider say it",
            missing.join(" and ")
        ));
    }
    reader.changed(
        &said,
        "the provider is not asked where it is; what it publishes otherwise is not known either",
    );
    Ok(())
}

/// Which of them it is, the place says.
pub(super) fn endpoint(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !is_set(options, "skip-oidc-discovery") {
        return Err("without skip_oidc_discovery the provider itself says where that is; remove one, or set the other".to_owned());
    }
    let all = ENDPOINTS
        .into_iter()
        .chain([("profile-url", "userinfo_endpoint")]);
    for (flag, key) in all {
        if options
            .get(flag)
            .is_some_and(|other| other.place == said.place)
        {
            reader.take(key, said.clone());
        }
    }
    Ok(())
}

pub(super) fn signing_alg(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    match texts(&said)?.as_slice() {
        [one] => reader.take_text("id_token_alg", one, &said),
        _ => return Err("names several; name the one that the provider uses for this client, or leave it to what the provider announces".to_owned()),
    }
    Ok(())
}

/// As it stands, and where it has dots as a path.
fn claim(key: &'static str, reader: &mut Reader, said: Said<Value>) -> Done {
    let places = claim_places(parse::text(said.value)?)?;
    reader.take(key, Said::new(places, said.place));
    Ok(())
}

fn claim_places(name: String) -> Result<Value, String> {
    let mut places = vec![Value::Text(name.clone())];
    if name.contains('.') {
        places.push(Value::List(
            name.split('.')
                .map(|part| Value::Text(part.to_owned()))
                .collect(),
        ));
    }
    Ok(Value::List(places))
}

pub(super) fn email_claim(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    claim("email_at", reader, said)
}

pub(super) fn groups_claim(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    claim("groups_at", reader, said)
}

pub(super) fn user_id_claim(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if let Some(email) = options.get("oidc-email-claim") {
        return Err(format!("{} says it too; keep that one", email.place));
    }
    reader.changed(
        &said,
        "says where the address is, as there; the user is always `sub`",
    );
    claim("email_at", reader, said)
}

pub(super) fn skip_profile(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    if parse::flag(said.value.clone())? {
        reader.take_text("claims_from", "id_token", &said);
    }
    Ok(())
}

pub(super) fn ca_file(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    match texts(&said)?.as_slice() {
        [one] => {
            reader.take_text("ca_file", one, &said);
            if !is_set(options, "use-system-trust-store") {
                reader.changed(
                    &said,
                    "is trusted beside the authorities of the system, and not in their place",
                );
            }
            Ok(())
        }
        _ => Err("names several files; write the certificates into one".to_owned()),
    }
}

pub(super) fn cookie_secret(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let secret = parse::secret(said.value.clone())?;
    if let Some(own) = &reader.settings.cookie_secret {
        return Err(format!(
            "{} says it too, in other names; keep one of the two",
            own.place
        ));
    }
    let (keys, bytes) = CookieKeys::stretched(secret.expose()).map_err(|problem| {
        reader.settings.failed.push("cookie_secret");
        problem.to_string()
    })?;
    reader
        .report
        .understood
        .push(format!("cookie_secret from {}", said.place));
    if bytes < 32 {
        reader.changed(
            &said,
            &format!(
                "{bytes} bytes, from which keys are derived that are no harder to guess; better make one with `openssl rand -base64 32`"
            ),
        );
    }
    reader.settings.cookie_secret = Some(Said::new(keys, said.place));
    Ok(())
}

pub(super) fn cookie_secret_file(
    reader: &mut Reader,
    said: Said<Value>,
    options: &Options,
) -> Done {
    if let Some(plain) = options.get("cookie-secret") {
        return Err(format!("{} says it too; keep one of the two", plain.place));
    }
    let path = parse::text(said.value.clone())?;
    let read = super::super::settings::secret_file(&path)
        .inspect_err(|_| reader.settings.failed.push("cookie_secret"));
    cookie_secret(reader, Said::new(read?, said.place), options)
}

pub(super) fn cookie_domain(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    match texts(&said)?.as_slice() {
        [one] => reader.take_text("cookie_domain", one.trim_start_matches('.'), &said),
        _ => return Err("names several domains, and which of them counts would be the request's to say; name one".to_owned()),
    }
    Ok(())
}

const WEEK: &str = "168h";

pub(super) fn cookie_expire(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let mut value = said.value.clone();
    if parse::duration(value.clone())? == Duration::ZERO {
        reader.changed(
            &said,
            "0 is taken for 168h: a session ends at some time, whatever the browser does",
        );
        value = Value::Text(WEEK.to_owned());
    }
    let value = Said::new(value, said.place);
    if reader.settings.session_idle.is_none() {
        reader.take("session_idle", value.clone());
    }
    reader.take("session_lifetime", value);
    Ok(())
}

pub(super) fn cookie_refresh(_: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    match parse::duration(said.value)? {
        Duration::ZERO => Ok(()),
        _ => Err("sessions are not renewed at the provider in this version; remove it, and set cookie_expire to how long a \
                  user may stay whom the provider has dropped"
            .to_owned()),
    }
}

pub(super) fn same_site(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    if parse::text(said.value.clone())? == "none" {
        reader.changed(
            &said,
            "none is taken for lax: with it any site could act for the user",
        );
        return Ok(());
    }
    reader.take("same_site", said);
    Ok(())
}

pub(super) fn redirect_url(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    let url = parse::text(said.value.clone())?;
    let shown = crate::config_error::without_userinfo(&url);
    let prefix = options
        .get("proxy-prefix")
        .and_then(|said| parse::text(said.value.clone()).ok());
    let callback = format!("{}/callback", prefix.as_deref().unwrap_or("/oauth2"));
    let Some((scheme, rest)) = url.split_once("://") else {
        reader.settings.failed.push("base_url");
        return Err(format!(
            "{shown:?} has no host; write it as in https://app.example.com{callback}"
        ));
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let base = match path {
        "" | "/" => "",
        path => path.strip_suffix(&callback).ok_or_else(|| {
            reader.settings.failed.push("base_url");
            format!("{shown:?} has to end with {callback}, where the gate takes the provider's answers; register it there so")
        })?,
    };
    reader.take_text("base_url", format!("{scheme}://{host}{base}"), &said);
    Ok(())
}

const UNANCHORED: &str = "is looked for anywhere in the path, as there; a path that could be read in two ways it never opens. \
                          `open` of our own names says it more safely";

pub(super) fn skip_auth(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    // The older of the two knows no methods.
    let older = options
        .get("skip-auth-regex")
        .is_some_and(|older| older.place == said.place);
    for text in texts(&said)? {
        let anchored = text.contains('^') && text.ends_with('$');
        if !anchored || text.contains("!=") {
            reader.changed(&said, &format!("{text:?} {UNANCHORED}"));
        }
        let pattern = Pattern::skip_auth_route(if older { format!("={text}") } else { text });
        reader
            .report
            .understood
            .push(format!("open({pattern}) from {}", said.place));
        reader
            .settings
            .rules
            .push(Said::new((pattern, RuleKind::Open), said.place.clone()));
    }
    Ok(())
}

pub(super) fn preflights(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    reader.changed(&said, "holds for real preflights, with Origin and Access-Control-Request-Method, and no other OPTIONS");
    reader.take("pass_preflights", said);
    Ok(())
}

pub(super) fn api_route(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    for text in texts(&said)? {
        // A sign before it, so that none in the expression is taken for the end of a method.
        let pattern = Pattern::skip_auth_route(format!("={text}"));
        reader
            .report
            .understood
            .push(format!("json({pattern}) from {}", said.place));
        reader
            .settings
            .more_json
            .push(Said::new(pattern, said.place.clone()));
    }
    reader.changed(&said, "is looked for in the path, without a query");
    Ok(())
}

pub(super) fn force_json(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    if parse::flag(said.value)? {
        reader.report.understood.push(format!(
            "json({}) from {}",
            Pattern::prefix("/"),
            said.place
        ));
        reader
            .settings
            .more_json
            .push(Said::new(Pattern::prefix("/"), said.place));
    }
    Ok(())
}

pub(super) fn trusted_ip(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if is_set(options, "reverse-proxy") && !is_said(options, "trusted-proxy-ip") {
        return Err("reverse_proxy is set and trusted_proxy_ips is not, so every request comes from the proxy; name the proxy there".to_owned());
    }
    reader.changed(&said, "the address is the connection's, or what a proxy among trusted_proxy_ips says; no other header counts");
    reader.take("open_to", said);
    Ok(())
}

pub(super) fn reverse_proxy(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !parse::flag(said.value.clone())? {
        return Ok(());
    }
    let Some(proxies) = options.get("trusted-proxy-ip") else {
        reader.changed(&said, "no proxy is believed that trusted_proxy_ips does not name; addresses in answers come from redirect_url");
        return Ok(());
    };
    reader.take("trusted_proxies", proxies.clone());
    if !is_said(options, "real-client-ip-header") {
        reader.take_text("client_address_from", "x-real-ip", &said);
    }
    reader.changed(&said, "the proxies are believed about where a client comes from and nothing else; addresses in answers come from redirect_url");
    Ok(())
}

pub(super) fn real_ip_header(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if is_set(options, "reverse-proxy") && is_said(options, "trusted-proxy-ip") {
        reader.take("client_address_from", said);
    }
    Ok(())
}

pub(super) fn email_domain(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let domains = texts(&said)?;
    if domains.iter().any(|domain| domain == "*") {
        reader.report.changed.push(format!(
            "{}: \"*\" lets every user in who signs in at the provider, with an address or without",
            said.place
        ));
        return Ok(());
    }
    reader.changed(&said, VERIFIED);
    reader.take("allowed_email_domains", said);
    Ok(())
}

const VERIFIED: &str = "the provider has to say that it has checked the address; insecure_oidc_allow_unverified_email takes any";

pub(super) fn emails_file(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    let everybody = |domains: &Said<Value>| {
        texts(domains).is_ok_and(|domains| domains.iter().any(|domain| domain == "*"))
    };
    if options.get("email-domain").is_some_and(everybody) {
        reader.changed(
            &said,
            "lets nobody in who is not in already, as there: email_domains has \"*\"",
        );
        return Ok(());
    }
    reader.changed(
        &said,
        "is read once, at the start; the provider has to say that it has checked the address",
    );
    reader.take("allowed_emails_file", said);
    Ok(())
}

pub(super) fn whitelist_domain(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let mut origins = Vec::new();
    for domain in texts(&said)? {
        if domain.starts_with(['.', '*']) || domain.ends_with(":*") {
            return Err(format!(
                "{domain:?} is a wildcard, and whoever gets a host there gets its visitors; name each host"
            ));
        }
        origins.push(Value::Text(format!("https://{domain}")));
    }
    reader.changed(&said, "over https alone");
    reader.take(
        "return_to_origins",
        Said::new(Value::List(origins), said.place),
    );
    Ok(())
}

/// Only `false` comes here: `true` is the rule.
pub(super) fn provider_button(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    reader.take_text("sign_in_page", "show", &said);
    Ok(())
}

pub(super) fn http_address(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if is_said(options, "tls-cert-file") {
        reader.report.absent.push(format!(
            "{}: with tls_cert_file https_address is listened at, as there",
            said.place
        ));
        return Ok(());
    }
    reader.take("address", said);
    Ok(())
}

pub(super) fn https_address(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    match is_said(options, "tls-cert-file") {
        true => {
            reader.take("address", said);
        }
        false => reader.report.absent.push(format!(
            "{}: without tls_cert_file http_address is listened at, as there",
            said.place
        )),
    }
    Ok(())
}

/// What oauth2-proxy does where nothing is said.
pub(super) fn what_is_silent(options: &Options, reader: &mut Reader) {
    let mut assumed = |text: &str| reader.report.assumed.push(text.to_owned());
    if !is_said(options, "provider") {
        assumed("provider: oidc");
    }
    if !is_said(options, "skip-provider-button") {
        assumed(
            "skip_provider_button: true, so that whoever navigates is led to the provider at once",
        );
    }
    if !is_said(options, "email-domain")
        && !is_said(options, "authenticated-emails-file")
        && !is_said(options, "allowed-group")
    {
        assumed(
            "email_domains: none, so every user is let in who signs in at the provider; name domains or allowed_groups to let in fewer",
        );
    }
    if is_said(options, "trusted-proxy-ip") && !is_set(options, "reverse-proxy") {
        assumed("reverse_proxy: false, so that trusted_proxy_ips has no meaning, as there");
    }
    let silent = |flag: &str, said: bool| options.get(flag).is_none() && !said;
    let whole = |text: &str, key: &str| {
        Said::new(
            Value::Text(text.to_owned()),
            Place::variable(key, Family::OAuth2Proxy),
        )
    };
    if silent("cookie-expire", reader.settings.session_lifetime.is_some()) {
        reader
            .report
            .assumed
            .push("cookie_expire: 168h, used or not".to_owned());
        let _ = cookie_expire(reader, whole(WEEK, "OAUTH2_PROXY_COOKIE_EXPIRE"), options);
    }
    if silent("scope", reader.settings.scopes.is_some()) && is_said(options, "allowed-group") {
        reader
            .report
            .assumed
            .push("scope: openid email profile groups, as there are allowed_groups".to_owned());
        reader.take(
            "scopes",
            whole("openid email profile groups", "OAUTH2_PROXY_SCOPE"),
        );
    }
    headers(options, reader);
    let silent = |flag: &str, said: bool| options.get(flag).is_none() && !said;
    if is_said(options, "tls-cert-file") && silent("https-address", false) {
        reader.report.assumed.push("https_address: :443".to_owned());
        reader.take("address", whole(":443", "OAUTH2_PROXY_HTTPS_ADDRESS"));
    }
}

/// Which headers say who the user is. Unless it is said otherwise, requests have them.
fn headers(options: &Options, reader: &mut Reader) {
    let unless_false = |flag| {
        options
            .get(flag)
            .is_none_or(|said| parse::flag(said.value.clone()) != Ok(false))
    };
    let by_address = |headers: IdentityHeaders| match is_set(options, "prefer-email-to-user") {
        true => headers.email_as_user(),
        false => headers,
    };
    // Whose tokens are taken too may have users of the same subjects.
    let several =
        is_said(options, "extra-jwt-issuers") && is_set(options, "skip-jwt-bearer-tokens");
    let by_issuer = |headers: IdentityHeaders, name: &str| match several {
        true => headers.header(name, HeaderSource::issuer()),
        false => headers,
    };
    let basic = unless_false("pass-basic-auth");
    if basic || unless_false("pass-user-headers") {
        let mut headers = by_address(by_issuer(
            IdentityHeaders::forwarded(),
            "X-Forwarded-Issuer",
        ));
        if let (true, Some(password)) = (basic, options.get("basic-auth-password")) {
            match parse::secret(password.value.clone()) {
                Ok(secret) => {
                    headers = headers.basic_authorization(HeaderSecret::new(secret.expose()))
                }
                Err(problem) => reader
                    .problems
                    .push(format!("{}: {problem}", password.place)),
            }
        }
        let flags = [
            "basic-auth-password",
            "pass-user-headers",
            "pass-basic-auth",
        ];
        let place = flags
            .iter()
            .find_map(|flag| options.get(flag))
            .map(|said| said.place.clone());
        let place = place.unwrap_or_else(|| {
            reader.report.assumed.push(match several {
                true => "pass_user_headers: true, so that requests say X-Forwarded-User, -Email, -Groups, -Preferred-Username and, as there are extra_jwt_issuers, -Issuer",
                false => "pass_user_headers: true, so that requests say X-Forwarded-User, -Email, -Groups and -Preferred-Username",
            }.to_owned());
            Place::variable("OAUTH2_PROXY_PASS_USER_HEADERS", Family::OAuth2Proxy)
        });
        reader.understand_headers("identity_headers", &headers, &place);
        reader
            .settings
            .identity_headers
            .get_or_insert(Said::new(headers, place));
    }
    if let (true, Some(said)) = (
        is_set(options, "set-xauthrequest"),
        options.get("set-xauthrequest"),
    ) {
        let headers = by_address(by_issuer(
            IdentityHeaders::auth_request(),
            "X-Auth-Request-Issuer",
        ));
        reader.understand_headers("identity_response_headers", &headers, &said.place);
        reader
            .settings
            .identity_response_headers
            .get_or_insert(Said::new(headers, said.place.clone()));
        reader.changed(said, match several {
            true => "answers say X-Auth-Request-User, -Email, -Groups, -Preferred-Username and, as there are extra_jwt_issuers, -Issuer to whoever asks; let the proxy in front take them off",
            false => "answers say X-Auth-Request-User, -Email, -Groups and -Preferred-Username to whoever asks; let the proxy in front take them off",
        });
    }
}

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
