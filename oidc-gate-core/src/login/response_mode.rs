//! How the provider's answer reaches the callback.

use crate::{
    check::{Check, CheckFailed},
    form::{Form, is_form, push_pair},
    secret::State,
};
use http::{HeaderMap, Method};

/// How a provider hands its answer back, by way of the browser
/// ([OAuth 2.0 Multiple Response Types § 2.1](https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a redirect, as the code flow does unless told otherwise.
    #[default]
    Query,
    /// In a form that a page of the provider posts
    /// ([OAuth 2.0 Form Post Response Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)). The code
    /// stands in no address then, and so in no history and no log of requests.
    ///
    /// # Security
    ///
    /// Browsers send such a form with `SameSite=None` cookies alone, so the cookie of a login under way is one.
    FormPost,
}

/// What a request to the callback is.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever serves a callback has to handle each"
)]
pub enum Arrival {
    /// The provider's answer stands in the query.
    InQuery,
    /// The provider's answer stands in the body.
    InBody,
    /// The browser comes once more, from a page of ours, because a login was over and its session could not be seen.
    /// Nothing is redeemed.
    Over {
        /// How the login ended.
        check: Check,
        /// Its state, which says where it led.
        state: State,
    },
}

impl ResponseMode {
    /// The registered value.
    pub const fn value(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The method the answer comes with.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Query => "GET",
            Self::FormPost => "POST",
        }
    }

    /// What a request to the callback is, by the mode that logins are started with. The answer of another mode is not
    /// looked at: a login has one way back.
    ///
    /// # Errors
    ///
    /// [`Check::MethodNotAllowed`], [`Check::CallbackMediaType`].
    pub fn arrival(
        self,
        method: &Method,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Arrival, CheckFailed> {
        if *method == Method::GET
            && let Some((check, state)) = over(query)
        {
            return Ok(Arrival::Over { check, state });
        }
        if method.as_str() != self.method() {
            let cause = format!(
                "expected {}: logins are started with the response mode {}",
                self.method(),
                self.value()
            );
            return Err(CheckFailed::new(Check::MethodNotAllowed, cause));
        }
        match self {
            Self::Query => Ok(Arrival::InQuery),
            Self::FormPost if is_form(headers) => Ok(Arrival::InBody),
            Self::FormPost => Err(CheckFailed::new(
                Check::CallbackMediaType,
                "expected application/x-www-form-urlencoded, once",
            )),
        }
    }
}

impl Arrival {
    /// The query that says so of the login with this state, which ended with this check. `None` for a check that says
    /// anything but that the login is over.
    ///
    /// # Security
    ///
    /// The state stands in an address then, without a code, and ends no login from there.
    pub fn over(check: Check, state: &State) -> Option<String> {
        is_over(check).then(|| {
            let mut query = String::new();
            push_pair(&mut query, "over", check.id());
            push_pair(&mut query, "of", state.expose());
            query
        })
    }
}

/// Whether a login that ends so has ended before, well or not: the back button, a reload, a form sent twice.
pub fn is_over(check: Check) -> bool {
    matches!(
        check,
        Check::StateUnknown | Check::StateReplayed | Check::TransactionExpired
    )
}

/// The two alone, so that no provider's answer can be taken for it.
fn over(query: &str) -> Option<(Check, State)> {
    let mut form = Form::parse(query.as_bytes()).ok()?;
    let state = form.take("of")?;
    let id = form.get("over").filter(|_| form.names().count() == 1)?;
    let known = Check::ALL.iter().copied().find(|check| check.id() == id);
    let check = known.filter(|check| is_over(*check))?;
    Some((check, State::new(state)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::CONTENT_TYPE};

    fn arrival(mode: ResponseMode, method: &str, query: &str, kinds: &[&str]) -> String {
        let headers = kinds
            .iter()
            .map(|kind| (CONTENT_TYPE, HeaderValue::from_str(kind).unwrap()))
            .collect();
        match mode.arrival(&method.parse().unwrap(), query, &headers) {
            Ok(arrival) => format!("{arrival:?}"),
            Err(failed) => failed.check().id().to_owned(),
        }
    }

    #[test]
    fn each_mode_has_one_method_and_a_form_one_media_type() {
        use ResponseMode::{FormPost, Query};
        const FORM: &str = "application/x-www-form-urlencoded";
        const WRONG: &str = "request.method_not_allowed";
        const KIND: &str = "callback.media_type";
        for (mode, method, kinds, expected) in [
            (Query, "GET", &[][..], "InQuery"),
            (Query, "POST", &[FORM], WRONG),
            (Query, "HEAD", &[], WRONG),
            (FormPost, "GET", &[], WRONG),
            (FormPost, "PUT", &[FORM], WRONG),
            (FormPost, "POST", &[FORM], "InBody"),
            (
                FormPost,
                "POST",
                &["Application/X-WWW-Form-URLencoded ; charset=utf-8"],
                "InBody",
            ),
            (FormPost, "POST", &[], KIND),
            (FormPost, "POST", &["application/json"], KIND),
            (FormPost, "POST", &["text/plain"], KIND),
            (FormPost, "POST", &["multipart/form-data; boundary=x"], KIND),
            (FormPost, "POST", &[FORM, FORM], KIND),
            (
                FormPost,
                "POST",
                &["application/x-www-form-urlencoded2"],
                KIND,
            ),
        ] {
            let query = "code=x&state=y";
            let found = arrival(mode, method, query, kinds);
            assert_eq!(found, expected, "{mode:?} {method} {kinds:?}");
        }
    }

    #[test]
    fn a_browser_may_come_again_for_a_login_that_is_over_and_for_nothing_else() {
        for check in Check::ALL.iter().copied() {
            let query = Arrival::over(check, &State::new("s.t"));
            assert_eq!(query.is_some(), is_over(check), "{check}");
            for mode in [ResponseMode::Query, ResponseMode::FormPost] {
                let own = format!("over={check}&of=s.t");
                assert!(query.as_ref().is_none_or(|query| *query == own));
                let found = arrival(mode, "GET", &own, &[]);
                let over = format!("Over {{ check: {check:?}, state: State(***) }}");
                assert_eq!(found == over, query.is_some(), "{check}");
            }
        }
        for query in [
            "over=callback.state_unknown",
            "over=callback.state_unknown&of=s&code=x",
            "over=callback.state_unknown&of=s&state=x",
            "over=callback.state_unknown&of=s&over=callback.state_unknown",
            "of=s",
            "over=",
            "over",
        ] {
            let found = arrival(ResponseMode::Query, "GET", query, &[]);
            assert_eq!(found, "InQuery", "{query}");
        }
        let found = arrival(ResponseMode::FormPost, "POST", "over=callback.expired", &[]);
        assert_eq!(found, "callback.media_type");
    }
}
