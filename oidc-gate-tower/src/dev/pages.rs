//! What people see of the provider. Every one of its pages says that it is no real one.

use super::page::Page;
use super::{DevProvider, LogoutOutcome, authorize_request::AuthorizeRequest, state::Session};
use crate::{Identity, html::escape};
use bytes::Bytes;
use http::{Response, StatusCode};

/// Who is it this time?
pub(super) fn sign_in(
    provider: &DevProvider,
    request: &AuthorizeRequest,
    carried: &str,
    session: Option<&Session>,
) -> Response<Bytes> {
    let mut page = page("Sign in");
    page.allow_form_target(&request.reply_to.redirect_uri);
    page.push(format_args!(
        "<p class=\"lead\">to continue to <strong>{}</strong></p>\n",
        escape(&request.client_id)
    ));
    let action = format!("{}/authorize/choose", provider.state().issuer.path);
    let open_form = format!(
        "<form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"request\" value=\"{}\">\n",
        escape(&action),
        escape(carried)
    );

    if let Some(session) = session {
        page.push(format_args!("{open_form}"));
        page.push(format_args!(
            "<button class=\"primary\" name=\"continue\" value=\"1\">Continue as {}</button>\n</form>\n\
             <h2>Or as somebody else</h2>\n",
            escape(session.user.display_name())
        ));
    }
    people(&mut page, provider, &open_form);
    let typed = request.login_hint.as_deref().unwrap_or_default();
    page.push(format_args!(
        "{open_form}<label for=\"name\">Name or address</label>\n\
         <input type=\"text\" id=\"name\" name=\"name\" value=\"{}\" required maxlength=\"200\" autocomplete=\"off\" \
         autocapitalize=\"none\" spellcheck=\"false\">\n\
         <label for=\"groups\">Groups <span class=\"hint\">optional, separated by commas</span></label>\n\
         <input type=\"text\" id=\"groups\" name=\"groups\" maxlength=\"500\" autocomplete=\"off\" \
         autocapitalize=\"none\" spellcheck=\"false\">\n\
         <button class=\"primary\">Sign in</button>\n</form>\n\
         {open_form}<button class=\"quiet\" name=\"cancel\" value=\"1\">Cancel</button>\n</form>\n",
        escape(typed)
    ));
    page.push(format_args!(
        "<aside class=\"note\"><p>There is no password: this provider signs in anybody who asks. \
         It is part of the program you are developing.</p></aside>\n"
    ));
    page.respond(StatusCode::OK)
}

/// Where somebody types what a device shows.
pub(super) fn device_code(provider: &DevProvider, typed: &str, wrong: bool) -> Response<Bytes> {
    let mut page = page("Connect a device");
    let action = format!("{}/device", provider.state().issuer.path);
    let hint = match wrong {
        true => {
            "<p class=\"lead\" role=\"alert\">No device waits with this code. Look at the device again.</p>\n"
        }
        false => "<p class=\"lead\">Type the code that the device shows.</p>\n",
    };
    page.push(format_args!(
        "{hint}<form method=\"get\" action=\"{}\">\n<label for=\"user_code\">Code</label>\n\
         <input type=\"text\" id=\"user_code\" name=\"user_code\" value=\"{}\" required maxlength=\"64\" \
         autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\">\n\
         <button class=\"primary\">Continue</button>\n</form>\n",
        escape(&action),
        escape(typed)
    ));
    page.respond(match wrong {
        true => StatusCode::BAD_REQUEST,
        false => StatusCode::OK,
    })
}

/// Whether, and as whom, a device may.
pub(super) fn device(provider: &DevProvider, typed: &str, client_id: &str) -> Response<Bytes> {
    let mut page = page("Connect a device");
    page.push(format_args!(
        "<p class=\"lead\"><strong>{}</strong> asks with the code <code>{}</code>. Go on only if a device in front of you \
         shows it.</p>\n",
        escape(client_id),
        escape(typed)
    ));
    let action = format!("{}/device", provider.state().issuer.path);
    let open_form = format!(
        "<form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"user_code\" value=\"{}\">\n",
        escape(&action),
        escape(typed)
    );
    people(&mut page, provider, &open_form);
    page.push(format_args!(
        "{open_form}<label for=\"name\">Name or address</label>\n\
         <input type=\"text\" id=\"name\" name=\"name\" required maxlength=\"200\" autocomplete=\"off\" \
         autocapitalize=\"none\" spellcheck=\"false\">\n\
         <button class=\"primary\">Connect</button>\n</form>\n\
         {open_form}<button class=\"quiet\" name=\"deny\" value=\"1\">Refuse</button>\n</form>\n"
    ));
    page.respond(StatusCode::OK)
}

