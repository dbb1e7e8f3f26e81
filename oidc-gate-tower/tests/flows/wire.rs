//! The way to the provider, watched.

use http::Response;
use oidc_gate_tower::{
    HttpClient, TransportError,
    core::flow::{Exchange, Transport},
    dev::InProcess,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// The development provider's HTTP client, with a list of what went over it. Clones are the same wire.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    provider: InProcess,
    sent: Mutex<Vec<Sent>>,
    held: watch::Sender<Option<&'static str>>,
    tamper: Mutex<Option<Tamper>>,
    /// Addresses that lead to another.
    aliases: Mutex<HashMap<&'static str, &'static str>>,
}

type Tamper = Box<dyn FnMut(&str, &mut Response<Vec<u8>>) + Send>;

/// One exchange.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
    pub(crate) answer: String,
    pub(crate) transport: Transport,
}

impl Wire {
    pub(crate) fn new(provider: InProcess) -> Self {
        Self(Arc::new(Inner {
            provider,
            sent: Mutex::default(),
            held: watch::Sender::new(None),
            tamper: Mutex::default(),
            aliases: Mutex::default(),
        }))
    }

    /// Requests to this path wait until [`release`](Self::release). They are counted at once.
    pub(crate) fn hold(&self, path: &'static str) {
        self.0.held.send_replace(Some(path));
    }

    pub(crate) fn release(&self) {
        self.0.held.send_replace(None);
    }

    /// Requests to this address are answered by another one, whatever its host. They are counted by their own path.
    pub(crate) fn alias(&self, address: &'static str, to: &'static str) {
        self.0.aliases.lock().unwrap().insert(address, to);
    }

    /// Changes answers on their way.
    pub(crate) fn tamper(&self, tamper: impl FnMut(&str, &mut Response<Vec<u8>>) + Send + 'static) {
        *self.0.tamper.lock().unwrap() = Some(Box::new(tamper));
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().unwrap().clone()
    }

    /// How many requests went to this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.sent().iter().filter(|sent| sent.path == path).count()
    }

    /// How many discovery, key and token requests there were.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (
            self.count(DISCOVERY),
            self.count("/jwks"),
            self.count("/token"),
        )
    }
}

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";

impl HttpClient for Wire {
    async fn send(&self, mut exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let path = exchange.request.uri().path().to_owned();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let authorization = exchange.request.headers().get("authorization");
        let at = {
            let mut sent = self.0.sent.lock().unwrap();
            sent.push(Sent {
                path: path.clone(),
                authorization: authorization.map_or(String::new(), |value| text(value.as_bytes())),
                body: text(exchange.request.body()),
                answer: String::new(),
                transport: exchange.transport,
            });
            sent.len() - 1
        };
        let mut held = self.0.held.subscribe();
        // The sender lives as long as the wire.
        drop(held.wait_for(|held| *held != Some(path.as_str())).await);
        let address = exchange.request.uri().to_string();
        let alias = self.0.aliases.lock().unwrap().get(&*address).copied();
        if let Some(to) = alias {
            *exchange.request.uri_mut() = http::Uri::from_static(to);
        }
        let mut answer = self.0.provider.send(exchange).await?;
        if let Some(tamper) = &mut *self.0.tamper.lock().unwrap() {
            tamper(&path, &mut answer);
        }
        self.0.sent.lock().unwrap()[at].answer = text(answer.body());
        Ok(answer)
    }
}
