use super::{DevProvider, answer::Lost};
use crate::{HttpClient, TransportError, core::flow::Exchange};
use http::Response;
use url::Url;

/// A [`DevProvider`] as an HTTP client, without a port.
///
/// Requests to the origin of the provider's issuer are answered in the process. A request to any other origin is not
/// sent, and the error says where it wanted to go.
#[derive(Clone, Debug)]
pub struct InProcess {
    provider: DevProvider,
}

impl InProcess {
    pub(super) fn new(provider: DevProvider) -> Self {
        Self { provider }
    }

    async fn answer(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let (parts, body) = exchange.request.into_parts();
        let issuer = self.provider.state().issuer.url.origin();
        let asked = Url::parse(&parts.uri.to_string()).map(|url| url.origin());
        if asked.as_ref() != Ok(&issuer) {
            let asked = asked.map_or("no origin".to_owned(), |o| o.ascii_serialization());
            return Err(TransportError::not_sent(format!(
                "{asked} is not the development provider, which is {}",
                issuer.ascii_serialization()
            )));
        }
        let response = self.provider.answer_and_tell(&parts, &body).await;
        match response.extensions().get::<Lost>().copied() {
            Some(Lost::Request) => Err(TransportError::not_sent("the fault Unreachable is on")),
            Some(Lost::Answer) => Err(TransportError::new("a fault is on that loses answers")),
            Some(Lost::Late) => {
                tokio::time::sleep(exchange.deadline).await;
                Err(TransportError::new(format!(
                    "no answer within {} s",
                    exchange.deadline.as_secs()
                )))
            }
            None if response.body().len() > exchange.max_body_bytes => {
                Err(TransportError::too_large(format!(
                    "{} bytes where {} are allowed",
                    response.body().len(),
                    exchange.max_body_bytes
                )))
            }
            None => Ok(response.map(|body| body.to_vec())),
        }
    }
}

impl HttpClient for InProcess {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        self.answer(exchange).await
    }
}
