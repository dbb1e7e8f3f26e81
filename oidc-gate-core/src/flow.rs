//! A conversation with the provider, as data.
//!
//! A [`Flow`] says what it needs from the world, one [`Step`] at a time, and is told what came of it. It opens no socket
//! and never sleeps; whoever drives it does. Retries, fresh assertions and nonces are the flow's decisions: a driver
//! carries out each step exactly once and never resends.
//!
//! ```no_run
//! use oidc_gate_core::flow::{Env, Flow, Input, Step};
//! # fn send(_: oidc_gate_core::flow::Exchange) -> Input { Input::Elapsed }
//! # fn keys(_: oidc_gate_core::flow::KeyQuery) -> Input { Input::Elapsed }
//! # fn sign(_: oidc_gate_core::flow::SigningInput) -> Input { Input::Elapsed }
//! # fn wait(_: std::time::Duration) -> Input { Input::Elapsed }
//! fn drive<F: Flow>(mut flow: F, env: &mut Env<'_>) -> F::Output {
//!     let mut input = Input::Start;
//!     loop {
//!         input = match flow.resume(input, env) {
//!             Step::Send(exchange) => send(exchange),
//!             Step::FindKeys(query) => keys(query),
//!             Step::Sign(bytes) => sign(bytes),
//!             Step::Wait(time) => wait(time),
//!             Step::Done(output) => return output,
//!         };
//!     }
//! }
//! ```

mod purpose;

pub use purpose::Purpose;

use crate::check::CheckFailed;
use crate::jose::{Alg, JwkSet};
use crate::time::UnixTime;
use std::{fmt, sync::Arc, time::Duration};

/// What the outside world lends a step: the time, and fresh bytes.
#[derive(Debug)]
pub struct Env<'a> {
    /// The time at which the step is taken.
    pub now: UnixTime,
    /// Where unpredictable bytes come from.
    pub entropy: &'a mut dyn Entropy,
}

/// A source of unpredictable bytes.
///
/// # Security
///
/// An implementation fills the whole buffer from a cryptographically secure generator or says that it cannot; it never
/// returns weak bytes. Only tests may be predictable. Nor does it return the same ones again, not even in a copy of the process that
/// was restored: some of them are nonces of encryption, which must not come twice under one key.
pub trait Entropy: fmt::Debug {
    /// Fills `out` completely.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give. Nothing is started then.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable>;
}

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyUnavailable;

impl fmt::Display for EntropyUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system gave no randomness")
    }
}

impl std::error::Error for EntropyUnavailable {}

/// A conversation with the provider. Begun with [`Input::Start`], then told the result of each step.
pub trait Flow {
    /// What the conversation is for.
    type Output;

    /// Takes the result of the last step and says what is needed next.
    ///
    /// An input that does not answer the last step is a fault of the driver; the flow ends with its own error rather
    /// than guess.
    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Self::Output>;
}

/// What a flow needs next. Exhaustive on purpose: a driver that does not know a step must not compile.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle every step")]
#[expect(
    clippy::large_enum_variant,
    reason = "a step is taken at once, and there is one at a time"
)]
pub enum Step<T> {
    /// Send this, once, and come back with [`Input::Response`] or [`Input::Failed`].
    Send(Exchange),
    /// Look these keys up in the key cache that all flows share, so that many logins cause one fetch. Answered with
    /// [`Input::Keys`].
    FindKeys(KeyQuery),
    /// Have this signed by a key outside the process. Answered with [`Input::Signature`] or [`Input::Failed`].
    Sign(SigningInput),
    /// Let this much time pass. Answered with [`Input::Elapsed`].
    Wait(Duration),
    /// The conversation is over.
    Done(T),
}

/// What came of a step. Exhaustive on purpose, as [`Step`] is.
///
/// `Debug` shows no body, no signature and no value of a header: they may hold tokens.
#[expect(clippy::exhaustive_enums, reason = "mirrors Step")]
pub enum Input {
    /// Begin.
    Start,
    /// The provider's answer, whatever its status.
    Response(http::Response<Vec<u8>>),
    /// The keys known at this moment, freshly fetched if the query's key was not among those known before; or the check
    /// that failed where they were to be fetched.
    Keys(Result<Arc<JwkSet>, CheckFailed>),
    /// The signature, in the form JWS defines for the algorithm.
    Signature(Vec<u8>),
    /// The time has passed.
    Elapsed,
    /// The step could not be carried out.
    Failed(Failure),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Response(response) => f
                .debug_struct("Response")
                .field("status", &response.status())
                .field("headers", &Names(response.headers()))
                .field("body_bytes", &response.body().len())
                .finish(),
            Self::Keys(keys) => f.debug_tuple("Keys").field(keys).finish(),
            Self::Signature(_) => f.write_str("Signature(***)"),
            Self::Elapsed => f.write_str("Elapsed"),
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
        }
    }
}

