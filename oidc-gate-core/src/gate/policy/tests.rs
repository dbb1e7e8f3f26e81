//! What `policy` promises, held to it.

mod rules;

use super::super::Target;
use super::super::path::{Ambiguity, Clarity};
use super::super::requirement::{Requirement, group};
use super::*;
use http::{HeaderMap, Uri, header};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::HashMap;

fn policy(settings: PolicySettings) -> Policy {
    Policy::compile(settings).unwrap()
}

fn route<'p>(policy: &'p Policy, method: &Method, path: &str) -> Route<'p> {
    let uri = path.parse().unwrap();
    policy.route(&Head::new(method, Target::Whole(&uri), &HeaderMap::new()))
}

/// The place in the words of `paths.toml`.
fn words(route: &Route<'_>) -> String {
    match route {
        Route::Bypass => "bypass".into(),
        Route::Open => "open".into(),
        Route::OpenToNetwork(_) => "open to network".into(),
        Route::Protected(requirements) => {
            let groups: Vec<_> = requirements
                .iter()
                .map(|r| r.to_string().trim_start_matches("group ").to_owned())
                .collect();
            match groups.as_slice() {
                [] => "protected".into(),
                groups => format!("protected: {}", groups.join(", ")),
            }
        }
        Route::Endpoint(endpoint) => format!("endpoint {}", endpoint.name()),
        Route::UnknownEndpoint => "404".into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    path: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    host: Option<String>,
    clarity: String,
    place: String,
}

fn the_policy_of_the_table() -> Policy {
    policy(
        PolicySettings::new()
            .open(Pattern::get("/"))
            .open(Pattern::prefix("/public"))
            .open(Pattern::path("/teams/{team}"))
            .open(Pattern::regex("^/docs/[a-z]+$"))
            .open(Pattern::path("/admin/login"))
            .bypass(Pattern::prefix("/assets"))
            .bypass(Pattern::path("/static/{*rest}"))
            .require(Pattern::prefix("/admin"), group("admins"))
            .require(Pattern::path("/public/secret"), group("secret"))
            .require(Pattern::regex(r"^/reports/.*\.csv$"), group("reports"))
            .protect(Pattern::path("/public/mine")),
    )
}

#[test]
fn paths_lead_where_the_table_says() {
    let cases: Vec<Case> = crate::testdata::cases(include_str!("../../../testdata/paths.toml"));
    let policy = the_policy_of_the_table();
    let mut wrong = vec![];
    for case in &cases {
        let method = case.method.as_deref().unwrap_or("GET").parse().unwrap();
        // Some of these an `http::Uri` refuses to hold; a proxy may not.
        let uri = case.path.parse::<Uri>();
        let mut headers = HeaderMap::new();
        if let Some(host) = &case.host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        let path = match &uri {
            Ok(uri) => Head::new(&method, Target::Whole(uri), &headers).path(),
            Err(_) => match Clarity::of(&case.path) {
                Clarity::Plain => Path::Plain(&case.path),
                Clarity::Ambiguous(why) => Path::Ambiguous(&case.path, why),
            },
        };
        let clarity = match path {
            Path::Plain(_) => "Plain".to_owned(),
            Path::Ambiguous(_, why) => format!("{why:?}"),
            Path::Unknown => "Unknown".to_owned(),
        };
        let place = words(&policy.routed(policy.place(&method, path)));
        if (&clarity, &place) != (&case.clarity, &case.place) {
            wrong.push(format!(
                "{method} {:?} ({}): {clarity}, {place}; expected {}, {}",
                case.path, case.why, case.clarity, case.place
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 100);
}

#[test]
fn no_spelling_of_a_method_escapes_a_restriction_of_the_same_path() {
    let policy = policy(
        PolicySettings::new()
            .open(Pattern::path("/x"))
            .require(Pattern::method(Method::POST, "/x"), group("admins")),
    );
    for (method, place) in [
        ("GET", "open"),
        ("POST", "protected: admins"),
        ("post", "protected: admins"),
    ] {
        assert_eq!(
            words(&route(&policy, &method.parse().unwrap(), "/x")),
            place,
            "{method}"
        );
    }
}

#[test]
fn the_strictest_wins_whatever_the_order() {
    let kinds = |order: &[usize]| {
        let mut settings = PolicySettings::new();
        for at in order {
            settings = match at {
                0 => settings.bypass(Pattern::prefix("/")),
                1 => settings.open(Pattern::prefix("/a")),
                2 => settings.protect(Pattern::prefix("/a/b")),
                _ => settings.require(Pattern::prefix("/a/b/c"), group("g")),
            };
        }
        let policy = policy(settings);
        ["/x", "/a/x", "/a/b/x", "/a/b/c/x"].map(|path| words(&route(&policy, &Method::GET, path)))
    };
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        assert_eq!(
            kinds(&order),
            ["bypass", "open", "protected", "protected: g"]
        );
    }
}

#[test]
fn a_restriction_holds_with_a_slash_at_the_end_and_without_on_either_side() {
    for (written, asked) in [("/admin", "/admin/"), ("/admin/", "/admin")] {
        let policy = policy(
            PolicySettings::new()
                .open(Pattern::prefix("/"))
                .require(Pattern::path(written), group("admins")),
        );
        for path in [written, asked] {
            let place = words(&route(&policy, &Method::GET, path));
            assert_eq!(place, "protected: admins", "{written}: {path}");
        }
    }
}

#[test]
fn all_requirements_that_match_apply() {
    let policy = policy(
        PolicySettings::new()
            .require(Pattern::prefix("/"), group("staff"))
            .require(Pattern::prefix("/admin"), group("admins"))
            .require(Pattern::path("/admin/{what}"), group("what"))
            .require(Pattern::path("/admin/wipe"), group("wipers"))
            .require(Pattern::regex("^/admin/w.*$"), group("w"))
            .require(Pattern::prefix("/admin"), group("root"))
            .require(
                Pattern::method(Method::DELETE, "/admin/wipe"),
                group("deleters"),
            ),
    );
    assert_eq!(
        words(&route(&policy, &Method::DELETE, "/admin/wipe")),
        "protected: staff, admins, what, wipers, w, root, deleters"
    );
    assert_eq!(
        words(&route(&policy, &Method::GET, "/x")),
        "protected: staff"
    );
}

#[test]
fn one_path_decides_over_patterns_and_the_strictest_among_its_rules() {
    let policy = policy(
        PolicySettings::new()
            .require(Pattern::prefix("/a"), group("g"))
            .bypass(Pattern::path("/a/health"))
            .open(Pattern::path("/a/page"))
            .open(Pattern::get("/a/form"))
            .protect(Pattern::path("/a/form"))
            .open(Pattern::prefix("/b"))
            .protect(Pattern::path("/b/mine")),
    );
    for (path, place) in [
        ("/a/health", "bypass"),
        ("/a/page", "open"),
        ("/a/form", "protected: g"),
        ("/a/other", "protected: g"),
        ("/b/mine", "protected"),
        ("/b/x", "open"),
    ] {
        assert_eq!(words(&route(&policy, &Method::GET, path)), place, "{path}");
    }
}

#[test]
fn a_cut_target_matches_no_permission_and_every_restriction() {
    let policy = policy(
        PolicySettings::new()
            .open(Pattern::prefix("/"))
            .bypass(Pattern::path("/x"))
            .require(Pattern::prefix("/admin"), group("admins"))
            .require(Pattern::method(Method::POST, "/y"), group("posters")),
    );
    let headers = HeaderMap::new();
    let cut = |method| words(&policy.route(&Head::new(method, Target::Cut, &headers)));
    assert_eq!(cut(&Method::GET), "protected: admins");
    assert_eq!(cut(&Method::POST), "protected: admins, posters");
}

#[test]
fn what_is_too_long_or_too_twisted_to_read_could_be_anything() {
    let policy = policy(
        PolicySettings::new()
            .open(Pattern::prefix("/"))
            .require(Pattern::prefix("/admin"), group("admins")),
    );
    let long = format!("/{}/..", "a".repeat(3000));
    let twisted = "/a%2541%41%ef%bc%a1\\;b/../%09%20/%3f//;x/%23y";
    for path in [long.as_str(), twisted] {
        let why = Ambiguity::DotSegment;
        let placed = policy.place(&Method::GET, Path::Ambiguous(path, why));
        assert_eq!(words(&policy.routed(placed)), "protected: admins", "{path}");
    }
    // A plain path may be long.
    let long = format!("/{}", "a".repeat(3000));
    assert_eq!(words(&route(&policy, &Method::GET, &long)), "open");
}

#[test]
fn endpoints_lie_under_base_path_and_prefix() {
    let mut settings = PolicySettings::new().open(Pattern::prefix("/"));
    settings.base_path = "/app".into();
    settings.prefix = "/gate".into();
    settings.endpoints = vec![
        Endpoint::Callback(None),
        Endpoint::Callback(Some("staff".into())),
        Endpoint::Ping,
    ];
    let policy = policy(settings);
    let at = |path| route(&policy, &Method::GET, path);
    assert_eq!(
        at("/app/gate/callback"),
        Route::Endpoint(Endpoint::Callback(None))
    );
    assert_eq!(
        at("/app/gate/callback/staff"),
        Route::Endpoint(Endpoint::Callback(Some("staff".into())))
    );
    assert_eq!(at("/app/gate/ping"), Route::Endpoint(Endpoint::Ping));
    assert_eq!(at("/app/gate/start"), Route::UnknownEndpoint);
    assert_eq!(at("/app/gate"), Route::UnknownEndpoint);
    assert_eq!(at("/gate/ping"), Route::Open);
    assert_eq!(policy.endpoint_path(&Endpoint::Ping), "/app/gate/ping");
}

#[test]
fn without_endpoints_the_prefix_is_the_applications() {
    let mut settings = PolicySettings::new().open(Pattern::prefix("/oauth2"));
    settings.endpoints = vec![];
    assert_eq!(
        route(&policy(settings), &Method::GET, "/oauth2/start"),
        Route::Open
    );
}

#[test]
fn explanations_name_the_rule() {
    let policy = the_policy_of_the_table();
    let now = UnixTime::from_secs(0);
    let bob = Identity::builder("i", "bob").build();
    for (path, who, text) in [
        (
            "/",
            None,
            "GET \"/\"\n  by open(GET /)\n  open: anyone may pass",
        ),
        (
            "/x",
            None,
            "GET \"/x\"\n  no rule matches, so a login is demanded",
        ),
        (
            "/public/%2e%2e/admin",
            Some(&bob),
            "GET \"/public/%2e%2e/admin\", an ambiguous path: it contains an encoded slash, backslash, dot, null, \
             percent, hash or question mark\n  by require(/admin and below, group admins)\n  \
             403: this caller lacks group admins",
        ),
        (
            "/oauth2/start",
            None,
            "GET \"/oauth2/start\"\n  the gate's own endpoint start (GET, POST)",
        ),
    ] {
        assert_eq!(
            policy.explain(&Method::GET, path, who, now).to_string(),
            text
        );
    }
}

// A naive reading of the rules, one after the other, to hold the compiled ones against.

fn naive(rules: &[Rule], method: &Method, path: &str) -> String {
    let permits = |r: &&Rule| r.pattern.covers(method) && naive_match(&r.pattern, path, false);
    let plain = Clarity::of(path) == Clarity::Plain;
    let named: Vec<_> = rules
        .iter()
        .filter(|r| r.pattern.literal() == Some(path) && plain && r.pattern.covers(method))
        .collect();
    let strictest = named.iter().map(|r| rank(&r.kind)).max();
    if let Some(rank @ (0 | 1)) = strictest {
        return ["bypass", "open"][rank].into();
    }
    let restricting: Vec<_> = rules
        .iter()
        .filter(|r| r.kind.restricts() && r.pattern.restricts(method))
        .filter(|r| naive_match(&r.pattern, path, true))
        .collect();
    if !restricting.is_empty() || strictest.is_some() {
        let groups: Vec<_> = restricting
            .iter()
            .filter_map(|r| match &r.kind {
                RuleKind::Require(r) => Some(r.to_string().trim_start_matches("group ").to_owned()),
                _ => None,
            })
            .collect();
        return if groups.is_empty() {
            "protected".into()
        } else {
            format!("protected: {}", groups.join(", "))
        };
    }
    let permitted = rules
        .iter()
        .filter(|_| plain)
        .filter(|r| !r.kind.restricts())
        .filter(permits);
    match permitted.map(|r| rank(&r.kind)).max() {
        Some(rank) => ["bypass", "open"][rank].into(),
        None => "protected".into(),
    }
}

fn rank(kind: &RuleKind) -> usize {
    match kind {
        RuleKind::Bypass => 0,
        RuleKind::Open => 1,
        RuleKind::Protect => 2,
        RuleKind::Require(_) => 3,
    }
}

/// By a regular expression made of the pattern.
fn naive_match(pattern: &Pattern, path: &str, generous: bool) -> bool {
    use super::super::pattern::Shape;
    let (text, prefix) = match &pattern.shape {
        Shape::Path(text) => (text, false),
        Shape::Prefix(text) => (text, true),
        Shape::Regex(text) => {
            let text = if generous {
                format!("(?i){text}")
            } else {
                text.clone()
            };
            let regex = regex::Regex::new(&text).unwrap();
            let trimmed = path.trim_end_matches(|c| c == '/' && generous);
            return regex.is_match(path) || regex.is_match(trimmed);
        }
        Shape::Glob(text) => return naive_glob(text, path, generous),
        Shape::Search(_) => unreachable!("none is drawn"),
    };
    let text = text.trim_end_matches(|c| c == '/' && (prefix || generous));
    let mut expression = String::from(if generous { "(?i)^" } else { "^" });
    for segment in text.split('/').skip(1) {
        expression += "/";
        expression += &match segment {
            "{a}" | "{b}" => "[^/]+".to_owned(),
            "{*rest}" => ".+".to_owned(),
            text => regex::escape(text),
        };
    }
    expression += match (prefix, generous) {
        (true, _) => "(/.*)?$",
        (false, true) => "/?$",
        (false, false) => "$",
    };
    regex::Regex::new(&expression).unwrap().is_match(path)
}

/// Character by character, with going back.
fn naive_glob(glob: &str, path: &str, generous: bool) -> bool {
    let text = |text: &str| match generous {
        true => text.to_lowercase(),
        false => text.to_owned(),
    };
    let (glob, path) = (text(glob), text(path));
    let trimmed = path.trim_end_matches(|c| c == '/' && generous);
    return fits(&glob, &path) || fits(&glob, trimmed);

    fn fits(glob: &str, path: &str) -> bool {
        if let Some(rest) = glob.strip_prefix("**") {
            return (0..=path.len()).any(|at| path.is_char_boundary(at) && fits(rest, &path[at..]));
        }
        if let Some(rest) = glob.strip_prefix('*') {
            let end = path.find('/').unwrap_or(path.len());
            return (0..=end).any(|at| path.is_char_boundary(at) && fits(rest, &path[at..]));
        }
        match (glob.chars().next(), path.chars().next()) {
            (None, None) => true,
            (Some(a), Some(b)) if a == b => fits(&glob[a.len_utf8()..], &path[b.len_utf8()..]),
            _ => false,
        }
    }
}

fn a_segment() -> impl Strategy<Value = String> {
    "[a-c]{1,2}|A|x1".prop_map(|s| s)
}

fn a_pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![4 => a_segment(), 1 => Just("{a}".to_owned())];
    let path = (proptest::collection::vec(segment, 1..4), any::<bool>()).prop_map(|(s, rest)| {
        let mut named = 0;
        let mut text = String::new();
        for segment in s {
            // A name stands once.
            let segment = match segment.as_str() {
                "{a}" => {
                    named += 1;
                    ["{a}", "{b}", "y"][(named - 1).min(2)]
                }
                text => text,
            };
            text += "/";
            text += segment;
        }
        (text, rest)
    });
    (path, 0..10usize).prop_map(|((text, rest), form)| match form {
        0 => Pattern::prefix(text),
        1 => Pattern::prefix("/"),
        2 => Pattern::get(text),
        3 => Pattern::method(Method::POST, text),
        4 if rest => Pattern::path(text + "/{*rest}"),
        5 => Pattern::regex(format!("^/{}[a-c]*$", ["a", "b", "c"][text.len() % 3])),
        6 => Pattern::glob(format!("/{}*/**", ["a", "b", "*"][text.len() % 3])),
        7 => Pattern::glob(format!("/**{}", ["a", "/b", "/x1/*"][text.len() % 3])),
        _ => Pattern::path(text),
    })
}

fn the_rules(of: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Rule>> {
    proptest::collection::vec((a_pattern(), 0..4usize, "g[0-9]{3}"), of).prop_map(|drawn| {
        let mut kinds: HashMap<Pattern, usize> = HashMap::new();
        let mut rules: Vec<Rule> = vec![];
        for (pattern, kind, name) in drawn {
            // Not two kinds for one pattern, and not one requirement twice under two names for the same rule.
            let kind = *kinds.entry(pattern.canonical()).or_insert(kind);
            let kind = match kind {
                0 => RuleKind::Bypass,
                1 => RuleKind::Open,
                2 => RuleKind::Protect,
                _ => RuleKind::Require(group(name)),
            };
            rules.push(Rule::new(pattern, kind));
        }
        rules
    })
}

fn a_path() -> impl Strategy<Value = String> {
    (proptest::collection::vec(a_segment(), 0..5), any::<bool>()).prop_map(|(segments, slash)| {
        let slash = if slash && !segments.is_empty() {
            "/"
        } else {
            ""
        };
        format!("/{}{slash}", segments.join("/"))
    })
}

proptest! {
    #[test]
    fn compiled_rules_decide_as_naive_ones(
        rules in the_rules(0..12),
        paths in proptest::collection::vec(a_path(), 1..20),
        post in any::<bool>(),
    ) {
        let method = if post { Method::POST } else { Method::HEAD };
        let mut settings = PolicySettings::new();
        settings.rules = rules.clone();
        let policy = Policy::compile(settings).unwrap();
        for path in paths {
            prop_assert_eq!(words(&route(&policy, &method, &path)), naive(&rules, &method, &path), "{}", path);
        }
    }

    /// No dress of a path gets it past a permission that its plain form does not have.
    #[test]
    fn an_ambiguous_path_is_never_permitted(path in "/[a-c/.%;\\\\2efF05C#?~]{0,16}") {
        let policy = policy(PolicySettings::new().open(Pattern::prefix("/")).bypass(Pattern::prefix("/a")));
        if let Clarity::Ambiguous(why) = Clarity::of(&path) {
            let placed = policy.place(&Method::GET, Path::Ambiguous(&path, why));
            prop_assert_eq!(placed.place, Place::Protected);
        }
    }

    /// However /admin is dressed up by one of many encoders, the restriction is found.
    #[test]
    fn a_restriction_holds_in_every_dress(
        dress in proptest::collection::vec(0..6u8, 5),
        before in proptest::sample::select(vec!["", "/", "/public/..", "/x/%2e%2e", "/.", "/;a"]),
        after in proptest::sample::select(vec!["", "/", "/x", ";y", "//", ".", "%20", "%00", "%23/public", "\\x"]),
    ) {
        let mut path = format!("{before}/");
        for (letter, dress) in "admin".bytes().zip(dress) {
            path += &match dress {
                0 => format!("%{letter:02x}"),
                1 => format!("%{letter:02X}"),
                2 => format!("%25{letter:02x}"),
                3 => char::from(letter.to_ascii_uppercase()).to_string(),
                _ => char::from(letter).to_string(),
            };
        }
        path += after;
        let policy = policy(PolicySettings::new().open(Pattern::prefix("/")).require(Pattern::prefix("/admin"), group("g")));
        let read = match Clarity::of(&path) {
            Clarity::Plain => Path::Plain(&path),
            Clarity::Ambiguous(why) => Path::Ambiguous(&path, why),
        };
        let placed = policy.place(&Method::GET, read);
        prop_assert_eq!(words(&policy.routed(placed)), "protected: g", "{}", path);
    }

    #[test]
    fn no_path_makes_it_panic(path in ".{0,80}") {
        let policy = the_policy_of_the_table();
        let _ = policy.place(&Method::GET, Path::Ambiguous(&path, Ambiguity::NoPath));
        let _ = policy.place(&Method::GET, Path::Plain(&path));
        let _ = Clarity::of(&path);
    }
}

#[test]
fn a_thousand_rules_decide_as_naive_ones() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let rules = the_rules(1000).new_tree(&mut runner).unwrap().current();
    let mut settings = PolicySettings::new();
    settings.rules = rules.clone();
    let policy = Policy::compile(settings).unwrap();
    for _ in 0..50 {
        let path = a_path().new_tree(&mut runner).unwrap().current();
        assert_eq!(
            words(&route(&policy, &Method::GET, &path)),
            naive(&rules, &Method::GET, &path),
            "{path}"
        );
    }
}

#[test]
fn a_policy_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Policy>();
    shared::<Requirement>();
}
