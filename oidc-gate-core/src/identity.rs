//! Who the caller is.

use crate::time::UnixTime;
use serde_json::{Map, Value};
use std::{fmt, sync::OnceLock};

/// How the caller proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// By a login in a browser.
    Session,
    /// By a bearer token.
    Bearer,
}

/// Who acts: a user, or a program in its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum IdentityKind {
    /// A user, by a browser or by a client that acts for the user.
    #[default]
    User,
    /// A client that acts for itself, by a token that it got with `client_credentials`
    /// ([RFC 6749 § 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
    Client,
}

/// What is known of a signed-in caller. Plain data.
///
/// [`issuer`](Self::issuer) and [`subject`](Self::subject) together are the only key of a user: addresses and names
/// change and are given to others
/// ([OpenID Connect Core § 5.7](https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability)).
///
/// Claims are parsed on first use from text kept with the request; a handler that reads none pays for none.
///
/// ```
/// use oidc_gate_core::identity::Identity;
/// let alice = Identity::builder("https://id.example.com", "248289761001")
///     .name("Alice")
///     .group("admins")
///     .claim("department", "R&D")
///     .build();
/// assert_eq!(alice.display_name(), "Alice");
/// assert!(alice.in_group("admins"));
/// assert_eq!(alice.claim("department").unwrap(), "R&D");
/// assert_eq!(alice.claim("sub").unwrap(), "248289761001");
/// assert_eq!(alice.claim("shoe_size"), None);
/// ```
//
// All text lies in one buffer: of an identity that comes from a cookie the very buffer in which that was decrypted, so that
// nothing is copied. `ends` says where each field ends; a list is one field whose items are separated by `SEPARATOR`.
#[derive(Clone)]
pub struct Identity {
    text: String,
    ends: [u32; FIELDS],
    facts: Facts,
    claims: OnceLock<Map<String, Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Facts {
    /// Bit `n` says that the optional field `n` is there, be it empty.
    present: u16,
    email_verified: bool,
    via: Via,
    kind: IdentityKind,
    auth_time: Option<UnixTime>,
}

#[derive(Clone, Copy)]
enum Field {
    Issuer,
    Subject,
    Provider,
    Name,
    Email,
    PreferredUsername,
    Acr,
    Groups,
    Roles,
    Scopes,
    Amr,
    /// The claims that the other fields do not hold, as a JSON object.
    Claims,
    /// What the provider calls the session that began with this login.
    ProviderSession,
}

const ALL_FIELDS: [Field; FIELDS] = [
    Field::Issuer,
    Field::Subject,
    Field::Provider,
    Field::Name,
    Field::Email,
    Field::PreferredUsername,
    Field::Acr,
    Field::Groups,
    Field::Roles,
    Field::Scopes,
    Field::Amr,
    Field::Claims,
    Field::ProviderSession,
];
const FIELDS: usize = Field::ProviderSession as usize + 1;
/// Between the items of a list. An item that contains it is left out: no real group or scope does.
const SEPARATOR: char = '\u{1f}';
const HEADER: usize = 4 * FIELDS + 2 + 1 + 9;

impl Identity {
    /// An identity made by hand: by a test, or by an application that knows the user from elsewhere.
    pub fn builder(issuer: impl Into<String>, subject: impl Into<String>) -> IdentityBuilder {
        let mut fields: [Option<String>; FIELDS] = Default::default();
        fields[Field::Issuer as usize] = Some(issuer.into());
        fields[Field::Subject as usize] = Some(subject.into());
        IdentityBuilder {
            fields,
            email_verified: false,
            via: Via::Session,
            kind: IdentityKind::User,
            auth_time: None,
            claims: Map::new(),
        }
    }

    fn field(&self, field: Field) -> &str {
        let at = field as usize;
        let start = if at == 0 {
            0
        } else {
            self.ends[at - 1] as usize
        };
        &self.text[start..self.ends[at] as usize]
    }

    fn optional(&self, field: Field) -> Option<&str> {
        (self.facts.present & (1 << field as u16) != 0).then(|| self.field(field))
    }

    fn list(&self, field: Field) -> impl Iterator<Item = &str> {
        self.field(field)
            .split(SEPARATOR)
            .filter(|item| !item.is_empty())
    }

    /// Who vouches for the caller.
    pub fn issuer(&self) -> &str {
        self.field(Field::Issuer)
    }

    /// The caller's name at the issuer: unique there, never given to somebody else.
    pub fn subject(&self) -> &str {
        self.field(Field::Subject)
    }

    /// Whether both are the same user: the same subject of the same issuer. A client is not the user whose name it has
    /// ([RFC 9700 § 4.15](https://www.rfc-editor.org/rfc/rfc9700#section-4.15)).
    pub fn is_same_user(&self, other: &Self) -> bool {
        (self.issuer(), self.subject(), self.kind())
            == (other.issuer(), other.subject(), other.kind())
    }

