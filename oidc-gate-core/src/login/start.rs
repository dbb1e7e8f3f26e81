//! The way to the provider.

use super::{
    ClaimsRequest, Extent, Lead, Manner, RequestUrl, ResponseMode, ReturnTo, Transaction, Wanted,
    Wishes, pkce, prepared::Opening, transaction::StateHash,
};
use crate::{
    check::{Check, CheckFailed},
    client_auth::Client,
    flow::{Entropy, Env},
    jose::Alg,
    provider::Metadata,
    secret::{CodeVerifier, Nonce, State},
    session::{CookieKeys, CookieNames, Reader, SealNonce, SetCookie},
};
use base64_simd::URL_SAFE_NO_PAD;
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
    sealed_with: SealNonce,
}

impl Started {
    /// Where to send the browser, and the cookie that it has to keep. Where that would be too large with the place that the
    /// login leads to, it leads to `home`.
    ///
    /// # Errors
    ///
    /// [`Check::LoginTooLarge`] if it is too large even so. [`Check::Randomness`] if there is no key to seal with.
    pub fn keep(
        self,
        keys: &CookieKeys,
        names: &CookieNames,
        home: impl FnOnce() -> ReturnTo,
    ) -> Result<(String, SetCookie), CheckFailed> {
        let cookie = (self.transaction).into_cookie(keys, names, self.sealed_with, home)?;
        Ok((self.location, cookie))
    }
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
    let opening = Opening::new(metadata, registration, &registration.scopes)?;
    begin(metadata, registration, &opening, wanted, keys, env)
}

/// The same, of a provider and a registration that are known to fit.
pub(super) fn begin(
    metadata: &Metadata,
    registration: &Registration,
    opening: &Opening,
    wanted: Wanted,
    keys: &CookieKeys,
    env: &mut Env<'_>,
) -> Result<Started, CheckFailed> {
    let wishes = &registration.wishes;
    let claims = wanted.claims.as_ref().or(wishes.claims.as_ref());
    super::compatible::check_claims_request(metadata, claims)?;
    let drawn = Drawn::from(env.entropy)?;
    let state = Lead::of(&wanted, env.now).seal(keys, &drawn.state, drawn.state_sealed_with)?;
    let transaction = Transaction {
        state: StateHash::of(&state),
        nonce: Nonce::new(URL_SAFE_NO_PAD.encode_to_string(drawn.nonce)),
        verifier: CodeVerifier::new(URL_SAFE_NO_PAD.encode_to_string(drawn.verifier)),
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
    let chars = LOGIN_CHARS + state.expose().len();
    let scopes = &transaction.extent.scopes;
    let url = opening.request(metadata, registration, scopes, chars)?;
    let location = location(url, registration, &wanted, &state, &transaction)?;
    Ok(Started {
        location,
        state,
        transaction,
        sealed_with: drawn.sealed_with,
    })
}

/// All the randomness of a login, drawn at once: the system's generator takes 756 ns for 12 bytes and 803 ns for these 120.
struct Drawn {
    state: [u8; 32],
    nonce: [u8; 32],
    verifier: Zeroizing<[u8; 32]>,
    /// Of the state, and of the transaction.
    state_sealed_with: SealNonce,
    sealed_with: SealNonce,
}

impl Drawn {
    const BYTES: usize = 3 * 32 + 2 * SealNonce::BYTES;

    fn from(entropy: &mut dyn Entropy) -> Result<Self, CheckFailed> {
        let mut random = Zeroizing::new([0; Self::BYTES]);
        entropy
            .fill(&mut random[..])
            .map_err(|e| CheckFailed::new(Check::Randomness, e.to_string()))?;
        Self::of(&random).ok_or_else(|| {
            CheckFailed::new(Check::Randomness, "it is not as much as was asked for")
        })
    }

    fn of(random: &[u8; Self::BYTES]) -> Option<Self> {
        let mut reader = Reader(random);
        Some(Self {
            state: reader.array()?,
            nonce: reader.array()?,
            verifier: Zeroizing::new(reader.array()?),
            state_sealed_with: SealNonce::of(reader.array()?),
            sealed_with: SealNonce::of(reader.array()?),
        })
    }
}

/// What is added to every request, but for the state itself.
const LOGIN_CHARS: usize =
    "&state=&nonce=&code_challenge=&code_challenge_method=S256".len() + 2 * 43;

fn location(
    mut url: RequestUrl<'_>,
    registration: &Registration,
    wanted: &Wanted,
    state: &State,
    transaction: &Transaction,
) -> Result<String, CheckFailed> {
    let Registration { wishes, .. } = registration;
    let Transaction { demand, .. } = transaction;
    url.add_plain("state", |text| *text += state.expose())?;
    url.add_plain("nonce", |text| *text += transaction.nonce.expose())?;
    url.add_plain("code_challenge", |text| {
        pkce::append_challenge(&transaction.verifier, text);
    })?;
    url.add_plain("code_challenge_method", |text| *text += "S256")?;
    match registration.response_mode {
        // The default is not said (OAuth 2.0 Multiple Response Types § 2.1).
        ResponseMode::Query => {}
        mode @ ResponseMode::FormPost => url.add("response_mode", mode.value())?,
    }
    let claims = wanted.claims.as_ref().or(wishes.claims.as_ref());
    let acr_values = match demand.acr_values.as_slice() {
        [] => &wishes.acr_values,
        demanded => demanded,
    };
    if !acr_values.is_empty() && !claims.is_some_and(ClaimsRequest::names_acr) {
        url.add("acr_values", &acr_values.join(" "))?;
    }
    // Zero is a demand: the user has to sign in now.
    if let Some(age) = demand.max_age {
        url.add("max_age", &age.as_secs().to_string())?;
    }
    match &wanted.manner {
        Manner::Silent { .. } => url.add("prompt", "none")?,
        Manner::Asking(prompts) => {
            let prompts = if prompts.is_empty() {
                &wishes.prompt
            } else {
                prompts
            };
            if !prompts.is_empty() {
                let values: Vec<_> = prompts.iter().map(|prompt| prompt.value()).collect();
                url.add("prompt", &values.join(" "))?;
            }
        }
    }
    if let Some(hint) = &wanted.login_hint {
        url.add("login_hint", hint.as_str())?;
    }
    let locales = [&wanted.ui_locales, &wishes.ui_locales];
    if let Some(locales) = locales.into_iter().find(|locales| !locales.is_empty()) {
        url.add("ui_locales", locales.as_str())?;
    }
    if let Some(claims) = claims {
        let text = claims.text(&demand.acr_values, transaction.extent.auth_time);
        url.add("claims", &text)?;
    }
    // The one parameter that may occur several times (RFC 8707 § 2).
    for uri in &transaction.extent.resource {
        url.add("resource", uri)?;
    }
    for (name, value) in wanted.params.over(&wishes.params) {
        url.add(name, value)?;
    }
    Ok(url.finish())
}
