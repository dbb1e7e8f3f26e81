//! Who the caller was, for whoever writes an access log outside of the gate.

use crate::{
    Principal,
    core::{check::Check, identity::Via},
    report,
};
use http::{Extensions, Response};
use std::fmt;

/// Left in the extensions of every response that leaves the gate, where
/// [`caller_in_response_extensions`](crate::GateBuilder::caller_in_response_extensions) asks for it: who the caller was, and
/// which check a request failed. A layer outside of the gate reads it. It is no header and reaches nobody else.
///
/// ```
/// use http::Response;
/// use oidc_gate_tower::CallerInfo;
/// use std::time::Duration;
/// use tracing::Span;
///
/// // For `TraceLayer::new_for_http().on_response(log)` of tower-http, around the gate.
/// fn log<B>(response: &Response<B>, latency: Duration, _: &Span) {
///     let caller = response.extensions().get::<CallerInfo>();
///     tracing::info!(
///         status = response.status().as_u16(),
///         millis = latency.as_millis(),
///         user = caller.and_then(CallerInfo::user),
///         check = caller.and_then(CallerInfo::check).map(|check| check.id()),
///         "answered"
///     );
/// }
/// # log(&Response::new(()), Duration::ZERO, &Span::none());
/// ```
#[derive(Clone)]
pub struct CallerInfo {
    who: Option<Principal>,
    check: Option<Check>,
}

impl CallerInfo {
    /// The issuer that vouched for the caller; none where nobody was recognised, and under a `bypass` rule.
    pub fn issuer(&self) -> Option<&str> {
        self.who.as_ref().map(|who| who.issuer())
    }

    /// Who it was there. Not to be logged lightly: many providers use an address or a number of the person's.
    pub fn subject(&self) -> Option<&str> {
        self.who.as_ref().map(|who| who.subject())
    }

    /// How the caller was recognised.
    pub fn via(&self) -> Option<Via> {
        self.who.as_ref().map(|who| who.via())
    }

    /// Sixteen digits that tell this user from others and say nothing else: the field `user` of the gate's own events.
    pub fn user(&self) -> Option<String> {
        self.who.as_ref().map(|who| report::user(who.identity()))
    }

    /// Why the gate has refused the request, failed a login, or sent the browser to one.
    pub fn check(&self) -> Option<Check> {
        self.check
    }
}

impl fmt::Debug for CallerInfo {
    // Who it was stays out of logs that print whole extensions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerInfo")
            .field("user", &self.user())
            .field("check", &self.check)
            .finish()
    }
}

/// Whether responses say who their caller was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Telling {
    #[default]
    Nothing,
    Caller,
}

impl Telling {
    /// Whom a response has to name; nothing is looked for where none does.
    pub(crate) fn about(
        self,
        who: impl FnOnce() -> Option<Principal>,
        check: Option<Check>,
    ) -> Told {
        match self {
            Self::Nothing => Told(None),
            Self::Caller => Told(Some(CallerInfo { who: who(), check })),
        }
    }

    /// Notes why the response is what it is.
    pub(crate) fn why<B>(self, response: &mut Response<B>, check: Check) {
        if self == Self::Caller {
            let check = Some(check);
            let info = CallerInfo { who: None, check };
            response.extensions_mut().insert(info);
        }
    }
}

/// What is told with a response, if anything.
#[derive(Clone, Default)]
pub(crate) struct Told(Option<CallerInfo>);

impl Told {
    /// Whether nothing is told.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// Tells it with this response of the gate's own. Why it is what it is may stand there already, and better.
    pub(crate) fn with(self, extensions: &mut Extensions) {
        if let Some(mut info) = self.0 {
            let better = extensions.get::<CallerInfo>().and_then(|info| info.check);
            info.check = better.or(info.check);
            extensions.insert(info);
        }
    }

    /// Tells it with a response of the application's, whatever stands there.
    pub(crate) fn with_admitted(self, extensions: &mut Extensions) {
        if let Some(info) = self.0 {
            extensions.insert(info);
        }
    }
}
