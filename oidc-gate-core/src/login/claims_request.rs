//! The `claims` parameter ([OpenID Connect Core § 5.5](https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter)).

use super::AuthTime;
use crate::form::is_word;
use serde_json::{Map, Value, json};

/// Single claims, asked for by name, with what they are to be.
///
/// What the gate can hold the provider to, it does: an essential `acr` of the ID token has to have one of the values that
/// are asked for, and an essential `auth_time` has to be there. Everything else is a wish.
#[derive(Clone, Debug)]
pub struct ClaimsRequest {
    document: Map<String, Value>,
    acr: Acr,
    auth_time: bool,
}

/// What is asked about the `acr` of the ID token.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Acr {
    Unasked,
    Voluntary,
    /// One of these has to be reached.
    Essential(Vec<String>),
}

impl ClaimsRequest {
    /// Reads the parameter: an object of `id_token` and `userinfo`, each an object that has for each claim `null` or an
    /// object of `essential`, `value` and `values`.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to do about it.
    pub fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(document) = value else {
            return Err("is no object; write {\"id_token\": {…}, \"userinfo\": {…}}".to_owned());
        };
        if document.is_empty() {
            return Err("asks for nothing; leave the setting out".to_owned());
        }
        for (place, claims) in &document {
            if !["id_token", "userinfo"].contains(&place.as_str()) {
                return Err(format!(
                    "has a member {place:?}; claims are asked for under `id_token` and `userinfo`"
                ));
            }
            let Value::Object(claims) = claims else {
                return Err(format!(
                    "`{place}` is no object of claims; write {{\"{place}\": {{\"email\": null}}}}"
                ));
            };
            for (name, wanted) in claims {
                check(wanted).map_err(|what| format!("`{place}.{name}` {what}"))?;
            }
        }
        let asked = |name: &str| document.get("id_token").and_then(|claims| claims.get(name));
        let acr = match asked("acr") {
            None => Acr::Unasked,
            Some(wanted) => match accepted(wanted)? {
                values if is_essential(wanted) && !values.is_empty() => Acr::Essential(values),
                _ => Acr::Voluntary,
            },
        };
        let auth_time = asked("auth_time").is_some_and(is_essential);
        Ok(Self {
            document,
            acr,
            auth_time,
        })
    }

    /// Whether it says anything about the `acr` of the ID token. Then `acr_values` must not be sent beside it: what comes
    /// of both is unspecified
    /// ([§ 5.5.1.1](https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics)).
    pub fn names_acr(&self) -> bool {
        self.acr != Acr::Unasked
    }

    /// The classes of which one has to be reached; empty if none has to.
    pub(super) fn essential_acr(&self) -> &[String] {
        match &self.acr {
            Acr::Essential(values) => values,
            Acr::Unasked | Acr::Voluntary => &[],
        }
    }

    /// Whether the ID token has to say when the user signed in.
    pub(super) fn demands_auth_time(&self) -> bool {
        self.auth_time
    }

    /// The parameter's value, with the `acr` that this login demands in the place of the one that is asked for, and with
    /// the time of the sign-in where that is demanded.
    pub(super) fn text(&self, acr: &[String], auth_time: AuthTime) -> String {
        let mut document = self.document.clone();
        if auth_time == AuthTime::Essential
            && !self.auth_time
            && let Value::Object(claims) = document
                .entry("id_token")
                .or_insert_with(|| Map::new().into())
        {
            claims.insert("auth_time".to_owned(), json!({"essential": true}));
        }
        if self.names_acr()
            && !acr.is_empty()
            && let Some(Value::Object(claims)) = document.get_mut("id_token")
        {
            claims.insert("acr".to_owned(), json!({"essential": true, "values": acr}));
        }
        Value::Object(document).to_string()
    }
}

fn is_essential(wanted: &Value) -> bool {
    wanted.get("essential") == Some(&Value::Bool(true))
}

fn check(wanted: &Value) -> Result<(), &'static str> {
    let wanted = match wanted {
        Value::Null => return Ok(()),
        Value::Object(wanted) => wanted,
        _ => return Err("is neither null nor an object of `essential`, `value` and `values`"),
    };
    if wanted.get("essential").is_some_and(|e| !e.is_boolean()) {
        return Err("has an `essential` that is neither true nor false");
    }
    match wanted.get("values") {
        None => Ok(()),
        Some(_) if wanted.contains_key("value") => Err("has `value` and `values`; keep one"),
        Some(Value::Array(values)) if !values.is_empty() => Ok(()),
        Some(_) => Err("has `values` that are no list, or an empty one"),
    }
}

