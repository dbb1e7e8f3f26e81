//! Rules of oauth2-proxy, rules with stars, rules for everybody, and rules for clients from somewhere.

use super::*;
use crate::peers::Peers;
use std::net::IpAddr;

fn open_by(rule: &str, method: &str, path: &str) -> bool {
    let policy = policy(PolicySettings::new().open(Pattern::skip_auth_route(rule)));
    words(&route(&policy, &method.parse().unwrap(), path)) == "open"
}

#[test]
fn a_skip_auth_route_has_the_meaning_that_it_has_there() {
    for (rule, method, path, open) in [
        ("^/public", "GET", "/public/x", true),
        ("^/public", "POST", "/publicity", true),
        ("/public", "DELETE", "/secret/public", true),
        ("^/public$", "GET", "/public/x", false),
        ("^/PUBLIC", "GET", "/public", false),
        ("GET=^/a$", "GET", "/a", true),
        ("GET=^/a$", "HEAD", "/a", true),
        ("GET=^/a$", "POST", "/a", false),
        ("post=^/a$", "POST", "/a", true),
        ("=^/a$", "PUT", "/a", true),
        ("GET!=^/private", "GET", "/x", true),
        ("GET!=^/private", "GET", "/private/x", false),
        ("GET!=^/private", "POST", "/x", false),
        ("!=^/private", "POST", "/x", true),
        ("PATCH=/a/equals?=y", "PATCH", "/a/equal=y", true),
        // Decoded, as there.
        ("^/caf\u{e9}$", "GET", "/caf%C3%A9", true),
        ("!=^/caf\u{e9}", "GET", "/caf%C3%A9", false),
        ("!=^/caf%C3%A9", "GET", "/caf%C3%A9", false),
        // Never by its query, and never where two parsers read two paths.
        ("/public", "GET", "/secret?x=/public", false),
        ("^/public", "GET", "/public/%2e%2e/secret", false),
        ("^/public", "GET", "/public/..%2fsecret", false),
        ("^/public", "GET", "/%70ublic/x", false),
        ("!=^/private", "GET", "//private", false),
        ("!=^/private", "GET", "/%70rivate", false),
        ("/bar$", "GET", "/foo/secret%23/bar", false),
    ] {
        assert_eq!(open_by(rule, method, path), open, "{rule} {method} {path}");
    }
}

#[test]
fn a_skip_auth_route_that_cannot_be_meant_is_named() {
    for (rule, problem) in [
        (
            "^/a?x=1",
            "open(skip_auth_route ^/a?x=1): `^/a?x` before the `=` is no method; where `=` is part of the expression write \
             `=` before all of it, or `Pattern::regex`",
        ),
        (
            "GET=^/a!=b",
            "open(skip_auth_route GET=^/a!=b): has `!=` behind `=`: which of the two is meant cannot be told; write `\\x21=` \
             in the expression",
        ),
        (
            "GET=",
            "open(skip_auth_route GET=): has no expression: it would be found in every path",
        ),
        (
            "",
            "open(skip_auth_route ): has no expression: it would be found in every path",
        ),
        (
            "^/(a",
            "open(skip_auth_route ^/(a): is no regular expression: unclosed group",
        ),
    ] {
        let settings = PolicySettings::new().open(Pattern::skip_auth_route(rule));
        let found = Policy::compile(settings).unwrap_err();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, [problem]);
    }
    let settings = PolicySettings::new().protect(Pattern::skip_auth_route("^/a"));
    assert_eq!(
        Policy::compile(settings).unwrap_err()[0].to_string(),
        "protect(skip_auth_route ^/a): an expression of `skip_auth_route` permits and never restricts: use another kind of \
         pattern"
    );
}

