//! `start`: begins a login.

use crate::{
    core::{
        check::{Check, quote},
        form::{Form, is_word},
        login::{Demand, Locales, LoginHint, Manner, Prompt, Wanted},
    },
    decline::Answer,
    recognise::Recognised,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, Response};
use std::{sync::Arc, time::Duration};

/// The longest value of a [`start_param`](crate::Provider::start_param), in bytes.
const MAX_PARAM_BYTES: usize = 256;

/// How many classes a link can name.
const MAX_CLASSES: usize = 8;

/// Sends the browser to the provider, with what the query of a GET or the form of a POST says:
///
/// - `rd`: where to go afterwards. What is no place to return to is dropped, and the first page takes its place.
/// - `prompt`: `login`, `select_account` or `create`.
/// - `login_hint` and `ui_locales`, and whatever [`start_param`](crate::Provider::start_param) lets through.
/// - `acr_values` and `max_age`: what the sign-in has to be, as a challenge says it
///   ([RFC 9470 § 3](https://www.rfc-editor.org/rfc/rfc9470#section-3)). Only for who is signed in, and has to come back as the
///   same user.
/// - `iss` and `target_link_uri`: a login that somebody else begins
///   ([OpenID Connect Core § 4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)). The
///   issuer has to be the one that is configured.
///
/// Whoever made the link can ask for no more than that.
pub(super) async fn serve(
    sessions: &Arc<Sessions>,
    headers: &HeaderMap,
    form: &[u8],
    present: &Recognised,
) -> Response<Bytes> {
    let form = Form::parse(form).unwrap_or_default();
    let issuer = sessions.upstream.issuer().as_str();
    if let Some(iss) = form.get("iss")
        && iss != issuer
    {
        let cause = format!("expected {}, got {}", quote(issuer), quote(iss));
        return super::refuse(sessions, Check::InitiatorIssuer, cause, None);
    }
    let place = ["target_link_uri", "rd"]
        .iter()
        .find_map(|name| form.get(name));
    let mut wanted = Wanted::to(
        place
            .and_then(|place| sessions.place(place))
            .unwrap_or_else(|| sessions.home()),
    );
    wanted.manner = Manner::Asking(match form.get("prompt") {
        Some("login") => vec![Prompt::Login],
        Some("select_account") => vec![Prompt::SelectAccount],
        Some("create") => vec![Prompt::Create],
        _ => Vec::new(),
    });
    // Of anybody else, the page that it leads to demands what it needs.
    if present.session().is_some() {
        wanted.demand = demand(&form);
    }
    wanted.login_hint = form.get("login_hint").and_then(LoginHint::parse);
    wanted.ui_locales = Locales::of(form.get("ui_locales").unwrap_or_default().split(' '));
    for name in &sessions.start_params {
        let fit =
            |value: &&str| value.len() <= MAX_PARAM_BYTES && !value.contains(char::is_control);
        if let Some(value) = form.get(name).filter(fit) {
            // `build` has looked at the names; one that is there twice in the configuration is set once.
            let _ = wanted.params.add(name.as_str(), value);
        }
    }
    let underway = sessions.underway(headers, present).of(present.session());
    match sessions.log_in(wanted, underway) {
        Answer::Now(response) => response,
        Answer::Later(response) => response.await,
    }
}

/// What a link demands. What is no class and no number of seconds is left out: whatever a page needs it demands again.
fn demand(form: &Form) -> Demand {
    let classes = form.get("acr_values").unwrap_or_default().split(' ');
    let classes = classes.filter(|class| is_word(class) && class.len() <= MAX_PARAM_BYTES);
    let age = form.get("max_age").and_then(|age| age.parse::<u32>().ok());
    Demand {
        acr_values: classes.take(MAX_CLASSES).map(str::to_owned).collect(),
        max_age: age.map(|age| Duration::from_secs(age.into())),
    }
}
