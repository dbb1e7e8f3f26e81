//! A login that a handler asks for.

use crate::{
    core::{
        check::quote,
        form::is_word,
        login::{
            ClaimsRequest, Demand, Locales, LoginHint, Manner, ParamError, Params, Prompt, Wanted,
        },
        url::is_absolute_uri,
    },
    sessions::Sessions,
};
use http::{Response, StatusCode};
use std::{fmt, time::Duration};

/// Left in the extensions of a *response* by a handler that wants the user to sign in. The gate outside sends the browser
/// to the provider with 303, after a POST too; whoever is signed in keeps the session until the login succeeds.
///
/// ```
/// use http::Response;
/// use oidc_gate_tower::{LogIn, Prompt};
///
/// fn switch_account(email: &str) -> Response<String> {
///     LogIn::to("/account").prompt(Prompt::SelectAccount).login_hint(email).plain(String::new())
/// }
/// # assert_eq!(switch_account("a@example.com").status(), 500);
/// ```
///
/// Where the handler is fetched ahead, by a script or into a frame, or lies under a [`json`](crate::GateBuilder::json) pattern, no login
/// begins and the answer is 401. Without a gate, and under a `bypass` rule, it is 500 and says which of the two it is.
#[derive(Clone)]
#[must_use = "a login begins when the response that carries it has left the handler"]
pub struct LogIn {
    return_to: String,
    /// For a login that asks nothing.
    otherwise: Option<String>,
    prompts: Vec<Prompt>,
    login_hint: Option<String>,
    ui_locales: Vec<String>,
    scopes: Vec<String>,
    resource: Vec<String>,
    claims: Option<ClaimsRequest>,
    demand: Demand,
    params: Params,
    misshapen: Option<Misshapen>,
}

impl LogIn {
    /// A login that leads to `return_to`: a path in this application, or an address at an origin that
    /// [`return_to_origin`](crate::GateBuilder::return_to_origin) names. What is neither is dropped, and the first page takes
    /// its place: the text may come from a user.
    pub fn to(return_to: impl Into<String>) -> Self {
        Self {
            return_to: return_to.into(),
            otherwise: None,
            prompts: Vec::new(),
            login_hint: None,
            ui_locales: Vec::new(),
            scopes: Vec::new(),
            resource: Vec::new(),
            claims: None,
            demand: Demand::default(),
            params: Params::default(),
            misshapen: None,
        }
    }

    /// A login that asks the user nothing (`prompt=none`): whoever is signed in at the provider comes back to `return_to`
    /// signed in, everybody else to `otherwise`, without an error and with the session that was there. Where the two
    /// do not fit into one cookie, the first page takes the place of `return_to`.
    ///
    /// `otherwise` must be a page that needs no login and tries none of these again, or the browser goes round in circles.
    pub fn silently(return_to: impl Into<String>, otherwise: impl Into<String>) -> Self {
        Self {
            otherwise: Some(otherwise.into()),
            ..Self::to(return_to)
        }
    }

    /// What the user is asked for in any case. Several may be asked for, one after the other.
    pub fn prompt(mut self, prompt: Prompt) -> Self {
        if !self.prompts.contains(&prompt) {
            self.prompts.push(prompt);
        }
        self
    }

