//! A client of theirs, as a gate knows it.

use super::{BridgedHttp, ConversionError, ToTheirs};
use crate::{
    Gate, Provider,
    core::{
        check::CheckFailed,
        client_auth::{Client, Method},
        flow::Transport,
        provider::{Endpoint, Metadata},
        url::EndpointUrl,
    },
    ports::DynHttpClient,
};
use http::Uri;
use openidconnect::{
    AuthType, ClientSecret, DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IntrospectionUrl, RedirectUrl, RevocationUrl, TokenUrl,
    core::{CoreClient, CoreJsonWebKeySet},
};
use std::{fmt, sync::Arc};

/// A client of theirs with its authorization and token endpoint, and userinfo where the provider has it.
pub type BridgedClient = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointMaybeSet,
>;

/// A client of theirs, and what it takes to use it.
///
/// ```no_run
/// use oidc_gate_tower::{Gate, bridge::openidconnect::{OAuth2TokenResponse as _, RefreshToken}};
///
/// # async fn example(gate: Gate, refresh_token: RefreshToken) -> Result<(), Box<dyn std::error::Error>> {
/// let theirs = gate.openidconnect().await?;
/// let tokens = theirs.client.exchange_refresh_token(&refresh_token).request_async(&theirs.http).await?;
/// println!("good for {:?}", tokens.expires_in());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bridged {
    /// The client, with its secret where it has one, and with the redirect URI of the gate.
    pub client: BridgedClient,
    /// What it sends its requests through: the gate's HTTP client.
    pub http: BridgedHttp,
    /// What the provider has said of itself.
    pub metadata: Arc<Metadata>,
    /// Where devices ask, for `client.set_device_authorization_url`. As the next two, `None` where the provider has no such
    /// endpoint or the client proves itself there in another way than at the token endpoint.
    pub device_authorization: Option<DeviceAuthorizationUrl>,
    /// Where tokens are introspected, for `client.set_introspection_url`.
    pub introspection: Option<IntrospectionUrl>,
    /// Where tokens are revoked, for `client.set_revocation_url`.
    pub revocation: Option<RevocationUrl>,
}

