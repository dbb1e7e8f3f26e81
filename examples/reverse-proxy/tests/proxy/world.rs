//! A gate and a proxy on a port, and upstreams that show what they get, byte for byte.

use http::Uri;
use oidc_gate_tower::{Gate, GateBuilder, IdentityHeaders, Pattern, testing};
use reverse_proxy::{Proxy, Server, Settings, Target, Upstream, Upstreams, serve};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Gate,
    enough: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// A proxy whose `/open…` is open, in front of one upstream.
pub(crate) async fn world(upstream: SocketAddr) -> World {
    world_with(settings(upstream), Server::default(), |gate| gate).await
}

pub(crate) fn settings(upstream: SocketAddr) -> Settings {
    Settings::new(Upstreams::server(
        format!("http://{upstream}").parse::<Uri>().unwrap(),
    ))
}

pub(crate) async fn world_with(
    settings: Settings,
    server: Server,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let gate = testing::gate()
        .open(Pattern::prefix("/open"))
        .bypass(Pattern::prefix("/bypass"))
        .identity_headers(IdentityHeaders::forwarded());
    let gate = build(gate).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy::new(&gate, settings).unwrap();
    let (enough, said) = oneshot::channel();
    let said = async { said.await.unwrap_or_default() };
    let served = tokio::spawn(serve(server, gate.clone(), proxy, listener, said));
    World {
        address,
        gate,
        enough: Some(enough),
        served,
    }
}

impl World {
    /// A `Cookie` line of a user who is signed in.
    pub(crate) async fn alice(&self) -> String {
        let alice = testing::user("alice")
            .email("alice@example.com")
            .group("a, b")
            .build();
        let cookie = testing::session(&self.gate, alice).await;
        format!("Cookie: {}\r\n", cookie.to_str().unwrap())
    }

    /// What is answered to these bytes until the connection ends.
    pub(crate) async fn raw(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Whoever is refused may find the connection reset.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One request with these lines, over a connection of its own.
    pub(crate) async fn ask(&self, line: &str, headers: &str) -> String {
        let host = "Host: app.example\r\nConnection: close\r\n";
        self.raw(&format!("{line} HTTP/1.1\r\n{host}{headers}\r\n"))
            .await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Says that it is enough, and waits until all has ended.
    pub(crate) async fn end(mut self) {
        drop(self.enough.take());
        tokio::time::timeout(Duration::from_secs(20), &mut self.served)
            .await
            .unwrap()
            .unwrap();
    }
}

/// An upstream that answers with what it got: the head as it came, then a blank line and the body.
pub(crate) async fn mirror() -> SocketAddr {
    upstream(async |mut stream| {
        let (head, mut body) = read_head(&mut stream).await;
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        match length {
            Some(length) => {
                while body.len() < length {
                    read_more(&mut stream, &mut body).await;
                }
            }
            None if header(&head, "transfer-encoding").is_some() => {
                while !body.ends_with(b"\r\n\r\n") {
                    read_more(&mut stream, &mut body).await;
                }
            }
            None => {}
        }
        let got = [head.as_bytes(), &body].concat();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n", got.len());
        let _ = stream.write_all(&[answer.as_bytes(), &got].concat()).await;
    })
    .await
}

/// An upstream that does this with every connection.
pub(crate) async fn upstream<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(each(stream));
        }
    });
    address
}

/// A head with its blank line, and what came behind it already.
pub(crate) async fn read_head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut got = Vec::new();
    loop {
        if let Some(at) = got.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = got.split_off(at + 4);
            return (String::from_utf8(got).unwrap(), body);
        }
        read_more(stream, &mut got).await;
    }
}

async fn read_more(stream: &mut TcpStream, into: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    assert_ne!(read, 0, "the connection ended in the middle");
    into.extend_from_slice(&buffer[..read]);
}

/// The value of a header in a head; several with ` + ` between them.
pub(crate) fn header(head: &str, name: &str) -> Option<String> {
    let head = head.split("\r\n\r\n").next().unwrap();
    let values: Vec<_> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect();
    Some(values.join(" + ")).filter(|values| !values.is_empty())
}

/// What the mirror got, out of the answer.
pub(crate) fn mirrored(answer: &str) -> &str {
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1
}

pub(crate) fn at(path: &str, target: Target) -> Upstream {
    Upstream {
        path: path.to_owned(),
        target,
    }
}
