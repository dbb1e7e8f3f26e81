//! One server: what is promised, how it is connected to, and how much is asked of it.

use crate::{
    MINUTE, key, put,
    server::{Dir, Server, free_port},
};
use oidc_gate_tower::{
    SessionBackend as _, Store, StoreError,
    store::{Peek, StoreErrorKind},
    testing::conformance::{self, Pass},
};
use std::{error::Error as _, fs, time::Duration};

#[tokio::test]
async fn it_keeps_every_sentence() {
    let server = Server::start(&[]);
    conformance::check(&Store::redis(server.url()), Pass::Wait).await;
}

#[tokio::test]
async fn a_local_cache_keeps_every_sentence() {
    let server = Server::start(&[]);
    let store = Store::redis(server.url()).local_cache(Duration::from_secs(5));
    conformance::check(&store, Pass::Wait).await;
}

#[tokio::test]
async fn what_is_loaded_or_swapped_is_at_hand_with_a_cache_alone() {
    let server = Server::start(&[]);
    let plain = Store::redis(server.url());
    let cached = Store::redis(server.url()).local_cache(MINUTE);
    let version = put(&plain, &key(1), b"one").await;
    assert_eq!(plain.peek(&key(1)), Peek::Elsewhere);
    assert_eq!(cached.peek(&key(1)), Peek::Elsewhere);
    let found = cached.load(&key(1)).await.unwrap();
    assert_eq!(cached.peek(&key(1)), Peek::Known(found));
    // A swap of its own it sees at once, without another question.
    assert!(
        cached
            .compare_and_swap(&key(1), version, b"two".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    let at_hand = cached.peek(&key(1));
    assert_eq!(at_hand, Peek::Known(plain.load(&key(1)).await.unwrap()));
    // What somebody else swaps it sees when it loads; until then it believes what it knows.
    put(&plain, &key(1), b"three").await;
    assert_eq!(cached.peek(&key(1)), at_hand);
    let found = cached.load(&key(1)).await.unwrap();
    assert_eq!(
        found.as_ref().map(|(value, _)| &**value),
        Some(&b"three"[..])
    );
    assert_eq!(cached.peek(&key(1)), Peek::Known(found));
    // One that it loses takes away what it knows.
    assert!(
        !cached
            .compare_and_swap(&key(1), version, b"x".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    assert_eq!(cached.peek(&key(1)), Peek::Elsewhere);
}

/// How often each command was asked for, from `INFO commandstats`.
fn calls(server: &Server, command: &str) -> u64 {
    let info = server.ask(&["info", "commandstats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next())
        .map_or(0, |calls| calls.parse().unwrap())
}

#[tokio::test]
async fn a_load_is_one_command_and_so_is_a_swap() {
    let server = Server::start(&[]);
    let store = Store::redis(server.url());
    // Brings the connection and the script.
    let version = put(&store, &key(1), b"x").await;
    server.ask(&["config", "resetstat"]);
    let asked = |server: &Server| {
        let info = server.ask(&["info", "stats"]);
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    let before = asked(&server);
    for _ in 0..10 {
        assert!(store.load(&key(1)).await.unwrap().is_some());
    }
    assert!(
        store
            .compare_and_swap(&key(1), version, b"y".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    assert!(
        !store
            .compare_and_swap(&key(1), version, b"y".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    assert_eq!((calls(&server, "get"), calls(&server, "evalsha")), (10, 2));
    assert_eq!(
        (
            calls(&server, "eval"),
            calls(&server, "set"),
            calls(&server, "getrange")
        ),
        (0, 1, 2)
    );
    // And nothing else: those above, what the script did inside, and the five questions of this test in between.
    let sum = asked(&server) - before;
    assert!((10 + 2..=10 + 2 + 3 + 6).contains(&sum), "{sum} commands");
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_script_is_told_it_again() {
    let server = Server::start(&[]);
    let store = Store::redis(server.url());
    put(&store, &key(1), b"x").await;
    server.ask(&["script", "flush"]);
    put(&store, &key(1), b"y").await;
    assert_eq!(calls(&server, "eval"), 2);
}

#[tokio::test]
async fn what_it_keeps_there_is_under_its_prefix_and_goes_by_itself() {
    let server = Server::start(&[]);
    let store = Store::redis(format!("{}/2?prefix=app:", server.url()));
    put(&store, &[0xff; 32], b"x").await;
    let keys = server.ask(&["-n", "2", "keys", "*"]);
    assert_eq!(keys, format!("app:{}8", "_".repeat(42)));
    let left: u128 = server.ask(&["-n", "2", "pttl", &keys]).parse().unwrap();
    assert!(
        (MINUTE.as_millis() - 20_000..=MINUTE.as_millis()).contains(&left),
        "{left}"
    );
    assert_eq!(server.ask(&["-n", "0", "keys", "*"]), "");
}

/// What failed, and all that it says.
fn told(error: &StoreError) -> (StoreErrorKind, String) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    (error.kind(), format!("{error} {error:?} {cause}"))
}

#[tokio::test]
async fn a_user_of_the_acl_needs_what_is_documented_and_no_more() {
    let server = Server::start(&[]);
    let rules =
        "on >s3cret/? resetkeys resetchannels ~oidc-gate:* +get +getrange +set +eval +evalsha";
    let mut args = vec!["acl", "setuser", "gate"];
    args.extend(rules.split(' '));
    assert_eq!(server.ask(&args), "OK");
    server.ask(&["acl", "setuser", "default", "off"]);
    let at = format!("127.0.0.1:{}", server.port);
    let store = Store::redis(format!("redis://gate:s3cret%2F%3F@{at}"));
    conformance::check(&store, Pass::Wait).await;
    assert!(!format!("{store:?}").contains("s3cret"), "{store:?}");

    for (url, what) in [
        (
            format!("redis://gate:wr0ng@{at}"),
            "does not know this user",
        ),
        (format!("redis://{at}"), "does not know this user"),
        (
            format!("redis://gate:s3cret%2F%3F@{at}?prefix=app:"),
            "does not allow this user",
        ),
    ] {
        let (kind, text) = told(&Store::redis(url).load(&key(1)).await.unwrap_err());
        assert_eq!(kind, StoreErrorKind::Misconfigured, "{text}");
        assert!(
            text.contains(what) && !text.contains("s3cret") && !text.contains("wr0ng"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_socket_will_do() {
    let dir = Dir::new();
    let path = dir.path().join("redis.sock");
    let _server = Server::start(&["--unixsocket", path.to_str().unwrap()]);
    let store = Store::redis(format!("redis+unix://{}", path.display()));
    put(&store, &key(1), b"x").await;
}

/// A certificate for that name, and its files for the server; the second directory is another authority's.
fn certificate(dir: &Dir, name: &str) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let files = [
        ("cert", made.cert.pem()),
        ("key", made.signing_key.serialize_pem()),
    ];
    files.map(|(file, text)| {
        let path = dir.path().join(format!("{file}.pem"));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[tokio::test]
async fn tls_is_for_the_authority_and_the_name_alone() {
    let (dir, other) = (Dir::new(), Dir::new());
    let [cert, secret] = certificate(&dir, "127.0.0.1");
    let [other_cert, _] = certificate(&other, "127.0.0.1");
    let port = free_port();
    let port_text = port.to_string();
    let _server = Server::start_on(
        port,
        &[
            "--port",
            "0",
            "--tls-port",
            &port_text,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &secret,
        ]
        .into_iter()
        .chain(["--tls-auth-clients", "no"])
        .collect::<Vec<_>>(),
    );
    let store = Store::redis(format!("rediss://127.0.0.1:{port}?ca={cert}"));
    put(&store, &key(1), b"x").await;
    for url in [
        // Another authority, whoever the platform trusts, another name, and no TLS.
        format!("rediss://127.0.0.1:{port}?ca={other_cert}"),
        format!("rediss://127.0.0.1:{port}"),
        format!("rediss://localhost:{port}?ca={cert}"),
        format!("redis://127.0.0.1:{port}"),
    ] {
        let (kind, text) = told(&Store::redis(&url).load(&key(1)).await.unwrap_err());
        assert_eq!(kind, StoreErrorKind::Unavailable, "{url}: {text}");
    }
    let missing = dir.path().join("missing.pem");
    let url = format!("rediss://127.0.0.1:{port}?ca={}", missing.display());
    let (kind, text) = told(&Store::redis(url).load(&key(1)).await.unwrap_err());
    assert_eq!(kind, StoreErrorKind::Misconfigured, "{text}");
}

#[tokio::test]
async fn something_else_under_a_key_is_neither_taken_nor_overwritten() {
    let server = Server::start(&[]);
    let store = Store::redis(server.url());
    put(&store, &[0xff; 32], b"x").await;
    let name = format!("oidc-gate:{}8", "_".repeat(42));
    for made in [["set", &name, "short"], ["lpush", &name, "x"]] {
        server.ask(&["del", &name]);
        server.ask(&made);
        let (kind, text) = told(&store.load(&[0xff; 32]).await.unwrap_err());
        assert_eq!(kind, StoreErrorKind::Misconfigured, "{text}");
        assert!(!text.contains("____"), "{text}");
        let swap = store
            .compare_and_swap(&[0xff; 32], 0, b"y".to_vec(), MINUTE)
            .await;
        assert!(!swap.is_ok_and(|done| done));
    }
}

#[tokio::test]
async fn a_server_without_room_says_so_and_keeps_what_it_has() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = Store::redis(server.url());
    let version = put(&store, &key(1), b"x").await;
    server.ask(&["config", "set", "maxmemory", "1"]);
    let full = store
        .compare_and_swap(&key(2), 0, b"y".to_vec(), MINUTE)
        .await
        .unwrap_err();
    assert_eq!(full.kind(), StoreErrorKind::Full);
    assert_eq!(
        store.load(&key(1)).await.unwrap(),
        Some((b"x".to_vec(), version))
    );
    server.ask(&["config", "set", "maxmemory", "0"]);
    put(&store, &key(2), b"y").await;
}

#[tokio::test]
async fn an_address_that_is_none_is_no_panic() {
    let store = Store::redis("redis://gate:s3cret@");
    let (kind, text) = told(&store.load(&key(1)).await.unwrap_err());
    assert_eq!(kind, StoreErrorKind::Misconfigured);
    assert!(!text.contains("s3cret") && !format!("{store:?}").contains("s3cret"));
}
