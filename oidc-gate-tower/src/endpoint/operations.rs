//! `ping`, `ready` and `metrics`: what those ask who run the application. None of them looks at a session.

use crate::{
    Gate, MetricsEndpoint,
    core::{
        check::Check,
        gate::{AnswerForm, Refusal},
    },
};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
};
use std::net::SocketAddr;

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process is up.
pub(crate) fn ping() -> Response<Bytes> {
    text(StatusCode::OK, TEXT, "OK\n")
}

/// What logins need is there. Why it is not stands in the log and nowhere else.
pub(crate) async fn ready(gate: &Gate) -> Response<Bytes> {
    if gate.ready().await.is_ok() {
        return text(StatusCode::OK, TEXT, "OK\n");
    }
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "not ready\n");
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// What the gate has counted, for whoever may know. Anybody else is answered as where there is no such endpoint.
pub(super) fn metrics(gate: &Gate, peer: Option<SocketAddr>) -> Response<Bytes> {
    let common = &gate.0.common;
    let may_know = match &common.metrics_endpoint {
        MetricsEndpoint::Off => false,
        MetricsEndpoint::ForPeers(peers) => peer.is_some_and(|peer| peers.contains(peer.ip())),
        MetricsEndpoint::ForAnybody => true,
    };
    if may_know {
        return text(StatusCode::OK, METRICS, gate.metrics());
    }
    let cause = "the peer is none of those that `metrics_endpoint` names";
    let refusal = Refusal::new(
        Check::UnknownEndpoint,
        cause,
        StatusCode::NOT_FOUND,
        AnswerForm::Empty,
    );
    common.answers.refusal(&refusal, String::new)
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
