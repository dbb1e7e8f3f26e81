//! The cases of `testdata/grants.toml`.

use crate::{
    Counting, NOW,
    assertion::{KeyEntry, Keys, PublicKey, Template},
    at,
    client_authentication::{Server, answered_as_a_refusal},
    request::{Parts, filled},
};
use http::Request;
use oidc_gate_core::{
    client_auth::{
        Authenticator, ClientKeys, HashedSecret, Inserted, JWT_BEARER, Owed, Proven, Refusal,
        RegisteredClient, RegisteredMethod, Registration, SecretPlace, Secrets, Verifying,
    },
    grant::{
        Aftermath, Declined, DeviceAuthorizationRequest, GrantRequest, GrantType, Granted, Handle,
        IssuedCode, IssuedDeviceCode, IssuedRefreshToken, RefreshPolicy, RefreshState, Refreshing,
        Replaced, Rotated, Rotation, ScopeSet, Spent, Standing, TrustedIssuer, UserDecision,
        ValidToken,
    },
    secret::{AccessToken, ClientSecret, IdToken, RefreshToken},
};
use serde::Deserialize;
use serde_json::{Map, Value};
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
    issuer: Vec<IssuerEntry>,
    pub(crate) case: Vec<Case>,
    pub(crate) near_miss: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientEntry {
    id: String,
    method: String,
    grants: Vec<String>,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    resources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    issuer: String,
    keys: Vec<PublicKey>,
    scopes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) client: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) now: Option<u64>,
    pub(crate) offered: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) server: Server,
    pub(crate) params: Vec<[String; 2]>,
    pub(crate) assertion: Option<Template>,
    pub(crate) code: Option<Code>,
    pub(crate) refresh_token: Option<Refresh>,
    pub(crate) device_code: Option<Device>,
    pub(crate) subject_token: Option<Valid>,
    pub(crate) actor_token: Option<Valid>,
    pub(crate) rotation: Option<String>,
    pub(crate) grace: Option<u64>,
    /// What the store answers when something is to be used up: `now` unless it says otherwise.
    pub(crate) spend: Option<String>,
    /// The same of a refresh token: `now`, `failed`, or when another request has replaced it.
    pub(crate) replace: Option<String>,
    /// What the store answers to what is used once: `first` unless it says otherwise. One for each in turn.
    #[serde(default)]
    pub(crate) insert: Vec<String>,
    pub(crate) expected: String,
    pub(crate) error: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) then: Option<String>,
    pub(crate) refresh: Option<String>,
    pub(crate) scope: Option<String>,
    #[serde(default)]
    pub(crate) resources: Vec<String>,
    pub(crate) subject: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) not_beyond: Option<u64>,
    #[serde(default)]
    pub(crate) answer: Vec<String>,
    pub(crate) issued_token_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) value: String,
    client: String,
    redirect_uri: String,
    challenge: String,
    scopes: String,
    resources: Vec<String>,
    expires: u64,
    used: bool,
    failures: u8,
    ended: bool,
}

