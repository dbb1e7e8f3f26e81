//! One string that says where Redis is: reading it, and nothing else.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// Where Redis is, and what to say there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) place: Place,
    pub(super) tls: Tls,
    pub(super) login: Option<Login>,
    pub(super) sentinel_login: Option<Login>,
    pub(super) db: u16,
    /// What all keys begin with.
    pub(super) prefix: String,
    /// How long an operation may take.
    pub(super) timeout: Duration,
}

/// What kind of Redis it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One server.
    Server(Host),
    /// One server on this machine.
    Unix(PathBuf),
    /// Some servers of a cluster, which know the others.
    Cluster(Vec<Host>),
    /// Those who know which server is the master of that name.
    Sentinel {
        sentinels: Vec<Host>,
        master: String,
    },
}

/// Whether connections are encrypted, and whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// Whoever the platform trusts.
    Platform,
    /// These authorities alone.
    Authority(PathBuf),
}

/// A server by name or address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Host {
    /// Without the brackets of an IPv6 address.
    pub(super) name: String,
    pub(super) port: u16,
}

/// How a client proves itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    /// `None` is Redis's own `default`.
    pub(super) user: Option<String>,
    pub(super) password: String,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// Who is asked, without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Server(host) => host.fmt(f),
            Place::Unix(path) => path.display().fmt(f),
            Place::Cluster(hosts) => join(f, hosts),
            Place::Sentinel { sentinels, master } => {
                join(f, sentinels)?;
                write!(f, "/{master}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn join(f: &mut fmt::Formatter<'_>, hosts: &[Host]) -> fmt::Result {
    hosts.iter().enumerate().try_for_each(|(i, host)| {
        f.write_str(if i == 0 { "" } else { "," })?;
        fmt::Display::fmt(host, f)
    })
}

/// What is wrong with an address, with what to do. It quotes nothing that may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

const PREFIX: &str = "oidc-gate:";
const TIMEOUT: Duration = Duration::from_secs(2);
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

/// What stands before `://`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Server,
    Unix,
    Cluster,
    Sentinel,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown_scheme)?;
        let (scheme, encrypted) = match scheme {
            "redis" => (Scheme::Server, false),
            "rediss" => (Scheme::Server, true),
            "redis+unix" => (Scheme::Unix, false),
            "redis-cluster" => (Scheme::Cluster, false),
            "rediss-cluster" => (Scheme::Cluster, true),
            "redis-sentinel" => (Scheme::Sentinel, false),
            "rediss-sentinel" => (Scheme::Sentinel, true),
            _ => return Err(unknown_scheme()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        // Else a part of the password would be taken for a path or a parameter, and named in an error.
        if rest.contains('@') {
            return wrong(
                "an `@` behind the host; in a user or a password, write `/` as %2F, `?` as %3F, `#` as %23, `@` as %40",
            );
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.contains('#') || query.contains('#') {
            return wrong("it has a fragment; leave `#` and what follows out");
        }
        let path = rest.strip_prefix('/').unwrap_or(rest);
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(read_login(login)?), hosts),
            None => (None, authority),
        };
        let mut query = Query::parse(query)?;
        let (place, db) = match scheme {
            Scheme::Unix => {
                if !hosts.is_empty() {
                    return wrong("a socket has no host; write redis+unix:///path/to/socket");
                }
                if path.is_empty() {
                    return wrong(
                        "the path of the socket is missing; write redis+unix:///path/to/socket",
                    );
                }
                let db = query.take("db").map_or(Ok(0), |db| read_db(&db))?;
                (
                    Place::Unix(PathBuf::from(format!("/{}", decode(path)?))),
                    db,
                )
            }
            Scheme::Server => {
                let [host] = <[Host; 1]>::try_from(read_hosts(hosts, PORT)?).map_err(|_| {
                    AddressError(
                        "several hosts; write redis-cluster:// or redis-sentinel:// if that is what they are".to_owned(),
                    )
                })?;
                (Place::Server(host), read_db(path)?)
            }
            Scheme::Cluster => {
                if read_db(path)? != 0 {
                    return wrong("a cluster has one database; leave its number out");
                }
                (Place::Cluster(read_hosts(hosts, PORT)?), 0)
            }
            Scheme::Sentinel => {
                let (master, db) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return wrong(
                        "the name of the master is missing; write it behind the hosts: /mymaster",
                    );
                }
                let place = Place::Sentinel {
                    sentinels: read_hosts(hosts, SENTINEL_PORT)?,
                    master: decode(master)?,
                };
                (place, read_db(db)?)
            }
        };
        let tls = match (encrypted, query.take("ca")) {
            (true, Some(path)) => Tls::Authority(PathBuf::from(path)),
            (true, None) => Tls::Platform,
            (false, None) => Tls::Off,
            (false, Some(_)) => return wrong("`ca` without TLS; write rediss instead of redis"),
        };
        let sentinel_login = match (query.take("sentinel_user"), query.take("sentinel_password")) {
            (_, Some(_)) | (Some(_), _) if scheme != Scheme::Sentinel => {
                return wrong(
                    "`sentinel_user` and `sentinel_password` are for redis-sentinel:// alone",
                );
            }
            (user, Some(password)) => Some(Login { user, password }),
            (Some(_), None) => return wrong("`sentinel_user` without `sentinel_password`"),
            (None, None) => None,
        };
        let prefix = query.take("prefix").unwrap_or_else(|| PREFIX.to_owned());
        if !prefix
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"{}".contains(&byte))
        {
            return wrong(
                "`prefix` may have visible ASCII characters but no braces, by which a cluster would place keys",
            );
        }
        let timeout = match query.take("timeout_ms") {
            Some(text) => match text.parse() {
                Ok(millis @ 50..=10_000) => Duration::from_millis(millis),
                _ => return wrong("`timeout_ms` is a number of milliseconds from 50 to 10000"),
            },
            None => TIMEOUT,
        };
        query.finish()?;
        Ok(Self {
            place,
            tls,
            login,
            sentinel_login,
            db,
            prefix,
            timeout,
        })
    }
}

