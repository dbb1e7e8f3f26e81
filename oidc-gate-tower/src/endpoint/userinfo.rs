//! `userinfo`: who is signed in, for the application's own scripts.

use crate::{Gate, answer, gate::Recognised};
use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};
use serde_json::json;

/// The members that oauth2-proxy's users know. The policy has refused whoever is not signed in.
pub(super) fn serve(gate: &Gate, parts: &Parts) -> Response<Bytes> {
    let Recognised::Session(session, _) = gate.recognise(&parts.headers, gate.now()) else {
        return answer::empty(StatusCode::UNAUTHORIZED);
    };
    let user = session.identity();
    let mut document =
        json!({ "user": user.subject(), "groups": user.groups().collect::<Vec<_>>() });
    for (name, value) in [
        ("email", user.email()),
        ("preferredUsername", user.preferred_username()),
    ] {
        if let Some(value) = value {
            document[name] = value.into();
        }
    }
    answer::json(StatusCode::OK, &document)
}
