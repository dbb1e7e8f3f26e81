//! A browser without a network.

use super::{
    Page,
    cookies::{Cause, Cookie, Jar, is_trustworthy, site},
    forms::{self, Form},
};
use crate::{Clock, SystemClock, core::form::push_pair, ports::Boxed};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use std::{convert::Infallible, fmt};
use tower_service::Service;
use url::Url;

/// A browser without a network: its sites are services, and it treats cookies, redirects and forms as a browser does.
///
/// - Cookies by the rules of RFC 6265bis: host, path, `Secure` (with localhost trusted), `SameSite`, `Max-Age` and
///   `Expires`, the name prefixes. As in a browser, ports do not keep them apart.
/// - Up to 20 redirects, with the method each status demands; a page's `<meta http-equiv="refresh">`, and the one form of a
///   page that sends it by script, as a provider's does with `response_mode=form_post`, are followed too. Other scripts do
///   not run.
/// - The headers of a navigation: `Accept`, `Origin` on a POST, and `Sec-Fetch-*` to https and localhost, for no browser
///   sends those elsewhere. A page's `Referrer-Policy: no-referrer` makes the `Origin` of its forms `null`. There is no
///   `Referer`.
///
/// A method that cannot do what it is asked panics and says what is on the page: it is made for tests.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use oidc_gate_tower::{dev::DevProvider, testing::Browser};
/// let provider = DevProvider::builder().issuer("https://id.test").demo_users().build();
/// let mut browser = Browser::new().site("https://id.test", provider);
/// let page = browser.get("https://id.test/").await;
/// assert!(page.body.contains("An OpenID provider for development"));
/// # }
/// ```
pub struct Browser {
    sites: Vec<(url::Origin, Site)>,
    jar: Jar,
    clock: Box<dyn Clock>,
    page: Option<Page>,
    scripts: Scripts,
}

/// Whether the user lets scripts run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripts {
    On,
    Off,
}

type Site = Box<dyn FnMut(Request<Full<Bytes>>) -> Boxed<'static, Response<Bytes>> + Send>;

