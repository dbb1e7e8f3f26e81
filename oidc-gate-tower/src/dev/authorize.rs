//! The authorization endpoint: who is it this time?
//!
//! 1. A request that names no client and redirect URI that belong together is refused on a page of our own; any other
//!    fault is told to the client by redirect.
//! 2. `prompt=none` is answered by the session in this browser, or with `login_required`; no page is shown.
//! 3. A `login_hint` that is a user's subject, short name or address signs that user in without a page, unless `prompt`
//!    asks for one. So a script can choose the user.
//! 4. Otherwise there is a page. It offers to continue as whoever signed in before, unless `prompt=login` or `max_age`
//!    demand a fresh sign-in.

use super::{
    DevProvider,
    authorize_request::{AuthorizeRequest, Prompt, Refused},
    pages,
    service::Call,
    state::{Code, Login, Session, key, new_handle},
};
use crate::{
    Identity,
    core::{
        form::{Form, encode},
        grant::{IssuedCode, Standing},
    },
};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use std::time::Duration;

/// How long a code can be redeemed.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// How long a browser stays signed in here.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

impl DevProvider {
    /// GET and POST of the request itself.
    pub(super) fn authorize(&self, call: &Call<'_>) -> Response<Bytes> {
        let form = call.form();
        let request = match self.read_authorize_request(form) {
            Ok(request) => request,
            Err(refused) => return self.refuse(refused),
        };
        let session = self.usable_session(call, &request);
        let hinted = request.login_hint.as_deref().and_then(|h| self.find(h));
        match request.prompt {
            Prompt::None => match session.filter(|s| self.is_who_was_asked_for(s, &request)) {
                Some(session) => self.grant(request, session, None),
                None => self.reply_with_error(&request, "login_required"),
            },
            Prompt::Unsaid | Prompt::Ask | Prompt::SignInAgain => {
                if let (Prompt::Unsaid, Some(user)) = (request.prompt, hinted) {
                    return self.sign_in(request, user);
                }
                // What was sent is carried through the page and read again: nothing is remembered for a page that may
                // never be answered.
                let carried = String::from_utf8_lossy(form);
                pages::sign_in(self, &request, &carried, session.as_ref())
            }
        }
    }

    /// POST of the page.
    pub(super) fn choose(&self, call: &Call<'_>) -> Response<Bytes> {
        let Ok(mut form) = Form::parse(call.form()) else {
            return pages::refused("The form cannot be read.");
        };
        let carried = form.take("request").unwrap_or_default();
        let request = match self.read_authorize_request(carried.as_bytes()) {
            Ok(request) => request,
            Err(refused) => return self.refuse(refused),
        };
        if form.get("cancel").is_some() {
            return self.reply_with_error(&request, "access_denied");
        }
        if form.get("continue").is_some() {
            return match self.usable_session(call, &request) {
                Some(session) => self.grant(request, session, None),
                // It ended while the page was open.
                None => pages::sign_in(self, &request, &carried, None),
            };
        }
        let chosen = form.get("user").unwrap_or_default();
        if let Some(user) = self.users().iter().find(|u| u.subject() == chosen) {
            return self.sign_in(request, user.clone());
        }
        let typed = form.get("name").unwrap_or_default().trim();
        let groups = form.get("groups").unwrap_or_default();
        match self.find(typed).or_else(|| stranger(typed, groups)) {
            Some(user) => self.sign_in(request, user),
            None => pages::sign_in(self, &request, &carried, None),
        }
    }

    fn refuse(&self, refused: Refused) -> Response<Bytes> {
        match refused {
            Refused::OnPage(why) => pages::refused(why),
            Refused::AtClient(reply_to, error, description) => self.reply(
                &reply_to,
                &[("error", error), ("error_description", description)],
            ),
        }
    }

    fn reply_with_error(&self, request: &AuthorizeRequest, error: &str) -> Response<Bytes> {
        self.reply(&request.reply_to, &[("error", error)])
    }

    /// The session in this browser, if the request lets it count.
    fn usable_session(&self, call: &Call<'_>, request: &AuthorizeRequest) -> Option<Session> {
        let session = self.session(call)?;
        let age = self.now().since(session.auth_time);
        let recent = request
            .max_age
            .is_none_or(|max| age <= max && !max.is_zero());
        (recent && request.prompt != Prompt::SignInAgain).then_some(session)
    }

