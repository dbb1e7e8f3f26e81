use super::*;
use crate::{
    identity::IdentityKind,
    secret::{AccessToken, IdToken},
};
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
    session: Option<OfSession>,
    expected: Option<Vec<String>>,
    #[serde(default)]
    problem: Vec<String>,
}

/// What a session has that is not over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfSession {
    access: Option<String>,
    id: Option<String>,
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
    if let Some(token) = said.strip_prefix("Bearer ") {
        return source(token).as_bearer();
    }
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
        ("access", _) => HeaderSource::access_token(),
        ("id", _) => HeaderSource::id_token(),
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
                let session = case.session.as_ref();
                let access = session.and_then(|of| of.access.as_deref().map(AccessToken::new));
                let id = session.and_then(|of| of.id.as_deref().map(IdToken::new));
                let tokens = match (&token, session) {
                    (Some(token), _) => CallerTokens::Presented(token),
                    (None, Some(_)) => CallerTokens::Session {
                        access: access.as_ref(),
                        id: id.as_ref(),
                    },
                    (None, None) => CallerTokens::None,
                };
                let lines: Vec<_> = writer
                    .of(&caller, tokens)
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
    let tokens = CallerTokens::Presented(&token);
    let values: Vec<_> = writer.of(&caller, tokens).collect();
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
fn which_tokens_are_wanted_can_be_told() {
    let wanted = |headers: IdentityHeaders| {
        let writer = headers.compile().unwrap();
        let access = writer.wants_access_token().map(ToString::to_string);
        let id = writer.wants_id_token().map(ToString::to_string);
        (access, id, writer.wants_tokens())
    };
    let one = |source| IdentityHeaders::new().header("X-Token", source);
    let name = || Some("x-token".to_owned());
    assert_eq!(
        wanted(one(HeaderSource::access_token())),
        (name(), None, true)
    );
    assert_eq!(
        wanted(one(HeaderSource::access_token().as_bearer())),
        (name(), None, true)
    );
    assert_eq!(wanted(one(HeaderSource::id_token())), (None, name(), true));
    let presented = IdentityHeaders::new().bearer_authorization();
    assert_eq!(wanted(presented), (None, None, true));
    assert_eq!(wanted(IdentityHeaders::forwarded()), (None, None, false));
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
