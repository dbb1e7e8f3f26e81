//! The cases of `testdata/client_authentication.toml`.

use crate::{
    Counting, NOW,
    assertion::{KeyEntry, Keys, PublicKey, Template},
    at, issuer,
    request::{Parts, filled},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request, StatusCode, header};
use oidc_gate_core::{
    client_auth::{
        Audience, AuthenticatedClient, Authenticator, Bodies, ClientKeys, Expires, HashedSecret,
        Inserted, JWT_BEARER, JwtSecrets, MethodName, Refusal, RegisteredClient, RegisteredMethod,
        Registration, ReplayKey, SecretPlace, Secrets, Verifying,
        certificate::{ClientCertificate, RegisteredCertificates, TlsSubject, TrustAnchors},
    },
    jose::{Alg, JwkSet},
    secret::ClientSecret,
    time::UnixTime,
    url::EndpointUrl,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    key: Vec<KeyEntry>,
    client: Vec<ClientEntry>,
    pub(crate) case: Vec<Case>,
    pub(crate) near_miss: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientEntry {
    pub(crate) id: String,
    /// Two where the secret may be in either place.
    pub(crate) methods: Vec<String>,
    #[serde(default)]
    secrets: Vec<SecretEntry>,
    #[serde(default)]
    keys: Vec<PublicKey>,
    pub(crate) jwks_uri: Option<String>,
    alg: Option<String>,
    /// The registered name of a certificate: a member without `tls_client_auth_`, and its value.
    subject: Option<String>,
    /// The registered certificates themselves, by their files.
    #[serde(default)]
    certificates: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    text: String,
    expires: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) now: Option<u64>,
    pub(crate) server: Server,
    method: Option<String>,
    query: Option<String>,
    content_type: Option<String>,
    pub(crate) headers: Vec<[String; 2]>,
    pub(crate) basic: Option<[String; 2]>,
    basic_pair: Option<String>,
    pub(crate) params: Vec<[String; 2]>,
    pub(crate) raw_body: Option<String>,
    pub(crate) assertion: Option<Template>,
    fetched: Option<String>,
    /// What the connection shows: the client's own, then what comes along, by their files.
    pub(crate) certificate: Vec<String>,
    pub(crate) store: Option<String>,
    pub(crate) expected: String,
    pub(crate) client: Option<String>,
    #[serde(rename = "as")]
    pub(crate) used: Option<String>,
    pub(crate) kid: Option<String>,
    pub(crate) alg: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) then: Vec<Case>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) methods: Option<Vec<String>>,
    algs: Option<Vec<String>>,
    audiences: Option<Vec<String>>,
    json: bool,
    leeway: Option<u64>,
    longest: Option<u64>,
}

impl Server {
    pub(crate) fn build(&self) -> Authenticator {
        let methods = match &self.methods {
            None => MethodName::ALL.to_vec(),
            Some(names) => names
                .iter()
                .map(|name| MethodName::from_name(name).unwrap())
                .collect(),
        };
        self.apply(Authenticator::new(issuer(), methods).anchors(anchors()))
    }

    /// Everything but the methods, which a server is made with.
    pub(crate) fn apply(&self, mut server: Authenticator) -> Authenticator {
        if let Some(names) = &self.algs {
            server = server.algs(names.iter().map(|name| Alg::from_name(name).unwrap()));
        }
        if let Some(others) = &self.audiences {
            server = server.audience(Audience::IssuerOr(others.clone()));
        }
        if self.json {
            server = server.bodies(Bodies::FormOrJson);
        }
        if let Some(secs) = self.leeway {
            server = server.leeway(Duration::from_secs(secs));
        }
        if let Some(secs) = self.longest {
            server = server.longest_assertion(Duration::from_secs(secs));
        }
        server
    }
}

/// The registered clients, and the keys they publish elsewhere.
pub(crate) struct World {
    pub(crate) keys: Keys,
    clients: HashMap<String, RegisteredClient>,
    published: HashMap<String, JwkSet>,
}

pub(crate) fn table() -> Table {
    toml::from_str(include_str!("../../testdata/client_authentication.toml")).unwrap()
}

impl Table {
    pub(crate) fn keys(&self) -> Keys {
        Keys::new(&self.key)
    }

    pub(crate) fn registrations<'a>(
        &'a self,
        keys: &'a Keys,
    ) -> impl Iterator<Item = (&'a ClientEntry, Registration)> {
        let registered = |entry: &'a ClientEntry| {
            let registration = Registration::new(entry.id.as_str(), entry.registered(keys));
            (entry, registration)
        };
        self.client.iter().map(registered)
    }
}

impl World {
    pub(crate) fn new(table: &Table) -> Self {
        let keys = table.keys();
        let everything = Server::default().build();
        let mut clients = HashMap::new();
        let mut published = HashMap::new();
        for (entry, registration) in table.registrations(&keys) {
            if let Some(uri) = &entry.jwks_uri {
                published.insert(uri.clone(), keys.set(&entry.keys));
            }
            let client = everything.register(registration);
            let client = client.unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            assert!(
                clients.insert(entry.id.clone(), client).is_none(),
                "{}",
                entry.id
            );
        }
        Self {
            keys,
            clients,
            published,
        }
    }

