//! What is asked of the provider.

use super::Provider;
use crate::core::{
    form::is_word,
    login::{ClaimsRequest, Locales, ParamError, Params, Prompt, ResponseMode, Wishes},
    url::is_absolute_uri,
};
use serde_json::Value;
use std::time::Duration;

/// What an authorization request holds beside what every one has to.
#[derive(Clone, Debug)]
pub(crate) struct RequestSettings {
    pub(crate) scopes: Vec<String>,
    pub(crate) response_mode: ResponseMode,
    /// What can be said wrongly is kept as it was said.
    wishes: Wishes,
    ui_locales: Vec<String>,
    claims: Option<Value>,
    /// A name, and what is wrong with it.
    unfit_params: Vec<(String, ParamError)>,
    start_params: Vec<String>,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            scopes: ["openid", "profile", "email"].map(String::from).into(),
            response_mode: ResponseMode::default(),
            wishes: Wishes::default(),
            ui_locales: Vec::new(),
            claims: None,
            unfit_params: Vec::new(),
            start_params: Vec::new(),
        }
    }
}

impl Provider {
    /// The scopes to ask for. `openid` is added if it is missing.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.request.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// What the user is asked for at every login, whatever the provider knows already
    /// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)). A login that
    /// asks for something itself ([`LogIn::prompt`](crate::LogIn::prompt)) asks for that alone.
    ///
    /// `none` is not among them: a login that asks nothing has to say where to go without one, see
    /// [`LogIn::silently`](crate::LogIn::silently).
    pub fn prompt(mut self, prompts: impl IntoIterator<Item = Prompt>) -> Self {
        self.request.wishes.prompt = prompts.into_iter().collect();
        self
    }

    /// The languages of the provider's pages, the best first, as language tags: `de-CH`, `de`. A login's own come in their
    /// place.
    pub fn ui_locales(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.request.ui_locales = tags.into_iter().map(Into::into).collect();
        self
    }

    /// The authentication context classes that would be welcome, the best first (`acr_values`).
    ///
    /// # Security
    ///
    /// They are asked for and not enforced: the provider may fall short of them. What has to be reached is said by
    /// [`acr`](crate::acr) on a path, by [`LogIn::acr`](crate::LogIn::acr) for a login, or by an essential `acr` in
    /// [`request_claims`](Self::request_claims).
    pub fn acr_values(mut self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.request.wishes.acr_values = classes.into_iter().map(Into::into).collect();
        self
    }

    /// How long ago the user may have signed in at the provider, at every login; in whole seconds. Zero asks for a fresh
    /// sign-in. Where a path or a login allows less, that counts.
    ///
    /// # Security
    ///
    /// The ID token has to say when the user signed in (`auth_time`), and is refused otherwise. It is about the login:
    /// how long a session lasts is said by [`session_limits`](crate::GateBuilder::session_limits).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.request.wishes.max_age = Some(age);
        self
    }

    /// Where the access token is going to be used: absolute URIs without a fragment
    /// ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)). Sent with the authorization request and with the code.
    pub fn resource(mut self, uris: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.request.wishes.resource = uris.into_iter().map(Into::into).collect();
        self
    }

    /// Single claims to ask the provider for, the `claims` parameter
    /// ([OpenID Connect Core § 5.5](https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter)). What a user has to
    /// have is said by [`GateBuilder::claims`](crate::GateBuilder::claims).
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, Provider};
    /// Provider::unnamed("https://id.example.com", "my-app", ClientAuth::none()).request_claims(serde_json::json!({
    ///     "id_token": { "acr": { "essential": true, "values": ["phr", "phrh"] } },
    ///     "userinfo": { "picture": null },
    /// }));
    /// ```
    ///
    /// A provider whose metadata does not say `claims_parameter_supported` would ignore it: no login begins there, and
    /// [`ready`](crate::Gate::ready) says why.
    ///
    /// # Security
    ///
    /// An essential `acr` of the ID token with its `value` or `values` is enforced, and so is that there is an essential
    /// `auth_time`. Everything else is a wish.
    pub fn request_claims(mut self, request: Value) -> Self {
        self.request.claims = Some(request);
        self
    }

    /// A parameter of the provider's own for every authorization request: `hd`, `domain_hint`, `kc_idp_hint`, `display`, …
    /// What the gate sets itself, or has a setting for, is refused.
    pub fn authorize_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        if let Err(problem) = self.request.wishes.params.add(name.as_str(), value.into()) {
            self.request.unfit_params.push((name, problem));
        }
        self
    }

    /// A parameter of the provider's own that a link to `start` may carry: `/oauth2/start?kc_idp_hint=github`. Whoever
    /// makes the link chooses its value, at most 256 bytes of it.
    pub fn start_param(mut self, name: impl Into<String>) -> Self {
        self.request.start_params.push(name.into());
        self
    }

    /// How the provider hands its answers back; in the query of a redirect unless set.
    ///
    /// With [`ResponseMode::FormPost`] the code stands in no address, and so in no log of requests. A provider that does
    /// not list it in `response_modes_supported` is not asked: the login ends before it begins, with
    /// `provider.response_mode_unsupported`.
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.request.response_mode = mode;
        self
    }
}