    /// A user, or a client that acts for itself. Whoever keeps things under a user's name has to ask: at some servers a
    /// client can choose an id that is a user's subject
    /// ([RFC 9700 § 4.15](https://www.rfc-editor.org/rfc/rfc9700#section-4.15)). The requirement
    /// [`user`](crate::gate::user) asks for a whole path.
    pub fn kind(&self) -> IdentityKind {
        self.facts.kind
    }

    /// To which client a bearer token was issued, where the token says so. Of a login it is nobody: that is always this
    /// application.
    pub fn client_id(&self) -> Option<&str> {
        match self.via() {
            Via::Session => None,
            Via::Bearer => {
                let text = |name| self.claim(name)?.as_str();
                text("client_id").or_else(|| text("azp"))
            }
        }
    }

    /// The same facts about the same subject, vouched for by another issuer: for tests, and for moving to another provider
    /// that keeps the subjects.
    #[must_use]
    pub fn vouched_for_by(&self, issuer: &str, provider: &str) -> Self {
        let mut fields = self.fields();
        fields[Field::Issuer as usize] = Some(issuer.to_owned());
        fields[Field::Provider as usize] =
            Some(provider.to_owned()).filter(|name| !name.is_empty());
        // What the one calls the session is nothing to the other.
        fields[Field::ProviderSession as usize] = None;
        Self::assemble(&fields, self.facts)
    }

    /// The name that the provider has for the session in which this was said.
    pub(crate) fn provider_session(&self) -> Option<&str> {
        self.optional(Field::ProviderSession)
    }

    /// The same, in a session that the provider calls so.
    pub(crate) fn in_provider_session(self, name: Option<&str>) -> Self {
        let name = name.filter(|name| !name.is_empty());
        if self.provider_session() == name {
            return self;
        }
        let mut fields = self.fields();
        fields[Field::ProviderSession as usize] = name.map(str::to_owned);
        Self::assemble(&fields, self.facts)
    }

    fn fields(&self) -> [Option<String>; FIELDS] {
        ALL_FIELDS.map(|field| self.optional(field).map(str::to_owned))
    }

    fn assemble(fields: &[Option<String>; FIELDS], facts: Facts) -> Self {
        let mut text = String::with_capacity(fields.iter().flatten().map(String::len).sum());
        let (mut ends, mut present) = ([0; FIELDS], 0);
        for (at, field) in fields.iter().enumerate() {
            if let Some(value) = field {
                text.push_str(value);
                present |= 1 << at;
            }
            // Four gigabytes of text cannot be sealed anyway; up to there the conversion is exact.
            ends[at] = u32::try_from(text.len()).unwrap_or(u32::MAX);
        }
        let facts = Facts { present, ..facts };
        Self {
            text,
            ends,
            facts,
            claims: OnceLock::new(),
        }
    }

    /// Which configured provider signed the caller in; empty for the unnamed one.
    pub fn provider(&self) -> &str {
        self.field(Field::Provider)
    }

    /// The full name, for display.
    pub fn name(&self) -> Option<&str> {
        self.optional(Field::Name)
    }

    /// The email address, verified or not. For display; decide by [`verified_email`](Self::verified_email).
    pub fn email(&self) -> Option<&str> {
        self.optional(Field::Email)
    }

    /// Whether the provider says that it has checked the address: `email_verified` is the JSON value `true`.
    pub fn email_verified(&self) -> bool {
        self.facts.email_verified
    }

    /// The email address, if the provider has checked it. The only one fit for a decision.
    pub fn verified_email(&self) -> Option<&str> {
        self.email().filter(|_| self.facts.email_verified)
    }

    /// The short name the caller likes to go by. Not unique.
    pub fn preferred_username(&self) -> Option<&str> {
        self.optional(Field::PreferredUsername)
    }

    /// Something to greet the caller with: name, else short name, else address, else subject.
    pub fn display_name(&self) -> &str {
        let something = |text: &&str| !text.is_empty();
        self.name()
            .filter(something)
            .or_else(|| self.preferred_username().filter(something))
            .or_else(|| self.email().filter(something))
            .unwrap_or(self.subject())
    }

    /// The groups the provider says the caller is in.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.list(Field::Groups)
    }

    /// Whether the caller is in the group of exactly that name.
    pub fn in_group(&self, group: &str) -> bool {
        self.groups().any(|g| g == group)
    }

