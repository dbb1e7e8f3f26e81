//! What is asked of the world for a provider: an answer, a signature, the time.

use crate::{
    core::flow::{Env, Exchange, Failure, Flow, Input, SigningInput, Step},
    metrics::{Asked, Metrics},
    ports::{Clock, DynHttpClient, DynSigner, OsEntropy, SIGNER_DEADLINE},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the gate asks of the world for a provider.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) http: Arc<dyn DynHttpClient>,
    /// Who holds the client's key, if it is not here.
    pub(crate) signer: Option<Arc<dyn DynSigner>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where it is counted, if it is.
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl Outside {
    /// The next step of a flow. What it borrows is made anew for each: the generator must not be held while waiting.
    pub(crate) fn resume<F: Flow>(&self, flow: &mut F, input: Input) -> Step<F::Output> {
        let mut env = Env {
            now: self.clock.now(),
            entropy: &mut OsEntropy,
        };
        flow.resume(input, &mut env)
    }

    pub(crate) async fn send(&self, exchange: Exchange) -> Input {
        let address = address(exchange.request.uri());
        let (purpose, began) = (exchange.purpose, Instant::now());
        let answer = self.http.send(exchange).await;
        let took = began.elapsed();
        let came = match &answer {
            Ok(response) => Asked::Answered(response.status()),
            Err(error) => Asked::Unanswered(error.failure()),
        };
        let status = answer.as_ref().map(|response| response.status().as_u16());
        tracing::debug!(
            endpoint = purpose.name(),
            status = status.ok(),
            millis = took.as_millis(),
            "the provider was asked"
        );
        if let Some(metrics) = &self.metrics {
            metrics.asked_provider(purpose, came, took);
        }
        answer.map_or_else(
            |error| {
                tracing::warn!(address, cause = chain(&error), "{error}");
                Input::Failed(error.failure())
            },
            Input::Response,
        )
    }

    /// The signature of whoever holds the client's key. Asked once; somebody waits for it.
    pub(crate) async fn sign(&self, input: SigningInput) -> Input {
        // A key that is elsewhere comes with its signer.
        let Some(signer) = &self.signer else {
            return Input::Failed(Failure::NotSent);
        };
        match tokio::time::timeout(SIGNER_DEADLINE, signer.sign(&input.bytes)).await {
            Ok(Ok(signature)) => Input::Signature(signature),
            Ok(Err(error)) => {
                tracing::warn!(cause = chain(&error), "{error}");
                Input::Failed(Failure::NotSent)
            }
            Err(_) => {
                let secs = SIGNER_DEADLINE.as_secs();
                tracing::warn!(secs, "the signer did not answer in time");
                Input::Failed(Failure::Unknown)
            }
        }
    }

    pub(crate) async fn wait(&self, time: Duration) -> Input {
        tokio::time::sleep(time).await;
        Input::Elapsed
    }
}

/// Where a request goes, without its query.
fn address(uri: &http::Uri) -> String {
    let (scheme, host) = (
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |a| a.as_str()),
    );
    format!("{scheme}://{host}{}", uri.path())
}

/// Why, down to the ground: "error sending request" helps nobody, "invalid peer certificate" does.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        // Some libraries repeat the text of the source in their own.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}
