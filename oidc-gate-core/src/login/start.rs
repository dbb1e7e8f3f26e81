//! The way to the provider.

use super::{Demand, ResponseMode, ReturnTo, Transaction, pkce};
use crate::{
    check::{Check, CheckFailed},
    client_auth::Client,
    flow::Env,
    form,
    jose::Alg,
    provider::Metadata,
    secret::{CodeVerifier, Nonce, State},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use zeroize::Zeroizing;

/// A relying party as it is registered at a provider, and what it asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Registration {
    /// The client.
    pub client: Client,
    /// Where the provider sends the browser back to: absolute, and registered there exactly so.
    pub redirect_uri: Box<str>,
    /// The scopes to ask for. `openid` is among them.
    pub scopes: Box<str>,
    /// `id_token_signed_response_alg`, where it is known: the one algorithm that ID tokens for this client are signed
    /// with, whatever the provider announces
    /// ([OpenID Connect Registration § 2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)).
    /// The only way to a symmetric one.
    pub id_token_alg: Option<Alg>,
    /// How the provider hands its answers back.
    pub response_mode: ResponseMode,
}

impl Registration {
    /// A registration. `openid` is put in front of the scopes if it is missing: without it there is no ID token
    /// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
    pub fn new(
        client: Client,
        redirect_uri: impl Into<Box<str>>,
        scopes: &[impl AsRef<str>],
    ) -> Self {
        let scopes: Vec<&str> = scopes
            .iter()
            .map(AsRef::as_ref)
            .filter(|s| *s != "openid")
            .collect();
        let scopes = [&["openid"], &scopes[..]].concat().join(" ");
        Self {
            client,
            redirect_uri: redirect_uri.into(),
            scopes: scopes.into(),
            id_token_alg: None,
            response_mode: ResponseMode::default(),
        }
    }
}

/// A login that somebody wants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// Where the user goes afterwards.
    pub return_to: ReturnTo,
    /// What the sign-in must be to be good enough.
    pub demand: Demand,
    /// What the provider is to ask the user for, whatever it knows already.
    pub prompt: Option<Prompt>,
}

impl Wanted {
    /// A login that leads to `return_to` and leaves everything else to the provider.
    pub fn to(return_to: ReturnTo) -> Self {
        Self {
            return_to,
            demand: Demand::default(),
            prompt: None,
        }
    }

    /// The same login, held to a demand.
    #[must_use]
    pub fn demand(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    /// The same login, with something to ask the user for.
    #[must_use]
    pub fn prompt(self, prompt: Prompt) -> Self {
        Self {
            prompt: Some(prompt),
            ..self
        }
    }
}

/// What a provider is to ask the user for
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// To sign in again, as the same user or another.
    Login,
    /// To choose among the accounts that are signed in.
    SelectAccount,
    /// To agree again.
    Consent,
}

impl Prompt {
    /// The registered value.
    pub const fn value(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
        }
    }
}

/// A login that has begun: where to send the browser, and what to remember.
///
/// `Debug` shows the address without its query: whoever reads state and nonce in a log knows what they are compared with.
pub struct Started {
    /// The address at the provider, for `Location`. It may be seen by the browser it is for and by the provider, and by
    /// nobody else: it holds the state and the nonce.
    pub location: String,
    /// What to seal into the browser's cookie.
    pub transaction: Transaction,
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.location.split('?').next().unwrap_or_default();
        f.debug_struct("Started")
            .field("to", &to)
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

/// Begins a login: the authorization request of the code flow, with PKCE, state and nonce, each fresh
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest),
/// [RFC 9700 § 2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)).
///
/// # Errors
///
/// If the provider does not take this client's way of authenticating, refuses `S256`, or lacks the response mode: better
/// said here than after the user has signed in. [`Check::Randomness`] if there is none.
pub fn start(
    metadata: &Metadata,
    registration: &Registration,
    wanted: Wanted,
    env: &mut Env<'_>,
) -> Result<Started, CheckFailed> {
    super::check_compatible(metadata, registration)?;
    let Wanted {
        return_to,
        demand,
        prompt,
    } = wanted;
    let mut random = Zeroizing::new([0; 96]);
    env.entropy
        .fill(&mut random[..])
        .map_err(|e| CheckFailed::new(Check::Randomness, e.to_string()))?;
    let mut texts = random
        .chunks_exact(32)
        .map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let mut text = || texts.next().unwrap_or_default();
    let transaction = Transaction {
        state: State::new(text()),
        nonce: Nonce::new(text()),
        verifier: CodeVerifier::new(text()),
        issuer: metadata.issuer().clone(),
        promises_iss: metadata.promises_iss(),
        return_to,
        demand,
        created: env.now,
    };
    let mut location = location(metadata, registration, &transaction);
    if let Some(prompt) = prompt {
        form::push_pair(&mut location, "prompt", prompt.value());
    }
    Ok(Started {
        location,
        transaction,
    })
}

fn location(metadata: &Metadata, registration: &Registration, transaction: &Transaction) -> String {
    let Transaction {
        state,
        nonce,
        verifier,
        demand,
        ..
    } = transaction;
    let mut url = form::with_query(
        metadata.authorization_endpoint().as_str(),
        [
            ("response_type", "code"),
            ("client_id", registration.client.id()),
            ("redirect_uri", &registration.redirect_uri),
            ("scope", &registration.scopes),
            ("state", state.expose()),
            ("nonce", nonce.expose()),
            ("code_challenge", &pkce::challenge(verifier)),
            ("code_challenge_method", "S256"),
        ],
    );
    match registration.response_mode {
        // The default is not said (OAuth 2.0 Multiple Response Types § 2.1).
        ResponseMode::Query => {}
        mode @ ResponseMode::FormPost => form::push_pair(&mut url, "response_mode", mode.value()),
    }
    if !demand.acr_values.is_empty() {
        form::push_pair(&mut url, "acr_values", &demand.acr_values.join(" "));
    }
    if let Some(age) = demand.max_age {
        form::push_pair(&mut url, "max_age", &age.as_secs().to_string());
    }
    url
}
