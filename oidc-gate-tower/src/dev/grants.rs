//! What each grant finds in memory, and what it leaves there.

use super::{
    DevProvider, Fault, Habit, LogoutHabit,
    state::{Access, Key, Login, Refresh, State, key, new_handle},
    token::{Minted, Occasion, no_randomness},
};
use crate::{
    Identity,
    core::{
        check::Check,
        client_auth::{Authenticator, Owed, Refusal},
        grant::{
            Aftermath, CodeRequest, Declined, DeviceRequest, ExchangeRequest, Granted, Handle,
            IssuedRefreshToken, JwtBearerRequest, PresentedToken, RefreshRequest, RefreshState,
            Refreshing, Replaced, Rotated, Spend, Spent, TokenType, ValidToken,
        },
        secret::RefreshToken,
        time::UnixTime,
    },
};
use bytes::Bytes;
use http::Response;
use std::time::Duration;

/// How long a refresh token lives without being used, and altogether.
const REFRESH_IDLE: Duration = Duration::from_secs(24 * 3600);
const REFRESH_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);

impl DevProvider {
    /// What is granted once every assertion of the request is known to be new.
    pub(super) fn once<T>(&self, owed: Owed<T>) -> Result<T, Refusal> {
        let now = self.now();
        owed.resolve_with(|key, until| self.state().insert_once(key, until, now))
    }

    pub(super) fn redeem_code(&self, request: CodeRequest) -> Result<Response<Bytes>, Refusal> {
        let (handle, now) = (request.handle(), self.now());
        let mut state = self.state();
        let code = state.codes.get(handle.as_bytes());
        let checked = request.check(code.map(|code| &code.issued), now);
        let (owed, login) = spend(&mut state, &handle, checked, now, |state| {
            let code = state.codes.get_mut(handle.as_bytes())?;
            code.issued.used = true;
            Some(code.login.clone())
        })?;
        drop(state);
        let granted = self.once(owed)?;
        let sid = login.session.sid.clone();
        let mut answer = self.mint_for_login(granted, login)?;
        if self.does_at_logout(LogoutHabit::BeforeRedemption) {
            let ended = self.end_sessions(|_, other| other == sid);
            answer.extensions_mut().insert(ended);
        }
        Ok(answer)
    }

    pub(super) fn redeem_device_code(
        &self,
        request: DeviceRequest,
    ) -> Result<Response<Bytes>, Refusal> {
        let (handle, now) = (request.handle(), self.now());
        let mut state = self.state();
        let device = state.device_codes.get(handle.as_bytes());
        let checked = request.check(device.map(|device| &device.issued), now);
        let (owed, login) = spend(&mut state, &handle, checked, now, |state| {
            let device = state.device_codes.get_mut(handle.as_bytes())?;
            device.issued.used = true;
            device.login.clone()
        })?;
        drop(state);
        let granted = self.once(owed)?;
        self.mint_for_login(granted, login)
    }

    /// The tokens of a login, with a refresh token if it was asked for
    /// ([OpenID Connect Core § 11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess)).
    fn mint_for_login(&self, granted: Granted, login: Login) -> Result<Response<Bytes>, Refusal> {
        let now = self.now();
        let asked =
            granted.scopes().contains("offline_access") || self.does(Habit::RefreshTokenUnasked);
        let issued = IssuedRefreshToken::of(&granted, now + REFRESH_IDLE, now + REFRESH_LIFE);
        let refresh = match issued.filter(|_| asked) {
            None => None,
            Some(issued) => {
                let token = RefreshToken::new(new_handle().map_err(|_| no_randomness())?);
                self.keep(&token, issued, &login);
                Some(token)
            }
        };
        let minted = Minted {
            grant: login.grant,
            user: None,
            login: Some(login),
            refresh,
            occasion: Occasion::Grant,
        };
        self.mint(granted, minted)
    }

    fn keep(&self, token: &RefreshToken, issued: IssuedRefreshToken, login: &Login) {
        let entry = Refresh {
            issued,
            login: login.clone(),
            successor: None,
        };
        self.state()
            .refresh_tokens
            .insert(key(token.expose()), entry);
    }

    pub(super) fn refresh(&self, request: RefreshRequest) -> Result<Response<Bytes>, Refusal> {
        if self.has(Fault::RefreshRefused) {
            let cause = "every refresh token is refused";
            return Err(Refusal::new(Check::GrantEnded, cause));
        }
        let (handle, presented) = (request.handle(), request.token().clone());
        let now = self.now();
        let same = self.does(Habit::SameRefreshToken);
        let next = RefreshToken::new(new_handle().map_err(|_| no_randomness())?);
        let mut state = self.state();
        let known = state.refresh_tokens.get(handle.as_bytes());
        let policy = self.shared.refresh_policy;
        let got = request.check(known.map(|known| &known.issued), policy, now);
        let refreshing = got.map_err(|declined| settle(&mut state, &handle, declined, now))?;
        let Some(known) = state.refresh_tokens.get_mut(handle.as_bytes()) else {
            let cause = "what was just there is gone";
            return Err(Refusal::new(Check::ServerStore, cause));
        };
        let login = known.login.clone();
        let (owed, token) = match refreshing {
            Refreshing::Keep(owed) => {
                known.issued.idle_until = now + REFRESH_IDLE;
                (owed, Some(presented).filter(|_| same))
            }
            Refreshing::Repeat(owed) => (owed, known.successor.clone()),
            Refreshing::Rotate(rotate) => {
                // The lock is held since the token was looked at: nobody was faster.
                match rotate.resolve(Replaced::Now) {
                    Ok(Rotated::New(owed) | Rotated::Repeat(owed)) => {
                        let issued = IssuedRefreshToken {
                            idle_until: now + REFRESH_IDLE,
                            ..known.issued.clone()
                        };
                        known.issued.state = RefreshState::Replaced { at: now };
                        known.successor = Some(next.clone());
                        let successor = Refresh {
                            issued,
                            login: login.clone(),
                            successor: None,
                        };
                        state.refresh_tokens.insert(key(next.expose()), successor);
                        (owed, Some(next))
                    }
                    Err(declined) => return Err(settle(&mut state, &handle, declined, now)),
                }
            }
        };
        drop(state);
        let granted = self.once(owed)?;
        let minted = Minted {
            grant: login.grant,
            user: None,
            login: Some(login),
            refresh: token,
            occasion: Occasion::Refresh,
        };
        self.mint(granted, minted)
    }

