//! One bit that is another is refused, wherever it is.

use crate::{
    NOW, at,
    endpoint::{CODE, Endpoint, REFRESH, SECRET, VERIFIER},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use oidc_gate_core::grant::{GrantRequest, RefreshPolicy};

/// The text with each of its bits flipped in turn.
fn flipped(text: &str) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..text.len() * 8).map(|bit| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

/// Any bytes as the value of a field.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

fn with_body(mut request: Request<Vec<u8>>, body: String) -> Request<Vec<u8>> {
    *request.body_mut() = body.into_bytes();
    request
}

#[test]
fn of_an_assertion() {
    let endpoint = Endpoint::new();
    let assertion = endpoint.assertion();
    let body = |assertion: &[u8]| {
        format!(
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
            escaped(assertion)
        )
    };
    let prove = |assertion: &[u8]| {
        let request = with_body(endpoint.signed(""), body(assertion));
        endpoint.prove(&request).map(drop)
    };
    assert_eq!(prove(assertion.as_bytes()), Ok(()));
    for other in flipped(&assertion) {
        assert!(prove(&other).is_err(), "{}", other.escape_ascii());
    }
}

/// Behind the scheme, whose case does not matter.
#[test]
fn of_a_basic_header() {
    let endpoint = Endpoint::new();
    let prove = |credentials: &[u8]| {
        let value = HeaderValue::from_bytes(&[b"Basic ", credentials].concat()).ok()?;
        let mut request = endpoint.request(&[("grant_type", "authorization_code")]);
        request.headers_mut().insert(AUTHORIZATION, value);
        endpoint.prove(&request).ok()
    };
    let right = STANDARD.encode(format!("app:{SECRET}"));
    assert!(prove(right.as_bytes()).is_some());
    for other in flipped(&right) {
        assert!(prove(&other).is_none(), "{}", other.escape_ascii());
    }
}

/// Whether a request for a code or a refresh token gets past every check.
fn passes(endpoint: &Endpoint, body: String) -> bool {
    let Ok(read) = endpoint.read(&with_body(endpoint.request(&[]), body)) else {
        return false;
    };
    match read {
        GrantRequest::AuthorizationCode(request) => {
            let issued = endpoint.stored_code(request.handle());
            request.check(issued.as_ref(), at(NOW)).is_ok()
        }
        GrantRequest::RefreshToken(request) => {
            let issued = endpoint.stored_token(request.handle());
            let policy = RefreshPolicy::default();
            request.check(issued.as_ref(), policy, at(NOW)).is_ok()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_code_a_verifier_and_a_refresh_token() {
    let endpoint = Endpoint::new();
    let code = |code: &[u8], verifier: &[u8]| {
        let (code, verifier) = (escaped(code), escaped(verifier));
        format!("grant_type=authorization_code&code={code}&code_verifier={verifier}")
    };
    let refresh =
        |token: &[u8]| format!("grant_type=refresh_token&refresh_token={}", escaped(token));
    assert!(passes(
        &endpoint,
        code(CODE.as_bytes(), VERIFIER.as_bytes())
    ));
    assert!(passes(&endpoint, refresh(REFRESH.as_bytes())));
    for other in flipped(CODE) {
        assert!(
            !passes(&endpoint, code(&other, VERIFIER.as_bytes())),
            "{}",
            other.escape_ascii()
        );
    }
    for other in flipped(VERIFIER) {
        assert!(
            !passes(&endpoint, code(CODE.as_bytes(), &other)),
            "{}",
            other.escape_ascii()
        );
    }
    for other in flipped(REFRESH) {
        assert!(
            !passes(&endpoint, refresh(&other)),
            "{}",
            other.escape_ascii()
        );
    }
}
