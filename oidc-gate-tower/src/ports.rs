//! What the gate asks of the world.
//!
//! The traits are written with `impl Future + Send`, so an implementor writes a plain `async fn`. They are erased once,
//! inside the gate; no type parameter reaches the user.

use crate::core::{
    flow::{Entropy, EntropyUnavailable, Exchange, Failure},
    jose::Alg,
    time::UnixTime,
};
use std::{fmt, future::Future, pin::Pin, time::Duration};

/// A future on the heap: what the erased twins of the traits return, off the hot path.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends one exchange.
///
/// An implementation follows no redirect, reads at most
/// [`max_body_bytes`](Exchange::max_body_bytes), gives up after [`deadline`](Exchange::deadline), never sends a request
/// twice, and shows the client's certificate for
/// [`Transport::MutualTls`](crate::core::flow::Transport::MutualTls) only.
pub trait HttpClient: Send + Sync + 'static {
    /// The provider's answer, whatever its status.
    ///
    /// # Errors
    ///
    /// When there is no answer. The error says whether the request may have arrived.
    fn send(
        &self,
        exchange: Exchange,
    ) -> impl Future<Output = Result<http::Response<Vec<u8>>, TransportError>> + Send;
}

/// Why there is no answer.
#[derive(Debug)]
pub struct TransportError {
    failure: Failure,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// No answer, and the request may have arrived: the safe thing to say when in doubt.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            failure: Failure::Unknown,
            source: source.into(),
        }
    }

    /// The request certainly never left: no connection, no address.
    pub fn not_sent(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            failure: Failure::NotSent,
            source: source.into(),
        }
    }

    /// The answer was larger than allowed.
    pub fn too_large(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            failure: Failure::TooLarge,
            source: source.into(),
        }
    }

    /// What a flow is told.
    pub fn failure(&self) -> Failure {
        self.failure
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.failure {
            Failure::NotSent => "the provider could not be reached",
            Failure::Unknown => "the provider did not answer",
            Failure::TooLarge => "the provider's answer is too large",
        })
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// How long a login waits for a signature: as long as for an answer of the provider's.
pub(crate) const SIGNER_DEADLINE: Duration = Duration::from_secs(10);

/// Signs for the client with a key that this process does not hold: in a KMS, an HSM, a smart card.
pub trait Signer: Send + Sync + 'static {
    /// The algorithm of its signatures, which is not symmetric. Asked once.
    fn alg(&self) -> Alg;

    /// How the provider knows the key, if it has a name. Asked once.
    fn kid(&self) -> Option<&str> {
        None
    }

    /// The signature of `input` in the form JWS defines for the algorithm: for `ES256` and its kin the two numbers one
    /// behind the other, not DER ([RFC 7518 § 3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)).
    ///
    /// After ten seconds the gate waits no longer and drops the future, so it has to bear being dropped. It is not asked
    /// again for the same login.
    ///
    /// # Errors
    ///
    /// When there is none. The login that needed it ends with an error page, and its cause is in the log; so does one
    /// whose signature has not come in time. The code of the login is not used up by either.
    fn sign(&self, input: &[u8]) -> impl Future<Output = Result<Vec<u8>, SignerError>> + Send;
}

/// Why there is no signature.
#[derive(Debug)]
pub struct SignerError(Box<dyn std::error::Error + Send + Sync>);

impl SignerError {
    /// This was the cause.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signer did not sign")
    }
}

impl std::error::Error for SignerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// [`Signer`] without its type.
pub(crate) trait DynSigner: Send + Sync {
    fn sign<'a>(&'a self, input: &'a [u8]) -> Boxed<'a, Result<Vec<u8>, SignerError>>;
}

impl<T: Signer> DynSigner for T {
    fn sign<'a>(&'a self, input: &'a [u8]) -> Boxed<'a, Result<Vec<u8>, SignerError>> {
        Box::pin(Signer::sign(self, input))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time now.
    fn now(&self) -> UnixTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        std::time::SystemTime::now().into()
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        aws_lc_rs::rand::fill(out).map_err(|_| EntropyUnavailable)
    }
}

/// [`HttpClient`] without its type.
pub(crate) trait DynHttpClient: Send + Sync {
    fn send(
        &self,
        exchange: Exchange,
    ) -> Boxed<'_, Result<http::Response<Vec<u8>>, TransportError>>;
}

impl<T: HttpClient> DynHttpClient for T {
    fn send(
        &self,
        exchange: Exchange,
    ) -> Boxed<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(HttpClient::send(self, exchange))
    }
}
