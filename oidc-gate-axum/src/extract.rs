//! The caller, in a handler's arguments.

use crate::protect::original;
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use oidc_gate_tower::{
    Anonymous, Check, ClaimsMismatch, Demand, Identity, NoCaller, Principal, Requirement,
};
use std::{fmt, marker::PhantomData, ops::Deref};

/// The signed-in caller.
///
/// Derefs to [`Principal`] and through it to [`Identity`]: `user.name()`, `user.in_group("admins")`. Take
/// `Option<AuthenticatedUser>` where nobody has to be signed in.
///
/// A request without a caller does not reach the handler: the gate outside sends a navigation to the login and answers
/// anything else with 401. Without a gate, and under a `bypass` rule, the answer is 500 and says which of the two it is.
///
/// The refusal reaches the gate in the extensions of the response. Whoever makes a response of its own from an
/// [`AuthRejection`], or replaces the response in a layer inside the gate, answers in the gate's place: a navigation then
/// gets that answer and no login.
///
/// ```
/// use oidc_gate_axum::AuthenticatedUser;
///
/// async fn me(user: AuthenticatedUser) -> String {
///     format!("hello {}", user.display_name())
/// }
///
/// /// Under an `open` rule.
/// async fn home(user: Option<AuthenticatedUser>) -> &'static str {
///     if user.is_some() { "welcome back" } else { "welcome" }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AuthenticatedUser(Principal);

impl AuthenticatedUser {
    /// For a handler that is called directly in a test.
    ///
    /// ```
    /// use oidc_gate_axum::{AuthenticatedUser, testing};
    ///
    /// async fn me(user: AuthenticatedUser) -> String {
    ///     format!("hello {}", user.display_name())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let alice = AuthenticatedUser::fake(testing::user("alice").name("Alice").build());
    /// assert_eq!(me(alice).await, "hello Alice");
    /// # }
    /// ```
    #[cfg(feature = "testing")]
    pub fn fake(identity: Identity) -> Self {
        Self(oidc_gate_tower::testing::principal(identity))
    }
}

impl Deref for AuthenticatedUser {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl From<Principal> for AuthenticatedUser {
    fn from(principal: Principal) -> Self {
        Self(principal)
    }
}

impl AsRef<Identity> for AuthenticatedUser {
    fn as_ref(&self) -> &Identity {
        self.0.identity()
    }
}

/// Why a handler does not get a user.
///
/// The gate outside turns it into its own answer. A handler that takes a `Result` may answer by itself:
///
/// ```
/// use oidc_gate_axum::{AuthRejection, Has, Permission, Requirement, group};
///
/// struct Admin;
/// impl Permission for Admin {
///     fn requirement() -> Requirement { group("admins") }
/// }
/// async fn menu(admin: Result<Has<Admin>, AuthRejection>) -> &'static str {
///     match admin {
///         Ok(_) => "home, settings, users",
///         Err(AuthRejection::Unmet(_) | AuthRejection::NotSignedIn(_)) => "home",
///         Err(_) => "no gate here",
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthRejection {
    /// Nobody is signed in: the gate outside sends the caller to the login or answers 401.
    NotSignedIn(Box<Demand>),
    /// Somebody is, but does not meet the requirement: 403, or a stronger sign-in.
    Unmet(Box<Demand>),
    /// The developer's mistake, 500: no gate has looked at this request, because there is none or because the path is
    /// under a `bypass` rule. The gate, if there is one, says which.
    NoCaller,
}

impl AuthRejection {
    /// The status without a gate's help.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn(demand) | Self::Unmet(demand) => demand.status(),
            Self::NoCaller => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for AuthRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn(_) => f.write_str("not signed in"),
            Self::Unmet(_) => f.write_str("not allowed"),
            Self::NoCaller => f.write_str(NoCaller::NO_GATE),
        }
    }
}

impl std::error::Error for AuthRejection {}

impl IntoResponse for AuthRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NotSignedIn(demand) | Self::Unmet(demand) => demand.plain(),
            Self::NoCaller => NoCaller::plain(NoCaller::NO_GATE.into()),
        }
    }
}

fn find(parts: &Parts) -> Result<Option<&Principal>, AuthRejection> {
    match parts.extensions.get::<Principal>() {
        Some(principal) => Ok(Some(principal)),
        None if parts.extensions.get::<Anonymous>().is_some() => Ok(None),
        None => Err(AuthRejection::NoCaller),
    }
}

pub(crate) fn must(parts: &Parts) -> Result<&Principal, AuthRejection> {
    find(parts)?.ok_or_else(|| AuthRejection::NotSignedIn(Box::new(demand(parts).sign_in())))
}

