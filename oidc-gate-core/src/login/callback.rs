//! The way back from the provider.

use super::{Extent, ReturnTo, SameUser, Transaction, transaction::Demand};
use crate::{
    check::{Check, CheckFailed, quote},
    form::{Form, FormError},
    oauth_error::{ErrorCode, OAuthError},
    secret::{AuthorizationCode, CodeVerifier, Nonce, State},
    session::Predecessor,
    time::UnixTime,
    url::Issuer,
};

/// An authorization response, read but not believed
/// ([RFC 6749 § 4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)).
#[derive(Debug)]
pub struct Callback {
    state: State,
    iss: Option<String>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Code(AuthorizationCode),
    Error(OAuthError),
    /// Both, neither, or a token that nobody asked for.
    Mixed(&'static str),
}

impl Callback {
    /// The longest response taken, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Reads the query (or form) of a callback.
    ///
    /// # Errors
    ///
    /// [`Check::CallbackMalformed`], [`Check::CallbackDuplicate`], [`Check::StateMissing`]. What else is wrong is said
    /// after the state is known to belong to this browser: nobody else gets to hear of it.
    pub fn parse(query: &[u8]) -> Result<Self, CheckFailed> {
        if query.len() > Self::MAX_BYTES {
            return Err(CheckFailed::new(
                Check::CallbackMalformed,
                format!("{} bytes", query.len()),
            ));
        }
        let mut form = Form::parse(query).map_err(|error| match error {
            FormError::Duplicate(_) => {
                CheckFailed::new(Check::CallbackDuplicate, error.to_string())
            }
            _ => CheckFailed::new(Check::CallbackMalformed, error.to_string()),
        })?;
        let state =
            form.take("state")
                .filter(|state| !state.is_empty())
                .ok_or(CheckFailed::new(
                    Check::StateMissing,
                    "the callback carries no state",
                ))?;
        let unasked = ["access_token", "id_token"]
            .iter()
            .any(|name| form.get(name).is_some());
        // No code is empty: the provider has nothing to say to it.
        let code = form.take("code").filter(|code| !code.is_empty());
        let outcome = match (code, form.take("error")) {
            _ if unasked => Outcome::Mixed("a token in the authorization response"),
            (Some(code), None) => Outcome::Code(AuthorizationCode::new(code)),
            (None, Some(error)) => {
                let description = form.take("error_description");
                Outcome::Error(OAuthError::new(&error, description.as_deref()))
            }
            (Some(_), Some(_)) => Outcome::Mixed("both a code and an error"),
            (None, None) => Outcome::Mixed("neither a code nor an error"),
        };
        Ok(Self {
            state: State::new(state),
            iss: form.take("iss"),
            outcome,
        })
    }

    /// Which login it claims to end: names the cookie to look for.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What a person has answered at the provider, where it says that: to be asked again is the last thing they want.
    pub fn declined(&self) -> Option<Check> {
        match &self.outcome {
            Outcome::Error(error) => Some(error_check(error.code()))
                .filter(|check| matches!(check, Check::AccessDenied | Check::LoginRequired)),
            Outcome::Code(_) | Outcome::Mixed(_) => None,
        }
    }

    /// Holds the response against the login it claims to end.
    ///
    /// Order matters: first that the state is this browser's, then that it is in time, then who answers; whatever the
    /// response says comes last ([RFC 9207 § 2.4](https://www.rfc-editor.org/rfc/rfc9207#section-2.4)).
    ///
    /// # Errors
    ///
    /// [`Check::StateUnknown`], [`Check::TransactionExpired`], [`Check::CallbackIssuer`],
    /// [`Check::CallbackIssuerMissing`].
    pub fn accept(
        self,
        transaction: Transaction,
        now: UnixTime,
    ) -> Result<ConsumeState, CheckFailed> {
        if !transaction.state.is_of(&self.state) {
            return Err(CheckFailed::new(
                Check::StateUnknown,
                "the state belongs to another login",
            ));
        }
        let age = now.since(transaction.created);
        if age >= Transaction::MAX_AGE {
            return Err(CheckFailed::new(
                Check::TransactionExpired,
                format!("begun {} s ago", age.as_secs()),
            ));
        }
        match self.iss.as_deref() {
            Some(iss) if iss == transaction.issuer.as_str() => {}
            Some(iss) => {
                let cause = format!(
                    "expected {}, got {}",
                    quote(transaction.issuer.as_str()),
                    quote(iss)
                );
                return Err(CheckFailed::new(Check::CallbackIssuer, cause));
            }
            None if transaction.promises_iss => {
                return Err(CheckFailed::new(
                    Check::CallbackIssuerMissing,
                    "the response carries no iss",
                ));
            }
            None => {}
        }
        Ok(ConsumeState {
            state: self.state,
            transaction,
            outcome: self.outcome,
        })
    }
}

/// A state that fits. It must be marked as used before anything else is done with the response.
///
/// # Security
///
/// The mark has to be set atomically: of two requests with the same state, one and only one may be told
/// [`FirstUse`](Use::First). Failing to set it must be told as [`Unknown`](Use::Unknown).
#[derive(Debug)]
#[must_use = "a state is used once: mark it as used and resolve"]
pub struct ConsumeState {
    state: State,
    transaction: Transaction,
    outcome: Outcome,
}

/// What marking a state as used came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever marks has to know every outcome"
)]
pub enum Use {
    /// It had not been used, and now it has.
    First,
    /// It had been used before.
    Again,
    /// The mark could not be set.
    Unknown,
}

