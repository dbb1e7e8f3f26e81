//! The userinfo endpoint ([OpenID Connect Core § 5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)).

use super::{
    DevProvider, Fault, answer::json_answer, id_token::user_claims, service::Call, state::key,
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

impl DevProvider {
    pub(super) fn userinfo(&self, call: &Call<'_>) -> Response<Bytes> {
        let mut authorizations = call.headers.get_all(header::AUTHORIZATION).iter();
        let token = match (authorizations.next(), authorizations.next()) {
            (Some(value), None) => value.to_str().ok().and_then(bearer),
            _ => None,
        };
        let Some(token) = token else {
            // No credential, no error code (RFC 6750 § 3.1).
            return challenge("Bearer", &Value::Null);
        };
        let now = self.now();
        let access = self.state().access_tokens.get(&key(token)).cloned();
        let access = access.filter(|access| now < access.expires);
        match access.and_then(|access| Some((access.user?, access.scope))) {
            Some((user, scope)) => {
                let mut claims = user_claims(&user, &scope);
                if self.has(Fault::MissingUserinfoSubject) {
                    claims.remove("sub");
                } else if self.has(Fault::WrongUserinfoSubject) {
                    claims.insert("sub".to_owned(), "somebody-else".into());
                }
                json_answer(StatusCode::OK, &Value::Object(claims))
            }
            None => challenge(
                "Bearer error=\"invalid_token\"",
                &json!({"error": "invalid_token"}),
            ),
        }
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

fn challenge(challenge: &'static str, body: &Value) -> Response<Bytes> {
    let mut response = json_answer(StatusCode::UNAUTHORIZED, body);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    response
}
