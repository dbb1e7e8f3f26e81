//! Logout that a relying party asks for
//! ([RP-Initiated Logout § 2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)).
//!
//! A hint that this provider issued is proof enough that the request is meant. Without one, anybody could have made the
//! link, so the user is asked.

use super::{DevProvider, answer::see_other, pages, service::Call, state::key};
use crate::core::form::{Form, with_query};
use bytes::Bytes;
use http::Response;
use std::time::Duration;

/// Where to go afterwards, if that is a place to go to.
struct Afterwards {
    uri: String,
    state: Option<String>,
}

impl DevProvider {
    pub(super) fn end_session(&self, call: &Call<'_>) -> Response<Bytes> {
        let Ok(mut form) = Form::parse(call.form()) else {
            return pages::refused("The request is not form-encoded, or a parameter occurs twice.");
        };
        let hint = form
            .take("id_token_hint")
            .and_then(|token| self.state().id_tokens.get(&key(&token)).cloned());
        let client_id = form.take("client_id").filter(|id| !id.is_empty());
        if let (Some(hint), Some(id)) = (&hint, &client_id)
            && hint.client_id != *id
        {
            return pages::refused("client_id is not the client that id_token_hint was issued to.");
        }
        let client_id = client_id.or(hint.as_ref().map(|h| h.client_id.clone()));
        let afterwards = match self.afterwards(&mut form, client_id.as_deref()) {
            Ok(afterwards) => afterwards,
            Err(why) => return pages::refused(why),
        };
        // A hint for somebody else's session does not end the one in this browser unasked.
        let session = self.session(call);
        let mine = match (&hint, &session) {
            (Some(hint), Some(session)) => hint.subject == session.user.subject(),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if mine {
            return self.signed_out(call, hint.map(|hint| hint.sid), afterwards);
        }
        match session {
            Some(session) => pages::confirm_sign_out(
                self,
                &session,
                client_id.as_deref(),
                afterwards
                    .as_ref()
                    .map(|a| (a.uri.as_str(), a.state.as_deref())),
            ),
            // Nothing to end.
            None => self.signed_out(call, None, afterwards),
        }
    }

    /// POST of the page that asks.
    pub(super) fn end_session_confirmed(&self, call: &Call<'_>) -> Response<Bytes> {
        let Ok(mut form) = Form::parse(call.form()) else {
            return pages::refused("The form cannot be read.");
        };
        let client_id = form.take("client_id").filter(|id| !id.is_empty());
        match self.afterwards(&mut form, client_id.as_deref()) {
            Ok(afterwards) => self.signed_out(call, None, afterwards),
            Err(why) => pages::refused(why),
        }
    }

    fn afterwards(
        &self,
        form: &mut Form,
        client_id: Option<&str>,
    ) -> Result<Option<Afterwards>, &'static str> {
        let uri = form
            .take("post_logout_redirect_uri")
            .filter(|uri| !uri.is_empty());
        let Some(uri) = uri else { return Ok(None) };
        if !self.is_logout_target(&uri, client_id) {
            return Err("post_logout_redirect_uri does not belong to this client.");
        }
        let state = form.take("state").filter(|state| !state.is_empty());
        Ok(Some(Afterwards { uri, state }))
    }

    /// Ends the session of this browser and the one of the hint, tells their clients, and goes on.
    fn signed_out(
        &self,
        call: &Call<'_>,
        hinted: Option<String>,
        afterwards: Option<Afterwards>,
    ) -> Response<Bytes> {
        let handle = call.cookie(&self.session_cookie());
        let own = handle.and_then(|handle| self.state().sessions.get(&key(handle)).cloned());
        let own = own.map(|session| session.sid);
        let ended = self
            .end_sessions(|_, sid| own.as_deref() == Some(sid) || hinted.as_deref() == Some(sid));
        let onward = afterwards.map(|Afterwards { uri, state }| match state {
            Some(state) => with_query(&uri, [("state", &*state)]),
            None => uri,
        });
        let mut response = match onward {
            // The frames are loaded by a page, and the page leads on.
            Some(address) if ended.frames.is_empty() => see_other(&address),
            onward => pages::signed_out(&ended.frames, onward.as_deref()),
        };
        response.extensions_mut().insert(ended);
        self.set_session_cookie(&mut response, "", Duration::ZERO);
        response
    }
}
