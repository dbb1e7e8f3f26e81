//! What oauth2-proxy does where nothing is said.

use super::{
    super::reader::Reader,
    Options,
    cookies::{WEEK, cookie_expire},
    headers,
    said::{is_said, is_set},
};

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
    if !is_said(options, "cookie-refresh") && !is_set(options, "session-cookie-minimal") {
        assumed(
            "cookie_refresh: none, so that the provider is asked about a user again only where a session has a refresh token, \
             shortly before its access token ends",
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
    headers::of_requests(options, reader);
    headers::of_answers(options, reader);
}