/// A device was told.
pub(super) fn device_decided(agreed: bool) -> Response<Bytes> {
    let (title, text) = match agreed {
        true => (
            "Device connected",
            "The device will go on in a moment. You can close this page.",
        ),
        false => (
            "Device refused",
            "The device gets nothing. You can close this page.",
        ),
    };
    let mut page = page(title);
    page.push(format_args!("<p class=\"lead\">{text}</p>\n"));
    page.respond(StatusCode::OK)
}

/// The users to choose from, where there are any.
fn people(page: &mut Page<'_>, provider: &DevProvider, open_form: &str) {
    if provider.users().is_empty() {
        return;
    }
    page.push(format_args!(
        "{open_form}<ul class=\"people\" aria-label=\"Demo users\">\n"
    ));
    for user in provider.users() {
        page.push(format_args!(
            "<li><button class=\"person\" name=\"user\" value=\"{}\">\
             <span class=\"avatar\" aria-hidden=\"true\">{}</span>\
             <span><span class=\"name\">{}</span> <span class=\"detail\">{}</span></span></button></li>\n",
            escape(user.subject()),
            escape(&initials(user.display_name())),
            escape(user.display_name()),
            escape(&description(user)),
        ));
    }
    page.push(format_args!("</ul>\n</form>\n<h2>Or type anybody</h2>\n"));
}

/// The answer as a form that sends itself, and has a button for whoever has switched scripts off
/// ([OAuth 2.0 Form Post Response Mode § 2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)).
pub(super) fn form_post(redirect_uri: &str, pairs: &[(&str, &str)]) -> Response<Bytes> {
    let mut page = page("Back to the application");
    page.allow_form_target(redirect_uri);
    page.push(format_args!(
        "<form method=\"post\" action=\"{}\">\n",
        escape(redirect_uri)
    ));
    for (name, value) in pairs {
        page.push(format_args!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
            escape(name),
            escape(value)
        ));
    }
    page.push(format_args!(
        "<button class=\"primary\">Go on</button>\n</form>\n"
    ));
    page.run("document.forms[0].submit()");
    page.respond(StatusCode::OK)
}

/// Whether to end the session, when nobody has proved that the user wants that.
pub(super) fn confirm_sign_out(
    provider: &DevProvider,
    session: &Session,
    client_id: Option<&str>,
    afterwards: Option<(&str, Option<&str>)>,
) -> Response<Bytes> {
    let mut page = page("Sign out?");
    page.push(format_args!(
        "<p class=\"lead\">You are signed in here as <strong>{}</strong>.</p>\n\
         <form method=\"post\" action=\"{}/end_session/confirm\">\n",
        escape(session.user.display_name()),
        escape(&provider.state().issuer.path),
    ));
    let hidden = |name, value: &str| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n",
            escape(value)
        )
    };
    if let Some(id) = client_id {
        page.push(format_args!("{}", hidden("client_id", id)));
    }
    if let Some((uri, state)) = afterwards {
        page.allow_form_target(uri);
        page.push(format_args!("{}", hidden("post_logout_redirect_uri", uri)));
        if let Some(state) = state {
            page.push(format_args!("{}", hidden("state", state)));
        }
    }
    page.push(format_args!(
        "<button class=\"primary\">Sign out</button>\n</form>\n"
    ));
    page.respond(StatusCode::OK)
}

/// The end of a session.
///
/// Each frame tells an application
/// ([Front-Channel Logout § 3](https://openid.net/specs/openid-connect-frontchannel-1_0.html#OPLogout)); when all have been
/// loaded, the page leads `onward`.
pub(super) fn signed_out(frames: &[String], onward: Option<&str>) -> Response<Bytes> {
    let mut page = page("Signed out");
    page.push(format_args!(
        "<p class=\"lead\">You are no longer signed in at this provider.</p>\n"
    ));
    match onward {
        Some(address) => {
            page.push(format_args!(
                "<p><a href=\"{}\">Go on</a></p>\n",
                escape(address)
            ));
            page.run("addEventListener('load', () => location.replace(document.querySelector('a').href))");
        }
        None => page.push(format_args!("<p>You can close this page.</p>\n")),
    }
    for frame in frames {
        page.show_in_frame(frame);
    }
    page.respond(StatusCode::OK)
}

