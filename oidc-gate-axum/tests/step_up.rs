//! A stronger or a more recent sign-in, demanded by a rule, a layer, an extractor and a handler: each caller is answered in
//! a way it can use, whoever demands it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use axum::{
    Router,
    body::Body,
    routing::{any, get},
};
use http::{Request, header};
use oidc_gate_axum::{
    AuthRejection, AuthenticatedUser, Bearer, CookieKeys, Demands, Gate, GateExt as _, Has, LogIn,
    Pattern, Permission, Protected, Requirement, UnixTime, acr,
    dev::DevProvider,
    max_age, require,
    testing::{self, Browser, ManualClock},
};
use std::time::Duration;
use tower::ServiceExt as _;

const APP: &str = "https://app.test";

fn recent() -> Requirement {
    max_age(Duration::from_secs(300))
}

fn both() -> Requirement {
    recent().and(acr("phr"))
}

struct Sure;
impl Permission for Sure {
    fn requirement() -> Requirement {
        both()
    }
}

/// Whoever asks for more than a little has to have signed in just now.
async fn transfer(
    user: AuthenticatedUser,
    demands: Demands,
    body: String,
) -> Result<String, AuthRejection> {
    if body != "little" {
        demands.of(&user, &both())?;
    }
    Ok(format!("{} sent it", user.subject()))
}

fn app() -> Router {
    let said = |user: AuthenticatedUser| async move { format!("{} was here", user.subject()) };
    let nested = Router::new().route("/transfer", any(transfer));
    Router::new()
        .route("/rule", any(said))
        .route("/layer", any(said).layer(require(both())))
        .route("/extractor", any(async |_: Has<Sure>| "sure"))
        .route("/handler", any(transfer))
        .route(
            "/login",
            get(async || {
                LogIn::to("/login/done")
                    .acr(["phr"])
                    .max_age(Duration::from_secs(300))
            }),
        )
        .route("/login/done", get(said))
        .nest("/nested", nested)
}

const DEMANDED: [&str; 5] = [
    "/rule",
    "/layer",
    "/extractor",
    "/handler",
    "/nested/transfer",
];

#[tokio::test]
async fn a_browser_comes_back_to_where_more_was_demanded() {
    for path in DEMANDED.into_iter().chain(["/login"]) {
        let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
        let provider = DevProvider::builder()
            .issuer("https://id.test")
            .demo_users()
            .clock(clock.clone())
            .build();
        let gate = Gate::builder()
            .dev_provider(&provider)
            .base_url(APP)
            .cookie_keys(CookieKeys::ephemeral())
            .clock(clock.clone())
            .require(Pattern::path("/rule"), both())
            .build()
            .unwrap();
        let mut browser = Browser::new()
            .clock(clock.clone())
            .site("https://id.test", provider)
            .site(APP, gate.protect(app()));
        browser.get(&format!("{APP}/login/done")).await;
        browser.sign_in_as("alice").await;
        clock.advance(Duration::from_secs(1000));
        let page = browser.get(&format!("{APP}{path}?x=1")).await;
        for asked in ["&acr_values=phr", "&max_age=300"] {
            assert!(page.url.contains(asked), "{path}: {page:?}");
        }
        let page = browser.sign_in_as("bob").await;
        assert_eq!(page.status, 403, "{path}: {page:?}");
        let title = "You signed in as someone else";
        assert!(page.body.contains(title), "{path}: {page:?}");
        browser.get(&format!("{APP}{path}?x=1")).await;
        let page = browser.sign_in_as("alice").await;
        let back = match path {
            "/login" => format!("{APP}/login/done"),
            path => format!("{APP}{path}?x=1"),
        };
        assert_eq!((page.url, page.status.as_u16()), (back, 200), "{path}");
    }
}

const CHALLENGE: &str =
    r#"error="insufficient_user_authentication", acr_values="phr", max_age="300""#;

/// What an answer to an old sign-in is: status, `grpc-status`, scheme of the challenge, `Content-Type` and body.
async fn asked(app: &Protected, request: Request<Body>) -> (u16, String, String, String, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let said = |name: &str| {
        let value = response.headers().get(name);
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let (status, grpc, kind) = (response.status(), said("grpc-status"), said("content-type"));
    let challenge = said("www-authenticate");
    let scheme = match challenge.strip_suffix(CHALLENGE) {
        Some(scheme) => scheme.trim().to_owned(),
        None => panic!("no such challenge: {challenge:?}"),
    };
    let body = axum::body::to_bytes(response.into_body(), 100_000)
        .await
        .unwrap();
    let body = String::from_utf8(body.into()).unwrap();
    (status.as_u16(), grpc, scheme, kind, body)
}

#[tokio::test]
async fn what_is_no_browsers_tab_gets_the_challenge_whoever_demands_it() {
    let gate = testing::gate()
        .bearer(Bearer::audience("api"))
        .require(Pattern::path("/rule"), both())
        .build()
        .unwrap();
    let app = gate.protect(app());
    let weak = || testing::user("alice").build();
    let session = testing::session(&gate, weak()).await;
    let token = testing::bearer(&gate, weak());
    let json = r#"{"error":"insufficient_user_authentication"}"#;
    for path in DEMANDED {
        let request = |method: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(Body::from("a lot")).unwrap()
        };
        let cookie = session.to_str().unwrap();
        let bearer = token.to_str().unwrap();
        let script = [
            ("cookie", cookie),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
        ];
        for method in ["GET", "POST"] {
            let (status, _, scheme, kind, body) = asked(&app, request(method, &script)).await;
            let told = (status, &*scheme, &*kind, &*body);
            let expected = (401, "Session", "application/json", json);
            assert_eq!(told, expected, "{method} {path}");
            let by_token = [("authorization", bearer)];
            let (status, _, scheme, kind, body) = asked(&app, request(method, &by_token)).await;
            let told = (status, &*scheme, &*kind, &*body);
            let expected = (401, "Bearer", "application/json", json);
            assert_eq!(told, expected, "{method} {path}");
        }
        let grpc = [
            (header::CONTENT_TYPE.as_str(), "application/grpc"),
            ("authorization", bearer),
        ];
        let (status, code, scheme, kind, body) = asked(&app, request("POST", &grpc)).await;
        let told = (status, &*code, &*scheme, &*kind, &*body);
        let expected = (200, "16", "Bearer", "application/grpc", "");
        assert_eq!(told, expected, "{path}");
        let form = [
            ("cookie", cookie),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "same-origin"),
        ];
        let (status, _, scheme, kind, body) = asked(&app, request("POST", &form)).await;
        assert_eq!((status, &*scheme), (401, "Session"), "{path}");
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        let way = "/oauth2/start?rd=%2F&amp;acr_values=phr&amp;max_age=300";
        assert!(body.contains(way), "{path}: {body}");
    }
    // What depends on the request is demanded of no other.
    let little = Request::post("/handler").header("authorization", token);
    let answer = app
        .oneshot(little.body(Body::from("little")).unwrap())
        .await;
    assert_eq!(answer.unwrap().status(), 200);
}
