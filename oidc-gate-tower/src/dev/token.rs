//! The token endpoint: a code and its verifier for tokens
//! ([OpenID Connect Core § 3.1.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenEndpoint)).
//!
//! First the client, then everything about the code that only has to be read, then the one step that uses it up. So a
//! request that fails does not spend somebody else's code.

use super::{
    DevProvider, Fault,
    answer::{Lost, OauthError, json_answer, lost},
    authorize_request::split_resources,
    client_auth::invalid_request,
    service::Call,
    state::{Access, Code, Hint, Key, key, new_handle},
};
use crate::core::form::Form;
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::json;
use std::time::Duration;

/// How long an access token and an ID token are valid.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(3600);

impl DevProvider {
    pub(super) fn token(&self, call: &Call<'_>) -> Response<Bytes> {
        if self.has(Fault::TokenEndpointDown) {
            return OauthError::new("temporarily_unavailable", "the token endpoint is down")
                .with_status(StatusCode::SERVICE_UNAVAILABLE)
                .respond();
        }
        let answer = self.redeem(call).unwrap_or_else(OauthError::respond);
        if self.has(Fault::LostTokenResponse) {
            return lost(Lost::Answer);
        }
        answer
    }

    fn redeem(&self, call: &Call<'_>) -> Result<Response<Bytes>, OauthError> {
        if !call.is_form() {
            return Err(invalid_request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        if call.headers.contains_key("dpop") {
            return Err(OauthError::new(
                "invalid_dpop_proof",
                "DPoP is not spoken here",
            ));
        }
        let (body, resources) = split_resources(call.body);
        let mut form = Form::parse(&body)
            .map_err(|_| invalid_request("the body cannot be read, or a parameter occurs twice"))?;
        let client_id = self.authenticate_client(call, &mut form)?;

        let mut take = |name: &str| form.take(name).filter(|value| !value.is_empty());
        match take("grant_type").as_deref() {
            Some("authorization_code") => {}
            Some(_) => {
                return Err(OauthError::new(
                    "unsupported_grant_type",
                    "only authorization_code is spoken here",
                ));
            }
            None => return Err(invalid_request("grant_type is missing")),
        }
        let code = take("code").ok_or_else(|| invalid_request("code is missing"))?;
        let redirect_uri =
            take("redirect_uri").ok_or_else(|| invalid_request("redirect_uri is missing"))?;
        let verifier = take("code_verifier").ok_or_else(invalid_grant)?;
        let resources = resources.ok_or_else(invalid_target)?;
        let access_token = new_handle().map_err(|_| server_error())?;

        let granted = self.consume(
            &key(&code),
            |granted| {
                granted.client_id == client_id
                    && granted.redirect_uri == redirect_uri
                    && verifier_fits(&verifier, &granted.challenge)
            },
            |granted| match resources.iter().all(|uri| granted.resources.contains(uri)) {
                true => Ok(()),
                // No more than what the user was sent here with (RFC 8707 § 2.2).
                false => Err(invalid_target()),
            },
            key(&access_token),
        )?;

        let id_token = self
            .id_token(&granted, &access_token)
            .map_err(|_| server_error())?;
        self.state().id_tokens.insert(
            key(&id_token),
            Hint {
                subject: granted.session.user.subject().to_owned(),
                client_id,
                sid: granted.session.sid.clone(),
            },
        );
        let token_type = if self.has(Fault::WrongTokenType) {
            "pigeon"
        } else {
            "Bearer"
        };
        let id_token = (!self.has(Fault::MissingIdToken)).then_some(id_token);
        Ok(json_answer(
            StatusCode::OK,
            &json!({
                "access_token": access_token,
                "token_type": token_type,
                "expires_in": TOKEN_LIFE.as_secs(),
                "id_token": id_token,
                "scope": granted.scope,
            }),
        ))
    }

    /// Uses the code up, if it is alive and `fits`, in favour of `access`. A code that fits and was used before takes its
    /// access token with it ([RFC 6749 § 4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)). Every other
    /// fault has the same answer and changes nothing.
    fn consume(
        &self,
        code: &Key,
        fits: impl Fn(&Code) -> bool,
        allowed: impl Fn(&Code) -> Result<(), OauthError>,
        access: Key,
    ) -> Result<Code, OauthError> {
        let now = self.now();
        let mut state = self.state();
        let entry = state
            .codes
            .get_mut(code)
            .filter(|entry| fits(entry))
            .ok_or_else(invalid_grant)?;
        if let Some(earlier) = entry.redeemed {
            state.access_tokens.remove(&earlier);
            return Err(invalid_grant());
        }
        if now >= entry.expires {
            return Err(invalid_grant());
        }
        allowed(entry)?;
        entry.redeemed = Some(access);
        let granted = entry.clone();
        state.access_tokens.insert(
            access,
            Access {
                user: granted.session.user.clone(),
                scope: granted.scope.clone(),
                expires: now + TOKEN_LIFE,
            },
        );
        Ok(granted)
    }
}

/// [RFC 7636 § 4.6](https://www.rfc-editor.org/rfc/rfc7636#section-4.6), and the form that § 4.1 demands.
fn verifier_fits(verifier: &str, challenge: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && verify_slices_are_equal(
            URL_SAFE_NO_PAD.encode(hash).as_bytes(),
            challenge.as_bytes(),
        )
        .is_ok()
}

fn invalid_grant() -> OauthError {
    OauthError::new(
        "invalid_grant",
        "the code is unknown, used, expired, or not for this request",
    )
}

fn invalid_target() -> OauthError {
    OauthError::new("invalid_target", "the code is for other resources")
}

fn server_error() -> OauthError {
    OauthError::new("server_error", "the provider could not make a token")
        .with_status(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Call<'_> {
    pub(super) fn is_form(&self) -> bool {
        self.headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split(';').next())
            .is_some_and(|text| {
                text.trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (verifier, fits) in [
            (
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
                true,
            ),
            ("x".repeat(43), true),
            ("x".repeat(128), true),
            ("x".repeat(42), false),
            ("x".repeat(129), false),
            ("+".repeat(43), false),
            ("é".repeat(43), false),
        ] {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            let challenge = URL_SAFE_NO_PAD.encode(hash);
            assert_eq!(verifier_fits(&verifier, &challenge), fits, "{verifier}");
        }
    }
}
