//! Sessions in Redis: many options there, one address here.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Said, Value},
    },
    Options,
    said::{Done, is_set, texts},
};
use std::fmt::Write as _;

/// Whether sessions are in Redis.
pub(super) fn is_chosen(options: &Options) -> bool {
    let kind = options
        .get("session-store-type")
        .map(|said| parse::text(said.value.clone()));
    kind.is_some_and(|kind| kind.as_deref() == Ok("redis"))
}

pub(super) fn session_store(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    let kind = parse::text(said.value.clone())?;
    if kind != "redis" {
        return Err(format!("{kind:?} is unknown; use cookie or redis"));
    }
    let flag = match (
        is_set(options, "redis-use-sentinel"),
        is_set(options, "redis-use-cluster"),
    ) {
        (true, true) => {
            return Err(
                "redis_use_sentinel and redis_use_cluster are both set; remove one of the two"
                    .to_owned(),
            );
        }
        (true, false) => "redis-sentinel-connection-urls",
        (false, true) => "redis-cluster-connection-urls",
        (false, false) => "redis-connection-url",
    };
    let Some(urls) = options.get(flag) else {
        return Err(format!(
            "\"redis\" without {}; say where it is",
            flag.replace('-', "_")
        ));
    };
    match address(flag, urls, options) {
        Ok(address) => {
            reader.take_text("store", address, urls);
            Ok(())
        }
        Err(problem) => {
            reader.problems.push(format!("{}: {problem}", urls.place));
            reader.settings.failed.push("store");
            Ok(())
        }
    }
}

/// What [`session_store`] reads along; of no meaning without it.
pub(super) fn part(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !is_chosen(options) {
        reader.report.absent.push(format!(
            "{}: without session_store_type = \"redis\" sessions are in cookies, as there",
            said.place
        ));
    }
    Ok(())
}

pub(super) fn ca(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if is_chosen(options) {
        reader.changed(
            &said,
            "its authorities alone are trusted, and not the system's beside them; the connection is over TLS, as there",
        );
    }
    part(reader, said, options)
}

pub(super) fn any_certificate(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    match is_chosen(options) {
        true => Err("whoever stands in between could take sessions away and bring ended ones back; name the authority of its \
                     certificate with redis_ca_path"
            .to_owned()),
        false => part(reader, said, options),
    }
}

/// One of the addresses there.
struct Url {
    is_tls: bool,
    /// As it stands there, with escapes.
    login: Option<String>,
    hosts: String,
    /// The database, with the slash in front, or the path of a socket.
    path: String,
    /// With the question mark in front.
    query: String,
}

/// The address of [`Store::redis`](crate::Store::redis), which looks at it more closely. No problem shows one: it may hold a
/// password.
fn address(flag: &str, said: &Said<Value>, options: &Options) -> Result<String, String> {
    let urls = match flag {
        "redis-connection-url" => vec![parse::text(said.value.clone())?],
        _ => texts(said)?,
    };
    if let ("redis-connection-url", Some(rest)) = (
        flag,
        urls.first().and_then(|url| url.strip_prefix("unix://")),
    ) {
        return socket(rest, options);
    }
    let urls: Vec<_> = urls.iter().map(|url| read(url)).collect::<Result<_, _>>()?;
    let Some(first) = urls.first() else {
        return Err("names no address; write it as in redis://cache.example.com:6379".to_owned());
    };
    let ca = text(options, "redis-ca-path")?;
    let is_tls = first.is_tls || ca.is_some();
    if urls.iter().any(|url| url.is_tls != first.is_tls) {
        return Err(
            "some are over TLS and some are not; write all as rediss:// or all as redis://"
                .to_owned(),
        );
    }
    let mut query = first.query.clone();
    let kind = match flag {
        "redis-connection-url" => "",
        "redis-cluster-connection-urls" => "-cluster",
        _ => "-sentinel",
    };
    if !kind.is_empty() {
        if urls.iter().any(|url| url.login.is_some()) {
            return Err("a user or a password in one of several addresses, where there it does not count; write redis_username, \
                        redis_password and redis_sentinel_password"
                .to_owned());
        }
        if urls.iter().any(|url| !url.query.is_empty()) {
            return Err(
                "a parameter in one of several addresses; leave `?` and what follows out"
                    .to_owned(),
            );
        }
        if urls.iter().any(|url| url.path != first.path) {
            return Err("different databases; write the same one everywhere".to_owned());
        }
    }
    let hosts: Vec<_> = urls.iter().map(|url| &*url.hosts).collect();
    let mut path = first.path.clone();
    if kind == "-sentinel" {
        let Some(master) = text(options, "redis-sentinel-master-name")? else {
            return Err(
                "sentinels without redis_sentinel_master_name; say which master they watch"
                    .to_owned(),
            );
        };
        let database = std::mem::take(&mut path);
        path = format!("/{}{}", escaped(&master), database.trim_end_matches('/'));
        add(
            &mut query,
            "sentinel_password",
            secret(options, "redis-sentinel-password")?,
        );
    }
    add(&mut query, "ca", ca);
    let scheme = match is_tls {
        true => "rediss",
        false => "redis",
    };
    let login = login(first.login.as_deref(), options)?;
    let hosts = hosts.join(",");
    Ok(format!("{scheme}{kind}://{login}{hosts}{path}{query}"))
}

