//! Which upstream answers where.

use crate::world::{at, header, mirror, mirrored, world_with};
use http::StatusCode;
use reverse_proxy::{Server, Settings, Target, Upstreams};

#[tokio::test]
async fn servers_directories_and_statuses_share_the_paths() {
    let directory = std::env::temp_dir().join(format!("reverse-proxy-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("sub")).unwrap();
    std::fs::write(directory.join("a.txt"), "a file").unwrap();
    std::fs::write(directory.join("sub/index.html"), "an index").unwrap();
    let mirror = mirror().await;
    let upstreams = Upstreams::new([
        at(
            "/open/api/",
            Target::Server(format!("http://{mirror}").parse().unwrap()),
        ),
        at("/open/files/", Target::Directory(directory.clone())),
        at("/open/ok", Target::Status(StatusCode::ACCEPTED)),
    ]);
    let server = Server::default();
    let w = world_with(Settings::new(upstreams), server, |gate| gate).await;

    let answer = w.ask("GET /open/api/v1", "").await;
    assert!(mirrored(&answer).starts_with("GET /open/api/v1 HTTP/1.1\r\n"));
    for (path, status, end) in [
        ("/open/files/a.txt", "200", "a file"),
        ("/open/files/sub/", "200", "an index"),
        ("/open/files/sub", "307", ""),
        ("/open/files/none", "404", ""),
        ("/open/files/../../etc/passwd", "400", "ambiguous path\"}\n"),
        ("/open/files/%2e%2e/a.txt", "400", "ambiguous path\"}\n"),
        ("/open/ok", "202", ""),
        ("/open/okay", "404", "not found\"}\n"),
    ] {
        let request = format!("GET {path}");
        let answer = w
            .ask(&request, "Sec-Fetch-Site: none\r\nCookie: none=1\r\n")
            .await;
        if status == "400" {
            // Neither is it open.
            let answer = w.ask(&request, &w.alice().await).await;
            assert!(
                answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(end),
                "{path}: {answer}"
            );
            continue;
        }
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {answer}"
        );
        assert!(answer.ends_with(end), "{path}: {answer}");
        if status == "307" {
            assert_eq!(
                header(&answer, "location").as_deref(),
                Some("/open/files/sub/")
            );
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}
