//! What a believed ID token says.

use crate::identity::{Identity, IdentityBuilder};
use crate::time::UnixTime;
use serde_json::{Map, Value};
use std::fmt;

/// The claims of an ID token that passed every check. There is no other way to get one.
pub struct IdTokenClaims {
    claims: Map<String, Value>,
    expires_at: UnixTime,
    issued_at: UnixTime,
    auth_time: Option<UnixTime>,
}

/// Where a session's ID tokens come from: what the first one said and every refreshed one has to say again
/// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever keeps it has to keep all of it"
)]
pub struct IdTokenOrigin {
    /// Who issued it.
    pub issuer: String,
    /// Whom it is about.
    pub subject: String,
    /// For whom it is meant.
    pub audiences: Vec<String>,
    /// To whom it was issued, where it said so.
    pub authorized_party: Option<String>,
    /// When it was made.
    pub issued_at: UnixTime,
    /// When the user proved who it is, where it said so.
    pub auth_time: Option<UnixTime>,
}

impl IdTokenClaims {
    pub(super) fn new(
        claims: Map<String, Value>,
        expires_at: UnixTime,
        issued_at: UnixTime,
        auth_time: Option<UnixTime>,
    ) -> Self {
        Self {
            claims,
            expires_at,
            issued_at,
            auth_time,
        }
    }

    /// What every later ID token of the same sign-in has to agree with; to be kept with the session.
    pub fn origin(&self) -> IdTokenOrigin {
        let audiences = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect(),
            _ => Vec::new(),
        };
        IdTokenOrigin {
            issuer: self.issuer().to_owned(),
            subject: self.subject().to_owned(),
            audiences,
            authorized_party: self.text("azp").map(str::to_owned),
            issued_at: self.issued_at,
            auth_time: self.auth_time,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Who issued the token.
    pub fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// Whom it is about.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// The user's session at the provider, for its logout
    /// ([Back-Channel Logout § 2.1](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCSupport)).
    pub fn sid(&self) -> Option<&str> {
        self.text("sid")
    }

    /// When the user proved who it is.
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.auth_time
    }

    /// The authentication context class.
    pub fn acr(&self) -> Option<&str> {
        self.text("acr")
    }

    /// The authentication methods.
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        let list = self.claims.get("amr").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// When the token stops being valid.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When the token was made.
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// Every claim, as it was signed.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The user these claims are about.
    ///
    /// `provider` is the configured one's id, empty for the unnamed. Groups are read at `groups_path`, member by member
    /// from the outside: a list of texts, or one text. `scopes` are the granted ones, separated by spaces.
    ///
    /// 1. A claim that the identity has a place for is moved there if it has exactly the type that the specification
    ///    gives it; otherwise it stays among the claims, so that nothing is lost and nothing is guessed. `email_verified`
    ///    counts if it is `true`; the text `"true"` is not.
    /// 2. `nonce`, `at_hash`, `c_hash` and `s_hash` have done their work and are dropped.
    pub fn into_identity(self, provider: &str, groups_path: &[String], scopes: &str) -> Identity {
        let mut claims = self.claims;
        for done in ["nonce", "at_hash", "c_hash", "s_hash"] {
            claims.remove(done);
        }
        let mut take = |name| take_text(&mut claims, name).unwrap_or_default();
        let mut identity = Identity::builder(take("iss"), take("sub"));
        if !provider.is_empty() {
            identity = identity.provider(provider);
        }
        if let Some(name) = take_text(&mut claims, "name") {
            identity = identity.name(name);
        }
        if let Some(name) = take_text(&mut claims, "preferred_username") {
            identity = identity.preferred_username(name);
        }
        if let Some(acr) = take_text(&mut claims, "acr") {
            identity = identity.acr(acr);
        }
        identity = with_email(identity, &mut claims);
        identity = with_groups(identity, &mut claims, groups_path);
        for method in take_list(&mut claims, "amr") {
            identity = identity.amr(method);
        }
        if let Some(time) = self.auth_time {
            identity = identity.auth_time(time);
            if claims.get("auth_time").is_some_and(Value::is_u64) {
                claims.remove("auth_time");
            }
        }
        for scope in scopes.split_ascii_whitespace() {
            identity = identity.scope(scope);
        }
        for (name, value) in claims {
            identity = identity.claim(name, value);
        }
        identity.build()
    }
}

fn with_email(identity: IdentityBuilder, claims: &mut Map<String, Value>) -> IdentityBuilder {
    let Some(email) = take_text(claims, "email") else {
        return identity;
    };
    match claims.get("email_verified") {
        Some(Value::Bool(true)) => {
            claims.remove("email_verified");
            identity.email(email)
        }
        Some(Value::Bool(false)) => {
            claims.remove("email_verified");
            identity.unverified_email(email)
        }
        _ => identity.unverified_email(email),
    }
}

fn with_groups(
    mut identity: IdentityBuilder,
    claims: &mut Map<String, Value>,
    path: &[String],
) -> IdentityBuilder {
    // Only the claim of that very name can be given back by the identity as it was.
    if let [name] = path
        && name == "groups"
    {
        let groups = take_list(claims, name);
        if !groups.is_empty() {
            return groups.iter().fold(identity, IdentityBuilder::group);
        }
    }
    let Some((first, rest)) = path.split_first() else {
        return identity;
    };
    let found = rest
        .iter()
        .try_fold(claims.get(first), |value, name| Some(value?.get(name)))
        .flatten();
    match found {
        Some(Value::String(one)) => identity.group(one),
        Some(Value::Array(many)) => {
            for group in many.iter().filter_map(Value::as_str) {
                identity = identity.group(group);
            }
            identity
        }
        _ => identity,
    }
}

/// A claim that is text, taken out; anything else stays.
fn take_text(claims: &mut Map<String, Value>, name: &str) -> Option<String> {
    match claims.get_mut(name) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            claims.remove(name);
            Some(text)
        }
        _ => None,
    }
}

/// A claim that is a list of texts, taken out; anything else stays, and so does a list that an identity could not give
/// back as it was: an empty one, or one with an empty text or a control character in it.
fn take_list(claims: &mut Map<String, Value>, name: &str) -> Vec<String> {
    let whole = |item: &Value| {
        item.as_str()
            .is_some_and(|text| !text.is_empty() && !text.contains(char::is_control))
    };
    match claims.get(name) {
        Some(Value::Array(items)) if !items.is_empty() && items.iter().all(whole) => {}
        _ => return vec![],
    }
    let Some(Value::Array(items)) = claims.remove(name) else {
        return vec![];
    };
    let text = |item| match item {
        Value::String(text) => Some(text),
        _ => None,
    };
    items.into_iter().filter_map(text).collect()
}

impl fmt::Debug for IdTokenClaims {
    // Claims are personal data: their names are enough for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.claims.keys()).finish()
    }
}
