//! What a provider can get wrong, or do differently, when it tells its clients that a session has ended.

use super::{
    DevProvider,
    bad_claims::{SOMEBODY_ELSE, WRONG_ISSUER},
    bad_signature::compact,
    fault::listed,
    token::TOKEN_LIFE,
};
use crate::core::jose::{SigningError, SigningKey};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

listed! {
/// Something that is wrong with the logout tokens of a provider
/// ([OpenID Connect Back-Channel Logout § 2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)): a
/// client takes none of them, answers 400 and ends nothing.
///
/// Logins see nothing of it. A fault stays on until [`clear_faults`](super::DevProvider::clear_faults); several may be on at
/// once.
///
/// ```
/// use oidc_gate_tower::dev::{DevProvider, LogoutFault};
/// let provider = DevProvider::demo();
/// for fault in LogoutFault::all() {
///     provider.logout_fault(fault);
/// }
/// provider.clear_faults();
/// ```
LogoutFault, ALL {
    /// `alg` is `none`, and there is no signature.
    Unsigned,
    /// The signature does not fit.
    InvalidSignature,
    /// Signed with a key that is not published, under the name of one that is.
    WrongKey,
    /// Signed with a key that is not published, under its own name.
    UnknownKey,
    /// `typ` is `at+jwt`: an access token in other clothes.
    AccessTokenType,
    /// `iss` names another issuer.
    WrongIssuer,
    /// There is no `iss`.
    MissingIssuer,
    /// `aud` names another client.
    WrongAudience,
    /// There is no `aud`.
    MissingAudience,
    /// Issued two hours ago, expired an hour ago.
    Expired,
    /// Issued half an hour from now.
    FutureIssuedAt,
    /// There is no `iat`.
    MissingIssuedAt,
    /// There is no `jti`.
    MissingId,
    /// There is a `nonce`, as in an ID token.
    Nonce,
    /// There are no `events`.
    MissingEvents,
    /// `events` has another member than that of a logout.
    WrongEvent,
    /// `events` is a text and no object.
    InvalidEvents,
    /// There is neither `sub` nor `sid`.
    Nobody,
}
}

listed! {
/// Something that some providers do at a logout and others do not. None is a mistake by itself.
///
/// Logins see nothing of it, but for [`BeforeRedemption`](Self::BeforeRedemption). A habit stays on until
/// [`drop_habits`](super::DevProvider::drop_habits); several may be on at once.
///
/// ```
/// use oidc_gate_tower::dev::{DevProvider, LogoutHabit};
/// let provider = DevProvider::demo();
/// provider.logout_habit(LogoutHabit::SubjectOnly);
/// provider.drop_habits();
/// ```
LogoutHabit, ALL {
    /// Logout tokens name the user (`sub`) and no session (`sid`), and a client gets one of them for all of the user's
    /// sessions. Together with [`SessionOnly`](Self::SessionOnly), both are named again.
    SubjectOnly,
    /// Logout tokens name the session (`sid`) and no user (`sub`).
    SessionOnly,
    /// Logout tokens have no `exp`, as in the drafts before the specification was final.
    MissingExpiry,
    /// `typ` is `JWT`. The specification recommends `logout+jwt` and demands neither.
    PlainType,
    /// There is no `typ`. Together with [`PlainType`](Self::PlainType), there is none either.
    MissingType,
    /// `aud` is a list with one member.
    AudienceList,
    /// Logout tokens have members that nobody has heard of.
    UnknownMembers,
    /// The form is `application/x-www-form-urlencoded; charset=UTF-8`.
    Charset,
    /// Each token is sent twice, one after the other, as if the first answer had been lost. A client may refuse the second.
    Twice,
    /// The session ends while a code is redeemed: its client is told before it has the tokens. The login that comes of it is
    /// one of a session that is over.
    BeforeRedemption,
}
}

impl LogoutFault {
    /// Every fault there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }
}

impl LogoutHabit {
    /// Every habit there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }
}

impl DevProvider {
    /// Switches a fault of logout tokens on. It stays until [`clear_faults`](Self::clear_faults).
    pub fn logout_fault(&self, fault: LogoutFault) {
        self.state().logouts.faults.insert(fault);
    }

    /// Takes on a habit of logouts. It stays until [`drop_habits`](Self::drop_habits).
    pub fn logout_habit(&self, habit: LogoutHabit) {
        self.state().logouts.habits.insert(habit);
    }

