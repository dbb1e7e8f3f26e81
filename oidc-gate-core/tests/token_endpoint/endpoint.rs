//! A small token endpoint with a store, for what one request after another comes to.

use crate::{
    Counting, NOW,
    assertion::{KeyEntry, Keys, PublicKey, Template},
    at, issuer,
    request::Parts,
};
use http::Request;
use oidc_gate_core::{
    client_auth::{
        Authenticator, ClientKeys, HashedSecret, Inserted, JWT_BEARER, MethodName, Owed, Proven,
        Refusal, RegisteredClient, RegisteredMethod, Registration, ReplayKey, SecretPlace, Secrets,
        Verifying,
    },
    grant::{
        Aftermath, CodeRequest, GrantRequest, GrantType, Granted, Handle, IssuedCode,
        IssuedRefreshToken, RefreshRequest, RefreshState, Replaced, ScopeSet, Spent, Standing,
    },
    secret::ClientSecret,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

pub(crate) const SECRET: &str = "the-secret-of-the-client";
pub(crate) const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";
pub(crate) const REFRESH: &str = "tGzv3JOkF0XG5Qx2TlKWIA";
/// RFC 7636 Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Two clients, `app` with a secret and `signing` with a key, and everything in memory.
pub(crate) struct Endpoint {
    pub(crate) server: Authenticator,
    pub(crate) keys: Keys,
    clients: HashMap<&'static str, RegisteredClient>,
    store: Mutex<Store>,
}

#[derive(Default)]
struct Store {
    codes: HashMap<Handle, IssuedCode>,
    tokens: HashMap<Handle, IssuedRefreshToken>,
    used: HashSet<ReplayKey>,
}

impl Endpoint {
    pub(crate) fn new() -> Self {
        let keys = Keys::new(&[KeyEntry::file("es256", "ec-prime256v1-pkcs8.pem", "ES256")]);
        let server = Authenticator::new(issuer(), MethodName::ALL.iter().copied());
        let hashed = HashedSecret::new(&ClientSecret::new(SECRET), &mut Counting(0)).unwrap();
        let public = Arc::new(keys.set(&[PublicKey::of("es256")]));
        let clients = [
            (
                "app",
                RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(hashed)),
            ),
            (
                "signing",
                RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(public), None),
            ),
        ];
        let clients = clients.map(|(id, method)| {
            let grants = GrantType::ALL.iter().copied();
            let registration = Registration::new(id, method).grants(grants);
            (id, server.register(registration).unwrap())
        });
        let scopes = ScopeSet::parse("openid").unwrap();
        let code = IssuedCode {
            client_id: "app".into(),
            redirect_uri: None,
            challenge: Some(CHALLENGE.into()),
            scopes: scopes.clone(),
            resources: vec![],
            expires: at(NOW + 60),
            used: false,
            failures: 0,
            standing: Standing::Alive,
        };
        let token = IssuedRefreshToken {
            client_id: "app".into(),
            scopes,
            resources: vec![],
            idle_until: at(NOW + 60),
            expires: at(NOW + 60),
            state: RefreshState::Current,
            standing: Standing::Alive,
            certificate: None,
        };
        let store = Store {
            codes: [(Handle::of(CODE), code)].into(),
            tokens: [(Handle::of(REFRESH), token)].into(),
            used: HashSet::new(),
        };
        Self {
            server,
            keys,
            clients: clients.into(),
            store: Mutex::new(store),
        }
    }

    /// A request of `app`.
    pub(crate) fn request(&self, params: &[(&str, &str)]) -> Request<Vec<u8>> {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Parts {
            basic: Some(&["app".into(), SECRET.into()]),
            params: params.collect(),
            ..Parts::default()
        }
        .build()
    }

    pub(crate) fn assertion(&self) -> String {
        let template = Template {
            by: "signing".into(),
            key: Some("es256".into()),
            ..Template::default()
        };
        template.of_client(&self.keys)
    }

    /// A request of `signing`.
    pub(crate) fn signed(&self, assertion: &str) -> Request<Vec<u8>> {
        let params = [
            ("grant_type", "authorization_code"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        Parts {
            params: params
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            ..Parts::default()
        }
        .build()
    }

    pub(crate) fn prove(&self, request: &Request<Vec<u8>>) -> Result<Proven, Refusal> {
        let presented = self.server.read(request)?;
        let client = self.clients.get(presented.client_id());
        match self.server.verify(presented, client, None, at(NOW))? {
            Verifying::Proven(proven) => Ok(proven),
            Verifying::KeysWanted(_) => panic!("the keys are here"),
        }
    }

    pub(crate) fn read(&self, request: &Request<Vec<u8>>) -> Result<GrantRequest, Refusal> {
        let proven = self.prove(request)?;
        GrantRequest::read(proven, GrantType::ALL)
    }

    pub(crate) fn client(&self, id: &str) -> &RegisteredClient {
        &self.clients[id]
    }

    pub(crate) fn code(&self) -> CodeRequest {
        self.code_with(CODE, VERIFIER)
    }

    pub(crate) fn code_with(&self, code: &str, verifier: &str) -> CodeRequest {
        let params = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
        ];
        match self.read(&self.request(&params)).unwrap() {
            GrantRequest::AuthorizationCode(request) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn refresh(&self) -> RefreshRequest {
        let params = [("grant_type", "refresh_token"), ("refresh_token", REFRESH)];
        match self.read(&self.request(&params)).unwrap() {
            GrantRequest::RefreshToken(request) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn stored_code(&self, handle: Handle) -> Option<IssuedCode> {
        self.store.lock().unwrap().codes.get(&handle).cloned()
    }

    pub(crate) fn stored_token(&self, handle: Handle) -> Option<IssuedRefreshToken> {
        self.store.lock().unwrap().tokens.get(&handle).cloned()
    }

    /// Uses a code up, if nobody has.
    pub(crate) fn spend(&self, handle: &Handle) -> Spent {
        let mut store = self.store.lock().unwrap();
        match store.codes.get_mut(handle) {
            None => Spent::Failed,
            Some(code) if code.used => Spent::Before,
            Some(code) => {
                code.used = true;
                Spent::Now
            }
        }
    }

    /// Puts a successor in the place of a refresh token, if nobody has.
    pub(crate) fn replace(&self, handle: &Handle) -> Replaced {
        let mut store = self.store.lock().unwrap();
        match store.tokens.get_mut(handle) {
            None => Replaced::Failed,
            Some(token) => match token.state {
                RefreshState::Replaced { at } => Replaced::Before { at },
                RefreshState::Current => {
                    token.state = RefreshState::Replaced { at: at(NOW) };
                    Replaced::Now
                }
            },
        }
    }

    pub(crate) fn insert(&self, key: &ReplayKey) -> Inserted {
        match self.store.lock().unwrap().used.insert(key.clone()) {
            true => Inserted::First,
            false => Inserted::Again,
        }
    }

    pub(crate) fn pay(&self, owed: Owed<Granted>) -> Granted {
        owed.resolve_with(|key, _| self.insert(key)).unwrap()
    }

    /// Does what a refusal leaves to do.
    pub(crate) fn carry_out(&self, handle: Handle, then: Aftermath) {
        let mut store = self.store.lock().unwrap();
        let code = store.codes.get_mut(&handle).unwrap();
        match then {
            Aftermath::CountFailure => code.failures += 1,
            Aftermath::Burn => code.used = true,
            _ => {}
        }
    }
}
