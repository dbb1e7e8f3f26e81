//! What `decide` promises, held to it.

use super::super::{Pattern, PolicySettings, SessionView, Target, acr, group, max_age};
use super::*;
use crate::login::ReturnTo;
use http::{HeaderMap, HeaderName, Method, Uri};
use serde::Deserialize;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_secs(10_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for who reads the table")]
    why: String,
    #[serde(default)]
    accepts: String,
    #[serde(default)]
    invalid_bearer: String,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    pass_preflights: bool,
    #[serde(default)]
    method: String,
    path: String,
    headers: Vec<String>,
    credential: String,
    verdict: String,
    session: String,
    cache: String,
}

fn policy(accepts: &str, invalid_bearer: &str) -> Policy {
    policy_of(accepts, invalid_bearer, SameSite::Lax)
}

fn policy_of(accepts: &str, invalid_bearer: &str, same_site: SameSite) -> Policy {
    Policy::compile(settings(accepts, invalid_bearer, same_site)).unwrap()
}

fn settings(accepts: &str, invalid_bearer: &str, same_site: SameSite) -> PolicySettings {
    let strong = || acr("phr").and(max_age(Duration::from_secs(300)));
    let mut settings = PolicySettings::new()
        .bypass(Pattern::prefix("/assets"))
        .open(Pattern::get("/"))
        .open(Pattern::prefix("/open"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .require(Pattern::prefix("/root"), group("root"))
        .require(Pattern::path("/vault"), strong())
        .require(Pattern::path("/root/vault"), strong());
    settings.json = vec![Pattern::prefix("/api")];
    settings.polling = vec![Pattern::get("/news")];
    settings.origin = Some("https://app.example".into());
    settings.same_site = same_site;
    settings.accepts = match accepts {
        "" | "Sessions" => Accepts::Sessions,
        "SessionsAndBearer" => Accepts::SessionsAndBearer,
        "Bearer" => Accepts::Bearer,
        other => panic!("{other}"),
    };
    settings.invalid_bearer = match invalid_bearer {
        "" | "Login" => InvalidBearer::Login,
        "Forbidden" => InvalidBearer::Forbidden,
        "Challenge" => InvalidBearer::Challenge,
        other => panic!("{other}"),
    };
    settings
}

fn alice(via: Via) -> Identity {
    Identity::builder("https://id.example", "alice")
        .group("admins")
        .acr("basic")
        .auth_time(NOW - Duration::from_secs(3600))
        .via(via)
        .build()
}

static BAD_TOKENS: std::sync::LazyLock<[CheckFailed; 3]> = std::sync::LazyLock::new(|| {
    [Check::BearerInvalid, Check::BearerHeader, Check::BearerDpop]
        .map(|check| CheckFailed::new(check, "why"))
});

fn credential<'a>(text: &str, session: &'a Identity, bearer: &'a Identity) -> Credential<'a> {
    let view = |freshness| Credential::Session(SessionView::new(session, freshness));
    let [invalid_token, malformed, dpop] = &*BAD_TOKENS;
    let bad = |failed, session| Credential::Bearer(BearerVerdict::Invalid { failed, session });
    let invalid = |session| bad(invalid_token, session);
    match text {
        "none" => Credential::None,
        "session" => view(Freshness::Fresh),
        "session touch" => view(Freshness::Touch),
        "session reseal" => view(Freshness::Reseal),
        "session ahead" => view(Freshness::RefreshAhead),
        "session due" => view(Freshness::RefreshDue),
        "expired" => Credential::Expired(Check::SessionIdle),
        "unreadable" => Credential::Unreadable(Check::SessionUnreadable),
        "bearer" => Credential::Bearer(BearerVerdict::Valid(bearer)),
        "bearer invalid" => invalid(LiveSession::Absent),
        "bearer invalid, session" => invalid(LiveSession::Present),
        "bearer malformed" => bad(malformed, LiveSession::Absent),
        "bearer dpop" => bad(dpop, LiveSession::Present),
        "bearer issuer down" => Credential::Bearer(BearerVerdict::IssuerUnavailable),
        "store down" => Credential::StoreUnavailable,
        other => panic!("{other}"),
    }
}

/// The verdict in the words of `decisions.toml`.
fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Admit(caller) => format!("admit {caller:?}"),
        Verdict::Serve(endpoint) => format!("serve {}", endpoint.name()),
        Verdict::LogIn {
            check,
            return_to,
            step_up,
        } => {
            let mut out = format!("log in {check}, back to {}", return_to.as_str());
            if let Some(way) = step_up {
                let age = way.max_age.unwrap().as_secs();
                out += &format!(", acr {}, age {age}", way.acr_values.join(" "));
            }
            out
        }
        Verdict::ComeAgain(there) => format!("come again to {}", there.as_str()),
        Verdict::Refuse(Refusal {
            check,
            cause,
            status,
            form,
            challenge,
            allow,
        }) => {
            assert!(!cause.is_empty());
            let mut out = format!("refuse {} {check} as {form:?}", status.as_u16());
            if let Some(challenge) = challenge {
                out += &format!(", {}", challenge.header_value().to_str().unwrap());
            }
            if let Some(allow) = allow {
                out += &format!(", allow {allow}");
            }
            out
        }
    }
}

