//! What passes in headers between the gate and the application: who the caller is, where a gate is told to say so, and
//! which cookies.

mod at_hand;

use crate::core::{
    gate::{HeaderWriter, IdentityHeaders, Stripping},
    identity::Identity,
    session::{KeepTokens, Tokens},
    url::Issuer,
};
pub(crate) use at_hand::AtHand;
use http::{HeaderMap, HeaderName, HeaderValue};

/// What a gate is told about it.
#[derive(Default)]
pub(crate) struct PassingSettings {
    pub(crate) request: IdentityHeaders,
    pub(crate) response: IdentityHeaders,
    pub(crate) own_cookies: OwnCookies,
}

/// Whether the application sees the gate's own cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OwnCookies {
    #[default]
    Keep,
    Pass,
}

/// Whether sessions let users in, and which tokens they keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    BySession(KeepTokens),
    ByBearerAlone,
}

impl Callers {
    /// What is wrong with headers that are to say tokens which nobody keeps.
    pub(crate) fn problems(self, setting: &str, writer: &HeaderWriter) -> Vec<String> {
        let wanted = [
            ("an access token", writer.wants_access_token()),
            ("an ID token", writer.wants_id_token()),
        ];
        let wanted = wanted
            .into_iter()
            .filter_map(|(what, name)| Some((what, name?)));
        let problem = |(what, name): (&str, &HeaderName)| match self {
            Self::ByBearerAlone => Some(format!(
                "{setting}: \"{name}\" is to say {what} of a session, and nobody signs in here; write \
                 HeaderSource::presented_token() for the token that a request has brought"
            )),
            Self::BySession(keep) => {
                let (is_kept, remedy) = match what {
                    "an access token" => (keep.keeps_access(), "access"),
                    _ => (keep.keeps_id(), "id"),
                };
                (!is_kept).then(|| {
                    format!(
                        "{setting}: \"{name}\" is to say {what} of a session, and sessions keep none; add `{remedy}` to \
                         keep_tokens, or leave the header out"
                    )
                })
            }
        };
        wanted.filter_map(problem).collect()
    }
}

/// Whether a subject alone says who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuers {
    One,
    Several,
}

impl Issuers {
    /// Of those whose tokens are accepted and those who sign users in.
    pub(crate) fn of<'a>(mut issuers: impl Iterator<Item = &'a Issuer>) -> Self {
        let first = issuers.next();
        match issuers.all(|issuer| Some(issuer) == first) {
            true => Self::One,
            false => Self::Several,
        }
    }
}

/// What passes in headers.
pub(crate) struct Passing {
    request: HeaderWriter,
    response: HeaderWriter,
    stripping: Stripping,
    own_cookies: OwnCookies,
}

/// What an answer says of the caller.
pub(crate) type Said = Vec<(HeaderName, HeaderValue)>;

impl PassingSettings {
    pub(crate) fn compile(
        self,
        callers: Callers,
        issuers: Issuers,
        problems: &mut Vec<String>,
    ) -> Passing {
        let mut compile = |setting: &str, headers: IdentityHeaders| {
            let writer = headers.compile().unwrap_or_else(|found| {
                problems.extend(found.iter().map(|problem| format!("{setting}: {problem}")));
                HeaderWriter::default()
            });
            problems.extend(callers.problems(setting, &writer));
            if let (Some(name), Issuers::Several) = (writer.leaves_issuer_open(), issuers) {
                problems.push(format!(
                    "{setting}: \"{name}\" says a subject, and tokens of more than one issuer are accepted, whose users \
                     may have the same; add a header from HeaderSource::issuer()"
                ));
            }
            writer
        };
        let request = compile("identity_headers", self.request);
        let response = compile("identity_response_headers", self.response);
        Passing {
            stripping: Stripping::and(request.names()),
            request,
            response,
            own_cookies: self.own_cookies,
        }
    }
}

impl Passing {
    /// Takes off what only the gate may put on. `Authorization` stays until the gate has read it.
    pub(crate) fn clean(&self, headers: &mut HeaderMap) {
        self.stripping.strip(headers);
    }

    pub(crate) fn clean_trailers(&self, trailers: &mut HeaderMap) {
        self.stripping.strip_trailers(trailers);
    }

    /// Whether the application reads who the caller is from headers.
    pub(crate) fn writes_requests(&self) -> bool {
        !self.request.is_empty()
    }

    pub(crate) fn keeps_own_cookies(&self) -> bool {
        self.own_cookies == OwnCookies::Keep
    }

    /// Tells the application who the caller of an admitted request is. What is to be said in the answer. `session` are the
    /// tokens of the caller's session that are not over, if anybody wants them.
    pub(crate) fn tell(
        &self,
        caller: Option<&Identity>,
        session: impl FnOnce() -> Option<Tokens>,
        headers: &mut HeaderMap,
    ) -> Said {
        let wants_tokens = self.request.wants_tokens() || self.response.wants_tokens();
        let at_hand = match caller {
            Some(caller) if wants_tokens => AtHand::of(caller, session, headers),
            _ => AtHand::Nothing,
        };
        self.tell_nothing(headers);
        let Some(caller) = caller.filter(|_| self.says_something()) else {
            return Said::new();
        };
        for (name, value) in self.request.of(caller, at_hand.lend()) {
            headers.insert(name, value);
        }
        self.response.of(caller, at_hand.lend()).collect()
    }

    fn says_something(&self) -> bool {
        !self.request.is_empty() || !self.response.is_empty()
    }