    /// The keys at an address of a client's.
    pub(crate) fn published(&self, uri: &str) -> Option<&JwkSet> {
        self.published.get(uri)
    }

    pub(crate) fn client(&self, id: &str) -> Option<&RegisteredClient> {
        self.clients.get(id)
    }
}

fn pem(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../oidc-gate-core/testdata/certificates"
    );
    let file = std::fs::File::open(format!("{folder}/{name}.pem"));
    let text = file.and_then(std::io::read_to_string);
    text.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn certificate(names: &[&str]) -> ClientCertificate {
    let all: String = names.iter().map(|name| pem(name)).collect();
    ClientCertificate::from_pem(all.as_bytes()).unwrap()
}

/// The authority of the table.
pub(crate) fn anchors() -> TrustAnchors {
    TrustAnchors::from_pem(pem("root").as_bytes()).unwrap()
}

impl ClientEntry {
    fn registered(&self, keys: &Keys) -> RegisteredMethod {
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        let alg = self
            .alg
            .as_deref()
            .map(|name| Alg::from_name(name).unwrap());
        let expires = |secret: &SecretEntry| {
            secret
                .expires
                .map_or(Expires::Never, |secs| Expires::At(at(secs)))
        };
        let hashed = |place| {
            let secrets = self.secrets.iter().enumerate().map(|(nth, secret)| {
                let text = ClientSecret::new(secret.text.as_str());
                let hashed = HashedSecret::new(&text, &mut Counting(nth as u8)).unwrap();
                (hashed, expires(secret))
            });
            RegisteredMethod::Secret(place, Secrets::several(secrets).unwrap())
        };
        match *methods {
            ["tls_client_auth"] => {
                let (member, value) = self.subject.as_ref().unwrap().split_once(' ').unwrap();
                let member = format!("tls_client_auth_{member}");
                RegisteredMethod::Tls(TlsSubject::of_member(&member, value).unwrap())
            }
            ["self_signed_tls_client_auth"] => {
                let x5c = self.certificates.iter().map(|name| {
                    let der = certificate(&[name.as_str()]);
                    json!({"kty": "EC", "x5c": [STANDARD.encode(der.der())]})
                });
                let jwks = json!({"keys": x5c.collect::<Vec<_>>()}).to_string();
                let known = RegisteredCertificates::from_jwks(jwks.as_bytes()).unwrap();
                RegisteredMethod::SelfSignedTls(known)
            }
            ["none"] => RegisteredMethod::None,
            ["client_secret_basic"] => hashed(SecretPlace::Basic),
            ["client_secret_post"] => hashed(SecretPlace::Post),
            ["client_secret_basic", "client_secret_post"] => hashed(SecretPlace::Either),
            ["client_secret_jwt"] => {
                let secrets = self
                    .secrets
                    .iter()
                    .map(|secret| (ClientSecret::new(secret.text.as_str()), expires(secret)));
                RegisteredMethod::SecretJwt(JwtSecrets::new(secrets, alg))
            }
            ["private_key_jwt"] => {
                let keys = match &self.jwks_uri {
                    Some(uri) => ClientKeys::At(EndpointUrl::parse(uri).unwrap()),
                    None => ClientKeys::Here(Arc::new(keys.set(&self.keys))),
                };
                RegisteredMethod::PrivateKeyJwt(keys, alg)
            }
            _ => panic!("{}: {methods:?}", self.id),
        }
    }
}

/// What was used, with the time until which it has to be remembered.
#[derive(Default)]
pub(crate) struct Store(HashMap<ReplayKey, UnixTime>);

impl Store {
    pub(crate) fn insert(&mut self, key: &ReplayKey, until: UnixTime, now: UnixTime) -> Inserted {
        // As a store does that forgets as soon as it may.
        self.0.retain(|_, until| *until > now);
        match self.0.insert(key.clone(), until) {
            None => Inserted::First,
            Some(_) => Inserted::Again,
        }
    }
}

impl Case {
    pub(crate) fn is_ok(&self) -> bool {
        self.expected == "ok"
    }

    pub(crate) fn now(&self) -> UnixTime {
        at(self.now.unwrap_or(NOW))
    }

    pub(crate) fn request(&self, keys: &Keys) -> Request<Vec<u8>> {
        let assertion = self
            .assertion
            .as_ref()
            .map(|template| template.of_client(keys));
        let mut params: Vec<_> = self
            .params
            .iter()
            .map(|[name, value]| (filled(name, None), filled(value, assertion.as_deref())))
            .collect();
        if self.params.is_empty() {
            params.push(("grant_type".into(), "client_credentials".into()));
        }
        let placed = self
            .params
            .iter()
            .any(|[_, value]| value.contains("{assertion}"));
        if let Some(assertion) = assertion.filter(|_| !placed) {
            params.push(("client_assertion_type".into(), JWT_BEARER.into()));
            params.push(("client_assertion".into(), assertion));
        }
        Parts {
            method: self.method.as_deref(),
            query: self.query.as_deref(),
            content_type: self.content_type.as_deref(),
            headers: &self.headers,
            basic: self.basic.as_ref(),
            basic_pair: self.basic_pair.as_deref(),
            raw_body: self.raw_body.as_deref(),
            params,
        }
        .build()
    }

