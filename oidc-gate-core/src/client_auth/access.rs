//! A client at an endpoint: whether it is let in, and how it shows who it is there.

use super::{Choice, Client, Method, Proving};
use crate::{
    check::{Check, CheckFailed, quote},
    flow::{Env, Transport},
    provider::{Endpoint, ServerMetadata},
    url::{EndpointUrl, Issuer},
};
use std::{borrow::Cow, sync::Arc};

/// An endpoint that takes the way in which a client proves itself. Nothing has been sent yet: a server that would refuse
/// the method is found out here, without showing it a secret.
///
/// ```
/// use oidc_gate_core::{
///     check::CheckFailed, client_auth::{Access, Client, Proving}, flow::{Env, Exchange}, provider::{Endpoint, ServerMetadata},
///     backchannel::Question as _, token::TokenRequest,
/// };
///
/// /// What to send for a token; it is good once. A key that is elsewhere signs with `sign`.
/// fn exchange(
///     client: &Client, metadata: &ServerMetadata, env: &mut Env<'_>, sign: impl FnOnce(&[u8]) -> Vec<u8>,
/// ) -> Result<Exchange, CheckFailed> {
///     let access = client.at(metadata, Endpoint::Token)?;
///     let credentials = match access.prove(env)? {
///         Proving::Done(credentials) => credentials,
///         Proving::ToBeSigned(input, unproven) => unproven.signed_with(&sign(&input.bytes)),
///     };
///     TokenRequest::client_credentials().exchange(&access, credentials)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    client: Arc<str>,
    server: Issuer,
    endpoint: Endpoint,
    url: EndpointUrl,
    method: Method,
}

impl Client {
    /// This client at an endpoint of the server that the metadata is of.
    ///
    /// # Errors
    ///
    /// 1. [`Check::ClientAuthUnsupported`] if the endpoint does not take the [configured](Choice::Exactly) method or its
    ///    algorithm, or [none](Choice::Strongest) for which the client has what it takes.
    /// 2. [`Check::EndpointUnsupported`] if the server has no such endpoint, [`Check::MetadataMalformed`] if what it says of
    ///    it cannot be read.
    pub fn at(&self, metadata: &ServerMetadata, endpoint: Endpoint) -> Result<Access, CheckFailed> {
        if let Some(fault) = metadata.fault(endpoint) {
            return Err(fault.clone());
        }
        let method = self.method_at(metadata, endpoint)?;
        let Some(url) = metadata.endpoint(endpoint, method.transport()) else {
            let cause = format!("the provider names no `{}`", endpoint.member());
            return Err(CheckFailed::new(Check::EndpointUnsupported, cause));
        };
        Ok(Access {
            client: self.id.clone(),
            server: metadata.issuer().clone(),
            endpoint,
            url: url.clone(),
            method: method.into_owned(),
        })
    }

    /// How this client authenticates there.
    ///
    /// # Errors
    ///
    /// [`Check::ClientAuthUnsupported`], as [`at`](Self::at).
    pub fn method_at(
        &self,
        metadata: &ServerMetadata,
        endpoint: Endpoint,
    ) -> Result<Cow<'_, Method>, CheckFailed> {
        let algs = metadata.auth_algs(endpoint);
        let taken = || metadata.auth_methods(endpoint);
        let unsupported = |client: String, taken: String| {
            let cause = match endpoint {
                Endpoint::Token => format!("{client}, the provider takes {taken}"),
                other => format!("{client}, the provider's {other} takes {taken}"),
            };
            CheckFailed::new(Check::ClientAuthUnsupported, cause)
        };
        let method = match &self.choice {
            Choice::Exactly(method) => method,
            Choice::Strongest(held) => {
                let taken: Vec<_> = taken().collect();
                return held.choose(&taken, algs).map(Cow::Owned).ok_or_else(|| {
                    let with = algs.map_or(String::new(), |algs| format!(" with {algs:?}"));
                    let taken = listed(taken.iter().copied());
                    let client = format!("the client has {}", held.listed());
                    unsupported(client, format!("{taken}{with}"))
                });
            }
        };
        if !method.is_among(taken()) {
            let client = format!("configured {}", method.name());
            return Err(unsupported(client, listed(taken())));
        }
        if let (Some(alg), Some(algs)) = (method.assertion_alg(), algs)
            && !algs.contains(alg)
        {
            let client = format!("configured {} with {alg}", method.name());
            return Err(unsupported(client, format!("{algs:?}")));
        }
        Ok(Cow::Borrowed(method))
    }
}

impl Access {
    /// The server it belongs to.
    pub(crate) fn server(&self) -> &Issuer {
        &self.server
    }

    /// Which endpoint.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Where it is, for this client.
    pub fn url(&self) -> &EndpointUrl {
        &self.url
    }

    /// How the client authenticates there.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Which identity the connection has to show.
    pub fn transport(&self) -> Transport {
        self.method.transport()
    }