fn cache_words(cache: Cache) -> String {
    match cache {
        Cache::Vary(of) => format!("Vary({})", of.vary().to_str().unwrap()),
        Cache::Private(of) => format!("Private({})", of.vary().to_str().unwrap()),
        Cache::Untouched | Cache::NoStore => format!("{cache:?}"),
    }
}

fn headers(lines: &[impl AsRef<str>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.as_ref().split_once(':').unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.trim().parse().unwrap());
    }
    headers
}

#[test]
fn requests_are_decided_as_the_table_says() {
    let cases: Vec<Case> = crate::testdata::cases(include_str!("../../../testdata/decisions.toml"));
    let (session, bearer) = (alice(Via::Session), alice(Via::Bearer));
    let mut wrong = vec![];
    for case in &cases {
        let same_site = if case.strict {
            SameSite::Strict
        } else {
            SameSite::Lax
        };
        let mut settings = settings(&case.accepts, &case.invalid_bearer, same_site);
        if case.pass_preflights {
            settings.preflights = Preflights::Pass;
        }
        let policy = Policy::compile(settings).unwrap();
        let method = match case.method.as_str() {
            "" => Method::GET,
            method => method.parse().unwrap(),
        };
        let (uri, headers): (Uri, _) = (case.path.parse().unwrap(), headers(&case.headers));
        let head = Head::new(&method, Target::Whole(&uri), &headers);
        let route = policy.route(&head);
        let credential = credential(&case.credential, &session, &bearer);
        let decision = policy.decide(&head, &route, credential, NOW);
        let Decision {
            verdict,
            session,
            cache,
        } = &decision;
        let have = (words(verdict), format!("{session:?}"), cache_words(*cache));
        let want = (
            case.verdict.clone(),
            case.session.clone(),
            case.cache.clone(),
        );
        if have != want {
            wrong.push(format!(
                "{}:\n   have {have:?}\n   want {want:?}",
                case.name
            ));
        }
        if !route.needs_identity() {
            let without = policy.decide(&head, &route, Credential::None, NOW);
            assert_eq!(
                decision, without,
                "{}: {route:?} needs an identity",
                case.name
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whoever_is_asked_to_come_again_is_not_asked_twice() {
    let policy = policy_of("", "", SameSite::Strict);
    let uri = Uri::from_static("/me?x=1");
    let alice = alice(Via::Session);
    for site in ["cross-site", "same-site", "same-origin", "none", "x", ""] {
        let site = format!("sec-fetch-site: {site}");
        let headers = headers(&["accept: text/html", &site]);
        let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
        let route = policy.route(&head);
        let decide = |credential| words(&policy.decide(&head, &route, credential, NOW).verdict);
        let again = decide(Credential::None) == "come again to /me?x=1";
        assert_eq!(again, site.ends_with("cross-site"), "{site}");
        // With a cookie of ours, whatever it is worth, there is nothing to come again for.
        for credential in ["session", "expired", "unreadable"] {
            let credential = self::credential(credential, &alice, &alice);
            assert!(!decide(credential).starts_with("come again"), "{site}");
        }
    }
}

#[test]
fn whole_decisions_are_data() {
    let policy = policy("", "");
    let (uri, headers) = (Uri::from_static("/root"), headers(&["accept: text/html"]));
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let route = policy.route(&head);
    let alice = alice(Via::Session);
    let session = Credential::Session(SessionView::new(&alice, Freshness::Touch));
    assert_eq!(
        policy.decide(&head, &route, session, NOW),
        Decision {
            verdict: Verdict::Refuse(Refusal::new(
                Check::Forbidden,
                "expected group root",
                StatusCode::FORBIDDEN,
                AnswerForm::Page
            )),
            session: SessionEffect::Touch,
            cache: Cache::NoStore,
        }
    );
    assert_eq!(
        policy.decide(&head, &route, Credential::None, NOW),
        Decision {
            verdict: Verdict::LogIn {
                check: Check::Unauthenticated,
                return_to: ReturnTo::parse("/root").unwrap(),
                step_up: None
            },
            session: SessionEffect::Keep,
            cache: Cache::NoStore,
        }
    );
}

#[test]
fn a_refusal_from_inside_is_answered_as_one_of_the_gate() {
    let alice = alice(Via::Session);
    for lines in [
        vec!["accept: text/html"],
        vec!["accept: application/json"],
        vec!["sec-purpose: prefetch"],
        vec!["content-type: application/grpc"],
        vec!["sec-fetch-dest: iframe", "sec-fetch-mode: navigate"],
        vec!["upgrade: websocket", "sec-fetch-site: same-origin"],
    ] {
        let policy = policy("", "");
        let headers = headers(&lines);
        for path in ["/root", "/vault", "/me"] {
            let uri: Uri = path.parse().unwrap();
            let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
            let route = policy.route(&head);
            let Route::Protected(requirements) = &route else {
                panic!("{route:?}")
            };
            let session = Credential::Session(SessionView::new(&alice, Freshness::Fresh));
            if let Err(unmet) = Requirement::check_all(requirements.iter(), &alice, NOW) {
                let outside = policy.decide(&head, &route, session, NOW).verdict;
                let demand = Demand::Unmet {
                    unmet,
                    via: Via::Session,
                };
                assert_eq!(policy.answer_demand(Asking::of(&head), demand), outside);
            }
            let outside = policy.decide(&head, &route, Credential::None, NOW).verdict;
            let inside = policy.answer_demand(Asking::of(&head), Demand::SignIn);
            let mend = |verdict: Verdict| match verdict {
                // Only the log line says from where.
                Verdict::Refuse(refusal) => Verdict::Refuse(Refusal {
                    cause: "".into(),
                    ..refusal
                }),
                other => other,
            };
            assert_eq!(mend(inside), mend(outside), "{lines:?} {path}");
        }
    }
}

#[test]
fn a_demand_beside_a_bearer_token_is_no_way_to_a_login() {
    let headers = headers(&["accept: text/html", "authorization: Bearer x"]);
    let uri = Uri::from_static("/open/x");
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let verdict = policy("SessionsAndBearer", "").answer_demand(Asking::of(&head), Demand::SignIn);
    assert_eq!(
        words(&verdict),
        r#"refuse 401 bearer.invalid as Page, Bearer error="invalid_token""#
    );
    // Where the gate takes none, the header is the application's own business.
    let verdict = policy("", "").answer_demand(Asking::of(&head), Demand::SignIn);
    assert_eq!(
        words(&verdict),
        "log in request.unauthenticated, back to /open/x"
    );
}

#[test]
fn a_stronger_sign_in_is_demanded_of_who_can_give_it_and_the_log_says_which() {
    let headers = headers(&["accept: text/html"]);
    let uri = Uri::from_static("/me");
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let (age, alice) = (Duration::from_secs(300), alice(Via::Session));
    for (requirement, cause) in [
        (acr("phr"), "expected a sign-in of class phr"),
        (
            acr("phr").or(acr("phrh")),
            "expected a sign-in of class phr or phrh",
        ),
        (max_age(age), "expected a sign-in at most 300 seconds ago"),
        (
            acr("phr").and(max_age(age)),
            "expected a sign-in of class phr at most 300 seconds ago",
        ),
    ] {
        let unmet = Requirement::check_all([&requirement].into_iter(), &alice, NOW).unwrap_err();
        let via = Via::Session;
        let demand = Demand::Unmet { unmet, via };
        let asking = Asking::of(&head);
        let verdict = policy("", "").answer_demand(asking.clone(), demand.clone());
        assert!(matches!(verdict, Verdict::LogIn { .. }), "{verdict:?}");
        // An application that makes up an identity, behind a gate that has no logins.
        let Verdict::Refuse(refusal) = policy("Bearer", "").answer_demand(asking, demand) else {
            panic!("{cause}")
        };
        assert_eq!(
            (refusal.status, refusal.check, &*refusal.cause),
            (StatusCode::UNAUTHORIZED, Check::StepUp, cause)
        );
    }
}

#[test]
fn a_decision_prints_no_query_and_no_header() {
    let headers = headers(&[
        "accept: text/html",
        "cookie: hush",
        "authorization: Bearer hush",
    ]);
    let uri = Uri::from_static("/me?code=hush");
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let policy = policy("", "");
    let route = policy.route(&head);
    let decision = policy.decide(&head, &route, Credential::None, NOW);
    let text = format!("{head:?} {route:?} {decision:?} {:?}", Asking::of(&head));
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn a_network_vouches_for_what_no_other_site_has_sent() {
    let mut settings = settings("", "", SameSite::Lax);
    settings.open_to = Some(crate::peers::Peers::new(["10.0.0.0/8"]).unwrap());
    let policy = Policy::compile(settings).unwrap();
    let decide = |method: &str, lines: &[&str]| {
        let (method, headers) = (method.parse().unwrap(), headers(lines));
        let uri = Uri::from_static("/x");
        let head = Head::new(&method, Target::Whole(&uri), &headers);
        let head = head.client("10.1.1.1".parse().ok());
        let decision = policy.decide(&head, &policy.route(&head), Credential::None, NOW);
        (words(&decision.verdict), cache_words(decision.cache))
    };
    let open = || ("admit Anonymous".to_owned(), "Private(Cookie)".to_owned());
    let closed = "refuse 401 request.unauthenticated as Json, Session";
    let closed = || (closed.to_owned(), "NoStore".to_owned());
    for (method, lines, expected) in [
        // Not as something that another client without a cookie may be given.
        ("GET", &[][..], open()),
        ("GET", &["sec-fetch-site: cross-site"], open()),
        ("POST", &[], open()),
        ("POST", &["sec-fetch-site: same-origin"], open()),
        ("POST", &["origin: https://app.example"], open()),
        ("POST", &["sec-fetch-site: cross-site"], closed()),
        ("POST", &["sec-fetch-site: same-site"], closed()),
        ("DELETE", &["origin: https://evil.example"], closed()),
        ("POST", &["referer: https://evil.example/x"], closed()),
    ] {
        assert_eq!(decide(method, lines), expected, "{method} {lines:?}");
    }
    let (verdict, _) = decide(
        "GET",
        &["sec-websocket-version: 13", "sec-fetch-site: cross-site"],
    );
    assert_eq!(
        verdict,
        "refuse 401 request.unauthenticated as Empty, Session"
    );
}
