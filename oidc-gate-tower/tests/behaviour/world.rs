//! Gates by the configurations of the table, their users, and what these bring along.

use crate::table::{Case, Configuration, FORGED, rows};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use oidc_gate_tower::{
    Gate, GateLayer, HttpClient, Identity, TransportError,
    config::{Config, Sources},
    core::{
        flow::Exchange,
        jose::{Alg, SigningKey},
        secret::ClientSecret,
        time::UnixTime,
    },
    dev::{DevProvider, InProcess},
    testing::{self, Browser, ManualClock},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

pub(crate) const ISSUER: &str = "https://id.test";
pub(crate) const NOW: u64 = 1_700_000_000;
const SECRET: &str = "the-client's-secret/9f3a";
const COOKIE_SECRET: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";
const DAY: u64 = 24 * 3600;

/// Everything that the cases need.
pub(crate) struct World {
    pub(crate) provider: DevProvider,
    pub(crate) clock: ManualClock,
    pub(crate) configurations: Vec<Configuration>,
    wire: Wire,
    keys: Arc<Keys>,
    users: Vec<User>,
    tokens: Vec<Token>,
    senders: BTreeMap<String, Vec<String>>,
    gates: HashMap<String, Gate>,
    sessions: HashMap<(String, String), String>,
}

/// Somebody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    subject: String,
    name: Option<String>,
    email: Option<String>,
    unverified_email: Option<String>,
    preferred_username: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    acr: Option<String>,
    /// How long ago the sign-in at the provider was, in seconds.
    signed_in_ago: Option<u64>,
}

/// A bearer token: how it differs from a good one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    name: String,
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    signature: Signature,
    /// The token as it stands, if it is none.
    text: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Signature {
    #[default]
    Right,
    Wrong,
    Cut,
    None,
}

/// What everybody signs with.
struct Keys {
    right: SigningKey,
    wrong: SigningKey,
}

/// The way to the providers: `id.test` is the development provider, `ci.test` another issuer, nobody else answers. Both
/// publish the table's own key.
#[derive(Clone)]
struct Wire {
    provider: InProcess,
    keys: Arc<Keys>,
}

impl HttpClient for Wire {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let uri = exchange.request.uri().clone();
        let own = json!({ "keys": [self.keys.right.public_jwk()] });
        let document = match (uri.host(), uri.path()) {
            (Some("id.test"), "/jwks") => {
                let answer = self.provider.send(exchange).await?;
                let mut keys: Value = serde_json::from_slice(answer.body()).unwrap();
                keys["keys"]
                    .as_array_mut()
                    .unwrap()
                    .push(own["keys"][0].clone());
                keys
            }
            (Some("id.test"), _) => return self.provider.send(exchange).await,
            (Some("ci.test"), "/jwks") => own,
            (Some("ci.test"), "/.well-known/openid-configuration") => {
                json!({ "issuer": "https://ci.test", "jwks_uri": "https://ci.test/jwks" })
            }
            (Some("ci.test"), _) => return Ok(not_found()),
            _ => return Err(TransportError::not_sent("nobody is there")),
        };
        let response = Response::builder().header("content-type", "application/json");
        Ok(response.body(document.to_string().into_bytes()).unwrap())
    }
}

fn not_found() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

impl World {
    pub(crate) fn new(data: &Path) -> Self {
        let clock = ManualClock::new(UnixTime::from_secs(NOW));
        let client = |provider: oidc_gate_tower::dev::DevProviderBuilder, base: &str| {
            provider.client(
                "app",
                Some(ClientSecret::new(SECRET)),
                format!("{base}/callback"),
            )
        };
        let provider = DevProvider::builder()
            .issuer(ISSUER)
            .demo_users()
            .clock(clock.clone());
        let provider = client(provider, "https://app.test/oauth2");
        let provider = client(provider, "http://localhost:4180/oauth2");
        let provider = provider.build();
        let keys = Arc::new(Keys {
            right: SigningKey::generate(Alg::ES256).unwrap().named("table"),
            wrong: SigningKey::generate(Alg::ES256).unwrap().named("table"),
        });
        Self {
            wire: Wire {
                provider: provider.http_client(),
                keys: keys.clone(),
            },
            provider,
            clock,
            keys,
            configurations: rows(data, "configurations", "configuration"),
            users: rows(data, "users", "user"),
            tokens: rows(data, "tokens", "token"),
            senders: senders(data),
            gates: HashMap::new(),
            sessions: HashMap::new(),
        }
    }

    pub(crate) fn configuration(&self, name: &str) -> Configuration {
        let found = self
            .configurations
            .iter()
            .find(|config| config.name == name);
        found
            .unwrap_or_else(|| panic!("no configuration {name:?}"))
            .clone()
    }

