//! The gate.

use crate::{
    GateBuilder, Principal, Unfinished, answer,
    core::{
        check::{Check, CheckFailed},
        flow::Env,
        gate::{Caller, Credential, Endpoint, Explanation, Policy, SessionView, Verdict},
        identity::Identity,
        login::{self, Demand, Manner, Places, ResponseMode, ReturnTo, Wanted},
        provider::Metadata,
        session::{
            CookieKeys, CookieNames, Landings, Lifetimes, Other, Predecessor, Session, SetCookie,
        },
        time::UnixTime,
        url::BaseUrl,
    },
    ports::{Boxed, Clock, OsEntropy},
    remember::Remembered,
    report,
    tasks::Tasks,
    upstream::{Unavailable, Upstream},
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};
use tracing::Instrument as _;

/// Decides who passes, and signs users in. One concrete type without parameters; a clone is a reference count.
///
/// ```
/// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Pattern, core::secret::ClientSecret, group};
///
/// let gate = Gate::builder()
///     .issuer("https://id.example.com")
///     .client("my-app", ClientAuth::client_secret_basic(ClientSecret::new("…")))
///     .base_url("https://app.example.com")
///     .cookie_keys(CookieKeys::ephemeral())
///     .open(Pattern::get("/"))
///     .require(Pattern::prefix("/admin"), group("admins"))
///     .build()?;
///
/// struct AppState {
///     gate: Gate,
/// }
/// # let _ = AppState { gate };
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) policy: Policy,
    pub(crate) keys: CookieKeys,
    pub(crate) names: CookieNames,
    pub(crate) base: BaseUrl,
    pub(crate) places: Places,
    pub(crate) limits: Lifetimes,
    pub(crate) upstream: Upstream,
    /// Where the provider sends browsers back to.
    pub(crate) callback: Endpoint,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Arc<Tasks>,
    /// Sessions that were signed out, until their absolute limit.
    pub(crate) ended: Remembered,
    /// States that were used, until their login has expired.
    pub(crate) used_states: Remembered,
    /// What a link to `start` may carry beside what is harmless everywhere.
    pub(crate) start_params: Vec<String>,
}

impl Gate {
    /// A gate to be configured.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// Asks the provider for its metadata, unless that is known, and holds the configuration against it: for a readiness probe, or for an application that would
    /// rather not start without its provider. A gate that is never asked looks the provider up when it is first needed.
    ///
    /// # Errors
    ///
    /// Which check failed, and why.
    pub async fn ready(&self) -> Result<(), CheckFailed> {
        let metadata = self.0.upstream.metadata().await?;
        login::check_compatible(&metadata, self.0.upstream.registration())
    }

