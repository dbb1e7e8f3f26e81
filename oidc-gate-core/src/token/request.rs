//! What is sent to the token endpoint ([RFC 6749 § 4](https://www.rfc-editor.org/rfc/rfc6749#section-4)).

use super::{Exchanged, TokenResponse, response::Expected};
use crate::{
    backchannel::{AskError, DeviceAuthorization, Fields, Question, RequestError},
    provider::Endpoint,
    secret::{AuthorizationCode, CodeVerifier, DeviceCode, RefreshToken},
    url::is_absolute_uri,
};
use http::Response;

/// A request for a token, by one grant.
///
/// ```
/// use oidc_gate_core::token::TokenRequest;
///
/// let request = TokenRequest::client_credentials().scope("orders:read")?.resource("https://api.example")?;
/// assert!(request.param("client_secret", "…").is_err());
/// # Ok::<_, oidc_gate_core::backchannel::RequestError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenRequest {
    fields: Fields,
    expected: Expected,
    needs_proof: bool,
    /// What was asked for before, and is not said again.
    asked_scope: Option<Box<str>>,
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

impl TokenRequest {
    fn new(grant_type: &str, own: &'static [&'static str]) -> Self {
        Self {
            fields: Fields::new(own).with("grant_type", grant_type),
            expected: Expected::default(),
            needs_proof: false,
            asked_scope: None,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push(name, value);
        self
    }

    /// An authorization code ([RFC 6749 § 4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3),
    /// [RFC 7636 § 4.5](https://www.rfc-editor.org/rfc/rfc7636#section-4.5)). It must be sent once; the code is used up by
    /// it. `resources` are those of the authorization request
    /// ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
    pub fn authorization_code(
        code: &AuthorizationCode,
        redirect_uri: &str,
        verifier: &CodeVerifier,
        resources: &[String],
    ) -> Self {
        let request = Self::new(
            "authorization_code",
            &["code", "redirect_uri", "code_verifier"],
        )
        .with("code", code.expose())
        .with("redirect_uri", redirect_uri)
        .with("code_verifier", verifier.expose());
        (resources.iter()).fold(request, |request, uri| request.with("resource", uri))
    }

    /// A refresh token ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)). Where the answer carries another
    /// one, that takes its place. Without a [scope](Self::scope) the new token reaches as far as the grant; one that
    /// reaches further is refused.
    pub fn refresh_token(token: &RefreshToken) -> Self {
        Self::new("refresh_token", &["refresh_token"]).with("refresh_token", token.expose())
    }

    /// The same, for the resources of the authorization request
    /// ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
    pub(crate) fn refreshing(token: &RefreshToken, resources: &[String]) -> Self {
        (resources.iter()).fold(Self::refresh_token(token), |request, uri| {
            request.with("resource", uri)
        })
    }

    /// The client itself ([RFC 6749 § 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)). A public client may not:
    /// [`Check::PublicClient`](crate::check::Check::PublicClient).
    pub fn client_credentials() -> Self {
        Self {
            needs_proof: true,
            ..Self::new("client_credentials", &[])
        }
    }

    /// A JWT that somebody has issued whom the server trusts
    /// ([RFC 7523 § 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)). Its audience is the server's issuer.
    pub fn jwt_bearer(assertion: &str) -> Self {
        Self::new(JWT_BEARER, &["assertion"]).with("assertion", assertion)
    }

    /// The code of a device ([RFC 8628 § 3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4)), asked once.
    /// [`PollDevice`](super::PollDevice) asks until there is an answer.
    pub fn device_code(code: &DeviceCode) -> Self {
        Self::new(DEVICE_CODE, &["device_code"]).with("device_code", code.expose())
    }

    /// The same, where the scope that was asked for is known.
    pub(super) fn for_device(device: &DeviceAuthorization) -> Self {
        Self {
            asked_scope: device.scope.clone(),
            ..Self::device_code(&device.device_code)
        }
    }

    /// Another token ([RFC 8693 § 2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
    pub fn token_exchange(exchanged: Exchanged) -> Self {
        const OWN: &[&str] = &[
            "subject_token",
            "subject_token_type",
            "actor_token",
            "actor_token_type",
            "requested_token_type",
            "audience",
        ];
        let mut request = Self::new(TOKEN_EXCHANGE, OWN);
        exchanged.write(&mut request.fields);
        request.expected = Expected::Exchanged;
        request
    }

    /// A grant that this crate does not know; what it takes is added with [`param`](Self::param)
    /// ([RFC 6749 § 4.5](https://www.rfc-editor.org/rfc/rfc6749#section-4.5)).
    ///
    /// # Errors
    ///
    /// [`RequestError::GrantType`] if it is no absolute URI, or one that has a method of its own.
    pub fn extension(grant_type: &str) -> Result<Self, RequestError> {
        let known = [JWT_BEARER, DEVICE_CODE, TOKEN_EXCHANGE].contains(&grant_type);
        if known || !is_absolute_uri(grant_type) {
            return Err(RequestError::GrantType);
        }
        Ok(Self::new(grant_type, &[]))
    }

    /// What the token is to be good for, separated by spaces
    /// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
    ///
    /// # Errors
    ///
    /// [`RequestError::Scope`], and [`RequestError::Repeated`] if it has been said.
    pub fn scope(self, scope: &str) -> Result<Self, RequestError> {
        let fields = self.fields.scope(scope)?;
        Ok(Self { fields, ..self })
    }

    /// Where the token is to be used ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)); may be said
    /// several times.
    ///
    /// # Errors
    ///
    /// [`RequestError::Resource`].
    pub fn resource(self, uri: &str) -> Result<Self, RequestError> {
        let fields = self.fields.resource(uri)?;
        Ok(Self { fields, ..self })
    }

    /// A parameter of an extension's, or of the server's own, such as `audience`.
    ///
    /// # Errors
    ///
    /// If it is set by the request itself, proves the client, is there already, or is none.
    pub fn param(self, name: &str, value: &str) -> Result<Self, RequestError> {
        let fields = self.fields.param(name, value)?;
        Ok(Self { fields, ..self })
    }

    /// Demands a token that is bound by DPoP ([RFC 9449 § 5](https://www.rfc-editor.org/rfc/rfc9449#section-5)); any other
    /// is refused. The proof is put on the request by whoever sends it.
    #[must_use]
    pub fn demanding_dpop(self) -> Self {
        let expected = self.expected.bound();
        Self { expected, ..self }
    }
}

