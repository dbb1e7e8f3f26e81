//! One of those that are compared, with one request.

use crate::app::{Given, Signed, User, bare, bare_older};
use axum::{Router, body::Body};
use axum_0_7::body::Body as OlderBody;
use http::{HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use oidc_gate_axum::Protected;
use oidc_gate_benches::{measure::Operation, requests::Ask};
use std::{fmt, sync::Arc, time::Duration};
use tower::ServiceExt as _;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// A route that everybody may see.
    Open,
    /// With a session's cookie.
    Session,
    /// With a bearer token that was shown before.
    Bearer,
    /// With a bearer token that is seen for the first time. For those who remember none it is the same as the one before.
    FirstSight,
    /// A navigation of nobody's, which is sent to log in.
    Redirect,
}

impl What {
    pub(crate) const ALL: [Self; 5] = [
        Self::Open,
        Self::Session,
        Self::Bearer,
        Self::FirstSight,
        Self::Redirect,
    ];
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open route",
            Self::Session => "session",
            Self::Bearer => "bearer token, verified before",
            Self::FirstSight => "bearer token, first sight",
            Self::Redirect => "nobody signed in: redirect to log in",
        })
    }
}

/// The application, behind whatever it is behind.
#[derive(Clone)]
pub(crate) enum App {
    Router(Router),
    Older(axum_0_7::Router),
    Gate(Protected),
    Given(Given<Router>),
    GivenOlder(Given<axum_0_7::Router>),
}

/// One of those that are compared, with one request.
#[derive(Clone)]
pub(crate) struct Contender {
    pub(crate) who: String,
    pub(crate) what: What,
    pub(crate) app: App,
    pub(crate) path: &'static str,
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
}

impl Contender {
    pub(crate) fn new(who: impl Into<String>, what: What, app: App) -> Self {
        let path = match what {
            What::Open => "/open",
            _ => "/me",
        };
        Self {
            who: who.into(),
            what,
            app,
            path,
            credential: None,
        }
    }

    /// With this header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.credential = Some((name, value));
        self
    }

    /// With this `Authorization` header.
    pub(crate) fn bearer(self, value: &HeaderValue) -> Self {
        self.with(AUTHORIZATION, value.clone())
    }

    fn ask(&self) -> Ask {
        let ask = Ask::of(self.path);
        let ask = match self.what {
            What::Redirect => ask.browser(),
            _ => ask,
        };
        match &self.credential {
            Some((name, value)) => ask.header(name.clone(), value),
            None => ask,
        }
    }

    /// The request, sent and answered in this process.
    ///
    /// # Panics
    ///
    /// If it is answered with anything but what the row is about.
    pub(crate) async fn operation(&self) -> Operation {
        let status = self.status(self.ask()).await;
        match self.what {
            What::Redirect => assert!(status.is_redirection(), "{}: {status}", self.who),
            _ => assert_eq!(status, StatusCode::OK, "{}", self.who),
        }
        let (ask, app) = (self.ask(), self.app.clone());
        match app {
            App::Router(app) => ask.to(app, status),
            App::Gate(app) => ask.to(app, status),
            App::Given(app) => ask.to(app, status),
            App::Older(app) => ask.to_another::<OlderBody, _, _>(app, status),
            App::GivenOlder(app) => ask.to_another::<OlderBody, _, _>(app, status),
        }
    }

    /// The same without anything in front, where the identity is there for free; where the application is not reached,
    /// making the request.
    pub(crate) async fn bare(&self) -> Operation {
        if self.what == What::Redirect {
            return self.ask().for_nobody();
        }
        let signed = Signed(Arc::new(User::the_one()));
        let app = match (&self.app, self.what) {
            (App::Older(_), _) => App::GivenOlder(Given(bare_older(), signed)),
            (_, What::Open) => App::Router(bare()),
            _ => App::Given(Given(bare(), signed)),
        };
        let bare = Self {
            app,
            ..self.clone()
        };
        bare.operation().await
    }

    /// It looks: without the credential nobody gets in, and neither does anybody with one of which one letter differs.
    ///
    /// # Panics
    ///
    /// If somebody gets in.
    pub(crate) async fn prove(&self) {
        let Some((name, value)) = &self.credential else {
            return;
        };
        let nobody = self.status(Ask::of(self.path)).await;
        let value = value.to_str().expect("a credential is visible ASCII");
        let mut spoiled = value.as_bytes().to_vec();
        // In the signature of a token, in the sealed or random part of a cookie.
        let at = spoiled.len() - 9;
        spoiled[at] = if spoiled[at] == b'A' { b'B' } else { b'A' };
        let spoiled = HeaderValue::from_bytes(&spoiled).expect("it is visible ASCII");
        let other = self.status(Ask::of(self.path).header(name.clone(), &spoiled));
        let statuses = [nobody, other.await];
        assert!(
            statuses.iter().all(|status| *status != StatusCode::OK),
            "{} lets in whoever comes: {statuses:?}",
            self.who
        );
    }

    /// Waits until whatever it fetches on its own is there.
    ///
    /// # Panics
    ///
    /// After ten seconds.
    pub(crate) async fn until_it_lets_in(&self) {
        for _ in 0..200 {
            if self.status(self.ask()).await == StatusCode::OK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} lets nobody in", self.who);
    }

    async fn status(&self, ask: Ask) -> StatusCode {
        match self.app.clone() {
            App::Router(app) => app.oneshot(ask.request::<Body>()).await.map(|r| r.status()),
            App::Gate(app) => app.oneshot(ask.request::<Body>()).await.map(|r| r.status()),
            App::Given(app) => app.oneshot(ask.request::<Body>()).await.map(|r| r.status()),
            App::Older(app) => app
                .oneshot(ask.request::<OlderBody>())
                .await
                .map(|r| r.status()),
            App::GivenOlder(app) => app
                .oneshot(ask.request::<OlderBody>())
                .await
                .map(|r| r.status()),
        }
        .unwrap_or_else(|never| match never {})
    }
}
