//! The authorization request: who asks, where the answer goes, and what is asked for
//! ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).

use super::DevProvider;
use crate::core::{
    form::Form,
    grant::{GrantType, ScopeSet},
    login::{ResponseMode, pkce::is_challenge},
    url::is_absolute_uri,
};
use serde_json::Value;
use std::time::Duration;
use url::{Host, Url};

/// A request that may be answered.
#[derive(Debug)]
pub(super) struct AuthorizeRequest {
    pub(super) client_id: String,
    pub(super) reply_to: ReplyTo,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) scope: ScopeSet,
    pub(super) acr: Option<String>,
    pub(super) resources: Vec<String>,
    pub(super) max_age: Option<Duration>,
    pub(super) prompt: Prompt,
    pub(super) login_hint: Option<String>,
    pub(super) id_token_hint: Option<String>,
}

/// Where the answer goes, once client and redirect URI are known to belong together.
#[derive(Debug)]
pub(super) struct ReplyTo {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) mode: ResponseMode,
}

/// What the relying party wants the user to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Nothing said: a hint or the page decides.
    Unsaid,
    /// The user must not be asked.
    None,
    /// The page, whoever is signed in.
    Ask,
    /// The page, and whoever is signed in has to sign in again.
    SignInAgain,
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// On a page of our own: it is not known whose redirect URI it is
    /// ([RFC 6749 § 4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
    OnPage(&'static str),
    /// At the redirect URI.
    AtClient(ReplyTo, &'static str, &'static str),
}

impl DevProvider {
    pub(super) fn read_authorize_request(&self, form: &[u8]) -> Result<AuthorizeRequest, Refused> {
        let mut form = Form::parse_repeating(form, &["resource"]).map_err(|_| {
            Refused::OnPage("The request is not form-encoded, or a parameter occurs twice.")
        })?;
        let resources = form.take_all("resource");
        // An empty parameter counts as left out (RFC 6749 § 3.1).
        let mut take = |name: &str| form.take(name).filter(|value| !value.is_empty());

        let client_id = take("client_id").ok_or(Refused::OnPage("client_id is missing."))?;
        let redirect_uri =
            take("redirect_uri").ok_or(Refused::OnPage("redirect_uri is missing."))?;
        self.check_redirect_uri(&client_id, &redirect_uri)
            .map_err(Refused::OnPage)?;
        // Read first, because it says how everything else that is wrong is told.
        let mode = take("response_mode");
        let reply_to = ReplyTo {
            redirect_uri,
            state: take("state"),
            mode: if mode.as_deref() == Some(ResponseMode::FormPost.value()) {
                ResponseMode::FormPost
            } else {
                ResponseMode::Query
            },
        };

        macro_rules! refuse {
            ($error:literal, $why:literal) => {
                return Err(Refused::AtClient(reply_to, $error, $why))
            };
        }
        if take("request").is_some() {
            refuse!(
                "request_not_supported",
                "request objects are not spoken here"
            );
        }
        if take("request_uri").is_some() {
            refuse!("request_uri_not_supported", "request_uri is not taken");
        }
        match take("response_type").as_deref() {
            Some("code") => {}
            Some(_) => refuse!("unsupported_response_type", "only code is spoken here"),
            None => refuse!("invalid_request", "response_type is missing"),
        }
        if mode.is_some_and(|mode| mode != reply_to.mode.value()) {
            refuse!(
                "invalid_request",
                "response_mode must be query or form_post"
            );
        }
        let scope = ScopeSet::parse(&take("scope").unwrap_or_default()).unwrap_or_default();
        if !scope.contains("openid") {
            refuse!("invalid_scope", "scope must be words, openid among them");
        }
        if !self.may_use(&client_id, GrantType::AuthorizationCode) {
            refuse!(
                "unauthorized_client",
                "the client may not use authorization_code"
            );
        }
        // Absent means plain (RFC 7636 § 4.3), and plain protects nothing.
        if take("code_challenge_method").is_none_or(|method| method != "S256") {
            refuse!("invalid_request", "code_challenge_method must be S256");
        }
        let challenge = match take("code_challenge") {
            Some(challenge) if is_challenge(&challenge) => challenge,
            _ => refuse!(
                "invalid_request",
                "code_challenge must be 43 base64url characters"
            ),
        };
        let max_age = match take("max_age").map(|text| text.parse().map(Duration::from_secs)) {
            None => None,
            Some(Ok(max_age)) => Some(max_age),
            Some(Err(_)) => refuse!("invalid_request", "max_age must be a number of seconds"),
        };
        let claims = match take("claims").map(|text| serde_json::from_str::<Value>(&text)) {
            None => Value::Null,
            Some(Ok(claims @ Value::Object(_))) => claims,
            Some(_) => refuse!("invalid_request", "claims must be a JSON object"),
        };
        if !resources.iter().all(|uri| is_absolute_uri(uri)) {
            refuse!(
                "invalid_target",
                "a resource is an absolute URI without a fragment"
            );
        }
        let prompt = take("prompt").unwrap_or_default();
        let asked = |word| prompt.split(' ').any(|p| p == word);
        let prompt = match &*prompt {
            "" => Prompt::Unsaid,
            "none" => Prompt::None,
            _ if asked("none") => refuse!("invalid_request", "prompt none stands alone"),
            _ if asked("login") => Prompt::SignInAgain,
            _ => Prompt::Ask,
        };
        Ok(AuthorizeRequest {
            client_id,
            reply_to,
            challenge,
            nonce: take("nonce"),
            scope,
            acr: asked_acr(&claims).or_else(|| {
                take("acr_values").and_then(|all| Some(all.split(' ').next()?.to_owned()))
            }),
            resources,
            max_age,
            prompt,
            login_hint: take("login_hint"),
            id_token_hint: take("id_token_hint"),
        })
    }