    /// The gate of a configuration.
    pub(crate) fn gate(&mut self, name: &str) -> Gate {
        if let Some(gate) = self.gates.get(name) {
            return gate.clone();
        }
        let config = Config::read(sources(&self.configuration(name))).unwrap();
        let gate = config
            .gate()
            .http_client(self.wire.clone())
            .clock(self.clock.clone())
            .build();
        let gate = gate.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.gates.insert(name.to_owned(), gate.clone());
        gate
    }

    /// The headers of a case's request.
    pub(crate) async fn headers(&mut self, case: &Case, forged: bool) -> Vec<(String, String)> {
        let own = self
            .senders
            .get(&case.by)
            .unwrap_or_else(|| panic!("nobody sends as {:?}", case.by));
        let mut lines = own.clone();
        lines.extend(case.headers.iter().cloned());
        if !case.session.is_empty() {
            lines.push(format!("cookie: {{session {}}}", case.session));
        }
        if forged {
            lines.extend(
                FORGED
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}")),
            );
        }
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let value = value.strip_prefix(' ').unwrap_or(value);
            headers.push((name.to_owned(), self.filled(&case.config, value).await));
        }
        headers
    }

    /// A value with what its place holders stand for: `{session alice idle}`, `{token expired}`, `{base64 …}`.
    async fn filled(&mut self, config: &str, value: &str) -> String {
        let mut value = value.to_owned();
        while let Some(end) = value.find('}') {
            let begin = value[..end].rfind('{').unwrap();
            let inside = value[begin + 1..end].to_owned();
            let (kind, text) = inside.split_once(' ').unwrap();
            let stands_for = match kind {
                "session" => self.session(config, text).await,
                "token" => self.token(text),
                "base64" => STANDARD.encode(text),
                other => panic!("{other:?} stands for nothing"),
            };
            value.replace_range(begin..=end, &stands_for);
        }
        value
    }

    /// The cookies of a session: `alice`, or `alice` with what has become of it.
    async fn session(&mut self, config: &str, text: &str) -> String {
        let key = (config.to_owned(), text.to_owned());
        if let Some(known) = self.sessions.get(&key) {
            return known.clone();
        }
        let (who, state) = text.split_once(' ').unwrap_or((text, ""));
        let gate = self.gate(config);
        let age = match state {
            "idle for an hour" => 3600,
            "idle for three hours" => 3 * 3600,
            "idle for two days" => 2 * DAY,
            "idle for a fortnight" => 14 * DAY,
            _ => 0,
        };
        self.clock.set(UnixTime::from_secs(NOW - age));
        let gate = match state {
            "of another gate" => self.gate("guide"),
            "of other keys" => self.gate("other keys"),
            _ => gate,
        };
        let cookie = match state {
            "by logging in" => self.login(&gate, config, who).await,
            _ => testing::session(&gate, self.user(who)).await,
        };
        self.clock.set(UnixTime::from_secs(NOW));
        let cookie = cookie.to_str().unwrap().to_owned();
        let cookie = match state {
            "tampered" => {
                let at = cookie.len() - 7;
                let other = if cookie.as_bytes()[at] == b'A' {
                    "B"
                } else {
                    "A"
                };
                format!("{}{other}{}", &cookie[..at], &cookie[at + 1..])
            }
            "cut" => cookie[..cookie.len() - 10].to_owned(),
            "emptied" => cookie.split_inclusive('=').next().unwrap().to_owned(),
            "signed out" => {
                sign_out(&gate, &cookie).await;
                cookie
            }
            _ => cookie,
        };
        self.sessions.insert(key, cookie.clone());
        cookie
    }

    /// A login at the provider, as a browser goes through it.
    async fn login(&self, gate: &Gate, config: &str, who: &str) -> HeaderValue {
        let base = match config {
            "guide" => "http://localhost:4180",
            _ => "https://app.test",
        };
        let application =
            GateLayer::new(gate).layer(service_fn(async |_: Request<Full<Bytes>>| {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }));
        let mut browser = Browser::new().clock(self.clock.clone());
        browser = browser
            .site(ISSUER, self.provider.clone())
            .site(base, application);
        browser.get(&format!("{base}/myapp")).await;
        let page = browser.sign_in_as(who).await;
        assert_eq!(page.url, format!("{base}/myapp"));
        let cookies = browser.cookies(base);
        let pairs: Vec<_> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        pairs.join("; ").parse().unwrap()
    }

    fn user(&self, subject: &str) -> Identity {
        let user = self.users.iter().find(|user| user.subject == subject);
        let user = user.unwrap_or_else(|| panic!("nobody is {subject:?}"));
        let ago = Duration::from_secs(user.signed_in_ago.unwrap_or(60));
        let auth_time = UnixTime::from_secs(NOW - ago.as_secs());
        let mut who = Identity::builder(ISSUER, subject).auth_time(auth_time);
        for group in &user.groups {
            who = who.group(group);
        }
        if let Some(name) = &user.name {
            who = who.name(name);
        }
        if let Some(email) = &user.email {
            who = who.email(email);
        }
        if let Some(email) = &user.unverified_email {
            who = who.unverified_email(email);
        }
        if let Some(name) = &user.preferred_username {
            who = who.preferred_username(name);
        }
        if let Some(acr) = &user.acr {
            who = who.acr(acr);
        }
        who.build()
    }

    fn token(&self, name: &str) -> String {
        let token = self.tokens.iter().find(|token| token.name == name);
        let token = token.unwrap_or_else(|| panic!("no token {name:?}"));
        if let Some(text) = &token.text {
            return text.clone();
        }
        let mut header = object(json!({ "typ": "at+jwt" }));
        let mut claims = object(json!({
            "iss": ISSUER, "sub": "alice", "aud": "api", "client_id": "cli", "jti": name, "scope": "read",
            "email": "alice@example.com", "email_verified": true, "groups": ["admins", "staff"],
            "preferred_username": "alice", "iat": NOW, "exp": NOW + 3600,
        }));
        header.extend(token.header.clone());
        claims.extend(token.claims.clone());
        for name in &token.without {
            header.remove(name);
            claims.remove(name);
        }
        let key = match token.signature {
            Signature::Wrong => &self.keys.wrong,
            Signature::Right | Signature::Cut | Signature::None => &self.keys.right,
        };
        let signed = key.sign_compact(&header, &claims).unwrap();
        let (text, _) = signed.rsplit_once('.').unwrap();
        match token.signature {
            Signature::Right | Signature::Wrong => signed,
            Signature::Cut => format!("{text}."),
            Signature::None => {
                let (_, claims) = text.split_once('.').unwrap();
                // {"alg":"none","typ":"at+jwt"}
                format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.")
            }
        }
    }
}

