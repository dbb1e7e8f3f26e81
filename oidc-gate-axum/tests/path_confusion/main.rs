//! Tens of thousands of spellings of paths: none lets a stranger into a protected handler, and none gets whoever is signed
//! in past a group that a server behind the gate would have needed.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod spellings;
mod upstreams;

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{MethodRouter, any},
};
use http::{HeaderValue, StatusCode, Uri, Version, header};
use oidc_gate_axum::{
    Gate, GateExt as _, Pattern, Protected, group,
    testing::{self, user},
};
use spellings::{Form, Kind, Spelling, spellings};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tower::ServiceExt as _;
use upstreams::UPSTREAMS;

const COUNT: usize = 30_500;

/// What is spelt: what is protected, what is not, and what lies beside it.
const PATHS: &[&str] = &[
    "/admin",
    "/admin/users",
    "/vault",
    "/public/secret",
    "/teams/blue/settings",
    "/reports/q3.pdf",
    "/users/17/keys",
    "/archive/2024/a.zip",
    "/me",
    "/acme/admin",
    "/nested/secret",
    "/public",
    "/public/a.html",
    "/assets/css/app.css",
    "/teams/blue",
    "/static/app.js",
    "/static/x/app.js",
    "/static/key.pem",
    "/v1/status",
    "/v1/secret",
    "/docs/a/b",
    "/health",
    "/x/health",
    "/nested/free",
    "/app/me",
    "/other/page",
];

/// One open or bypass rule of every shape, and demands of every shape.
fn gate() -> Gate {
    let admins = || group("admins");
    testing::gate()
        .open(Pattern::path("/"))
        .open(Pattern::prefix("/public"))
        .bypass(Pattern::prefix("/assets"))
        .open(Pattern::path("/teams/{team}"))
        .open(Pattern::path("/docs/{*page}"))
        .open(Pattern::glob("/static/*.js"))
        .bypass(Pattern::regex("^/v[0-9]+/status$"))
        .open(Pattern::skip_auth_route("GET=^/health"))
        .open(Pattern::get("/nested/free"))
        .require(Pattern::prefix("/admin"), admins())
        .require(Pattern::path("/vault"), admins())
        .require(Pattern::path("/public/secret"), admins())
        .require(Pattern::path("/teams/{team}/settings"), admins())
        .require(Pattern::glob("/reports/*.pdf"), admins())
        .require(Pattern::glob("/archive/**"), admins())
        .require(Pattern::regex("^/users/[0-9]+/keys$"), admins())
        .build()
        .unwrap()
}

