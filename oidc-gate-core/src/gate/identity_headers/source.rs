//! What a header says.

use super::{
    CallerTokens,
    text::{Shape, list, text},
};
use crate::{
    claims::ClaimPath,
    identity::{Identity, IdentityKind},
    secret::HeaderSecret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use serde_json::Value;
use std::borrow::Cow;

/// What a header says of a caller. Where there is nothing to say, the header is absent and not empty.
///
/// # Security
///
/// Of a [client](IdentityKind::Client) that has come with a token of its own, nothing is written that names a user: no subject,
/// address or name, no [`Basic`](Self::basic). A client can be registered under a user's subject, and a header does not
/// say which of the two it means. What it may do (groups, roles, claims) is written as a user's.
#[derive(Clone, Debug)]
pub struct HeaderSource(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A name that nobody else may use, and nothing to say.
    Nothing,
    /// The name that the user goes by, and the address that stands beside it. Which these are is settled last.
    User,
    AddressBesideUser,
    Subject,
    Issuer,
    Email,
    PreferredUsername,
    Name,
    Groups,
    Roles,
    Claim(ClaimPath),
    Text(String),
    Secret(HeaderSecret),
    Basic {
        user: User,
        password: HeaderSecret,
    },
    Token {
        which: Which,
        scheme: &'static str,
    },
    /// What was to be `Bearer`, and is no token.
    NoToken,
}

/// Who the user is, in a header that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Subject,
    Email,
}

/// Which token is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The one that came with the request.
    Presented,
    /// That one, or the session's access token.
    Access,
    /// That one, or the session's ID token.
    Id,
}

impl HeaderSource {
    /// The [subject](Identity::subject) of a user.
    ///
    /// # Security
    ///
    /// Two issuers may give one subject to two people
    /// ([OpenID Connect Core § 2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken): unique within the issuer).
    /// Where a gate accepts tokens of more than one, it cannot be built unless a header says the [issuer](Self::issuer) too.
    pub fn subject() -> Self {
        Self(Kind::Subject)
    }

    /// The [issuer](Identity::issuer) of the subject, exactly as it writes itself.
    pub fn issuer() -> Self {
        Self(Kind::Issuer)
    }

    /// The email address, if the provider [has checked it](Identity::verified_email): who reads a header goes by it.
    pub fn email() -> Self {
        Self(Kind::Email)
    }

    /// The [short name](Identity::preferred_username).
    pub fn preferred_username() -> Self {
        Self(Kind::PreferredUsername)
    }

    /// The [full name](Identity::name).
    pub fn name() -> Self {
        Self(Kind::Name)
    }

    /// The [groups](Identity::groups), as a list.
    pub fn groups() -> Self {
        Self(Kind::Groups)
    }

    /// The [roles](Identity::roles), as a list.
    pub fn roles() -> Self {
        Self(Kind::Roles)
    }

    /// A claim: a text, a number, `true` or `false`, or a list of those, as a list. Of what is nested deeper nothing is
    /// written: no two readers would agree on its form.
    ///
    /// # Security
    ///
    /// The claim `email` is the address whether it was checked or not.
    pub fn claim(place: impl Into<ClaimPath>) -> Self {
        Self(Kind::Claim(place.into()))
    }

