//! The proxy on a port, what is sent to it, and the upstream behind it.

use crate::table::{Answer, Case, Lines, Seen};
use http::Uri;
use oidc_gate_tower::Gate;
use reverse_proxy::{Proxy, Server, Settings, Upstreams, serve};
use std::{
    future::pending,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// A proxy behind this gate, until the test ends.
pub(crate) async fn proxy(gate: &Gate, upstream: SocketAddr) -> SocketAddr {
    let upstream = format!("http://{upstream}").parse::<Uri>().unwrap();
    let proxy = Proxy::new(gate, Settings::new(Upstreams::server(upstream))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(
        Server::default(),
        gate.clone(),
        proxy,
        listener,
        pending(),
    ));
    address
}

/// Says what has reached it.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl Upstream {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(None));
        let to = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(receive(stream, to.clone()));
            }
        });
        Self { address, seen }
    }

    /// The request since the last time, if there was one.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap().take()
    }
}

async fn receive(mut stream: TcpStream, seen: Arc<Mutex<Option<Seen>>>) {
    let message = Message::read(&mut stream, Reading::Request).await;
    let target = message
        .first
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let before = seen.lock().unwrap().replace(Seen {
        who: None,
        target,
        headers: message.headers,
    });
    assert!(before.is_none(), "two requests have come of one");
    let length = if message.first.starts_with("HEAD ") {
        ""
    } else {
        "inner"
    };
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n{length}");
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// What is answered to a request with these headers.
pub(crate) async fn ask(proxy: SocketAddr, case: &Case, headers: &[(String, String)]) -> Answer {
    let mut lines = format!("{} HTTP/1.1\r\nHost: app.test\r\n", case.request);
    for (name, value) in headers {
        lines += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| name == "connection") {
        lines += "Connection: close\r\n";
    }
    if !case.body.is_empty() || case.request.starts_with('P') {
        lines += &format!("Content-Length: {}\r\n", case.body.len());
    }
    let socket = TcpSocket::new_v4().unwrap();
    let from: IpAddr = case.from.parse().unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    let mut stream = socket.connect(proxy).await.unwrap();
    stream
        .write_all(format!("{lines}\r\n{}", case.body).as_bytes())
        .await
        .unwrap();
    let reading = match case.request.starts_with("HEAD ") {
        true => Reading::Head,
        false => Reading::Answer,
    };
    let message = Message::read(&mut stream, reading).await;
    let status = message.first.split(' ').nth(1).unwrap_or_default();
    Answer {
        status: status.parse().unwrap_or_default(),
        headers: message.headers,
        body: message.body,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Request,
    Answer,
    /// An answer to HEAD.
    Head,
}

struct Message {
    first: String,
    headers: Lines,
    body: String,
}

impl Message {
    async fn read(stream: &mut TcpStream, reading: Reading) -> Self {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            assert!(
                more(stream, &mut bytes).await,
                "the connection ended in a head"
            );
        };
        let mut body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        let headers = Lines(headers.collect());
        let length = headers
            .all("content-length")
            .next()
            .map(|length| length.parse().unwrap());
        let chunked = headers.all("transfer-encoding").next().is_some();
        match (reading, length) {
            (Reading::Head, _) => {}
            (_, Some(length)) => while body.len() < length && more(stream, &mut body).await {},
            _ if chunked => while !body.ends_with(b"0\r\n\r\n") && more(stream, &mut body).await {},
            (Reading::Request, None) => {}
            (Reading::Answer, None) => while more(stream, &mut body).await {},
        }
        let body = String::from_utf8(body).unwrap();
        Self {
            first,
            headers,
            body,
        }
    }
}

/// Reads a piece. Whether there was one.
async fn more(stream: &mut TcpStream, into: &mut Vec<u8>) -> bool {
    let mut piece = [0; 8192];
    let read = stream.read(&mut piece).await.unwrap_or_default();
    into.extend_from_slice(&piece[..read]);
    read != 0
}