impl ConsumeState {
    /// The state to mark.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Until when the mark must be kept: afterwards the login has expired anyway.
    pub fn until(&self) -> UnixTime {
        self.transaction.created + Transaction::MAX_AGE
    }

    /// Where the user wanted to go.
    pub fn return_to(&self) -> &ReturnTo {
        &self.transaction.return_to
    }

    /// The session that was there when the login began, if it was remembered.
    pub fn predecessor(&self) -> Option<&Predecessor> {
        self.transaction.predecessor.as_ref()
    }

    /// Who has to sign in, where the login was demanded of somebody.
    pub fn same_user(&self) -> Option<&SameUser> {
        self.transaction.same_user.as_ref()
    }

    /// What the provider has answered, if the state was fresh.
    ///
    /// # Errors
    ///
    /// [`Check::StateReplayed`], [`Check::StoreUnavailable`], [`Check::CallbackMixed`], or what the provider's error
    /// comes to: a check for each that somebody else has to mend, [`Check::CallbackError`] for what nobody knows.
    pub fn resolve(self, outcome: Use) -> Result<Answered, CheckFailed> {
        match outcome {
            Use::First => {}
            Use::Again => {
                return Err(CheckFailed::new(
                    Check::StateReplayed,
                    "this state has been used",
                ));
            }
            Use::Unknown => {
                return Err(CheckFailed::new(
                    Check::StoreUnavailable,
                    "the state could not be marked",
                ));
            }
        }
        let Transaction {
            nonce,
            verifier,
            issuer,
            return_to,
            otherwise,
            demand,
            extent,
            same_user,
            created,
            ..
        } = self.transaction;
        match self.outcome {
            Outcome::Code(code) => Ok(Answered::Granted(Box::new(Grant {
                code,
                nonce,
                verifier,
                issuer,
                return_to,
                demand,
                extent,
                same_user,
                created,
            }))),
            Outcome::Mixed(what) => Err(CheckFailed::new(Check::CallbackMixed, what)),
            Outcome::Error(error) => {
                let check = error_check(error.code());
                let why = CheckFailed::new(check, format!("the provider answered {error}"));
                match otherwise {
                    Some(otherwise) if check == Check::LoginRequired => {
                        Ok(Answered::NotSilently { otherwise, why })
                    }
                    _ => Err(why),
                }
            }
        }
    }
}

/// Which check an error of the provider is. `testdata/callback_errors.toml` says the same, with the reasons.
fn error_check(code: &ErrorCode) -> Check {
    match code {
        ErrorCode::AccessDenied => Check::AccessDenied,
        ErrorCode::LoginRequired
        | ErrorCode::InteractionRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::AccountSelectionRequired => Check::LoginRequired,
        ErrorCode::UnmetAuthenticationRequirements => Check::IdTokenAcr,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Check::ProviderBusy,
        ErrorCode::UnauthorizedClient | ErrorCode::InvalidClient => Check::ClientRefused,
        ErrorCode::UnsupportedResponseType => Check::ResponseTypeRefused,
        ErrorCode::InvalidScope => Check::ScopeRefused,
        ErrorCode::InvalidTarget => Check::TargetRefused,
        ErrorCode::InvalidRequest => Check::RequestRefused,
        ErrorCode::RequestNotSupported
        | ErrorCode::RequestUriNotSupported
        | ErrorCode::InvalidRequestUri
        | ErrorCode::InvalidRequestObject
        | ErrorCode::RegistrationNotSupported => Check::RequestObjectRefused,
        _ => Check::CallbackError,
    }
}

/// What a provider has answered.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Answered {
    /// A code to redeem.
    Granted(Box<Grant>),
    /// Nothing was to be asked, and something would have to be: the user goes on without a login
    /// ([OpenID Connect Core § 3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError)).
    NotSilently {
        /// Where to.
        otherwise: ReturnTo,
        /// What the provider said, for the log. No failure.
        why: CheckFailed,
    },
}

/// A code, and all that is needed to redeem it and to check what comes of it.
#[derive(Debug)]
pub struct Grant {
    pub(super) code: AuthorizationCode,
    pub(super) nonce: Nonce,
    pub(super) verifier: CodeVerifier,
    pub(super) issuer: Issuer,
    pub(super) return_to: ReturnTo,
    pub(super) demand: Demand,
    pub(super) extent: Extent,
    pub(super) same_user: Option<SameUser>,
    pub(super) created: UnixTime,
}

impl Grant {
    /// Who issued the code.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Holds the browser's present sessions against the user that the login was demanded of: one of them may be of somebody
    /// who has signed in meanwhile, and whom nobody has asked.
    ///
    /// # Errors
    ///
    /// [`Check::AnotherUser`].
    pub fn beside(&self, present: &[Predecessor]) -> Result<(), CheckFailed> {
        match &self.same_user {
            Some(user) if !present.iter().all(|session| user.has(session)) => {
                let cause =
                    "the login was demanded of one user, and another has signed in here since";
                Err(CheckFailed::new(Check::AnotherUser, cause))
            }
            _ => Ok(()),
        }
    }
}