    /// Where a link points that starts a login and leads back to `return_to`: a path in this application with an optional
    /// query and fragment, or an absolute URL at the base URL's origin or at one that
    /// [`return_to_origin`](GateBuilder::return_to_origin) names. Anything else leads to the first page.
    ///
    /// A fragment (`#tab`) is kept if it stands in `return_to`. That of the address bar is never sent to a server: a
    /// browser carries it along through redirects by itself, and loses it where the provider shows a page in between. A
    /// page that routes by it starts the login by a link, with `location.hash` in `rd`.
    ///
    /// The link may say more, and so may the fields of a form that is posted to `/oauth2/start`:
    ///
    /// | parameter | is |
    /// |---|---|
    /// | `rd` | where to go afterwards |
    /// | `prompt` | `login`, `select_account` or `create`; any other is ignored |
    /// | `login_hint` | who is probably going to sign in |
    /// | `ui_locales` | languages, separated by spaces |
    /// | a [`start_param`](crate::Provider::start_param) | what the provider makes of it |
    /// | `iss`, `target_link_uri` | a login that starts at the provider: the configured issuer, and where to go |
    ///
    /// Anybody can make such a link. What only the application may ask for is a [`LogIn`](crate::LogIn).
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, CookieKeys, Gate};
    /// # let gate = Gate::builder().issuer("https://id.example.com").client("app", ClientAuth::none())
    /// #     .base_url("https://app.example.com").cookie_keys(CookieKeys::ephemeral()).build()?;
    /// assert_eq!(gate.sign_in_path("/me#tab"), "/oauth2/start?rd=%2Fme%23tab");
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn sign_in_path(&self, return_to: &str) -> String {
        let start = self.0.policy.endpoint_path(&Endpoint::Start);
        crate::core::form::with_query(&start, [("rd", return_to)])
    }

    /// As [`sign_in_path`](Self::sign_in_path), for whoever is signed in as the wrong user: the provider asks again.
    fn sign_in_as_someone_else(&self) -> String {
        let start = self.0.policy.endpoint_path(&Endpoint::Start);
        crate::core::form::with_query(&start, [("rd", self.home().as_str()), ("prompt", "login")])
    }

    /// Where a form posts to that signs the user out.
    pub fn sign_out_path(&self) -> String {
        self.0.policy.endpoint_path(&Endpoint::SignOut)
    }

    /// Which rule decides about a request, and why.
    pub fn explain(&self, method: &Method, path: &str, who: Option<&Identity>) -> Explanation {
        self.0.policy.explain(method, path, who, self.now())
    }

    /// Waits until the logins that are being finished are finished; at most until the deadline. To be called after the
    /// server has stopped to accept requests.
    ///
    /// # Errors
    ///
    /// How much was left at the deadline.
    pub async fn drain(&self, deadline: Duration) -> Result<(), Unfinished> {
        self.0.tasks.drain(deadline).await
    }

    /// The application's first page.
    pub(crate) fn home(&self) -> ReturnTo {
        self.0.places.home()
    }

    /// The place that a request asks to be led to. Whatever names one from outside is read here.
    pub(crate) fn place(&self, text: &str) -> Option<ReturnTo> {
        let place = self.0.places.read(text);
        if place.is_none() {
            tracing::debug!(
                "a place to return to is not one of this application: see `return_to_origin`"
            );
        }
        place
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    /// The session a request carries.
    ///
    /// Among several cookies of the name, the one that opens and lives counts; what another host planted does not open.
    /// Where two of different users do, there is no telling whose request it is, and nobody is recognised.
    pub(crate) fn recognise(&self, headers: &HeaderMap, now: UnixTime) -> Recognised {
        let mut found = Recognised::Nobody;
        for next in self.all(headers, now) {
            if let (Some(one), Some(other)) = (found.session(), next.session())
                && !one.identity().is_same_user(other.identity())
            {
                return Recognised::Unreadable(Check::SessionUnreadable);
            }
            found = found.or(next);
        }
        found
    }

    /// Every session that a request carries and that lives: whoever signs in takes the place of all of them.
    pub(crate) fn predecessors(&self, headers: &HeaderMap) -> Vec<Predecessor> {
        let found: Vec<_> = self.all(headers, self.now()).collect();
        let sessions = found.iter().filter_map(Recognised::session);
        sessions.map(Predecessor::from).collect()
    }

    fn all<'a>(
        &'a self,
        headers: &'a HeaderMap,
        now: UnixTime,
    ) -> impl Iterator<Item = Recognised> + 'a {
        let sealed = self.0.names.sessions(headers);
        sealed.map(move |sealed| self.open(&sealed, now))
    }

    fn open(&self, sealed: &[u8], now: UnixTime) -> Recognised {
        let inner = &*self.0;
        let Some(session) = Session::open(&inner.keys, &inner.names, sealed) else {
            return Recognised::Unreadable(Check::SessionUnreadable);
        };
        // The configuration may have changed since: what another provider vouched for is not worth anything here.
        if !inner.upstream.vouches_for(session.identity()) {
            return Recognised::Expired(Check::SessionForeign);
        }
        if inner.ended.contains(session.id().expose(), now) {
            return Recognised::Expired(Check::SessionEnded);
        }
        match inner.limits.judge(&session, now) {
            Ok(freshness) => Recognised::Session(session, freshness),
            Err(check) => Recognised::Expired(check),
        }
    }

    /// The cookies that write a session down, in answer to a request with these headers.
    pub(crate) fn session_cookies(
        &self,
        session: &Session,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let sealed = session.seal(&self.0.keys, &self.0.names)?;
        self.0
            .names
            .set_session(&sealed, session.ends().since(now), present)
            .map_err(|failed| session.too_large(&failed))
    }

    /// Answers a verdict other than admission.
    pub(crate) fn answer(
        &self,
        verdict: &Verdict,
        underway: Underway,
        peer: Option<SocketAddr>,
    ) -> Answer {
        let span = report::span(peer);
        match span.in_scope(|| self.decline(verdict, underway)) {
            Answer::Later(work) => Answer::Later(Box::pin(work.instrument(span))),
            now @ Answer::Now(_) => now,
        }
    }

    /// Begins a login that a handler has asked for, about a request of `caller`.
    pub(crate) fn log_in_asked_for(
        &self,
        wanted: Wanted,
        caller: Caller,
        underway: Underway,
        peer: Option<SocketAddr>,
    ) -> Answer {
        let span = report::span(peer);
        let begin = || match caller {
            // A session comes along, so whatever the handler asks for, it is no circle of the gate's.
            Caller::Identified => self.log_in(wanted, underway),
            Caller::Anonymous | Caller::Bypassed => self
                .circle(&wanted.return_to, &underway)
                .unwrap_or_else(|| self.log_in(wanted, underway)),
        };
        match span.in_scope(begin) {
            Answer::Later(work) => Answer::Later(Box::pin(work.instrument(span))),
            now @ Answer::Now(_) => now,
        }
    }

    fn decline(&self, verdict: &Verdict, underway: Underway) -> Answer {
        match verdict {
            Verdict::LogIn {
                check,
                return_to,
                step_up,
            } => {
                if let Some(circle) = self.circle(return_to, &underway) {
                    return circle;
                }
                tracing::debug!(check = check.id(), ?return_to, "a login begins");
                let demand = step_up
                    .as_ref()
                    .map_or_else(Demand::default, |step_up| Demand {
                        acr_values: step_up.acr_values.clone(),
                        max_age: step_up.max_age,
                    });
                self.log_in(Wanted::to(return_to.clone()).demand(demand), underway)
            }
            Verdict::ComeAgain(place) => Answer::Now(answer::lead(place.as_str())),
            Verdict::Refuse(refusal) => {
                Answer::Now(answer::refusal(refusal, || match refusal.check {
                    Check::Forbidden => self.sign_in_as_someone_else(),
                    _ if refusal.status == StatusCode::UNAUTHORIZED => {
                        self.sign_in_path(self.home().as_str())
                    }
                    _ => self.home().as_str().to_owned(),
                }))
            }
            // An endpoint is served where the request's body is at hand, and an admission is no answer.
            Verdict::Serve(_) | Verdict::Admit(_) => {
                Answer::Now(answer::empty(StatusCode::NOT_FOUND))
            }
        }
    }

    /// What is answered in the place of a login that would lead round in circles.
    fn circle(&self, return_to: &ReturnTo, underway: &Underway) -> Option<Answer> {
        let failed = self.landings(underway).judge().err()?;
        let again = self.sign_in_path(return_to.as_str());
        Some(Answer::Now(answer::login_failed(&failed, None, &again)))
    }

    /// Sends a browser to the provider: at once, if the provider is known.
    pub(crate) fn log_in(&self, mut wanted: Wanted, underway: Underway) -> Answer {
        // Where the application lives under a path, the origin's first page is somebody else's.
        if wanted.return_to.as_str() == "/" && !self.0.base.path().is_empty() {
            wanted.return_to = self.home();
        }
        // Both places of a silent login travel in one cookie, and a browser keeps none that is too large. A login is worth
        // more than the page it leads to.
        if let Manner::Silent { otherwise } = &wanted.manner
            && otherwise.as_str().len() + wanted.return_to.as_str().len() > ReturnTo::MAX_LEN
        {
            wanted.return_to = self.home();
        }
        wanted.predecessor = underway.session;
        if let Some(metadata) = self.0.upstream.metadata_at_hand() {
            return Answer::Now(self.begin(&metadata, wanted, &underway.logins));
        }
        let gate = self.clone();
        Answer::Later(Box::pin(async move {
            match gate.0.upstream.metadata().await {
                Ok(metadata) => gate.begin(&metadata, wanted, &underway.logins),
                Err(Unavailable { why, retry_after }) => {
                    // Said already, where it was asked.
                    if let Manner::Silent { otherwise } = &wanted.manner {
                        return answer::redirect(otherwise.as_str());
                    }
                    let again = gate.sign_in_path(wanted.return_to.as_str());
                    answer::login_failed(&why, Some(retry_after), &again)
                }
            }
        }))
    }

    fn begin(
        &self,
        metadata: &Metadata,
        mut wanted: Wanted,
        pending: &[Pending],
    ) -> Response<Bytes> {
        let inner = &*self.0;
        let place = wanted.return_to.clone();
        match self.start(metadata, wanted) {
            Ok((location, cookie)) => {
                let mut response = answer::redirect(&location);
                let crowd = crowd(pending, cookie.pair().len());
                let removals = crowd.iter().map(|login| inner.names.clear(&login.name));
                answer::set_cookies(&mut response, removals);
                answer::set_cookies(&mut response, [cookie]);
                response
            }
            Err(failed) => {
                inner.upstream.failed(failed.check());
                answer::login_failed(&failed, None, &self.sign_in_path(place.as_str()))
            }
        }
    }

    /// Where to send the browser, and what it has to keep meanwhile.
    fn start(
        &self,
        metadata: &Metadata,
        wanted: Wanted,
    ) -> Result<(String, SetCookie), CheckFailed> {
        let inner = &*self.0;
        let mut env = Env {
            now: self.now(),
            entropy: &mut OsEntropy,
        };
        let started = login::start(metadata, inner.upstream.registration(), wanted, &mut env)?;
        let name = started.transaction.cookie_name(&inner.names);
        let sealed = started.transaction.seal(&inner.keys, &name)?;
        let cookie = inner
            .names
            .set_transaction(name, sealed, login::Transaction::MAX_AGE);
        Ok((started.location, cookie))
    }

    /// What the browser keeps of logins.
    pub(crate) fn underway(&self, headers: &HeaderMap, present: &Recognised) -> Underway {
        let mut underway = Underway {
            session: (present.session())
                .filter(|_| self.sessions_stay_behind())
                .map(Predecessor::from),
            ..Underway::default()
        };
        for other in self.0.names.others(headers).take(MAX_PENDING_SEEN) {
            match other {
                Other::Login { name, .. } if underway.logins.iter().any(|l| l.name == name) => {}
                Other::Login { name, bytes } => underway.logins.push(Pending {
                    name: name.to_owned(),
                    bytes,
                }),
                Other::Landed(value) => underway.landed.push(value.into()),
            }
        }
        underway
    }

    /// Whether a browser keeps its session back when the provider sends it here: where it is kept from other sites, or from
    /// their forms.
    pub(crate) fn sessions_stay_behind(&self) -> bool {
        self.0.names.is_strict()
            || self.0.upstream.registration().response_mode == ResponseMode::FormPost
    }

    fn landings(&self, underway: &Underway) -> Landings {
        let values = underway.landed.iter().map(|value| &**value);
        Landings::open(values, &self.0.keys, &self.0.names, self.now())
    }
}

