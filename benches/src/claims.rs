//! What tokens say of the user, whoever they are for.

use serde_json::{Map, Value, json};

/// The claims of OpenID Connect's scopes `profile` and `email`, and these.
///
/// # Panics
///
/// If these are no object.
pub fn with_profile(more: Value) -> Map<String, Value> {
    let mut claims = json!({
        "email_verified": true,
        "name": "Alice Liddell",
        "preferred_username": "alice",
        "given_name": "Alice",
        "family_name": "Liddell",
        "email": "alice.liddell@example.com",
    });
    match (&mut claims, more) {
        (Value::Object(claims), Value::Object(more)) => {
            claims.extend(more);
            std::mem::take(claims)
        }
        (_, other) => panic!("{other} is no object"),
    }
}
