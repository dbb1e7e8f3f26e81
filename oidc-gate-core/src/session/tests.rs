//! Cookies that were not set together, sessions that are too large, and ids from before a login.

use super::{
    coordinate::{Begin, Effect, Machine, Told, UpdateError},
    *,
};
use crate::{
    check::Check,
    flow::{Entropy, EntropyUnavailable, Env, Step},
    identity::Identity,
    secret::SessionId,
    time::UnixTime,
    token::TokenResponse,
    url::BaseUrl,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use proptest::prelude::*;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn names() -> CookieNames {
    CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap())
}

fn request(pairs: &[String]) -> HeaderMap {
    let line = HeaderValue::from_str(&pairs.join("; ")).unwrap();
    std::iter::once((COOKIE, line)).collect()
}

fn tokens(name: &str, padding: usize) -> Tokens {
    let body = format!(
        r#"{{"access_token":"at-{name}-{}","token_type":"Bearer","refresh_token":"rt-{name}","expires_in":300}}"#,
        "p".repeat(padding)
    );
    let answer = TokenResponse::parse(&http::Response::new(body.into_bytes())).unwrap();
    let keep = KeepTokens::default();
    Tokens::issued(&answer, NOW, "openid", None, &[], keep).unwrap()
}

fn session(user: &str, id: u8, claim: usize) -> Session {
    let identity = Identity::builder("https://id.example", user)
        .claim("photo", "x".repeat(claim))
        .claim("name", "Alice")
        .build();
    let key = Ticket::new(SessionId::from_bytes([id; 32]), NOW).key();
    Session::begin(key, identity, None, &Lifetimes::default(), NOW)
        .with_tokens(Some(&tokens("a", 0)))
}

/// What a browser has of one value of a session: the cookies of the session, and those of its tokens.
fn cookies(keys: &CookieKeys, session: &Session, tokens: &Tokens) -> (Vec<String>, Vec<String>) {
    let none = HeaderMap::new();
    let sealed = session.seal(keys, &names()).unwrap();
    let of_session = names().set_session(&sealed, DAY, &none).unwrap();
    let sealed = session.seal_tokens(tokens, keys, &names()).unwrap();
    let of_tokens = names()
        .set_tokens(&sealed, &of_session, DAY, &none)
        .unwrap();
    let pairs = |cookies: &[SetCookie]| cookies.iter().map(SetCookie::pair).collect();
    (pairs(&of_session), pairs(&of_tokens))
}

fn opened(keys: &CookieKeys, headers: &HeaderMap) -> Option<(Session, Option<Tokens>)> {
    let names = names();
    let session = names
        .sessions(headers)
        .find_map(|sealed| Session::open(keys, &names, &sealed))?
        .0;
    let tokens = session.open_tokens(keys, &names, headers);
    Some((session, tokens))
}

#[test]
fn what_was_sealed_for_one_purpose_is_nothing_under_another_name() {
    let keys = CookieKeys::ephemeral();
    let (names, session) = (names(), session("alice", 1, 0));
    let ticket = Ticket::new(SessionId::from_bytes([1; 32]), NOW + DAY);
    let ticket = ticket.seal(&keys, &names).unwrap();
    let identity = session.seal(&keys, &names).unwrap();
    let tokens = session.seal_tokens(&tokens("a", 0), &keys, &names).unwrap();
    assert!(Ticket::open(&keys, &names, ticket.as_bytes()).is_some());
    for other in [&identity, &tokens] {
        assert!(Ticket::open(&keys, &names, other.as_bytes()).is_none());
    }
    for other in [&ticket, &tokens] {
        assert!(Session::open(&keys, &names, other.as_bytes()).is_none());
    }
    for other in [&ticket, &identity] {
        let headers = request(&[format!("{}={other}", names.tokens_name())]);
        assert!(session.open_tokens(&keys, &names, &headers).is_none());
    }
}