/// A request that has no client to be told to. `why` is ours, not text from outside.
pub(super) fn refused(why: &'static str) -> Response<Bytes> {
    let mut page = page("This request cannot be answered");
    page.push(format_args!(
        "<p class=\"lead\">{}</p>\n<p class=\"soft\">The application that sent you here made a mistake, or this provider \
         was set up for another one. Nothing was sent back to it.</p>\n",
        escape(why)
    ));
    page.respond(StatusCode::BAD_REQUEST)
}

/// A form that another site sent.
pub(super) fn cross_site() -> Response<Bytes> {
    let mut page = page("Not from here");
    page.push(format_args!(
        "<p class=\"lead\">This form was sent by another site. Go back and begin again.</p>\n"
    ));
    page.respond(StatusCode::FORBIDDEN)
}

/// No randomness: nothing can be issued.
pub(super) fn broken() -> Response<Bytes> {
    let mut page = page("Something is broken here");
    page.push(format_args!(
        "<p class=\"lead\">The system gave no randomness, so no code could be made. Try again.</p>\n"
    ));
    page.respond(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The front door: what this is, for whoever opens the issuer's address.
pub(super) fn front(provider: &DevProvider) -> Response<Bytes> {
    let issuer = provider.state().issuer.clone();
    let mut page = page("An OpenID provider for development");
    page.push(format_args!(
        "<p class=\"lead\">It signs in anybody, without a password. Open the application and sign in there.</p>\n\
         <dl><dt>Issuer</dt><dd><code>{}</code></dd>\n",
        escape(&issuer.text)
    ));
    let users: Vec<&str> = provider.users().iter().map(Identity::subject).collect();
    if !users.is_empty() {
        page.push(format_args!(
            "<dt>Demo users</dt><dd>{}</dd>\n",
            escape(&users.join(", "))
        ));
    }
    let path = escape(&issuer.path).to_string();
    page.push(format_args!(
        "</dl>\n<p><a href=\"{path}/.well-known/openid-configuration\">Metadata</a></p>\n\
         <p><a href=\"{path}/end_session\">Sign out here</a></p>\n"
    ));
    deliveries(&mut page, provider);
    page.respond(StatusCode::OK)
}

/// Which applications were told of logouts, the latest first.
fn deliveries(page: &mut Page<'_>, provider: &DevProvider) {
    const SHOWN: usize = 10;
    let latest: Vec<_> = provider
        .deliveries()
        .into_iter()
        .rev()
        .take(SHOWN)
        .collect();
    if latest.is_empty() {
        return;
    }
    page.push(format_args!("<h2>Logout tokens that were sent</h2>\n<dl>"));
    for delivery in latest {
        let outcome = match delivery.outcome() {
            LogoutOutcome::Answered { status, .. } => status.to_string(),
            LogoutOutcome::Lost(why) => why.clone(),
        };
        page.push(format_args!(
            "<dt>{} at <code>{}</code></dt><dd>{}</dd>\n",
            escape(delivery.client_id()),
            escape(delivery.uri()),
            escape(&outcome)
        ));
    }
    page.push(format_args!("</dl>\n"));
}

/// No endpoint of ours.
pub(super) fn not_found() -> Response<Bytes> {
    let mut page = page("Nothing here");
    page.push(format_args!(
        "<p class=\"lead\">The development provider has no such page.</p>\n"
    ));
    page.respond(StatusCode::NOT_FOUND)
}

fn page(title: &str) -> Page<'_> {
    Page::new(title)
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|w| w.chars().next());
    let first = words.next();
    let last = words.next_back();
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Address and groups, as far as there are any.
fn description(user: &Identity) -> String {
    let groups: Vec<&str> = user.groups().collect();
    let groups = if groups.is_empty() {
        "no groups".to_owned()
    } else {
        groups.join(", ")
    };
    match user.email() {
        Some(email) => format!("{email} · {groups}"),
        None => groups,
    }
}
