//! A callback at another address than the one that is configured: the log says so.

use crate::world::{APP, NAVIGATION, world};

#[tokio::test]
async fn a_login_that_is_missing_names_the_host_that_explains_it() {
    const NONE: &str = "no cookie of such a login came along";
    const OTHER: &str = "its cookie cannot be opened";
    let app = "the base URL is https://app.test";
    for (host, told) in [
        (None, String::new()),
        (Some("app.test"), String::new()),
        (Some("APP.test"), String::new()),
        (
            Some("www.app.test"),
            format!("; the request came to \"www.app.test\", {app}"),
        ),
        (
            Some("app.test:8443"),
            format!("; the request came to \"app.test:8443\", {app}"),
        ),
        (
            Some("x\"y"),
            format!("; the request came to \"x\\\"y\", {app}"),
        ),
    ] {
        for found in [false, true] {
            let mut w = world();
            let mut url = w.callback("alice", "/me").await;
            // It begins anew twice, without a word to the user.
            for _ in 0..2 {
                let again = w.deliver_with(&url, "").await;
                assert_eq!(w.log.failed_logins().len(), 0);
                for line in again.set_cookies() {
                    w.browser.set_cookie(APP, line);
                }
                w.browser.get(again.header("location")).await;
                url = w.stop_at_the_callback("alice").await;
            }
            let login = w.login_cookies().pop().unwrap();
            let cookie = format!("{}=spoilt", login.name);
            let mut headers = NAVIGATION.to_vec();
            if found {
                headers.push(("cookie", &*cookie));
            }
            headers.extend(host.map(|host| ("host", host)));
            let target = url.strip_prefix("https://app.test").unwrap();
            let answer = w.request("GET", target, &headers).await;
            let event = w.log.failed_login();
            assert_eq!(
                (answer.status, event.get("check"), event.get("cause")),
                (
                    400,
                    "callback.state_unknown",
                    &*format!("{}{told}", if found { OTHER } else { NONE })
                ),
                "{host:?}"
            );
            // The page is the same for everybody.
            assert!(!answer.body.contains("host") && !answer.body.contains("app.test"));
            // Only what was there is removed.
            assert_eq!(answer.set_cookies().len(), usize::from(found), "{host:?}");
        }
    }
}
