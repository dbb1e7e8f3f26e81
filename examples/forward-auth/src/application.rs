//! An application that knows nothing of logins: it says what it was asked for, and whom the proxy's headers name. It listens
//! where only the proxy can reach it.

use axum::{
    Json, Router,
    extract::Request,
    http::HeaderMap,
    response::{Html, IntoResponse as _, Response},
};
use serde_json::{Value, json};

pub(crate) async fn serve(port: u16) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, Router::new().fallback(answer)).await
}

async fn answer(request: Request) -> Response {
    let said = say(&request);
    if request.uri().path().starts_with("/api/") {
        return Json(said).into_response();
    }
    let said = escaped(&said.to_string());
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>The application</title>\n\
         <main><h1>The application</h1><pre>{said}</pre>\n\
         <form method=post action=/oauth2/sign_out><button>Sign out</button></form></main>"
    ))
    .into_response()
}

fn say(request: &Request) -> Value {
    json!({
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "user": named(request.headers(), "x-auth-request-user"),
        "email": named(request.headers(), "x-auth-request-email"),
        "groups": named(request.headers(), "x-auth-request-groups"),
        // What an application might believe of a client, if its proxy let it through.
        "from": of_all(request.headers(), &["x-forwarded-for", "x-real-ip"]),
        "overridden": of_all(
            request.headers(),
            &["x-http-method-override", "x-http-method", "x-method-override"],
        ),
    })
}

fn of_all(headers: &HeaderMap, wanted: &[&str]) -> Vec<String> {
    let values = wanted.iter().flat_map(|name| named(headers, name));
    values.collect()
}

/// All values of a header in whatever spelling, as an application behind a lenient server would see them.
/// An empty one names nobody.
fn named(headers: &HeaderMap, wanted: &str) -> Vec<String> {
    let same = |name: &str| name.replace(['_', '.'], "-") == wanted;
    let found = headers.iter().filter(|(name, _)| same(name.as_str()));
    found
        .map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
