//! Requests that two servers could take for different ones.

use crate::world::{header, mirror, mirrored, upstream, world};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[tokio::test]
async fn a_request_that_is_not_well_formed_is_refused_and_the_connection_closed() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = reached.clone();
    let counting = upstream(move |stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { drop(stream) }
    })
    .await;
    let w = world(counting).await;
    let next = "GET /open/next HTTP/1.1\r\nHost: a\r\n\r\n";
    for (what, request) in [
        (
            "two lengths",
            "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ndata",
        ),
        (
            "a list of lengths",
            "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 5\r\n\r\ndata",
        ),
        (
            "a length with a sign",
            "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\ndata",
        ),
        (
            "chunked is not last",
            "POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        (
            "an unknown coding",
            "POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks in HTTP/1.0",
            "POST /open HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "a folded line",
            "GET /open HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n X-Forwarded-User: root\r\n\r\n",
        ),
        (
            "a space before the colon",
            "GET /open HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\ndata",
        ),
        (
            "a bare CR in a value",
            "GET /open HTTP/1.1\r\nHost: a\r\nX-A: 1\rX-Forwarded-User: root\r\n\r\n",
        ),
        (
            "a bare CR as a line's end",
            "GET /open HTTP/1.1\rHost: a\r\r",
        ),
        (
            "a NUL in a value",
            "GET /open HTTP/1.1\r\nHost: a\r\nX-A: 1\0\r\n\r\n",
        ),
        ("no host", "GET /open HTTP/1.1\r\n\r\n"),
        (
            "two hosts",
            "GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        ("a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        // The refused one may be answered with the connection left open, but nothing behind it is taken for a request.
        let answer = w
            .raw(&format!(
                "{request}{}",
                if request.ends_with("\r\n\r\n") {
                    ""
                } else {
                    next
                }
            ))
            .await;
        let close = answer.starts_with("HTTP/1.1 400 ");
        assert!(close, "{what}: {answer}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

/// RFC 9112 § 6.1 leaves it to a server: the coding counts, and the connection ends. The upstream sees one framing.
#[tokio::test]
async fn of_a_length_and_chunks_the_chunks_count_and_nothing_follows() {
    let w = world(mirror().await).await;
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let smuggled = "0\r\n\r\nGET /open/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let answer = w
            .raw(&format!(
                "POST /bypass HTTP/1.1\r\nHost: a\r\n{lines}\r\n{smuggled}"
            ))
            .await;
        let got = mirrored(&answer);
        assert_eq!(header(got, "content-length"), None, "{got}");
        assert_eq!(
            header(got, "transfer-encoding").as_deref(),
            Some("chunked"),
            "{got}"
        );
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
        assert!(!answer.contains("smuggled"), "{answer}");
    }
}

/// RFC 9112 § 2.2 leaves that to a server too. What goes on has the lines that everybody reads alike.
#[tokio::test]
async fn lines_that_end_with_a_bare_lf_go_on_as_lines_that_all_read_alike() {
    let w = world(mirror().await).await;
    let answer = w
        .raw("GET /open HTTP/1.1\nHost: a\nX-Forwarded-User: root\nConnection: close\n\n")
        .await;
    let got = mirrored(&answer);
    assert!(!got.replace("\r\n", "").contains('\n'), "{got}");
    assert_eq!(header(got, "x-forwarded-user"), None);
}

#[tokio::test]
async fn a_head_has_a_limit() {
    let w = world(mirror().await).await;
    let long = format!("X-Long: {}\r\n", "a".repeat(256 * 1024));
    let answer = w.ask("GET /open", &long).await;
    assert!(
        answer.starts_with("HTTP/1.1 431 "),
        "{}",
        &answer[..answer.len().min(200)]
    );
}
