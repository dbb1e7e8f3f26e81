use super::*;
use oidc_gate_tower::testing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What the program answers to a request with this `Cookie` header.
async fn answer(gate: &Gate, cookie: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let request = format!("GET / HTTP/1.0\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::select! {
        end = serve(gate, listener) => end.unwrap(),
        read = stream.read_to_string(&mut answer) => drop(read.unwrap()),
    }
    answer
}

#[tokio::test]
async fn a_session_is_recognised_and_the_requirement_holds() {
    let gate = testing::gate().build().unwrap();
    for (user, begins, ends) in [
        (
            testing::user("bob").name("Bob").group("staff"),
            "HTTP/1.0 200",
            "\r\n\r\nBob",
        ),
        (testing::user("carol"), "HTTP/1.0 403", "}"),
    ] {
        let cookie = testing::session(&gate, user.build()).await;
        let answer = answer(&gate, cookie.to_str().unwrap()).await;
        assert!(answer.starts_with(begins), "{answer}");
        assert!(answer.ends_with(ends), "{answer}");
    }
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let gate = testing::gate().build().unwrap();
    let answer = answer(&gate, "a=b").await;
    assert!(answer.starts_with("HTTP/1.0 401"), "{answer}");
}
