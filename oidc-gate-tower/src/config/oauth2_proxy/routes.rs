//! Who passes where, from where, and to where.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Said, Value},
    },
    Options,
    said::{Done, is_said, is_set, texts},
};
use crate::core::gate::{Pattern, RuleKind};

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
