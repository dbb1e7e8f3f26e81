//! A real gate, without the work of a login.

use crate::{
    CookieKeys, Gate, GateBuilder, Identity,
    core::{
        flow::Entropy as _,
        secret::SessionId,
        session::{Session, SetCookie},
    },
    dev::DevProvider,
    ports::OsEntropy,
};
use http::{HeaderMap, HeaderValue};

/// A gate at `http://localhost` whose provider is the embedded one, to be configured further. Everything about it is
/// real. To sign in through the provider, or to switch its faults on, make it yourself and hand it over with
/// [`dev_provider`](GateBuilder::dev_provider).
pub fn gate() -> GateBuilder {
    Gate::builder()
        .base_url("http://localhost")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&DevProvider::demo())
}

/// The `Cookie` header of a real session of this gate, without a login. The identity's issuer becomes the gate's own
/// provider.
///
/// # Panics
///
/// If the identity is too large for a cookie, as a login would be refused for it, and if the gate signs nobody in.
pub async fn session(gate: &Gate, identity: Identity) -> HeaderValue {
    let mut id = [0; 32];
    OsEntropy
        .fill(&mut id)
        .expect("the operating system gives randomness");
    let now = gate.now();
    let sessions = (gate.0.sessions.as_deref()).expect("the gate signs users in");
    // A gate takes sessions of its own provider only.
    let upstream = &sessions.upstream;
    let identity = identity.vouched_for_by(upstream.issuer().as_str(), &upstream.rules().provider);
    let session = Session::begin(
        SessionId::from_bytes(id),
        identity,
        None,
        &sessions.limits,
        now,
    );
    let cookies = sessions
        .session_cookies(&session, now, &HeaderMap::new())
        .expect("the identity fits into the cookies");
    let pairs: Vec<_> = cookies.iter().map(SetCookie::pair).collect();
    let mut header = HeaderValue::try_from(pairs.join("; ")).expect("cookies are visible ASCII");
    header.set_sensitive(true);
    header
}