    /// Tells the application nothing of whoever comes, as of somebody on a bypassed path.
    pub(crate) fn tell_nothing(&self, headers: &mut HeaderMap) {
        self.stripping.strip_credentials(headers);
    }

    /// What an answer of the gate's own says of the caller of a request, from which nothing has been taken off.
    pub(crate) fn said_of(
        &self,
        caller: &Identity,
        session: impl FnOnce() -> Option<Tokens>,
        request: &HeaderMap,
    ) -> Said {
        said(&self.response, caller, session, request)
    }

    /// Says in the application's answer who the caller was. Nobody but the gate says so.
    pub(crate) fn say(&self, said: Option<Said>, headers: &mut HeaderMap) {
        self.response.remove(headers);
        for (name, value) in said.into_iter().flatten() {
            headers.insert(name, value);
        }
    }
}

/// What a writer says of the caller of a request, from which nothing has been taken off.
pub(crate) fn said(
    writer: &HeaderWriter,
    caller: &Identity,
    session: impl FnOnce() -> Option<Tokens>,
    request: &HeaderMap,
) -> Said {
    let at_hand = match writer.wants_tokens() {
        true => AtHand::of(caller, session, request),
        false => AtHand::Nothing,
    };
    writer.of(caller, at_hand.lend()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{gate::HeaderSource, identity::Via, secret::HeaderSecret};
    use http::header::AUTHORIZATION;

    const BY_SESSION: Callers = Callers::BySession(KeepTokens::none().access().refresh());

    fn passing(settings: PassingSettings) -> Passing {
        let mut problems = Vec::new();
        let passing = settings.compile(BY_SESSION, Issuers::One, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        passing
    }

    fn headers(authorization: &'static str) -> HeaderMap {
        let authorization = HeaderValue::from_static(authorization);
        [(AUTHORIZATION, authorization)].into_iter().collect()
    }

    fn by(via: Via) -> Identity {
        Identity::builder("https://id.example", "alice")
            .via(via)
            .build()
    }

    #[test]
    fn the_token_is_passed_on_only_where_it_has_let_the_caller_in() {
        let passing = passing(PassingSettings {
            request: IdentityHeaders::new()
                .header("X-Token", HeaderSource::access_token())
                .bearer_authorization(),
            ..PassingSettings::default()
        });
        let mut presented = headers("bearer  t0ken ");
        passing.tell(Some(&by(Via::Bearer)), || None, &mut presented);
        assert_eq!(presented["x-token"], "t0ken");
        assert_eq!(presented[AUTHORIZATION], "Bearer t0ken");
        assert!(presented[AUTHORIZATION].is_sensitive());
        // A session has let it in, so nobody has looked at the token; and on a bypassed route nobody has.
        for caller in [Some(by(Via::Session)), None] {
            let mut unseen = headers("Bearer forged");
            passing.tell(caller.as_ref(), || None, &mut unseen);
            assert!(unseen.is_empty(), "{caller:?}");
        }
    }

    #[test]
    fn an_authorization_that_the_gate_writes_comes_from_nobody_else() {
        let password = HeaderSecret::new("p");
        let basic = passing(PassingSettings {
            request: IdentityHeaders::new().basic_authorization(password),
            ..PassingSettings::default()
        });
        let mut forged = headers("Basic cm9vdDpw");
        basic.tell(None, || None, &mut forged);
        assert!(forged.is_empty());
        basic.tell(Some(&by(Via::Session)), || None, &mut forged);
        assert_eq!(forged[AUTHORIZATION], "Basic YWxpY2U6cA==");

        let none = passing(PassingSettings::default());
        let mut of_the_application = headers("Basic cm9vdDpw");
        none.tell(Some(&by(Via::Session)), || None, &mut of_the_application);
        assert_eq!(of_the_application[AUTHORIZATION], "Basic cm9vdDpw");
    }

    #[test]
    fn headers_want_no_tokens_that_nobody_keeps() {
        for setting in ["identity_headers", "identity_response_headers"] {
            for (source, callers, problem) in [
                (
                    HeaderSource::access_token(),
                    Callers::BySession(KeepTokens::none().id()),
                    Some(
                        "is to say an access token of a session, and sessions keep none; add `access` to keep_tokens, or leave the header out",
                    ),
                ),
                (
                    HeaderSource::id_token().as_bearer(),
                    BY_SESSION,
                    Some(
                        "is to say an ID token of a session, and sessions keep none; add `id` to keep_tokens, or leave the header out",
                    ),
                ),
                (
                    HeaderSource::access_token(),
                    Callers::ByBearerAlone,
                    Some(
                        "is to say an access token of a session, and nobody signs in here; write HeaderSource::presented_token() for the token that a request has brought",
                    ),
                ),
                (HeaderSource::access_token(), BY_SESSION, None),
                (
                    HeaderSource::id_token(),
                    Callers::BySession(KeepTokens::none().id()),
                    None,
                ),
                (
                    HeaderSource::presented_token(),
                    Callers::ByBearerAlone,
                    None,
                ),
            ] {
                let wanting = IdentityHeaders::new().header("X-Token", source);
                let mut settings = PassingSettings::default();
                match setting {
                    "identity_headers" => settings.request = wanting,
                    _ => settings.response = wanting,
                }
                let mut problems = Vec::new();
                settings.compile(callers, Issuers::One, &mut problems);
                let expected = problem.map(|text| format!("{setting}: \"x-token\" {text}"));
                assert_eq!(problems, expected.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