/// As many as browsers follow.
const MAX_REDIRECTS: usize = 20;
const NAVIGATION_ACCEPT: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser that knows no site yet.
    pub fn new() -> Self {
        Self {
            sites: Vec::new(),
            jar: Jar::default(),
            clock: Box::new(SystemClock),
            page: None,
            scripts: Scripts::On,
        }
    }

    /// By which clock cookies end.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// A browser whose user has switched scripts off: a form that a page would send by itself waits for its button.
    #[must_use]
    pub fn without_scripts(mut self) -> Self {
        self.scripts = Scripts::Off;
        self
    }

    /// Serves `origin`, such as `https://app.test` or `http://localhost:3000`, from `service`.
    ///
    /// # Panics
    ///
    /// If `origin` is no http or https address.
    #[must_use]
    pub fn site<S, R>(mut self, origin: &str, service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        R: Body + Send + 'static,
        R::Data: Send,
        R::Error: fmt::Debug,
    {
        let origin = parse(origin).origin();
        let answer = move |request| -> Boxed<'static, Response<Bytes>> {
            let mut service = service.clone();
            Box::pin(async move {
                let ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
                let response = match ready {
                    Ok(()) => service.call(request).await,
                    Err(never) => match never {},
                };
                let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
                match body.collect().await {
                    Ok(body) => Response::from_parts(parts, body.to_bytes()),
                    Err(error) => panic!("the body of a response broke off: {error:?}"),
                }
            })
        };
        self.sites.push((origin, Box::new(answer)));
        self
    }

    /// Opens an address as if it had been typed. A relative one is on the present page's site.
    ///
    /// # Panics
    ///
    /// If the address is none, or leads round in circles.
    pub async fn get(&mut self, url: &str) -> Page {
        let url = self.resolve(url);
        self.navigate(Load::get(url, None)).await
    }

    /// Follows a link to this address on the present page.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get), or if there is no page.
    pub async fn follow(&mut self, url: &str) -> Page {
        let initiator = self.page().initiator();
        let url = self.resolve(url);
        self.navigate(Load::get(url, Some(initiator))).await
    }

    /// Sends a form from the present page to this address, whether or not the page has such a form. Without a page, it
    /// comes from the address's own site.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    pub async fn post_form(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.resolve(url);
        let initiator = match &self.page {
            Some(page) => page.initiator(),
            None => Initiator {
                url: url.clone(),
                hides: false,
            },
        };
        self.navigate(Load::post(url, initiator, encode(fields.iter().copied())))
            .await
    }

    /// Presses the button with this text on the present page. `fields` are typed in before; a field that the form does
    /// not have is sent too.
    ///
    /// # Panics
    ///
    /// If there is no such button.
    pub async fn submit(&mut self, button: &str, fields: &[(&str, &str)]) -> Page {
        let found = |form: &Form| form.buttons.iter().position(|b| b.text == button);
        self.submit_where(&format!("a button {button:?}"), fields, |form| {
            found(form).map(Some)
        })
        .await
    }

    /// Sends the form at this place on the present page, counted from 0, as the Enter key does: with its first button.
    ///
    /// # Panics
    ///
    /// If there are not so many forms.
    pub async fn submit_form(&mut self, index: usize, fields: &[(&str, &str)]) -> Page {
        let mut left = index;
        self.submit_where(&format!("form {index}"), fields, |form| {
            let first = (!form.buttons.is_empty()).then_some(0);
            match left.checked_sub(1) {
                None => Some(first),
                Some(rest) => {
                    left = rest;
                    None
                }
            }
        })
        .await
    }

    /// On the development provider's page: picks this user, or types the name if no such user is offered.
    ///
    /// # Panics
    ///
    /// If this is not that page.
    pub async fn sign_in_as(&mut self, user: &str) -> Page {
        let offered = |form: &Form| {
            form.buttons
                .iter()
                .position(|b| b.name == "user" && b.value == user)
        };
        if forms::scan(&self.page().body)
            .iter()
            .any(|form| offered(form).is_some())
        {
            return self
                .submit_where("a user", &[], |form| offered(form).map(Some))
                .await;
        }
        self.submit_where(
            "the development provider's sign-in form",
            &[("name", user)],
            |form| {
                let of_provider = ["request", "name"]
                    .iter()
                    .all(|wanted| form.fields.iter().any(|(name, _)| name == wanted));
                of_provider.then(|| (!form.buttons.is_empty()).then_some(0))
            },
        )
        .await
    }

    /// Fetches an address as a script on the present page does: `Accept: application/json`, cookies for the page's own
    /// origin only, the present page stays. A redirect to another origin is returned, not followed. Without a page, the
    /// script is one of the address's own origin.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    pub async fn fetch(&mut self, url: &str) -> Page {
        let url = self.resolve(url);
        let initiator = match &self.page {
            Some(page) => page.initiator(),
            None => Initiator {
                url: url.clone(),
                hides: false,
            },
        };
        self.load(Load {
            script: true,
            ..Load::get(url, Some(initiator))
        })
        .await
    }

    /// The present page.
    ///
    /// # Panics
    ///
    /// If nothing was opened yet.
    pub fn page(&self) -> &Page {
        match &self.page {
            Some(page) => page,
            None => panic!("no page is open yet"),
        }
    }

    /// The cookies of this origin's host and of those above it.
    ///
    /// # Panics
    ///
    /// If `origin` is no address.
    pub fn cookies(&self, origin: &str) -> Vec<Cookie> {
        self.jar.of_host(&parse(origin), self.clock.now())
    }

    /// Takes in a cookie as if `origin` had sent this `Set-Cookie` line.
    ///
    /// # Panics
    ///
    /// If `origin` is no address.
    pub fn set_cookie(&mut self, origin: &str, line: &str) {
        self.jar.receive(line, &parse(origin), self.clock.now());
    }

    /// Forgets all cookies.
    pub fn clear_cookies(&mut self) {
        self.jar.clear();
    }

    /// Sends the first form for which `pick` names a button, or `None` for sending it without one.
    async fn submit_where(
        &mut self,
        wanted: &str,
        fields: &[(&str, &str)],
        pick: impl FnMut(&Form) -> Option<Option<usize>>,
    ) -> Page {
        let page = self.page();
        let forms = forms::scan(&page.body);
        let Some((at, button)) = first(&forms, pick) else {
            panic!("{wanted} is not on the page {page:?}");
        };
        let form = &forms[at];
        let button = button
            .and_then(|at| form.buttons.get(at))
            .filter(|b| !b.name.is_empty());
        let typed = |name: &str| {
            fields
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| *value)
        };
        let own = form
            .fields
            .iter()
            .map(|(n, v)| (&**n, typed(n).unwrap_or(v)));
        let added = fields
            .iter()
            .copied()
            .filter(|(n, _)| !form.fields.iter().any(|(own, _)| own == n));
        let pressed = button.map(|b| (&*b.name, &*b.value));
        let body = encode(own.chain(added).chain(pressed));
        let initiator = page.initiator();
        let mut target = match &*form.action {
            "" => parse(&page.url),
            action => self.resolve(action),
        };
        if form.post {
            self.navigate(Load::post(target, initiator, body)).await
        } else {
            target.set_query(Some(&body));
            self.navigate(Load::get(target, Some(initiator))).await
        }
    }

    fn resolve(&self, url: &str) -> Url {
        match (&self.page, Url::parse(url)) {
            (_, Ok(url)) => url,
            (Some(page), Err(_)) => match parse(&page.url).join(url) {
                Ok(url) => url,
                Err(error) => panic!("{url:?} is no address: {error}"),
            },
            (None, Err(error)) => panic!("{url:?} is no address: {error}"),
        }
    }

    async fn navigate(&mut self, load: Load) -> Page {
        let mut page = self.load(load).await;
        while let Some(next) = self.next_load(&page) {
            let mut history = std::mem::take(&mut page.history);
            assert!(
                history.len() <= MAX_REDIRECTS,
                "more than {MAX_REDIRECTS} redirects: {history:?}"
            );
            page = self.load(next).await;
            history.append(&mut page.history);
            page.history = history;
        }
        self.page = Some(page.clone());
        page
    }

    /// Where a page leads without being asked.
    fn next_load(&self, page: &Page) -> Option<Load> {
        let initiator = page.initiator();
        let join = |place: &str| match initiator.url.join(place) {
            Ok(url) => url,
            Err(error) => panic!("{place:?} is no address: {error}"),
        };
        if let Some(place) = forms::refresh(&page.body) {
            return Some(Load::get(join(&place), Some(initiator.clone())));
        }
        let forms = forms::scan(&page.body);
        match forms.as_slice() {
            [form]
                if form.post && self.scripts == Scripts::On && forms::sends_itself(&page.body) =>
            {
                let fields = form.fields.iter().map(|(n, v)| (&**n, &**v));
                let (target, body) = (join(&form.action), encode(fields));
                Some(Load::post(target, initiator.clone(), body))
            }
            _ => None,
        }
    }

    async fn load(&mut self, mut load: Load) -> Page {
        let mut history = Vec::new();
        // Every address so far: a detour over another site makes a request cross-site.
        let mut chain = vec![load.url.clone()];
        loop {
            let response = self.send(&load, &chain).await;
            let mut url = load.url.clone();
            history.push((url.to_string(), response.status()));
            let target = redirect_target(&response, &url);
            let stays = target
                .as_ref()
                .is_some_and(|t| load.script && t.origin() != url.origin());
            let Some(target) = target.filter(|_| !stays) else {
                let (parts, body) = response.into_parts();
                return Page {
                    url: url.to_string(),
                    status: parts.status,
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                    history,
                };
            };
            assert!(
                history.len() <= MAX_REDIRECTS,
                "more than {MAX_REDIRECTS} redirects: {history:?}"
            );
            let fragment = url.fragment().map(str::to_owned);
            url = target;
            if url.fragment().is_none() {
                url.set_fragment(fragment.as_deref());
            }
            let becomes_get = match response.status() {
                StatusCode::SEE_OTHER => true,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => load.body.is_some(),
                _ => false,
            };
            if becomes_get {
                load.body = None;
            }
            chain.push(url.clone());
            load.url = url;
        }
    }

    async fn send(&mut self, load: &Load, chain: &[Url]) -> Response<Bytes> {
        let now = self.clock.now();
        let url = &load.url;
        let request = load.request(chain, self.cookie_header(load, chain));
        let origin = url.origin();
        let Some((_, answer)) = self.sites.iter_mut().find(|(o, _)| *o == origin) else {
            let known: Vec<_> = self
                .sites
                .iter()
                .map(|(o, _)| o.ascii_serialization())
                .collect();
            panic!(
                "no site serves {} (known: {})",
                origin.ascii_serialization(),
                known.join(", ")
            );
        };
        let response = answer(request).await;
        if load.sends_cookies() {
            for line in response.headers().get_all(header::SET_COOKIE) {
                let line = String::from_utf8_lossy(line.as_bytes());
                self.jar.receive(&line, url, now);
            }
        }
        response
    }

    fn cookie_header(&self, load: &Load, chain: &[Url]) -> Option<String> {
        if !load.sends_cookies() {
            return None;
        }
        let here = site(&load.url);
        let initiator = load.initiator.iter().map(|i| &i.url);
        let cause = if initiator.chain(chain).all(|other| site(other) == here) {
            Cause::SameSite
        } else if load.body.is_none() && !load.script {
            Cause::CrossSiteSafe
        } else {
            Cause::CrossSite
        };
        let cookies = self.jar.matching(&load.url, Some(cause), self.clock.now());
        let pair = |c: &&Cookie| match &*c.name {
            "" => c.value.clone(),
            name => format!("{name}={}", c.value),
        };
        let line: Vec<_> = cookies.iter().map(pair).collect();
        (!line.is_empty()).then(|| line.join("; "))
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sites: Vec<_> = self
            .sites
            .iter()
            .map(|(o, _)| o.ascii_serialization())
            .collect();
        f.debug_struct("Browser")
            .field("sites", &sites)
            .field("page", &self.page.as_ref().map(|page| &page.url))
            .finish_non_exhaustive()
    }
}