/// Ends the session of these cookies.
async fn sign_out(gate: &Gate, cookies: &str) {
    let application = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let request = Request::post("/oauth2/sign_out")
        .header("cookie", cookies)
        .header("sec-fetch-site", "same-origin")
        .body(Full::default())
        .unwrap();
    let service = GateLayer::new(gate).layer(application);
    let Ok(response) = service.oneshot(request).await;
    assert_eq!(response.status(), 303);
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn senders(data: &Path) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(data.join("senders.toml")).unwrap();
    let mut senders: BTreeMap<String, Vec<String>> = toml::from_str(&text).unwrap();
    senders.insert(String::new(), Vec::new());
    senders
}

fn sources(config: &Configuration) -> Sources {
    const OWN: &[(&str, &str)] = &[
        ("issuer_url", ISSUER),
        ("client_id", "app"),
        ("client_secret", SECRET),
        ("base_url", "https://app.test"),
        ("cookie_secret", COOKIE_SECRET),
        // As it is where their names are read.
        ("sign_out", "here"),
    ];
    const THEIRS: &[(&str, &str)] = &[
        ("OIDC_ISSUER_URL", ISSUER),
        ("CLIENT_ID", "app"),
        ("CLIENT_SECRET", SECRET),
        ("REDIRECT_URL", "https://app.test/oauth2/callback"),
        ("COOKIE_SECRET", COOKIE_SECRET),
    ];
    // What all configurations say, but for what one says itself or leaves out.
    let common = |all: &[(&str, &str)], text: &str| -> String {
        let left_out = |name: &str| text.contains("# all") || text.contains(&format!("{name} ="));
        let kept = all.iter().map(|(name, value)| (name.to_lowercase(), value));
        let kept = kept.filter(|(name, _)| !left_out(name));
        kept.map(|(name, value)| format!("{name} = {value:?}\n"))
            .collect()
    };
    let mut sources = Sources::new();
    if let Some(text) = &config.own {
        sources = sources.toml(format!("{}{text}", common(OWN, text)), &*config.name);
    }
    if let Some(text) = &config.file {
        sources =
            sources.oauth2_proxy_cfg(format!("{}{text}", common(THEIRS, text)), &*config.name);
    }
    if let Some(variables) = &config.variables {
        let mut said: BTreeMap<&str, &str> = match variables.contains_key("# all") {
            true => BTreeMap::new(),
            false => THEIRS.iter().copied().collect(),
        };
        said.extend(variables.iter().map(|(name, value)| (&**name, &**value)));
        said.remove("# all");
        let data = data().display().to_string();
        let said = said.into_iter().map(|(name, value)| {
            (
                format!("OAUTH2_PROXY_{name}"),
                value.replace("{data}", &data),
            )
        });
        sources = sources.env(said);
    }
    sources
}

/// Where the table lies.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(crate::DATA)
}
