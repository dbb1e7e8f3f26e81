//! Options of oauth2-proxy that are more than another name.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Place, Said, Value},
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

    /// Headers by which the application knows the user. What is wrong with them the gate says.
    fn take_headers(&mut self, key: &'static str, headers: IdentityHeaders, place: &Place) {
        let field = match key {
            "identity_headers" => &mut self.settings.identity_headers,
            _ => &mut self.settings.identity_response_headers,
        };
        if let Some(own) = field {
            self.problems.push(format!(
                "{place}: {} says it too, in other names; keep one of the two",
                own.place
            ));
            return;
        }
        let writer = headers.clone().compile().unwrap_or_default();
        let names: Vec<_> = writer.names().map(|name| name.as_str()).collect();
        self.report
            .understood
            .push(format!("{key} = {} from {place}", names.join(", ")));
        *field = Some(Said::new(headers, place.clone()));
    }

    /// What nobody said: told as assumed, and not as understood.
    fn assume(
        &mut self,
        told: &str,
        (option, text): (&str, &str),
        take: impl FnOnce(&mut Self, Said<Value>) -> Done,
    ) {
        self.report.assumed.push(told.to_owned());
        let understood = self.report.understood.len();
        let value = Value::Text(text.to_owned());
        if let Err(problem) = take(self, Said::new(value, Place::assumed(option))) {
            self.problems.push(format!("{option}: {problem}"));
        }
        self.report.understood.truncate(understood);
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

pub(super) fn ca_files(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    reader.take("ca_file", said.clone());
    if !is_set(options, "use-system-trust-store") {
        reader.changed(
            &said,
            "is trusted beside the authorities of the system, and not in their place",
        );
    }
    Ok(())
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
            "0 is taken for 168h, and the browser forgets the session when it is closed: it ends at some time, whatever the \
             browser does",
        );
        value = Value::Text(WEEK.to_owned());
        let forgotten = Value::Text("browser_session".to_owned());
        reader.take("cookie_lifetime", Said::new(forgotten, said.place.clone()));
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

/// What a route opens beyond what it names, if anything.
fn reach(route: &str, is_path_alone: bool) -> Option<String> {
    let (is_negated, path) = match (is_path_alone, route.split_once("!=")) {
        (true, _) => (false, route),
        (false, Some((_, path))) => (true, path),
        (false, None) => (false, route.split_once('=').map_or(route, |(_, path)| path)),
    };
    // Behind an alternative an anchor holds for one of them alone.
    let one = !path.contains('|');
    let (begins, ends) = (path.starts_with('^') && one, path.ends_with('$') && one);
    let reach = match (is_negated, begins, ends) {
        (true, ..) => "opens every path but those, as there",
        (false, true, true) => return None,
        (false, true, false) => "opens everything that begins so, as there",
        (false, false, true) => "opens everything that ends so, as there",
        (false, false, false) => "is looked for anywhere in the path, as there",
    };
    Some(format!(
        "{reach}; a path that could be read in two ways it never opens. `open` of our own names says it more safely"
    ))
}

pub(super) fn skip_auth(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    // The older of the two knows no methods.
    let older = options
        .get("skip-auth-regex")
        .is_some_and(|older| older.place == said.place);
    for text in texts(&said)? {
        if let Some(how) = reach(&text, older) {
            reader.changed(&said, &format!("{text:?} {how}"));
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
    match is_set(options, "reverse-proxy") && is_said(options, "trusted-proxy-ip") {
        true => {
            reader.take("client_address_from", said);
        }
        false => reader.report.absent.push(format!(
            "{}: without reverse_proxy and trusted_proxy_ips no proxy is believed, whichever header it writes",
            said.place
        )),
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

/// What oauth2-proxy does where nothing is said. It is told as assumed, and as understood from nowhere.
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
    if !is_said(options, "email-domain") && !reader.settings.is_restricted() {
        assumed(
            "email_domains: none, so every user is let in who signs in at the provider, where no rule demands more; name \
             domains or allowed_groups to let in fewer",
        );
    }
    if is_said(options, "trusted-proxy-ip") && !is_set(options, "reverse-proxy") {
        assumed("reverse_proxy: false, so that trusted_proxy_ips has no meaning, as there");
    }
    if reader.server.upstreams.is_none() {
        assumed(
            "upstreams: none, so that a proxy has nothing behind it and answers every page with 404; an application around \
             the gate answers itself",
        );
    }
    let silent = |flag: &str, said: bool| !is_said(options, flag) && !said;
    if silent("cookie-expire", reader.settings.session_lifetime.is_some()) {
        reader.assume(
            "cookie_expire: 168h, used or not",
            ("cookie_expire", WEEK),
            |reader, said| cookie_expire(reader, said, options),
        );
    }
    if silent("scope", reader.settings.scopes.is_some()) && is_said(options, "allowed-group") {
        reader.assume(
            "scope: openid email profile groups, as there are allowed_groups",
            ("scope", "openid email profile groups"),
            |reader, said| {
                reader.take("scopes", said);
                Ok(())
            },
        );
    }
    if is_said(options, "tls-cert-file") && silent("https-address", reader.server.address.is_some())
    {
        reader.assume(
            "https_address: :443",
            ("https_address", ":443"),
            |reader, said| {
                reader.take("address", said);
                Ok(())
            },
        );
    }
    request_headers(options, reader);
    answer_headers(options, reader);
}

/// Which headers of requests say who the user is. Unless it is said otherwise, they have some.
fn request_headers(options: &Options, reader: &mut Reader) {
    let flag = |flag| {
        let said = options.get(flag)?;
        Some((parse::flag(said.value.clone()) != Ok(false), said))
    };
    let (users, basic) = (flag("pass-user-headers"), flag("pass-basic-auth"));
    let is_on = |said: Option<(bool, _)>| said.is_none_or(|(is_on, _)| is_on);
    if !is_on(users) && !is_on(basic) {
        return;
    }
    let headers = by_issuer(IdentityHeaders::forwarded(), "X-Forwarded-Issuer", options);
    let mut headers = by_address(headers, options);
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
    let wanted = [users, basic].into_iter().flatten();
    let wanted = wanted.filter(|(is_on, _)| *is_on).map(|(_, said)| said);
    if let Some(said) = password.or(wanted.into_iter().next()) {
        return reader.take_headers("identity_headers", headers, &said.place);
    }
    // Whoever says it in our own names is not silent.
    if reader.settings.identity_headers.is_none() {
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
        reader.settings.identity_headers = Some(Said::new(headers, Place::assumed(option)));
    }
}

/// The same in answers, where somebody says so.
fn answer_headers(options: &Options, reader: &mut Reader) {
    if let (true, Some(said)) = (
        is_set(options, "set-xauthrequest"),
        options.get("set-xauthrequest"),
    ) {
        let headers = by_issuer(
            IdentityHeaders::auth_request(),
            "X-Auth-Request-Issuer",
            options,
        );
        reader.take_headers(
            "identity_response_headers",
            by_address(headers, options),
            &said.place,
        );
        reader.changed(said, match has_several_issuers(options) {
            true => "answers say X-Auth-Request-User, -Email, -Groups, -Preferred-Username and, as there are extra_jwt_issuers, -Issuer to whoever asks; let the proxy in front take them off",
            false => "answers say X-Auth-Request-User, -Email, -Groups and -Preferred-Username to whoever asks; let the proxy in front take them off",
        });
    }
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