impl RequestSettings {
    /// What is wrong with them, each as `setting: problem`.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.scopes.is_empty() {
            problems
                .push("scopes: empty; leave the setting out for `openid profile email`".to_owned());
        }
        for scope in self.scopes.iter().filter(|scope| !is_word(scope)) {
            problems.push(format!(
                "scopes: {scope:?} is no scope; give each scope as a text of its own"
            ));
        }
        let wishes = &self.wishes;
        let mut seen = Vec::new();
        for prompt in &wishes.prompt {
            if seen.contains(prompt) {
                let value = prompt.value();
                problems.push(format!("prompt: {value:?} is given twice; keep one"));
            }
            seen.push(*prompt);
        }
        for tag in self.ui_locales.iter().filter(|tag| !Locales::is_tag(tag)) {
            problems.push(format!(
                "ui_locales: {tag:?} is no language tag; write `de` or `de-CH`, each as a text of its own"
            ));
        }
        if self.ui_locales.len() > Locales::MAX {
            problems.push(format!(
                "ui_locales: more than {}; name those that your users read",
                Locales::MAX
            ));
        }
        for class in wishes.acr_values.iter().filter(|class| !is_word(class)) {
            problems.push(format!(
                "acr_values: {class:?} is no class; give each as a text of its own, in visible ASCII"
            ));
        }
        for uri in wishes.resource.iter().filter(|uri| !is_absolute_uri(uri)) {
            problems.push(format!(
                "resource: {uri:?} is no resource; write an absolute URI without a fragment"
            ));
        }
        match self.claims_request() {
            Some(Err(problem)) => problems.push(format!("request_claims: {problem}")),
            Some(Ok(claims)) if claims.names_acr() && !wishes.acr_values.is_empty() => {
                problems.push(
                    "acr_values: set, and `request_claims` asks for `acr` too; keep one, what comes of both is unspecified"
                        .to_owned(),
                );
            }
            Some(Ok(_)) | None => {}
        }
        for (name, problem) in &self.unfit_params {
            problems.push(format!("authorize_param: {name:?} {problem}"));
        }
        for name in &self.start_params {
            if STARTS_OWN.contains(&name.as_str()) {
                problems.push(format!(
                    "start_param: {name:?} is not free; `start` reads it itself"
                ));
            } else if let Err(problem) = Params::check_name(name) {
                problems.push(format!("start_param: {name:?} {problem}"));
            }
        }
        problems
    }

    fn claims_request(&self) -> Option<Result<ClaimsRequest, String>> {
        self.claims.clone().map(ClaimsRequest::parse)
    }

    pub(crate) fn wishes(&self) -> Wishes {
        let mut wishes = self.wishes.clone();
        wishes.ui_locales = Locales::of(&self.ui_locales);
        // `problems` has told what is no request.
        wishes.claims = self.claims_request().and_then(Result::ok);
        wishes
    }

    pub(crate) fn start_params(&self) -> Vec<String> {
        self.start_params.clone()
    }
}

/// What `start` reads itself: see [`Gate::sign_in_path`](crate::Gate::sign_in_path).
const STARTS_OWN: [&str; 6] = [
    "rd",
    "iss",
    "target_link_uri",
    "prompt",
    "login_hint",
    "ui_locales",
];
