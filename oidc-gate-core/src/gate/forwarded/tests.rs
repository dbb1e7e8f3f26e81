use super::*;
use crate::check::CheckFailed;
use crate::gate::{
    Accepts, BearerVerdict, Freshness, LiveSession, Pattern, PolicySettings, SessionView, Target,
    acr, group,
};
use http::{HeaderMap, Method, Uri};

const NOW: UnixTime = UnixTime::from_secs(1_000_000);

fn policy() -> Policy {
    let mut settings = PolicySettings::new()
        .open(Pattern::prefix("/public"))
        .bypass(Pattern::prefix("/assets"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .require(Pattern::prefix("/vault"), acr("phr"));
    settings.endpoints.push(crate::gate::Endpoint::Auth);
    settings.origin = Some("https://app.example.com".into());
    settings.realm = Some("shop".into());
    Policy::compile(settings).unwrap()
}

fn somebody(groups: &[&str]) -> Identity {
    let who = Identity::builder("https://id.example", "1");
    let who = groups.iter().fold(who, |who, name| who.group(*name));
    who.build()
}

/// In a word.
fn decided(
    method: &Method,
    path: &str,
    lines: &[(&'static str, &str)],
    who: Credential<'_>,
    query: &str,
) -> String {
    let policy = policy();
    let uri: Uri = path.parse().unwrap();
    let headers: HeaderMap = lines
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect();
    let head = Head::new(method, Target::Whole(&uri), &headers);
    let narrow = Narrow::parse(query).unwrap();
    let route = policy.route_forwarded(&head, &narrow);
    match policy
        .decide_forwarded(&head, &route, &narrow, who, NOW)
        .verdict
    {
        Verdict::Admit(caller) => format!("{caller:?}"),
        Verdict::LogIn { step_up: None, .. } => "login".into(),
        Verdict::LogIn { .. } => "step up".into(),
        Verdict::ComeAgain(_) => "come again".into(),
        Verdict::Refuse(refusal) => format!("{} {}", refusal.status.as_u16(), refusal.check.id()),
        Verdict::Serve(endpoint) => format!("serve {endpoint:?}"),
    }
}

fn session(who: &Identity) -> Credential<'_> {
    Credential::Session(SessionView::new(who, Freshness::Fresh))
}

const TAB: &[(&str, &str)] = &[
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

#[test]
fn the_rules_hold_for_the_path_that_the_proxy_has_in_hand() {
    let (admin, member) = (somebody(&["admins"]), somebody(&[]));
    let get = |path, who| decided(&Method::GET, path, TAB, who, "");
    assert_eq!(get("/public/a", Credential::None), "Anonymous");
    assert_eq!(get("/public/a", session(&member)), "Identified");
    assert_eq!(get("/assets/a", session(&member)), "Bypassed");
    assert_eq!(get("/reports", Credential::None), "login");
    assert_eq!(get("/reports", session(&member)), "Identified");
    assert_eq!(get("/admin", session(&member)), "403 request.forbidden");
    assert_eq!(get("/admin", session(&admin)), "Identified");
    assert_eq!(get("/vault", session(&admin)), "step up");
    assert_eq!(get("/public/..%2fadmin", Credential::None), "login");
    assert_eq!(
        get("/public/..%2fadmin", session(&member)),
        "403 request.forbidden"
    );
    assert_eq!(get("/assets//a", Credential::None), "login");
}

/// The method and the headers are those of the request: a session does not vouch for what another site sends.
#[test]
fn what_another_site_sends_is_refused() {
    let member = somebody(&[]);
    let post = |lines: &[(&'static str, &str)]| {
        decided(&Method::POST, "/reports", lines, session(&member), "")
    };
    assert_eq!(
        post(&[("sec-fetch-site", "cross-site")]),
        "403 request.cross_site"
    );
    assert_eq!(
        post(&[("origin", "https://evil.example")]),
        "403 request.cross_site"
    );
    assert_eq!(post(&[]), "403 request.cross_site");
    assert_eq!(post(&[("origin", "https://app.example.com")]), "Identified");
    assert_eq!(post(&[("sec-fetch-site", "same-origin")]), "Identified");
}

#[test]
fn nobody_is_let_through_to_the_gates_own_endpoints_and_none_is_served() {
    let admin = somebody(&["admins"]);
    for path in [
        "/oauth2/callback",
        "/oauth2/auth",
        "/oauth2/sign_out",
        "/oauth2/userinfo",
        "/oauth2/start",
        "/oauth2",
        "/oauth2/x",
    ] {
        for who in [Credential::None, session(&admin)] {
            assert_eq!(
                decided(&Method::GET, path, TAB, who, ""),
                "403 forwarded.own",
                "{path}"
            );
        }
    }
}

/// On skipped routes as on others: where a proxy demands a group, nobody without it passes, and nobody without a session.
#[test]
fn what_the_proxy_demands_is_demanded_of_everybody_on_open_paths_too() {
    let (with, without) = (somebody(&["admins"]), somebody(&["staff"]));
    for path in ["/reports", "/public/a", "/assets/a"] {
        let get = |who| decided(&Method::GET, path, &[], who, "allowed_groups=admins");
        assert_eq!(get(session(&with)), "Identified", "{path}");
        assert_eq!(get(session(&without)), "403 request.forbidden", "{path}");
        assert_eq!(
            get(Credential::None),
            "401 request.unauthenticated",
            "{path}"
        );
    }
    // What the rules keep out, no demand lets in.
    let get = |path, who| decided(&Method::GET, path, &[], who, "allowed_groups=staff");
    assert_eq!(get("/admin", session(&without)), "403 request.forbidden");
}

#[test]
fn without_a_path_being_signed_in_is_enough() {
    let policy = policy();
    let (uri, headers) = (Uri::from_static("/oauth2/auth"), HeaderMap::new());
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let member = somebody(&["staff"]);
    let decide = |who, query| {
        let narrow = Narrow::parse(query).unwrap();
        let decision = policy.decide_forwarded(&head, &policy.anywhere(), &narrow, who, NOW);
        match decision.verdict {
            Verdict::Admit(caller) => format!("{caller:?}"),
            Verdict::Refuse(refusal) => refusal.check.id().to_owned(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(decide(session(&member), ""), "Identified");
    assert_eq!(
        decide(session(&member), "allowed_groups=staff"),
        "Identified"
    );
    assert_eq!(
        decide(session(&member), "allowed_groups=admins"),
        "request.forbidden"
    );
    assert_eq!(decide(Credential::None, ""), "request.unauthenticated");
    assert_eq!(
        decide(Credential::StoreUnavailable, ""),
        "session.store_unavailable"
    );
}

/// A token is looked at where the gate takes any, and a demand is made of its owner.
#[test]
fn a_demand_is_made_of_who_comes_by_a_bearer_token() {
    let mut settings = PolicySettings::new();
    settings.accepts = Accepts::SessionsAndBearer;
    let policy = Policy::compile(settings).unwrap();
    let (uri, headers) = (Uri::from_static("/x"), HeaderMap::new());
    let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
    let who = somebody(&["staff"]);
    for (verdict, query, admitted) in [
        (BearerVerdict::Valid(&who), "allowed_groups=staff", true),
        (BearerVerdict::Valid(&who), "allowed_groups=admins", false),
        (
            BearerVerdict::Invalid {
                failed: &CheckFailed::new(Check::ForwardedMethod, "any"),
                session: LiveSession::Present,
            },
            "allowed_groups=staff",
            false,
        ),
    ] {
        let narrow = Narrow::parse(query).unwrap();
        let route = policy.route_forwarded(&head, &narrow);
        let decision =
            policy.decide_forwarded(&head, &route, &narrow, Credential::Bearer(verdict), NOW);
        let admit = Verdict::Admit(Caller::Identified);
        assert_eq!(decision.verdict == admit, admitted, "{query}");
    }
}

/// 401 leads to a login, so it is said only where a login helps.
#[test]
fn a_proxy_that_makes_a_status_of_it_is_told_401_or_403() {
    let policy = policy();
    let place = crate::login::ReturnTo::root;
    let refuse = |check, status| {
        Verdict::Refuse(Refusal::new(
            check,
            "",
            StatusCode::from_u16(status).unwrap(),
            AnswerForm::Grpc,
        ))
    };
    let log_in = |step_up| Verdict::LogIn {
        check: Check::Unauthenticated,
        return_to: place(),
        step_up,
    };
    for (verdict, status, challenge) in [
        (log_in(None), 401, Some(r#"Session realm="shop""#)),
        (
            Verdict::LogIn {
                check: Check::StepUp,
                return_to: place(),
                step_up: Some(crate::gate::StepUp::new(vec!["phr".to_owned()], None)),
            },
            403,
            Some(
                r#"Session realm="shop", error="insufficient_user_authentication", acr_values="phr""#,
            ),
        ),
        (
            Verdict::ComeAgain(place()),
            401,
            Some(r#"Session realm="shop""#),
        ),
        (refuse(Check::Unauthenticated, 401), 401, None),
        (refuse(Check::StepUp, 401), 403, None),
        (refuse(Check::Forbidden, 403), 403, None),
        (refuse(Check::UnknownEndpoint, 404), 403, None),
        (refuse(Check::MethodNotAllowed, 405), 403, None),
        (refuse(Check::StoreUnavailable, 503), 503, None),
        (refuse(Check::Misuse, 200), 403, None),
        (Verdict::Serve(crate::gate::Endpoint::Userinfo), 403, None),
    ] {
        let Verdict::Refuse(refusal) = policy.as_status(verdict) else {
            panic!("expected a refusal")
        };
        assert_eq!(
            (refusal.status.as_u16(), refusal.form),
            (status, AnswerForm::Empty)
        );
        let header = refusal.challenge.map(|challenge| challenge.header_value());
        assert_eq!(header.as_ref().map(|h| h.to_str().unwrap()), challenge);
    }
    let admit = Verdict::Admit(Caller::Identified);
    assert_eq!(policy.as_status(admit.clone()), admit);
}
