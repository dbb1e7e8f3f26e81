//! Who meets what.

use super::*;

const NOW: UnixTime = UnixTime::from_secs(10_000);

fn alice() -> crate::identity::IdentityBuilder {
    Identity::builder("i", "alice")
        .group("staff")
        .role("editor")
        .scope("read")
        .acr("phr")
        .auth_time(NOW - Duration::from_secs(60))
}

fn check(requirement: &Requirement) -> Result<(), Unmet> {
    requirement.check(&alice().build(), NOW)
}

fn forbidden(requirement: &str) -> Result<(), Unmet> {
    let scope = requirement
        .strip_prefix("scope ")
        .filter(|name| !name.contains(' '));
    Err(Unmet::Forbidden {
        requirement: requirement.into(),
        scopes: scope.into_iter().map(Into::into).collect(),
    })
}

fn step_up(acr_values: &[&str], max_age: Option<u64>) -> Result<(), Unmet> {
    Err(Unmet::StepUp(StepUp::new(
        acr_values.iter().map(ToString::to_string).collect(),
        max_age.map(Duration::from_secs),
    )))
}

fn secs(secs: u64) -> Requirement {
    max_age(Duration::from_secs(secs))
}

#[test]
fn a_sign_in_that_is_said_to_lie_ahead_is_no_recent_one() {
    let now = UnixTime::from_secs(1_700_000_000);
    let at = |secs| {
        Identity::builder("i", "s")
            .auth_time(UnixTime::from_secs(secs))
            .build()
    };
    let recent = max_age(Duration::from_secs(60));
    assert_eq!(recent.check(&at(now.as_secs() + 60), now), Ok(()));
    let step_up = Unmet::StepUp(StepUp::new(vec![], Some(Duration::from_secs(60))));
    // A provider that counts in milliseconds.
    assert_eq!(
        recent.check(&at(now.as_secs() * 1000), now),
        Err(step_up.clone())
    );
    assert_eq!(recent.check(&at(now.as_secs() + 61), now), Err(step_up));
}

#[test]
fn each_kind_holds_or_says_what_is_missing() {
    assert_eq!(check(&signed_in()), Ok(()));
    assert_eq!(check(&group("staff")), Ok(()));
    assert_eq!(check(&group("Staff")), forbidden("group Staff"));
    assert_eq!(check(&role("editor")), Ok(()));
    assert_eq!(check(&role("staff")), forbidden("role staff"));
    assert_eq!(check(&scope("read")), Ok(()));
    assert_eq!(check(&scope("write")), forbidden("scope write"));
    assert_eq!(
        check(&predicate("is alice", |who| who.subject() == "alice")),
        Ok(())
    );
    assert_eq!(check(&predicate("never", |_| false)), forbidden("never"));
    assert_eq!(check(&acr("phr")), Ok(()));
    assert_eq!(check(&acr("phrh")), step_up(&["phrh"], None));
    assert_eq!(check(&secs(60)), Ok(()));
    assert_eq!(check(&secs(59)), step_up(&[], Some(59)));
}

#[test]
fn who_never_said_when_is_not_recent() {
    let nobody = Identity::builder("i", "s").build();
    assert_eq!(
        secs(1_000_000).check(&nobody, NOW),
        step_up(&[], Some(1_000_000))
    );
}

#[test]
fn a_sign_in_is_offered_only_where_it_would_help() {
    assert_eq!(check(&acr("x").and(group("root"))), forbidden("group root"));
    assert_eq!(check(&group("root").and(acr("x"))), forbidden("group root"));
    assert_eq!(check(&group("staff").and(acr("x"))), step_up(&["x"], None));
    assert_eq!(
        check(&acr("x").and(secs(5)).and(secs(9))),
        step_up(&["x"], Some(5))
    );
    assert_eq!(check(&group("root").or(acr("x"))), step_up(&["x"], None));
    assert_eq!(check(&acr("x").or(acr("y"))), step_up(&["x", "y"], None));
    assert_eq!(check(&acr("x").or(secs(5))), step_up(&["x"], None));
    assert_eq!(check(&acr("x").or(group("staff"))), Ok(()));
    assert_eq!(
        check(&group("root").or(scope("write"))),
        forbidden("group root or scope write")
    );
    let both = [acr("x"), group("root")];
    let who = alice().build();
    assert_eq!(
        Requirement::check_all(both.iter(), &who, NOW),
        forbidden("group root")
    );
}

#[test]
fn a_domain_is_that_of_a_verified_address_with_one_at() {
    let at = |address: &str, verified: bool| {
        let who = Identity::builder("i", "s");
        let who = if verified {
            who.email(address)
        } else {
            who.unverified_email(address)
        };
        email_domain("Example.com").check(&who.build(), NOW).is_ok()
    };
    assert!(at("a@example.com", true));
    assert!(at("a@EXAMPLE.com", true));
    assert!(!at("a@example.com", false));
    for address in [
        "a@evil.example@example.com",
        "a@example.com@evil.example",
        "a@sub.example.com",
        "a@notexample.com",
        "@example.com",
        "example.com",
        "a@example.com.",
        "a@",
    ] {
        assert!(!at(address, true), "{address}");
    }
    // Even where nobody looked for problems.
    let who = Identity::builder("i", "s").email("a@b@example.com").build();
    assert!(email_domain("b@example.com").check(&who, NOW).is_err());
}

