//! The HTTP client that comes along, against a server that does as it is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::{Request, StatusCode};
use oidc_gate_tower::{
    HttpClient as _, ReqwestClient, TransportError,
    core::flow::{Exchange, Failure, Transport},
};
use std::{
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};

/// A server that answers every request with these bytes and closes.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    /// When time began to run by itself.
    silent: Arc<OnceLock<Instant>>,
}

enum Answer {
    Bytes(String),
    /// Nothing, and the connection is closed.
    Close,
    /// Nothing, and from then on the time in this runtime runs by itself.
    Silence,
}

async fn server(answer: Answer) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let silent = Arc::new(OnceLock::new());
    let (counted, since) = (requests.clone(), silent.clone());
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0);
            counted.fetch_add(1, Ordering::SeqCst);
            match &answer {
                Answer::Bytes(bytes) => {
                    // A client that has read enough may close first.
                    drop(stream.write_all(bytes.as_bytes()).await);
                }
                Answer::Close => {}
                Answer::Silence => {
                    tokio::time::pause();
                    since.set(Instant::now()).unwrap();
                    open.push(stream);
                }
            }
        }
    });
    Server {
        address,
        requests,
        silent,
    }
}

impl Server {
    fn exchange(&self) -> Exchange {
        let request = Request::post(format!("http://{}/token", self.address));
        Exchange::new(request.body(b"code=hush".to_vec()).unwrap())
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn with_body(body: &str) -> Answer {
    Answer::Bytes(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn chunked(body: &str) -> Answer {
    let mut answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".to_owned();
    for byte in body.chars() {
        answer += &format!("1\r\n{byte}\r\n");
    }
    Answer::Bytes(answer + "0\r\n\r\n")
}

async fn send(exchange: Exchange) -> Result<http::Response<Vec<u8>>, TransportError> {
    ReqwestClient::new().unwrap().send(exchange).await
}

fn failure(result: Result<http::Response<Vec<u8>>, TransportError>) -> Failure {
    let error = result.unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert!(
        !format!("{error} {error:?} {source:?}").contains("/token"),
        "{error:?}"
    );
    error.failure()
}

#[tokio::test]
async fn an_answer_comes_as_it_is_whatever_its_status() {
    let answer =
        "HTTP/1.1 401 Unauthorized\r\nX-Y: z\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let server = server(Answer::Bytes(answer.to_owned())).await;
    let response = send(server.exchange()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["x-y"], "z");
    assert_eq!(response.body(), b"no");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let server = server(Answer::Bytes(answer)).await;
        let response = send(server.exchange()).await.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn no_more_is_read_than_is_allowed() {
    let body = "x".repeat(1000);
    for make in [with_body, chunked] {
        for (max, fits) in [(1000, true), (999, false), (0, false)] {
            let server = server(make(&body)).await;
            let mut exchange = server.exchange();
            exchange.max_body_bytes = max;
            let result = send(exchange).await;
            match fits {
                true => assert_eq!(result.unwrap().body().len(), 1000),
                false => assert_eq!(failure(result), Failure::TooLarge),
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_at_the_deadline() {
    let server = server(Answer::Silence).await;
    let begun = Instant::now();
    let exchange = server.exchange();
    let deadline = exchange.deadline;
    // The request arrived, so the code in it may be used up.
    assert_eq!(failure(send(exchange).await), Failure::Unknown);
    assert_eq!(server.requests(), 1);
    assert!(begun.elapsed() >= deadline);
    // From here on nothing but timers lets time pass, and they count in milliseconds.
    let waited = server.silent.get().unwrap().elapsed();
    assert!(waited <= deadline + Duration::from_millis(1), "{waited:?}");
}

#[tokio::test]
async fn nobody_there_is_known_to_be_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let request = Request::get(format!("http://{address}/token"));
    let exchange = Exchange::new(request.body(vec![]).unwrap());
    assert_eq!(failure(send(exchange).await), Failure::NotSent);
}

#[tokio::test]
async fn a_request_without_an_answer_is_not_sent_again() {
    let server = server(Answer::Close).await;
    assert_eq!(failure(send(server.exchange()).await), Failure::Unknown);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_not_left_out() {
    let server = server(with_body("")).await;
    let mut exchange = server.exchange();
    exchange.transport = Transport::MutualTls;
    assert_eq!(failure(send(exchange).await), Failure::NotSent);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_file_without_certificates_is_refused() {
    let path = |name: &str| std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
    for (name, content) in [
        ("empty.pem", ""),
        ("garbage.pem", "no certificate at all"),
        (
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let path = path(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(content.as_bytes())
            .unwrap();
        let result = ReqwestClient::with_ca_file(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(result.is_err(), "{name}");
    }
    assert!(ReqwestClient::with_ca_file(path("missing.pem")).is_err());
}

#[tokio::test]
async fn a_client_for_public_addresses_reaches_this_machine_by_no_name_and_no_number() {
    let server = server(with_body("{}")).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "0x7f.1",
        "0",
    ] {
        let request = Request::get(format!("http://{host}:{port}/jwks")).body(vec![]);
        let exchange = || Exchange::new(request.as_ref().unwrap().clone());
        let public = ReqwestClient::for_public_addresses().unwrap();
        let failed = public.send(exchange()).await;
        assert_eq!(failure(failed), Failure::NotSent, "{host}");
    }
    assert_eq!(server.requests(), 0);
    assert!(send(server.exchange()).await.is_ok());
}
