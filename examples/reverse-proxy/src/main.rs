//! The gate in front of other servers, configured by files and variables alone: `OIDC_GATE_…`, or the `OAUTH2_PROXY_…` that
//! are there already.
use oidc_gate_tower::config::Config;
use reverse_proxy::{BoxError, Proxy, Server, Settings, serve, serve_metrics};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let config = Config::from_env()?;
    tracing::info!("{}", config.report());
    let said = config.server();
    let gate = config.gate().build()?;
    let proxy = Proxy::new(&gate, Settings::configured(said)?)?;
    let listener = TcpListener::bind((said.host(), said.port())).await?;
    tracing::info!("listening at {}", listener.local_addr()?);
    if let Some(address) = said.metrics_address() {
        let listener = TcpListener::bind(address).await?;
        tracing::info!("metrics at {}", listener.local_addr()?);
        tokio::spawn(serve_metrics(gate.clone(), listener));
    }
    serve(Server::configured(said)?, gate, proxy, listener, enough()).await;
    Ok(())
}

/// Until Ctrl-C, or until whoever runs this process says so.
async fn enough() {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c() => {}
        }
        return;
    }
    let _ = signal::ctrl_c().await;
}