    pub(super) fn does_at_logout(&self, habit: LogoutHabit) -> bool {
        self.state().logouts.habits.contains(&habit)
    }

    /// Does to a logout token's claims what the habits and faults say.
    pub(super) fn spoil_logout_claims(&self, claims: &mut Map<String, Value>) {
        let now = self.now();
        let (faults, habits) = {
            let logouts = &self.state().logouts;
            (logouts.faults.clone(), logouts.habits.clone())
        };
        for habit in habits {
            match habit {
                LogoutHabit::MissingExpiry => drop(claims.remove("exp")),
                LogoutHabit::AudienceList => {
                    if let Some(audience) = claims.get_mut("aud") {
                        *audience = json!([audience.take()]);
                    }
                }
                LogoutHabit::UnknownMembers => {
                    drop(claims.insert("toe".to_owned(), json!({ "nested": [1, null] })));
                }
                _ => {}
            }
        }
        for fault in faults {
            let (name, value) = match fault {
                LogoutFault::WrongIssuer => ("iss", Some(json!(WRONG_ISSUER))),
                LogoutFault::MissingIssuer => ("iss", None),
                LogoutFault::WrongAudience => ("aud", Some(json!(SOMEBODY_ELSE))),
                LogoutFault::MissingAudience => ("aud", None),
                LogoutFault::Expired => {
                    let expired = json!((now - TOKEN_LIFE).as_secs());
                    claims.insert("exp".to_owned(), expired);
                    ("iat", Some(json!((now - 2 * TOKEN_LIFE).as_secs())))
                }
                LogoutFault::FutureIssuedAt => {
                    ("iat", Some(json!((now + TOKEN_LIFE / 2).as_secs())))
                }
                LogoutFault::MissingIssuedAt => ("iat", None),
                LogoutFault::MissingId => ("jti", None),
                LogoutFault::Nonce => ("nonce", Some(json!("n-1"))),
                LogoutFault::MissingEvents => ("events", None),
                LogoutFault::WrongEvent => (
                    "events",
                    Some(json!({ "https://schemas.openid.net/event/other": {} })),
                ),
                LogoutFault::InvalidEvents => ("events", Some(json!(super::logout_token::EVENT))),
                LogoutFault::Nobody => {
                    claims.remove("sub");
                    ("sid", None)
                }
                LogoutFault::Unsigned
                | LogoutFault::InvalidSignature
                | LogoutFault::WrongKey
                | LogoutFault::UnknownKey
                | LogoutFault::AccessTokenType => continue,
            };
            match value {
                Some(value) => drop(claims.insert(name.to_owned(), value)),
                None => drop(claims.remove(name)),
            }
        }
    }
}

/// The logout token of these claims, in the header and signed as the faults and habits say.
pub(super) fn sign(
    key: &SigningKey,
    claims: Map<String, Value>,
    faults: &BTreeSet<LogoutFault>,
    habits: &BTreeSet<LogoutHabit>,
) -> Result<String, SigningError> {
    let claims = Value::Object(claims);
    let has = |fault| faults.contains(&fault);
    let mut header = Map::new();
    let typ = if has(LogoutFault::AccessTokenType) {
        Some("at+jwt")
    } else if habits.contains(&LogoutHabit::MissingType) {
        None
    } else if habits.contains(&LogoutHabit::PlainType) {
        Some("JWT")
    } else {
        Some("logout+jwt")
    };
    if let Some(typ) = typ {
        header.insert("typ".to_owned(), typ.into());
    }
    let mut set = |name: &str, value: Value| drop(header.insert(name.to_owned(), value));
    if has(LogoutFault::Unsigned) {
        set("alg", "none".into());
        return compact(&header.into(), &claims, |_| Ok(Vec::new()));
    }
    set("alg", key.alg().name().into());
    set("kid", json!(key.kid()));
    if has(LogoutFault::WrongKey) || has(LogoutFault::UnknownKey) {
        let other = SigningKey::generate(key.alg())?;
        if !has(LogoutFault::WrongKey) {
            set("kid", json!(other.kid()));
        }
        return compact(&header.into(), &claims, |bytes| other.sign(bytes));
    }
    compact(&header.into(), &claims, |bytes| {
        let mut signature = key.sign(bytes)?;
        if let (true, Some(last)) = (has(LogoutFault::InvalidSignature), signature.last_mut()) {
            *last ^= 1;
        }
        Ok(signature)
    })
}