/// What a browser keeps of logins, and the session that one of them could take the place of.
#[derive(Default)]
pub(crate) struct Underway {
    /// Those that have begun, oldest first.
    pub(crate) logins: Vec<Pending>,
    /// When some ended well, sealed.
    landed: Vec<Box<[u8]>>,
    /// The session that is there and will not be when a login comes back.
    session: Option<Predecessor>,
}

/// A login that has begun: its cookie's name, and how much of a header it takes.
pub(crate) struct Pending {
    name: String,
    bytes: usize,
}

/// How many logins can be under way in one browser. Each is a cookie of half a kilobyte.
const MAX_PENDING_LOGINS: usize = 5;

/// How much of a header they may take together. Another site can make a browser begin logins with addresses as long as are
/// kept; what servers refuse as too large would lock the user out until they have expired.
const MAX_PENDING_BYTES: usize = 4096;

/// Those that make room for a new one of so many bytes: the oldest, because browsers send older cookies first
/// ([RFC 6265 § 5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4)).
fn crowd(pending: &[Pending], new: usize) -> &[Pending] {
    let mut bytes = new;
    let kept = pending.iter().rev().take(MAX_PENDING_LOGINS - 1);
    let kept = kept.take_while(|login| {
        bytes += login.bytes;
        bytes <= MAX_PENDING_BYTES
    });
    let crowd = pending.len().saturating_sub(kept.count());
    pending.get(..crowd).unwrap_or_default()
}

