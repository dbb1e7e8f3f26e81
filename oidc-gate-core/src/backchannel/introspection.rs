//! What a token is worth ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).

use super::{AskError, Faults, Fields, Question, object, text};
use crate::{
    check::CheckFailed,
    provider::Endpoint,
    secret::{AccessToken, RefreshToken},
    time::UnixTime,
};
use http::Response;
use serde_json::{Map, Value};

/// Whether a token is good, and what for ([RFC 7662 § 2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1)).
#[derive(Clone, Debug)]
pub struct IntrospectionRequest(Fields);

impl IntrospectionRequest {
    /// Whether this access token is good.
    pub fn access_token(token: &AccessToken) -> Self {
        Self::of(token.expose(), "access_token")
    }

    /// Whether this refresh token is good.
    pub fn refresh_token(token: &RefreshToken) -> Self {
        Self::of(token.expose(), "refresh_token")
    }

    fn of(token: &str, hint: &str) -> Self {
        Self(
            Fields::new(&["token", "token_type_hint"])
                .with("token", token)
                .with("token_type_hint", hint),
        )
    }
}

/// What a server says of a token ([RFC 7662 § 2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)). The server vouches
/// for it; whether the token is for whoever asks (`aud`, `scope`) is still to be looked at.
///
/// `Debug` shows names and no values: they may be about a user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether the token is good now. If it is not, there is nothing else.
    pub active: bool,
    /// What it is good for, separated by spaces.
    pub scope: Option<Box<str>>,
    /// Who was given it.
    pub client_id: Option<Box<str>>,
    /// Who it stands for, as a person reads it.
    pub username: Option<Box<str>>,
    /// `Bearer`, `DPoP`, …
    pub token_type: Option<Box<str>>,
    /// When it expires.
    pub exp: Option<UnixTime>,
    /// When it was issued.
    pub iat: Option<UnixTime>,
    /// From when on it is good.
    pub nbf: Option<UnixTime>,
    /// Who it stands for.
    pub sub: Option<Box<str>>,
    /// Whom it is for.
    pub aud: Vec<Box<str>>,
    /// Who issued it.
    pub iss: Option<Box<str>>,
    /// Its own name.
    pub jti: Option<Box<str>>,
    /// Everything else, `cnf` among it.
    pub others: Map<String, Value>,
}

impl Question for IntrospectionRequest {
    type Answer = Introspection;

    fn endpoint(&self) -> Endpoint {
        Endpoint::Introspection
    }

    fn fields(&self) -> &Fields {
        &self.0
    }

    fn read(&self, response: &Response<Vec<u8>>) -> Result<Introspection, AskError> {
        let mut answer = object(Endpoint::Introspection, response, "active")?;
        let active = match answer.remove("active") {
            Some(Value::Bool(active)) => active,
            // "true" is not true: what is guessed here lets somebody in.
            _ => {
                return Err(FAULTS
                    .malformed("`active` is neither true nor false")
                    .into());
            }
        };
        // What is said of a token that is not good could be taken for something it is good for.
        let mut members = if active { answer } else { Map::new() };
        let mut text =
            |name| text(FAULTS, &mut members, name).map(|t| t.map(String::into_boxed_str));
        Ok(Introspection {
            active,
            scope: text("scope")?,
            client_id: text("client_id")?,
            username: text("username")?,
            token_type: text("token_type")?,
            sub: text("sub")?,
            iss: text("iss")?,
            jti: text("jti")?,
            exp: time(&mut members, "exp")?,
            iat: time(&mut members, "iat")?,
            nbf: time(&mut members, "nbf")?,
            aud: audience(&mut members)?,
            others: members,
        })
    }
}

const FAULTS: Faults = Faults(Endpoint::Introspection);

fn time(members: &mut Map<String, Value>, name: &str) -> Result<Option<UnixTime>, CheckFailed> {
    let secs = match members.remove(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64().filter(|secs| *secs >= 0.0),
        Some(_) => None,
    };
    let wrong = || FAULTS.malformed(&format!("`{name}` is not a time"));
    secs.map(|secs| Some(UnixTime::from_secs(secs as u64)))
        .ok_or_else(wrong)
}

/// One, or a list of them.
fn audience(members: &mut Map<String, Value>) -> Result<Vec<Box<str>>, CheckFailed> {
    let texts = match members.remove("aud") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(one)) => Some(vec![one.into()]),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(Box::from));
            texts.collect()
        }
        Some(_) => None,
    };
    texts.ok_or_else(|| FAULTS.malformed("`aud` is neither text nor a list of texts"))
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let others: Vec<_> = self.others.keys().collect();
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("scope", &self.scope)
            .field("exp", &self.exp)
            .field("others", &others)
            .finish_non_exhaustive()
    }
}
