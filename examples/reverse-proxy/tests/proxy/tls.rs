//! TLS to browsers and to upstreams.

use crate::world::{header, mirror, mirrored, settings, world_with};
use http::Uri;
use reverse_proxy::{Certificates, ListenTls, OldestTls, Server, Settings, Upstreams};
use std::net::SocketAddr;

/// A server with a certificate that no authority has signed.
async fn with_tls(upstream: SocketAddr) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let place =
        std::env::temp_dir().join(format!("reverse-proxy-{}-{upstream}", std::process::id()));
    let (certificate, key) = (place.with_extension("crt"), place.with_extension("key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut server = Server::default();
    server.tls = Some(ListenTls::read(&certificate, &key, OldestTls::Tls13).unwrap());
    std::fs::remove_file(certificate).unwrap();
    std::fs::remove_file(key).unwrap();
    let w = world_with(settings(upstream), server, |gate| gate).await;
    let address = w.address;
    // It serves as long as the test runs.
    std::mem::forget(w);
    address
}

async fn in_front_of(upstream: SocketAddr, certificates: Certificates) -> String {
    let origin: Uri = format!("https://localhost:{}", upstream.port())
        .parse()
        .unwrap();
    let mut settings = Settings::new(Upstreams::server(origin));
    settings.certificates = certificates;
    let server = Server::default();
    let w = world_with(settings, server, |gate| gate).await;
    w.ask("GET /open/a", "").await
}

#[tokio::test]
async fn an_upstream_has_to_prove_itself_unless_the_proxy_is_told_otherwise() {
    let upstream = with_tls(mirror().await).await;
    let answer = in_front_of(upstream, Certificates::Checked).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let answer = in_front_of(upstream, Certificates::DangerAny).await;
    let got = mirrored(&answer);
    // The inner proxy speaks TLS, and believes nobody about what came before.
    assert_eq!(header(got, "x-forwarded-proto").as_deref(), Some("https"));
    assert_eq!(
        header(got, "via").as_deref(),
        Some("1.1 oidc-gate + 1.1 oidc-gate")
    );
}
