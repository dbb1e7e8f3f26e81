//! Another server.

use crate::{
    Body, BoxError, Certificates, Host, Settings, WebSockets,
    answer::{Form, answer, body},
    front::Origin,
    headers::{end_to_end, is_websocket},
    patience::{Progress, Watched},
    tls,
    tunnel::{self, Place},
};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header, uri};
use hyper::{body::Incoming, upgrade};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use oidc_gate_tower::{CleanTrailers, Gate};
use std::time::Duration;

type Sent = Watched<CleanTrailers<Incoming>>;

/// Passes requests on to other servers.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Sent>,
    gate: Gate,
    answer_timeout: Duration,
    host: Host,
    websockets: WebSockets,
}

impl Remote {
    pub(crate) fn new(gate: &Gate, settings: &Settings) -> Result<Self, BoxError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        let trust = match settings.certificates {
            Certificates::Checked => tls::checked(),
            Certificates::DangerAny => tls::danger_any(),
        };
        let trust = trust.map_err(|error| format!("no TLS to upstreams: {error}"))?;
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(trust)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            // Which host is asked for is said here.
            .set_host(false)
            .build(https);
        Ok(Self {
            client,
            gate: gate.clone(),
            answer_timeout: settings.answer_timeout,
            host: settings.host,
            websockets: settings.websockets,
        })
    }

    /// The upstream's answer, as it streams.
    pub(crate) async fn pass(
        &self,
        origin: &Uri,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        let form = Form::of(request.headers());
        if self.websockets == WebSockets::Refused && is_websocket(request.headers()) {
            request.headers_mut().remove(header::UPGRADE);
            request.headers_mut().remove(header::CONNECTION);
        }
        // Taken out of whatever becomes of the request: a place is its connection's.
        let place = request.extensions_mut().remove::<Place>();
        let browser = place
            .filter(|_| is_websocket(request.headers()))
            .map(|place| (upgrade::on(&mut request), place));
        let Some(request) = self.addressed(origin, request) else {
            return answer(form, StatusCode::BAD_REQUEST, "bad request");
        };
        let progress = Progress::now();
        let request =
            request.map(|sent| Watched::new(self.gate.clean_trailers(sent), progress.clone()));
        let answered = self.client.request(request);
        match progress.or_late(self.answer_timeout, answered).await {
            None => {
                tracing::warn!(upstream = %origin, "the upstream does not answer");
                answer(form, StatusCode::GATEWAY_TIMEOUT, "gateway timeout")
            }
            Some(Err(error)) => {
                tracing::warn!(upstream = %origin, error = %chain(&error), "the upstream cannot be reached");
                answer(form, StatusCode::BAD_GATEWAY, "bad gateway")
            }
            Some(Ok(response)) => received(form, response, browser),
        }
    }

    /// The request as the upstream gets it. The path and query are what came, byte for byte.
    fn addressed(&self, origin: &Uri, mut request: Request<Incoming>) -> Option<Request<Incoming>> {
        let mut parts = uri::Parts::default();
        parts.scheme = origin.scheme().cloned();
        parts.authority = origin.authority().cloned();
        parts.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(parts).ok()?;
        *request.version_mut() = Version::HTTP_11;
        let from = request.extensions_mut().remove::<Origin>();
        let headers = request.headers_mut();
        if let Some(from) = from {
            from.write(headers);
        }
        if self.host == Host::Upstreams {
            let host = HeaderValue::from_str(origin.authority()?.as_str()).ok()?;
            headers.insert(header::HOST, host);
        }
        // RFC 9110 § 7.6.3.
        headers.append(header::VIA, HeaderValue::from_static("1.1 oidc-gate"));
        Some(request)
    }
}

fn received(
    form: Form,
    mut response: Response<Incoming>,
    browser: Option<(upgrade::OnUpgrade, Place)>,
) -> Response<Body> {
    end_to_end(response.headers_mut());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some((browser, place)) = browser.filter(|_| is_websocket(response.headers())) else {
            tracing::warn!("the upstream changes to a protocol that nobody asked for");
            return answer(form, StatusCode::BAD_GATEWAY, "bad gateway");
        };
        tunnel::join(browser, upgrade::on(&mut response), place);
    } else {
        response.headers_mut().remove(header::UPGRADE);
        response.headers_mut().remove(header::CONNECTION);
    }
    *response.version_mut() = Version::HTTP_11;
    response.map(body)
}

/// An error with what has led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
