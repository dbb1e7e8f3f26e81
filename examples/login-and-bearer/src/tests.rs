use super::*;
use axum::body::Body;
use axum::http::{Request, Response, header};
use http_body_util::BodyExt as _;
use oidc_gate_axum::testing::{self, Browser};
use std::time::Duration;
use tower::ServiceExt as _;

async fn ask(gate: &Gate, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let app = gate.protect(app(gate)).layer(CorsLayer::permissive());
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn a_program_is_let_in_by_its_token() {
    let provider = DevProvider::demo();
    let gate = gate(&provider).unwrap();
    let token = demo::token(&provider, Duration::from_secs(60));
    let headers = [("authorization", &*format!("Bearer {token}"))];
    let answer = ask(&gate, "/api/orders", &headers).await;
    assert_eq!(
        text(answer).await,
        r#"{"api_client":true,"for":"alice","orders":["tea"]}"#
    );
}

#[tokio::test]
async fn a_user_is_let_in_by_a_session() {
    let provider = DevProvider::demo();
    let gate = gate(&provider).unwrap();
    let mut browser = Browser::new()
        .site("http://localhost:3000", gate.protect(app(&gate)))
        .site("http://localhost:3001", provider);
    browser.get("http://localhost:3000/").await;
    let page = browser.sign_in_as("alice").await;
    assert!(page.body.ends_with(" /oauth2/start?rd=%2F"), "{page:?}");
    let orders = browser.fetch(&format!("{API}/orders")).await;
    assert!(orders.body.contains(r#""api_client":false"#), "{orders:?}");
}

#[tokio::test]
async fn a_script_of_another_origin_reads_what_is_wrong_with_its_token() {
    let gate = gate(&DevProvider::demo()).unwrap();
    let origin = ("origin", "https://elsewhere.example");
    let bad = [("authorization", "Bearer x"), origin];
    for (headers, told) in [
        (&bad[..], r#"Bearer error="invalid_token""#),
        (&[origin], "Bearer"),
    ] {
        let answer = ask(&gate, "/api/orders", headers).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], told);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}

#[tokio::test]
async fn a_bad_token_does_not_fall_back_to_the_session() {
    let gate = gate(&DevProvider::demo()).unwrap();
    let cookie = testing::session(&gate, testing::user("alice").build()).await;
    let headers = [
        ("authorization", "Bearer x"),
        ("cookie", cookie.to_str().unwrap()),
    ];
    assert_eq!(ask(&gate, "/api/orders", &headers).await.status(), 401);
    assert_eq!(ask(&gate, "/api/orders", &headers[1..]).await.status(), 200);
}

#[tokio::test]
async fn a_test_makes_its_tokens_itself() {
    let gate = gate(&DevProvider::demo()).unwrap();
    let token = testing::bearer(&gate, testing::user("zoe").build());
    let headers = [("authorization", token.to_str().unwrap())];
    let answer = ask(&gate, "/api/orders", &headers).await;
    assert!(text(answer).await.contains(r#""for":"zoe""#));
}