#[test]
fn what_nobody_can_have_is_a_problem() {
    for (requirement, problem) in [
        (group(""), "group \"\": name a group"),
        (scope(""), "scope \"\": name a scope"),
        (
            scope("a b"),
            "scope \"a b\": a scope holds no space: join two with `.and`",
        ),
        (
            acr("a b"),
            "acr \"a b\": name one class in visible ASCII without spaces, quotes and backslashes",
        ),
        (
            email_domain("@example.com"),
            "email_domain \"@example.com\": write it as in `example.com`",
        ),
        (
            email_domain(""),
            "email_domain \"\": write it as in `example.com`",
        ),
        (
            email_domain("*.*.example.com"),
            "email_domain \"*.*.example.com\": write it as in `example.com`",
        ),
        (email_in([""; 0]), "email_in: name an address"),
        (
            email("alice"),
            "email \"alice\": write it as in `alice@example.com`",
        ),
        (claim("", 1), "claim \"\": name a claim"),
        (
            secs(0),
            "max_age 0s: nobody can be that quick; allow at least a few minutes",
        ),
        (
            predicate("", |_| true),
            "predicate \"\": give it a name for the log",
        ),
        (
            signed_in().and(group("a").or(group(""))),
            "group \"\": name a group",
        ),
    ] {
        assert_eq!(requirement.problems(), [problem]);
    }
    let fine = group("a b")
        .or(scope("x:y"))
        .and(acr("urn:x"))
        .and(email_domain("a.example"));
    assert_eq!(fine.problems(), Vec::<String>::new());
}

#[test]
fn debug_reads_as_a_sentence() {
    let all = group("a")
        .and(scope("b"))
        .or(acr("c").and(secs(5)))
        .and(email_domain("d"));
    assert_eq!(
        format!("{all:?}"),
        "((group a and scope b) or (acr c and signed in within 5s)) and verified email at d"
    );
}

#[test]
fn a_domain_with_a_star_is_all_below_it_and_not_itself() {
    let at = |address: &str| {
        let who = Identity::builder("i", "s").email(address).build();
        email_domain("*.example.com").check(&who, NOW).is_ok()
    };
    for address in ["a@x.example.com", "a@x.y.EXAMPLE.com"] {
        assert!(at(address), "{address}");
    }
    for address in [
        "a@example.com",
        "a@.example.com",
        "a@evilexample.com",
        "a@example.com.evil.example",
        "a@x.example.com@evil.example",
        "a@evil.example@x.example.com",
        "a@\u{fc}example.com",
        "@x.example.com",
    ] {
        assert!(!at(address), "{address}");
    }
}

#[test]
fn an_address_is_one_of_the_list_if_it_is_verified() {
    let at = |address: &str, verified| {
        let who = Identity::builder("i", "s");
        let who = match verified {
            true => who.email(address),
            false => who.unverified_email(address),
        };
        email_in(["Alice@Example.com", "bob@example.com"]).check(&who.build(), NOW)
    };
    assert_eq!(at("alice@example.COM", true), Ok(()));
    assert_eq!(at("bob@example.com", true), Ok(()));
    for (address, verified) in [
        ("alice@example.com", false),
        ("eve@example.com", true),
        ("alice@example.com,bob@example.com", true),
        ("alice@example.com@example.com", true),
    ] {
        assert_eq!(at(address, verified), forbidden("one of 2 verified emails"));
    }
    let one = email("alice@example.com");
    assert_eq!(check(&one), forbidden("verified email alice@example.com"));
}

#[test]
fn a_claim_has_exactly_the_value_or_a_list_with_it() {
    let who = Identity::builder("i", "s")
        .claim("department", "research")
        .claim("sites", ["berlin", "paris"])
        .claim("level", 3)
        .claim("deep", serde_json::json!({ "er": true, "null": null }))
        .build();
    let holds = |requirement: Requirement| requirement.check(&who, NOW).is_ok();
    for requirement in [
        claim("department", "research"),
        claim("sites", "paris"),
        claim("sites", serde_json::json!(["berlin", "paris"])),
        claim("level", 3),
        claim(["deep", "er"], true),
    ] {
        assert!(holds(requirement.clone()), "{requirement}");
    }
    for requirement in [
        claim("department", "researchers"),
        claim("department", "search"),
        claim("department", "Research"),
        claim("sites", "par"),
        claim("sites", serde_json::json!(["paris"])),
        claim("level", "3"),
        claim("deep", "er"),
        claim("deep", true),
        claim(["deep", "null"], Value::Null),
        claim("nothing", Value::Null),
        claim(["department", "research"], true),
    ] {
        assert!(!holds(requirement.clone()), "{requirement}");
    }
    assert_eq!(
        check(&claim(["deep", "er"], "x")),
        forbidden("claim \"deep\" → \"er\" is \"x\"")
    );
}

#[test]
fn whoever_lacks_scopes_is_told_all_of_them() {
    let needs = scope("read").and(scope("write")).and(scope("delete"));
    let Err(Unmet::Forbidden {
        requirement,
        scopes,
    }) = check(&needs)
    else {
        panic!("alice can only read")
    };
    assert_eq!(
        (requirement.as_str(), scopes),
        ("scope write", vec!["write".to_owned(), "delete".to_owned()])
    );
}

#[test]
fn a_client_in_its_own_name_is_no_user() {
    assert_eq!(check(&user()), Ok(()));
    let client = alice().kind(IdentityKind::Client).build();
    assert_eq!(user().check(&client, NOW), forbidden("a user"));
    assert_eq!(signed_in().check(&client, NOW), Ok(()));
}
