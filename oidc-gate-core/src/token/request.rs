//! What is sent to the token endpoint.

use crate::{
    client_auth::Credentials,
    form,
    secret::{AuthorizationCode, CodeVerifier},
    url::EndpointUrl,
};
use http::{
    HeaderValue, Method, Request,
    header::{ACCEPT, CONTENT_TYPE},
};

/// The exchange of an authorization code for tokens
/// ([RFC 6749 § 4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3),
/// [RFC 7636 § 4.5](https://www.rfc-editor.org/rfc/rfc7636#section-4.5)). `resources` are those of the authorization
/// request ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
///
/// The result is an ordinary request: any HTTP client can send it. It must be sent once; the code is used up by it.
///
/// # Errors
///
/// Only if `endpoint` is no URI in the eyes of the `http` crate.
pub fn authorization_code(
    endpoint: &EndpointUrl,
    credentials: Credentials,
    code: &AuthorizationCode,
    redirect_uri: &str,
    verifier: &CodeVerifier,
    resources: &[String],
) -> Result<Request<Vec<u8>>, http::Error> {
    build(
        endpoint,
        credentials,
        [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose()),
        ]
        .into_iter()
        .chain(resources.iter().map(|uri| ("resource", uri.as_str()))),
    )
}

fn build<'a>(
    endpoint: &EndpointUrl,
    credentials: Credentials,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Request<Vec<u8>>, http::Error> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )
        .body(Vec::new())?;
    let mut body = String::new();
    for (name, value) in fields {
        form::push_pair(&mut body, name, value);
    }
    credentials.apply(request.headers_mut(), &mut body);
    *request.body_mut() = body.into_bytes();
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client_auth::{Client, Method as Auth, testing::credentials},
        secret::ClientSecret,
    };

    #[test]
    fn a_code_is_exchanged_with_its_verifier_and_one_authentication_method() {
        let endpoint = EndpointUrl::parse("https://id.example/token").unwrap();
        let request = |auth| {
            authorization_code(
                &endpoint,
                credentials(&Client::new("app", auth)),
                &AuthorizationCode::new("c&d"),
                "https://app.example/oauth2/callback",
                &CodeVerifier::new("v"),
                &[],
            )
            .unwrap()
        };
        let grant = "grant_type=authorization_code&code=c%26d\
                     &redirect_uri=https%3A%2F%2Fapp.example%2Foauth2%2Fcallback&code_verifier=v";
        let basic = request(Auth::SecretBasic(ClientSecret::new("s")));
        assert_eq!(basic.method(), Method::POST);
        assert_eq!(basic.uri(), "https://id.example/token");
        assert_eq!(basic.headers()["authorization"], "Basic YXBwOnM=");
        assert_eq!(
            basic.headers()["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(basic.body(), grant.as_bytes());
        let none = request(Auth::None);
        assert!(!none.headers().contains_key("authorization"));
        assert_eq!(none.body(), format!("{grant}&client_id=app").as_bytes());
    }
}
