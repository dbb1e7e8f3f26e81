//! What a process around a gate needs: where it listens, and what stands behind it.

use super::{
    parse,
    settings::settings,
    value::{Family, Said, Value},
};
use http::Uri;
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

settings! {
    /// What was said about the process around the gate.
    struct ServerSettings;

    /// where to listen: `127.0.0.1:4180` (the default), `:4180` for every address
    address: Address = address;
    /// the certificate to listen with, in PEM; with `tls_key_file`
    tls_cert_file: PathBuf = path;
    /// its private key, in PEM
    tls_key_file: PathBuf = path;
    /// `1.2` (the default) or `1.3`: the oldest TLS to speak
    tls_min_version: TlsVersion = tls_version;
    /// what stands behind the gate: `http://127.0.0.1:8080`, `https://…/api/`, `file:///var/www#/static/`, `static://202`
    upstreams: Vec<Upstream> = upstreams;
    /// how long an upstream may take to answer, `30s` unless set
    upstream_timeout: Duration = parse::duration;
    /// `true` (the default): upstreams see the host that the browser asked for
    pass_host_header: bool = parse::flag;
    /// `true` (the default): WebSockets are passed on
    websockets: bool = parse::flag;
    /// `true`: whoever answers for an `https://` upstream is believed to be it
    danger_upstream_any_certificate: bool = parse::flag;
    /// where probes learn, in front of the gate, that the process is up: `/ping`; nowhere unless set
    ping_path: ProbePath = probe_path;
    /// where probes learn, in front of the gate, that users can sign in: `/ready`; nowhere unless set
    ready_path: ProbePath = probe_path;
    /// where to listen for those who collect metrics: `127.0.0.1:9090`; whoever reaches it reads them at `/metrics`
    metrics_address: Address = address;
}

/// Where to listen, what stands behind the gate, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    address: Address,
    tls: Option<(PathBuf, PathBuf)>,
    tls_min_version: TlsVersion,
    upstreams: Vec<Upstream>,
    upstream_timeout: Duration,
    pass_host_header: bool,
    websockets: bool,
    any_certificate: bool,
    ping_path: Option<ProbePath>,
    ready_path: Option<ProbePath>,
    metrics_address: Option<Address>,
}

impl Server {
    /// The host to listen at, as [`std::net::ToSocketAddrs`] takes it: a name, an address, `::` for every address.
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// The port to listen at.
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// The certificate and its private key, in PEM, if TLS is to be spoken.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls
            .as_ref()
            .map(|(cert, key)| (cert.as_path(), key.as_path()))
    }

    /// The oldest TLS to speak, to browsers.
    pub fn tls_min_version(&self) -> TlsVersion {
        self.tls_min_version
    }

    /// What stands behind the gate, no path twice.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
    }

    /// How long an upstream may take to answer.
    pub fn upstream_timeout(&self) -> Duration {
        self.upstream_timeout
    }

    /// Whether upstreams see the host that the browser asked for.
    pub fn passes_host(&self) -> bool {
        self.pass_host_header
    }

    /// Whether WebSockets are passed on.
    pub fn passes_websockets(&self) -> bool {
        self.websockets
    }

    /// Whether whoever answers for an `https://` upstream is believed to be it.
    ///
    /// # Security
    ///
    /// Whoever stands between this process and such an upstream reads and changes everything.
    pub fn danger_upstream_any_certificate(&self) -> bool {
        self.any_certificate
    }

    /// The path at which probes are told that the process is up, if there is one: by
    /// [`Gate::ping`](crate::Gate::ping), to GET and HEAD, before anything else looks at the request.
    pub fn ping_path(&self) -> Option<&str> {
        self.ping_path.as_ref().map(|path| &*path.0)
    }

    /// The path at which probes are told whether users can sign in, if there is one: by
    /// [`Gate::readiness`](crate::Gate::readiness), as above.
    pub fn ready_path(&self) -> Option<&str> {
        self.ready_path.as_ref().map(|path| &*path.0)
    }

    /// The host and port to serve [`Gate::metrics`](crate::Gate::metrics) at, if there are any.
    ///
    /// # Security
    ///
    /// Whoever reaches them may read.
    pub fn metrics_address(&self) -> Option<(&str, u16)> {
        let address = self.metrics_address.as_ref()?;
        Some((&address.host, address.port))
    }
}

