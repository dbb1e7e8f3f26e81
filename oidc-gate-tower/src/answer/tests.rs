//! What the gate's own answers carry beside their text.

use super::*;
use crate::core::gate::{Challenge, Scheme};

fn answers() -> Answers {
    Answers {
        pages: Box::new(pages::Branding::default()),
        metrics: Arc::default(),
        telling: Telling::Nothing,
    }
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    let value = response.headers().get(name)?;
    Some(value.to_str().unwrap())
}

#[test]
fn whatever_form_a_refusal_has_it_says_what_would_be_taken_and_when_to_come_again() {
    for form in [
        AnswerForm::Page,
        AnswerForm::Json,
        AnswerForm::Grpc,
        AnswerForm::Empty,
    ] {
        for (status, allow, retry_after) in [
            (StatusCode::UNAUTHORIZED, None, None),
            (StatusCode::FORBIDDEN, None, None),
            (StatusCode::NOT_FOUND, None, None),
            (StatusCode::METHOD_NOT_ALLOWED, Some("GET, POST"), None),
            (StatusCode::SERVICE_UNAVAILABLE, None, Some("1")),
        ] {
            let mut refused = Refusal::new(Check::Unauthenticated, "so", status, form);
            refused.allow = allow;
            if status == StatusCode::UNAUTHORIZED {
                refused.challenge = Some(Challenge::new(Scheme::Session, None));
            }
            let response = answers().refusal(&refused, || "/".to_owned());
            let challenge = (status == StatusCode::UNAUTHORIZED).then_some("Session");
            assert_eq!(
                (
                    header(&response, "allow"),
                    header(&response, "retry-after"),
                    header(&response, "www-authenticate"),
                    header(&response, "cache-control"),
                ),
                (allow, retry_after, challenge, Some("no-store")),
                "{form:?} {status}"
            );
        }
    }
}

#[test]
fn a_login_that_failed_for_now_says_when_to_try_again_and_no_other_does() {
    let after = |check, wait: Option<Duration>| {
        let failed = CheckFailed::new(check, "so");
        let response = answers().login_failed(&failed, wait, "/again");
        header(&response, "retry-after").map(str::to_owned)
    };
    for (wait, said) in [
        (None, "5"),
        (Some(Duration::ZERO), "1"),
        (Some(Duration::from_millis(1999)), "1"),
        (Some(Duration::from_secs(30)), "30"),
    ] {
        let said = Some(said.to_owned());
        assert_eq!(after(Check::ProviderUnreachable, wait), said, "{wait:?}");
        assert_eq!(after(Check::StateUnknown, wait), None);
        assert_eq!(after(Check::IdTokenNonce, wait), None);
    }
}

#[test]
fn a_program_reads_json_and_a_reference_where_the_log_has_one() {
    let body = |check, status| {
        let refused = Refusal::new(check, "so", status, AnswerForm::Json);
        let response = answers().refusal(&refused, String::new);
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        serde_json::from_slice::<serde_json::Value>(response.body()).unwrap()
    };
    let plain = body(Check::Unauthenticated, StatusCode::UNAUTHORIZED);
    assert_eq!(plain, serde_json::json!({"error": "unauthenticated"}));
    let plain = body(Check::UnknownEndpoint, StatusCode::NOT_FOUND);
    assert_eq!(plain, serde_json::json!({"error": "not_found"}));
    let told = body(Check::Forbidden, StatusCode::FORBIDDEN);
    let reference = told["reference"].as_str().unwrap();
    assert_eq!(
        told,
        serde_json::json!({"error": "forbidden", "reference": reference})
    );
    assert_eq!(reference.len(), 10);
}