impl Default for Code {
    fn default() -> Self {
        Self {
            value: "code-1".into(),
            client: "app".into(),
            redirect_uri: "https://app.example/cb".into(),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
            scopes: "openid profile".into(),
            resources: vec![],
            expires: NOW + 60,
            used: false,
            failures: 0,
            ended: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Refresh {
    pub(crate) value: String,
    client: String,
    scopes: String,
    resources: Vec<String>,
    idle_until: u64,
    expires: u64,
    replaced: Option<u64>,
    ended: bool,
    pub(crate) certificate: Option<String>,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            value: "refresh-1".into(),
            client: "app".into(),
            scopes: "openid profile".into(),
            resources: vec![],
            idle_until: NOW + 3600,
            expires: NOW + 86400,
            replaced: None,
            ended: false,
            certificate: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Device {
    pub(crate) value: String,
    client: String,
    scopes: String,
    resources: Vec<String>,
    expires: u64,
    decision: String,
    interval: u64,
    polled: Option<u64>,
    used: bool,
    ended: bool,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            value: "device-1".into(),
            client: "app".into(),
            scopes: "openid profile".into(),
            resources: vec![],
            expires: NOW + 1800,
            decision: "approved".into(),
            interval: 5,
            polled: Some(NOW - 60),
            used: false,
            ended: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Valid {
    subject: String,
    parties: Vec<String>,
    scopes: String,
    expires: u64,
    may_act: Vec<String>,
    actors: usize,
    certificate: Option<String>,
}

impl Default for Valid {
    fn default() -> Self {
        Self {
            subject: "alice".into(),
            parties: vec!["app".into()],
            scopes: "read write".into(),
            expires: NOW + 600,
            may_act: vec![],
            actors: 0,
            certificate: None,
        }
    }
}

fn scopes(text: &str) -> ScopeSet {
    match text {
        "" => ScopeSet::default(),
        text => ScopeSet::parse(text).unwrap(),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn standing(ended: bool) -> Standing {
    match ended {
        true => Standing::Ended,
        false => Standing::Alive,
    }
}

impl Code {
    pub(crate) fn issued(&self) -> IssuedCode {
        IssuedCode {
            client_id: self.client.clone(),
            redirect_uri: some(&self.redirect_uri),
            challenge: some(&self.challenge),
            scopes: scopes(&self.scopes),
            resources: self.resources.clone(),
            expires: at(self.expires),
            used: self.used,
            failures: self.failures,
            standing: standing(self.ended),
        }
    }
}

impl Refresh {
    pub(crate) fn issued(&self) -> IssuedRefreshToken {
        IssuedRefreshToken {
            client_id: self.client.clone(),
            scopes: scopes(&self.scopes),
            resources: self.resources.clone(),
            idle_until: at(self.idle_until),
            expires: at(self.expires),
            state: match self.replaced {
                None => RefreshState::Current,
                Some(secs) => RefreshState::Replaced { at: at(secs) },
            },
            standing: standing(self.ended),
            certificate: self.certificate.clone(),
        }
    }
}

impl Device {
    pub(crate) fn issued(&self) -> IssuedDeviceCode {
        IssuedDeviceCode {
            client_id: self.client.clone(),
            scopes: scopes(&self.scopes),
            resources: self.resources.clone(),
            expires: at(self.expires),
            decision: match &*self.decision {
                "pending" => UserDecision::Pending,
                "approved" => UserDecision::Approved,
                "denied" => UserDecision::Denied,
                other => panic!("{other}"),
            },
            interval: self.interval,
            polled: self.polled.map(at),
            used: self.used,
            standing: standing(self.ended),
        }
    }
}

impl Valid {
    fn found(&self) -> ValidToken {
        ValidToken {
            subject: self.subject.clone(),
            parties: self.parties.clone(),
            scopes: scopes(&self.scopes),
            expires: at(self.expires),
            may_act: self.may_act.clone(),
            actors: self.actors,
            certificate: self.certificate.clone(),
        }
    }
}

/// The registered clients and the issuers that are trusted.
pub(crate) struct World {
    keys: Keys,
    clients: HashMap<String, RegisteredClient>,
    issuers: HashMap<String, TrustedIssuer>,
}

/// What a confidential client of these cases knows.
const SECRET: &str = "0123456789abcdef";

pub(crate) fn table() -> Table {
    toml::from_str(include_str!("../../testdata/grants.toml")).unwrap()
}

fn grant(name: &String) -> GrantType {
    GrantType::from_name(name).unwrap_or_else(|| panic!("{name}"))
}

impl World {
    pub(crate) fn new(table: &Table) -> Self {
        let keys = table.keys();
        let server = Server::default().build();
        let clients = table
            .registrations(&keys)
            .map(|(id, registration)| (id.to_owned(), server.register(registration).unwrap()));
        let clients: HashMap<_, _> = clients.collect();
        let issuers = table
            .issuers(&keys)
            .map(|trusted| (trusted.issuer.clone(), trusted));
        let issuers = issuers.collect();
        Self {
            clients,
            issuers,
            keys,
        }
    }
}

impl Table {
    pub(crate) fn keys(&self) -> Keys {
        Keys::new(&self.key)
    }

    pub(crate) fn registrations<'a>(
        &'a self,
        keys: &'a Keys,
    ) -> impl Iterator<Item = (&'a str, Registration)> {
        self.client.iter().map(|entry| {
            let method = match &*entry.method {
                "none" => RegisteredMethod::None,
                "client_secret_basic" => {
                    let hashed = HashedSecret::new(&ClientSecret::new(SECRET), &mut Counting(0));
                    RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(hashed.unwrap()))
                }
                "private_key_jwt" => {
                    let set = keys.set(&[PublicKey::of("es256")]);
                    RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(set)), None)
                }
                other => panic!("{other}"),
            };
            let registration = Registration::new(entry.id.as_str(), method)
                .grants(entry.grants.iter().map(grant))
                .scopes(scopes(&entry.scopes))
                .resources(entry.resources.iter().map(String::as_str));
            (entry.id.as_str(), registration)
        })
    }

    pub(crate) fn issuers<'a>(
        &'a self,
        keys: &'a Keys,
    ) -> impl Iterator<Item = TrustedIssuer> + 'a {
        self.issuer.iter().map(|entry| TrustedIssuer {
            issuer: entry.issuer.clone(),
            keys: Arc::new(keys.set(&entry.keys)),
            scopes: scopes(&entry.scopes),
        })
    }
}

/// What came of a request.
#[derive(Default)]
pub(crate) struct Outcome {
    scope: String,
    resources: Vec<String>,
    subject: Option<String>,
    actor: Option<String>,
    not_beyond: Option<u64>,
    refresh: Option<String>,
    answer: Map<String, Value>,
}

impl Case {
    pub(crate) fn is_ok(&self) -> bool {
        self.expected == "ok"
    }

