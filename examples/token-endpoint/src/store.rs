//! What the server remembers. In memory here; each function is one statement of a database, and those that say *atomic*
//! have to be one.

use oidc_gate_core::{
    check::Check,
    client_auth::{Inserted, Owed, Refusal},
    grant::{
        Aftermath, Declined, Handle, IssuedCode, IssuedRefreshToken, RefreshState, Replaced, Spent,
        Standing,
    },
    secret::RefreshToken,
    time::UnixTime,
};
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a refresh token is good without being used.
pub(crate) const IDLE: Duration = Duration::from_secs(24 * 3600);

/// What everything belongs to that came of one consent: the handle of its code.
pub(crate) type Authorization = Handle;

#[derive(Clone)]
pub(crate) struct Refresh {
    pub(crate) issued: IssuedRefreshToken,
    pub(crate) authorization: Authorization,
    /// What took its place, for a client that never heard of it.
    pub(crate) successor: Option<RefreshToken>,
}

#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) claims: Map<String, Value>,
    pub(crate) expires: UnixTime,
    pub(crate) authorization: Option<Authorization>,
}

/// Nothing is ever thrown away but the ids of assertions: that is for a database to do.
#[derive(Default)]
pub(crate) struct Store(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    codes: HashMap<Handle, IssuedCode>,
    refresh_tokens: HashMap<Handle, Refresh>,
    access_tokens: HashMap<Handle, Access>,
    assertions: HashMap<[u8; 32], UnixTime>,
    revoked: HashSet<Authorization>,
}

impl Store {
    /// A lock that somebody held while failing is as good as before: no function leaves half of something.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_code(&self, code: Handle, issued: IssuedCode) {
        self.tables().codes.insert(code, issued);
    }

    pub(crate) fn add_refresh(&self, token: &RefreshToken, refresh: Refresh) {
        let handle = Handle::of(token.expose());
        self.tables().refresh_tokens.insert(handle, refresh);
    }

    pub(crate) fn add_access(&self, token: Handle, access: Access) {
        self.tables().access_tokens.insert(token, access);
    }

    pub(crate) fn code(&self, code: &Handle) -> Option<IssuedCode> {
        let tables = self.tables();
        let mut issued = tables.codes.get(code)?.clone();
        issued.standing = tables.standing(code);
        Some(issued)
    }

    pub(crate) fn refresh(&self, token: &Handle) -> Option<Refresh> {
        let tables = self.tables();
        let mut refresh = tables.refresh_tokens.get(token)?.clone();
        refresh.issued.standing = tables.standing(&refresh.authorization);
        Some(refresh)
    }

    /// A token that is worth something.
    pub(crate) fn access(&self, token: &Handle, now: UnixTime) -> Option<Access> {
        let tables = self.tables();
        let access = tables.access_tokens.get(token)?;
        let revoked = access
            .authorization
            .is_some_and(|it| tables.revoked.contains(&it));
        (now < access.expires && !revoked).then(|| access.clone())
    }

    /// Atomic: `update … set used = true where not used`.
    pub(crate) fn use_up(&self, code: &Handle) -> Spent {
        match self.tables().codes.get_mut(code) {
            None => Spent::Failed,
            Some(issued) if issued.used => Spent::Before,
            Some(issued) => {
                issued.used = true;
                Spent::Now
            }
        }
    }

    /// Atomic: `update … set successor = next where successor is null`, and the successor with it.
    pub(crate) fn replace(&self, token: &Handle, next: &RefreshToken, now: UnixTime) -> Replaced {
        let mut tables = self.tables();
        let Some(refresh) = tables.refresh_tokens.get_mut(token) else {
            return Replaced::Failed;
        };
        if let RefreshState::Replaced { at } = refresh.issued.state {
            return Replaced::Before { at };
        }
        let mut newest = refresh.clone();
        newest.issued.idle_until = now + IDLE;
        refresh.issued.state = RefreshState::Replaced { at: now };
        refresh.successor = Some(next.clone());
        tables
            .refresh_tokens
            .insert(Handle::of(next.expose()), newest);
        Replaced::Now
    }

    /// A refresh token that stays was used.
    pub(crate) fn touch(&self, token: &Handle, now: UnixTime) {
        if let Some(refresh) = self.tables().refresh_tokens.get_mut(token) {
            refresh.issued.idle_until = now + IDLE;
        }
    }

    /// What is owed to a request whose assertions are new. Atomic: `insert … on conflict do nothing`.
    pub(crate) fn once<T>(&self, owed: Owed<T>, now: UnixTime) -> Result<T, Refusal> {
        owed.resolve_with(|key, until| {
            let mut tables = self.tables();
            tables.assertions.retain(|_, until| now <= *until);
            match tables.assertions.insert(*key.as_bytes(), until) {
                None => Inserted::First,
                Some(_) => Inserted::Again,
            }
        })
    }

    /// Does what a refused request leaves to do, for the code or the refresh token that it came with.
    pub(crate) fn settle(&self, handle: &Handle, declined: Declined) -> Refusal {
        let mut tables = self.tables();
        let code = tables.codes.get_mut(handle);
        match (declined.then, code) {
            (Aftermath::CountFailure, Some(code)) => {
                code.failures = code.failures.saturating_add(1)
            }
            (Aftermath::Burn, Some(code)) => code.used = true,
            (Aftermath::RevokeGrant, Some(_)) => drop(tables.revoked.insert(*handle)),
            (Aftermath::RevokeGrant, None) => {
                let refresh = tables.refresh_tokens.get(handle);
                if let Some(authorization) = refresh.map(|refresh| refresh.authorization) {
                    tables.revoked.insert(authorization);
                }
            }
            // `Polled` is about devices, which there are none of.
            (Aftermath::Nothing | Aftermath::Polled { .. }, _) | (_, None) => {}
        }
        declined.refusal
    }
}

