//! `userinfo`: who is signed in, for the application's own scripts.

use crate::{Identity, answer};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

/// The members that oauth2-proxy's users know. The policy has refused whoever is not signed in.
pub(super) fn serve(who: Option<&Identity>) -> Response<Bytes> {
    let Some(user) = who else {
        return answer::empty(StatusCode::UNAUTHORIZED);
    };
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
