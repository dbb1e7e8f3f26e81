//! Tokens for a program, without a browser: any grant, by any way of proving who the client is.

mod builder;

pub use builder::TokenClientBuilder;

use crate::{
    ClientAuth,
    core::{
        backchannel::{Ask, AskError, DeviceAuthorization, Question},
        client_auth::Client,
        flow::{Failure, Flow, Input, Step},
        provider::{
            Discovery, Metadata,
            cache::{Cache, Decision, Reason},
            may_be_outdated,
        },
        token::{PollDevice, TokenResponse},
        url::Issuer,
    },
    outside::Outside,
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

/// A client of a provider: it gets tokens, and introspects and revokes them, as the [`Question`]s of
/// [`core`](crate::core::backchannel) say. Cheap to clone; clones share what is known of the provider.
///
/// Every question is asked once, with a fresh proof of who the client is. What the provider does not take is refused before
/// anything is sent to it but the request for its metadata.
///
/// ```no_run
/// use oidc_gate_tower::{ClientAuth, TokenClient, core::{backchannel::RevocationRequest, token::TokenRequest}};
///
/// # async fn example(secret: String) -> Result<(), Box<dyn std::error::Error>> {
/// let client = TokenClient::builder("https://id.example.com", "orders", ClientAuth::client_secret_basic(secret)).build()?;
/// let tokens = client.ask(TokenRequest::client_credentials().scope("stock:read")?).await?;
/// println!("good for {:?}", tokens.expires_in);
/// client.ask(RevocationRequest::access_token(&tokens.access_token)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenClient(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    client: Client,
    outside: Outside,
    /// Held while it is fetched: whoever else needs it waits for it.
    metadata: Mutex<Cache<Metadata>>,
}

impl TokenClient {
    /// A client that is registered as `client_id` at the provider `issuer`.
    pub fn builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        auth: impl Into<ClientAuth>,
    ) -> TokenClientBuilder {
        TokenClientBuilder::new(issuer.into(), client_id.into(), auth.into())
    }

    /// Asks a question, once.
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is an error of the provider's: [`AskError::code`] says which.
    ///
    /// # Security
    ///
    /// Codes and rotated refresh tokens are used up by being sent: do not drop the future half-way, and do not ask again
    /// with the same one.
    pub async fn ask<Q: Question + Send>(&self, question: Q) -> Result<Q::Answer, AskError>
    where
        Q::Answer: Send,
    {
        let metadata = self.metadata().await?;
        let flow = Ask::new(self.0.client.clone(), metadata, question);
        self.finish(flow).await
    }

    /// Asks for the token of a device until somebody has let it in: first
    /// [`ask`](Self::ask) with a [`DeviceAuthorizationRequest`](crate::core::backchannel::DeviceAuthorizationRequest), then
    /// show its user code, then this.
    ///
    /// # Errors
    ///
    /// If nobody lets it in before the code expires, somebody refuses, or as [`ask`](Self::ask).
    pub async fn poll(&self, device: &DeviceAuthorization) -> Result<TokenResponse, AskError> {
        let metadata = self.metadata().await?;
        self.finish(PollDevice::new(self.0.client.clone(), metadata, device))
            .await
    }

    #[cfg(feature = "openidconnect")]
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    #[cfg(feature = "openidconnect")]
    pub(crate) fn http(&self) -> Arc<dyn crate::ports::DynHttpClient> {
        self.0.outside.http.clone()
    }

    async fn finish<T>(
        &self,
        flow: impl Flow<Output = Result<T, AskError>> + Send,
    ) -> Result<T, AskError> {
        let answer = self.drive(flow).await;
        if let Err(error) = &answer
            && may_be_outdated(error.check())
        {
            let now = self.0.outside.clock.now();
            self.0.metadata.lock().await.doubt(now);
        }
        answer
    }

    /// What the provider says of itself, fetched if need be.
    ///
    /// # Errors
    ///
    /// If it cannot be fetched.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, AskError> {
        let Inner {
            issuer, outside, ..
        } = &*self.0;
        let mut cache = self.0.metadata.lock().await;
        match cache.decide(outside.clock.now(), |_| true) {
            Decision::UseHeld(metadata) => return Ok(metadata),
            Decision::Unavailable { why, retry_after } => {
                return Err(AskError::from(why).with_retry_after(retry_after));
            }
            // Whoever is not in a hurry to answer a browser can wait for it.
            Decision::Fetch(_) | Decision::UseHeldAndRefresh(_) => {}
        }
        cache.begin(outside.clock.now(), Reason::Ordinary);
        let fetched = self.drive(Discovery::new(issuer.clone())).await;
        let now = outside.clock.now();
        match fetched {
            Ok(fetched) => Ok(cache.loaded(now, fetched)),
            Err(why) => {
                let retry_after = cache.failed(now, why.clone());
                // What is held is better than nothing, while it may be used at all.
                match cache.decide(now, |_| true) {
                    Decision::UseHeld(metadata) | Decision::UseHeldAndRefresh(metadata) => {
                        Ok(metadata)
                    }
                    Decision::Fetch(_) | Decision::Unavailable { .. } => {
                        Err(AskError::from(why).with_retry_after(retry_after))
                    }
                }
            }
        }
    }

    /// Carries out what a flow asks for, each step once, until it is done. No keys are looked for: none of the flows here
    /// verifies a signature.
    async fn drive<F: Flow + Send>(&self, mut flow: F) -> F::Output {
        let outside = &self.0.outside;
        let mut input = Input::Start;
        loop {
            input = match outside.resume(&mut flow, input) {
                Step::Done(output) => return output,
                Step::Send(exchange) => outside.send(exchange).await,
                Step::Wait(time) => outside.wait(time).await,
                Step::Sign(input) => outside.sign(input).await,
                Step::FindKeys(_) => Input::Failed(Failure::NotSent),
            };
        }
    }
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("issuer", &self.0.issuer)
            .field("client", &self.0.client)
            .finish_non_exhaustive()
    }
}
