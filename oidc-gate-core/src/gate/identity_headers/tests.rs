use super::*;
use crate::identity::IdentityKind;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    headers: Vec<String>,
    #[serde(default = "subject")]
    subject: String,
    #[serde(default)]
    caller: Caller,
    token: Option<String>,
    expected: Option<Vec<String>>,
    #[serde(default)]
    problem: Vec<String>,
}

fn subject() -> String {
    "subject".to_owned()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Caller {
    email: Option<String>,
    unverified_email: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
    groups: Vec<String>,
    roles: Vec<String>,
    claims: serde_json::Map<String, serde_json::Value>,
    is_client: bool,
}

impl Case {
    fn caller(&self) -> Identity {
        let mut caller = Identity::builder("https://id.example", &self.subject);
        if let Some(address) = &self.caller.email {
            caller = caller.email(address);
        }
        if let Some(address) = &self.caller.unverified_email {
            caller = caller.unverified_email(address);
        }
        if let Some(name) = &self.caller.name {
            caller = caller.name(name);
        }
        if let Some(name) = &self.caller.preferred_username {
            caller = caller.preferred_username(name);
        }
        caller = self.caller.groups.iter().fold(caller, |c, g| c.group(g));
        caller = self.caller.roles.iter().fold(caller, |c, r| c.role(r));
        for (name, value) in &self.caller.claims {
            caller = caller.claim(name, value.clone());
        }
        if self.caller.is_client {
            caller = caller.kind(IdentityKind::Client);
        }
        caller.build()
    }
}

fn settings(lines: &[String]) -> IdentityHeaders {
    let mut settings = IdentityHeaders::new();
    for line in lines {
        settings = match (&**line, line.split_once(": ")) {
            ("forwarded", _) => add(settings, IdentityHeaders::forwarded()),
            ("auth request", _) => add(settings, IdentityHeaders::auth_request()),
            ("bearer", _) => settings.bearer_authorization(),
            ("email as user", _) => settings.email_as_user(),
            (line, None) => {
                let password = line.strip_prefix("basic ").unwrap();
                settings.basic_authorization(HeaderSecret::new(password))
            }
            (_, Some((name, said))) => settings.header(name, source(said)),
        };
    }
    settings
}

fn add(mut settings: IdentityHeaders, preset: IdentityHeaders) -> IdentityHeaders {
    settings.headers.extend(preset.headers);
    settings
}

fn source(said: &str) -> HeaderSource {
    match said.split_once(' ').unwrap_or((said, "")) {
        ("subject", _) => HeaderSource::subject(),
        ("issuer", _) => HeaderSource::issuer(),
        ("email", _) => HeaderSource::email(),
        ("username", _) => HeaderSource::preferred_username(),
        ("name", _) => HeaderSource::name(),
        ("groups", _) => HeaderSource::groups(),
        ("roles", _) => HeaderSource::roles(),
        ("claim", path) => HeaderSource::claim(path.split(' ').collect::<Vec<_>>()),
        ("text", text) => HeaderSource::text(text),
        ("secret", text) => HeaderSource::secret(HeaderSecret::new(text)),
        ("presented", _) => HeaderSource::presented_token(),
        other => panic!("no source: {other:?}"),
    }
}

#[test]
fn the_table_holds() {
    let cases: Vec<Case> =
        crate::testdata::cases(include_str!("../../../testdata/identity_headers.toml"));
    for case in cases {
        match (settings(&case.headers).compile(), &case.expected) {
            (Ok(writer), Some(expected)) => {
                let (caller, token) = (case.caller(), case.token.as_deref().map(AccessToken::new));
                let lines: Vec<_> = writer
                    .of(&caller, token.as_ref())
                    .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                    .collect();
                assert_eq!(&lines, expected, "{}", case.name);
            }
            (Err(problems), None) => {
                let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
                assert_eq!(said.len(), case.problem.len(), "{}: {said:#?}", case.name);
                for (said, expected) in said.iter().zip(&case.problem) {
                    assert!(said.starts_with(expected), "{}: {said}", case.name);
                }
            }
            (got, _) => panic!("{}: {got:?}", case.name),
        }
    }
}

#[test]
fn secrets_are_marked_and_shown_nowhere() {
    let settings = IdentityHeaders::new()
        .header(
            "X-Proof",
            HeaderSource::secret(HeaderSecret::new("hunter2")),
        )
        .header("X-Token", HeaderSource::presented_token())
        .basic_authorization(HeaderSecret::new("hunter2"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    let writer = settings.compile().unwrap();
    assert!(!format!("{writer:?}").contains("hunter2"));
    let caller = Identity::builder("https://id.example", "alice").build();
    let token = AccessToken::new("t0ken");
    let values: Vec<_> = writer.of(&caller, Some(&token)).collect();
    assert_eq!(values.len(), 3);
    assert!(values.iter().all(|(_, value)| value.is_sensitive()));

    let unfit = HeaderSource::secret(HeaderSecret::new("hunter2\n"));
    let problems = IdentityHeaders::new().header("X-Proof", unfit).compile();
    assert!(!format!("{:?}", problems.unwrap_err()).contains("hunter2"));
}

#[test]
fn a_name_that_is_set_and_not_written_is_still_nobody_elses() {
    let mine = IdentityHeaders::auth_request()
        .email_as_user()
        .compile()
        .unwrap();
    let names: Vec<_> = mine.names().map(HeaderName::as_str).collect();
    assert!(names.contains(&"x-auth-request-email"));
    let mut headers = HeaderMap::new();
    headers.insert("x-auth-request-email", HeaderValue::from_static("root"));
    headers.insert("x-other", HeaderValue::from_static("kept"));
    mine.remove(&mut headers);
    assert_eq!(headers.len(), 1);
}

#[test]
fn a_promise_of_every_callers_token_can_be_told_from_one_of_those_presented() {
    let promise = IdentityHeaders::new().header("X-Token", HeaderSource::access_token());
    let promise = promise.compile().unwrap();
    assert_eq!(promise.promises_tokens().unwrap(), "x-token");
    assert!(promise.wants_token());
    let presented = IdentityHeaders::new().bearer_authorization().compile();
    let presented = presented.unwrap();
    assert_eq!(presented.promises_tokens(), None);
    assert!(presented.wants_token());
    let neither = IdentityHeaders::forwarded().compile().unwrap();
    assert!(!neither.wants_token() && neither.promises_tokens().is_none());
}

#[test]
fn a_subject_without_its_issuer_can_be_told() {
    let open = |headers: IdentityHeaders| {
        let writer = headers.compile().unwrap();
        writer.leaves_issuer_open().map(ToString::to_string)
    };
    let basic = || IdentityHeaders::new().basic_authorization(HeaderSecret::new("p"));
    let subject = || IdentityHeaders::new().header("X-Id", HeaderSource::subject());
    for (headers, name) in [
        (IdentityHeaders::forwarded(), "x-forwarded-user"),
        (IdentityHeaders::auth_request(), "x-auth-request-user"),
        (basic(), "authorization"),
        (subject(), "x-id"),
        (subject().email_as_user(), "x-id"),
    ] {
        assert_eq!(open(headers.clone()).as_deref(), Some(name));
        let with_issuer = headers.header("X-Issuer", HeaderSource::issuer());
        assert_eq!(open(with_issuer), None, "{name}");
    }
    // An address names the same person to every issuer that has checked it.
    assert_eq!(open(basic().email_as_user()), None);
    assert_eq!(open(IdentityHeaders::forwarded().email_as_user()), None);
    let groups = IdentityHeaders::new().header("X-G", HeaderSource::groups());
    assert_eq!(open(groups), None);
}