/// The names of headers, without their values.
struct Names<'a>(&'a http::HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.keys().map(http::HeaderName::as_str);
        f.debug_list().entries(names).finish()
    }
}

/// Why a step could not be carried out. Says what a flow may do next, not what broke: that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a flow has to decide about each")]
pub enum Failure {
    /// The request certainly never reached the provider. Sending it again is harmless.
    NotSent,
    /// It may have reached the provider. A one-time code in it must be taken for used.
    Unknown,
    /// The answer was larger than [`Exchange::max_body_bytes`].
    TooLarge,
}

/// One HTTP exchange: the request, and what the transport has to observe.
///
/// A transport follows no redirect, reads at most [`max_body_bytes`](Self::max_body_bytes), gives up after
/// [`deadline`](Self::deadline), and presents the client certificate only for [`Transport::MutualTls`].
///
/// `Debug` shows where the request goes and nothing of what it says: codes, verifiers and client secrets stand in bodies,
/// headers and queries.
#[non_exhaustive]
pub struct Exchange {
    /// The request, complete but for what the transport adds (`Host`, `Content-Length`).
    pub request: http::Request<Vec<u8>>,
    /// What it is for.
    pub purpose: Purpose,
    /// With or without the client's certificate.
    pub transport: Transport,
    /// How much of the answer's body to read before giving up.
    pub max_body_bytes: usize,
    /// How long the whole exchange may take.
    pub deadline: Duration,
}

impl Exchange {
    /// An exchange without a client certificate, with at most 512 KiB in answer and 10 seconds to get it.
    pub fn new(request: http::Request<Vec<u8>>) -> Self {
        Self {
            request,
            purpose: Purpose::Other,
            transport: Transport::Tls,
            max_body_bytes: 512 * 1024,
            deadline: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.request.uri();
        let (scheme, host) = (
            uri.scheme_str().unwrap_or_default(),
            uri.host().unwrap_or_default(),
        );
        let port = uri
            .port()
            .map_or(String::new(), |port| format!(":{}", port.as_str()));
        f.debug_struct("Exchange")
            .field("method", self.request.method())
            .field("to", &format_args!("{scheme}://{host}{port}{}", uri.path()))
            .field("headers", &Names(self.request.headers()))
            .field("body_bytes", &self.request.body().len())
            .field("purpose", &self.purpose)
            .field("transport", &self.transport)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("deadline", &self.deadline)
            .finish()
    }
}

/// Which identity the connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a transport has to know both")]
pub enum Transport {
    /// The server's certificate only.
    Tls,
    /// The client's certificate too ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).
    MutualTls,
}

/// Which key a flow looks for, as the header of a token names it. Untrusted: it selects among the provider's keys and
/// nothing else.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyQuery {
    /// The `kid` of the token, if it has one.
    pub kid: Option<String>,
    /// The algorithm the key must be fit for.
    pub alg: Alg,
    tried: Option<Arc<JwkSet>>,
}

impl KeyQuery {
    /// The key `kid`, or any key where there is none, fit for `alg`.
    pub fn new(kid: Option<String>, alg: Alg) -> Self {
        Self {
            kid,
            alg,
            tried: None,
        }
    }

    /// The same key, which is not among these: they were tried in vain, and others may have been published since.
    #[must_use]
    pub fn besides(self, tried: Arc<JwkSet>) -> Self {
        Self {
            tried: Some(tried),
            ..self
        }
    }

    /// Whether these very keys were tried in vain. Not whether they are alike: a set that was fetched again is another.
    pub(crate) fn has_tried(&self, keys: &JwkSet) -> bool {
        self.tried
            .as_ref()
            .is_some_and(|tried| std::ptr::eq(&raw const **tried, keys))
    }
}

/// Bytes to be signed by a key outside the process: a KMS, a smart card.
#[derive(Debug)]
#[non_exhaustive]
pub struct SigningInput {
    /// The algorithm the assertion's header already names.
    pub alg: Alg,
    /// What to sign.
    pub bytes: Vec<u8>,
}

impl SigningInput {
    /// These bytes, to be signed with `alg`.
    pub fn new(alg: Alg, bytes: Vec<u8>) -> Self {
        Self { alg, bytes }
    }
}
