//! Addresses that exist only in valid form.

use std::{borrow::Cow, fmt, sync::Arc};
use url::{Host, Url};

/// Why an address was refused. Says what to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Not an absolute URL with a host.
    NotAbsolute,
    /// Neither `https` nor, on a loopback host, `http`.
    NotHttps,
    /// Carries a user name or password.
    Userinfo,
    /// Carries a fragment.
    Fragment,
    /// Carries a query where none is allowed.
    Query,
    /// Carries control characters, white space or a backslash.
    Characters,
    /// Carries a path where none is allowed.
    Path,
    /// Stands for several hosts.
    Wildcard,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "must be an absolute URL such as https://id.example.com",
            Self::NotHttps => "must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only)",
            Self::Userinfo => "must not hold a user name or password",
            Self::Fragment => "must not hold a fragment (#…)",
            Self::Query => "must not hold a query (?…)",
            Self::Characters => "must not hold white space, control characters or a backslash",
            Self::Path => "must not hold a path: a scheme, a host and a port, as in https://other.example.com",
            Self::Wildcard => "must name one host: `*` stands for none",
        })
    }
}

impl std::error::Error for UrlError {}

/// Whether the host can only be this machine. Names are not resolved: `localhost` and what lies under it are loopback by
/// [RFC 6761 § 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn parse(text: &str) -> Result<Url, UrlError> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(UrlError::Characters);
    }
    let url = Url::parse(text).map_err(|_| UrlError::NotAbsolute)?;
    match url.scheme() {
        "https" => {}
        // The one exception to https: nothing leaves the machine.
        "http" if is_loopback(&url) => {}
        "http" => return Err(UrlError::NotHttps),
        _ if url.has_host() => return Err(UrlError::NotHttps),
        _ => return Err(UrlError::NotAbsolute),
    }
    // `https:host` is repaired by URL parsers; what was written must already be what is meant.
    if !text.contains("://") {
        return Err(UrlError::NotAbsolute);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Userinfo);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    Ok(url)
}

/// Whether this is an absolute URI without a fragment: a scheme, then something
/// ([RFC 3986 § 4.3](https://www.rfc-editor.org/rfc/rfc3986#section-4.3)). It is a name, so nothing is normalised and
/// `urn:` is as good as `https:`.
pub fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(plain)
        && !rest.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&b))
        // What is encoded has two digits (RFC 3986 § 2.1).
        && text.split('%').skip(1).all(|after| {
            let digits = after.as_bytes().first_chunk();
            digits.is_some_and(|two: &[u8; 2]| two.iter().all(u8::is_ascii_hexdigit))
        })
}

/// The identifier of a provider: an https URL that is compared as text, never normalised
/// ([OpenID Connect Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).
///
/// `http` is taken for loopback hosts only, for development.
///
/// ```
/// use oidc_gate_core::url::Issuer;
/// let issuer = Issuer::parse("https://id.example.com/tenant")?;
/// assert_eq!(issuer.discovery_url().as_str(), "https://id.example.com/tenant/.well-known/openid-configuration");
/// assert_ne!(issuer, Issuer::parse("https://id.example.com/tenant/")?);
/// # Ok::<_, oidc_gate_core::url::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// The issuer, kept exactly as written.
    ///
    /// # Errors
    ///
    /// If it is not an https URL with a host, or holds user information, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        if url.query().is_some() {
            return Err(UrlError::Query);
        }
        Ok(Self(text.into()))
    }

    /// The text, exactly as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the metadata is published: one trailing slash removed, the well-known path appended
    /// ([OpenID Connect Discovery § 4.1](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest)).
    pub fn discovery_url(&self) -> EndpointUrl {
        let base = self.0.strip_suffix('/').unwrap_or(&self.0);
        EndpointUrl(format!("{base}/.well-known/openid-configuration").into())
    }

    /// Where a plain OAuth server publishes its metadata: the well-known path inserted between host and path, a trailing
    /// slash removed ([RFC 8414 § 3.1](https://www.rfc-editor.org/rfc/rfc8414#section-3.1)).
    pub fn oauth_discovery_url(&self) -> EndpointUrl {
        let text = &*self.0;
        let authority = text.find("://").map_or(0, |at| at + 3);
        let path = text[authority..]
            .find('/')
            .map_or(text.len(), |at| authority + at);
        let (origin, path) = text.split_at(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        EndpointUrl(format!("{origin}/.well-known/oauth-authorization-server{path}").into())
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.0)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address of the provider to send a request or a browser to: https (loopback: http), without user information and
/// fragment; it may carry a query of its own ([RFC 6749 § 3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EndpointUrl(Arc<str>);

impl EndpointUrl {
    /// The address, if it is fit.
    ///
    /// # Errors
    ///
    /// If it is not an https URL with a host, or holds user information or a fragment.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        // The parser's form, so that what is sent is what was checked.
        Ok(Self(url.as_str().into()))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({})", self.0)
    }
}

