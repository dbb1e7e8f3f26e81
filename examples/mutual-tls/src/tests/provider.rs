//! The development provider behind TLS that asks for certificates: what a proxy does in production.

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oidc_gate_axum::{core::client_auth::certificate::ClientCertificate, dev::DevProvider};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

/// What came: the path, and the certificate that the connection has shown.
pub(super) type Came = (String, Option<ClientCertificate>);

/// Serves the provider over TLS on this port, and notes what comes.
pub(super) fn serve(listener: TcpListener, provider: DevProvider) -> Arc<Mutex<Vec<Came>>> {
    let came = Arc::new(Mutex::new(Vec::new()));
    let (tls, noted) = (acceptor(), came.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, provider, noted) = (tls.clone(), provider.clone(), noted.clone());
            tokio::spawn(async move {
                let stream = tls.accept(stream).await.unwrap();
                let shown = stream.get_ref().1.peer_certificates().map(|list| {
                    ClientCertificate::from_list(list.iter().map(AsRef::as_ref)).unwrap()
                });
                let answer = service_fn(move |mut request: Request<Incoming>| {
                    let path = request.uri().path().to_owned();
                    noted.lock().unwrap().push((path, shown.clone()));
                    if let Some(shown) = shown.clone() {
                        request.extensions_mut().insert(shown);
                    }
                    provider.clone().call(request)
                });
                // A client that has what it wants may hang up as it likes.
                drop(
                    http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await,
                );
            });
        }
    });
    came
}

fn acceptor() -> TlsAcceptor {
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let at = |name: &str| format!("{}/{name}", super::TESTDATA);
    let certificate = CertificateDer::from_pem_file(at("provider.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(at("provider.key")).unwrap();
    let config = ServerConfig::builder_with_provider(crypto.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Anybody(crypto)))
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Takes any certificate whose key the client holds, and none: the provider judges which.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
