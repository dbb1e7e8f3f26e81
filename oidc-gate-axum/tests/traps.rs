//! The traps that the obvious code runs into, each with what happens there and what to write instead.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use axum::{
    Json, Router,
    body::Body,
    extract::ConnectInfo,
    middleware::{from_extractor, map_request},
    response::Response,
    routing::get,
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use oidc_gate_axum::{
    AuthenticatedUser, Claims, CookieKeys, Gate, GateExt as _, Has, Identity, Pattern, Permission,
    Principal, Requirement, acr,
    dev::DevProvider,
    group, require, signed_in,
    testing::{self, Browser},
    tower::{Anonymous, GateLayer as TowerGateLayer},
};
use serde_json::Value;
use std::{convert::Infallible, net::SocketAddr};
use tower::{Layer as _, Service, ServiceExt as _};
use tower_http::cors::CorsLayer;

const NO_GATE: &str = "no gate has looked at this request: wrap the application with `gate.protect(router)`, and put \
     nothing that takes a user outside of it";
const BYPASS: &str = "this path is under a `bypass` rule, so the gate has not looked for a user: use an `open` rule \
     where a handler takes one";

struct Admin;
impl Permission for Admin {
    fn requirement() -> Requirement {
        group("admins")
    }
}

/// `GET /` is open, everything else is not.
fn gate() -> Gate {
    testing::gate().open(Pattern::get("/")).build().unwrap()
}

fn wide_open() -> Gate {
    testing::gate().open(Pattern::prefix("/")).build().unwrap()
}

fn alice() -> Identity {
    testing::user("alice").group("admins").build()
}

fn bob() -> Identity {
    testing::user("bob").group("staff").build()
}

/// What a script asks.
fn req(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// What a browser asks when a person opens a page.
fn nav(path: &str) -> Request<Body> {
    let mut request = req(path);
    let headers = request.headers_mut();
    headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    headers.insert("sec-fetch-dest", HeaderValue::from_static("document"));
    request
}

fn with_cookie(mut request: Request<Body>, cookie: &HeaderValue) -> Request<Body> {
    request.headers_mut().insert(header::COOKIE, cookie.clone());
    request
}

async fn send<S>(app: S, request: Request<Body>) -> Response
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    app.oneshot(request).await.unwrap()
}

async fn status<S>(app: S, request: Request<Body>) -> StatusCode
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    send(app, request).await.status()
}

async fn text(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024)
        .await
        .unwrap();
    String::from_utf8(body.into()).unwrap()
}

async fn who(user: Option<AuthenticatedUser>) -> String {
    user.map_or("nobody".to_owned(), |user| user.subject().to_owned())
}

/// A browser that knows the gate's application and its provider.
fn browser(app: impl FnOnce(&Gate) -> Router, gate: oidc_gate_axum::GateBuilder) -> Browser {
    let provider = DevProvider::demo();
    let gate = gate
        .base_url("http://localhost")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider)
        .build()
        .unwrap();
    let app = app(&gate);
    Browser::new()
        .site("http://localhost", gate.protect(app))
        .site("http://localhost:3001", provider)
}