impl ServerSettings {
    /// The server, and what is wrong with what was said of it.
    pub(super) fn server(&self, asked_by: Option<Family>, problems: &mut Vec<String>) -> Server {
        let tls = match (&self.tls_cert_file, &self.tls_key_file) {
            (Some(cert), Some(key)) => Some((cert.value.clone(), key.value.clone())),
            (Some(one), None) => {
                problems.push(format!(
                    "{}: without {}; set both or none",
                    one.place,
                    one.place.beside("tls_key_file")
                ));
                None
            }
            (None, Some(one)) => {
                problems.push(format!(
                    "{}: without {}; set both or none",
                    one.place,
                    one.place.beside("tls_cert_file")
                ));
                None
            }
            (None, None) => None,
        };
        let upstreams = self
            .upstreams
            .as_ref()
            .map(|said| said.value.clone())
            .unwrap_or_default();
        for (at, upstream) in upstreams.iter().enumerate() {
            if let (Some(said), true) = (
                &self.upstreams,
                upstreams
                    .iter()
                    .take(at)
                    .any(|other| other.path == upstream.path),
            ) {
                problems.push(format!(
                    "{}: two upstreams at {:?}; give each a path of its own",
                    said.place, upstream.path
                ));
            }
        }
        // oauth2-proxy's probes are where nobody has said anything, too.
        let probe = |said: &Option<Said<ProbePath>>, theirs: &str| match (said, asked_by) {
            (Some(said), _) => Some(said.value.clone()),
            (None, Some(Family::OAuth2Proxy)) => Some(ProbePath(theirs.to_owned())),
            (None, _) => None,
        };
        let ping_path = probe(&self.ping_path, "/ping");
        let ready_path = probe(&self.ready_path, "/ready");
        if let (Some(said), true) = (
            self.ping_path
                .as_ref()
                .map(|said| &said.place)
                .or(self.ready_path.as_ref().map(|said| &said.place)),
            ping_path.is_some() && ping_path == ready_path,
        ) {
            problems.push(format!(
                "{said}: ping_path and ready_path are the same; give each a path of its own"
            ));
        }
        macro_rules! or {
            ($field:ident, $default:expr) => {
                self.$field
                    .as_ref()
                    .map_or($default, |said| said.value.clone())
            };
        }
        Server {
            address: or!(
                address,
                Address {
                    host: "127.0.0.1".to_owned(),
                    port: 4180
                }
            ),
            tls,
            tls_min_version: or!(tls_min_version, TlsVersion::Tls12),
            upstreams,
            upstream_timeout: or!(upstream_timeout, Duration::from_secs(30)),
            pass_host_header: or!(pass_host_header, true),
            websockets: or!(websockets, true),
            any_certificate: or!(danger_upstream_any_certificate, false),
            ping_path,
            ready_path,
            metrics_address: self.metrics_address.as_ref().map(|said| said.value.clone()),
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// A path that a probe asks for, as it stands in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProbePath(String);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// [RFC 5246](https://www.rfc-editor.org/rfc/rfc5246).
    Tls12,
    /// [RFC 8446](https://www.rfc-editor.org/rfc/rfc8446).
    Tls13,
}

/// A part of the paths, and what answers there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upstream {
    /// The path. One that ends with `/` is for all paths below it, another for itself alone; the longest decides.
    pub path: String,
    /// What answers.
    pub target: Target,
}

/// What answers behind the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Another server: `http://127.0.0.1:8080`, without a path. It gets the path that the browser asked for.
    Http(Uri),
    /// The files below a directory.
    Directory(PathBuf),
    /// This status, always, and nothing else.
    Status(http::StatusCode),
}

fn path(value: Value) -> Result<PathBuf, String> {
    parse::text(value).map(PathBuf::from)
}

/// `127.0.0.1:4180`, `:4180`, `[::1]:4180`, `localhost:4180`, each with `http://` or `https://` in front.
pub(super) fn address(value: Value) -> Result<Address, String> {
    let said = parse::text(value)?;
    let wrong = |what: &str| format!("{said:?} {what}; write host and port, as in 127.0.0.1:4180");
    let lower = said.to_ascii_lowercase();
    if lower.starts_with("unix:") || lower.starts_with("fd:") {
        return Err(wrong("is no address of the network"));
    }
    let rest = lower
        .strip_prefix("http://")
        .or_else(|| lower.strip_prefix("https://"))
        .unwrap_or(&lower);
    let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
    let port = port.parse().map_err(|_| wrong("has no port"))?;
    let host = match host {
        "" => "::",
        host => host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host),
    };
    let is_name = |host: &str| {
        host.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    if host.parse::<std::net::IpAddr>().is_err() && !is_name(host) {
        return Err(wrong("names no host"));
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

fn probe_path(value: Value) -> Result<ProbePath, String> {
    let path = parse::text(value)?;
    let is_plain = path.starts_with('/') && !path.contains(['?', '#']);
    match is_plain && path.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(ProbePath(path)),
        false => Err(format!(
            "{path:?} is no path; write it as in /ping, without a query"
        )),
    }
}

fn tls_version(value: Value) -> Result<TlsVersion, String> {
    let known = [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)];
    match value {
        // As oauth2-proxy writes them.
        Value::Text(text) if text.starts_with("TLS") => parse::choice(
            Value::Text(text),
            &known
                .map(|(name, version)| (if name == "1.2" { "TLS1.2" } else { "TLS1.3" }, version)),
        ),
        other => parse::choice(other, &known),
    }
}

