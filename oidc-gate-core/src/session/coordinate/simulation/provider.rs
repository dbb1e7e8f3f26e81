//! A provider that rotates refresh tokens, or does not.

use super::setting::Rotation;
use crate::form::Form;
use http::{Response, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const ISSUER: &str = "https://id.example";
pub(super) const USERINFO: &str = "https://id.example/userinfo";

#[derive(Debug)]
pub(super) struct Provider {
    rotation: Rotation,
    /// How long an access token lives, in seconds.
    life: u64,
    refresh: BTreeMap<String, Refresh>,
    access: BTreeMap<String, Access>,
    /// What came of each login.
    pub(super) logins: Vec<Login>,
    issued: u64,
}

#[derive(Debug)]
struct Refresh {
    login: usize,
    used: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) login: usize,
    /// In milliseconds.
    pub(super) until: u64,
}

#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: usize,
    pub(super) good: Good,
}

/// Whether what came of a login is worth anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Good {
    Yes,
    /// The user is not welcome any more.
    Revoked,
    /// A refresh token came twice.
    Reused,
}

/// What became of a refresh token that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It was redeemed, for the first time.
    Redeemed,
    /// It had been redeemed before.
    Again,
    /// It is worth nothing, and never was redeemed.
    Worthless,
}

/// An answer of the token endpoint.
pub(super) struct Answer {
    pub(super) token: String,
    pub(super) login: usize,
    pub(super) came: Came,
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Provider {
    pub(super) fn new(rotation: Rotation, life: u64) -> Self {
        Self {
            rotation,
            life,
            refresh: BTreeMap::new(),
            access: BTreeMap::new(),
            logins: Vec::new(),
            issued: 0,
        }
    }

    /// Somebody has logged in: what the token endpoint answers to the code.
    pub(super) fn log_in(&mut self, user: usize, now: u64) -> (usize, String) {
        let login = self.logins.len();
        let good = Good::Yes;
        self.logins.push(Login { user, good });
        (login, self.issue(login, true, now))
    }

    fn issue(&mut self, login: usize, with_refresh: bool, now: u64) -> String {
        self.issued += 1;
        let issued = self.issued;
        let access = format!("at.{login}.{issued}");
        let until = now + self.life * 1000;
        self.access.insert(access.clone(), Access { login, until });
        let mut body = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": self.life, "scope": "openid",
        });
        if with_refresh {
            let refresh = format!("rt.{login}.{issued}");
            let used = false;
            self.refresh
                .insert(refresh.clone(), Refresh { login, used });
            body["refresh_token"] = refresh.into();
        }
        body.to_string()
    }

    /// A refresh token comes.
    pub(super) fn refreshed(&mut self, form: &[u8], now: u64) -> Answer {
        let mut form = Form::parse(form).expect("a client writes forms");
        assert_eq!(form.take("grant_type").as_deref(), Some("refresh_token"));
        let token = form.take("refresh_token").expect("there is one");
        let refresh = (self.refresh.get_mut(&*token)).expect("no gate makes one up");
        let login = refresh.login;
        let good = self.logins[login].good;
        let again = refresh.used && self.rotation != Rotation::Never;
        if again && self.rotation == Rotation::Strict && good == Good::Yes {
            self.logins[login].good = Good::Reused;
        }
        let came = match good {
            _ if again => Came::Again,
            Good::Yes => Came::Redeemed,
            Good::Revoked | Good::Reused => Came::Worthless,
        };
        let (status, body) = if came == Came::Redeemed {
            refresh.used = true;
            let rotates = self.rotation != Rotation::Never;
            (StatusCode::OK, self.issue(login, rotates, now))
        } else {
            let body = json!({"error": "invalid_grant"}).to_string();
            (StatusCode::BAD_REQUEST, body)
        };
        Answer {
            token,
            login,
            came,
            status,
            body,
        }
    }

    /// Who an access token is about, as userinfo says it.
    pub(super) fn userinfo(&self, access: &str) -> Option<String> {
        let login = self.access.get(access)?.login;
        let user = self.logins[login].user;
        Some(json!({"sub": subject(user), "department": "R&D"}).to_string())
    }

    pub(super) fn access(&self, token: &str) -> Option<Access> {
        self.access.get(token).copied()
    }

    /// The user is not welcome any more.
    pub(super) fn revoke(&mut self, user: usize) {
        for login in self.logins.iter_mut().filter(|login| login.user == user) {
            login.good = Good::Revoked;
        }
    }
}

pub(super) fn subject(user: usize) -> String {
    format!("user-{user}")
}

/// What the provider calls a session of its own.
pub(super) fn sid(session: usize) -> String {
    format!("sid-{session}")
}

pub(super) fn response(status: StatusCode, body: String) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    response
}
