use super::*;
use oidc_gate_axum::testing;
use tonic::{
    Code, Status,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};

/// Both servers of the program.
const BOTH: [Served; 2] = [Served::InAxum, Served::Alone];

#[derive(Clone, Copy, Debug)]
enum Served {
    InAxum,
    Alone,
}

/// The program, on a port, and a client of tonic's own that is connected to it.
async fn connected(gate: &Gate, served: Served) -> Channel {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    match served {
        Served::InAxum => {
            let app = gate.protect(app());
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
        Served::Alone => {
            let gate = gate.clone();
            tokio::spawn(async move { serve(gate, listener.into()).await.unwrap() });
        }
    }
    let endpoint = Endpoint::from_shared(address).unwrap();
    endpoint.connect().await.unwrap()
}

/// Calls a method with this `authorization`.
async fn call(channel: &Channel, method: &str, authorization: &str) -> Result<String, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = tonic::Request::new("hello".to_owned());
    if !authorization.is_empty() {
        let value = MetadataValue::try_from(authorization).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let path = method.parse().unwrap();
    let answer = client.unary(request, path, text::Text).await?;
    Ok(answer.into_inner())
}

fn token(gate: &Gate, scope: &str) -> String {
    let alice = testing::user("alice").name("Alice").scope(scope).build();
    let header = testing::bearer(gate, alice);
    header.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_caller_is_known_by_its_token() {
    let gate = gate(&DevProvider::demo()).unwrap();
    for served in BOTH {
        let channel = connected(&gate, served).await;
        let answer = call(&channel, "/hello.Greeter/Hello", &token(&gate, "greet")).await;
        assert_eq!(answer.unwrap(), "hello, Alice", "{served:?}");
    }
}

#[tokio::test]
async fn nobody_is_unauthenticated_and_whoever_may_not_is_denied() {
    let gate = gate(&DevProvider::demo()).unwrap();
    for served in BOTH {
        let channel = connected(&gate, served).await;
        for (method, authorization, code) in [
            ("/hello.Greeter/Hello", String::new(), Code::Unauthenticated),
            (
                "/hello.Greeter/Hello",
                "Bearer x".into(),
                Code::Unauthenticated,
            ),
            (
                "/hello.Greeter/Hello",
                token(&gate, "read"),
                Code::PermissionDenied,
            ),
            (
                "/another.Service/Call",
                String::new(),
                Code::Unauthenticated,
            ),
        ] {
            let status = call(&channel, method, &authorization).await.unwrap_err();
            assert_eq!(status.code(), code, "{served:?} {method} {authorization}");
        }
    }
    // The numbers that the protocol has for them.
    assert_eq!(
        (Code::Unauthenticated as i32, Code::PermissionDenied as i32),
        (16, 7)
    );
}

#[tokio::test]
async fn a_page_lives_on_the_same_port() {
    use tower::ServiceExt as _;
    let gate = gate(&DevProvider::demo()).unwrap();
    let request = http::Request::get("/").header("authorization", token(&gate, "read"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = gate.protect(app()).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 1000)
        .await
        .unwrap();
    assert_eq!(body, "this page is for everybody, and you are Alice");
}