/// Where browsers find the application: an origin, and a path if the application does not have the whole of it.
///
/// Every absolute address the gate makes is made from this and from nothing a request says.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Box<str>,
    path: Box<str>,
    secure: bool,
}

impl BaseUrl {
    /// The base URL, a trailing slash removed.
    ///
    /// # Errors
    ///
    /// If it is not an https URL with a host (loopback: http), or holds user information, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        if url.query().is_some() {
            return Err(UrlError::Query);
        }
        Ok(Self {
            origin: url.origin().ascii_serialization().into(),
            path: url.path().trim_end_matches('/').into(),
            secure: url.scheme() == "https",
        })
    }

    /// Scheme, host and port as a browser writes them in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path under which the application lives: empty, or `/…` without a trailing slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether cookies can be `Secure`: https, and not http on a loopback host.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The absolute address of `path`, which begins with `/`, in the application.
    pub fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.path)
    }
}

/// A scheme, a host and a port, as a browser writes them in `Origin`
/// ([RFC 6454 § 6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Box<str>);

impl Origin {
    /// The origin. A slash at the end makes no difference.
    ///
    /// # Errors
    ///
    /// If it is not an https URL with a host (loopback: http), or holds anything else.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        if url.query().is_some() {
            return Err(UrlError::Query);
        }
        if url.path() != "/" {
            return Err(UrlError::Path);
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(UrlError::Wildcard);
        }
        Ok(Self::of(&url))
    }

    /// The origin of an absolute URL and what follows it there, beginning with `/`; `None` if it is not one that means
    /// the same to everybody.
    ///
    /// A browser also repairs `https:host` and `https:///host`, decodes escapes in a host and reads past a user name;
    /// whoever writes these does not mean a reader to see where they lead.
    pub(crate) fn split(text: &str) -> Option<(Self, Cow<'_, str>)> {
        let (scheme, rest) = text.split_once("://")?;
        if !["https", "http"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        if !authority.bytes().all(plain) {
            return None;
        }
        let url = Url::parse(&format!("{scheme}://{authority}")).ok()?;
        let rest = if rest.starts_with('/') {
            rest.into()
        } else {
            format!("/{rest}").into()
        };
        Some((Self::of(&url), rest))
    }

    fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization().into())
    }

    /// The origin as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is https, and not http on a loopback host.
    pub fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({}{})", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_kept_and_compared_as_text() {
        let issuer = Issuer::parse("https://id.example.com/").unwrap();
        assert_eq!(issuer.as_str(), "https://id.example.com/");
        assert_eq!(
            issuer.discovery_url().as_str(),
            "https://id.example.com/.well-known/openid-configuration"
        );
        for other in [
            "https://id.example.com",
            "https://ID.example.com/",
            "https://id.example.com:443/",
        ] {
            assert_ne!(Issuer::parse(other).unwrap(), issuer, "{other}");
        }
    }

    #[test]
    fn metadata_is_looked_for_where_each_specification_puts_it() {
        for (issuer, oidc, oauth) in [
            (
                "https://id.example",
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example/",
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example:8443/t1",
                "https://id.example:8443/t1/.well-known/openid-configuration",
                "https://id.example:8443/.well-known/oauth-authorization-server/t1",
            ),
            (
                "https://id.example/t1/x/",
                "https://id.example/t1/x/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server/t1/x",
            ),
            (
                "http://[::1]:3001/t1",
                "http://[::1]:3001/t1/.well-known/openid-configuration",
                "http://[::1]:3001/.well-known/oauth-authorization-server/t1",
            ),
        ] {
            let issuer = Issuer::parse(issuer).unwrap();
            assert_eq!(issuer.discovery_url().as_str(), oidc);
            assert_eq!(issuer.oauth_discovery_url().as_str(), oauth);
        }
    }

    #[test]
    fn what_is_no_issuer_says_why() {
        for (text, why) in [
            ("", UrlError::NotAbsolute),
            ("id.example.com", UrlError::NotAbsolute),
            ("https:id.example.com", UrlError::NotAbsolute),
            ("http://id.example.com", UrlError::NotHttps),
            ("http://localhost.example.com", UrlError::NotHttps),
            ("http://10.0.0.1", UrlError::NotHttps),
            ("ftp://id.example.com", UrlError::NotHttps),
            ("javascript:alert(1)", UrlError::NotAbsolute),
            ("https://user@id.example.com", UrlError::Userinfo),
            ("https://:pw@id.example.com", UrlError::Userinfo),
            ("https://id.example.com/?a=b", UrlError::Query),
            ("https://id.example.com/#a", UrlError::Fragment),
            (" https://id.example.com", UrlError::Characters),
            ("https://id.example.com\\@evil", UrlError::Characters),
            ("https://id.exa\tmple.com", UrlError::Characters),
        ] {
            assert_eq!(Issuer::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn loopback_http_is_the_named_exception() {
        for text in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://127.8.0.1:1",
            "http://[::1]:9",
            "http://app.localhost",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_base_url_is_an_origin_and_a_path() {
        let base = BaseUrl::parse("https://App.Example:443/tools/").unwrap();
        assert_eq!(
            (base.origin(), base.path(), base.is_secure()),
            ("https://app.example", "/tools", true)
        );
        assert_eq!(
            base.join("/oauth2/callback"),
            "https://app.example/tools/oauth2/callback"
        );
        let base = BaseUrl::parse("http://localhost:3000").unwrap();
        assert_eq!(
            (base.origin(), base.path(), base.is_secure()),
            ("http://localhost:3000", "", false)
        );
        assert_eq!(
            BaseUrl::parse("http://app.example"),
            Err(UrlError::NotHttps)
        );
        assert_eq!(
            BaseUrl::parse("https://app.example/?x"),
            Err(UrlError::Query)
        );
    }

    #[test]
    fn an_origin_is_nothing_but_an_origin() {
        for (text, origin) in [
            ("https://Other.example:443", "https://other.example"),
            ("https://other.example:8443/", "https://other.example:8443"),
            (
                "https://b\u{fc}cher.example",
                "https://xn--bcher-kva.example",
            ),
            ("http://localhost:3001", "http://localhost:3001"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), origin);
        }
        for (text, why) in [
            ("https://other.example/a", UrlError::Path),
            ("https://other.example//", UrlError::Path),
            ("https://other.example?a", UrlError::Query),
            ("https://other.example/#a", UrlError::Fragment),
            ("https://a@other.example", UrlError::Userinfo),
            ("https://*.example", UrlError::Wildcard),
            ("http://other.example", UrlError::NotHttps),
            ("other.example", UrlError::NotAbsolute),
            ("*", UrlError::NotAbsolute),
        ] {
            assert_eq!(Origin::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn an_absolute_uri_has_a_scheme_and_no_fragment() {
        for (text, is) in [
            ("https://api.example/", true),
            ("https://api.example/a%2Fb?c=d", true),
            ("urn:example:api", true),
            ("api+v1.2-x://y", true),
            ("", false),
            ("api", false),
            ("/api", false),
            ("//api.example/", false),
            (":x", false),
            ("1x:y", false),
            ("a_b:c", false),
            ("https:", false),
            ("https://api.example/#", false),
            ("https://api.example/#x", false),
            ("https://api.example/a b", false),
            ("https://api.example/\n", false),
            ("https://\u{e4}.example/", false),
            ("https://api.example/\"", false),
            ("https://api.example/<x>", false),
            ("https://api.example/{x}", false),
            ("https://api.example\\x", false),
            ("https://api.example/%", false),
            ("https://api.example/%2", false),
            ("https://api.example/%2x", false),
            ("https://api.example/%20%zz", false),
        ] {
            assert_eq!(is_absolute_uri(text), is, "{text:?}");
        }
    }
}
