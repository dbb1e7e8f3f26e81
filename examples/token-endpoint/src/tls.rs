//! TLS that asks for a certificate and takes whichever comes: what it is worth is judged with the request.

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use oidc_gate_core::{check::CheckFailed, client_auth::certificate::ClientCertificate};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _};
use std::{error::Error, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
        client::danger::HandshakeSignatureValid,
        crypto::{self, WebPkiSupportedAlgorithms},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    },
    server::TlsStream,
};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// The certificate of the connection, if it has one.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Result<Option<ClientCertificate>, CheckFailed>);

impl Connected<IncomingStream<'_, TlsListener>> for Shown {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let list = stream.io().get_ref().1.peer_certificates();
        Self(
            list.map(|list| ClientCertificate::from_list(list.iter().map(AsRef::as_ref)))
                .transpose(),
        )
    }
}

/// Takes any certificate whose private key the client holds.
///
/// That is safe because nobody is believed for having one: [`Authenticator::verify`] compares it with what is registered
/// for the client that the request names, by a path to an authority (`tls_client_auth`) or byte for byte
/// (`self_signed_tls_client_auth`). A path looked for here would turn away every self-signed certificate, and would have to
/// be looked for again, since TLS does not know which client it is about. What core cannot see, and what is therefore done
/// here, is that the other side holds the key: its signature over the handshake.
///
/// [`Authenticator::verify`]: oidc_gate_core::client_auth::Authenticator::verify
#[derive(Debug)]
struct HoldsItsKey(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for HoldsItsKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Any authority: a client without one would find no certificate to send.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Listens with `server.pem` and `server.key` of this folder.
    pub(crate) async fn bind(address: SocketAddr, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let verifier = HoldsItsKey(provider.signature_verification_algorithms);
        let chain = CertificateDer::pem_file_iter(folder.join("server.pem"))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(
                chain.collect::<Result<_, _>>()?,
                PrivateKeyDer::from_pem_file(folder.join("server.key"))?,
            )?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut listener = TcpListener::bind(address).await?;
        let (done, ready) = mpsc::channel(64);
        // Each handshake by itself: somebody who never finishes one keeps nobody else waiting.
        tokio::spawn(async move {
            loop {
                let (stream, peer) = Listener::accept(&mut listener).await;
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let _ = done.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
