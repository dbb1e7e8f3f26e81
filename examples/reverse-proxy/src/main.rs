//! The gate in front of other servers, configured by files and variables alone: `OIDC_GATE_…`, or the `OAUTH2_PROXY_…` that
//! are there already.
use oidc_gate_tower::{Gate, config::Config};
use reverse_proxy::{BoxError, Proxy, Server, Settings, serve, serve_metrics};
use std::{io::Write as _, process::ExitCode};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whatever RUST_LOG says.
            let _ = writeln!(std::io::stderr(), "reverse-proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let config = Config::from_env()?;
    tracing::info!("{}", config.report());
    let said = config.server();
    // Whoever connects is served: all that can fail has been tried by then.
    let server = Server::configured(said)?;
    let gate = config.gate().caller_in_response_extensions().build()?;
    let proxy = Proxy::new(&gate, Settings::configured(said)?)?;
    let metrics = match said.metrics_address() {
        Some((host, port)) => Some(bind(host, port).await?),
        None => None,
    };
    let listener = bind(said.host(), said.port()).await?;
    tracing::info!("listening at {}", listener.local_addr()?);
    if let Some(metrics) = metrics {
        tracing::info!("metrics at {}", metrics.local_addr()?);
        tokio::spawn(serve_metrics(gate.clone(), metrics));
    }
    tokio::spawn(ask(gate.clone()));
    serve(server, gate, proxy, listener, enough()).await;
    Ok(())
}

async fn bind(host: &str, port: u16) -> Result<TcpListener, BoxError> {
    let bound = TcpListener::bind((host, port)).await;
    bound.map_err(|error| {
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        format!("cannot listen at {host}:{port}: {error}").into()
    })
}

/// Says at the start what the first user would find out. A provider that comes up later is asked again when it is needed.
async fn ask(gate: Gate) {
    match gate.ready().await {
        Ok(()) => tracing::info!("the provider has answered: users can sign in"),
        Err(failed) => tracing::warn!(
            check = %failed.check(), cause = failed.cause(), remedy = failed.check().remedy(),
            "nobody can sign in yet"
        ),
    }
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
