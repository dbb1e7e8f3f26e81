//! A logout that comes through the browser
//! ([OpenID Connect Front-Channel Logout § 3](https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout)).

use super::{LoggedOut, LogoutOf};
use crate::{
    check::{Check, CheckFailed, quote},
    form::Form,
    url::{EndpointUrl, Issuer},
};
use url::{Host, Url};

/// Which session at the provider `query` says has ended: `iss` and `sid`, each once, and `iss` the configured issuer. Every other
/// parameter is ignored.
///
/// The specification lets both be left out, where the browser's cookie is to say whose session it is. In a frame of another
/// site's page there is none.
///
/// # Errors
///
/// [`Check::LogoutFrontChannel`].
///
/// # Security
///
/// Nobody has signed this. Whoever knows a `sid` can end the sessions that have it, and nothing more may follow from it.
///
/// ```
/// use oidc_gate_core::{logout::{LoggedOut, front_channel_logout}, url::Issuer};
/// let issuer = Issuer::parse("https://id.example")?;
/// let logout = front_channel_logout("iss=https%3A%2F%2Fid.example&sid=08a5019c", &issuer)?;
/// assert_eq!(logout.who, LoggedOut::AtProvider("08a5019c".into()));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn front_channel_logout(query: &str, issuer: &Issuer) -> Result<LogoutOf, CheckFailed> {
    let refused = |cause: String| CheckFailed::new(Check::LogoutFrontChannel, cause);
    let form = Form::parse_of(query.as_bytes(), &["iss", "sid"])
        .map_err(|error| refused(format!("the query is no form: {error}")))?;
    let named = |name: &str| {
        let value = form.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| refused(format!("`{name}` is missing")))
    };
    let (iss, sid) = (named("iss")?, named("sid")?);
    if iss != issuer.as_str() {
        let (expected, got) = (quote(issuer.as_str()), quote(iss));
        return Err(refused(format!("expected {expected}, got {got}")));
    }
    Ok(LogoutOf::new(iss, LoggedOut::AtProvider(sid.into())))
}

/// The `Content-Security-Policy` of the answer: the provider's pages may frame it, and nobody else's. Those pages are where its
/// issuer is or where sign-outs are taken, which may be two origins.
///
/// ```
/// use oidc_gate_core::{logout::frame_policy, url::Issuer};
/// let policy = frame_policy(&Issuer::parse("https://id.example/realms/a")?, None);
/// assert_eq!(policy, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors https://id.example");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn frame_policy(issuer: &Issuer, end_session: Option<&EndpointUrl>) -> String {
    let mut policy =
        String::from("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors");
    let mut sources = Vec::new();
    for address in [Some(issuer.as_str()), end_session.map(EndpointUrl::as_str)] {
        let source = address.and_then(source);
        sources.extend(source.filter(|source| !sources.contains(source)));
    }
    if sources.is_empty() {
        sources.push("'none'".to_owned());
    }
    for source in sources {
        policy.push(' ');
        policy.push_str(&source);
    }
    policy
}

/// The origin of an address, as a policy names it. The grammar has no room for a host in brackets
/// ([CSP § 2.3.1](https://www.w3.org/TR/CSP3/#grammardef-host-source)); such a one is named by its scheme alone.
fn source(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    match url.host()? {
        Host::Ipv6(_) => Some(format!("{}:", url.scheme())),
        Host::Domain(_) | Host::Ipv4(_) => Some(url.origin().ascii_serialization()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> Result<LogoutOf, CheckFailed> {
        front_channel_logout(query, &Issuer::parse("https://id.example").unwrap())
    }

    #[test]
    fn issuer_and_session_are_both_there_once_whatever_else_is() {
        const RIGHT: &str = "iss=https%3A%2F%2Fid.example&sid=s";
        for query in [
            RIGHT,
            "sid=s&iss=https://id.example",
            "a&iss=https://id.example&a=1&sid=s&a=2&b=%ff&",
        ] {
            let of = LogoutOf::new("https://id.example", LoggedOut::AtProvider("s".into()));
            assert_eq!(read(query), Ok(of), "{query}");
        }
        for query in [
            "",
            "sid=s",
            "iss=https://id.example",
            "iss=&sid=s",
            "iss=https://id.example&sid=",
            "iss=https://id.example/&sid=s",
            "iss=https://id.other&sid=s",
            "iss=https://id.example&sid=s&sid=s",
            "iss=https://id.example&sid=s&%73id=t",
            "iss=https://id.example&iss=https://id.example&sid=s",
            "iss=https://id.example&sid=%ff",
            "iss=https://id.example&sid=%zz",
            "ISS=https://id.example&SID=s",
        ] {
            let failed = read(query).unwrap_err();
            assert_eq!(failed.check(), Check::LogoutFrontChannel, "{query}");
        }
    }

    #[test]
    fn the_providers_pages_may_frame_it_and_nobody_elses() {
        for (issuer, end_session, ancestors) in [
            ("https://id.example", None, "https://id.example"),
            (
                "https://id.example",
                Some("https://id.example/end?x=1"),
                "https://id.example",
            ),
            (
                "https://id.example:8443/a",
                Some("https://login.example/a;b,c"),
                "https://id.example:8443 https://login.example",
            ),
            ("http://127.0.0.1:9000", None, "http://127.0.0.1:9000"),
            ("http://[::1]:9000", None, "http:"),
            (
                "https://müller.example",
                None,
                "https://xn--mller-kva.example",
            ),
        ] {
            let end = end_session.map(|url| EndpointUrl::parse(url).unwrap());
            let policy = frame_policy(&Issuer::parse(issuer).unwrap(), end.as_ref());
            let (_, found) = policy.split_once("frame-ancestors ").unwrap();
            assert_eq!(found, ancestors, "{issuer}");
            assert!(
                policy.bytes().all(|b| (0x20..0x7f).contains(&b)),
                "{policy}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(query in "\\PC{0,80}|(iss|sid|a|&|=|%[0-9a-f]{0,2}|https://id.example){0,12}") {
            let _ = read(&query);
        }
    }
}