/// The page that causes a request.
#[derive(Clone)]
pub(super) struct Initiator {
    pub(super) url: Url,
    /// Whether its referrer policy keeps even its origin to itself.
    pub(super) hides: bool,
}

/// A request to come.
struct Load {
    url: Url,
    /// `None`: the user typed the address.
    initiator: Option<Initiator>,
    /// The form of a POST; otherwise it is a GET.
    body: Option<String>,
    script: bool,
}

impl Load {
    fn get(url: Url, initiator: Option<Initiator>) -> Self {
        Self {
            url,
            initiator,
            body: None,
            script: false,
        }
    }

    fn post(url: Url, initiator: Initiator, body: String) -> Self {
        Self {
            body: Some(body),
            ..Self::get(url, Some(initiator))
        }
    }

    fn sends_cookies(&self) -> bool {
        let own = |i: &Initiator| i.url.origin() == self.url.origin();
        !self.script || self.initiator.as_ref().is_some_and(own)
    }

    fn request(&self, chain: &[Url], cookies: Option<String>) -> Request<Full<Bytes>> {
        let url = &self.url;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let method = if self.body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut headers: Vec<(HeaderName, String)> = vec![
            (header::HOST, authority.to_owned()),
            (
                header::ACCEPT,
                if self.script {
                    "application/json"
                } else {
                    NAVIGATION_ACCEPT
                }
                .into(),
            ),
            (header::ACCEPT_LANGUAGE, "en".into()),
            (header::USER_AGENT, "oidc-gate-testing-browser".into()),
        ];
        if !self.script {
            headers.push((header::UPGRADE_INSECURE_REQUESTS, "1".into()));
        }
        if self.body.is_some() {
            headers.push((header::CONTENT_TYPE, FORM.into()));
        }
        headers.extend(self.origin(chain).map(|origin| (header::ORIGIN, origin)));
        headers.extend(cookies.map(|line| (header::COOKIE, line)));
        if is_trustworthy(url) {
            let fetch = |name, value: &str| (HeaderName::from_static(name), value.to_owned());
            headers.push(fetch("sec-fetch-site", self.fetch_site(chain)));
            headers.push(fetch(
                "sec-fetch-mode",
                if self.script { "cors" } else { "navigate" },
            ));
            headers.push(fetch(
                "sec-fetch-dest",
                if self.script { "empty" } else { "document" },
            ));
            if !self.script {
                headers.push(fetch("sec-fetch-user", "?1"));
            }
        }
        let mut request = Request::new(Full::new(Bytes::from(
            self.body.clone().unwrap_or_default(),
        )));
        *request.method_mut() = method;
        *request.uri_mut() = match target.parse() {
            Ok(uri) => uri,
            Err(error) => panic!("{target:?} cannot be requested: {error}"),
        };
        for (name, value) in headers {
            match HeaderValue::try_from(value) {
                Ok(value) => drop(request.headers_mut().append(name, value)),
                Err(error) => panic!("{name} cannot be sent: {error}"),
            }
        }
        request
    }