/// A server on this machine.
fn socket(rest: &str, options: &Options) -> Result<String, String> {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let of_url = authority.strip_suffix('@').unwrap_or(authority);
    let of_url = (!of_url.is_empty()).then_some(of_url);
    Ok(format!("redis+unix://{}{path}", login(of_url, options)?))
}

fn read(url: &str) -> Result<Url, String> {
    let (is_tls, rest) = match url.split_once("://") {
        Some(("redis", rest)) => (false, rest),
        Some(("rediss", rest)) => (true, rest),
        _ => {
            return Err(
                "is no address of a Redis; write it as in redis://cache.example.com:6379"
                    .to_owned(),
            );
        }
    };
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login.to_owned()), host),
        None => (None, authority),
    };
    // A sentinel, too, is at this port where nothing is said, as there.
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let hosts = match has_port {
        true => host.to_owned(),
        false => format!("{host}:6379"),
    };
    Ok(Url {
        is_tls,
        login,
        hosts,
        path: path.to_owned(),
        query: query.to_owned(),
    })
}

/// User and password, with the at sign behind them. The options win over the address, as there.
fn login(of_url: Option<&str>, options: &Options) -> Result<String, String> {
    let (user, password) = (
        text(options, "redis-username")?,
        secret(options, "redis-password")?,
    );
    let (of_user, of_password) = of_url.map_or((None, None), |login| {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        (Some(user.to_owned()), Some(password.to_owned()))
    });
    let user = user.as_deref().map(escaped).or(of_user).unwrap_or_default();
    let password = password.as_deref().map(escaped).or(of_password);
    Ok(match (user.is_empty(), password) {
        (true, None) => String::new(),
        (false, None) => {
            return Err("redis_username without a password; write redis_password".to_owned());
        }
        (_, Some(password)) => format!("{user}:{password}@"),
    })
}

fn text(options: &Options, flag: &str) -> Result<Option<String>, String> {
    let said = options
        .get(flag)
        .map(|said| parse::text(said.value.clone()));
    said.transpose()
}

fn secret(options: &Options, flag: &str) -> Result<Option<String>, String> {
    let said = options
        .get(flag)
        .map(|said| parse::secret(said.value.clone()));
    Ok(said.transpose()?.map(|secret| secret.expose().to_owned()))
}

fn add(query: &mut String, name: &str, value: Option<String>) {
    if let Some(value) = value {
        let sign = if query.is_empty() { '?' } else { '&' };
        let _ = write!(query, "{sign}{name}={}", escaped(&value));
    }
}

