//! Two connections that became one: a WebSocket, after the gate has let it in.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::{
    io::copy_bidirectional,
    sync::{OwnedSemaphorePermit, watch},
};

/// Ends when connections are to end.
pub(crate) type Ending = watch::Receiver<()>;

/// A connection's place among those that there may be, taken until nobody has it any more. It travels with each request: a
/// connection that became a WebSocket is one as before.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    _taken: Arc<OwnedSemaphorePermit>,
    ending: Ending,
}

impl Place {
    pub(crate) fn new(taken: OwnedSemaphorePermit, ending: Ending) -> Self {
        Self {
            _taken: Arc::new(taken),
            ending,
        }
    }

    /// Until connections are to end. Nobody sends anything: the sender's end is the word.
    pub(crate) async fn ending(&mut self) {
        let _ = self.ending.changed().await;
    }
}

/// Carries bytes both ways until one side ends, or all connections are to. Nobody looks into them.
pub(crate) fn join(browser: OnUpgrade, upstream: OnUpgrade, mut place: Place) {
    tokio::spawn(async move {
        let carried = async {
            let both = tokio::try_join!(browser, upstream);
            let (browser, upstream) = match both {
                Ok(both) => both,
                Err(error) => return tracing::debug!(%error, "a WebSocket did not come about"),
            };
            let (mut browser, mut upstream) = (TokioIo::new(browser), TokioIo::new(upstream));
            // Whoever closes first does so in the middle of something, as often as not.
            if let Err(error) = copy_bidirectional(&mut browser, &mut upstream).await {
                tracing::debug!(%error, "a WebSocket ended");
            }
        };
        tokio::select! {
            () = carried => {}
            () = place.ending() => {}
        }
    });
}
