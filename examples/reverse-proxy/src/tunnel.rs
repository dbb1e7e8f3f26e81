//! Two connections that became one: a WebSocket, after the gate has let it in.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

/// Carries bytes both ways until one side ends. Nobody looks into them.
pub(crate) fn join(browser: OnUpgrade, upstream: OnUpgrade) {
    tokio::spawn(async move {
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
    });
}