    /// Who is probably going to sign in: an email address or a user name, for the provider's form. What is longer than 512
    /// bytes or holds control characters is left out.
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        self.login_hint = Some(hint.into());
        self
    }

    /// The languages to ask in, the best first, as language tags. What is none is left out.
    pub fn ui_locales(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.ui_locales = tags.into_iter().map(Into::into).collect();
        self
    }

    /// The authentication context classes of which one has to be reached. Enforced when the user comes back, who
    /// has to be [the same one](crate::step_up) where somebody is signed in. None at all is a mistake: 500, and the log says so.
    pub fn acr(mut self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.demand.acr_values = classes.into_iter().map(Into::into).collect();
        // An empty list would demand nothing, which is the opposite of what was said.
        let classes = &self.demand.acr_values;
        if classes.is_empty() || !classes.iter().all(|class| is_word(class)) {
            self.misshapen.get_or_insert(Misshapen::Class);
        }
        self
    }

    /// How long ago the user may have signed in at the provider, in whole seconds; zero asks for a fresh sign-in. Enforced
    /// when the user comes back, who has to be [the same one](crate::step_up) where somebody is signed in.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.demand.max_age = Some(age);
        self
    }

    /// One more scope than every login asks for. One that is none is a mistake: 500, and the log says so.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        if is_word(&scope) {
            self.scopes.push(scope);
        } else {
            self.misshapen.get_or_insert(Misshapen::Scope);
        }
        self
    }

    /// Where the access token is going to be used, in the place of
    /// [`Provider::resource`](crate::Provider::resource): absolute URIs without a fragment. What is none is a mistake: 500,
    /// and the log says so; so is an empty list.
    pub fn resource(mut self, uris: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.resource = uris.into_iter().map(Into::into).collect();
        // An empty list would ask for those of every login, which is the opposite of what was said.
        if self.resource.is_empty() || !self.resource.iter().all(|uri| is_absolute_uri(uri)) {
            self.misshapen.get_or_insert(Misshapen::Resource);
        }
        self
    }

    /// Single claims, in the place of [`Provider::request_claims`](crate::Provider::request_claims) and enforced as they
    /// are; a level or a time of the sign-in that is essential there stays so. What is no such request is a mistake: 500, and the log says so.
    pub fn request_claims(mut self, request: serde_json::Value) -> Self {
        match ClaimsRequest::parse(request) {
            Ok(claims) => self.claims = Some(claims),
            Err(problem) => drop(self.misshapen.get_or_insert(Misshapen::Claims(problem))),
        }
        self
    }

    /// A parameter of the provider's own: `kc_idp_hint`, `domain_hint`, … It comes before one of the same name that
    /// [`Provider::authorize_param`](crate::Provider::authorize_param) has set. What the gate sets itself is refused: 500,
    /// and the log says which it was.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        if let Err(problem) = self.params.add(name.as_str(), value.into()) {
            self.misshapen
                .get_or_insert(Misshapen::Param(name, problem));
        }
        self
    }

    /// The response to send: it carries the login, and stands as it is where no gate is outside: 500, with this body.
    pub fn plain<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }

    /// What the gate says to a login under a `bypass` rule.
    pub(crate) const BYPASSED: &'static str =
        "this path is under a `bypass` rule, so the gate starts no login here: use an `open` rule";

    /// What the gate says to a login where it signs nobody in.
    pub(crate) const NO_SESSIONS: &'static str = "this gate takes bearer tokens alone, so it starts no login: configure a client and a base URL";

    /// What the gate says to a login that cannot be; the log says which mistake it is.
    pub(crate) const MISSHAPEN: &'static str =
        "a login was asked for that cannot be: the log says why";

    pub(crate) fn wanted(self, sessions: &Sessions) -> Result<Wanted, Misshapen> {
        if let Some(misshapen) = self.misshapen {
            return Err(misshapen);
        }
        let place = |text: &str| sessions.place(text).unwrap_or_else(|| sessions.home());
        let mut wanted = Wanted::to(place(&self.return_to)).demand(self.demand);
        wanted.manner = match self.otherwise {
            Some(_) if !self.prompts.is_empty() => return Err(Misshapen::SilentPrompt),
            Some(otherwise) => Manner::Silent {
                otherwise: place(&otherwise),
            },
            None => Manner::Asking(self.prompts),
        };
        wanted.login_hint = self.login_hint.as_deref().and_then(LoginHint::parse);
        wanted.ui_locales = Locales::of(self.ui_locales);
        wanted.scopes = self.scopes;
        wanted.resource = self.resource;
        wanted.claims = self.claims;
        wanted.params = self.params;
        Ok(wanted)
    }
}

/// What a programmer has asked for that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misshapen {
    Param(String, ParamError),
    Class,
    Scope,
    Resource,
    /// What is wrong with it.
    Claims(String),
    SilentPrompt,
}

impl fmt::Display for Misshapen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name, problem) => {
                write!(f, "the parameter {} {problem}", quote(name))
            }
            Self::Class => f.write_str(
                "`acr` names no class, or one that is not visible ASCII without spaces and quotes",
            ),
            Self::Scope => f.write_str("`scope` names no scope; give each as a text of its own"),
            Self::Resource => f.write_str("`resource` names no absolute URI without a fragment"),
            Self::Claims(problem) => write!(f, "`request_claims` {problem}"),
            Self::SilentPrompt => {
                f.write_str("a login that asks nothing has a `prompt`; use `LogIn::to` to ask")
            }
        }
    }
}

impl fmt::Debug for LogIn {
    // What a user typed and where a user goes is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn")
            .field("prompts", &self.prompts)
            .field("demand", &self.demand)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