fn wrong<T>(message: &str) -> Result<T, AddressError> {
    Err(AddressError(message.to_owned()))
}

fn unknown_scheme() -> AddressError {
    AddressError(
        "it begins with none of redis://, rediss://, redis+unix://, redis-cluster://, rediss-cluster://, \
         redis-sentinel:// and rediss-sentinel://"
            .to_owned(),
    )
}

fn read_login(text: &str) -> Result<Login, AddressError> {
    let Some((user, password)) = text.split_once(':') else {
        return wrong("a user without a password; write user:password@ or :password@");
    };
    Ok(Login {
        user: Some(decode(user)?).filter(|user| !user.is_empty()),
        password: match decode(password)? {
            password if password.is_empty() => return wrong("the password is empty"),
            password => password,
        },
    })
}

fn read_hosts(text: &str, port: u16) -> Result<Vec<Host>, AddressError> {
    text.split(',').map(|host| read_host(host, port)).collect()
}

fn read_host(text: &str, default: u16) -> Result<Host, AddressError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((name, port)) = rest.split_once(']') else {
                return wrong("an IPv6 address without its closing bracket");
            };
            if name.parse::<std::net::Ipv6Addr>().is_err() {
                return wrong("what stands in brackets is no IPv6 address");
            }
            (name, port)
        }
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            if name.is_empty() {
                return wrong("a host is missing");
            }
            if !name.bytes().all(of_a_name) {
                return wrong("a host is no name and no address");
            }
            (name, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0),
        None if port.is_empty() => Some(default),
        None => None,
    };
    let Some(port) = port else {
        return wrong("a port is no number from 1 to 65535");
    };
    Ok(Host {
        name: name.to_owned(),
        port,
    })
}

fn read_db(text: &str) -> Result<u16, AddressError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| AddressError("the database is no number".to_owned()))
}

/// `%41` is `A`; what is not written so stands for itself, `+` too.
fn decode(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        if byte != b'%' {
            bytes.push(byte);
        } else if let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next()))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
        } else {
            return wrong("a `%` that is no escape; write it as %25");
        }
    }
    String::from_utf8(bytes).map_err(|_| AddressError("its escapes make no UTF-8".to_owned()))
}

/// The parameters, each of which is asked for once.
struct Query(BTreeMap<String, String>);

impl Query {
    fn parse(text: &str) -> Result<Self, AddressError> {
        let mut all = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if all.insert(name.to_owned(), decode(value)?).is_some() {
                return Err(AddressError(format!(
                    "the parameter {name:?} stands there twice"
                )));
            }
        }
        Ok(Self(all))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn finish(self) -> Result<(), AddressError> {
        match self.0.first_key_value() {
            Some((name, _)) => Err(AddressError(format!(
                "there is no parameter {name:?} for this kind of address"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
