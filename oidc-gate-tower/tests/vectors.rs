//! The cases of `oidc-gate-core/testdata/{client_authentication,grants}.toml` against the development provider, over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know for tests"
)]

#[expect(dead_code, reason = "core's own tests use more of it")]
#[path = "../../oidc-gate-core/tests/token_endpoint/assertion.rs"]
mod assertion;
#[expect(dead_code, reason = "core's own tests use more of it")]
#[path = "../../oidc-gate-core/tests/token_endpoint/client_authentication.rs"]
mod client_authentication;
#[expect(dead_code, reason = "core's own tests use more of it")]
#[path = "../../oidc-gate-core/tests/token_endpoint/grants.rs"]
mod grants;
#[path = "../../oidc-gate-core/tests/token_endpoint/request.rs"]
mod request;

use client_authentication::{Case, Table, anchors, table};
use http::{HeaderValue, Request, Response, header};
use oidc_gate_core::{
    flow::{Entropy, EntropyUnavailable},
    grant::GrantType,
    time::UnixTime,
    url::Issuer,
};
use oidc_gate_tower::{dev::DevProvider, testing::ManualClock};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const NOW: u64 = 1_700_000_000;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn issuer() -> Issuer {
    Issuer::parse("https://id.example").unwrap()
}

#[derive(Debug)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

/// A provider as the case wants it, if it can be had: it offers every method, fetches nothing, and its store does not fail.
fn provider(table: &Table, case: &Case, clock: ManualClock) -> Option<DevProvider> {
    let all = std::iter::once(case).chain(&case.then);
    let keys = table.keys();
    let fetched: BTreeSet<&str> = table
        .registrations(&keys)
        .filter(|(entry, _)| entry.jwks_uri.is_some())
        .map(|(entry, _)| entry.id.as_str())
        .collect();
    for case in all {
        let asks_a_fetched_one = fetched.iter().any(|id| names(case, id));
        if case.server.methods.is_some() || case.store.is_some() || asks_a_fetched_one {
            return None;
        }
        // It speaks no TLS itself.
        if !case.certificate.is_empty() {
            return None;
        }
    }
    let settings = case.server.clone();
    let mut builder = DevProvider::builder()
        .issuer("https://id.example")
        .clock(clock)
        .anchors(anchors())
        .client_authentication(move |server| settings.apply(server));
    for (entry, registration) in table.registrations(&keys) {
        let grants = GrantType::ALL.iter().copied();
        let public = entry.methods == ["none"];
        let grants = grants.filter(|grant| !(public && *grant == GrantType::ClientCredentials));
        builder = builder.registered(registration.grants(grants), []);
    }
    Some(builder.build())
}

/// Whether a request is in the name of this client.
fn names(case: &Case, id: &str) -> bool {
    case.client.as_deref() == Some(id)
        || case.basic.as_ref().is_some_and(|[user, _]| user == id)
        || case
            .params
            .iter()
            .any(|[name, value]| name == "client_id" && value == id)
        || case
            .assertion
            .as_ref()
            .is_some_and(|template| template.by == id)
}

/// Sends it over a connection of its own, byte for byte.
async fn send(port: u16, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap();
    let mut bytes =
        format!("{} {path} HTTP/1.1\r\nHost: id.example\r\n", parts.method).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let length = format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    bytes.extend(length.as_bytes());
    bytes.extend(body);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // A server that refuses a body early may close before all of it is written.
    drop(stream.write_all(&bytes).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, HeaderValue::from_str(value).unwrap());
    }
    response.body(body.as_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_development_provider_ends_each_case_as_the_data_says() {
    let table = table();
    let keys = table.keys();
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in &table.case {
        let clock = ManualClock::new(case.now());
        let Some(provider) = provider(&table, case, clock.clone()) else {
            continue;
        };
        let port = provider.listen(0).await.unwrap().port();
        for case in std::iter::once(case).chain(&case.then) {
            clock.set(case.now());
            let answer = send(port, case.request(&keys)).await;
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let got = (answer.status().as_u16(), body["error"].as_str());
            let right = match case.is_ok() {
                // Whoever the client is, the grant may still be refused: the cases are about the former.
                true => got.0 == 200 || (got.0 == 400 && got.1 != Some("invalid_client")),
                false => (Some(got.0), got.1) == (case.status, case.error.as_deref()),
            };
            let challenged = answer.headers().contains_key(header::WWW_AUTHENTICATE);
            if !right || challenged != (got.0 == 401) {
                wrong.push(format!("{}: {got:?}, {challenged}", case.name));
            }
            ran += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ran > 300, "{ran}");
}

/// Whether the provider can be brought to where the case begins: its store does not fail and nobody is faster, its policy
/// is the usual one, it exchanges its own tokens only and shows no certificates.
fn can_begin(case: &grants::Case) -> bool {
    let usual = case.rotation.is_none() && case.grace.is_none() && case.offered.is_none();
    let store = case.spend.is_none() && case.replace.is_none() && case.insert.is_empty();
    let strict = case.server.methods.is_none();
    let own = case.subject_token.is_none() && case.actor_token.is_none();
    let bound = case
        .refresh_token
        .as_ref()
        .is_some_and(|token| token.certificate.is_some());
    // The client's own assertion is made at the usual time.
    let dated = case.client == "signing" && case.now.is_some();
    usual && store && strict && own && !bound && !dated
}

#[tokio::test]
async fn the_development_provider_grants_what_the_data_says() {
    let table = grants::table();
    let keys = table.keys();
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in table.case.iter().filter(|case| can_begin(case)) {
        let clock = ManualClock::new(at(case.now.unwrap_or(NOW)));
        let settings = case.server.clone();
        let mut builder = DevProvider::builder()
            .issuer("https://id.example")
            .clock(clock)
            .client_authentication(move |server| settings.apply(server));
        let mut method = None;
        for (id, registration) in table.registrations(&keys) {
            if id == case.client {
                method = Some(registration.method().names()[0].as_str());
            }
            builder = builder.registered(registration, []);
        }
        let provider = table
            .issuers(&keys)
            .fold(builder, |b, issuer| b.trust(issuer))
            .build();
        if let Some(code) = &case.code {
            provider.plant_code(&code.value, code.issued());
        }
        if let Some(token) = &case.refresh_token {
            provider.plant_refresh_token(&token.value, token.issued(), "successor");
        }
        if let Some(code) = &case.device_code {
            provider
                .plant_device_code(&code.value, code.issued())
                .unwrap();
        }
        let port = provider.listen(0).await.unwrap().port();
        let mut request = case.request(method.unwrap(), &keys);
        if case.endpoint.is_some() {
            *request.uri_mut() = "https://id.example/device_authorization".parse().unwrap();
        }
        let answer = send(port, request).await;
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        let got = (answer.status().as_u16(), body["error"].as_str());
        let wanted = match case.is_ok() {
            true => (200, None),
            false => (case.status.unwrap(), case.error.as_deref()),
        };
        let scope = body["scope"]
            .as_str()
            .is_none_or(|scope| Some(scope) == case.scope.as_deref());
        let refreshed = match case.refresh.as_deref() {
            Some("rotate") => body["refresh_token"]
                .as_str()
                .is_some_and(|it| it.len() == 43),
            Some("repeat") => body["refresh_token"] == "successor",
            _ => true,
        };
        if got != wanted || !scope || !refreshed {
            wrong.push(format!("{}: {got:?}, wanted {wanted:?}: {body}", case.name));
        }
        ran += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ran > 150, "{ran}");
}