/// How many cookies of logins are looked at. An honest browser has a handful; whoever sends thousands gets no more work
/// out of it.
const MAX_PENDING_SEEN: usize = 20;

/// An answer of the gate, at hand or to come.
pub(crate) enum Answer {
    Now(Response<Bytes>),
    Later(Boxed<'static, Response<Bytes>>),
}

/// What a request's cookies come to.
pub(crate) enum Recognised {
    Nobody,
    Session(Session, crate::core::session::Freshness),
    Expired(Check),
    Unreadable(Check),
}

impl Recognised {
    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Nobody => Credential::None,
            Self::Session(session, freshness) => {
                Credential::Session(SessionView::new(session.identity(), *freshness))
            }
            Self::Expired(check) => Credential::Expired(*check),
            Self::Unreadable(check) => Credential::Unreadable(*check),
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session, _) => Some(session),
            Self::Nobody | Self::Expired(_) | Self::Unreadable(_) => None,
        }
    }

    /// What says more: a session, then one that ended, then a cookie that does not open.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Session(..), _) => self,
            (_, Self::Session(..))
            | (Self::Nobody, _)
            | (Self::Unreadable(_), Self::Expired(_)) => other,
            _ => self,
        }
    }

    pub(crate) fn into_principal(self, now: UnixTime) -> Option<Principal> {
        match self {
            Self::Session(session, _) => Some(Principal::new(session.into_identity(), now)),
            Self::Nobody | Self::Expired(_) | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("base_url", &self.0.base)
            .field("upstream", &self.0.upstream)
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}
