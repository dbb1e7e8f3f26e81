//! Who gets where, asked of the real service.

use crate::{Gate, Identity, core::gate::RuleTable};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use std::{convert::Infallible, fmt, future::poll_fn, path::Path};
use tower_service::Service;

/// Asks a real service behind its real gate who gets where, for a test that holds the answers against a file: what a change
/// opens is seen in the file's difference, by whoever reviews it.
///
/// Made by [`access`].
#[derive(Debug)]
#[must_use = "nobody is asked before `table`"]
pub struct Access<'g, S> {
    gate: &'g Gate,
    service: S,
    callers: Vec<(String, Identity)>,
    requests: Vec<(Method, String)>,
}

/// Who gets where, and by which rules. Its `Display` form is what a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTable {
    rules: RuleTable,
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// Asks `service`, which has `gate` around it.
///
/// Two callers are always there: `nobody`, who opens the address in a browser's tab, and `a script` without a session.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use oidc_gate_tower::{GateLayer, Pattern, group, testing};
/// use tower::{Layer as _, service_fn};
/// # use http::{Request, Response};
/// # use http_body_util::Full;
/// # use bytes::Bytes;
///
/// let gate = testing::gate()
///     .open(Pattern::get("/"))
///     .require(Pattern::prefix("/admin"), group("admins"))
///     .build()
///     .unwrap();
/// # let application = service_fn(async |_: Request<Full<Bytes>>| {
/// #     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::new())))
/// # });
/// let table = testing::access(&gate, GateLayer::new(&gate).layer(application))
///     .caller("alice", testing::user("alice").build())
///     .caller("root", testing::user("root").group("admins").build())
///     .get(["/", "/me", "/admin", "/admin/..%2fme"])
///     .table()
///     .await;
/// let requests = table.to_string();
/// let (_, requests) = requests.split_once("\n\n").unwrap();
/// assert_eq!(
///     requests,
///     "\
/// request              nobody  a script  alice  root
/// GET /                200     200       200    200
/// GET /me              login   401       200    200
/// GET /admin           login   401       403    200
/// GET /admin/..%2fme   login   401       403    200
/// "
/// );
/// # }
/// ```
pub fn access<S>(gate: &Gate, service: S) -> Access<'_, S> {
    Access {
        gate,
        service,
        callers: Vec::new(),
        requests: Vec::new(),
    }
}

impl<S, R> Access<'_, S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>,
{
    /// A caller who is signed in.
    pub fn caller(mut self, name: &str, identity: Identity) -> Self {
        self.callers.push((name.to_owned(), identity));
        self
    }

    /// GET of these paths.
    pub fn get<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        let paths = paths.into_iter().map(|path| (Method::GET, path.into()));
        self.requests.extend(paths);
        self
    }

    /// A request.
    pub fn request(mut self, method: Method, path: impl Into<String>) -> Self {
        self.requests.push((method, path.into()));
        self
    }

    /// Makes every request as every caller.
    ///
    /// The answers are statuses; `login` is a redirect to the provider.
    ///
    /// # Panics
    ///
    /// If a path cannot be requested.
    pub async fn table(mut self) -> AccessTable {
        // Known before the first request, so that a login can be told from other redirects.
        drop(self.gate.ready().await);
        let mut credentials = vec![Credential::Tab(None), Credential::Script];
        let mut columns = vec!["nobody".to_owned(), "a script".to_owned()];
        for (name, identity) in &self.callers {
            let session = super::session(self.gate, identity.clone()).await;
            credentials.push(Credential::Tab(Some(session)));
            columns.push(name.clone());
        }
        let mut rows = Vec::new();
        for (method, path) in std::mem::take(&mut self.requests) {
            let mut answers = Vec::new();
            for credential in &credentials {
                answers.push(self.ask(&method, &path, credential).await);
            }
            rows.push((format!("{method} {path}"), answers));
        }
        AccessTable {
            rules: self.gate.rules(),
            columns,
            rows,
        }
    }

    async fn ask(&mut self, method: &Method, path: &str, credential: &Credential) -> String {
        let request = match Request::builder()
            .method(method)
            .uri(path)
            .body(Full::default())
        {
            Ok(request) => credential.apply(request),
            Err(error) => panic!("{method} {path:?} cannot be requested: {error}"),
        };
        let ready = poll_fn(|cx| self.service.poll_ready(cx)).await;
        let Ok(response) = match ready {
            Ok(()) => self.service.call(request).await,
            Err(never) => Err(never),
        };
        match self.leads_to_login(&response) {
            true => "login".to_owned(),
            false => response.status().as_u16().to_string(),
        }
    }

    fn leads_to_login(&self, response: &Response<R>) -> bool {
        let sessions = self.gate.0.sessions.as_ref();
        let provider = sessions.and_then(|sessions| sessions.upstream.metadata_at_hand());
        let place = response.headers().get(header::LOCATION);
        provider.zip(place).is_some_and(|(provider, place)| {
            let endpoint = provider.authorization_endpoint().as_str().as_bytes();
            place.as_bytes().starts_with(endpoint)
        })
    }
}

