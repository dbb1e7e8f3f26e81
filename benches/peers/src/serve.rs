//! Each of them on a port of its own, for a load generator.

use crate::{
    contender::{App, Contender, What},
    peers,
    provider::Provider,
};
use axum::extract::Request;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

/// What is asked over the loopback interface. Redirects are answered by none of the applications.
const ASKED: [What; 4] = [What::Open, What::Session, What::Bearer, What::FirstSight];

/// Serves until the standard input ends, on one thread. Prints a line for each, and at last an empty one.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let provider = Provider::start().await;
        for contender in peers::all(&provider).await {
            if ASKED.contains(&contender.what) {
                let port = serve(&contender).await;
                let (name, value) = match &contender.credential {
                    Some((name, value)) => (name.as_str(), value.to_str().unwrap_or_default()),
                    None => ("x-none", "none"),
                };
                println!(
                    "{port}\t{}\t{}\t{}\t{name}: {value}",
                    contender.who, contender.what, contender.path
                );
            }
        }
        println!();
        let ended = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()));
        drop(ended.await);
    });
}

async fn serve(contender: &Contender) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port is free");
    let port = listener.local_addr().map_or(0, |address| address.port());
    match contender.app.clone() {
        App::Router(app) => drop(tokio::spawn(async { axum::serve(listener, app).await })),
        App::Gate(app) => drop(tokio::spawn(async { axum::serve(listener, app).await })),
        App::Given(app) => {
            let app = axum::ServiceExt::<Request>::into_make_service(app);
            drop(tokio::spawn(async { axum::serve(listener, app).await }));
        }
        App::Older(app) => drop(tokio::spawn(async { axum_0_7::serve(listener, app).await })),
        App::GivenOlder(_) => unreachable!("it is a yardstick in one process only"),
    }
    port
}