    fn check_redirect_uri(&self, client_id: &str, uri: &str) -> Result<(), &'static str> {
        let url = parse_redirect_uri(uri)
            .ok_or("redirect_uri is not an address to send a browser to.")?;
        if self.state().redirect_uris.contains(uri) {
            return Ok(());
        }
        let clients = &self.shared.clients;
        if clients.is_empty() {
            return if is_at_home(&url) {
                Ok(())
            } else {
                Err(
                    "redirect_uri is neither on a loopback host nor under .test. Register the client to take it.",
                )
            };
        }
        let mut known = clients.iter().filter(|c| c.id() == client_id).peekable();
        if known.peek().is_none() {
            return Err("No client of this client_id is registered.");
        }
        // Character by character (RFC 9700 § 4.1.3).
        if known.any(|client| client.redirect_uris.iter().any(|known| known == uri)) {
            Ok(())
        } else {
            Err("redirect_uri is not the one that is registered, character by character.")
        }
    }

    /// Whether a browser may be sent to `uri` after a logout that a client of this id, or some client, has asked for: to an
    /// address that is registered for it, character by character
    /// ([RP-Initiated Logout § 3](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RedirectionAfterLogout)).
    pub(super) fn is_logout_target(&self, uri: &str, client_id: Option<&str>) -> bool {
        let Some(url) = parse_redirect_uri(uri) else {
            return false;
        };
        let meant = |id: &str| client_id.is_none_or(|client_id| client_id == id);
        let state = self.state();
        let mut said = (state.logouts.clients.iter())
            .filter(|(id, logout)| meant(id) && !logout.post_logout_redirect_uris.is_empty())
            .peekable();
        if client_id.is_some() && said.peek().is_some() {
            return said
                .any(|(_, logout)| logout.post_logout_redirect_uris.iter().any(|it| it == uri));
        }
        let beside = |redirect_uri: &String| {
            redirect_uri.strip_suffix("/callback").is_some_and(|base| {
                uri.strip_prefix(base)
                    .is_some_and(|rest| rest == "/signed_out")
            })
        };
        let registered = &self.shared.clients;
        said.any(|(_, logout)| logout.post_logout_redirect_uris.iter().any(|it| it == uri))
            || (registered.is_empty() && is_at_home(&url))
            || (registered.iter().filter(|client| meant(client.id())))
                .any(|client| client.redirect_uris.iter().any(beside))
            || state.redirect_uris.iter().any(beside)
    }
}

/// The first class that `claims` asks for in the ID token
/// ([OpenID Connect Core § 5.5.1.1](https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics)).
fn asked_acr(claims: &Value) -> Option<String> {
    let acr = claims.get("id_token")?.get("acr")?;
    let first = acr.get("value").or_else(|| acr.get("values")?.get(0));
    Some(first?.as_str()?.to_owned())
}

/// An absolute address without a fragment (RFC 6749 § 3.1.2), in characters fit for a header, and no script.
fn parse_redirect_uri(uri: &str) -> Option<Url> {
    let plain = uri.bytes().all(|b| b.is_ascii_graphic());
    let url = Url::parse(uri).ok()?;
    let runs_here = matches!(
        url.scheme(),
        "javascript" | "data" | "blob" | "file" | "about"
    );
    (plain && url.fragment().is_none() && !runs_here).then_some(url)
}

/// On this machine, or under the name that is reserved for tests
/// ([RFC 6761 § 6.2](https://www.rfc-editor.org/rfc/rfc6761#section-6.2)).
fn is_at_home(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => {
                name == "localhost" || name.ends_with(".localhost") || name.ends_with(".test")
            }
            None => false,
        }
}