/// Why there is no client of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BridgeError {
    /// The provider could not be asked, or does not take the client.
    Provider(CheckFailed),
    /// The provider's keys could not be fetched or read by their code.
    Keys,
    /// Their client cannot prove itself so: it knows a secret in a header or in the body, and none at all.
    Method(&'static str),
    /// The gate signs nobody in, and so is nobody's client.
    NoClient,
    /// A value has no counterpart.
    Conversion(ConversionError),
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(failed) => failed.fmt(f),
            Self::Keys => {
                f.write_str("the provider's keys could not be fetched or read by openidconnect")
            }
            Self::Method(name) => {
                write!(f, "a client of openidconnect cannot prove itself by {name}")
            }
            Self::NoClient => f.write_str("the gate signs nobody in, and so is nobody's client"),
            Self::Conversion(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BridgeError {}

impl From<ConversionError> for BridgeError {
    fn from(error: ConversionError) -> Self {
        Self::Conversion(error)
    }
}

impl From<CheckFailed> for BridgeError {
    fn from(failed: CheckFailed) -> Self {
        Self::Provider(failed)
    }
}

/// A client of theirs from a client of ours and what its provider has said of itself. `keys` are the provider's, as their
/// code reads them; without them no ID token is believed.
///
/// The secret goes where the method of the token endpoint has it. A client of mutual TLS has none and says its id; its
/// requests have to be sent over a connection that shows the certificate, as [`Bridged::http`] does.
///
/// # Errors
///
/// [`BridgeError::Provider`] where the token endpoint does not take the client, [`BridgeError::Method`] for
/// `client_secret_jwt`, `private_key_jwt`, and for a raw Basic header that differs from theirs.
pub fn client(
    ours: &Client,
    metadata: &Metadata,
    keys: CoreJsonWebKeySet,
    redirect_uri: Option<&str>,
) -> Result<BridgedClient, BridgeError> {
    let access = ours.at(metadata, Endpoint::Token)?;
    let (auth_type, secret) = proof(ours, access.method())?;
    let theirs: openidconnect::core::CoreProviderMetadata = metadata.to_theirs()?;
    let Ok(id) = ours.to_theirs();
    let client = CoreClient::from_provider_metadata(theirs.set_jwks(keys), id, secret)
        .set_token_uri(access.url().to_theirs()?)
        .set_auth_type(auth_type);
    Ok(match redirect_uri {
        None => client,
        Some(uri) => client.set_redirect_uri(
            RedirectUrl::new(uri.to_owned()).map_err(|_| ConversionError::Expected("a URL"))?,
        ),
    })
}

fn proof(
    client: &Client,
    method: &Method,
) -> Result<(AuthType, Option<ClientSecret>), BridgeError> {
    let secret = |secret: &crate::core::secret::ClientSecret| {
        let Ok(secret) = secret.to_theirs();
        Some(secret)
    };
    Ok(match method {
        Method::None | Method::Tls | Method::SelfSignedTls => (AuthType::RequestBody, None),
        Method::SecretBasic(it) => (AuthType::BasicAuth, secret(it)),
        // Theirs encodes, as RFC 6749 § 2.3.1 has it.
        Method::SecretBasicRaw(it) if is_plain(client.id()) && is_plain(it.expose()) => {
            (AuthType::BasicAuth, secret(it))
        }
        Method::SecretPost(it) => (AuthType::RequestBody, secret(it)),
        Method::SecretBasicRaw(_) => {
            return Err(BridgeError::Method("client_secret_basic without encoding"));
        }
        other => return Err(BridgeError::Method(other.name())),
    })
}

/// Whether form encoding leaves it as it is.
fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"*-._".contains(&b);
    text.bytes().all(plain)
}

/// Everything, with what has to be fetched.
async fn bridge(
    ours: &Client,
    metadata: Arc<Metadata>,
    redirect_uri: Option<&str>,
    http: Arc<dyn DynHttpClient>,
) -> Result<Bridged, BridgeError> {
    let method = ours.at(&metadata, Endpoint::Token)?.method().name();
    let accesses = Endpoint::ALL.map(|endpoint| ours.at(&metadata, endpoint).ok());
    let certificate_at: Vec<Uri> = accesses
        .iter()
        .flatten()
        .filter(|access| access.transport() == Transport::MutualTls)
        .filter_map(|access| as_they_write_it(access.url()))
        .collect();
    let http = BridgedHttp::showing_at(http, certificate_at);
    let keys = CoreJsonWebKeySet::fetch_async(&metadata.jwks_uri().to_theirs()?, &http)
        .await
        .map_err(|_| BridgeError::Keys)?;
    let client = client(ours, &metadata, keys, redirect_uri)?;
    let alike = |endpoint| {
        let mut accesses = accesses.iter().flatten();
        let access = accesses.find(|access| access.endpoint() == endpoint)?;
        (access.method().name() == method).then(|| access.url().clone())
    };
    Ok(Bridged {
        device_authorization: converted(alike(Endpoint::DeviceAuthorization))?,
        introspection: converted(alike(Endpoint::Introspection))?,
        revocation: converted(alike(Endpoint::Revocation))?,
        client,
        http,
        metadata,
    })
}

fn converted<T>(url: Option<EndpointUrl>) -> Result<Option<T>, ConversionError>
where
    EndpointUrl: ToTheirs<T, Error = ConversionError>,
{
    url.as_ref().map(ToTheirs::to_theirs).transpose()
}

/// An address as it stands in their requests: they write what they have parsed.
fn as_they_write_it(url: &EndpointUrl) -> Option<Uri> {
    let url: TokenUrl = url.to_theirs().ok()?;
    url.url().as_str().parse().ok()
}

impl Gate {
    /// A client of `openidconnect` that is registered as this gate's is: for code that speaks to the provider with it. The
    /// provider's metadata is the gate's, fetched if need be; its keys are fetched once, and it is for the caller to make
    /// another client when they change.
    ///
    /// # Errors
    ///
    /// Where the provider cannot be asked, or the client proves itself in a way that theirs does not know.
    pub async fn openidconnect(&self) -> Result<Bridged, BridgeError> {
        let upstream = match &self.0.sessions {
            Some(sessions) => &sessions.upstream,
            None => return Err(BridgeError::NoClient),
        };
        let metadata = upstream.metadata().await.map_err(CheckFailed::from)?;
        let registration = upstream.registration();
        let redirect_uri = Some(&*registration.redirect_uri);
        bridge(
            &registration.client,
            metadata,
            redirect_uri,
            upstream.http(),
        )
        .await
    }
}

impl Provider {
    /// A client of `openidconnect` for this provider, as [`client`](crate::bridge::client()) makes it: without any IO.
    ///
    /// # Errors
    ///
    /// As there, and where the metadata is another issuer's.
    pub fn openidconnect(
        &self,
        metadata: &Metadata,
        keys: CoreJsonWebKeySet,
        redirect_uri: Option<&str>,
    ) -> Result<BridgedClient, BridgeError> {
        if metadata.issuer().as_str() != self.issuer {
            return Err(
                ConversionError::Expected("the metadata of the provider's own issuer").into(),
            );
        }
        let ours = Client::new(self.client_id.as_str(), self.auth.choice.clone());
        client(&ours, metadata, keys, redirect_uri)
    }
}

#[cfg(test)]
mod tests;