    /// What proves who the client is, for one request.
    ///
    /// # Errors
    ///
    /// As [`Method::prove`].
    pub fn prove(&self, env: &mut Env<'_>) -> Result<Proving, CheckFailed> {
        self.method.prove(&self.client, &self.server, env)
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| quote(name).to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backchannel::{PushedRequest, Question as _, RevocationRequest},
        client_auth::{
            AssertionKey, CertificateKind, Held,
            testing::{Counting, NOW},
        },
        jose::{Alg, SigningKey},
        provider::Metadata,
        secret::{AccessToken, ClientSecret},
        token::TokenRequest,
    };
    use serde::Deserialize;
    use serde_json::{Map, Value, json};

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
        key: Option<String>,
        certificate: Option<String>,
        secret: Option<usize>,
        taken: Option<Vec<String>>,
        algs: Option<Vec<String>>,
        expected: Option<String>,
        refused: Option<String>,
    }

    fn metadata(more: Value) -> Metadata {
        let mut members = json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
        });
        let members = members.as_object_mut().unwrap();
        members.extend(more.as_object().cloned().unwrap());
        let issuer = Issuer::parse("https://id.example").unwrap();
        Metadata::from_members(members.clone(), &issuer).unwrap()
    }

    fn key(alg: &str) -> AssertionKey {
        let alg = Alg::from_name(alg).unwrap();
        AssertionKey::private(SigningKey::generate(alg).unwrap()).unwrap()
    }

    #[test]
    fn the_strongest_method_that_both_have_is_the_one_the_data_says() {
        let cases: Cases =
            toml::from_str(include_str!("../../testdata/client_methods.toml")).unwrap();
        assert!(cases.case.len() > 15);
        for case in cases.case {
            let mut held = Held::default();
            if let Some(alg) = &case.key {
                held = held.with_key(key(alg));
            }
            if let Some(kind) = &case.certificate {
                held = held.with_certificate(match &**kind {
                    "issued" => CertificateKind::ByAuthority,
                    "self-signed" => CertificateKind::SelfSigned,
                    other => panic!("{other}"),
                });
            }
            if let Some(bytes) = case.secret {
                held = held.with_secret(ClientSecret::new("x".repeat(bytes)));
            }
            let mut members = Map::new();
            if let Some(taken) = case.taken {
                members.insert("token_endpoint_auth_methods_supported".into(), taken.into());
            }
            if let Some(algs) = case.algs {
                let name = "token_endpoint_auth_signing_alg_values_supported";
                members.insert(name.into(), algs.into());
            }
            let client = Client::new("app", held);
            let result = client.at(&metadata(members.into()), Endpoint::Token);
            match (result, case.expected, case.refused) {
                (Ok(access), Some(expected), None) => {
                    let alg = access.method().assertion_alg();
                    let alg = alg.map_or(String::new(), |alg| format!(" {alg}"));
                    let got = format!("{}{alg}", access.method().name());
                    assert_eq!(got, expected, "{}", case.name);
                }
                (Err(failed), None, Some(cause)) => {
                    assert_eq!(failed.check(), Check::ClientAuthUnsupported);
                    assert_eq!(failed.cause(), cause, "{}", case.name);
                }
                (result, ..) => panic!("{}: {result:?}", case.name),
            }
        }
    }

    #[test]
    fn a_method_that_is_said_is_not_exchanged_for_another() {
        let basic = Client::new("app", Method::SecretBasic(ClientSecret::new("s")));
        let taken =
            |names: Value| metadata(json!({"token_endpoint_auth_methods_supported": names}));
        assert!(
            basic
                .at(&taken(json!(["client_secret_basic"])), Endpoint::Token)
                .is_ok()
        );
        let failed = basic
            .at(
                &taken(json!(["client_secret_post", "none"])),
                Endpoint::Token,
            )
            .unwrap_err();
        assert_eq!(failed.check(), Check::ClientAuthUnsupported);
        assert_eq!(
            failed.cause(),
            "configured client_secret_basic, the provider takes \"client_secret_post\", \"none\""
        );
    }

    #[test]
    fn each_endpoint_is_asked_at_its_own_address_by_a_method_of_its_own_list() {
        let metadata = metadata(json!({
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "tls_client_auth"],
            "introspection_endpoint": "https://id.example/introspect",
            "introspection_endpoint_auth_methods_supported": ["tls_client_auth"],
            "revocation_endpoint": "https://id.example/revoke",
            "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
            "mtls_endpoint_aliases": {"introspection_endpoint": "https://mtls.id.example/introspect"},
        }));
        let held = Held::default()
            .with_secret(ClientSecret::new("s"))
            .with_certificate(CertificateKind::ByAuthority);
        let client = Client::new("app", held);
        let at = |endpoint| {
            let access = client.at(&metadata, endpoint)?;
            Ok((access.method().name(), access.url().as_str().to_owned()))
        };
        for (endpoint, expected) in [
            (
                Endpoint::Token,
                ("tls_client_auth", "https://id.example/token"),
            ),
            (
                Endpoint::Introspection,
                ("tls_client_auth", "https://mtls.id.example/introspect"),
            ),
            (
                Endpoint::Revocation,
                ("client_secret_post", "https://id.example/revoke"),
            ),
        ] {
            let (name, url) = expected;
            assert_eq!(at(endpoint), Ok((name, url.to_owned())));
        }
        let access = client.at(&metadata, Endpoint::Token).unwrap();
        let exchange = TokenRequest::client_credentials().exchange(&access, proven(&access));
        let exchange = exchange.unwrap();
        assert_eq!(exchange.transport, Transport::MutualTls);
        assert_eq!(exchange.max_body_bytes, 128 * 1024);
        let basic = Client::new("app", Method::SecretBasic(ClientSecret::new("s")));
        let refused = basic.at(&metadata, Endpoint::Revocation).unwrap_err();
        assert_eq!(
            refused.cause(),
            "configured client_secret_basic, the provider's revocation endpoint takes \"client_secret_post\""
        );
        let failed: CheckFailed = at(Endpoint::DeviceAuthorization).unwrap_err();
        assert_eq!(failed.check(), Check::EndpointUnsupported);
        assert_eq!(
            failed.cause(),
            "the provider names no `device_authorization_endpoint`"
        );
    }

    #[test]
    fn an_endpoint_of_which_nothing_sensible_is_said_is_not_asked() {
        let metadata = metadata(json!({
            "revocation_endpoint": "https://id.example/revoke",
            "revocation_endpoint_auth_methods_supported": "client_secret_basic",
        }));
        let client = Client::new("app", Method::SecretBasic(ClientSecret::new("s")));
        let failed = client.at(&metadata, Endpoint::Revocation).unwrap_err();
        assert_eq!(failed.check(), Check::MetadataMalformed);
        assert_eq!(
            failed.cause(),
            "`revocation_endpoint_auth_methods_supported` is not a list of texts"
        );
        assert!(client.at(&metadata, Endpoint::Token).is_ok());
    }

    #[test]
    fn a_secret_in_the_place_of_a_key_is_no_key() {
        let key = AssertionKey::secret(Alg::HS256, &ClientSecret::new("x".repeat(32))).unwrap();
        let held = Held::default().with_key(key);
        assert!(held.choose(&["private_key_jwt"], None).is_none());
    }

    fn proven(access: &Access) -> crate::client_auth::Credentials {
        let mut env = Env {
            now: NOW,
            entropy: &mut Counting(0),
        };
        match access.prove(&mut env).unwrap() {
            Proving::Done(credentials) => credentials,
            Proving::ToBeSigned(..) => panic!("the key is here"),
        }
    }

    #[test]
    fn a_public_client_asks_for_no_token_of_its_own_and_nobody_at_another_endpoint() {
        let metadata = metadata(json!({"token_endpoint_auth_methods_supported": ["none"]}));
        let client = Client::new("app", Held::default());
        let access = client.at(&metadata, Endpoint::Token).unwrap();
        let refused = |result: Result<_, CheckFailed>| result.map(drop).unwrap_err().check();
        let own = TokenRequest::client_credentials().exchange(&access, proven(&access));
        assert_eq!(refused(own), Check::PublicClient);
        let other = RevocationRequest::access_token(&AccessToken::new("t"))
            .exchange(&access, proven(&access));
        assert_eq!(refused(other), Check::Misuse);
    }

    #[test]
    fn what_proves_a_client_to_one_server_is_not_sent_to_another() {
        let client = Client::new("app", Method::SecretPost(ClientSecret::new("s")));
        let taken = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
        let access = client.at(&metadata(taken), Endpoint::Token).unwrap();
        let elsewhere = Access {
            server: Issuer::parse("https://other.example").unwrap(),
            ..access.clone()
        };
        let ask = |credentials| {
            let sent = TokenRequest::client_credentials().exchange(&access, credentials);
            sent.map(drop).map_err(|failed| failed.check())
        };
        assert_eq!(ask(proven(&elsewhere)), Err(Check::Misuse));
        assert_eq!(ask(proven(&access)), Ok(()));
    }

    #[test]
    fn a_pushed_request_names_the_client_once_however_it_is_proven() {
        let metadata = metadata(json!({
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "pushed_authorization_request_endpoint": "https://id.example/par",
        }));
        let pushed = PushedRequest::new([("response_type", "code"), ("scope", "openid")]).unwrap();
        let secret = ClientSecret::new("s");
        let body = |method| {
            let client = Client::new("app", method);
            let access = client.at(&metadata, Endpoint::PushedAuthorizationRequest);
            let access = access.unwrap();
            let exchange = pushed.exchange(&access, proven(&access)).unwrap();
            String::from_utf8(exchange.request.into_body()).unwrap()
        };
        let params = "response_type=code&scope=openid&client_id=app";
        assert_eq!(body(Method::SecretBasic(secret.clone())), params);
        assert_eq!(
            body(Method::SecretPost(secret)),
            format!("{params}&client_secret=s")
        );
    }
}