// --- what a layer covers ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_route_added_after_router_layer_is_public() {
    let late = Router::new()
        .route("/a", get(async || {}))
        .layer(gate().layer())
        .route("/secret", get(async || {}));
    assert_eq!(
        status(late.clone(), req("/a")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(status(late, req("/secret")).await, StatusCode::OK);
}

#[tokio::test]
async fn a_fallback_set_after_router_layer_is_public() {
    let late = Router::new()
        .route("/a", get(async || {}))
        .layer(gate().layer())
        .fallback(async || "anyone");
    assert_eq!(status(late, req("/nope")).await, StatusCode::OK);
}

#[tokio::test]
async fn protect_covers_every_route_and_the_fallback() {
    let app = || {
        let router = Router::new()
            .route("/a", get(async || {}))
            .route("/secret", get(async || {}))
            .fallback(async || "anyone");
        gate().protect(router)
    };
    for path in ["/a", "/secret", "/nope"] {
        assert_eq!(
            status(app(), req(path)).await,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    // Without a fallback of the application's own, axum's is covered: an unknown path tells strangers nothing.
    let plain = gate().protect(Router::new());
    assert_eq!(status(plain, req("/nope")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_route_added_behind_protect_is_open_only_outside_of_it() {
    // `into_router` gives a router whose fallback is the gate: what is added to it stands outside, visibly.
    let router = gate()
        .protect(Router::new().route("/a", get(async || {})))
        .into_router()
        .route("/health", get(async || {}));
    assert_eq!(status(router.clone(), req("/health")).await, StatusCode::OK);
    assert_eq!(status(router, req("/a")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_endpoints_need_the_fallback() {
    let router = || Router::new().route("/a", get(async || {}));
    let public = || Router::new().route("/pub", get(async || {}));
    let layered = || router().layer(gate().layer());
    let start = || nav("/oauth2/start");

    assert_eq!(
        status(gate().protect(router()), start()).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(status(layered(), start()).await, StatusCode::SEE_OTHER);
    // Lost: with `route_layer`, below a prefix, and with a fallback that is set later.
    for (lost, app) in [
        ("route_layer", router().route_layer(gate().layer())),
        ("nest", Router::new().nest("/app", layered())),
        (
            "fallback",
            layered().fallback(async || StatusCode::NOT_FOUND),
        ),
    ] {
        assert_eq!(status(app, start()).await, StatusCode::NOT_FOUND, "{lost}");
    }
    // Whichever fallback `merge` keeps, a route merged in from beside the layer is public.
    for app in [layered().merge(public()), public().merge(layered())] {
        assert_eq!(status(app, req("/pub")).await, StatusCode::OK);
    }
}

// --- where the path is cut -------------------------------------------------------------------------------------------

#[tokio::test]
async fn towers_layer_in_a_nested_router_sees_the_cut_path() {
    let admin = || Router::new().route("/", get(async || {}));
    let cut = Router::new().nest("/admin", admin().layer(TowerGateLayer::new(&gate())));
    // `open("/")` has opened /admin.
    assert_eq!(status(cut, req("/admin")).await, StatusCode::OK);

    let whole = Router::new().nest("/admin", admin().layer(gate().layer()));
    assert_eq!(status(whole, req("/admin")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_gate_under_nest_service_sees_absolute_paths() {
    let app = || {
        let inner = Router::new().route("/", get(async || {}));
        Router::new().nest_service("/app", gate().protect(inner))
    };
    // `open("/")` is the site's first page, not the inner application's; the endpoints are where the base URL says.
    assert_eq!(status(app(), req("/app/")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(app(), req("/app/oauth2/start")).await,
        StatusCode::UNAUTHORIZED
    );
    let told = testing::gate()
        .base_url("http://localhost/app")
        .open(Pattern::get("/app/"))
        .build()
        .unwrap();
    let inner = Router::new().route("/", get(async || {}));
    let app = Router::new().nest_service("/app", told.protect(inner));
    assert_eq!(status(app.clone(), req("/app/")).await, StatusCode::OK);
    assert_eq!(
        status(app, nav("/app/oauth2/start")).await,
        StatusCode::SEE_OTHER
    );
}

/// The path that the router inside goes by has to be the one that the rules were asked about.
#[tokio::test]
async fn a_rewrite_between_an_outer_router_and_the_gate_opens_nothing() {
    let inner = || {
        Router::new()
            .route("/public", get(async || "public"))
            .route("/admin", get(async || "admin"))
    };
    let gate = testing::gate()
        .open(Pattern::path("/public"))
        .build()
        .unwrap();
    let rewrite = map_request(async |mut request: axum::extract::Request| {
        *request.uri_mut() = Uri::from_static("/admin");
        request
    });
    let rewritten = gate.protect(inner()).into_router().layer(rewrite.clone());
    assert_eq!(
        status(rewritten, req("/public")).await,
        StatusCode::UNAUTHORIZED
    );
    // The same below a prefix, where the original target is asked about and the rewritten one is not its end.
    let open = testing::gate()
        .open(Pattern::prefix("/app/public"))
        .build()
        .unwrap();
    let nested = Router::new().nest_service(
        "/app",
        tower::ServiceBuilder::new()
            .layer(rewrite)
            .service(open.protect(inner())),
    );
    assert_eq!(
        status(nested, req("/app/public")).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_login_from_a_nested_route_leads_back_to_the_whole_address() {
    let nested = |routes: Router| move |_: &Gate| Router::new().nest("/deep", routes);
    let handler = get(async |uri: axum::extract::OriginalUri| uri.0.to_string());
    let open = || Gate::builder().open(Pattern::prefix("/"));
    for (by, routes) in [
        (
            "require",
            Router::new()
                .route("/x", handler.clone())
                .route_layer(require(signed_in())),
        ),
        (
            "an extractor",
            Router::new()
                .route("/x", handler.clone())
                .layer(from_extractor::<AuthenticatedUser>()),
        ),
        ("the gate", Router::new().route("/x", handler.clone())),
    ] {
        let gate = if by == "the gate" {
            Gate::builder()
        } else {
            open()
        };
        let mut browser = browser(nested(routes), gate);
        browser.get("http://localhost/deep/x?y=1&z=%2F").await;
        let page = browser.sign_in_as("alice").await;
        assert_eq!(page.url, "http://localhost/deep/x?y=1&z=%2F", "{by}");
        assert_eq!(page.body, "/deep/x?y=1&z=%2F", "{by}");
    }
}

// --- refusals from inside --------------------------------------------------------------------------------------------

#[tokio::test]
async fn refusals_from_inside_are_answered_by_the_gate() {
    let gate = testing::gate().open(Pattern::get("/")).build().unwrap();
    let deep = Router::new().route("/x", get(async |_: Has<Admin>| {}));
    let router = Router::new()
        .route("/", get(async |_: AuthenticatedUser| {}))
        .nest("/deep", deep);
    let app = || gate.protect(router.clone());

    let answer = send(app(), nav("/")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(
        answer.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .starts_with("http://localhost:3001/")
    );
    let answer = send(app(), req("/")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));

    let (alice, bob) = (
        testing::session(&gate, alice()).await,
        testing::session(&gate, bob()).await,
    );
    let bobs = |request| with_cookie(request, &bob);
    assert_eq!(
        status(app(), bobs(nav("/deep/x"))).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(app(), bobs(req("/deep/x"))).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(app(), with_cookie(req("/deep/x"), &alice)).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_stronger_sign_in_is_demanded_and_not_refused() {
    let gate = wide_open();
    let session = testing::session(&gate, alice()).await;
    let routes = Router::new()
        .route("/wipe", get(async || {}))
        .route_layer(require(acr("phr")));
    let answer = send(gate.protect(routes), with_cookie(nav("/wipe"), &session)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.contains("acr_values=phr"), "{location}");
}

#[tokio::test]
async fn from_extractor_needs_nothing_of_ours() {
    let gate = wide_open();
    let app = || {
        gate.protect(
            Router::new()
                .route("/x", get(async || {}))
                .route_layer(from_extractor::<Has<Admin>>()),
        )
    };
    assert_eq!(status(app(), nav("/x")).await, StatusCode::SEE_OTHER);
    for (user, expected) in [(alice(), StatusCode::OK), (bob(), StatusCode::FORBIDDEN)] {
        let session = testing::session(&gate, user).await;
        assert_eq!(
            status(app(), with_cookie(req("/x"), &session)).await,
            expected
        );
    }
}

#[tokio::test]
async fn on_an_open_route_a_user_is_there_or_not() {
    let gate = gate();
    let session = testing::session(&gate, alice()).await;
    let app = || gate.protect(Router::new().route("/", get(who)));
    assert_eq!(text(send(app(), req("/")).await).await, "nobody");
    let known = with_cookie(req("/"), &session);
    assert_eq!(text(send(app(), known).await).await, "alice");
}

// --- no gate, and a gate that looks away -----------------------------------------------------------------------------

/// One route for each way to ask for a user.
fn each_way() -> Router {
    Router::new()
        .route("/user", get(async |_: AuthenticatedUser| {}))
        .route("/option", get(async |_: Option<AuthenticatedUser>| {}))
        .route("/claims", get(async |_: Claims<Value>| {}))
        .route("/has", get(async |_: Has<Admin>| {}))
        .route(
            "/require",
            get(async || {}).route_layer(require(group("admins"))),
        )
}

const WAYS: [&str; 5] = ["/user", "/option", "/claims", "/has", "/require"];

#[tokio::test]
async fn without_a_gate_it_is_a_500_that_says_so() {
    for way in WAYS {
        let answer = send(each_way(), req(way)).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{way}");
        assert_eq!(text(answer).await, NO_GATE, "{way}");
    }
}

#[tokio::test]
async fn under_a_bypass_rule_it_is_a_500_that_says_so() {
    let gate = testing::gate()
        .bypass(Pattern::prefix("/"))
        .build()
        .unwrap();
    let session = testing::session(&gate, alice()).await;
    for way in WAYS {
        let answer = send(gate.protect(each_way()), with_cookie(req(way), &session)).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{way}");
        assert_eq!(text(answer).await, BYPASS, "{way}");
    }
}

#[tokio::test]
async fn what_a_gate_has_looked_at_is_no_500() {
    for way in WAYS {
        let signed_in = each_way().layer(testing::signed_in(alice()));
        assert_eq!(status(signed_in, req(way)).await, StatusCode::OK, "{way}");
        let signed_out = each_way().layer(testing::signed_out());
        let expected = match way {
            "/option" => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        };
        assert_eq!(status(signed_out, req(way)).await, expected, "{way}");
    }
}

// --- what is put where -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_gate_takes_off_what_it_did_not_put_on() {
    let app = gate().protect(Router::new().route("/", get(who)));
    let outside = testing::signed_in(alice()).layer(app);
    assert_eq!(text(send(outside, req("/")).await).await, "nobody");
}

#[tokio::test]
async fn two_gates_do_not_stack() {
    let (outer, inner) = (wide_open(), wide_open());
    let session = testing::session(&outer, alice()).await;
    let innermost = Router::new().route("/", get(who));
    let once = outer.protect(innermost.clone());
    assert_eq!(
        text(send(once, with_cookie(req("/"), &session)).await).await,
        "alice"
    );
    // The outer gate keeps its cookies to itself, and the inner one believes nobody else.
    let twice = outer.protect(inner.protect(innermost).into_router());
    assert_eq!(
        text(send(twice, with_cookie(req("/"), &session)).await).await,
        "nobody"
    );
}

#[tokio::test]
async fn cors_belongs_outside() {
    let router = || Router::new().route("/api", get(async || {}));
    let from_elsewhere = || {
        let mut request = req("/api");
        let headers = request.headers_mut();
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://spa.test"));
        request
    };
    let allowed = |headers: &HeaderMap| headers.contains_key("access-control-allow-origin");

    // Inside, a script sees a network error and no 401.
    let inside = gate().protect(router().layer(CorsLayer::permissive()));
    assert!(!allowed(send(inside, from_elsewhere()).await.headers()));
    let outside = gate().protect(router()).layer(CorsLayer::permissive());
    let answer = send(outside, from_elsewhere()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(allowed(answer.headers()));
}

#[tokio::test]
async fn the_slow_path_works_behind_layers_and_as_a_router() {
    // The provider is looked up for this login, so the answer is not at hand.
    let router: Router = gate()
        .protect(Router::new().route("/", get(who)))
        .layer(CorsLayer::permissive())
        .into_router();
    let answer = send(router.clone(), nav("/me")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(text(send(router, req("/")).await).await, "nobody");
}

#[tokio::test]
async fn serve_takes_it_as_it_is_and_brings_the_peer_along() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = gate().protect(Router::new().route(
        "/",
        get(async |peer: ConnectInfo<SocketAddr>| peer.0.to_string()),
    ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap();
    stream
        .write_all(b"GET / HTTP/1.0\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(&format!("\r\n\r\n{own}")), "{answer}");
}

#[test]
fn bounds_hold() {
    fn all<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    fn send<T: Send>(_: T) {}
    let gate = gate();
    all(&gate);
    all(&gate.layer());
    all(&TowerGateLayer::new(&gate));
    all(&require(group("a")));
    all(&gate.protect(Router::new()));
    send(gate.protect(Router::new()).call(req("/")));
    struct State {
        _gate: Gate,
    }
    let _ = State { _gate: gate };
}

/// A handler sees who asks in one way only: typed, from the gate.
#[tokio::test]
async fn a_handler_finds_a_principal_or_the_mark_of_an_open_route_never_both() {
    let gate = gate();
    let session = testing::session(&gate, alice()).await;
    let app = || {
        let seen = async |request: axum::extract::Request| {
            let extensions = request.extensions();
            Json([
                extensions.get::<Principal>().is_some(),
                extensions.get::<Anonymous>().is_some(),
            ])
        };
        gate.protect(Router::new().route("/", get(seen)))
    };
    assert_eq!(text(send(app(), req("/")).await).await, "[false,true]");
    let known = with_cookie(req("/"), &session);
    assert_eq!(text(send(app(), known).await).await, "[true,false]");
}
