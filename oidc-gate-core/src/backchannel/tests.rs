use super::*;
use crate::{
    check::Check,
    client_auth::{
        Client, Method,
        testing::{Counting, NOW},
    },
    flow::{Env, Failure, Flow as _, Input, Step},
    oauth_error::ErrorCode,
    provider::ServerMetadata,
    secret::{AccessToken, ClientSecret, RefreshToken},
    time::UnixTime,
    token::{PollDevice, TokenRequest},
    url::Issuer,
};
use http::Response;
use proptest::prelude::*;
use serde_json::json;
use std::{sync::Arc, time::Duration};

fn answer(status: u16, body: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_revocation_has_succeeded_with_status_200_whatever_the_body() {
    let request = RevocationRequest::refresh_token(&RefreshToken::new("r"));
    for body in ["", "{}", "not JSON", r#"{"error":"invalid_client"}"#] {
        assert_eq!(request.read(&answer(200, body)), Ok(Revoked::Revoked));
    }
    let unsupported = answer(400, r#"{"error":"unsupported_token_type"}"#);
    assert_eq!(request.read(&unsupported), Ok(Revoked::TypeUnsupported));
    let mut busy = answer(503, "");
    busy.headers_mut()
        .insert("retry-after", "120".parse().unwrap());
    let error = request.read(&busy).unwrap_err();
    assert_eq!(error.check(), Check::BackchannelUnavailable);
    assert_eq!(error.cause(), "the revocation endpoint answered 503");
    assert_eq!(error.retry_after(), Some(secs(120)));
    for (status, body, check) in [
        (
            401,
            r#"{"error":"invalid_client"}"#,
            Check::BackchannelInvalidClient,
        ),
        (401, "", Check::BackchannelInvalidClient),
        (
            400,
            r#"{"error":"invalid_request"}"#,
            Check::BackchannelRefused,
        ),
        (302, "", Check::BackchannelMalformed),
        (204, "", Check::BackchannelMalformed),
    ] {
        let error = request.read(&answer(status, body)).unwrap_err();
        assert_eq!(error.check(), check, "{status} {body}");
    }
}

#[test]
fn a_retry_after_that_is_a_date_or_too_long_is_not_taken_for_seconds() {
    let request = RevocationRequest::access_token(&AccessToken::new("a"));
    for (value, expected) in [
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("-1", None),
        ("99999999", Some(secs(86_400))),
    ] {
        let mut busy = answer(503, "");
        busy.headers_mut()
            .insert("retry-after", value.parse().unwrap());
        assert_eq!(request.read(&busy).unwrap_err().retry_after(), expected);
    }
}

#[test]
fn a_token_is_good_only_where_the_server_says_true() {
    let request = IntrospectionRequest::access_token(&AccessToken::new("a"));
    let read = |body: &str| request.read(&answer(200, body));
    let good = read(
        r#"{"active":true,"scope":"a b","client_id":"c","username":"u","token_type":"Bearer","exp":1800000000,
            "iat":1700000000.9,"nbf":null,"sub":"s","aud":["x","y"],"iss":"i","jti":"j","cnf":{"jkt":"k"}}"#,
    )
    .unwrap();
    assert!(good.active);
    assert_eq!(good.scope.as_deref(), Some("a b"));
    assert_eq!(good.exp, Some(UnixTime::from_secs(1_800_000_000)));
    assert_eq!(good.iat, Some(UnixTime::from_secs(1_700_000_000)));
    assert_eq!(good.nbf, None);
    assert_eq!(good.aud, ["x".into(), "y".into()]);
    assert_eq!(good.others.keys().collect::<Vec<_>>(), ["cnf"]);
    let one = read(r#"{"active":true,"aud":"x"}"#).unwrap();
    assert_eq!(one.aud, ["x".into()]);
    // What is said of a token that is not good is not believed.
    let bad = read(r#"{"active":false,"scope":"a","sub":"s","x":1}"#).unwrap();
    assert!(!bad.active && bad.scope.is_none() && bad.sub.is_none() && bad.others.is_empty());
    for (body, cause) in [
        ("{}", "`active` is neither true nor false"),
        (r#"{"active":"true"}"#, "`active` is neither true nor false"),
        (r#"{"active":1}"#, "`active` is neither true nor false"),
        (
            r#"{"active":true,"active":true}"#,
            "a member occurs more than once",
        ),
        (r#"{"active":true,"exp":"soon"}"#, "`exp` is not a time"),
        (r#"{"active":true,"exp":-1}"#, "`exp` is not a time"),
        (r#"{"active":true,"scope":["a"]}"#, "`scope` is not text"),
        (
            r#"{"active":true,"aud":[1]}"#,
            "`aud` is neither text nor a list of texts",
        ),
        ("[]", "not a JSON object"),
    ] {
        let error = read(body).unwrap_err();
        assert_eq!(error.check(), Check::BackchannelMalformed, "{body}");
        let cause = format!("the answer of the introspection endpoint: {cause}");
        assert_eq!(error.cause(), cause, "{body}");
    }
    let shown = format!("{good:?}");
    assert!(
        !shown.contains("\"u\"") && !shown.contains("jkt"),
        "{shown}"
    );
}

#[test]
fn a_pushed_request_is_answered_with_a_name_for_it() {
    let request = PushedRequest::new([("response_type", "code")]).unwrap();
    let right = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:x","expires_in":60}"#;
    for status in [201, 200] {
        let pushed = request.read(&answer(status, right)).unwrap();
        assert_eq!(&*pushed.request_uri, "urn:ietf:params:oauth:request_uri:x");
        assert_eq!(pushed.expires_in, secs(60));
    }
    for (status, body, cause) in [
        (
            201,
            r#"{"request_uri":"x","expires_in":60}"#,
            "the answer of the pushed authorization request endpoint: `request_uri` is missing or no URI",
        ),
        (
            201,
            r#"{"request_uri":"urn:x:y"}"#,
            "the answer of the pushed authorization request endpoint: `expires_in` is missing or makes no sense",
        ),
        (
            204,
            "",
            "the pushed authorization request endpoint answered 204 instead of 201",
        ),
    ] {
        let error = request.read(&answer(status, body)).unwrap_err();
        assert_eq!(error.check(), Check::BackchannelMalformed);
        assert_eq!(error.cause(), cause);
    }
    for name in [
        "request_uri",
        "client_id",
        "client_secret",
        "client_assertion",
    ] {
        let refused = PushedRequest::new([(name, "x")]).unwrap_err();
        assert_eq!(refused, RequestError::Reserved, "{name}");
    }
}

const DEVICE: &str = r#"{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://id.example/device","expires_in":60}"#;

fn device(body: &str) -> Result<DeviceAuthorization, AskError> {
    let request = DeviceAuthorizationRequest::new().scope("a").unwrap();
    request.read(&answer(200, body))
}

#[test]
fn a_device_is_told_what_to_show_and_how_often_to_ask() {
    let told = device(DEVICE).unwrap();
    assert_eq!(told.device_code.expose(), "d");
    assert_eq!(&*told.user_code, "WDJB-MJHT");
    assert_eq!(told.verification_uri.as_str(), "https://id.example/device");
    assert_eq!((told.expires_in, told.interval), (secs(60), secs(5)));
    for (interval, expected) in [("1", 1), ("\"7\"", 7), ("0", 1), ("null", 5)] {
        let body = DEVICE.replace("60}", &format!("60,\"interval\":{interval}}}"));
        assert_eq!(device(&body).unwrap().interval, secs(expected));
    }
    let old = DEVICE.replace("verification_uri", "verification_url");
    assert_eq!(
        device(&old).unwrap().verification_uri,
        told.verification_uri
    );
    for (from, to, cause) in [
        (
            "WDJB",
            "\\u001b[31m",
            "`user_code` is missing or not printable",
        ),
        ("WDJB-MJHT", "", "`user_code` is missing or not printable"),
        (
            "device_code",
            "code",
            "`device_code` is missing or not printable",
        ),
        (
            "https://id",
            "http://id",
            "`verification_uri` must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only)",
        ),
        ("60", "-1", "`expires_in` is missing or makes no sense"),
        ("60", "true", "`expires_in` is not a number of seconds"),
    ] {
        let error = device(&DEVICE.replacen(from, to, 1)).unwrap_err();
        let expected = format!("the answer of the device authorization endpoint: {cause}");
        assert_eq!(error.cause(), expected);
    }
}

fn metadata(method: &str) -> ServerMetadata {
    let issuer = Issuer::parse("https://id.example").unwrap();
    let members = json!({
        "issuer": "https://id.example",
        "token_endpoint": "https://id.example/token",
        "token_endpoint_auth_methods_supported": [method],
    });
    ServerMetadata::parse(members.to_string().as_bytes(), &issuer).unwrap()
}

/// A device that asks for its token, in a time of its own.
struct Polling {
    flow: PollDevice,
    now: u64,
    entropy: Counting,
    /// How long it has waited, each time.
    waits: Vec<u64>,
}

impl Polling {
    fn new(expires_in: u64) -> Self {
        let metadata = metadata("client_secret_jwt");
        let secret = ClientSecret::new("x".repeat(32));
        let method = Method::secret_jwt(crate::jose::Alg::HS256, secret).unwrap();
        let client = Client::new("app", method);
        let told = device(&DEVICE.replace("60}", &format!("{expires_in}}}"))).unwrap();
        Self {
            flow: PollDevice::new(client, Arc::new(metadata), &told),
            now: 1_700_000_000,
            entropy: Counting(0),
            waits: Vec::new(),
        }
    }

    /// Lets it wait and ask, and answers so, until the answers or its patience have an end. What it asked, and its end.
    fn run(
        &mut self,
        answers: impl IntoIterator<Item = Input>,
    ) -> (
        Vec<Vec<u8>>,
        Option<Result<crate::token::TokenResponse, AskError>>,
    ) {
        let (mut answers, mut asked, mut input) = (answers.into_iter(), Vec::new(), Input::Start);
        loop {
            let mut env = Env {
                now: UnixTime::from_secs(self.now),
                entropy: &mut self.entropy,
            };
            input = match self.flow.resume(input, &mut env) {
                Step::Wait(time) => {
                    self.waits.push(time.as_secs());
                    self.now += time.as_secs();
                    Input::Elapsed
                }
                Step::Send(exchange) => {
                    asked.push(exchange.request.into_body());
                    match answers.next() {
                        Some(answer) => answer,
                        None => return (asked, None),
                    }
                }
                Step::Done(end) => return (asked, Some(end)),
                other => panic!("{other:?}"),
            };
        }
    }
}

fn refused(code: &str) -> Input {
    Input::Response(answer(400, &format!(r#"{{"error":"{code}"}}"#)))
}

fn tokens() -> Input {
    Input::Response(answer(200, r#"{"access_token":"t","token_type":"Bearer"}"#))
}

#[test]
fn a_device_waits_as_long_as_the_server_wants_before_each_request() {
    let mut polling = Polling::new(600);
    let answers = [
        refused("authorization_pending"),
        refused("slow_down"),
        refused("authorization_pending"),
        refused("slow_down"),
        tokens(),
    ];
    let (asked, end) = polling.run(answers);
    assert_eq!(polling.waits, [5, 5, 10, 10, 15]);
    assert_eq!(asked.len(), 5);
    let tokens = end.unwrap().unwrap();
    // What was asked for when the device began.
    assert_eq!(tokens.scope.as_deref(), Some("a"));
}

#[test]
fn each_request_of_a_device_proves_the_client_anew() {
    let pending = || refused("authorization_pending");
    let (asked, _) = Polling::new(600).run([pending(), pending()]);
    assert_eq!(asked.len(), 3);
    assert!(asked[0] != asked[1] && asked[1] != asked[2]);
}

#[test]
fn a_device_whose_server_does_not_answer_asks_half_as_often_each_time() {
    let mut polling = Polling::new(600);
    let lost = || Input::Failed(Failure::Unknown);
    let busy = Input::Response(answer(503, ""));
    let answers = [
        lost(),
        Input::Failed(Failure::NotSent),
        busy,
        refused("authorization_pending"),
        tokens(),
    ];
    assert!(polling.run(answers).1.unwrap().is_ok());
    assert_eq!(polling.waits, [5, 10, 20, 40, 40]);
}

#[test]
fn a_device_waits_longer_where_the_server_says_how_long() {
    let mut polling = Polling::new(600);
    let mut busy = answer(429, "");
    busy.headers_mut()
        .insert("retry-after", "60".parse().unwrap());
    assert!(
        polling
            .run([Input::Response(busy), tokens()])
            .1
            .unwrap()
            .is_ok()
    );
    assert_eq!(polling.waits, [5, 60]);
}

#[test]
fn a_device_gives_up_before_a_request_that_would_come_too_late() {
    let mut polling = Polling::new(16);
    let pending = || refused("authorization_pending");
    let (asked, end) = polling.run([pending(), pending(), pending(), tokens()]);
    assert_eq!((polling.waits, asked.len()), (vec![5, 5, 5], 3));
    let error = end.unwrap().unwrap_err();
    assert_eq!(error.check(), Check::TokenDeviceExpired);
    assert_eq!(
        error.cause(),
        "nobody has let the device in before its code expired"
    );
}

#[test]
fn a_device_stops_at_every_other_answer() {
    for (answer, check, code) in [
        (
            refused("access_denied"),
            Check::TokenDenied,
            Some(ErrorCode::AccessDenied),
        ),
        (
            refused("expired_token"),
            Check::TokenDeviceExpired,
            Some(ErrorCode::ExpiredToken),
        ),
        (
            refused("invalid_client"),
            Check::TokenInvalidClient,
            Some(ErrorCode::InvalidClient),
        ),
        (
            refused("invalid_grant"),
            Check::TokenInvalidGrant,
            Some(ErrorCode::InvalidGrant),
        ),
        (
            Input::Failed(Failure::TooLarge),
            Check::ProviderTooLarge,
            None,
        ),
    ] {
        let (asked, end) = Polling::new(600).run([answer, tokens()]);
        let error = end.unwrap().unwrap_err();
        assert_eq!(
            (asked.len(), error.check(), error.code()),
            (1, check, code.as_ref())
        );
    }
}

#[test]
fn nothing_is_sent_to_an_endpoint_that_does_not_take_the_client() {
    let metadata = metadata("client_secret_basic");
    let client = Client::new("app", Method::SecretPost(ClientSecret::new("s")));
    let mut ask = Ask::new(
        client,
        Arc::new(metadata),
        TokenRequest::client_credentials(),
    );
    let mut env = Env {
        now: NOW,
        entropy: &mut Counting(0),
    };
    let Step::Done(Err(error)) = ask.resume(Input::Start, &mut env) else {
        panic!("something is sent")
    };
    assert_eq!(error.check(), Check::ClientAuthUnsupported);
}

proptest! {
    #[test]
    fn nothing_panics(status in 100_u16..1000, bytes in proptest::collection::vec(any::<u8>(), 0..60),
        name in "active|exp|aud|request_uri|expires_in|device_code|user_code|verification_uri|interval|error",
        value in "-?[0-9]{1,30}|\"\\PC{0,5}\"|\\{\\}|\\[\\]|true") {
        let member = format!(r#"{{"{name}":{value}}}"#).into_bytes();
        let more = DEVICE.replace("60}", &format!("60,\"{name}\":{value}}}")).into_bytes();
        for body in [bytes, member, more] {
            let body = String::from_utf8_lossy(&body);
            let response = answer(status, &body);
            let _ = IntrospectionRequest::access_token(&AccessToken::new("a")).read(&response);
            let _ = RevocationRequest::access_token(&AccessToken::new("a")).read(&response);
            let _ = PushedRequest::new([]).unwrap().read(&response);
            let _ = DeviceAuthorizationRequest::new().read(&response);
        }
    }
}