impl Tables {
    fn standing(&self, authorization: &Authorization) -> Standing {
        match self.revoked.contains(authorization) {
            true => Standing::Ended,
            false => Standing::Alive,
        }
    }
}

/// 256 random bits as text.
pub(crate) fn random() -> Result<String, Refusal> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Refusal::new(Check::ServerStore, "no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use oidc_gate_core::{
        client_auth::{Authenticator, MethodName, RegisteredMethod, Registration, Verifying},
        grant::{CodeRequest, GrantRequest, GrantType, ScopeSet},
        login::pkce,
        secret::CodeVerifier,
        url::Issuer,
    };

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    /// A request of the client `phone` with the code `code`.
    fn redemption() -> CodeRequest {
        let issuer = Issuer::parse("https://id.example").unwrap();
        let server = Authenticator::new(issuer, [MethodName::None]);
        let phone = Registration::new("phone", RegisteredMethod::None);
        let phone = server.register(phone).unwrap();
        let form = format!(
            "grant_type=authorization_code&client_id=phone&code=code&code_verifier={VERIFIER}"
        );
        let request = Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .unwrap();
        let presented = server.read(&request).unwrap();
        let Ok(Verifying::Proven(proven)) = server.verify(presented, Some(&phone), None, NOW)
        else {
            panic!("a public client has nothing to prove");
        };
        match GrantRequest::read(proven, GrantType::ALL) {
            Ok(GrantRequest::AuthorizationCode(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn with_a_code() -> (Store, Handle) {
        let (store, code) = (Store::default(), Handle::of("code"));
        let issued = IssuedCode {
            client_id: "phone".into(),
            redirect_uri: None,
            challenge: Some(pkce::challenge(&CodeVerifier::new(VERIFIER))),
            scopes: ScopeSet::parse("read").unwrap(),
            resources: Vec::new(),
            expires: NOW + IDLE,
            used: false,
            failures: 0,
            standing: Standing::Alive,
        };
        store.add_code(code, issued);
        (store, code)
    }

    #[test]
    fn of_two_that_have_both_been_checked_one_is_granted() {
        let (store, code) = with_a_code();
        let [first, second] = [redemption(), redemption()]
            .map(|request| request.check(store.code(&code).as_ref(), NOW).unwrap());
        assert!(first.resolve(store.use_up(&code)).is_ok());
        let declined = second.resolve(store.use_up(&code)).unwrap_err();
        assert_eq!(declined.refusal.check(), Check::GrantRace);
        store.settle(&code, declined);
        assert_eq!(store.code(&code).unwrap().standing, Standing::Ended);
    }

    #[test]
    fn a_code_that_came_too_often_with_a_wrong_verifier_is_used_up() {
        let (store, code) = with_a_code();
        for then in [
            Aftermath::CountFailure,
            Aftermath::CountFailure,
            Aftermath::Burn,
        ] {
            let refusal = Refusal::new(Check::GrantVerifierWrong, "");
            store.settle(&code, Declined { refusal, then });
        }
        let issued = store.code(&code).unwrap();
        assert_eq!((issued.failures, issued.used), (2, true));
    }

    #[test]
    fn a_refresh_token_has_one_successor() {
        let (store, token) = (Store::default(), RefreshToken::new("first"));
        let issued = IssuedRefreshToken {
            client_id: "phone".into(),
            scopes: ScopeSet::parse("read").unwrap(),
            resources: Vec::new(),
            idle_until: NOW,
            expires: NOW + IDLE,
            state: RefreshState::Current,
            standing: Standing::Alive,
            certificate: None,
        };
        let refresh = Refresh {
            issued,
            authorization: Handle::of("code"),
            successor: None,
        };
        store.add_refresh(&token, refresh);
        let handle = Handle::of("first");
        let replace = |next| store.replace(&handle, &RefreshToken::new(next), NOW);
        assert_eq!(replace("second"), Replaced::Now);
        assert_eq!(replace("third"), Replaced::Before { at: NOW });
        assert_eq!(
            store
                .refresh(&Handle::of("second"))
                .unwrap()
                .issued
                .idle_until,
            NOW + IDLE
        );
        assert!(store.refresh(&Handle::of("third")).is_none());
    }
}
