use crate::first_line;
use http::{Response, StatusCode};
use oidc_gate_core::token::TokenResponse;
use serde_json::Value;

/// The answer of a token endpoint: the first line is its status, the rest its body.
pub fn token_response(data: &[u8]) {
    let (status, body) = first_line(data);
    let Ok(status) = StatusCode::from_bytes(status) else {
        return;
    };
    let mut response = Response::new(body.to_vec());
    *response.status_mut() = status;
    match TokenResponse::parse(&response) {
        Ok(tokens) => {
            assert_eq!(status, StatusCode::OK);
            let document: Value = serde_json::from_slice(body).expect("the answer is JSON");
            assert_eq!(
                document["access_token"].as_str(),
                Some(tokens.access_token.expose())
            );
            assert_eq!(
                document["id_token"].as_str(),
                tokens.id_token.as_ref().map(|t| t.expose())
            );
            assert_eq!(
                document["refresh_token"].as_str(),
                tokens.refresh_token.as_ref().map(|t| t.expose())
            );
            assert!(
                document["token_type"]
                    .as_str()
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
            );
            let _ = format!("{tokens:?}");
        }
        Err(failed) => drop(format!("{failed:?} {}", failed.cause())),
    }
}
