//! What files and variables say about the process around a gate.

use crate::{
    BoxError, Certificates, Host, ListenTls, OldestTls, Server, Settings, Target, Upstream,
    Upstreams, WebSockets,
};
use oidc_gate_tower::config;

impl Settings {
    /// As it is configured.
    ///
    /// # Errors
    ///
    /// If an upstream is of a kind that there is no proxy for.
    pub fn configured(said: &config::Server) -> Result<Self, BoxError> {
        let upstreams = said.upstreams().iter().map(upstream);
        let mut settings = Self::new(Upstreams::new(upstreams.collect::<Result<Vec<_>, _>>()?));
        settings.answer_timeout = said.upstream_timeout();
        if !said.passes_host() {
            settings.host = Host::Upstreams;
        }
        if !said.passes_websockets() {
            settings.websockets = WebSockets::Refused;
        }
        if said.danger_upstream_any_certificate() {
            settings.certificates = Certificates::DangerAny;
        }
        Ok(settings)
    }
}

impl Server {
    /// As it is configured.
    ///
    /// # Errors
    ///
    /// If the certificate cannot be read.
    pub fn configured(said: &config::Server) -> Result<Self, BoxError> {
        let mut server = Self::default();
        server.probes.ping = said.ping_path().map(str::to_owned);
        server.probes.ready = said.ready_path().map(str::to_owned);
        if let Some((certificate, key)) = said.tls() {
            let oldest = match said.tls_min_version() {
                config::TlsVersion::Tls13 => OldestTls::Tls13,
                _ => OldestTls::Tls12,
            };
            server.tls = Some(ListenTls::read(certificate, key, oldest)?);
        }
        Ok(server)
    }
}

fn upstream(said: &config::Upstream) -> Result<Upstream, BoxError> {
    let target = match &said.target {
        config::Target::Http(origin) => Target::Server(origin.clone()),
        config::Target::Directory(directory) => Target::Directory(directory.clone()),
        config::Target::Status(status) => Target::Status(*status),
        other => return Err(format!("no proxy for the upstream {other:?}").into()),
    };
    Ok(Upstream {
        path: said.path.clone(),
        target,
    })
}
