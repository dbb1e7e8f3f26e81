//! WebSockets with real frames, after the gate has let them in.

use crate::world::{World, settings, upstream, world, world_with};
use futures_util::{SinkExt as _, StreamExt as _};
use reverse_proxy::{Server, WebSockets};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        handshake::server::{Request, Response},
    },
};

/// Echoes with the user's name in front.
#[expect(clippy::result_large_err, reason = "the other library's shape")]
async fn echo() -> SocketAddr {
    upstream(async |stream| {
        let mut user = String::new();
        let seen = |request: &Request, response: Response| {
            let name = request.headers().get("x-forwarded-user");
            user = name
                .map_or("nobody", |name| name.to_str().unwrap())
                .to_owned();
            Ok(response)
        };
        let Ok(mut socket) = accept_hdr_async(stream, seen).await else {
            return;
        };
        while let Some(Ok(message)) = socket.next().await {
            let echoed = match message {
                Message::Text(text) => Message::text(format!("{user}: {text}")),
                Message::Binary(bytes) => Message::Binary(bytes),
                _ => continue,
            };
            socket.send(echoed).await.unwrap();
        }
    })
    .await
}

async fn open(
    w: &World,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://{}{path}", w.address).into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (socket, _) = client_async(request, w.connect().await).await?;
    Ok(socket)
}

fn status(refused: Result<WebSocketStream<TcpStream>, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn frames_pass_both_ways_for_whoever_is_signed_in() {
    let w = world(echo().await).await;
    let cookie = w.alice().await;
    let cookie = cookie.trim().strip_prefix("Cookie: ").unwrap();
    let own = [
        ("cookie", cookie),
        ("origin", "http://localhost"),
        ("x-forwarded-user", "root"),
    ];
    let mut socket = open(&w, "/ws", &own).await.unwrap();
    for text in ["hello", ""] {
        socket.send(Message::text(text)).await.unwrap();
        let echoed = socket.next().await.unwrap().unwrap();
        assert_eq!(echoed, Message::text(format!("alice: {text}")));
    }
    let large = Message::binary(vec![7; 1 << 20]);
    socket.send(large.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), large);
    socket.close(None).await.unwrap();
    assert!(matches!(
        socket.next().await,
        Some(Ok(Message::Close(_))) | None
    ));

    // Another site's page opens none in this user's name.
    let foreign = [("cookie", cookie), ("origin", "https://evil.example")];
    assert_eq!(status(open(&w, "/ws", &foreign).await), 403);
    assert_eq!(status(open(&w, "/ws", &[("cookie", cookie)]).await), 403);
    assert_eq!(
        status(open(&w, "/ws", &[("origin", "http://localhost")]).await),
        401
    );
    let mut socket = open(&w, "/open/ws", &[("origin", "http://localhost")])
        .await
        .unwrap();
    socket.send(Message::text("hi")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("nobody: hi")
    );
}

#[tokio::test]
async fn one_that_is_open_takes_a_place_until_it_ends() {
    let mut server = Server::default();
    server.max_connections = 1;
    let w = world_with(settings(echo().await), server, |gate| gate).await;
    let own = [("origin", "http://localhost")];
    let mut socket = open(&w, "/open/ws", &own).await.unwrap();
    let mut next = w.connect().await;
    let request = b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    next.write_all(request).await.unwrap();
    let next = tokio::spawn(async move {
        let mut answer = String::new();
        next.read_to_string(&mut answer).await.unwrap();
        answer
    });
    for _ in 0..100 {
        socket.send(Message::text("hi")).await.unwrap();
        let echoed = socket.next().await.unwrap().unwrap();
        assert_eq!(echoed, Message::text("nobody: hi"));
        assert!(!next.is_finished(), "two connections where one may be");
    }
    drop(socket);
    let answer = next.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn one_that_is_open_at_the_end_holds_nobody_up() {
    let w = world(echo().await).await;
    let own = [("origin", "http://localhost")];
    let mut socket = open(&w, "/open/ws", &own).await.unwrap();
    w.end().await;
    assert!(!matches!(socket.next().await, Some(Ok(_))));
}

#[tokio::test]
async fn none_is_opened_where_they_are_switched_off() {
    let mut settings = settings(echo().await);
    settings.websockets = WebSockets::Refused;
    let w = world_with(settings, Server::default(), |gate| gate).await;
    let refused = open(&w, "/open/ws", &[]).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn an_upstream_that_changes_the_protocol_unasked_is_not_followed() {
    let odd = upstream(async |mut stream| {
        let _ = crate::world::read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    })
    .await;
    let w = world(odd).await;
    let answer = w.ask("GET /open/a", "").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}