    /// `Origin`, which a POST and a script's request to another origin carry.
    fn origin(&self, chain: &[Url]) -> Option<String> {
        let initiator = self.initiator.as_ref()?;
        let own = initiator.url.origin();
        let abroad = chain.iter().any(|url| url.origin() != own);
        if self.body.is_none() && !(self.script && abroad) {
            return None;
        }
        // After a detour over two origins, nobody's (Fetch, "tainted origin").
        let tainted = chain
            .windows(2)
            .any(|hop| matches!(hop, [a, b] if a.origin() != b.origin() && a.origin() != own));
        let hidden = initiator.hides && !self.script;
        Some(if tainted || hidden {
            "null".into()
        } else {
            own.ascii_serialization()
        })
    }

    fn fetch_site(&self, chain: &[Url]) -> &'static str {
        let Some(initiator) = &self.initiator else {
            return "none";
        };
        if chain
            .iter()
            .all(|url| url.origin() == initiator.url.origin())
        {
            "same-origin"
        } else if chain.iter().all(|url| site(url) == site(&initiator.url)) {
            "same-site"
        } else {
            "cross-site"
        }
    }
}

fn redirect_target(response: &Response<Bytes>, url: &Url) -> Option<Url> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response
        .headers()
        .get(header::LOCATION)
        .filter(|_| redirects)?;
    let location = String::from_utf8_lossy(location.as_bytes());
    match url.join(&location) {
        Ok(target) => Some(target),
        Err(error) => panic!("{url} redirects to {location:?}, which is no address: {error}"),
    }
}

fn first(
    forms: &[Form],
    mut pick: impl FnMut(&Form) -> Option<Option<usize>>,
) -> Option<(usize, Option<usize>)> {
    forms
        .iter()
        .enumerate()
        .find_map(|(at, form)| Some((at, pick(form)?)))
}

fn encode<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        push_pair(&mut body, name, value);
    }
    body
}

fn parse(url: &str) -> Url {
    match Url::parse(url) {
        Ok(parsed) if parsed.origin().is_tuple() => parsed,
        _ => panic!("{url:?} is no absolute http or https address"),
    }
}
