use super::*;
use oidc_gate_axum::testing::{self, Browser};

const SITE: &str = "http://localhost:3000";

fn browser() -> Browser {
    let provider = DevProvider::demo();
    let gate = gate(&provider).unwrap();
    Browser::new()
        .site(SITE, gate.protect(app()))
        .site("http://localhost:3001", provider)
}

/// Opens a page that a login stands before, as this user.
async fn open(user: &str, path: &str) -> (Browser, StatusCode, String) {
    let mut browser = browser();
    browser.get(&format!("{SITE}{path}")).await;
    let page = browser.sign_in_as(user).await;
    (browser, page.status, page.body)
}

#[tokio::test]
async fn the_first_page_is_for_everybody() {
    let page = browser().get(SITE).await;
    assert_eq!(page.body, "try /account, /admin, /report");
}

#[tokio::test]
async fn by_path_and_by_route_only_admins_come_in() {
    let (_, status, body) = open("alice", "/admin").await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::OK, "the control room")
    );
    assert_eq!(open("bob", "/admin").await.1, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_holds_for_several_pages_holds_for_each() {
    assert_eq!(open("carol", "/account").await.2, "your account");
    assert_eq!(open("bob", "/report").await.2, "[\"staff\"]");
    assert_eq!(open("carol", "/report").await.1, StatusCode::FORBIDDEN);
}

#[test]
fn explain_names_the_rules() {
    let gate = gate(&DevProvider::demo()).unwrap();
    assert_eq!(
        gate.explain(&Method::GET, "/admin", None).to_string(),
        "GET \"/admin\"\n  by require(/admin and below, group admins)\n  a login is demanded"
    );
}

/// What a change opens is seen in the difference of the file.
#[tokio::test]
async fn who_gets_where_is_reviewed() {
    let gate = gate(&DevProvider::demo()).unwrap();
    let table = testing::access(&gate, gate.protect(app()))
        .caller("staff", testing::user("bob").group("staff").build())
        .caller("admin", testing::user("alice").group("admins").build())
        .get(["/", "/account", "/report", "/admin", "/admin/wipe"])
        .get(["/account/..%2fadmin", "/%61dmin", "//admin", "/nowhere"])
        .request(Method::DELETE, "/admin/wipe")
        .request(Method::OPTIONS, "/admin")
        .table()
        .await;
    table.assert_snapshot("access.txt");
}