    /// The request, by a client that proves itself as it is registered.
    pub(crate) fn request(&self, method: &str, keys: &Keys) -> Request<Vec<u8>> {
        let assertion = self
            .assertion
            .as_ref()
            .map(|template| template.of_issuer(keys));
        let mut params: Vec<_> = self
            .params
            .iter()
            .map(|[name, value]| (filled(name, None), filled(value, assertion.as_deref())))
            .collect();
        let basic = [self.client.clone(), SECRET.to_owned()];
        match method {
            "none" => params.push(("client_id".into(), self.client.clone())),
            "private_key_jwt" => {
                let template = Template {
                    by: self.client.clone(),
                    key: Some("es256".into()),
                    ..Template::default()
                };
                params.push(("client_assertion_type".into(), JWT_BEARER.into()));
                params.push(("client_assertion".into(), template.of_client(keys)));
            }
            _ => {}
        }
        Parts {
            basic: (method == "client_secret_basic").then_some(&basic),
            params,
            ..Parts::default()
        }
        .build()
    }

    fn prove(&self, world: &World, server: &Authenticator) -> Proven {
        let client = world.clients.get(&self.client).unwrap();
        let method = client.method().names()[0].as_str();
        let request = self.request(method, &world.keys);
        let presented = server.read(&request).unwrap();
        // The clock of the client's assertion is that of its making: these cases are about the grant.
        match server
            .verify(presented, Some(client), None, at(NOW))
            .unwrap()
        {
            Verifying::Proven(proven) => proven,
            Verifying::KeysWanted(_) => panic!("the keys are here"),
        }
    }

    pub(crate) fn run(&self, world: &World) -> Result<Outcome, Declined> {
        let server = self.server.build();
        let proven = self.prove(world, &server);
        if self.endpoint.as_deref() == Some("device_authorization") {
            return Ok(self.authorize_device(proven)?);
        }
        let offered = match &self.offered {
            None => GrantType::ALL.to_vec(),
            Some(names) => names.iter().map(grant).collect(),
        };
        let now = at(self.now.unwrap_or(NOW));
        let stored = |handle: Handle, value: Option<&str>| {
            value.is_some_and(|value| handle == Handle::of(value))
        };
        let spent = || match self.spend.as_deref() {
            None => Spent::Now,
            Some("before") => Spent::Before,
            Some("failed") => Spent::Failed,
            Some(other) => panic!("{other}"),
        };
        match GrantRequest::read(proven, &offered)? {
            GrantRequest::AuthorizationCode(request) => {
                let code = self.code.as_ref();
                let found = code.filter(|code| stored(request.handle(), Some(&code.value)));
                let handle = request.handle();
                let spend = request.check(found.map(Code::issued).as_ref(), now)?;
                assert_eq!(*spend.handle(), handle);
                self.settle(spend.resolve(spent())?, None)
            }
            GrantRequest::DeviceCode(request) => {
                let code = self.device_code.as_ref();
                let found = code.filter(|code| stored(request.handle(), Some(&code.value)));
                let spend = request.check(found.map(Device::issued).as_ref(), now)?;
                self.settle(spend.resolve(spent())?, None)
            }
            GrantRequest::RefreshToken(request) => {
                let token = self.refresh_token.as_ref();
                let found = token.filter(|token| stored(request.handle(), Some(&token.value)));
                let issued = found.map(Refresh::issued);
                match request.check(issued.as_ref(), self.policy(), now)? {
                    Refreshing::Keep(owed) => self.settle(owed, Some("keep")),
                    Refreshing::Repeat(owed) => self.settle(owed, Some("repeat")),
                    Refreshing::Rotate(rotate) => match rotate.resolve(self.replaced())? {
                        Rotated::New(owed) => self.settle(owed, Some("rotate")),
                        Rotated::Repeat(owed) => self.settle(owed, Some("repeat")),
                    },
                }
            }
            GrantRequest::ClientCredentials(request) => self.settle(request.check()?, None),
            GrantRequest::JwtBearer(request) => {
                let trusted = request
                    .issuer()
                    .and_then(|issuer| world.issuers.get(issuer));
                self.settle(request.check(&server, trusted, now)?, None)
            }
            GrantRequest::TokenExchange(request) => {
                let found = |token: &Option<Valid>| token.as_ref().map(Valid::found);
                let (subject, actor) = (found(&self.subject_token), found(&self.actor_token));
                self.settle(request.check(subject.as_ref(), actor.as_ref(), now)?, None)
            }
        }
    }

