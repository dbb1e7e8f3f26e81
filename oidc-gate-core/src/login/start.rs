//! The way to the provider.

use super::{Demand, ReturnTo, Transaction, pkce};
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
        }
    }
}

/// A login that has begun: where to send the browser, and what to remember.
#[derive(Debug)]
pub struct Started {
    /// The address at the provider, for `Location`. Holds no secret: state and nonce protect by being bound to the
    /// transaction, the challenge is the public half of PKCE.
    pub location: String,
    /// What to seal into the browser's cookie.
    pub transaction: Transaction,
}

/// Begins a login: the authorization request of the code flow, with PKCE, state and nonce, each fresh
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest),
/// [RFC 9700 § 2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)).
///
/// # Errors
///
/// If the provider does not take this client's way of authenticating, or refuses `S256`: better said here than after the
/// user has signed in. [`Check::Randomness`] if there is none.
pub fn start(
    metadata: &Metadata,
    registration: &Registration,
    return_to: ReturnTo,
    demand: Demand,
    env: &mut Env<'_>,
) -> Result<Started, CheckFailed> {
    super::check_compatible(metadata, registration)?;
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
    let location = location(metadata, registration, &transaction);
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
    if !demand.acr_values.is_empty() {
        form::push_pair(&mut url, "acr_values", &demand.acr_values.join(" "));
    }
    if let Some(age) = demand.max_age {
        form::push_pair(&mut url, "max_age", &age.as_secs().to_string());
    }
    url
}
