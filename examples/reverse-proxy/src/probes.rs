//! What orchestrators ask a process, answered in front of the gate: no session, no header and no rule has a say in it.

use http::{Method, Request, Response};
use oidc_gate_tower::Gate;

/// Where probes are answered, each at exactly this path, byte for byte, to GET and HEAD. Whatever else is asked there goes
/// the way of every request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Probes {
    /// Where it is told that the process is up.
    pub ping: Option<String>,
    /// Where it is told whether users can sign in.
    pub ready: Option<String>,
}

impl Probes {
    /// What a probe is answered.
    pub(crate) async fn answer<B>(
        &self,
        gate: &Gate,
        request: &Request<B>,
    ) -> Option<Response<bytes::Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let asked = Some(request.uri().path());
        if asked == self.ping.as_deref() {
            return Some(gate.ping());
        }
        match asked == self.ready.as_deref() {
            true => Some(gate.readiness().await),
            false => None,
        }
    }
}
