//! The files below a directory.

use crate::{Body, answer::body};
use http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use std::path::Path;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

/// The file that a path leads to, which begins with `prefix`.
pub(crate) async fn file(
    directory: &Path,
    prefix: &str,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let prefix = prefix.trim_end_matches('/');
    if let Some(below) = below(prefix, request.uri()) {
        *request.uri_mut() = below;
    }
    let Ok(mut response) = ServeDir::new(directory).oneshot(request).await;
    // What is a directory is looked for with a slash at its end.
    if let Some(place) = response.headers().get(header::LOCATION)
        && let Ok(place) = HeaderValue::try_from([prefix.as_bytes(), place.as_bytes()].concat())
    {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response.map(body)
}

fn below(prefix: &str, uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix(prefix)?;
    let path = if path.is_empty() { "/" } else { path };
    match uri.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}
