//! Who is at the token endpoint: exactly one of `client_secret_basic`, `client_secret_post` and `none`
//! ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).

use super::{DevProvider, Fault, answer::OauthError, service::Call};
use crate::core::{
    form::{Form, decode},
    secret::ClientSecret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};

/// What a request shows of its sender.
struct Presented {
    client_id: String,
    secret: Option<ClientSecret>,
}

impl DevProvider {
    /// The id of the client that proved itself, or the answer to one that did not.
    pub(super) fn authenticate_client(
        &self,
        call: &Call<'_>,
        form: &mut Form,
    ) -> Result<String, OauthError> {
        let presented = present(call, form)?;
        if self.has(Fault::InvalidClient) {
            return Err(invalid_client());
        }
        let mut of_id = self
            .shared
            .clients
            .iter()
            .filter(|c| c.id == presented.client_id)
            .peekable();
        // Without registrations everybody is welcome.
        let known = self.shared.clients.is_empty()
            || of_id.any(|client| match (&client.secret, &presented.secret) {
                (Some(expected), Some(secret)) => expected.ct_eq(secret.expose()),
                (None, None) => true,
                _ => false,
            });
        if known {
            Ok(presented.client_id)
        } else {
            Err(invalid_client())
        }
    }
}

fn present(call: &Call<'_>, form: &mut Form) -> Result<Presented, OauthError> {
    let mut authorizations = call.headers.get_all(header::AUTHORIZATION).iter();
    let authorization = authorizations.next();
    let mut take = |name: &str| form.take(name).filter(|value| !value.is_empty());
    let (in_body, secret_in_body) = (take("client_id"), take("client_secret"));
    let assertion = take("client_assertion").is_some() | take("client_assertion_type").is_some();

    let methods = [authorization.is_some(), secret_in_body.is_some(), assertion];
    if methods.iter().filter(|used| **used).count() > 1 || authorizations.next().is_some() {
        return Err(invalid_request("more than one client authentication"));
    }
    if assertion {
        return Err(invalid_client());
    }
    let Some(authorization) = authorization else {
        return match in_body {
            Some(client_id) => Ok(Presented {
                client_id,
                secret: secret_in_body.map(ClientSecret::new),
            }),
            None => Err(invalid_client()),
        };
    };
    let (scheme, credentials) = authorization
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| invalid_request("malformed Authorization header"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(invalid_client());
    }
    let (client_id, secret) =
        basic(credentials).ok_or_else(|| invalid_request("malformed Basic credentials"))?;
    if in_body.is_some_and(|id| id != client_id) {
        return Err(invalid_request("two different client ids"));
    }
    Ok(Presented {
        client_id,
        secret: Some(secret),
    })
}

/// Both halves are form-encoded before they are joined
/// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
fn basic(credentials: &str) -> Option<(String, ClientSecret)> {
    let bytes = STANDARD.decode(credentials.trim_start_matches(' ')).ok()?;
    let at = bytes.iter().position(|b| *b == b':')?;
    let (id, secret) = bytes.split_at(at);
    let id = decode(id).ok().filter(|id| !id.is_empty())?;
    let secret = decode(secret.get(1..)?).ok()?;
    Some((id.into_string(), ClientSecret::new(secret)))
}

pub(super) fn invalid_request(why: &'static str) -> OauthError {
    OauthError::new("invalid_request", why)
}

/// One answer for an unknown client and for a wrong secret.
fn invalid_client() -> OauthError {
    OauthError::new(
        "invalid_client",
        "unknown client, or its authentication failed",
    )
    .with_status(StatusCode::UNAUTHORIZED)
}