/// Whether these rules demand a group on this path, said in another way.
fn demanded(path: &str) -> bool {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments[..] {
        ["admin", ..] | ["vault"] | ["public", "secret"] | ["archive", _, ..] => true,
        ["teams", team, "settings"] => !team.is_empty(),
        ["reports", name] => name.ends_with(".pdf"),
        ["users", id, "keys"] => !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// Whether they let everybody in, said in another way.
fn is_public(path: &str) -> bool {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let open = match segments[..] {
        [""] | ["public" | "assets", ..] | ["nested", "free"] => true,
        ["docs", first, ..] => !first.is_empty(),
        ["teams", team] => !team.is_empty(),
        ["static", name] => name.ends_with(".js"),
        [version, "status"] => version
            .strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
        _ => false,
    };
    (open || path.starts_with("/health")) && !demanded(path)
}

/// How often a handler ran that is for everybody, and how often one that is not.
#[derive(Clone, Default)]
struct Ran(Arc<[AtomicUsize; 2]>);

impl Ran {
    fn public(&self) -> MethodRouter {
        self.judged(|_| true)
    }

    fn protected(&self) -> MethodRouter {
        self.judged(|_| false)
    }

    /// A route behind which both lie: its handler looks at the path itself.
    fn judged(&self, public: fn(&str) -> bool) -> MethodRouter {
        let ran = self.0.clone();
        any(async move |request: Request| {
            let which = usize::from(!public(request.uri().path()));
            ran[which].fetch_add(1, SeqCst);
        })
    }

    fn take(&self) -> [usize; 2] {
        [0, 1].map(|which| self.0[which].swap(0, SeqCst))
    }
}

/// Beside and below whatever is open lies something protected: a parameter, a wildcard, a word, a nested router.
fn application(ran: &Ran) -> Router {
    let (public, protected) = (|| ran.public(), || ran.protected());
    let nested = Router::new()
        .route("/free", public())
        .route("/{name}", protected())
        .fallback_service(protected());
    Router::new()
        .route("/", public())
        .route("/public", public())
        .route("/public/", public())
        .route("/public/{*rest}", public())
        .route("/public/secret", protected())
        .route("/assets", public())
        .route("/assets/", public())
        .route("/assets/{*rest}", public())
        .route("/teams", protected())
        .route("/teams/{team}", public())
        .route("/teams/{team}/", protected())
        .route("/teams/{team}/settings", protected())
        .route("/teams/{team}/{*rest}", protected())
        .route("/docs", protected())
        .route("/docs/", protected())
        .route("/docs/{*page}", public())
        .route("/static/{name}", ran.judged(|path| path.ends_with(".js")))
        .route("/static/{name}/{*rest}", protected())
        .route("/health", public())
        .route("/health/", public())
        .route("/health/{*rest}", public())
        .route("/v1/status", public())
        .route("/{tenant}/admin", protected())
        .route("/{tenant}/health", protected())
        .route("/{tenant}/status", ran.judged(is_public))
        .route(
            "/{tenant}/{*rest}",
            ran.judged(|path| path.starts_with("/health")),
        )
        .route("/{name}", ran.judged(|path| path.starts_with("/health")))
        .nest("/nested", nested)
        .fallback_service(protected())
}

/// The request of this spelling, unless no server would take it.
fn request(spelling: &Spelling) -> Option<Request> {
    let target = &spelling.target;
    let (uri, host, version) = match spelling.form {
        Form::Origin => (target.clone(), Some("localhost"), Version::HTTP_11),
        Form::Absolute => (
            format!("http://localhost{target}"),
            Some("localhost"),
            Version::HTTP_11,
        ),
        Form::Contradicting => (
            format!("http://public{target}"),
            Some("localhost"),
            Version::HTTP_11,
        ),
        Form::Http2 => (format!("http://localhost{target}"), None, Version::HTTP_2),
        Form::Http2Bare => (target.clone(), None, Version::HTTP_2),
    };
    let uri: Uri = uri.parse().ok()?;
    let mut request = Request::builder().uri(uri).version(version);
    if let Some(host) = host {
        request = request.header(header::HOST, host);
    }
    request.body(Body::empty()).ok()
}

/// Every spelling that a server would take, and its request.
fn requests() -> impl Iterator<Item = (Spelling, Request)> {
    spellings(PATHS, COUNT + COUNT / 8)
        .into_iter()
        .filter_map(|spelling| {
            let request = request(&spelling)?;
            Some((spelling, request))
        })
}

async fn status(app: &Protected, request: Request) -> StatusCode {
    app.clone().oneshot(request).await.unwrap().status()
}

#[test]
fn there_are_many_spellings_of_each_kind_and_form() {
    let (mut kinds, mut forms) = (BTreeMap::new(), BTreeMap::new());
    let mut count = 0;
    for (spelling, _) in requests() {
        count += 1;
        *forms.entry(spelling.form).or_insert(0) += 1;
        for kind in spelling.kinds {
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    assert!(count >= 30_000, "{count}");
    for kind in Kind::ALL {
        assert!(
            kinds.get(&kind).is_some_and(|n| *n >= 500),
            "{kind:?}: {kinds:?}"
        );
    }
    for form in Form::ALL {
        assert!(
            forms.get(&form).is_some_and(|n| *n >= 500),
            "{form:?}: {forms:?}"
        );
    }
}

#[tokio::test]
async fn no_spelling_lets_a_stranger_into_what_is_protected() {
    let ran = Ran::default();
    let app = gate().protect(application(&ran));
    let mut passed = 0;
    for (spelling, request) in requests() {
        let path = request.uri().path().to_owned();
        status(&app, request).await;
        let [public, protected] = ran.take();
        assert_eq!(protected, 0, "{spelling:?} ran a protected handler");
        if public > 0 {
            passed += 1;
            // Nor would it be one of a server behind a proxy, or of a file server below the router.
            for upstream in UPSTREAMS {
                let read = upstream.reads(&path);
                assert!(
                    is_public(&read),
                    "{spelling:?} is {read} to whoever {}",
                    upstream.name
                );
            }
        }
    }
    // Not all of them are refused, or nothing would be shown here.
    assert!(passed >= 300, "{passed}");
}

#[tokio::test]
async fn no_spelling_evades_a_demand_at_whatever_decodes_it() {
    let ran = Ran::default();
    let gate = gate();
    let app = gate.protect(Router::new().fallback_service(ran.public()));
    let bob = testing::session(&gate, user("bob").group("staff").build()).await;
    let mut passed = 0;
    let mut disguised = vec![0; UPSTREAMS.len()];
    let mut evaded = vec![];
    for (at, (spelling, mut request)) in requests().enumerate() {
        let path = request.uri().path().to_owned();
        request.headers_mut().insert(header::COOKIE, bob.clone());
        status(&app, request).await;
        let [reached, _] = ran.take();
        passed += reached;
        // What did not get through is read to count it, and a part of it is enough for that.
        if reached == 0 && at % 8 > 0 {
            continue;
        }
        for (upstream, disguised) in UPSTREAMS.iter().zip(&mut disguised) {
            let read = upstream.reads(&path);
            if demanded(&read) {
                *disguised += 1;
                if reached > 0 {
                    let name = upstream.name;
                    evaded.push(format!("{spelling:?} is {read} to whoever {name}"));
                }
            }
        }
    }
    assert!(
        evaded.is_empty(),
        "{} of them: {:#?}",
        evaded.len(),
        &evaded[..evaded.len().min(20)]
    );
    assert!(passed >= 5000, "{passed}");
    for (upstream, disguised) in UPSTREAMS.iter().zip(disguised) {
        assert!(disguised >= 150, "{}: {disguised}", upstream.name);
    }
}

/// What opens everything but a few paths opens none of these, however they are spelt.
#[tokio::test]
async fn a_negated_rule_opens_no_spelling_of_what_it_leaves_out() {
    let ran = Ran::default();
    let gate = testing::gate()
        .open(Pattern::skip_auth_route("GET!=^/(app|admin|vault|me)(/|$)"))
        .build()
        .unwrap();
    let kept = |path: &str| {
        let first = path.split('/').nth(1);
        first.is_some_and(|first| ["app", "admin", "vault", "me"].contains(&first))
    };
    let router = Router::new()
        .route("/app/{*rest}", ran.protected())
        .route("/admin", ran.protected())
        .route("/admin/{*rest}", ran.protected())
        .route("/vault", ran.protected())
        .route("/me", ran.protected())
        .fallback_service(ran.public());
    let app = gate.protect(router);
    let mut passed = 0;
    for (spelling, request) in requests() {
        let path = request.uri().path().to_owned();
        status(&app, request).await;
        let [public, protected] = ran.take();
        assert_eq!(protected, 0, "{spelling:?} ran a protected handler");
        if public > 0 {
            passed += 1;
            // The expression says which case it means.
            for upstream in UPSTREAMS.iter().filter(|upstream| !upstream.ignores_case()) {
                let read = upstream.reads(&path);
                assert!(
                    !kept(&read),
                    "{spelling:?} is {read} to whoever {}",
                    upstream.name
                );
            }
        }
    }
    assert!(passed >= 300, "{passed}");
}

/// Everything that is spelt is there for whoever may see it.
#[tokio::test]
async fn who_is_in_the_group_reaches_each_path_as_it_is() {
    let ran = Ran::default();
    let gate = gate();
    let app = gate.protect(application(&ran));
    let alice = testing::session(&gate, user("alice").group("admins").build()).await;
    for path in PATHS {
        let mut request = Request::get(*path).body(Body::empty()).unwrap();
        request
            .headers_mut()
            .insert(header::COOKIE, HeaderValue::clone(&alice));
        assert_eq!(status(&app, request).await, StatusCode::OK, "{path}");
        assert_eq!(
            ran.take(),
            [usize::from(is_public(path)), usize::from(!is_public(path))],
            "{path}"
        );
    }
}