#[test]
fn a_star_stays_within_a_segment_and_two_do_not() {
    for (glob, path, open) in [
        ("/static/*.js", "/static/app.js", true),
        ("/static/*.js", "/static/.js", true),
        ("/static/*.js", "/static/x/app.js", false),
        ("/static/*.js", "/static/app.jsx", false),
        ("/static/*.js", "/static/appxjs", false),
        ("/static/**", "/static/", true),
        ("/static/**", "/static/x/y", true),
        ("/static/**", "/static", false),
        ("/static/**", "/static/../admin", false),
        ("/static/**", "/static/%2e%2e/admin", false),
        ("/**/logo", "/a/b/logo", true),
        ("/v*/health", "/v1/health", true),
        ("/v*/health", "/V1/health", false),
    ] {
        let policy = policy(PolicySettings::new().open(Pattern::glob(glob)));
        let open_now = words(&route(&policy, &Method::GET, path)) == "open";
        assert_eq!(open_now, open, "{glob} {path}");
    }
    let policy = policy(PolicySettings::new().require(Pattern::glob("/*/admin/**"), group("a")));
    for path in ["/x/admin/y", "/x/ADMIN/y", "/x/./admin/y", "/x/%61dmin/y"] {
        let place = words(&route(&policy, &Method::GET, path));
        assert_eq!(place, "protected: a", "{path}");
    }
    for (glob, problem) in [
        (
            "/a/***",
            "open(glob /a/***): `***` means nothing: `*` stays within a segment, `**` does not",
        ),
        (
            "/a/{b}",
            "open(glob /a/{b}): `{` means nothing in a glob: use `*` or `**`, or `Pattern::regex`",
        ),
        ("a/*", "open(glob a/*): must begin with `/`"),
        (
            "/a/*?x",
            "open(glob /a/*?x): must not contain a query: rules look at the path only",
        ),
    ] {
        let settings = PolicySettings::new().open(Pattern::glob(glob));
        let found = Policy::compile(settings).unwrap_err();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, [problem]);
    }
}

#[test]
fn what_everybody_has_to_meet_holds_on_every_protected_path_and_no_other() {
    let policy = policy(
        PolicySettings::new()
            .open(Pattern::path("/open"))
            .bypass(Pattern::path("/assets"))
            .protect(Pattern::path("/mine"))
            .require(Pattern::prefix("/admin"), group("admins"))
            .admit(group("staff"))
            .admit(group("berlin")),
    );
    for (path, place) in [
        ("/", "protected: staff and group berlin"),
        ("/mine", "protected: staff and group berlin"),
        ("/admin/x", "protected: staff and group berlin, admins"),
        ("/a/../admin", "protected: staff and group berlin, admins"),
        ("/open", "open"),
        ("/assets", "bypass"),
    ] {
        assert_eq!(words(&route(&policy, &Method::GET, path)), place, "{path}");
    }
    let nobody = Identity::builder("i", "s").build();
    let now = UnixTime::from_secs(0);
    assert_eq!(
        policy
            .explain(&Method::GET, "/", Some(&nobody), now)
            .outcome,
        "403: this caller lacks group staff"
    );
    let found = Policy::compile(PolicySettings::new().admit(group(""))).unwrap_err();
    assert_eq!(found[0].to_string(), "admit: group \"\": name a group");
}

#[test]
fn networks_open_what_no_rule_restricts_and_nothing_else() {
    let mut settings = PolicySettings::new()
        .protect(Pattern::path("/mine"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .admit(group("staff"));
    settings.open_to = Some(Peers::new(["10.0.0.0/8"]).unwrap());
    let policy = policy(settings);
    let from = |client: Option<IpAddr>, path: &str| {
        let (uri, headers): (Uri, _) = (path.parse().unwrap(), HeaderMap::new());
        let head = Head::new(&Method::GET, Target::Whole(&uri), &headers).client(client);
        words(&policy.route(&head))
    };
    let inside = "10.1.2.3".parse().ok();
    for (path, place) in [
        ("/", "open to network"),
        ("/x/y", "open to network"),
        ("/mine", "protected: staff"),
        ("/MINE/", "protected: staff"),
        ("/admin/x", "protected: staff, admins"),
        ("/x/../y", "protected: staff"),
        ("/oauth2/start", "endpoint start"),
    ] {
        assert_eq!(from(inside, path), place, "{path}");
    }
    assert_eq!(from("::ffff:10.1.2.3".parse().ok(), "/"), "open to network");
    assert_eq!(from("192.0.2.1".parse().ok(), "/"), "protected: staff");
    let unknown = from(None, "/");
    assert_eq!(unknown, "protected: staff", "nobody knows from where");
    let headers = HeaderMap::new();
    let cut = Head::new(&Method::GET, Target::Cut, &headers).client(inside);
    assert_eq!(words(&policy.route(&cut)), "protected: staff, admins");
}