/// With an escape for everything that could mean something.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                escaped.push(char::from(byte));
            }
            byte => drop(write!(escaped, "%{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{Family, Place};

    fn options(said: &[(&'static str, &str)]) -> Options {
        let one = |(flag, text): &(&'static str, &str)| {
            let place = Place::variable(*flag, Family::OAuth2Proxy);
            (*flag, Said::new(Value::Text((*text).to_owned()), place))
        };
        said.iter().map(one).collect()
    }

    fn of(flag: &'static str, url: &str, more: &[(&'static str, &str)]) -> Result<String, String> {
        let mut said = more.to_vec();
        said.push((flag, url));
        let options = options(&said);
        address(flag, &options[flag], &options)
    }

    const ONE: &str = "redis-connection-url";
    const CLUSTER: &str = "redis-cluster-connection-urls";
    const SENTINEL: &str = "redis-sentinel-connection-urls";
    const MASTER: (&str, &str) = ("redis-sentinel-master-name", "main one");

    #[test]
    fn many_options_are_one_address() {
        for (flag, url, more, address) in [
            (ONE, "redis://cache", &[][..], "redis://cache:6379"),
            (ONE, "redis://[::1]", &[], "redis://[::1]:6379"),
            (
                ONE,
                "rediss://u:p%40@cache:6380/3",
                &[],
                "rediss://u:p%40@cache:6380/3",
            ),
            (
                ONE,
                "redis://u:p@cache:1",
                &[("redis-password", " a/b@c")],
                "redis://u:%20a%2Fb%40c@cache:1",
            ),
            (
                ONE,
                "redis://cache:1",
                &[("redis-username", "gate"), ("redis-password", "p")],
                "redis://gate:p@cache:1",
            ),
            (
                ONE,
                "redis://cache:1",
                &[("redis-ca-path", "/etc/ca one.pem")],
                "rediss://cache:1?ca=%2Fetc%2Fca%20one.pem",
            ),
            (
                ONE,
                "unix://u:p@/run/redis.sock?db=2",
                &[],
                "redis+unix://u:p@/run/redis.sock?db=2",
            ),
            (
                ONE,
                "unix:///run/redis.sock",
                &[],
                "redis+unix:///run/redis.sock",
            ),
            (
                CLUSTER,
                "redis://a:7000,redis://b:7001",
                &[("redis-password", "p")],
                "redis-cluster://:p@a:7000,b:7001",
            ),
            (
                SENTINEL,
                "rediss://s1:26379/2, rediss://s2/2",
                &[
                    MASTER,
                    ("redis-sentinel-password", "w&x"),
                    ("redis-password", "p"),
                ],
                "rediss-sentinel://:p@s1:26379,s2:6379/main%20one/2?sentinel_password=w%26x",
            ),
        ] {
            assert_eq!(of(flag, url, more).as_deref(), Ok(address), "{url}");
            #[cfg(feature = "redis")]
            if !address.contains("ca=") {
                let problems = crate::Store::redis(address).problems();
                assert!(problems.is_empty(), "{url}: {problems:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_one_address_is_told_without_it() {
        for (flag, url, more, begins) in [
            (ONE, "s3cret", &[][..], "is no address of a Redis"),
            (ONE, "http://s3cret", &[], "is no address of a Redis"),
            (
                ONE,
                "redis://a",
                &[("redis-username", "s3cret")],
                "redis_username without a password",
            ),
            (
                CLUSTER,
                "redis://a,rediss://s3cret",
                &[],
                "some are over TLS",
            ),
            (
                CLUSTER,
                "redis://a,redis://u:s3cret@b",
                &[],
                "a user or a password",
            ),
            (
                CLUSTER,
                "redis://a/1,redis://b/2",
                &[],
                "different databases",
            ),
            (CLUSTER, "redis://a?x=s3cret", &[], "a parameter"),
            (CLUSTER, " , ", &[], "names no address"),
            (
                SENTINEL,
                "redis://a",
                &[],
                "sentinels without redis_sentinel_master_name",
            ),
        ] {
            let problem = of(flag, url, more).unwrap_err();
            assert!(problem.starts_with(begins), "{problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