    fn policy(&self) -> RefreshPolicy {
        RefreshPolicy {
            rotation: match self.rotation.as_deref() {
                None => Rotation::Always,
                Some("public_clients") => Rotation::PublicClients,
                Some(other) => panic!("{other}"),
            },
            grace: Duration::from_secs(self.grace.unwrap_or(10)),
        }
    }

    fn replaced(&self) -> Replaced {
        match self.replace.as_deref() {
            None => Replaced::Now,
            Some("failed") => Replaced::Failed,
            Some(before) => Replaced::Before {
                at: at(before.parse().unwrap()),
            },
        }
    }

    /// Inserts what has to be, and answers.
    fn settle(&self, owed: Owed<Granted>, refresh: Option<&str>) -> Result<Outcome, Declined> {
        let mut answers = self.insert.iter();
        let granted = owed.resolve_with(|_, _| match answers.next().map(String::as_str) {
            None | Some("first") => Inserted::First,
            Some("again") => Inserted::Again,
            Some("failed") => Inserted::Failed,
            Some(other) => panic!("{other}"),
        })?;
        let mut outcome = Outcome {
            scope: granted.scopes().to_string(),
            resources: granted.resources().to_vec(),
            subject: granted.subject().map(str::to_owned),
            actor: granted.actor().map(str::to_owned),
            not_beyond: granted.not_beyond().map(|time| time.as_secs()),
            refresh: refresh.map(str::to_owned),
            ..Outcome::default()
        };
        assert_eq!(granted.client().id(), self.client);
        let response = granted
            .answer(&AccessToken::new("access-2"))
            .expires_in(Duration::from_secs(300))
            .refresh_token(&RefreshToken::new("refresh-2"))
            .id_token(&IdToken::new("id-2"))
            .respond();
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["cache-control"]
            ),
            (200, &"no-store".try_into().unwrap())
        );
        outcome.answer = serde_json::from_slice(response.body()).unwrap();
        Ok(outcome)
    }

    fn authorize_device(&self, proven: Proven) -> Result<Outcome, Refusal> {
        let owed = DeviceAuthorizationRequest::read(proven)?;
        let request = owed.resolve_with(|_, _| Inserted::First)?;
        let life = Duration::from_secs(1800);
        let issued = request
            .issue(
                "https://example.com/device",
                life,
                5,
                at(NOW),
                &mut Counting(0),
            )
            .unwrap();
        let stored = issued.issued();
        assert_eq!((stored.expires, stored.interval), (at(NOW + 1800), 5));
        assert_eq!(
            (stored.decision, stored.used, stored.polled),
            (UserDecision::Pending, false, None)
        );
        let (scope, resources, handle) = (
            stored.scopes.to_string(),
            stored.resources.clone(),
            issued.handle(),
        );
        let answer: Map<String, Value> = serde_json::from_slice(issued.respond().body()).unwrap();
        assert_eq!(handle, Handle::of(answer["device_code"].as_str().unwrap()));
        let typed = format!(
            "https://example.com/device?user_code={}",
            answer["user_code"].as_str().unwrap()
        );
        assert_eq!(answer["verification_uri_complete"], typed);
        assert_eq!(
            (
                &answer["verification_uri"],
                &answer["expires_in"],
                &answer["interval"]
            ),
            (
                &"https://example.com/device".into(),
                &1800.into(),
                &5.into()
            )
        );
        Ok(Outcome {
            scope,
            resources,
            answer,
            ..Outcome::default()
        })
    }

    /// What is wrong with the outcome, if anything is.
    fn judge(&self, outcome: Result<Outcome, Declined>) -> Result<(), String> {
        fn same<T: PartialEq + std::fmt::Debug>(
            what: &str,
            got: T,
            wanted: T,
        ) -> Result<(), String> {
            match got == wanted {
                true => Ok(()),
                false => Err(format!("{what} {got:?}, wanted {wanted:?}")),
            }
        }
        match outcome {
            Ok(got) => {
                same("ends", "ok", &*self.expected)?;
                same(
                    "scope",
                    got.scope.as_str(),
                    self.scope.as_deref().unwrap_or_default(),
                )?;
                same("resources", &got.resources, &self.resources)?;
                same("subject", &got.subject, &self.subject)?;
                same("actor", &got.actor, &self.actor)?;
                same("not beyond", got.not_beyond, self.not_beyond)?;
                same("refresh", &got.refresh, &self.refresh)?;
                let members: BTreeSet<&str> = got.answer.keys().map(String::as_str).collect();
                let wanted = self.answer.iter().map(String::as_str).collect();
                same("answer", members, wanted)?;
                if self.endpoint.is_some() {
                    return Ok(());
                }
                let member = |name: &str| got.answer.get(name).and_then(Value::as_str);
                same("access_token", member("access_token"), Some("access-2"))?;
                same("token_type", member("token_type"), Some("Bearer"))?;
                same(
                    "expires_in",
                    got.answer.get("expires_in"),
                    Some(&300.into()),
                )?;
                if let Some(scope) = member("scope") {
                    same("scope of the answer", scope, &got.scope)?;
                }
                same(
                    "issued_token_type",
                    member("issued_token_type"),
                    self.issued_token_type.as_deref(),
                )
            }
            Err(declined) => {
                let refusal = &declined.refusal;
                let cause = |fault: String| format!("{fault}: {}", refusal.cause());
                same("check", refusal.check().id(), &*self.expected).map_err(cause)?;
                let answer = refusal.respond("id.example");
                let body: Value = serde_json::from_slice(answer.body()).unwrap();
                same("error", body["error"].as_str(), self.error.as_deref())?;
                same("status", Some(answer.status().as_u16()), self.status)?;
                let then = match declined.then {
                    Aftermath::Nothing => None,
                    Aftermath::CountFailure => Some("count_failure".to_owned()),
                    Aftermath::Burn => Some("burn".to_owned()),
                    Aftermath::RevokeGrant => Some("revoke_grant".to_owned()),
                    Aftermath::Polled { interval } => Some(format!("polled {interval}")),
                };
                same("then", then, self.then.clone())?;
                answered_as_a_refusal(answer.status(), answer.headers())
            }
        }
    }
}

#[test]
fn every_grant_ends_as_the_data_says() {
    let table = table();
    assert!(table.case.len() >= 120, "{}", table.case.len());
    let world = World::new(&table);
    let mut names = BTreeSet::new();
    let mut wrong = vec![];
    for case in &table.case {
        assert!(names.insert(&case.name), "{} is there twice", case.name);
        assert!(case.why.starts_with("https://"), "{}", case.name);
        if let Err(fault) = case.judge(case.run(&world)) {
            wrong.push(format!("{}: {fault}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a code never was, is somebody else's or has expired cannot be told from an answer.
#[test]
fn every_grant_that_is_wrong_gets_the_same_answer() {
    let table = table();
    let world = World::new(&table);
    let mut answers = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for case in table
        .case
        .iter()
        .filter(|case| case.error.as_deref() == Some("invalid_grant"))
    {
        let Err(declined) = case.run(&world) else {
            continue;
        };
        let answer = declined.refusal.respond("id.example");
        answers.insert((answer.status().as_u16(), answer.into_body()));
        seen.insert(declined.refusal.check());
    }
    assert!(seen.len() > 15);
    assert_eq!(answers.len(), 1);
}