    /// The same for every caller who is signed in.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Kind::Text(text.into()))
    }

    /// The same for every caller who is signed in, and known to nobody else: so the service behind knows that it was the
    /// gate that has written the other headers.
    pub fn secret(secret: HeaderSecret) -> Self {
        Self(Kind::Secret(secret))
    }

    /// `Basic` credentials ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)) for a service that knows no other: the
    /// subject, with one password for all. A `:` in a subject is written `%3A`.
    pub fn basic(password: HeaderSecret) -> Self {
        let user = User::Subject;
        Self(Kind::Basic { user, password })
    }

    /// The access token that the request itself has brought, for requests with a bearer token. Absent for whoever is signed
    /// in by a session.
    pub fn presented_token() -> Self {
        Self::token(Which::Presented)
    }

    /// An access token of every caller: the session's, for other services that are called in the user's name, or the one that
    /// the request itself has brought and was let in by.
    ///
    /// A session's is written only while it is good; one that ends is refreshed before, on
    /// every path that demands a login. Absent where there is none: the session keeps none, or the provider could not be asked.
    ///
    /// # Security
    ///
    /// Whoever reads it can act for the user wherever it is taken. Let it end at the service behind the gate.
    pub fn access_token() -> Self {
        Self::token(Which::Access)
    }

    /// The session's ID token, which says who the user is to services that check its signature themselves; or the token that the
    /// request itself has brought and was let in by. Absent where there is none, and once it is over.
    ///
    /// A session keeps one only where it is told to ([`KeepTokens::id`](crate::session::KeepTokens::id)).
    ///
    /// # Security
    ///
    /// It was issued for this application alone
    /// ([OpenID Connect Core § 2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)): a service that takes it has to
    /// be part of this application, and to check `aud`.
    pub fn id_token() -> Self {
        Self::token(Which::Id)
    }

    /// The same token with `Bearer ` in front of it, as `Authorization` has it
    /// ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)). Only tokens can be.
    #[must_use]
    pub fn as_bearer(self) -> Self {
        Self(match self.0 {
            Kind::Token { which, .. } => Kind::Token {
                which,
                scheme: "Bearer ",
            },
            _ => Kind::NoToken,
        })
    }

    fn token(which: Which) -> Self {
        let scheme = "";
        Self(Kind::Token { which, scheme })
    }

    /// The same where users go by their addresses.
    pub(super) fn by_address(self) -> Self {
        Self(match self.0 {
            Kind::User => Kind::Email,
            Kind::AddressBesideUser => Kind::Nothing,
            Kind::Basic { password, .. } => Kind::Basic {
                user: User::Email,
                password,
            },
            other => other,
        })
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let printable = |text: &str| text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let trimmed = |text: &str| !text.is_empty() && text.trim() == text && printable(text);
        match &self.0 {
            Kind::Claim(place) if !place.is_fit() => Some(
                "names no claim; give the names of the levels from the outside, none of them empty",
            ),
            Kind::Text(text) if !trimmed(text) => {
                Some("is no text for a header; printable ASCII without spaces at its ends is one")
            }
            // Without the text, which is the secret.
            Kind::Secret(secret) if !trimmed(secret.expose()) => {
                Some("is no secret for a header; printable ASCII without spaces at its ends is one")
            }
            // RFC 7617 § 2 bans control characters, and an empty password protects nothing.
            Kind::Basic { password, .. }
                if password.expose().is_empty()
                    || password.expose().chars().any(char::is_control) =>
            {
                Some("has no password fit for Basic; give one without control characters")
            }
            Kind::NoToken => Some("says Bearer and no token; only a token is written so"),
            _ => None,
        }
    }

    /// Whether it is the subject that a service would go by.
    pub(super) fn is_subject(&self) -> bool {
        let user = User::Subject;
        matches!(&self.0, Kind::User | Kind::Subject)
            || matches!(&self.0, Kind::Basic { user: by, .. } if *by == user)
    }

    /// Whether it says who somebody is, which a user's token alone does.
    fn names_a_user(&self) -> bool {
        match &self.0 {
            Kind::User
            | Kind::AddressBesideUser
            | Kind::Subject
            | Kind::Email
            | Kind::PreferredUsername
            | Kind::Name
            | Kind::Basic { .. } => true,
            Kind::Nothing
            | Kind::Issuer
            | Kind::Groups
            | Kind::Roles
            | Kind::Claim(_)
            | Kind::Text(_)
            | Kind::Secret(_)
            | Kind::NoToken
            | Kind::Token { .. } => false,
        }
    }

    /// What it says of this caller, of whom these tokens are at hand.
    pub(super) fn value(&self, caller: &Identity, tokens: CallerTokens<'_>) -> Option<HeaderValue> {
        let plain = |text: Option<String>| HeaderValue::try_from(text?).ok();
        let one = |said: Option<&str>| plain(text(Shape::Text, said?));
        if caller.kind() == IdentityKind::Client && self.names_a_user() {
            return None;
        }
        match &self.0 {
            Kind::Nothing | Kind::NoToken => None,
            Kind::User | Kind::Subject => one(Some(caller.subject())),
            Kind::Issuer => one(Some(caller.issuer())),
            Kind::AddressBesideUser | Kind::Email => one(caller.verified_email()),
            Kind::PreferredUsername => one(caller.preferred_username()),
            Kind::Name => one(caller.name()),
            Kind::Groups => plain(list(caller.groups())),
            Kind::Roles => plain(list(caller.roles())),
            Kind::Claim(place) => plain(list(claim(place.find(caller.claims())?))),
            Kind::Text(text) => HeaderValue::from_str(text).ok(),
            Kind::Secret(secret) => sensitive(secret.expose()),
            Kind::Basic { user, password } => {
                let user = match user {
                    User::Subject => Some(caller.subject()),
                    User::Email => caller.verified_email(),
                };
                let user = text(Shape::UserId, user?)?;
                let pair = format!("{user}:{}", password.expose());
                sensitive(&format!("Basic {}", STANDARD.encode(pair)))
            }
            Kind::Token { which, scheme } => {
                sensitive(&format!("{scheme}{}", tokens.expose(*which)?))
            }
        }
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The texts of a claim. One text alone is a list of one, so that nobody can write a text that looks like a list.
fn claim(value: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    let (one, many) = match value {
        Value::Array(many) => (None, Some(many)),
        one => (Some(one), None),
    };
    one.into_iter()
        .chain(many.into_iter().flatten())
        .filter_map(|item| match item {
            Value::String(text) => Some(Cow::Borrowed(&**text)),
            Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(item.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
}
