//! tower-sessions: sessions in memory, and the application keeps its user in them.

use super::named;
use crate::{
    app::{User, greet, hello},
    contender::{App, Contender, What},
};
use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::ServiceExt as _;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

pub(super) async fn contenders() -> Vec<Contender> {
    async fn me(session: Session) -> Result<&'static str, StatusCode> {
        let user = session.get::<User>("user").await;
        let user = user.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        greet(user.as_ref().map(|user| user.sub.as_str()))
    }
    async fn log_in(session: Session) -> StatusCode {
        let inserted = session.insert("user", User::the_one()).await;
        inserted.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::OK)
    }
    let app = Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/me", get(me))
        .route("/log-in", get(log_in))
        .layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false));
    let cookie = cookie_of(&app, "/log-in").await;
    let contender = |what| Contender::new(named("tower-sessions"), what, App::Router(app.clone()));
    vec![
        contender(What::Open),
        contender(What::Session).with(header::COOKIE, cookie),
    ]
}

/// The `Cookie` header of whoever has opened this page.
pub(super) async fn cookie_of(app: &Router, page: &str) -> HeaderValue {
    let request = Request::get(page).body(Body::empty()).expect("a request");
    let Ok(response) = app.clone().oneshot(request).await;
    set_cookie(&response)
}

fn set_cookie(response: &Response<Body>) -> HeaderValue {
    let line = response.headers().get(header::SET_COOKIE);
    let line = line.and_then(|line| line.to_str().ok());
    let pair = line.and_then(|line| line.split(';').next());
    let pair = pair.unwrap_or_else(|| panic!("no cookie is set: {}", response.status()));
    HeaderValue::try_from(pair).expect("a cookie is ASCII")
}