    /// The roles the provider says the caller has. Providers have no common place for them: none unless one is configured.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.list(Field::Roles)
    }

    /// Whether the caller has the role of exactly that name.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().any(|r| r == role)
    }

    /// The scopes that were granted.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.list(Field::Scopes)
    }

    /// Whether the scope of exactly that name was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|s| s == scope)
    }

    /// When the caller last proved to the provider who it is, if the provider says so.
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.facts.auth_time
    }

    /// The authentication context class that was reached.
    pub fn acr(&self) -> Option<&str> {
        self.optional(Field::Acr)
    }

    /// The authentication methods that were used
    /// ([RFC 8176](https://www.rfc-editor.org/rfc/rfc8176)).
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        self.list(Field::Amr)
    }

    /// By a session or by a bearer token.
    pub fn via(&self) -> Via {
        self.facts.via
    }

    /// All claims that were kept, parsed on first use.
    pub fn claims(&self) -> &Map<String, Value> {
        self.claims.get_or_init(|| {
            let mut claims = self.other_claims();
            for (name, value) in self.standard_claims() {
                claims.entry(name).or_insert(value);
            }
            claims
        })
    }

    /// The claim of that name, if it was kept.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims().get(name)
    }

    /// The claims in the application's own type.
    ///
    /// # Errors
    ///
    /// If they do not have its shape.
    pub fn claims_as<T: serde::de::DeserializeOwned>(&self) -> Result<T, ClaimsMismatch> {
        serde_json::from_value(Value::Object(self.claims().clone())).map_err(|error| {
            ClaimsMismatch {
                wanted: std::any::type_name::<T>(),
                at: shape_error(&error),
            }
        })
    }

    /// The claims that are kept beside the fields, as they were said.
    pub(crate) fn other_claims(&self) -> Map<String, Value> {
        serde_json::from_str(self.field(Field::Claims)).unwrap_or_default()
    }

    /// The claims that are kept as fields of their own.
    pub(crate) fn standard_claims(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let text = |field, name| self.optional(field).map(|v| (name, v.into()));
        let list = |field, name| {
            self.optional(field).map(|_| {
                (
                    name,
                    Value::Array(self.list(field).map(Value::from).collect()),
                )
            })
        };
        [
            Some(("iss", self.issuer().into())),
            Some(("sub", self.subject().into())),
            text(Field::Name, "name"),
            text(Field::Email, "email"),
            self.email()
                .map(|_| ("email_verified", self.facts.email_verified.into())),
            text(Field::PreferredUsername, "preferred_username"),
            text(Field::Acr, "acr"),
            list(Field::Amr, "amr"),
            list(Field::Groups, "groups"),
            list(Field::Roles, "roles"),
            self.facts
                .auth_time
                .map(|t| ("auth_time", t.as_secs().into())),
        ]
        .into_iter()
        .flatten()
    }

    /// The claims by what they take, the largest first: names and bytes of JSON, no values.
    pub(crate) fn sizes(&self) -> Vec<(&str, usize)> {
        let claims = self.claims().iter();
        let mut sizes: Vec<_> = claims
            .map(|(name, value)| (name.as_str(), value.to_string().len()))
            .collect();
        sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        sizes
    }

    /// The identity as bytes, for sealing.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for end in self.ends {
            out.extend_from_slice(&end.to_le_bytes());
        }
        out.extend_from_slice(&self.facts.present.to_le_bytes());
        out.push(
            u8::from(self.facts.email_verified)
                | u8::from(self.facts.via == Via::Bearer) << 1
                | u8::from(self.facts.kind == IdentityKind::Client) << 2,
        );
        out.push(self.facts.auth_time.is_some().into());
        out.extend_from_slice(
            &self
                .facts
                .auth_time
                .map_or(0, UnixTime::as_secs)
                .to_le_bytes(),
        );
        out.extend_from_slice(self.text.as_bytes());
    }

    /// The identity that [`encode`](Self::encode) wrote, `at` so many bytes from the beginning. `None` for anything else: an
    /// older version of this crate may have sealed it, so being authentic is not enough.
    pub(crate) fn decode(mut bytes: Vec<u8>, at: usize) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.get(at..)?.first_chunk()?;
        let (end_bytes, rest) = header.split_at(4 * FIELDS);
        let mut ends = [0; FIELDS];
        for (end, bytes) in ends.iter_mut().zip(end_bytes.as_chunks().0) {
            *end = u32::from_le_bytes(*bytes);
        }
        let &[p0, p1, flags, timed, ref time @ ..] = rest else {
            return None;
        };
        let time = u64::from_le_bytes(time.try_into().ok()?);
        bytes.drain(..at + HEADER);
        let text = String::from_utf8(bytes).ok()?;
        let ordered = ends.is_sorted() && ends[FIELDS - 1] as usize == text.len();
        if !ordered
            || ends.iter().any(|end| !text.is_char_boundary(*end as usize))
            || flags > 7
            || timed > 1
        {
            return None;
        }
        let facts = Facts {
            present: u16::from_le_bytes([p0, p1]),
            email_verified: flags & 1 != 0,
            via: if flags & 2 != 0 {
                Via::Bearer
            } else {
                Via::Session
            },
            kind: if flags & 4 != 0 {
                IdentityKind::Client
            } else {
                IdentityKind::User
            },
            auth_time: (timed == 1).then_some(UnixTime::from_secs(time)),
        };
        Some(Self {
            text,
            ends,
            facts,
            claims: OnceLock::new(),
        })
    }
}

