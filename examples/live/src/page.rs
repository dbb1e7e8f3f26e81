//! A page that shows both connections.

use axum::{
    Router,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::Html,
    routing::get,
};

const POLICY: &str = "default-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router {
    let page = async || {
        let policy = [(CONTENT_SECURITY_POLICY, POLICY)];
        (policy, Html(include_str!("page.html")))
    };
    let file = |kind, text: &'static str| get(async move || ([(CONTENT_TYPE, kind)], text));
    Router::new()
        .route("/", get(page))
        .route("/page.js", file("text/javascript", include_str!("page.js")))
        .route("/page.css", file("text/css", include_str!("page.css")))
}

/// Says on the terminal what to open.
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
pub(crate) fn say_where(port: u16) {
    println!(
        "\n  Open http://localhost:{port}/ in two tabs, and sign out in one. Ctrl-C stops it.\n"
    );
}