fn upstreams(value: Value) -> Result<Vec<Upstream>, String> {
    parse::list(value)?
        .iter()
        .map(|text| upstream(text))
        .collect()
}

fn upstream(text: &str) -> Result<Upstream, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let shown = crate::config_error::without_userinfo(text);
    let wrong = |what: &str| format!("{shown:?} {what}");
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let uri: Uri = text
                .parse()
                .map_err(|_| wrong("is no address; write it as in http://127.0.0.1:8080/"))?;
            let authority = uri
                .authority()
                .filter(|authority| !authority.host().is_empty());
            let authority = authority
                .ok_or_else(|| wrong("names no host; write it as in http://127.0.0.1:8080/"))?;
            if authority.as_str().contains('@') {
                return Err(wrong(
                    "must not hold a user name or password; let the gate tell the upstream who the user is",
                ));
            }
            if uri.query().is_some() || text.contains('#') {
                return Err(wrong(
                    "must end with its path; a query or fragment leads nowhere",
                ));
            }
            let origin = format!("{}://{authority}", scheme.to_ascii_lowercase());
            let origin = origin
                .parse()
                .map_err(|_| wrong("is no address; write it as in http://127.0.0.1:8080/"))?;
            Ok(Upstream {
                path: uri.path().to_owned(),
                target: Target::Http(origin),
            })
        }
        "file" => {
            let (directory, path) = rest.split_once('#').unwrap_or((rest, rest));
            if !directory.starts_with('/') {
                return Err(wrong(
                    "names no directory from the root on; write it as in file:///var/www#/static/",
                ));
            }
            if !path.starts_with('/') {
                return Err(wrong(
                    "leads to no path; write it as in file:///var/www#/static/",
                ));
            }
            Ok(Upstream {
                path: path.to_owned(),
                target: Target::Directory(directory.into()),
            })
        }
        "static" => {
            let status = rest
                .trim_end_matches('/')
                .parse()
                .ok()
                .and_then(|code: u16| http::StatusCode::from_u16(code).ok());
            match status.filter(|status| status.as_u16() >= 200) {
                Some(status) => Ok(Upstream {
                    path: "/".to_owned(),
                    target: Target::Status(status),
                }),
                None => Err(wrong("is no status; write it as in static://202")),
            }
        }
        _ => Err(wrong(
            "is no upstream; use http://, https://, file:/// or static://",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn addresses_are_read_as_listeners_write_them() {
        for (text, read) in [
            ("http://127.0.0.1:4180", "127.0.0.1:4180"),
            ("HTTPS://[::1]:443", "[::1]:443"),
            (":4180", "[::]:4180"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("localhost:3000", "localhost:3000"),
        ] {
            assert_eq!(
                address(said(text)).map(|address| address.to_string()),
                Ok(read.to_owned())
            );
        }
        for (text, what) in [
            ("unix:///run/gate", "is no address of the network"),
            ("localhost", "has no port"),
            ("localhost:", "has no port"),
            ("localhost:70000", "has no port"),
            ("a b:80", "names no host"),
            ("http://app.example/x:80", "names no host"),
        ] {
            assert_eq!(
                address(said(text)).map(drop),
                Err(format!(
                    "{text:?} {what}; write host and port, as in 127.0.0.1:4180"
                ))
            );
        }
    }

    #[test]
    fn upstreams_lie_where_their_address_says() {
        let http = |text: &str| Target::Http(text.parse().unwrap());
        for (text, path, target) in [
            ("http://127.0.0.1:8080", "/", http("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", "/", http("http://127.0.0.1:8080")),
            (
                "https://api.example/v1/",
                "/v1/",
                http("https://api.example"),
            ),
            (
                "file:///var/www/#/static/",
                "/static/",
                Target::Directory("/var/www/".into()),
            ),
            (
                "file:///var/www/",
                "/var/www/",
                Target::Directory("/var/www/".into()),
            ),
            (
                "static://202",
                "/",
                Target::Status(http::StatusCode::ACCEPTED),
            ),
        ] {
            assert_eq!(
                upstreams(said(text)),
                Ok(vec![Upstream {
                    path: path.to_owned(),
                    target
                }])
            );
        }
    }
}
