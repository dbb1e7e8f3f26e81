use super::*;
use oidc_gate_axum::testing::Browser;
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing::subscriber::DefaultGuard;

const SITE: &str = "http://localhost:3000";

fn browser(gate: &Gate, provider: DevProvider) -> Browser {
    let log = TraceLayer::new_for_http().on_response(access);
    Browser::new()
        .site(SITE, gate.protect(app()).layer(log))
        .site("http://localhost:3001", provider)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this thread logs. Every test has one: what a thread without a subscriber meets first may count as unwanted by all.
fn log() -> (Lines, DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (lines, tracing::subscriber::set_default(log))
}

#[tokio::test]
async fn the_access_log_says_who_was_refused_and_why() {
    let (lines, _guard) = log();
    let provider = DevProvider::demo();
    let gate = gate(&provider, 3000).unwrap();
    let mut browser = browser(&gate, provider);
    browser.get(&format!("{SITE}/oauth2/start?rd=/me")).await;
    assert_eq!(browser.sign_in_as("bob").await.body, "hello Bob Brown");
    let page = browser.get(&format!("{SITE}/admin")).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Acme Shop"), "{}", page.body);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answered = |text: &str| text.contains("answered");
    let last = text.lines().rfind(|line| answered(line)).unwrap();
    assert!(
        last.contains("status=403") && last.contains("check=\"request.forbidden\""),
        "{last}"
    );
    let user = last
        .split("user=")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert_eq!(user.len(), 18, "{last}");
    assert!(!text.contains("bob@"), "{text}");
}

#[tokio::test]
async fn the_metrics_are_on_a_port_of_their_own() {
    let (_, _guard) = log();
    let provider = DevProvider::demo();
    let gate = gate(&provider, 3000).unwrap();
    let mut browser = browser(&gate, provider).site("http://localhost:3002", metrics(gate.clone()));
    let page = browser.get(&format!("{SITE}/me")).await;
    assert_eq!(page.status, 401);
    let page = browser.get(&format!("{SITE}/oauth2/metrics")).await;
    assert_eq!(page.status, 404);
    let page = browser.get("http://localhost:3002/metrics").await;
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4");
    let line = "oidc_gate_requests_total{verdict=\"log_in\"} 1";
    assert!(page.body.lines().any(|l| l == line), "{}", page.body);
}
