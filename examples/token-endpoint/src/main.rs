//! The token endpoint of an authorization server: `cargo run -p token-endpoint -- examples/token-endpoint/clients.toml`. See README.md.

use axum::{
    Json, Router,
    body::Body,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{any, get},
};
use oidc_gate_core::{
    client_auth::{
        Authenticator, Bodies, HashedSecret, MethodName, Refusal, certificate::TrustAnchors,
    },
    flow::{Entropy, EntropyUnavailable},
    form::{Form, with_query},
    grant::{GrantType, Handle, IssuedCode, ScopeSet, Standing},
    jose::{Alg, SigningKey},
    login::pkce::is_challenge,
    provider::Endpoint,
    secret::ClientSecret,
    time::UnixTime,
    url::Issuer,
};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    error::Error,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

mod clients;
mod demo;
mod store;
mod tls;
mod token;

struct Server {
    token: Authenticator,
    /// Without `none`: who asks what a token is worth has to prove something.
    introspection: Authenticator,
    clients: HashMap<String, clients::Client>,
    store: store::Store,
    /// Signs access tokens.
    key: SigningKey,
    user: String,
}

/// A refusal, as it is answered and logged.
struct Refused(Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // The one place where the reason is: the client is told less.
        log(&self.0);
        self.0.respond("token endpoint").map(Body::from)
    }
}

/// `GET /authorize` ([RFC 6749 § 4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)). A real one asks a user to
/// sign in and to agree; here one user always has.
async fn authorize(State(server): State<Arc<Server>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut form = match Form::parse(query.as_bytes()) {
        Ok(form) => form,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let mut take = |name: &str| form.take(name).unwrap_or_default();
    let (client_id, redirect_uri) = (take("client_id"), take("redirect_uri"));
    let client = server.clients.get(&client_id);
    // Nobody is sent to an address that is not known to be the client's (RFC 9700 § 2.1).
    let Some(client) = client.filter(|client| client.redirect_uris.contains(&redirect_uri)) else {
        return (
            StatusCode::BAD_REQUEST,
            "no such client, or not its redirect URI\n",
        )
            .into_response();
    };
    let challenge = take("code_challenge");
    let pkce = take("code_challenge_method") == "S256" && is_challenge(&challenge);
    let scopes = ScopeSet::parse(&take("scope"));
    let scopes = scopes.filter(|scopes| scopes.is_within(client.registered.scopes()));
    let answer = match (take("response_type").as_str(), scopes, store::random()) {
        ("code", Some(scopes), Ok(code)) if pkce => {
            let issued = IssuedCode {
                client_id,
                redirect_uri: Some(redirect_uri.clone()),
                challenge: Some(challenge),
                scopes,
                resources: Vec::new(),
                expires: now() + Duration::from_secs(60),
                used: false,
                failures: 0,
                standing: Standing::Alive,
            };
            server.store.add_code(Handle::of(&code), issued);
            ("code", code)
        }
        ("code", None, _) => ("error", "invalid_scope".to_owned()),
        ("code", ..) => ("error", "invalid_request".to_owned()),
        _ => ("error", "unsupported_response_type".to_owned()),
    };
    let state = take("state");
    let issuer = server.token.issuer().as_str();
    let mut pairs = vec![(answer.0, answer.1.as_str()), ("iss", issuer)];
    if !state.is_empty() {
        pairs.push(("state", &state));
    }
    Redirect::to(&with_query(&redirect_uri, pairs)).into_response()
}

/// What the server says of itself ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)).
async fn metadata(State(server): State<Arc<Server>>) -> Json<Map<String, Value>> {
    let issuer = server.token.issuer().as_str();
    let at = |path: &str| Value::from(format!("{}{path}", issuer.trim_end_matches('/')));
    let grants = token::GRANTS.iter().copied().map(GrantType::as_str);
    let mut all = Map::from_iter([
        ("issuer".into(), json!(issuer)),
        ("authorization_endpoint".into(), at("/authorize")),
        ("token_endpoint".into(), at("/token")),
        ("introspection_endpoint".into(), at("/introspect")),
        ("jwks_uri".into(), at("/jwks")),
        ("response_types_supported".into(), json!(["code"])),
        ("grant_types_supported".into(), grants.collect()),
        ("code_challenge_methods_supported".into(), json!(["S256"])),
        (
            "authorization_response_iss_parameter_supported".into(),
            json!(true),
        ),
        (
            "tls_client_certificate_bound_access_tokens".into(),
            json!(true),
        ),
    ]);
    all.extend(server.token.metadata(Endpoint::Token));
    all.extend(server.introspection.metadata(Endpoint::Introspection));
    Json(all)
}

async fn jwks(State(server): State<Arc<Server>>) -> Json<Value> {
    Json(json!({"keys": [server.key.public_jwk()]}))
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

#[expect(clippy::print_stdout, reason = "a program talks to its user")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(
    clippy::print_stderr,
    reason = "a log of its own would be another example"
)]
fn log(refusal: &Refusal) {
    eprintln!("refused: {refusal}");
}

async fn serve(file: &Path) -> Result<(), Box<dyn Error>> {
    let config: clients::Config = toml::from_str(&fs::read_to_string(file)?)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let files = folder.join(&config.files);
    demo::make(&files)?;

    let issuer = Issuer::parse(&config.issuer)?;
    let port = axum::http::Uri::try_from(issuer.as_str())?
        .port_u16()
        .unwrap_or(443);
    let anchors = Arc::new(TrustAnchors::from_pem(&fs::read(files.join("ca.pem"))?)?);
    let offering = |methods: Vec<MethodName>| {
        Authenticator::new(issuer.clone(), methods)
            .anchors(anchors.clone())
            .bodies(match config.json {
                true => Bodies::FormOrJson,
                false => Bodies::Form,
            })
    };
    let mut methods = MethodName::ALL.to_vec();
    let token = offering(methods.clone());
    methods.retain(|method| *method != MethodName::None);
    let server = Server {
        introspection: offering(methods),
        clients: config.register(&token, folder)?,
        token,
        store: store::Store::default(),
        key: SigningKey::generate(Alg::ES256)?,
        user: config.user,
    };
    let app = Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/token", any(token::token))
        .route("/introspect", any(token::introspect))
        .with_state(Arc::new(server));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = tls::TlsListener::bind(address, &files).await?;
    say(&format!("listening on https://localhost:{port}"));
    let app = app.into_make_service_with_connect_info::<tls::Shown>();
    Ok(axum::serve(listener, app).await?)
}

/// What stands in the file for a secret, one line of the standard input.
fn hash() -> Result<(), Box<dyn Error>> {
    #[derive(Debug)]
    struct System;
    impl Entropy for System {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
            aws_lc_rs::rand::fill(out).map_err(|_| EntropyUnavailable)
        }
    }
    let secret = std::io::read_to_string(std::io::stdin())?;
    let secret = ClientSecret::new(secret.trim_end_matches(['\r', '\n']));
    say(&HashedSecret::new(&secret, &mut System)?.to_string());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("--hash") => hash(),
        file => serve(Path::new(file.unwrap_or("clients.toml"))).await,
    }
}
