//! The provider on a port.

use super::{DevProvider, answer::Lost, state::Issuer};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::net::TcpListener;
use tower_service::Service as _;

/// Longer than anybody waits.
const LATE: Duration = Duration::from_secs(120);

impl DevProvider {
    /// Serves on this port of the loopback interface until the runtime ends: on `127.0.0.1`, and on `[::1]` too where
    /// that is free, because browsers may look for `localhost` there. Port 0 takes any free port.
    ///
    /// Unless an issuer was given, it becomes `http://localhost:{port}`. So listen first, then make the gate.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    ///
    /// # Security
    ///
    /// Everybody with a process on this machine can sign in as anybody. Nobody else can: no other interface is bound.
    pub async fn listen(&self, port: u16) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| {
                let text =
                    format!("the development provider cannot listen on 127.0.0.1:{port}: {error}");
                io::Error::new(error.kind(), text)
            })?;
        let address = listener.local_addr()?;
        self.name_after_port(address.port());
        self.serve(listener);
        // Many machines have no IPv6, and the browser then does not look there either.
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await {
            self.serve(listener);
        }
        self.warn(address);
        Ok(address)
    }

    /// As [`listen`](Self::listen), on any address: inside a container, say, whose port only the host can reach.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    ///
    /// # Security
    ///
    /// Everybody who can reach the address can sign in as anybody.
    pub async fn danger_listen_anywhere(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        self.name_after_port(address.port());
        self.serve(listener);
        self.warn(address);
        Ok(address)
    }

    fn name_after_port(&self, port: u16) {
        let mut state = self.state();
        state.logouts.sites.on_a_port = true;
        if !state.issuer.given
            && let Some(issuer) = Issuer::parse(&format!("http://localhost:{port}"), false)
        {
            state.issuer = issuer;
        }
    }

    fn warn(&self, address: SocketAddr) {
        tracing::warn!(
            %address,
            issuer = self.issuer(),
            "the development provider signs in anybody without a password: never use it in production"
        );
    }

    fn serve(&self, listener: TcpListener) {
        let provider = self.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve_connection(
                        provider.clone(),
                        TokioIo::new(stream),
                    ))),
                    // Out of file descriptors, most likely: give the others time to close theirs.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
    }
}

async fn serve_connection(provider: DevProvider, io: TokioIo<tokio::net::TcpStream>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut provider = provider.clone();
        async move {
            let response = match provider.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            // An error here makes hyper close the connection without an answer.
            match response.extensions().get::<Lost>() {
                Some(Lost::Late) => {
                    tokio::time::sleep(LATE).await;
                    Err(Silence)
                }
                Some(_) => Err(Silence),
                None => Ok(response),
            }
        }
    });
    // A connection that breaks is the browser's affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(io, service)
        .await;
}

#[derive(Debug)]
struct Silence;

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault is on that loses answers")
    }
}

impl std::error::Error for Silence {}
