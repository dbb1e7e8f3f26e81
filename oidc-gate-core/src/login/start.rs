//! The way to the provider.

use super::{
    ClaimsRequest, Extent, Lead, Manner, ResponseMode, Transaction, Wanted, Wishes, pkce,
    transaction::StateHash,
};
use crate::{
    check::{Check, CheckFailed, quote},
    client_auth::Client,
    flow::Env,
    form,
    jose::Alg,
    provider::Metadata,
    secret::{CodeVerifier, Nonce, State},
    session::CookieKeys,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{borrow::Cow, fmt};
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
    /// What every login asks for beside that.
    pub wishes: Wishes,
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
            wishes: Wishes::default(),
            response_mode: ResponseMode::default(),
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
    /// What the browser comes back with. It stands in the address.
    pub state: State,
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

/// Begins a login: the authorization request of the code flow, with PKCE, state and nonce, each fresh; the state says where the
/// login leads ([`Lead`]), sealed with `keys`
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest),
/// [RFC 9700 § 2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)).
///
/// # Errors
///
/// What [`check_compatible`](super::check_compatible) says: better here than after the user has signed in.
/// [`Check::IdTokenAcr`] where what is demanded cannot be met. [`Check::MetadataMalformed`] where the authorization
/// endpoint's own query has a parameter that the request has to set. [`Check::Randomness`] if there is none.
pub fn start(
    metadata: &Metadata,
    registration: &Registration,
    wanted: Wanted,
    keys: &CookieKeys,
    env: &mut Env<'_>,
) -> Result<Started, CheckFailed> {
    super::check_compatible(metadata, registration)?;
    let wishes = &registration.wishes;
    let claims = wanted.claims.as_ref().or(wishes.claims.as_ref());
    super::compatible::check_claims_request(metadata, claims)?;
    let mut random = Zeroizing::new([0; 96]);
    env.entropy
        .fill(&mut random[..])
        .map_err(|e| CheckFailed::new(Check::Randomness, e.to_string()))?;
    let mut texts = random
        .chunks_exact(32)
        .map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let mut text = || texts.next().unwrap_or_default();
    let state = Lead::of(&wanted, env.now).seal(keys, &text())?;
    let transaction = Transaction {
        state: StateHash::of(&state),
        nonce: Nonce::new(text()),
        verifier: CodeVerifier::new(text()),
        issuer: metadata.issuer().clone(),
        promises_iss: metadata.promises_iss(),
        return_to: wanted.return_to.clone(),
        otherwise: match &wanted.manner {
            Manner::Silent { otherwise } => Some(otherwise.clone()),
            Manner::Asking(_) => None,
        },
        demand: wishes.demand(wanted.demand.clone(), claims)?,
        extent: Extent::of(registration, &wanted, claims),
        same_user: wanted.same_user.clone(),
        predecessor: wanted.predecessor.clone(),
        created: env.now,
    };
    let location = location(metadata, registration, &wanted, &state, &transaction)?;
    Ok(Started {
        location,
        state,
        transaction,
    })
}

fn location(
    metadata: &Metadata,
    registration: &Registration,
    wanted: &Wanted,
    state: &State,
    transaction: &Transaction,
) -> Result<String, CheckFailed> {
    let Registration { wishes, .. } = registration;
    let Transaction { demand, .. } = transaction;
    let mut pairs: Vec<(&str, Cow<'_, str>)> = vec![
        ("response_type", "code".into()),
        ("client_id", registration.client.id().into()),
        ("redirect_uri", (&*registration.redirect_uri).into()),
        ("scope", (&*transaction.extent.scopes).into()),
        ("state", state.expose().into()),
        ("nonce", transaction.nonce.expose().into()),
        (
            "code_challenge",
            pkce::challenge(&transaction.verifier).into(),
        ),
        ("code_challenge_method", "S256".into()),
    ];
    match registration.response_mode {
        // The default is not said (OAuth 2.0 Multiple Response Types § 2.1).
        ResponseMode::Query => {}
        mode @ ResponseMode::FormPost => pairs.push(("response_mode", mode.value().into())),
    }
    let claims = wanted.claims.as_ref().or(wishes.claims.as_ref());
    let acr_values = match demand.acr_values.as_slice() {
        [] => &wishes.acr_values,
        demanded => demanded,
    };
    if !acr_values.is_empty() && !claims.is_some_and(ClaimsRequest::names_acr) {
        pairs.push(("acr_values", acr_values.join(" ").into()));
    }
    // Zero is a demand: the user has to sign in now.
    if let Some(age) = demand.max_age {
        pairs.push(("max_age", age.as_secs().to_string().into()));
    }
    match &wanted.manner {
        Manner::Silent { .. } => pairs.push(("prompt", "none".into())),
        Manner::Asking(prompts) => {
            let prompts = if prompts.is_empty() {
                &wishes.prompt
            } else {
                prompts
            };
            if !prompts.is_empty() {
                let values: Vec<_> = prompts.iter().map(|prompt| prompt.value()).collect();
                pairs.push(("prompt", values.join(" ").into()));
            }
        }
    }
    if let Some(hint) = &wanted.login_hint {
        pairs.push(("login_hint", hint.as_str().into()));
    }
    let locales = [&wanted.ui_locales, &wishes.ui_locales];
    if let Some(locales) = locales.into_iter().find(|locales| !locales.is_empty()) {
        pairs.push(("ui_locales", locales.as_str().into()));
    }
    if let Some(claims) = claims {
        pairs.push((
            "claims",
            claims
                .text(&demand.acr_values, transaction.extent.auth_time)
                .into(),
        ));
    }
    // The one parameter that may occur several times (RFC 8707 § 2).
    let resource = transaction.extent.resource.iter();
    pairs.extend(resource.map(|uri| ("resource", uri.into())));
    let params = wanted.params.over(&wishes.params);
    pairs.extend(params.map(|(name, value)| (name, value.into())));

    let endpoint = metadata.authorization_endpoint().as_str();
    check_query("authorization_endpoint", endpoint, &pairs)?;
    Ok(form::with_query(
        endpoint,
        pairs.iter().map(|(name, value)| (*name, &**value)),
    ))
}

/// The endpoint's own query has to be kept, and no parameter may occur twice
/// ([RFC 6749 § 3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)): where a name is in both, the two cannot be had
/// together.
pub(crate) fn check_query(
    member: &str,
    endpoint: &str,
    pairs: &[(&str, Cow<'_, str>)],
) -> Result<(), CheckFailed> {
    let own = endpoint.split_once('?').map_or("", |(_, query)| query);
    let names = own
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names.filter(|name| !name.is_empty()) {
        let decoded = form::decode(name.as_bytes());
        let name = decoded.as_deref().unwrap_or(name);
        if pairs
            .iter()
            .any(|(ours, _)| ours.eq_ignore_ascii_case(name))
        {
            let cause = format!(
                "`{member}` has the parameter {} already, and the request has to set it",
                quote(name)
            );
            return Err(CheckFailed::new(Check::MetadataMalformed, cause));
        }
    }
    Ok(())
}
