//! axum-login: it knows users, by sessions of tower-sessions in memory. How they prove who they are is the application's.

use super::{named, tower_sessions::cookie_of};
use crate::{
    app::{User, greet, hello},
    contender::{App, Contender, What},
};
use axum::{Router, routing::get};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId, login_required,
};
use http::{StatusCode, header};
use std::{collections::HashMap, convert::Infallible, sync::Arc};
use tower_sessions_0_14::{MemoryStore, SessionManagerLayer};

#[derive(Clone, Debug)]
struct Account(User, [u8; 32]);

impl AuthUser for Account {
    type Id = String;

    fn id(&self) -> String {
        self.0.sub.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.1
    }
}

#[derive(Clone)]
struct Accounts(Arc<HashMap<String, Account>>);

impl AuthnBackend for Accounts {
    type User = Account;
    type Credentials = String;
    type Error = Infallible;

    async fn authenticate(&self, name: String) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(&name).cloned())
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

pub(super) async fn contenders() -> Vec<Contender> {
    async fn me(session: AuthSession<Accounts>) -> Result<&'static str, StatusCode> {
        greet(session.user.as_ref().map(|user| user.0.sub.as_str()))
    }
    async fn log_in(mut session: AuthSession<Accounts>) -> StatusCode {
        let Ok(Some(user)) = session.authenticate(User::the_one().sub).await else {
            return StatusCode::UNAUTHORIZED;
        };
        let begun = session.login(&user).await;
        begun.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::OK)
    }
    let user = User::the_one();
    let accounts = HashMap::from([(user.sub.clone(), Account(user, [7; 32]))]);
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let layer = AuthManagerLayerBuilder::new(Accounts(Arc::new(accounts)), sessions).build();
    let app = Router::new()
        .route("/me", get(me))
        .route_layer(login_required!(Accounts, login_url = "/log-in"))
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/log-in", get(log_in))
        .layer(layer);
    let cookie = cookie_of(&app, "/log-in").await;
    let contender = |what| Contender::new(named("axum-login"), what, App::Router(app.clone()));
    vec![
        contender(What::Open),
        contender(What::Session).with(header::COOKIE, cookie),
        Contender::new(
            format!("{}, to its own page", named("axum-login")),
            What::Redirect,
            App::Router(app.clone()),
        ),
    ]
}
