//! One session for the hosts of a domain.

use crate::world::serve;
use oidc_gate_tower::{
    ClientAuth, CookieKeys, Gate, Pattern,
    core::time::UnixTime,
    dev::DevProvider,
    testing::{Browser, Cookie, ManualClock},
};

const ISSUER: &str = "https://id.test";
const ONE: &str = "https://one.example.test";
const TWO: &str = "https://two.example.test";
const FOREIGN: &str = "https://three.example.test";

fn browser() -> Browser {
    let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
    let provider = DevProvider::builder()
        .issuer(ISSUER)
        .demo_users()
        .clock(clock.clone())
        .build();
    let keys = CookieKeys::ephemeral();
    let mut browser = Browser::new()
        .clock(clock.clone())
        .site(ISSUER, provider.clone());
    for (base, client, keys) in [
        (ONE, "app", keys.clone()),
        (TWO, "app", keys.clone()),
        (FOREIGN, "another", keys),
    ] {
        let gate = Gate::builder()
            .issuer(ISSUER)
            .client(client, ClientAuth::none())
            .http_client(provider.http_client())
            .base_url(base)
            .cookie_domain("example.test")
            .cookie_keys(keys)
            .clock(clock.clone())
            .open(Pattern::get("/"))
            .build()
            .unwrap();
        browser = browser.site(
            base,
            tower::service_fn(move |request| {
                let gate = gate.clone();
                async move { serve(&gate, request).await }
            }),
        );
    }
    browser
}

fn names(cookies: &[Cookie]) -> Vec<&str> {
    let mut names: Vec<_> = cookies
        .iter()
        .map(|c| c.name.split("gate-").next().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn whoever_signs_in_on_one_host_is_signed_in_on_its_sibling() {
    let mut browser = browser();
    browser.get(&format!("{ONE}/me")).await;
    let cookies = browser.cookies(ONE);
    assert_eq!(names(&cookies), ["__Host-"]);
    let page = browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    assert!(page.body.ends_with("cookies: none"), "{page:?}");
    let cookies = browser.cookies(ONE);
    // The session and its tokens, and beside them what is kept of the landing.
    assert_eq!(names(&cookies), ["__Host-", "__Secure-", "__Secure-"]);
    let session = cookies
        .iter()
        .find(|c| c.name.starts_with("__Secure-"))
        .unwrap();
    assert_eq!(
        (&*session.domain, session.host_only),
        ("example.test", false)
    );
    assert!(session.secure && session.http_only);

    let page = browser.get(&format!("{TWO}/me")).await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    assert!(page.body.ends_with("cookies: none"), "{page:?}");
    // Another client's gate has another name, and leaves this one alone.
    let page = browser.get(&format!("{FOREIGN}/")).await;
    assert!(page.body.starts_with("/ nobody"), "{page:?}");
}

#[tokio::test]
async fn signing_out_on_one_host_signs_out_on_its_sibling() {
    let mut browser = browser();
    browser.get(&format!("{ONE}/me")).await;
    browser.sign_in_as("alice").await;
    browser.get(&format!("{TWO}/oauth2/sign_out")).await;
    let page = browser.submit("Sign out", &[]).await;
    assert!(page.body.contains("You are signed out"), "{page:?}");
    assert!(
        browser
            .cookies(TWO)
            .iter()
            .all(|c| !c.name.starts_with("__Secure-"))
    );
    let page = browser.get(&format!("{ONE}/")).await;
    assert!(page.body.starts_with("/ nobody"), "{page:?}");
}