    pub(super) fn believe_assertion(
        &self,
        server: &Authenticator,
        request: JwtBearerRequest,
    ) -> Result<Response<Bytes>, Refusal> {
        let trusted = request.issuer().and_then(|issuer| {
            let mut all = self.shared.trusted.iter();
            all.find(|trusted| trusted.issuer == issuer)
        });
        let granted = self.once(request.check(server, trusted, self.now())?)?;
        let user = granted.subject().map(|subject| self.user_of(subject));
        self.mint(
            granted,
            Minted {
                user,
                ..Minted::for_client()?
            },
        )
    }

    pub(super) fn exchange(&self, request: ExchangeRequest) -> Result<Response<Bytes>, Refusal> {
        if request.requested() != TokenType::AccessToken {
            let cause = "only access tokens are made here";
            return Err(Refusal::new(Check::GrantTokenType, cause));
        }
        let now = self.now();
        let subject = self.look_up(request.subject());
        let actor = request.actor().and_then(|actor| self.look_up(actor));
        let valid = |found: &Option<Access>| found.as_ref().map(valid);
        let checked = request.check(valid(&subject).as_ref(), valid(&actor).as_ref(), now)?;
        let granted = self.once(checked)?;
        // What came of an authorization ends with it, and is about the same user: a name alone could be anybody's.
        let (user, grant) = match subject {
            Some(access) => (access.user, access.grant),
            None => (None, Minted::for_client()?.grant),
        };
        self.mint(
            granted,
            Minted {
                login: None,
                user,
                grant,
                refresh: None,
                occasion: Occasion::Grant,
            },
        )
    }

    fn user_of(&self, subject: &str) -> Identity {
        self.find(subject)
            .unwrap_or_else(|| Identity::builder("", subject).build())
    }

    /// What is known of a token of this provider's.
    fn look_up(&self, token: &PresentedToken) -> Option<Access> {
        match token.kind {
            TokenType::AccessToken => {
                let key = key(token.token.expose());
                self.state().access_tokens.get(&key).cloned()
            }
            _ => None,
        }
    }
}

fn valid(access: &Access) -> ValidToken {
    ValidToken {
        subject: match &access.user {
            Some(user) => user.subject().to_owned(),
            None => access.client_id.clone(),
        },
        parties: vec![access.client_id.clone()],
        scopes: access.scope.clone(),
        expires: access.expires,
        may_act: Vec::new(),
        actors: 0,
        certificate: access.certificate.clone(),
    }
}

/// Uses up what passed every check. The lock is held since it was looked at, which makes both one step; `mark` notes it and
/// says whose login it was.
fn spend(
    state: &mut State,
    handle: &Handle,
    checked: Result<Spend, Declined>,
    now: UnixTime,
    mark: impl FnOnce(&mut State) -> Option<Login>,
) -> Result<(Owed<Granted>, Login), Refusal> {
    let spend = checked.map_err(|declined| settle(state, handle, declined, now))?;
    let login = mark(state)
        .ok_or_else(|| Refusal::new(Check::ServerStore, "what was just there is gone"))?;
    match spend.resolve(Spent::Now) {
        Ok(owed) => Ok((owed, login)),
        Err(declined) => Err(settle(state, handle, declined, now)),
    }
}

/// Does what a refused request leaves to do.
fn settle(state: &mut State, handle: &Handle, declined: Declined, now: UnixTime) -> Refusal {
    let at = handle.as_bytes();
    match declined.then {
        Aftermath::Nothing => {}
        Aftermath::CountFailure => {
            if let Some(code) = state.codes.get_mut(at) {
                code.issued.failures += 1;
            }
        }
        Aftermath::Burn => drop(state.codes.remove(at)),
        Aftermath::RevokeGrant => {
            for grant in grants_of(state, at) {
                state.revoke(&grant);
            }
        }
        Aftermath::Polled { interval } => {
            if let Some(device) = state.device_codes.get_mut(at) {
                device.issued.polled = Some(now);
                device.issued.interval = interval;
            }
        }
    }
    declined.refusal
}

fn grants_of(state: &State, at: &Key) -> Vec<Key> {
    let code = state.codes.get(at).map(|code| code.login.grant);
    let refresh = state
        .refresh_tokens
        .get(at)
        .map(|refresh| refresh.login.grant);
    let device = state.device_codes.get(at).map(|device| device.grant);
    code.into_iter().chain(refresh).chain(device).collect()
}
