//! Large bodies pass in little memory: measured in a process of its own.

use crate::world::{header, read_head, settings, upstream, world_with};
use oidc_gate_tower::Pattern;
use reverse_proxy::Server;
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const GIB: usize = 1 << 30;
const UPSTREAM: &str = "REVERSE_PROXY_TEST_UPSTREAM";

/// Serves in a process of its own, as long as its parent lives.
#[tokio::test]
#[ignore = "no test of its own: another one starts it"]
async fn the_process_that_is_measured() {
    let address = std::env::var(UPSTREAM).unwrap();
    let settings = settings(address.parse().unwrap());
    let server = Server::default();
    let w = world_with(settings, server, |gate| gate.bypass(Pattern::prefix("/"))).await;
    println!("\nlistening at {}", w.address);
    // Until the parent is gone.
    tokio::io::stdin()
        .read_to_end(&mut Vec::new())
        .await
        .unwrap();
}

struct Measured {
    child: Child,
    address: SocketAddr,
}

impl Measured {
    fn start(upstream: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "streams::the_process_that_is_measured",
            ])
            .env(UPSTREAM, upstream.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find_map(|line| {
            let address = line.strip_prefix("listening at ")?;
            address.parse().ok()
        });
        Self {
            child,
            address: line.unwrap(),
        }
    }

    /// The most memory it ever had, in KiB.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim()
            .strip_suffix(" kB")
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a GiB, or counts one.
async fn source_and_sink() -> SocketAddr {
    upstream(async |mut stream| {
        let (head, begun) = read_head(&mut stream).await;
        if head.starts_with("GET ") {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            return send(&mut stream).await;
        }
        assert_eq!(header(&head, "content-length").unwrap(), GIB.to_string());
        let got = begun.len() + receive(&mut stream, GIB - begun.len()).await;
        let text = got.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}

async fn send(stream: &mut TcpStream) {
    let piece = vec![b'a'; 1 << 18];
    for _ in 0..GIB / piece.len() {
        stream.write_all(&piece).await.unwrap();
    }
}

async fn receive(stream: &mut TcpStream, wanted: usize) -> usize {
    let (mut got, mut buffer) = (0, vec![0; 1 << 18]);
    while got < wanted {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the stream ended after {got} bytes");
        got += read;
    }
    got
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_gib_passes_either_way_in_constant_memory() {
    let measured = Measured::start(source_and_sink().await);
    let before = measured.peak();

    let mut down = TcpStream::connect(measured.address).await.unwrap();
    down.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let (head, begun) = read_head(&mut down).await;
    assert_eq!(header(&head, "content-length").unwrap(), GIB.to_string());
    assert_eq!(
        begun.len() + receive(&mut down, GIB - begun.len()).await,
        GIB
    );

    let mut up = TcpStream::connect(measured.address).await.unwrap();
    let head = format!("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: {GIB}\r\n\r\n");
    up.write_all(head.as_bytes()).await.unwrap();
    send(&mut up).await;
    let (_, mut text) = read_head(&mut up).await;
    while text.len() < GIB.to_string().len() {
        let mut more = [0; 16];
        let read = up.read(&mut more).await.unwrap();
        text.extend_from_slice(&more[..read]);
    }
    assert_eq!(text, GIB.to_string().as_bytes());

    let after = measured.peak();
    println!("2 GiB have passed; at most {after} KiB of memory, {before} KiB before");
    assert!(
        after - before < 16 * 1024,
        "{before} KiB before, {after} KiB after 2 GiB"
    );
}
