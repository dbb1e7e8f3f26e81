use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    url: String,
    expected: Expected,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
struct Expected {
    error: Option<String>,
    shown: Option<String>,
    tls: Option<String>,
    user: Option<String>,
    password: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    db: Option<u16>,
    prefix: Option<String>,
    timeout_ms: Option<u128>,
}

impl Expected {
    /// What came of it, without what is as ever.
    fn of(url: &str) -> Self {
        let address = match Address::parse(url) {
            Ok(address) => address,
            Err(error) => {
                return Self {
                    error: Some(error.to_string()),
                    ..Self::default()
                };
            }
        };
        let kind = match address.place {
            Place::Server(_) => "server",
            Place::Unix(_) => "unix",
            Place::Cluster(_) => "cluster",
            Place::Sentinel { .. } => "sentinel",
        };
        let login = address.login.clone();
        let sentinel = address.sentinel_login.clone();
        Self {
            error: None,
            shown: Some(format!("{kind} {address}")),
            tls: match &address.tls {
                Tls::Off => None,
                Tls::Platform => Some("platform".to_owned()),
                Tls::Authority(path) => Some(path.display().to_string()),
            },
            user: login.as_ref().and_then(|login| login.user.clone()),
            password: login.map(|login| login.password),
            sentinel_user: sentinel.as_ref().and_then(|login| login.user.clone()),
            sentinel_password: sentinel.map(|login| login.password),
            db: Some(address.db).filter(|db| *db != 0),
            prefix: Some(address.prefix).filter(|prefix| prefix != PREFIX),
            timeout_ms: Some(address.timeout.as_millis()).filter(|millis| *millis != 2000),
        }
    }
}

fn cases() -> Vec<Case> {
    let table: Table =
        toml::from_str(include_str!("../../../../testdata/redis_urls.toml")).unwrap();
    table.case
}

#[test]
fn every_address_is_read_as_the_table_says() {
    for Case {
        name,
        why,
        url,
        expected,
    } in cases()
    {
        assert_eq!(Expected::of(&url), expected, "{name}: {why}\n{url}");
    }
}

#[test]
fn no_address_shows_its_password() {
    for Case { name, url, .. } in cases() {
        let shown = match Address::parse(&url) {
            Ok(address) => format!("{address} {address:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains("s3cret"), "{name}: {shown}");
    }
}
