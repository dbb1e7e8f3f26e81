//! What passes in headers between the gate and the application: who the caller is, where a gate is told to say so, and
//! which cookies.

use crate::core::{
    gate::{HeaderWriter, IdentityHeaders, Stripping},
    identity::{Identity, Via},
    secret::AccessToken,
    url::Issuer,
};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

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

/// Whether sessions let users in, which keep no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    BySession,
    ByBearerAlone,
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
            if let (Some(name), Callers::BySession) = (writer.promises_tokens(), callers) {
                problems.push(format!(
                    "{setting}: \"{name}\" promises an access token of every caller, and sessions keep none; write \
                     HeaderSource::presented_token() for callers with a bearer token, or leave it out"
                ));
            }
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
        self.request.names().next().is_some()
    }

    pub(crate) fn keeps_own_cookies(&self) -> bool {
        self.own_cookies == OwnCookies::Keep
    }

    /// Tells the application who the caller of an admitted request is. What is to be said in the answer.
    pub(crate) fn tell(&self, caller: Option<&Identity>, headers: &mut HeaderMap) -> Said {
        let wants_token = self.request.wants_token() || self.response.wants_token();
        let token = caller
            .filter(|caller| wants_token && caller.via() == Via::Bearer)
            .and_then(|_| presented(headers));
        self.stripping.strip_credentials(headers);
        let Some(caller) = caller else {
            return Said::new();
        };
        for (name, value) in self.request.of(caller, token.as_ref()) {
            headers.insert(name, value);
        }
        self.response.of(caller, token.as_ref()).collect()
    }

    /// What an answer of the gate's own says of the caller of a request, from which nothing has been taken off.
    pub(crate) fn said_of(&self, caller: &Identity, request: &HeaderMap) -> Said {
        let wants_token = self.response.wants_token() && caller.via() == Via::Bearer;
        let token = wants_token.then(|| presented(request)).flatten();
        self.response.of(caller, token.as_ref()).collect()
    }

    /// Says in the application's answer who the caller was. Nobody but the gate says so.
    pub(crate) fn say(&self, said: &mut Said, headers: &mut HeaderMap) {
        self.response.remove(headers);
        headers.extend(std::mem::take(said));
    }
}

/// The token of a request that was admitted by it ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
fn presented(headers: &HeaderMap) -> Option<AccessToken> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    bearer.then(|| AccessToken::new(token.trim_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{gate::HeaderSource, secret::HeaderSecret};

    fn passing(settings: PassingSettings) -> Passing {
        let mut problems = Vec::new();
        let passing = settings.compile(Callers::ByBearerAlone, Issuers::One, &mut problems);
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
        passing.tell(Some(&by(Via::Bearer)), &mut presented);
        assert_eq!(presented["x-token"], "t0ken");
        assert_eq!(presented[AUTHORIZATION], "Bearer t0ken");
        assert!(presented[AUTHORIZATION].is_sensitive());
        // A session has let it in, so nobody has looked at the token; and on a bypassed route nobody has.
        for caller in [Some(by(Via::Session)), None] {
            let mut unseen = headers("Bearer forged");
            passing.tell(caller.as_ref(), &mut unseen);
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
        basic.tell(None, &mut forged);
        assert!(forged.is_empty());
        basic.tell(Some(&by(Via::Session)), &mut forged);
        assert_eq!(forged[AUTHORIZATION], "Basic YWxpY2U6cA==");

        let none = passing(PassingSettings::default());
        let mut of_the_application = headers("Basic cm9vdDpw");
        none.tell(Some(&by(Via::Session)), &mut of_the_application);
        assert_eq!(of_the_application[AUTHORIZATION], "Basic cm9vdDpw");
    }

    #[test]
    fn sessions_keep_no_tokens_and_promise_none() {
        for setting in ["identity_headers", "identity_response_headers"] {
            let promise = IdentityHeaders::new().header("X-Token", HeaderSource::access_token());
            let mut settings = PassingSettings::default();
            match setting {
                "identity_headers" => settings.request = promise,
                _ => settings.response = promise,
            }
            let mut problems = Vec::new();
            settings.compile(Callers::BySession, Issuers::One, &mut problems);
            let [problem] = problems.as_slice() else {
                panic!("{problems:?}")
            };
            assert!(
                problem.starts_with(&format!("{setting}: \"x-token\" promises an access token")),
                "{problem}"
            );
        }
    }
}
