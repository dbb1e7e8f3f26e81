//! The way back from the provider.

use super::{ReturnTo, Transaction, transaction::Demand};
use crate::{
    check::{Check, CheckFailed, quote},
    form::{Form, FormError},
    secret::{AuthorizationCode, CodeVerifier, Nonce, State},
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
    Error(String),
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
        let outcome = match (form.take("code"), form.take("error")) {
            _ if unasked => Outcome::Mixed("a token in the authorization response"),
            (Some(code), None) => Outcome::Code(AuthorizationCode::new(code)),
            (None, Some(error)) => Outcome::Error(error),
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
        if !transaction.state.ct_eq(self.state.expose()) {
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
        &self.transaction.state
    }

    /// Until when the mark must be kept: afterwards the login has expired anyway.
    pub fn until(&self) -> UnixTime {
        self.transaction.created + Transaction::MAX_AGE
    }

    /// Where the user wanted to go.
    pub fn return_to(&self) -> &ReturnTo {
        &self.transaction.return_to
    }

    /// The code to redeem, if the state was fresh and the provider granted one.
    ///
    /// # Errors
    ///
    /// [`Check::StateReplayed`], [`Check::StoreUnavailable`], [`Check::CallbackMixed`], or what the provider's error
    /// comes to: [`Check::AccessDenied`], [`Check::LoginRequired`], [`Check::ProviderBusy`], [`Check::CallbackError`].
    pub fn resolve(self, outcome: Use) -> Result<Grant, CheckFailed> {
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
            demand,
            ..
        } = self.transaction;
        match self.outcome {
            Outcome::Code(code) => Ok(Grant {
                code,
                nonce,
                verifier,
                issuer,
                return_to,
                demand,
            }),
            Outcome::Mixed(what) => Err(CheckFailed::new(Check::CallbackMixed, what)),
            Outcome::Error(code) => {
                let cause = format!("the provider answered {}", quote(&code));
                Err(CheckFailed::new(error_check(&code), cause))
            }
        }
    }
}

/// [RFC 6749 § 4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1),
/// [OpenID Connect Core § 3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError)
fn error_check(code: &str) -> Check {
    match code {
        "access_denied" => Check::AccessDenied,
        "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => Check::LoginRequired,
        "unmet_authentication_requirements" => Check::IdTokenAcr,
        "server_error" | "temporarily_unavailable" => Check::ProviderBusy,
        _ => Check::CallbackError,
    }
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
}

impl Grant {
    /// Who issued the code.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}