/// The classes that a request about `acr` accepts. One that nobody can reach would end every login.
fn accepted(wanted: &Value) -> Result<Vec<String>, String> {
    let one = wanted.get("value").into_iter();
    let many = wanted.get("values").and_then(Value::as_array);
    one.chain(many.into_iter().flatten())
        .map(|value| match value.as_str() {
            Some(class) if is_word(class) => Ok(class.to_owned()),
            _ => Err(format!(
                "`id_token.acr` accepts {value}; a class is text in visible ASCII without spaces"
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<ClaimsRequest, String> {
        ClaimsRequest::parse(value)
    }

    #[test]
    fn what_is_no_request_says_why() {
        for (value, problem) in [
            (
                json!([]),
                "is no object; write {\"id_token\": {…}, \"userinfo\": {…}}",
            ),
            (json!({}), "asks for nothing; leave the setting out"),
            (
                json!({"idtoken": {}}),
                "has a member \"idtoken\"; claims are asked for under `id_token` and `userinfo`",
            ),
            (
                json!({"userinfo": ["email"]}),
                "`userinfo` is no object of claims; write {\"userinfo\": {\"email\": null}}",
            ),
            (
                json!({"userinfo": {"email": true}}),
                "`userinfo.email` is neither null nor an object of `essential`, `value` and `values`",
            ),
            (
                json!({"userinfo": {"email": {"essential": "yes"}}}),
                "`userinfo.email` has an `essential` that is neither true nor false",
            ),
            (
                json!({"id_token": {"acr": {"values": []}}}),
                "`id_token.acr` has `values` that are no list, or an empty one",
            ),
            (
                json!({"id_token": {"acr": {"value": "a", "values": ["b"]}}}),
                "`id_token.acr` has `value` and `values`; keep one",
            ),
            (
                json!({"id_token": {"acr": {"essential": true, "values": ["a b"]}}}),
                "`id_token.acr` accepts \"a b\"; a class is text in visible ASCII without spaces",
            ),
        ] {
            assert_eq!(parse(value.clone()).unwrap_err(), problem, "{value}");
        }
    }

    #[test]
    fn only_what_is_essential_and_of_the_id_token_is_demanded() {
        for (value, acr, auth_time) in [
            (
                json!({"id_token": {"acr": {"essential": true, "value": "a"}}}),
                vec!["a"],
                false,
            ),
            (
                json!({"id_token": {"acr": {"essential": true, "values": ["a", "b"]}}}),
                vec!["a", "b"],
                false,
            ),
            (
                json!({"id_token": {"acr": {"essential": false, "values": ["a"]}}}),
                vec![],
                false,
            ),
            (
                json!({"id_token": {"acr": {"essential": true}}}),
                vec![],
                false,
            ),
            (
                json!({"userinfo": {"acr": {"essential": true, "value": "a"}}}),
                vec![],
                false,
            ),
            (
                json!({"id_token": {"auth_time": {"essential": true}}}),
                vec![],
                true,
            ),
            (json!({"id_token": {"auth_time": null}}), vec![], false),
            (
                json!({"userinfo": {"auth_time": {"essential": true}}}),
                vec![],
                false,
            ),
        ] {
            let request = parse(value.clone()).unwrap();
            assert_eq!(
                (request.essential_acr(), request.demands_auth_time()),
                (
                    acr.iter()
                        .map(|s| (*s).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice(),
                    auth_time
                ),
                "{value}"
            );
        }
    }

    #[test]
    fn a_logins_own_level_takes_the_place_of_the_one_for_all() {
        let request =
            parse(json!({"id_token": {"acr": null}, "userinfo": {"email": null}})).unwrap();
        assert_eq!(
            request.text(&[], AuthTime::Optional),
            r#"{"id_token":{"acr":null},"userinfo":{"email":null}}"#
        );
        assert_eq!(
            request.text(&["phr".to_owned()], AuthTime::Optional),
            r#"{"id_token":{"acr":{"essential":true,"values":["phr"]}},"userinfo":{"email":null}}"#
        );
        let without = parse(json!({"userinfo": {"email": null}})).unwrap();
        assert_eq!(
            without.text(&["phr".to_owned()], AuthTime::Optional),
            r#"{"userinfo":{"email":null}}"#
        );
        assert_eq!(
            without.text(&[], AuthTime::Essential),
            r#"{"id_token":{"auth_time":{"essential":true}},"userinfo":{"email":null}}"#
        );
        let twice = parse(json!({"id_token": {"auth_time": {"essential": true, "value": 5}}}));
        assert_eq!(
            twice.unwrap().text(&[], AuthTime::Essential),
            r#"{"id_token":{"auth_time":{"essential":true,"value":5}}}"#
        );
    }
}