    pub(super) fn session(&self, call: &Call<'_>) -> Option<Session> {
        let cookie = call.cookie(&self.session_cookie())?;
        let session = self.state().sessions.get(&key(cookie)).cloned()?;
        (self.now().since(session.auth_time) < SESSION_LIFE).then_some(session)
    }

    fn is_who_was_asked_for(&self, session: &Session, request: &AuthorizeRequest) -> bool {
        let subject = session.user.subject();
        let by_hint = match &request.login_hint {
            Some(hint) => answers_to(&session.user, hint),
            None => true,
        };
        let by_token = match &request.id_token_hint {
            Some(token) => self
                .state()
                .id_tokens
                .get(&key(token))
                .is_some_and(|hint| hint.subject == subject),
            None => true,
        };
        by_hint && by_token
    }

    pub(super) fn find(&self, name: &str) -> Option<Identity> {
        self.users().iter().find(|u| answers_to(u, name)).cloned()
    }

    /// Signs the browser in and answers the request.
    fn sign_in(&self, request: AuthorizeRequest, user: Identity) -> Response<Bytes> {
        let (Ok(handle), Ok(sid)) = (new_handle(), new_handle()) else {
            return pages::broken();
        };
        let session = Session {
            user,
            auth_time: self.now(),
            sid,
        };
        self.state().sessions.insert(key(&handle), session.clone());
        self.grant(request, session, Some(&handle))
    }

    fn grant(
        &self,
        request: AuthorizeRequest,
        session: Session,
        cookie: Option<&str>,
    ) -> Response<Bytes> {
        let Ok(code) = new_handle() else {
            return pages::broken();
        };
        let code = self.spelt_code(code);
        self.visited(&request.client_id, session.user.subject(), &session.sid);
        let mut response = self.reply(&request.reply_to, &[("code", &code)]);
        let granted = Code {
            issued: IssuedCode {
                client_id: request.client_id,
                redirect_uri: Some(request.reply_to.redirect_uri),
                challenge: Some(request.challenge),
                scopes: request.scope,
                resources: request.resources,
                expires: self.now() + CODE_LIFE,
                used: false,
                failures: 0,
                standing: Standing::Alive,
            },
            login: Login {
                session,
                nonce: request.nonce,
                acr: request.acr,
                grant: key(&code),
            },
        };
        self.state().codes.insert(key(&code), granted);
        if let Some(handle) = cookie {
            self.set_session_cookie(&mut response, handle, SESSION_LIFE);
        }
        response
    }

    /// Cookies do not keep ports apart, and two providers may run on one machine.
    pub(super) fn session_cookie(&self) -> String {
        let port = self.state().issuer.url.port_or_known_default();
        format!("dev_provider_{}", port.unwrap_or_default())
    }

    pub(super) fn set_session_cookie(
        &self,
        response: &mut Response<Bytes>,
        value: &str,
        life: Duration,
    ) {
        let name = self.session_cookie();
        let issuer = self.state().issuer.clone();
        let secure = if issuer.url.scheme() == "https" {
            "; Secure"
        } else {
            ""
        };
        let cookie = format!(
            "{name}={value}; Path={}/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            issuer.path,
            life.as_secs()
        );
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

/// Whether `name` is what this user may be called by: subject, short name or address.
fn answers_to(user: &Identity, name: &str) -> bool {
    let same = |text: &str| text.eq_ignore_ascii_case(name);
    user.subject() == name
        || user.preferred_username().is_some_and(same)
        || user.email().is_some_and(same)
}

/// Somebody who was typed. Their address is what was typed, if it looks like one.
pub(super) fn stranger(typed: &str, groups: &str) -> Option<Identity> {
    let fit = !typed.is_empty() && typed.len() <= 200 && !typed.contains(char::is_control);
    if !fit {
        return None;
    }
    // At most 255 ASCII characters (OpenID Connect Core § 2).
    let mut subject = if typed.bytes().all(|b| b.is_ascii_graphic()) {
        typed.to_owned()
    } else {
        encode(typed)
    };
    subject.truncate(255);
    let mut user = Identity::builder("", subject)
        .name(typed)
        .preferred_username(typed);
    if typed.contains('@') {
        user = user.email(typed);
    }
    let groups = groups.split(',').map(str::trim).filter(|g| !g.is_empty());
    Some(groups.fold(user, |user, g| user.group(g)).build())
}
