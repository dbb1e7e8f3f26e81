//! Connections, until somebody says that it is enough.

use crate::{
    Body, ListenTls, Probes, Proxy,
    answer::{Form, answer, body},
    front::{Front, Scheme},
};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use oidc_gate_tower::{Gate, GateLayer, GateService};
use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt as _;
use tower_service::Service as _;

/// Ends when connections are to end.
type Ending = watch::Receiver<()>;

/// How requests come in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// TLS, if this process is to speak it.
    pub tls: Option<ListenTls>,
    /// How many connections there may be at once; 10,000 unless set. More wait.
    pub max_connections: u32,
    /// How long a request's head may take, and a handshake; 30 seconds unless set.
    pub head_timeout: Duration,
    /// About how large a request's head may be; 64 KiB unless set. What has come in one piece is read as a whole.
    pub max_head_bytes: usize,
    /// Where probes are answered; nowhere unless set.
    pub probes: Probes,
    /// How long whatever is underway may take at the end; 30 seconds unless set.
    pub grace: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            tls: None,
            max_connections: 10_000,
            head_timeout: Duration::from_secs(30),
            max_head_bytes: 64 * 1024,
            probes: Probes::default(),
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves until `enough`, then lets what is underway end: answers, and logins that are being finished. WebSockets end with
/// the process.
pub async fn serve(
    server: Server,
    gate: Gate,
    proxy: Proxy,
    listener: TcpListener,
    enough: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(server.max_connections as usize));
    let service = tower::Layer::layer(&GateLayer::new(&gate), proxy);
    let (end, ending) = watch::channel(());
    let mut enough = pin!(enough);
    loop {
        let place = places.clone().acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut enough => break,
            accepted = accepted => match accepted {
                (place, Ok(accepted)) => (place, accepted),
                (_, Err(error)) => {
                    // Out of file descriptors, most likely: give the others time to close theirs.
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (server, service, ending) = (server.clone(), service.clone(), ending.clone());
        tokio::spawn(async move {
            server.connected(stream, peer, service, ending).await;
            drop(place);
        });
    }
    drop(listener);
    drop(end);
    let all = places.acquire_many(server.max_connections);
    if tokio::time::timeout(server.grace, all).await.is_err() {
        tracing::warn!("answers were underway at the end");
    }
    if let Err(error) = gate.drain(server.grace).await {
        tracing::warn!(%error, "logins were underway at the end");
    }
}

impl Server {
    async fn connected(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        service: GateService<Proxy>,
        ending: Ending,
    ) {
        // It only saves time.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.connection(stream, peer, service, ending).await,
            Some(tls) => match tokio::time::timeout(self.head_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.connection(stream, peer, service, ending).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS came about"),
                Err(_) => tracing::debug!(%peer, "no TLS came about in time"),
            },
        }
    }

    async fn connection<I>(
        &self,
        io: I,
        peer: SocketAddr,
        service: GateService<Proxy>,
        mut ending: Ending,
    ) where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let front = Front {
            scheme: self.tls.as_ref().map_or(Scheme::Http, |_| Scheme::Https),
            trusted: service.gate().trusted_proxies().cloned(),
        };
        let answer = service_fn(move |mut request: Request<Incoming>| {
            let (front, mut service) = (front.clone(), service.clone());
            async move {
                // First of all: a probe is answered whatever its headers say.
                if let Some(answer) = self.probes.answer(service.gate(), &request).await {
                    return Ok(answer.map(|text| body(Full::new(text))));
                }
                match front.receive(&mut request, peer) {
                    Ok(()) => {
                        let Ok(response) = service.ready().await?.call(request).await;
                        Ok::<_, Infallible>(response.map(body))
                    }
                    Err(words) => Ok(misread(words)),
                }
            }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.head_timeout)
                .max_buf_size(self.max_head_bytes)
                .serve_connection(TokioIo::new(io), answer)
                .with_upgrades()
        );
        let ended = tokio::select! {
            ended = &mut connection => ended,
            // Nobody sends anything: the sender's end is the word.
            _ = ending.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended");
        }
    }
}

/// Who has sent one odd request may have meant another by what comes next.
fn misread(words: &'static str) -> Response<Body> {
    let mut response = answer(Form::Json, StatusCode::BAD_REQUEST, words);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}
