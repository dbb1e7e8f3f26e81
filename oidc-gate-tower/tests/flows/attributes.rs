//! Every cookie of the gate says everything about itself.

use crate::world::{APP, ISSUER, World, world_in, world_in_with};
use http::{Request, header};
use http_body_util::Full;
use oidc_gate_tower::{ResponseMode, SameSite, dev::Fault, testing::Browser};
use std::sync::{Arc, Mutex};

/// Each line, and whether it was of a session.
async fn lines_of_the_main_flows(mut w: World) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (gate, seen) = (w.gate.clone(), lines.clone());
    let app = tower::service_fn(move |request: Request<Full<bytes::Bytes>>| {
        let (gate, seen) = (gate.clone(), seen.clone());
        async move {
            let response = crate::world::serve(&gate, request).await?;
            for line in response.headers().get_all(header::SET_COOKIE) {
                assert_eq!(response.headers()["cache-control"], "no-store");
                seen.lock().unwrap().push(line.to_str().unwrap().to_owned());
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    w.browser = Browser::new()
        .clock(w.clock.clone())
        .site(ISSUER, w.provider.clone())
        .site(APP, app);
    // Begun and given up, again and again; finished; used; idle; of another user; failed; signed out.
    for i in 0..7 {
        w.browser.get(&format!("{APP}/page-{i}")).await;
    }
    w.browser.sign_in_as("alice").await;
    w.advance(3 * 3600);
    w.browser.get(&format!("{APP}/me")).await;
    w.advance(48 * 3600);
    w.sign_in("alice", "/me").await;
    w.browser
        .get(&format!("{APP}/oauth2/start?prompt=login"))
        .await;
    w.browser.sign_in_as("bob").await;
    w.fault(Fault::WrongNonce);
    w.browser
        .get(&format!("{APP}/oauth2/start?prompt=login"))
        .await;
    w.browser.sign_in_as("alice").await;
    w.provider.clear_faults();
    w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
    w.browser.submit("Sign out", &[]).await;
    let lines = lines.lock().unwrap();
    lines.clone()
}

#[tokio::test]
async fn in_every_mode_every_cookie_has_every_attribute() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        for same_site in [SameSite::Lax, SameSite::Strict] {
            for domain in [None, Some("app.test")] {
                let w = world_in_with(mode, |gate| {
                    let gate = gate.same_site(same_site);
                    match domain {
                        Some(domain) => gate.cookie_domain(domain),
                        None => gate,
                    }
                });
                let lines = lines_of_the_main_flows(w).await;
                assert!(lines.len() > 20, "{lines:?}");
                let mut kinds = std::collections::BTreeSet::new();
                for line in lines {
                    let (pair, rest) = line.split_once("; ").unwrap();
                    let attributes: Vec<_> = rest.split("; ").collect();
                    let name = pair.split('=').next().unwrap();
                    let leaving = name.ends_with("-leaving");
                    let of_session =
                        !leaving && !name.contains("-login-") && !name.ends_with("-landed");
                    let expected = match (of_session, mode, same_site) {
                        (true, _, SameSite::Lax) | (false, ResponseMode::Query, _) => {
                            "SameSite=Lax"
                        }
                        (true, _, SameSite::Strict) => "SameSite=Strict",
                        (false, ..) if leaving => "SameSite=Lax",
                        (false, ..) => "SameSite=None",
                    };
                    let max_age = attributes[1].strip_prefix("Max-Age=").unwrap();
                    assert!(max_age.parse::<u64>().unwrap() <= 400 * 24 * 3600);
                    let mut rest = vec!["Path=/", attributes[1], "HttpOnly", expected, "Secure"];
                    if domain.is_some() && of_session {
                        rest.push("Domain=app.test");
                    }
                    assert_eq!(attributes, rest, "{line}");
                    let prefix = if domain.is_some() && of_session {
                        "__Secure-"
                    } else {
                        "__Host-"
                    };
                    assert!(name.starts_with(prefix), "{line}");
                    assert!(line.len() <= 4096);
                    kinds.insert((of_session, name.ends_with("-landed"), max_age == "0"));
                }
                // Sessions, landings and logins, each set and each removed.
                assert_eq!(kinds.len(), 6, "{kinds:?}");
            }
        }
    }
}

/// The longest that can be asked for.
#[tokio::test]
async fn the_largest_login_fits_into_a_cookie() {
    let w = world_in(ResponseMode::FormPost);
    let path = format!("/{}", "x".repeat(2047));
    let answer = w.navigate(&path).await;
    let [line] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!((3000..=4096).contains(&line.len()), "{}", line.len());
}
