//! Who is at the token endpoint: exactly one of `client_secret_basic`, `client_secret_post` and `none`, or an assertion
//! ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).

use super::{DevProvider, Fault, answer::OauthError, service::Call};
use crate::core::{
    client_auth::{BasicCredentials, BasicError, JWT_BEARER},
    form::Form,
    secret::ClientSecret,
};
use http::{StatusCode, header};

/// What a request shows of its sender.
struct Presented {
    client_id: String,
    proof: Proof,
}

enum Proof {
    None,
    Secret(ClientSecret),
    Assertion,
}

impl From<Option<ClientSecret>> for Proof {
    fn from(secret: Option<ClientSecret>) -> Self {
        secret.map_or(Self::None, Self::Secret)
    }
}

impl DevProvider {
    /// What the metadata lists. Assertions are taken where no client is registered: nothing here knows their keys.
    pub(super) fn client_auth_methods(&self) -> &'static [&'static str] {
        const VERIFIED: &[&str] = &["client_secret_basic", "client_secret_post", "none"];
        const WELCOME: &[&str] = &[
            "client_secret_basic",
            "client_secret_post",
            "none",
            "client_secret_jwt",
            "private_key_jwt",
        ];
        if self.shared.clients.is_empty() {
            WELCOME
        } else {
            VERIFIED
        }
    }

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
            || of_id.any(|client| match (&client.secret, &presented.proof) {
                (Some(expected), Proof::Secret(secret)) => expected.ct_eq(secret.expose()),
                (None, Proof::None) => true,
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
    let (assertion, kind) = (take("client_assertion"), take("client_assertion_type"));
    let asserts = assertion.is_some() || kind.is_some();

    let methods = [authorization.is_some(), secret_in_body.is_some(), asserts];
    if methods.iter().filter(|used| **used).count() > 1 || authorizations.next().is_some() {
        return Err(invalid_request("more than one client authentication"));
    }
    if asserts {
        // Nothing here knows a client's keys yet; without registrations everybody is welcome, by whatever they say.
        return match (in_body, assertion, kind.as_deref()) {
            (Some(client_id), Some(_), Some(JWT_BEARER)) => Ok(Presented {
                client_id,
                proof: Proof::Assertion,
            }),
            _ => Err(invalid_client()),
        };
    }
    let Some(authorization) = authorization else {
        return match in_body {
            Some(client_id) => Ok(Presented {
                client_id,
                proof: secret_in_body.map(ClientSecret::new).into(),
            }),
            None => Err(invalid_client()),
        };
    };
    let credentials = BasicCredentials::parse(authorization).map_err(|error| match error {
        BasicError::OtherScheme => invalid_client(),
        _ => invalid_request("malformed Basic credentials"),
    })?;
    let client_id = credentials.client_id().to_owned();
    if in_body.is_some_and(|id| id != client_id) {
        return Err(invalid_request("two different client ids"));
    }
    Ok(Presented {
        client_id,
        proof: Proof::Secret(credentials.secret().clone()),
    })
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
