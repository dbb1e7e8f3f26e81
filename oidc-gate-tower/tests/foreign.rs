//! Sessions that open and are not to be believed, and those in pieces.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::COOKIE};
use http_body_util::Full;
use oidc_gate_tower::{
    ClientAuth, CookieKeys, Gate, GateLayer, Principal, Provider,
    dev::DevProvider,
    testing::{session, user},
};
use std::convert::Infallible;
use tower::{Layer as _, ServiceExt as _, service_fn};

fn gate(keys: &CookieKeys, issuer: &str) -> Gate {
    let provider = DevProvider::builder().issuer(issuer).build();
    Gate::builder()
        .base_url("http://localhost:3000")
        .cookie_keys(keys.clone())
        .dev_provider(&provider)
        .build()
        .unwrap()
}

/// The status, and who the handler saw.
async fn ask(gate: &Gate, cookies: &[&HeaderValue]) -> (StatusCode, Option<String>) {
    let app = service_fn(async |request: Request<Full<bytes::Bytes>>| {
        let principal = request.extensions().get::<Principal>();
        let mut response = Response::new(Full::<bytes::Bytes>::default());
        if let Some(who) = principal {
            response.extensions_mut().insert(who.subject().to_owned());
        }
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::get("/me").body(Full::default()).unwrap();
    *request.headers_mut() = cookies
        .iter()
        .map(|c| (COOKIE, (*c).clone()))
        .collect::<HeaderMap>();
    let response = GateLayer::new(gate)
        .layer(app)
        .oneshot(request)
        .await
        .unwrap();
    (
        response.status(),
        response.extensions().get::<String>().cloned(),
    )
}

#[tokio::test]
async fn a_session_of_the_provider_before_is_worth_nothing_at_the_present_one() {
    let keys = CookieKeys::ephemeral();
    let (before, now) = (
        gate(&keys, "http://localhost:4001"),
        gate(&keys, "http://localhost:4002"),
    );
    let mallory = session(&before, user("mallory").group("admins").build()).await;
    assert_eq!(
        ask(&before, &[&mallory]).await,
        (StatusCode::OK, Some("mallory".into()))
    );
    assert_eq!(
        ask(&now, &[&mallory]).await,
        (StatusCode::UNAUTHORIZED, None)
    );
}

/// Two providers can have one issuer: two clients of it, say, with users of their own.
#[tokio::test]
async fn a_session_of_the_same_issuer_under_another_name_is_worth_nothing() {
    let keys = CookieKeys::ephemeral();
    let named = |name: &str| {
        let provider = DevProvider::builder()
            .issuer("http://localhost:4001")
            .build();
        Gate::builder()
            .base_url("http://localhost:3000")
            .cookie_keys(keys.clone())
            .http_client(provider.http_client())
            .provider(Provider::new(
                name,
                provider.issuer(),
                "dev",
                ClientAuth::none(),
            ))
            .build()
            .unwrap()
    };
    let (staff, guests) = (named("staff"), named("guests"));
    let mallory = session(&guests, user("mallory").build()).await;
    assert_eq!(ask(&guests, &[&mallory]).await.0, StatusCode::OK);
    assert_eq!(
        ask(&staff, &[&mallory]).await,
        (StatusCode::UNAUTHORIZED, None)
    );
}

#[tokio::test]
async fn of_two_users_sessions_in_one_request_neither_counts() {
    let gate = gate(&CookieKeys::ephemeral(), "http://localhost:4001");
    let alice = session(&gate, user("alice").build()).await;
    let again = session(&gate, user("alice").build()).await;
    let mallory = session(&gate, user("mallory").build()).await;
    assert_eq!(
        ask(&gate, &[&mallory, &alice]).await,
        (StatusCode::UNAUTHORIZED, None)
    );
    assert_eq!(
        ask(&gate, &[&alice, &mallory]).await,
        (StatusCode::UNAUTHORIZED, None)
    );
    assert_eq!(
        ask(&gate, &[&again, &alice]).await,
        (StatusCode::OK, Some("alice".into()))
    );
}

#[tokio::test]
async fn thousands_of_cookies_of_logins_are_not_answered_one_by_one() {
    let gate = gate(&CookieKeys::ephemeral(), "http://localhost:4001");
    gate.ready().await.unwrap();
    let app = service_fn(async |_: Request<Full<bytes::Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
    });
    let navigation = || {
        Request::get("/me")
            .header("accept", "text/html")
            .body(Full::default())
            .unwrap()
    };
    let ask = async |request| {
        GateLayer::new(&gate)
            .layer(app)
            .oneshot(request)
            .await
            .unwrap()
    };
    let response = ask(navigation()).await;
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    let (prefix, _) = cookie.split_once("-login-").unwrap();
    let many: Vec<_> = (0..2_000)
        .map(|i| format!("{prefix}-login-{i}=x"))
        .collect();
    let mut request = navigation();
    request
        .headers_mut()
        .insert(COOKIE, many.join("; ").parse().unwrap());
    let response = ask(request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        response.headers().get_all("set-cookie").iter().count(),
        17,
        "one begun, sixteen of twenty removed"
    );
}

#[tokio::test]
async fn a_user_with_many_groups_has_a_session_in_two_cookies() {
    let gate = gate(&CookieKeys::ephemeral(), "http://localhost:4001");
    let many = (0..150).fold(user("alice"), |user, i| {
        user.group(format!("department-number-{i}"))
    });
    let cookies = session(&gate, many.build()).await;
    let [first, second] = cookies.to_str().unwrap().split("; ").collect::<Vec<_>>()[..] else {
        panic!("expected two cookies: {} bytes", cookies.len())
    };
    let both = HeaderValue::from_str(&format!("{second}; {first}")).unwrap();
    assert_eq!(
        ask(&gate, &[&both]).await,
        (StatusCode::OK, Some("alice".into()))
    );
    for one in [first, second] {
        let alone = HeaderValue::from_str(one).unwrap();
        assert_eq!(
            ask(&gate, &[&alone]).await,
            (StatusCode::UNAUTHORIZED, None)
        );
    }
}
