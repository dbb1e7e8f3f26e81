use crate::first_line;
use http::{HeaderValue, Response, header};
use oidc_gate_core::claims::Userinfo;
use serde_json::Value;

/// The answer of a userinfo endpoint: the first line is its media type, the rest its body. What is taken is about the
/// right subject in the reading of `serde_json` too.
pub fn userinfo(data: &[u8]) {
    let (media_type, body) = first_line(data);
    let Ok(media_type) = HeaderValue::from_bytes(media_type) else {
        return;
    };
    let mut response = Response::new(body.to_vec());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    match Userinfo::parse(&response, "alice") {
        Ok(userinfo) => {
            let document: Value = serde_json::from_slice(body).expect("the answer is JSON");
            assert_eq!(document["sub"], "alice");
            let _ = format!("{userinfo:?}");
        }
        Err(failed) => drop(format!("{failed:?} {}", failed.cause())),
    }
}