impl fmt::Debug for Identity {
    // Claims are personal data and may be large: their names are enough here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("groups", &self.groups().collect::<Vec<_>>())
            .field("via", &self.via())
            .field("claims", &self.claims().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The claims of this caller do not have the shape asked for. Holds no claim value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsMismatch {
    wanted: &'static str,
    at: String,
}

impl fmt::Display for ClaimsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the claims do not fit {}: {}", self.wanted, self.at)
    }
}

impl std::error::Error for ClaimsMismatch {}

/// What serde says, without the values it quotes: only the texts that name nothing but the application's own members.
fn shape_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names_a_member = text.starts_with("missing field ") || text.starts_with("duplicate field ");
    match text.rsplit_once(", expected ") {
        _ if names_a_member => text,
        // "invalid type: string \"…\", expected u32": what was expected is the application's word, what came is not.
        Some((came, expected)) if came.starts_with("invalid ") => format!("expected {expected}"),
        _ => "a member has another shape".to_owned(),
    }
}

/// Makes an [`Identity`] by hand.
#[derive(Clone)]
#[must_use]
pub struct IdentityBuilder {
    fields: [Option<String>; FIELDS],
    email_verified: bool,
    via: Via,
    kind: IdentityKind,
    auth_time: Option<UnixTime>,
    claims: Map<String, Value>,
}

impl IdentityBuilder {
    fn set(mut self, field: Field, value: impl Into<String>) -> Self {
        self.fields[field as usize] = Some(value.into());
        self
    }

    fn push(mut self, field: Field, item: &str) -> Self {
        // Room for a few, so that most lists do not grow.
        let list = self.fields[field as usize].get_or_insert_with(|| String::with_capacity(64));
        if !item.contains(SEPARATOR) {
            if !list.is_empty() {
                list.push(SEPARATOR);
            }
            list.push_str(item);
        }
        self
    }

    /// The full name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.set(Field::Name, name)
    }

    /// An email address that the provider has checked.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email_verified = true;
        self.set(Field::Email, address)
    }

    /// An email address that the provider has not checked.
    pub fn unverified_email(mut self, address: impl Into<String>) -> Self {
        self.email_verified = false;
        self.set(Field::Email, address)
    }

    /// The short name.
    pub fn preferred_username(self, name: impl Into<String>) -> Self {
        self.set(Field::PreferredUsername, name)
    }

    /// One more group.
    pub fn group(self, group: impl AsRef<str>) -> Self {
        self.push(Field::Groups, group.as_ref())
    }

    /// One more role.
    pub fn role(self, role: impl AsRef<str>) -> Self {
        self.push(Field::Roles, role.as_ref())
    }

    /// One more granted scope.
    pub fn scope(self, scope: impl AsRef<str>) -> Self {
        self.push(Field::Scopes, scope.as_ref())
    }

    /// The authentication context class.
    pub fn acr(self, acr: impl Into<String>) -> Self {
        self.set(Field::Acr, acr)
    }

    /// One more authentication method.
    pub fn amr(self, method: impl AsRef<str>) -> Self {
        self.push(Field::Amr, method.as_ref())
    }

    /// When the caller last proved who it is.
    pub fn auth_time(mut self, time: UnixTime) -> Self {
        self.auth_time = Some(time);
        self
    }

    /// The configured provider.
    pub fn provider(self, id: impl Into<String>) -> Self {
        self.set(Field::Provider, id)
    }

    /// By a session (the default) or a bearer token.
    pub fn via(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// A user (the default), or a client that acts for itself.
    pub fn kind(mut self, kind: IdentityKind) -> Self {
        self.kind = kind;
        self
    }

    /// One more claim. A name that has a method of its own here is better set by that method.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// All claims beside the fields, as the text of a JSON object; none of them is to be set otherwise.
    pub(crate) fn other_claims(self, json: String) -> Self {
        self.set(Field::Claims, json)
    }

    /// The identity.
    pub fn build(mut self) -> Identity {
        if !self.claims.is_empty() {
            self.fields[Field::Claims as usize] = Some(Value::Object(self.claims).to_string());
        }
        let facts = Facts {
            present: 0,
            email_verified: self.email_verified,
            via: self.via,
            kind: self.kind,
            auth_time: self.auth_time,
        };
        Identity::assemble(&self.fields, facts)
    }
}

impl fmt::Debug for IdentityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().build().fmt(f)
    }
}

#[cfg(test)]
mod tests;
