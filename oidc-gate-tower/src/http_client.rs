//! Which HTTP client is used: the application's, or the one that comes along.

use crate::{ClientCert, client_auth::CertPlace, ports::DynHttpClient};

/// The application's own, if there is one; else the one that comes along, with what the application has said of it.
pub(crate) fn http_client(
    own: Option<Box<dyn DynHttpClient>>,
    ca_files: &[String],
    certificate: Option<ClientCert>,
    problems: &mut Vec<String>,
) -> Option<Box<dyn DynHttpClient>> {
    if let Some(http) = own {
        if let Some(path) = ca_files.first() {
            problems.push(format!(
                "ca_pem_file: {path:?}, but an HTTP client of your own is set; let that one trust the authority"
            ));
        }
        if let Some(ClientCert(CertPlace::Files { .. })) = certificate {
            problems.push(
                "client: a certificate in files, but an HTTP client of your own is set; let that one show it and say \
                 ClientCert::in_transport()"
                    .to_owned(),
            );
        }
        return Some(http);
    }
    if let Some(ClientCert(CertPlace::InTransport)) = certificate {
        problems.push(
            "client: ClientCert::in_transport() leaves the certificate to an HTTP client of your own; set \
             .http_client(…), or name the files with ClientCert::pem_files"
                .to_owned(),
        );
    }
    default_http_client(ca_files, certificate, problems)
}

#[cfg(feature = "reqwest")]
fn default_http_client(
    ca_files: &[String],
    certificate: Option<ClientCert>,
    problems: &mut Vec<String>,
) -> Option<Box<dyn DynHttpClient>> {
    let made = match ca_files {
        [] => crate::ReqwestClient::new(),
        files => crate::ReqwestClient::with_ca_files(files),
    };
    let made = match certificate {
        Some(ClientCert(CertPlace::Files { cert, key })) => {
            made.and_then(|client| client.with_certificate(cert, key))
        }
        Some(ClientCert(CertPlace::InTransport)) | None => made,
    };
    made.map_err(|error| problems.extend(error.problems().map(String::from)))
        .ok()
        .map(|client| Box::new(client) as _)
}

#[cfg(not(feature = "reqwest"))]
fn default_http_client(
    _: &[String],
    _: Option<ClientCert>,
    problems: &mut Vec<String>,
) -> Option<Box<dyn DynHttpClient>> {
    problems.push(
        "http_client: missing; enable the feature `reqwest` or set .http_client(…) to one of your own".to_owned(),
    );
    None
}