impl Question for TokenRequest {
    type Answer = TokenResponse;

    fn endpoint(&self) -> Endpoint {
        Endpoint::Token
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn needs_proof(&self) -> bool {
        self.needs_proof
    }

    /// The granted scope is the requested one where the answer names none
    /// ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
    fn read(&self, response: &Response<Vec<u8>>) -> Result<TokenResponse, AskError> {
        let mut tokens = TokenResponse::parse_expecting(response, self.expected)?;
        if tokens.scope.is_none() {
            let asked = self.fields.get("scope").or(self.asked_scope.as_deref());
            tokens.scope = asked.map(str::to_owned);
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client_auth::{Client, Method as Auth, testing::credentials},
        secret::ClientSecret,
        token::{TokenKind, TypedToken},
        url::EndpointUrl,
    };
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        grant: String,
        #[serde(default)]
        add: Vec<(String, String)>,
        expected: String,
    }

    fn of_grant(grant: &str) -> Result<TokenRequest, RequestError> {
        let subject = || Exchanged::subject(TypedToken::new(TokenKind::AccessToken, "s"));
        Ok(match grant {
            "authorization_code" => TokenRequest::authorization_code(
                &AuthorizationCode::new("c&d"),
                "https://app.example/cb",
                &CodeVerifier::new("v"),
                &["urn:a".to_owned()],
            ),
            "client_credentials" => TokenRequest::client_credentials(),
            "refresh_token" => TokenRequest::refresh_token(&RefreshToken::new("r t&")),
            "jwt_bearer" => TokenRequest::jwt_bearer("a.b.c"),
            "device_code" => TokenRequest::device_code(&DeviceCode::new("d")),
            "token_exchange" => TokenRequest::token_exchange(subject()),
            "token_exchange_for_an_actor" => TokenRequest::token_exchange(
                subject()
                    .actor(TypedToken::new(
                        TokenKind::other("urn:example:token").unwrap(),
                        "a",
                    ))
                    .requesting(TokenKind::Jwt)
                    .audience("one")
                    .audience("two"),
            ),
            other => TokenRequest::extension(other)?,
        })
    }

    fn made(case: &Case) -> Result<TokenRequest, RequestError> {
        let add = |request: TokenRequest, (name, value): &(String, String)| match &**name {
            "scope" => request.scope(value),
            "resource" => request.resource(value),
            _ => request.param(name, value),
        };
        case.add.iter().try_fold(of_grant(&case.grant)?, add)
    }

    fn sent(request: &TokenRequest, auth: Auth) -> http::Request<Vec<u8>> {
        let endpoint = EndpointUrl::parse("https://id.example/token").unwrap();
        let credentials = credentials(&Client::new("app", auth));
        request.request(&endpoint, credentials).unwrap()
    }

    #[test]
    fn every_request_says_what_the_data_says() {
        let cases: Cases =
            toml::from_str(include_str!("../../testdata/token_request.toml")).unwrap();
        assert!(cases.case.len() > 40);
        for case in cases.case {
            let got = match made(&case) {
                Ok(request) => {
                    let body =
                        sent(&request, Auth::SecretBasic(ClientSecret::new("s"))).into_body();
                    String::from_utf8(body).unwrap()
                }
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(got, case.expected, "{}", case.name);
        }
    }

    #[test]
    fn one_method_proves_the_client_and_nothing_stands_in_the_address() {
        let request = TokenRequest::client_credentials();
        let basic = sent(&request, Auth::SecretBasic(ClientSecret::new("s")));
        assert_eq!(basic.method(), http::Method::POST);
        assert_eq!(basic.uri(), "https://id.example/token");
        assert_eq!(basic.headers()["authorization"], "Basic YXBwOnM=");
        assert_eq!(
            basic.headers()["content-type"],
            "application/x-www-form-urlencoded"
        );
        let none = sent(&request, Auth::None);
        assert!(!none.headers().contains_key("authorization"));
        assert_eq!(none.uri(), "https://id.example/token");
        assert_eq!(none.body(), b"grant_type=client_credentials&client_id=app");
    }

    #[test]
    fn no_request_shows_what_it_holds() {
        for grant in [
            "authorization_code",
            "refresh_token",
            "jwt_bearer",
            "device_code",
        ] {
            let request = of_grant(grant).unwrap().param("x", "hush").unwrap();
            let shown = format!("{request:?}");
            for hidden in ["c&d", "r t&", "a.b.c", "\"d\"", "\"v\"", "hush"] {
                assert!(!shown.contains(hidden), "{shown}");
            }
        }
        let token = TypedToken::new(TokenKind::Jwt, "hush");
        let exchanged = Exchanged::subject(token.clone()).actor(token);
        assert!(!format!("{exchanged:?}").contains("hush"));
    }

    fn answered(request: &TokenRequest, body: &str) -> Result<TokenResponse, AskError> {
        request.read(&Response::new(body.as_bytes().to_vec()))
    }

    #[test]
    fn the_granted_scope_is_the_requested_one_unless_the_answer_says_otherwise() {
        let request = TokenRequest::client_credentials().scope("a b").unwrap();
        let granted = |more: &str| {
            let body = format!(r#"{{"access_token":"t","token_type":"Bearer"{more}}}"#);
            answered(&request, &body).unwrap().scope
        };
        assert_eq!(granted("").as_deref(), Some("a b"));
        assert_eq!(granted(r#","scope":null"#).as_deref(), Some("a b"));
        assert_eq!(granted(r#","scope":"a""#).as_deref(), Some("a"));
    }

    #[test]
    fn a_token_is_of_the_type_that_was_asked_for() {
        use crate::{check::Check, token::TokenType};
        let plain = TokenRequest::client_credentials();
        let bound = TokenRequest::client_credentials().demanding_dpop();
        let exchange = of_grant("token_exchange").unwrap();
        let bound_exchange = exchange.clone().demanding_dpop();
        let type_of = |request: &TokenRequest, name: &str| {
            let body = format!(
                r#"{{"access_token":"t","token_type":"{name}","issued_token_type":"urn:x:y"}}"#
            );
            answered(request, &body)
                .map(|tokens| tokens.token_type)
                .map_err(|error| error.check())
        };
        for (request, name, expected) in [
            (&plain, "bEARER", Ok(TokenType::Bearer)),
            (&plain, "DPoP", Err(Check::TokenType)),
            (&plain, "N_A", Err(Check::TokenType)),
            (&bound, "dpop", Ok(TokenType::DPoP)),
            (&bound, "Bearer", Err(Check::TokenType)),
            (&exchange, "n_a", Ok(TokenType::NotApplicable)),
            (&exchange, "Bearer", Ok(TokenType::Bearer)),
            (&exchange, "DPoP", Err(Check::TokenType)),
            (&exchange, "mac", Err(Check::TokenType)),
            (&bound_exchange, "DPoP", Ok(TokenType::DPoP)),
            (&bound_exchange, "N_A", Err(Check::TokenType)),
        ] {
            assert_eq!(type_of(request, name), expected, "{name} {request:?}");
        }
    }

    #[test]
    fn an_exchange_is_told_what_kind_of_token_it_brought() {
        let exchange = of_grant("token_exchange").unwrap();
        let issued = |more: &str| {
            let body = format!(r#"{{"access_token":"t","token_type":"Bearer"{more}}}"#);
            answered(&exchange, &body).map(|tokens| tokens.issued)
        };
        let jwt = r#","issued_token_type":"urn:ietf:params:oauth:token-type:jwt""#;
        assert_eq!(issued(jwt).unwrap(), Some(TokenKind::Jwt));
        for (more, cause) in [
            ("", "the token response: `issued_token_type` is missing"),
            (
                r#","issued_token_type":"jwt""#,
                "the token response: `issued_token_type` is no URI",
            ),
            (
                r#","issued_token_type":1"#,
                "the token response: `issued_token_type` is not text",
            ),
        ] {
            assert_eq!(issued(more).unwrap_err().cause(), cause);
        }
        let bound = answered(
            &exchange.clone().demanding_dpop(),
            r#"{"access_token":"t","token_type":"DPoP"}"#,
        );
        assert_eq!(
            bound.unwrap_err().cause(),
            "the token response: `issued_token_type` is missing"
        );
    }
}
