//! oidc-gate: in front of the application as its documentation says.

use crate::{
    app::{greet, hello},
    contender::{App, Contender, What},
    provider::{APP, AUDIENCE, Provider, now},
};
use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, StatusCode, header::COOKIE};
use oidc_gate_axum::{
    AuthenticatedUser, Bearer, CookieKeys, Gate, GateBuilder, GateExt as _, Pattern, Store,
    UnixTime,
    testing::{self, ManualClock},
};
use oidc_gate_benches::requests::{Ask, user};
use std::time::Duration;
use tower::ServiceExt as _;

/// The name that the others are compared with.
pub(crate) const GATE: &str = "oidc-gate";

pub(super) async fn contenders(provider: &Provider) -> Vec<Contender> {
    let who = format!("{GATE} {}", env!("CARGO_PKG_VERSION"));
    let gate = ready(builder(provider)).await;
    let session = testing::session(&gate, user()).await;
    let anew = ready(builder(provider).remember_opened(0)).await;
    let opened = testing::session(&anew, user()).await;
    let stored = ready(builder(provider).store(Store::memory())).await;
    let kept = testing::session(&stored, user()).await;
    let app = |gate: &Gate| App::Gate(gate.protect(application()));
    let mut all = vec![
        Contender::new(who.clone(), What::Open, app(&gate)),
        Contender::new(format!("{who}, recently opened"), What::Session, app(&gate))
            .with(COOKIE, session),
        Contender::new(
            format!("{who}, opened each time"),
            What::Session,
            app(&anew),
        )
        .with(COOKIE, opened),
        Contender::new(format!("{who}, memory store"), What::Session, app(&stored))
            .with(COOKIE, kept),
        Contender::new(who.clone(), What::Redirect, app(&gate)),
    ];
    for (what, token) in [
        (What::Bearer, &provider.bearer),
        (What::FirstSight, &provider.expired),
    ] {
        let gate = bearing(provider, token).await;
        all.push(Contender::new(who.clone(), what, app(&gate)).bearer(token));
    }
    all
}

/// Two people who are signed in to one gate.
pub(crate) async fn two_sessions(provider: &Provider) -> (Contender, Contender) {
    let gate = ready(builder(provider)).await;
    let session = async || {
        let cookie = testing::session(&gate, user()).await;
        let app = App::Gate(gate.protect(application()));
        Contender::new(GATE, What::Session, app).with(COOKIE, cookie)
    };
    (session().await, session().await)
}

fn builder(provider: &Provider) -> GateBuilder {
    Gate::builder()
        .base_url(APP)
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider.dev)
        .bypass(Pattern::prefix("/assets"))
        .open(Pattern::prefix("/open"))
}

async fn ready(builder: GateBuilder) -> Gate {
    let gate = builder.build().expect("the settings are fine");
    gate.ready().await.expect("the provider answers");
    gate
}

/// A gate that takes tokens, and has been shown one. What has expired and is still within the leeway is verified each time
/// and never remembered: for that the gate's clock stands still.
async fn bearing(provider: &Provider, token: &HeaderValue) -> Gate {
    let bearer = Bearer::audience(AUDIENCE)
        .issuer(provider.issuer())
        .leeway(Duration::from_secs(300));
    let gate = Gate::builder()
        .bearer(bearer)
        .dev_provider(&provider.dev)
        .clock(ManualClock::new(UnixTime::from_secs(now())))
        .build()
        .expect("the settings are fine");
    let request = Ask::of("/me").bearer(token).request::<Body>();
    let answer = gate.protect(application()).oneshot(request).await;
    assert_eq!(answer.map(|answer| answer.status()), Ok(StatusCode::OK));
    gate
}

fn application() -> Router {
    async fn me(user: AuthenticatedUser) -> Result<&'static str, StatusCode> {
        greet(Some(user.subject()))
    }
    Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/me", get(me))
}