proptest! {
    /// Session and tokens of different generations and sessions, whole or in pieces, in any order: a session has the tokens
    /// that were sealed with it, or none.
    #[test]
    fn whatever_comes_together_a_session_has_its_own_tokens_or_none(
        session_of in 0usize..4,
        first in 0usize..4,
        second in 0usize..4,
        cut in prop::option::of(1usize..200),
        backwards: bool,
    ) {
        let keys = CookieKeys::ephemeral();
        let mut values = Vec::new();
        for (user, id) in [("alice", 1), ("bob", 2)] {
            let mut session = session(user, id, 0);
            for generation in 1..=2 {
                let name = format!("{user}-{generation}");
                let tokens = tokens(&name, 4500);
                session = session.renewed(&tokens, None, None);
                let (of_session, of_tokens) = cookies(&keys, &session, &tokens);
                prop_assert_eq!(of_tokens.len(), 2);
                values.push((name, of_session, of_tokens));
            }
        }
        let mut pieces = vec![values[first].2[0].clone(), values[second].2[1].clone()];
        if let Some(cut) = cut {
            let shorter = pieces[1].len() - cut;
            pieces[1].truncate(shorter);
        }
        pieces.extend(values[session_of].1.iter().cloned());
        if backwards {
            pieces.reverse();
        }
        let (session, tokens) = opened(&keys, &request(&pieces)).unwrap();
        let (name, ..) = &values[session_of];
        prop_assert!(name.starts_with(session.identity().subject()));
        let whole = session_of == first && first == second && cut.is_none();
        prop_assert_eq!(tokens.is_some(), whole);
        if let Some(refresh) = tokens.and_then(|tokens| tokens.refresh) {
            prop_assert_eq!(refresh.expose(), format!("rt-{name}"));
        }
    }
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

/// Drives a login's write, and gives what was to be written.
fn begun(keys: &CookieKeys, session: &Session) -> Result<Vec<u8>, UpdateError> {
    let mut entropy = NoEntropy;
    let env = &mut Env {
        now: NOW,
        entropy: &mut entropy,
    };
    let mut machine = Begin::of(keys, session.clone(), Some(tokens("a", 0)));
    let mut written = Vec::new();
    let mut told = Told::Start;
    loop {
        told = match machine.resume(told, env) {
            Effect::Load(_) => Told::Loaded(Ok(None)),
            Effect::Swap(swap) => {
                written = swap.bytes;
                Told::Swapped(Ok(true))
            }
            Effect::Flow(Step::Done(output)) => return output.map(|_| written),
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn a_session_of_a_hundred_kilobytes_is_for_a_store_and_cookies_say_what_to_leave_out() {
    let keys = CookieKeys::ephemeral();
    let large = session("alice", 1, 100 * 1024);
    let sealed = large.seal(&keys, &names()).unwrap();
    let failed = names()
        .set_session(&sealed, DAY, &HeaderMap::new())
        .unwrap_err();
    let failed = large.too_large(&failed);
    assert_eq!(failed.check(), Check::SessionTooLarge);
    assert!(failed.cause().contains("photo"), "{failed}");

    let stored = Stored::new(begun(&keys, &large).unwrap(), 1);
    let ticket = Ticket::new(SessionId::from_bytes([1; 32]), NOW + DAY);
    let Found::Session(kept) =
        KeptSession::stored(InStore::open(&keys, &ticket.key(), Some(&stored)), NOW)
    else {
        panic!("it is there")
    };
    assert_eq!(kept.session().identity().subject(), "alice");
    assert!(kept.tokens(&keys, |_| None).is_some());
}

#[test]
fn a_session_that_no_store_takes_says_what_to_leave_out() {
    let large = session("alice", 1, Session::MAX_STORED_BYTES);
    let Err(UpdateError::Failed(failed)) = begun(&CookieKeys::ephemeral(), &large) else {
        panic!("it is too large")
    };
    assert_eq!(failed.check(), Check::SessionTooLarge);
    assert!(failed.cause().contains("photo"), "{failed}");
}

#[test]
fn an_id_that_was_planted_before_a_login_is_nobodys_session() {
    let keys = CookieKeys::ephemeral();
    let names = names();
    let planted = Ticket::new(SessionId::from_bytes([6; 32]), NOW + DAY);
    // Whoever plants an id has no key: neither the id itself nor a ticket of another application is one.
    let of_another = planted.seal(&CookieKeys::ephemeral(), &names).unwrap();
    for text in ["Bg".repeat(22), of_another] {
        assert!(Ticket::open(&keys, &names, text.as_bytes()).is_none());
        assert!(Session::open(&keys, &names, text.as_bytes()).is_none());
    }
    // A ticket of the gate's own, of a session that somebody has begun and left in this browser, leads to that session; the
    // login after it has an id of its own, under which nothing stands, and the planted one stays what it was.
    let theirs = Stored::new(begun(&keys, &session("mallory", 6, 0)).unwrap(), 1);
    let ours = Ticket::new(SessionId::from_bytes([7; 32]), NOW + DAY);
    assert_ne!(ours.key(), planted.key());
    let stored = Stored::new(begun(&keys, &session("alice", 7, 0)).unwrap(), 2);
    let at = |ticket: &Ticket, stored| {
        KeptSession::stored(InStore::open(&keys, &ticket.key(), stored), NOW)
    };
    let Found::Session(alice) = at(&ours, Some(&stored)) else {
        panic!("it is there")
    };
    assert_eq!(alice.session().identity().subject(), "alice");
    // What one session has is nothing under the other's key.
    assert!(matches!(at(&planted, Some(&stored)), Found::Unreadable));
    assert!(matches!(at(&ours, Some(&theirs)), Found::Unreadable));
    assert!(matches!(
        at(&planted, None),
        Found::Over(Check::SessionUnknown)
    ));
}
