//! Every fault a provider can have, and what the gate makes of it.

use crate::{
    login::assert_refused,
    world::{APP, ISSUER, World, world_at, world_in, world_of},
};
use oidc_gate_tower::{
    Alg, ClaimsSource, ClientAuth, CookieKeys, Gate, Provider, ReqwestClient, ResponseMode,
    core::secret::ClientSecret,
    dev::{DevProvider, Endpoint, Fault, Mishap},
    testing::{Browser, Page},
};

#[derive(Clone, Copy, Debug)]
enum Expected {
    SignedIn,
    Refused(&'static str, u16),
}

/// What becomes of a login. A fault that is not listed fails the tests: a new one needs a line.
fn expected(fault: Fault) -> Expected {
    use Expected::{Refused, SignedIn};
    match fault {
        Fault::WrongIssuer => Refused("id_token.issuer", 502),
        Fault::MissingIssuer
        | Fault::MissingAudience
        | Fault::MissingExpiry
        | Fault::InvalidIssuedAt
        | Fault::MissingIssuedAt => Refused("id_token.claim", 502),
        Fault::InvalidSubject | Fault::LongSubject | Fault::MissingSubject => {
            Refused("id_token.subject", 502)
        }
        Fault::WrongAudience | Fault::ForeignAudience => Refused("id_token.audience", 502),
        Fault::WrongAuthorizedParty => Refused("id_token.azp", 502),
        Fault::ExpiredToken => Refused("id_token.expired", 502),
        Fault::FutureIssuedAt => Refused("id_token.issued_at", 502),
        Fault::NotYetValid => Refused("id_token.not_before", 502),
        Fault::WrongNonce | Fault::MissingNonce => Refused("id_token.nonce", 502),
        Fault::WrongAccessTokenHash => Refused("id_token.at_hash", 502),
        Fault::InvalidSignature => Refused("id_token.signature", 502),
        Fault::UnsignedToken | Fault::PublicKeyAsSecret => Refused("id_token.alg", 502),
        Fault::UnknownExtension => Refused("id_token.crit", 502),
        Fault::UnknownKey => Refused("id_token.key", 502),
        Fault::MissingKid
        | Fault::MissingKidAmongSeveral
        | Fault::SharedKid
        | Fault::RotatedKey => SignedIn,
        Fault::WrongIssParameter => Refused("callback.issuer_mismatch", 400),
        Fault::MissingIssParameter => Refused("callback.issuer_missing", 400),
        Fault::WrongState => Refused("callback.state_unknown", 400),
        Fault::MissingState => Refused("callback.state_missing", 400),
        Fault::DuplicateParameters => Refused("callback.duplicate_parameter", 400),
        Fault::WrongMetadataIssuer => Refused("provider.issuer_mismatch", 503),
        Fault::TokenEndpointDown | Fault::LostTokenResponse | Fault::TooManyRequests => {
            Refused("token.unavailable", 503)
        }
        Fault::InvalidClient => Refused("token.invalid_client", 502),
        Fault::MissingIdToken => Refused("token.id_token_missing", 502),
        Fault::WrongTokenType => Refused("token.type", 502),
        Fault::Unreachable => Refused("provider.unreachable", 503),
        Fault::RefreshedSubject | Fault::RefreshedAuthTime | Fault::RefreshRefused => SignedIn,
        // The ID token says everything that the configuration speaks of.
        Fault::WrongUserinfoSubject
        | Fault::MissingUserinfoSubject
        | Fault::At(Endpoint::Userinfo, _) => SignedIn,
        Fault::At(endpoint @ (Endpoint::Metadata | Endpoint::Keys), mishap) => match mishap {
            Mishap::ServerError | Mishap::Redirected | Mishap::Html | Mishap::WrongContentType => {
                Refused("provider.status", 503)
            }
            Mishap::Truncated if endpoint == Endpoint::Keys => {
                Refused("provider.keys_malformed", 503)
            }
            Mishap::Truncated => Refused("provider.metadata_malformed", 503),
            Mishap::Oversized => Refused("provider.too_large", 503),
            Mishap::Closed | Mishap::Slow => Refused("provider.unreachable", 503),
            _ => panic!("nothing is expected of {fault:?}"),
        },
        Fault::At(Endpoint::Token, mishap) => match mishap {
            Mishap::Oversized => Refused("provider.too_large", 503),
            Mishap::ServerError | Mishap::Closed | Mishap::Slow => {
                Refused("token.unavailable", 503)
            }
            Mishap::Truncated | Mishap::Html | Mishap::WrongContentType | Mishap::Redirected => {
                Refused("token.malformed", 502)
            }
            _ => panic!("nothing is expected of {fault:?}"),
        },
        _ => panic!("nothing is expected of {fault:?}"),
    }
}

/// The same, where userinfo is asked at every sign-in.
fn expected_with_userinfo(fault: Fault) -> Expected {
    use Expected::Refused;
    match fault {
        Fault::WrongUserinfoSubject | Fault::MissingUserinfoSubject => {
            Refused("userinfo.subject", 502)
        }
        Fault::At(Endpoint::Userinfo, mishap) => match mishap {
            Mishap::Oversized => Refused("provider.too_large", 503),
            Mishap::ServerError | Mishap::Closed | Mishap::Slow => {
                Refused("userinfo.unavailable", 503)
            }
            Mishap::Truncated | Mishap::Html | Mishap::WrongContentType | Mishap::Redirected => {
                Refused("userinfo.malformed", 502)
            }
            _ => panic!("nothing is expected of {fault:?}"),
        },
        _ => expected(fault),
    }
}

/// A gate that asks userinfo at every sign-in.
fn asking(mode: ResponseMode) -> World {
    let always = |provider: Provider| {
        let always = ClaimsSource::UserinfoAlways;
        provider.claims_from(always).response_mode(mode)
    };
    world_at(|provider| provider, always)
}

/// As far as a login comes in this browser.
async fn try_to_sign_in(browser: &mut Browser, start: &str, issuer: &str, user: &str) -> Page {
    let page = browser.get(start).await;
    if page.url.starts_with(issuer) {
        browser.sign_in_as(user).await
    } else {
        page
    }
}

async fn login(w: &mut World, user: &str) -> Page {
    let start = format!("{APP}{}", w.gate.sign_in_path("/me"));
    try_to_sign_in(&mut w.browser, &start, ISSUER, user).await
}

// The time that slow answers take passes at once.
#[tokio::test(start_paused = true)]
async fn each_fault_ends_as_expected_and_makes_no_session_unless_it_is_harmless() {
    for mode in MODES {
        let default = Fault::all().map(|fault| (world_in(mode), fault, expected(fault)));
        each_fault_ends_as_expected(default).await;
        let asking = Fault::all().map(|fault| (asking(mode), fault, expected_with_userinfo(fault)));
        each_fault_ends_as_expected(asking).await;
    }
}

const MODES: [ResponseMode; 2] = [ResponseMode::Query, ResponseMode::FormPost];

async fn each_fault_ends_as_expected(cases: impl Iterator<Item = (World, Fault, Expected)>) {
    for (mut w, fault, expected) in cases {
        w.fault(fault);
        let page = login(&mut w, "alice").await;
        match expected {
            Expected::SignedIn => {
                assert!(page.body.starts_with("/me alice "), "{fault:?}: {page:?}");
                assert_eq!(w.log.failed_logins().len(), 0, "{fault:?}");
                assert_eq!(w.sign_in_count(), 1, "{fault:?}");
            }
            Expected::Refused(check, status) => {
                assert_eq!(w.log.failed_logins().len(), 1, "{fault:?}: {page:?}");
                assert_eq!(w.log.failed_logins()[0].get("check"), check, "{fault:?}");
                // Its own address stands on the page of a login that did not begin.
                let callback = page.url.starts_with("https://app.test/oauth2/callback?");
                let query = if callback { &*page.url } else { "" };
                assert_refused(&w, query, &page, check, status);
                assert_eq!(w.session_cookie(), None, "{fault:?}");
                assert_eq!(w.sign_in_count(), 0, "{fault:?}");
                assert_eq!(w.whoami().await, "nobody", "{fault:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_refusal_leaves_the_present_session_as_it_is() {
    for mode in MODES {
        each_refusal_leaves_the_session(mode).await;
    }
}

async fn each_refusal_leaves_the_session(mode: ResponseMode) {
    let mut before = world_in(mode);
    before.sign_in("alice", "/me").await;
    let session = before.session_cookie().unwrap();
    for fault in Fault::all() {
        // The application was started again: it has no metadata and no keys, and the cookie is still good.
        let mut w = asking(mode);
        w.plant(&session.name, &session.value);
        let planted = w.session_cookie();
        assert_eq!(w.whoami().await, "alice");
        w.fault(fault);
        login(&mut w, "bob").await;
        match expected_with_userinfo(fault) {
            Expected::SignedIn => assert_eq!(w.whoami().await, "bob", "{fault:?}"),
            Expected::Refused(..) => {
                assert_eq!(w.session_cookie(), planted, "{fault:?}");
                assert_eq!(w.whoami().await, "alice", "{fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_bad_signature_is_refused_in_every_algorithm() {
    let mut tried = 0;
    for alg in Alg::ALL.iter().filter(|alg| !alg.is_symmetric()) {
        let mut w = world_of(|provider| provider.signing_alg(*alg), |gate| gate);
        for (fault, check) in [
            (Fault::InvalidSignature, "id_token.signature"),
            (Fault::UnsignedToken, "id_token.alg"),
            (Fault::PublicKeyAsSecret, "id_token.alg"),
        ] {
            w.fault(fault);
            login(&mut w, "alice").await;
            assert_eq!(w.log.failed_login().get("check"), check, "{alg} {fault:?}");
            assert_eq!(w.cookies(), [], "{alg} {fault:?}");
            w.provider.clear_faults();
        }
        let page = login(&mut w, "alice").await;
        assert!(page.body.starts_with("/me alice "), "{alg}: {page:?}");
        tried += 1;
    }
    assert!(tried >= 10);
}

#[test]
fn no_fault_is_listed_twice() {
    let all: std::collections::BTreeSet<_> = Fault::all().collect();
    assert_eq!(all.len(), Fault::all().count());
}

#[tokio::test]
async fn over_a_port_faults_end_as_in_the_process() {
    for fault in [
        Fault::WrongNonce,
        Fault::InvalidSignature,
        Fault::MissingKidAmongSeveral,
        Fault::LostTokenResponse,
        Fault::WrongMetadataIssuer,
        Fault::Unreachable,
    ]
    .into_iter()
    .chain(Fault::all().filter(|fault| {
        // Two minutes of real time are too long to wait for.
        matches!(fault, Fault::At(_, mishap) if *mishap != Mishap::Slow)
    })) {
        let provider = DevProvider::builder().demo_users().build();
        provider.listen(0).await.unwrap();
        let issuer = provider.issuer();
        let log = crate::log::Log::start();
        let gate = Gate::builder()
            .provider(
                Provider::unnamed(
                    &issuer,
                    "app",
                    ClientAuth::client_secret_basic(ClientSecret::new("s")),
                )
                .claims_from(ClaimsSource::UserinfoAlways),
            )
            .base_url(APP)
            .cookie_keys(CookieKeys::ephemeral())
            .http_client(ReqwestClient::new().unwrap())
            .build()
            .unwrap();
        let start = format!("{APP}{}", gate.sign_in_path("/me"));
        let app = tower::service_fn(move |request| {
            let gate = gate.clone();
            async move { crate::world::serve(&gate, request).await }
        });
        // The browser reaches the provider in the process; the gate's own requests go over the port.
        let mut browser = Browser::new()
            .site(&issuer, provider.clone())
            .site(APP, app);
        provider.fault(fault);
        let page = try_to_sign_in(&mut browser, &start, &issuer, "alice").await;
        match expected_with_userinfo(fault) {
            Expected::SignedIn => {
                assert!(page.body.starts_with("/me alice "), "{fault:?}: {page:?}");
            }
            Expected::Refused(check, status) => {
                assert_eq!(log.failed_login().get("check"), check, "{fault:?}");
                assert_eq!(page.status.as_u16(), status, "{fault:?}");
            }
        }
    }
}