    pub(crate) fn run(
        &self,
        world: &World,
        store: &mut Store,
    ) -> Result<AuthenticatedClient, Refusal> {
        let server = self.server.build();
        let presented = server.read(&self.request(&world.keys))?;
        let client = world.client(presented.client_id());
        let shown: Vec<&str> = self.certificate.iter().map(String::as_str).collect();
        let shown = (!shown.is_empty()).then(|| certificate(&shown));
        let proven = match server.verify(presented, client, shown.as_ref(), self.now())? {
            Verifying::Proven(proven) => proven,
            Verifying::KeysWanted(wanted) => match self.fetched.as_deref() {
                Some("nothing") => wanted.resume(None)?,
                _ => {
                    let keys = world.published(wanted.uri().as_str());
                    wanted.resume(keys)?
                }
            },
        };
        let (client, _) =
            proven
                .accept()
                .resolve_with(|key, until| match self.store.as_deref() {
                    Some("failed") => Inserted::Failed,
                    _ => store.insert(key, until, self.now()),
                })?;
        Ok(client)
    }

    /// What is wrong with the outcome, if anything is.
    fn judge(&self, outcome: Result<AuthenticatedClient, Refusal>) -> Result<(), String> {
        let same = |what: &str, got: Option<&str>, wanted: &Option<String>| {
            (got == wanted.as_deref())
                .then_some(())
                .ok_or_else(|| format!("{what} {got:?}, wanted {wanted:?}"))
        };
        match outcome {
            Ok(client) => {
                same("ends", Some("ok"), &Some(self.expected.clone()))?;
                same("client", Some(client.id()), &self.client)?;
                same("as", Some(client.method().as_str()), &self.used)?;
                same("kid", client.kid(), &self.kid)?;
                same("alg", client.alg().map(Alg::name), &self.alg)
            }
            Err(refusal) => {
                let got = format!("{} ({})", refusal.check(), refusal.cause());
                same(
                    "check",
                    Some(refusal.check().id()),
                    &Some(self.expected.clone()),
                )
                .map_err(|fault| format!("{fault}: {got}"))?;
                let answer = refusal.respond("id.example");
                let body: Value = serde_json::from_slice(answer.body()).unwrap();
                same("error", body["error"].as_str(), &self.error)?;
                let status = self
                    .status
                    .and_then(|status| StatusCode::from_u16(status).ok());
                if Some(answer.status()) != status {
                    return Err(format!("status {}", answer.status()));
                }
                answered_as_a_refusal(answer.status(), answer.headers())
            }
        }
    }
}

/// What every refusal has: it is not stored, and a 401 comes with a challenge.
pub(crate) fn answered_as_a_refusal(status: StatusCode, headers: &HeaderMap) -> Result<(), String> {
    let challenged = headers.contains_key(header::WWW_AUTHENTICATE);
    let stored = headers
        .get(header::CACHE_CONTROL)
        .is_none_or(|value| value != "no-store");
    match challenged == (status == StatusCode::UNAUTHORIZED) && !stored {
        true => Ok(()),
        false => Err(format!("headers {headers:?}")),
    }
}

#[test]
fn every_request_ends_as_the_data_says() {
    let table = table();
    assert!(table.case.len() >= 150, "{}", table.case.len());
    let world = World::new(&table);
    let mut names = BTreeSet::new();
    let mut wrong = vec![];
    for case in &table.case {
        assert!(names.insert(&case.name), "{} is there twice", case.name);
        assert!(case.why.starts_with("https://"), "{}", case.name);
        let mut store = Store::default();
        for (nth, step) in std::iter::once(case).chain(&case.then).enumerate() {
            if let Err(fault) = step.judge(step.run(&world, &mut store)) {
                wrong.push(format!("{} ({nth}): {fault}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a client exists and whether its secret was nearly right cannot be told from an answer
/// ([RFC 6749 § 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
#[test]
fn everybody_who_is_not_recognised_gets_the_same_answer() {
    let table = table();
    let world = World::new(&table);
    let mut answers = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for case in table
        .case
        .iter()
        .filter(|case| case.error.as_deref() == Some("invalid_client"))
    {
        let refusal = case.run(&world, &mut Store::default()).unwrap_err();
        let answer = refusal.respond("id.example");
        let headers: Vec<_> = answer
            .headers()
            .iter()
            .map(|header| format!("{header:?}"))
            .collect();
        answers.insert((answer.status().as_u16(), headers, answer.into_body()));
        seen.insert(refusal.check());
    }
    assert!(seen.len() > 15);
    assert_eq!(answers.len(), 1);
}
