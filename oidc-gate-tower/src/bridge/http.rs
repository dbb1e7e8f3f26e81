//! An HTTP client of ours, for them.

use crate::{
    HttpClient, TransportError,
    core::flow::{Exchange, Transport},
    ports::{Boxed, DynHttpClient},
};
use http::{Request, Response, Uri};
use openidconnect::AsyncHttpClient;
use std::{fmt, sync::Arc};

/// Sends the requests of `oauth2` and `openidconnect` through an [`HttpClient`]: the one of a gate, or any other. No redirect
/// is followed, as their documentation demands, and body and time are limited as for the gate's own requests.
///
/// ```
/// use oidc_gate_tower::{HttpClient, bridge::{BridgedHttp, openidconnect::{IssuerUrl, core::CoreProviderMetadata}}};
/// use std::error::Error;
///
/// async fn discover(client: impl HttpClient, issuer: &str) -> Result<CoreProviderMetadata, Box<dyn Error>> {
///     let issuer = IssuerUrl::new(issuer.to_owned())?;
///     Ok(CoreProviderMetadata::discover_async(issuer, &BridgedHttp::new(client)).await?)
/// }
/// ```
#[derive(Clone)]
pub struct BridgedHttp {
    http: Arc<dyn DynHttpClient>,
    /// Where the client shows its certificate.
    certificate_at: Arc<[Uri]>,
}

impl BridgedHttp {
    /// An HTTP client for them. No certificate is shown.
    pub fn new(client: impl HttpClient) -> Self {
        Self::showing_at(Arc::new(client), [])
    }

    /// The same with the client's certificate, at these addresses and nowhere else.
    pub(super) fn showing_at(
        http: Arc<dyn DynHttpClient>,
        addresses: impl IntoIterator<Item = Uri>,
    ) -> Self {
        Self {
            http,
            certificate_at: addresses.into_iter().collect(),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for BridgedHttp {
    type Error = TransportError;
    type Future = Boxed<'c, Result<Response<Vec<u8>>, TransportError>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        let mut exchange = Exchange::new(request);
        if self.certificate_at.contains(exchange.request.uri()) {
            exchange.transport = Transport::MutualTls;
        }
        self.http.send(exchange)
    }
}

impl fmt::Debug for BridgedHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgedHttp")
            .field("certificate_at", &self.certificate_at)
            .finish_non_exhaustive()
    }
}
