//! A real gate, without the work of a login.

use crate::{
    BearerKind, CookieKeys, Gate, GateBuilder, Identity, IdentityKind,
    core::{
        flow::Entropy as _,
        resource::Profile,
        session::{Session, SetCookie},
    },
    dev::DevProvider,
    ports::OsEntropy,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

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
/// If the identity is too large for a cookie, as a login would be refused for it, if the store does not take it, and if the
/// gate signs nobody in.
pub async fn session(gate: &Gate, identity: Identity) -> HeaderValue {
    let now = gate.now();
    let sessions = (gate.0.sessions.as_ref()).expect("the gate signs users in");
    // A gate takes sessions of its own provider only.
    let upstream = &sessions.upstream;
    let identity = identity.vouched_for_by(upstream.issuer().as_str(), &upstream.rules().provider);
    let begin = |key| Session::begin(key, identity, None, &sessions.keeping.limits, now);
    let (_, cookies) = sessions
        .write_down(begin, None, None, now, &HeaderMap::new())
        .await
        .expect("the identity fits into the cookies, or the store takes it");
    let pairs: Vec<_> = cookies.iter().map(SetCookie::pair).collect();
    let mut header = HeaderValue::try_from(pairs.join("; ")).expect("cookies are visible ASCII");
    header.set_sensitive(true);
    header
}

/// The `Authorization` header with a real token for this gate, signed by the embedded provider, without a grant. The
/// identity's issuer becomes the provider; the token says what the identity says, and is good for an hour.
///
/// ```
/// use oidc_gate_tower::{Bearer, testing};
/// let gate = testing::gate().bearer(Bearer::audience("api")).build()?;
/// let alice = testing::user("alice").scope("read").build();
/// let authorization = testing::bearer(&gate, alice);
/// assert!(authorization.is_sensitive());
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
///
/// # Panics
///
/// If the gate takes no tokens of an embedded provider, which
/// [`dev_provider`](GateBuilder::dev_provider) gives it.
pub fn bearer(gate: &Gate, identity: Identity) -> HeaderValue {
    let provider = (gate.0.common.dev()).expect("the gate has an embedded provider");
    let verifier = (gate.0.bearer.as_deref()).expect("the gate takes bearer tokens");
    let issuer = provider.issuer();
    let rules = (verifier.rules().iter())
        .find(|rules| rules.issuer.as_str() == issuer)
        .expect("the gate takes tokens of its embedded provider");
    let mut claims = identity.claims().clone();
    let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    let now = gate.now();
    set("iss", issuer.into());
    set(
        "aud",
        rules.audiences().first().map_or("", |aud| aud).into(),
    );
    set("iat", now.as_secs().into());
    set("exp", (now.as_secs() + 3600).into());
    let typ = match rules.kind {
        BearerKind::IdToken => "JWT",
        BearerKind::AccessToken => {
            let client = match identity.kind() {
                IdentityKind::User => identity.client_id().unwrap_or("testing"),
                IdentityKind::Client => identity.subject(),
            };
            set("client_id", client.into());
            let mut id = [0; 16];
            (OsEntropy.fill(&mut id)).expect("the operating system gives randomness");
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            set("jti", id.into());
            let place = rules.scopes_at.first().map_or("scope", |place| place);
            set(
                place,
                identity.scopes().collect::<Vec<_>>().join(" ").into(),
            );
            "at+jwt"
        }
    };
    if let Profile::Marked(markers) = &rules.profile
        && let Some(marker) = markers.first()
    {
        marker.mark(&mut claims);
    }
    let token = provider.sign(Some(typ), &claims);
    let mut header =
        HeaderValue::try_from(format!("Bearer {token}")).expect("a token is visible ASCII");
    header.set_sensitive(true);
    header
}