pub(crate) fn demand(parts: &Parts) -> oidc_gate_tower::DemandBuilder<'_> {
    Demand::of(
        &parts.method,
        &parts.headers,
        original(&parts.extensions).of(&parts.uri),
    )
}

impl<S: Send + Sync> FromRequestParts<S> for AuthenticatedUser {
    type Rejection = AuthRejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        must(parts).cloned().map(Self)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for AuthenticatedUser {
    type Rejection = AuthRejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        Ok(find(parts)?.cloned().map(Self))
    }
}

/// The caller's claims in the application's own type.
///
/// Demand the shape once, at sign-in, with
/// [`GateBuilder::claims`](oidc_gate_tower::GateBuilder::claims); then this fails for
/// nobody who has signed in since.
///
/// ```
/// use oidc_gate_axum::Claims;
/// #[derive(serde::Deserialize)]
/// struct Staff { department: String }
/// async fn department(Claims(staff): Claims<Staff>) -> String {
///     staff.department
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "taken apart in a handler's arguments"
)]
pub struct Claims<T>(pub T);

/// Why a handler does not get the claims.
///
/// ```
/// use oidc_gate_axum::{Claims, ClaimsRejection};
/// #[derive(serde::Deserialize)]
/// struct Staff { department: String }
///
/// async fn department(claims: Result<Claims<Staff>, ClaimsRejection>) -> Result<String, ClaimsRejection> {
///     match claims {
///         Ok(Claims(staff)) => Ok(staff.department),
///         Err(ClaimsRejection::Mismatch(_)) => Ok("guest".to_owned()),
///         Err(other) => Err(other),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ClaimsRejection {
    /// There is no user.
    Auth(AuthRejection),
    /// The user's claims have another shape: 403.
    Mismatch(ClaimsMismatch),
}

impl fmt::Display for ClaimsRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(rejection) => rejection.fmt(f),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
        }
    }
}

impl std::error::Error for ClaimsRejection {}

impl IntoResponse for ClaimsRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Auth(rejection) => rejection.into_response(),
            Self::Mismatch(mismatch) => {
                // The log has the member's name; the user can do nothing with it.
                let check = Check::ClaimsUnfit;
                tracing::warn!(check = check.id(), cause = %mismatch, remedy = check.remedy(), "claims refused");
                (
                    StatusCode::FORBIDDEN,
                    "your account lacks what this page needs",
                )
                    .into_response()
            }
        }
    }
}

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Claims<T> {
    type Rejection = ClaimsRejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ClaimsRejection> {
        let principal = must(parts).map_err(ClaimsRejection::Auth)?;
        principal
            .claims_as()
            .map(Self)
            .map_err(ClaimsRejection::Mismatch)
    }
}

/// A requirement with a name in the type system.
///
/// ```
/// use oidc_gate_axum::{Has, Permission, Requirement, group};
///
/// struct Admin;
/// impl Permission for Admin {
///     fn requirement() -> Requirement { group("admins") }
/// }
/// async fn wipe(admin: Has<Admin>) -> String { format!("wiped for {}", admin.subject()) }
/// ```
pub trait Permission: Send + Sync + 'static {
    /// What a caller must be or have.
    fn requirement() -> Requirement;
}

/// A caller who meets the requirement of `P`. Derefs to [`AuthenticatedUser`].
///
/// Whoever does not is answered by the gate outside: 403, or a stronger sign-in where that would help.
///
/// ```
/// # use oidc_gate_axum::{Has, Permission, Requirement, acr};
/// struct Strongly;
/// impl Permission for Strongly {
///     fn requirement() -> Requirement { acr("phr") }
/// }
/// async fn pay(user: Has<Strongly>) -> String { format!("paid by {}", user.display_name()) }
/// ```
pub struct Has<P: Permission> {
    user: AuthenticatedUser,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> fmt::Debug for Has<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user.fmt(f)
    }
}

impl<P: Permission> Clone for Has<P> {
    fn clone(&self) -> Self {
        Self {
            user: self.user.clone(),
            permission: PhantomData,
        }
    }
}

impl<P: Permission> Has<P> {
    /// The caller, whatever else is known of it.
    pub fn into_user(self) -> AuthenticatedUser {
        self.user
    }
}

impl<P: Permission> Deref for Has<P> {
    type Target = AuthenticatedUser;
    fn deref(&self) -> &AuthenticatedUser {
        &self.user
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Has<P> {
    type Rejection = AuthRejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        let principal = must(parts)?;
        match principal.meets(&P::requirement()) {
            Ok(()) => Ok(Self {
                user: AuthenticatedUser(principal.clone()),
                permission: PhantomData,
            }),
            Err(unmet) => Err(AuthRejection::Unmet(Box::new(
                demand(parts).unmet(unmet, principal.via()),
            ))),
        }
    }
}