/// As whom a request is made.
enum Credential {
    Tab(Option<HeaderValue>),
    Script,
}

impl Credential {
    fn apply(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        let of_fetch = |mode: &'static str, dest: &'static str| {
            [
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ]
        };
        let (headers, session) = match self {
            Self::Tab(session) => (of_fetch("navigate", "document"), session.clone()),
            Self::Script => (of_fetch("cors", "empty"), None),
        };
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
        if let Some(session) = session {
            request.headers_mut().insert(header::COOKIE, session);
        }
        request
    }
}

impl AccessTable {
    /// Holds the table against a file, a path below the directory that the test runs in: the package's own. With
    /// `OIDC_GATE_WRITE_SNAPSHOTS=1` in the environment the file is written instead.
    ///
    /// # Panics
    ///
    /// If the file says something else, or cannot be read or written.
    pub fn assert_snapshot(&self, file: impl AsRef<Path>) {
        let (file, table) = (file.as_ref(), self.to_string());
        if std::env::var_os("OIDC_GATE_WRITE_SNAPSHOTS").is_some_and(|value| value == "1") {
            if let Err(error) = std::fs::write(file, &table) {
                panic!("{} cannot be written: {error}", file.display());
            }
            return;
        }
        let kept = match std::fs::read_to_string(file) {
            Ok(kept) => kept,
            Err(error) => panic!(
                "{} cannot be read ({error}): run the test with OIDC_GATE_WRITE_SNAPSHOTS=1 and review the file",
                file.display()
            ),
        };
        if kept.replace("\r\n", "\n") != table {
            let gone = kept
                .lines()
                .filter(|line| !table.lines().any(|l| l == *line));
            let new = table
                .lines()
                .filter(|line| !kept.lines().any(|l| l == *line));
            let lines: Vec<_> = gone
                .map(|line| format!("- {line}"))
                .chain(new.map(|line| format!("+ {line}")))
                .collect();
            panic!(
                "who gets where is not what {} says; if it is meant, run the test with OIDC_GATE_WRITE_SNAPSHOTS=1 and \
                 review the difference:\n{}",
                file.display(),
                lines.join("\n")
            );
        }
    }
}

impl fmt::Display for AccessTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.rules)?;
        let mut lines = vec![("request", &self.columns)];
        lines.extend(
            self.rows
                .iter()
                .map(|(request, answers)| (&**request, answers)),
        );
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts
                .map(|text| text.chars().count())
                .max()
                .unwrap_or_default()
        };
        let first = widest(&mut lines.iter().map(|(text, _)| *text));
        let widths: Vec<_> = (0..self.columns.len())
            .map(|column| {
                let texts = lines.iter().filter_map(|(_, texts)| texts.get(column));
                widest(&mut texts.map(String::as_str))
            })
            .collect();
        for (request, answers) in lines {
            let answers = answers.iter().zip(&widths);
            let answers: Vec<_> = answers
                .map(|(text, width)| format!("{text:width$}"))
                .collect();
            let line = format!("{request:first$}   {}", answers.join("  "));
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
