//! How a client proves who it is, and how a server finds out.
//!
//! **A client** is a [`Client`] with a [`Method`], or with what it has been given ([`Held`]). [`Client::at`] finds an endpoint
//! that takes it; the [`Access`] that comes of it makes [`Credentials`] for one request. What is asked with them is in
//! [`backchannel`](crate::backchannel) and [`token`](crate::token).
//!
//! **A server** is an [`Authenticator`]. It takes a [`Registration`] in, [reads](Authenticator::read) what a request shows of
//! its sender ([`Presented`]), and [holds](Authenticator::verify) one against the other; then the client is [`Proven`]. What it
//! is granted is in [`grant`](crate::grant). What a client must not use twice is [`Owed`], what is wrong a [`Refusal`].
//! [`certificate`] has what mutual TLS takes.

mod access;
mod assertion;
mod authenticator;
mod basic;
pub mod certificate;
mod choice;
mod hashed_secret;
mod name;
mod presented;
mod proven;
pub(crate) mod received;
mod refusal;
mod registration;
mod replay;

pub use access::Access;
pub use assertion::{Asserting, Assertion, AssertionKey, JWT_BEARER, Unsigned};
pub use authenticator::{Authenticator, KeysWanted, Verifying};
pub use basic::{BasicCredentials, BasicError};
pub use hashed_secret::{Expires, HashedSecret, Secrets};
pub use name::{MethodName, MethodSet};
pub use presented::{Bodies, Presented};
pub use proven::{AuthenticatedClient, Proven};
pub use received::Audience;
pub use refusal::Refusal;
pub(crate) use refusal::json_answer;
pub use registration::{
    ClientKeys, JwtSecrets, RegisteredClient, RegisteredMethod, Registration, RegistrationError,
    SecretPlace, TokenBinding,
};
pub(crate) use replay::Purpose;
pub use replay::{Inserted, Insertion, Owed, ReplayKey};

pub use choice::{CertificateKind, Choice, Held};
use hashed_secret::Match;
use presented::Evidence;

use crate::{
    check::CheckFailed,
    flow::{Env, SigningInput, Transport},
    form,
    jose::Alg,
    secret::ClientSecret,
    url::Issuer,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// A client authentication method, with what it takes to use it
/// ([OpenID Connect Core § 9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Method {
    /// `none`: a public client. It has nothing to prove with; PKCE alone ties the code to whoever asked for it.
    None,
    /// `client_secret_basic`: the secret in the `Authorization` header.
    SecretBasic(ClientSecret),
    /// `client_secret_basic` for servers that do not decode what
    /// [RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1) has clients encode. The client id must
    /// not hold a colon.
    SecretBasicRaw(ClientSecret),
    /// `client_secret_post`: the secret in the body. For servers that take nothing else.
    SecretPost(ClientSecret),
    /// `client_secret_jwt`: an assertion that is signed with the secret, which itself stays here. See
    /// [`secret_jwt`](Self::secret_jwt).
    SecretJwt(ClientSecret, AssertionKey),
    /// `private_key_jwt`: an assertion that is signed with a key of the client's own.
    PrivateKeyJwt(AssertionKey),
    /// `tls_client_auth`: the certificate of the connection, by an authority that the server trusts
    /// ([RFC 8705 § 2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)).
    Tls,
    /// `self_signed_tls_client_auth`: the certificate of the connection, which the server knows itself
    /// ([RFC 8705 § 2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
    SelfSignedTls,
}

impl Method {
    /// `client_secret_jwt` with `HS256`, `HS384` or `HS512`.
    ///
    /// # Errors
    ///
    /// [`Check::ClientKey`](crate::check::Check::ClientKey) for another algorithm, and for a secret that is shorter than
    /// the hash ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub fn secret_jwt(alg: Alg, secret: ClientSecret) -> Result<Self, CheckFailed> {
        let key = AssertionKey::secret(alg, &secret)?;
        Ok(Self::SecretJwt(secret, key))
    }

    /// The registered name, as metadata lists it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretBasic(_) | Self::SecretBasicRaw(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::SecretJwt(..) => "client_secret_jwt",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::Tls => "tls_client_auth",
            Self::SelfSignedTls => "self_signed_tls_client_auth",
        }
    }

    /// The secret that the client shares with the server, if it has one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::None | Self::PrivateKeyJwt(_) | Self::Tls | Self::SelfSignedTls => None,
            Self::SecretBasic(secret)
            | Self::SecretBasicRaw(secret)
            | Self::SecretPost(secret)
            | Self::SecretJwt(secret, _) => Some(secret),
        }
    }

    /// What assertions are signed with, where the method has any
    /// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2),
    /// `token_endpoint_auth_signing_alg_values_supported`).
    pub fn assertion_alg(&self) -> Option<Alg> {
        match self {
            Self::SecretJwt(_, key) | Self::PrivateKeyJwt(key) => Some(key.alg()),
            Self::None
            | Self::SecretBasic(_)
            | Self::SecretBasicRaw(_)
            | Self::SecretPost(_)
            | Self::Tls
            | Self::SelfSignedTls => None,
        }
    }

    /// Which identity the connection has to show.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tls | Self::SelfSignedTls => Transport::MutualTls,
            Self::None
            | Self::SecretBasic(_)
            | Self::SecretBasicRaw(_)
            | Self::SecretPost(_)
            | Self::SecretJwt(..)
            | Self::PrivateKeyJwt(_) => Transport::Tls,
        }
    }

    /// Whether a server that lists `supported` takes this method
    /// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)).
    ///
    /// `none` is taken for granted: it is no authentication, and widespread servers accept public clients without listing
    /// it.
    pub fn is_among<'a>(&self, supported: impl IntoIterator<Item = &'a str>) -> bool {
        matches!(self, Self::None) || supported.into_iter().any(|name| name == self.name())
    }
}

/// A client as it is registered at an authorization server.
#[derive(Clone, Debug)]
pub struct Client {
    id: Arc<str>,
    choice: Choice,
}

impl Client {
    /// The client `id`, which authenticates by one [`Method`], or by the strongest that it and the server have
    /// ([`Held`]).
    pub fn new(id: impl Into<Arc<str>>, choice: impl Into<Choice>) -> Self {
        Self {
            id: id.into(),
            choice: choice.into(),
        }
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it is decided how the client authenticates.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The secret that the client shares with the server, if it has one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        self.choice.secret()
    }
}

impl Method {
    /// What proves that the client is `id`, for one request to a server: exactly one method
    /// ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)). `server` is the issuer whose metadata named
    /// the endpoint; an assertion is made for it alone. [`Client::at`] finds the endpoint, and asks first whether it takes
    /// the method.
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`](crate::check::Check::Randomness), and [`Check::ClientKey`](crate::check::Check::ClientKey)
    /// where the key cannot sign.
    pub fn prove(
        &self,
        id: &Arc<str>,
        server: &Issuer,
        env: &mut Env<'_>,
    ) -> Result<Proving, CheckFailed> {
        let done = |proof| Ok(Proving::Done(Credentials::new(id, server, proof)));
        let key = match self {
            // Who holds the certificate is said in the body; the connection proves it (RFC 8705 § 2).
            Method::None | Method::Tls | Method::SelfSignedTls => return done(Proof::Id),
            Method::SecretBasic(secret) => return done(Proof::Header(basic(id, secret))),
            Method::SecretBasicRaw(secret) => return done(Proof::Header(basic_raw(id, secret))),
            Method::SecretPost(secret) => return done(Proof::Secret(secret.clone())),
            Method::SecretJwt(_, key) | Method::PrivateKeyJwt(key) => key,
        };
        match key.assert(id, server.as_str(), env)? {
            Asserting::Done(assertion) => done(Proof::Assertion(assertion)),
            Asserting::ToBeSigned(input, unsigned) => {
                let (id, server) = (id.clone(), server.clone());
                Ok(Proving::ToBeSigned(
                    input,
                    Unproven {
                        id,
                        server,
                        unsigned,
                    },
                ))
            }
        }
    }
}

/// What proves who a client is, or what is left to do for it.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks has to handle both")]
pub enum Proving {
    /// It is there.
    Done(Credentials),
    /// Somebody else has to sign.
    ToBeSigned(SigningInput, Unproven),
}

/// What lacks a signature.
#[derive(Debug)]
pub struct Unproven {
    id: Arc<str>,
    server: Issuer,
    unsigned: Unsigned,
}

impl Unproven {
    /// What proves it, with the signature of its [`SigningInput`].
    pub fn signed_with(self, signature: &[u8]) -> Credentials {
        let assertion = self.unsigned.signed_with(signature);
        Credentials::new(&self.id, &self.server, Proof::Assertion(assertion))
    }
}

/// What proves who a client is, for one request. It cannot be cloned: an assertion is good once
/// ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 7).
pub struct Credentials {
    id: Arc<str>,
    server: Issuer,
    proof: Proof,
}

enum Proof {
    /// Nothing but the name.
    Id,
    Header(HeaderValue),
    Secret(ClientSecret),
    Assertion(Assertion),
}

impl Credentials {
    fn new(id: &Arc<str>, server: &Issuer, proof: Proof) -> Self {
        Self {
            id: id.clone(),
            server: server.clone(),
            proof,
        }
    }

    /// Who the client says it is.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether all of it is in a header, the client's name too.
    pub(crate) fn is_header(&self) -> bool {
        matches!(self.proof, Proof::Header(_))
    }

    /// The server that they are for.
    pub(crate) fn server(&self) -> &Issuer {
        &self.server
    }

    /// Puts it on a request: into its headers or its form, never into its URL.
    pub(crate) fn apply(self, headers: &mut HeaderMap, body: &mut String) {
        match self.proof {
            Proof::Id => form::push_pair(body, "client_id", &self.id),
            Proof::Header(value) => drop(headers.insert(AUTHORIZATION, value)),
            Proof::Secret(secret) => {
                form::push_pair(body, "client_id", &self.id);
                form::push_pair(body, "client_secret", secret.expose());
            }
            Proof::Assertion(assertion) => {
                // Not needed (RFC 7521 § 4.2), and looked for by servers that find the client before they read the
                // assertion.
                form::push_pair(body, "client_id", &self.id);
                form::push_pair(body, "client_assertion_type", JWT_BEARER);
                form::push_pair(body, "client_assertion", assertion.expose());
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, ***)", self.id)
    }
}

/// Both halves are form-encoded before they are joined, so that a colon or a non-ASCII character cannot be misread
/// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
fn basic(id: &str, secret: &ClientSecret) -> HeaderValue {
    let mut pair = Zeroizing::new(form::encode(id));
    pair.push(':');
    form::encode_into(secret.expose(), &mut pair);
    basic_of(&pair)
}

fn basic_raw(id: &str, secret: &ClientSecret) -> HeaderValue {
    basic_of(&Zeroizing::new(format!("{id}:{}", secret.expose())))
}

fn basic_of(pair: &str) -> HeaderValue {
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    // Base64 is visible ASCII, so this cannot fail; an empty value would be refused by every server.
    let mut value =
        HeaderValue::try_from(encoded.as_str()).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::{
        flow::{Entropy, EntropyUnavailable},
        time::UnixTime,
    };

    pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    /// Predictable, and different every time.
    #[derive(Debug)]
    pub(crate) struct Counting(pub(crate) u8);

    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
            self.0 = self.0.wrapping_add(1);
            out.fill(self.0);
            Ok(())
        }
    }

    pub(crate) fn prove(client: &Client, entropy: &mut dyn Entropy) -> Proving {
        let server = Issuer::parse("https://id.example").unwrap();
        let Choice::Exactly(method) = client.choice() else {
            panic!("one method")
        };
        let mut env = Env { now: NOW, entropy };
        method.prove(&client.id, &server, &mut env).unwrap()
    }

    /// What a client whose key is here proves itself with at `https://id.example`.
    pub(crate) fn credentials(client: &Client) -> Credentials {
        match prove(client, &mut Counting(0)) {
            Proving::Done(credentials) => credentials,
            Proving::ToBeSigned(..) => panic!("nobody else has the key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Counting, credentials, prove};
    use super::*;
    use crate::{
        form::Form,
        jose::{CompactJws, JwkSet, SigningKey},
    };
    use serde_json::{Value, json};

    fn applied(id: &str, method: Method) -> (Option<String>, String) {
        let (mut headers, mut body) = (HeaderMap::new(), String::new());
        credentials(&Client::new(id, method)).apply(&mut headers, &mut body);
        let header = headers
            .get(AUTHORIZATION)
            .map(|v| v.to_str().unwrap().to_owned());
        assert!(headers.values().all(HeaderValue::is_sensitive));
        (header, body)
    }

    #[test]
    fn basic_encodes_both_halves_first() {
        for (id, secret, header) in [
            // RFC 6749 § 2.3.1
            (
                "s6BhdRkqt3",
                "gX1fBat3bV",
                "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW",
            ),
            (
                "my:client",
                "p@ss w+rd%é",
                "Basic bXklM0FjbGllbnQ6cCU0MHNzK3clMkJyZCUyNSVDMyVBOQ==",
            ),
        ] {
            let method = Method::SecretBasic(ClientSecret::new(secret));
            assert_eq!(
                applied(id, method),
                (Some(header.to_owned()), String::new())
            );
        }
    }

    #[test]
    fn post_puts_both_into_the_body_and_nothing_into_the_header() {
        let method = Method::SecretPost(ClientSecret::new("a b&c"));
        assert_eq!(
            applied("app", method),
            (None, "client_id=app&client_secret=a+b%26c".to_owned())
        );
    }

    #[test]
    fn none_names_the_client_only() {
        assert_eq!(
            applied("app", Method::None),
            (None, "client_id=app".to_owned())
        );
    }

    #[test]
    fn a_certificate_is_shown_by_the_connection_and_the_client_named_in_the_body() {
        for (method, name) in [
            (Method::Tls, "tls_client_auth"),
            (Method::SelfSignedTls, "self_signed_tls_client_auth"),
        ] {
            assert_eq!(
                (method.name(), method.transport()),
                (name, Transport::MutualTls)
            );
            assert_eq!(applied("app", method), (None, "client_id=app".to_owned()));
        }
        assert_eq!(Method::None.transport(), Transport::Tls);
    }

    #[test]
    fn a_method_that_is_not_listed_is_not_taken() {
        let post = Method::SecretPost(ClientSecret::new("x"));
        assert!(!post.is_among(["client_secret_basic"]));
        assert!(post.is_among(["client_secret_basic", "client_secret_post"]));
        assert!(Method::None.is_among([]));
    }

    #[test]
    fn raw_basic_encodes_nothing() {
        // RFC 7617 § 2
        let method = Method::SecretBasicRaw(ClientSecret::new("open sesame"));
        let header = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned();
        assert_eq!(applied("Aladdin", method), (Some(header), String::new()));
    }

    fn assertion_of(body: &str) -> CompactJws {
        let mut form = Form::parse(body.as_bytes()).unwrap();
        assert_eq!(form.take("client_id").unwrap(), "app");
        assert_eq!(form.take("client_assertion_type").unwrap(), JWT_BEARER);
        assert_eq!(form.get("client_secret"), None);
        CompactJws::parse(&form.take("client_assertion").unwrap()).unwrap()
    }

    fn claims() -> serde_json::Map<String, Value> {
        let claims = json!({
            "iss": "app", "sub": "app", "aud": "https://id.example", "jti": "AQEBAQEBAQEBAQEBAQEBAQ",
            "iat": 1_700_000_000, "exp": 1_700_000_060,
        });
        claims.as_object().cloned().unwrap()
    }

    #[test]
    fn an_assertion_is_made_for_the_issuer_alone_and_good_for_a_minute() {
        for alg in Alg::ALL.iter().filter(|alg| !alg.is_symmetric()) {
            let key = SigningKey::generate(*alg).unwrap();
            let set = json!({"keys": [key.public_jwk()]}).to_string();
            let (kid, key) = (key.kid().to_owned(), AssertionKey::private(key).unwrap());
            let (header, body) = applied("app", Method::PrivateKeyJwt(key));
            assert_eq!(header, None);
            let jws = assertion_of(&body);
            assert_eq!(
                (jws.alg(), jws.kid(), jws.typ()),
                (*alg, Some(&*kid), Some("client-authentication+jwt"))
            );
            let set = JwkSet::parse(set.as_bytes()).unwrap();
            assert_eq!(jws.verify(&set), Ok(claims()), "{alg}");
        }
    }

    #[test]
    fn a_secret_signs_assertions_and_does_not_travel() {
        for (alg, bytes) in [(Alg::HS256, 32), (Alg::HS384, 48), (Alg::HS512, 64)] {
            let secret = |bytes| ClientSecret::new("s".repeat(bytes));
            let method = Method::secret_jwt(alg, secret(bytes)).unwrap();
            assert_eq!(method.name(), "client_secret_jwt");
            assert!(method.secret().unwrap().ct_eq(secret(bytes).expose()));
            let (_, body) = applied("app", method);
            let jws = assertion_of(&body);
            assert_eq!((jws.alg(), jws.kid()), (alg, None));
            assert_eq!(jws.verify(&secret(bytes)), Ok(claims()));
            let short = Method::secret_jwt(alg, secret(bytes - 1)).unwrap_err();
            assert_eq!(
                short.to_string(),
                format!(
                    "client.key: {alg} takes a secret of {bytes} bytes, this one has {}",
                    bytes - 1
                )
            );
        }
        let other = Method::secret_jwt(Alg::RS256, ClientSecret::new("s".repeat(64))).unwrap_err();
        assert_eq!(
            other.to_string(),
            "client.key: expected HS256, HS384 or HS512, got RS256"
        );
    }

    #[test]
    fn each_assertion_is_another() {
        let key = AssertionKey::private(SigningKey::generate(Alg::EdDSA).unwrap()).unwrap();
        let client = Client::new("app", Method::PrivateKeyJwt(key));
        let mut entropy = Counting(0);
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let (mut headers, mut body) = (HeaderMap::new(), String::new());
            match prove(&client, &mut entropy) {
                Proving::Done(credentials) => credentials.apply(&mut headers, &mut body),
                Proving::ToBeSigned(..) => panic!("nobody else has the key"),
            }
            ids.insert(body);
        }
        assert_eq!(ids.len(), 100);
    }

    #[test]
    fn a_key_elsewhere_signs_what_it_is_given() {
        let key = SigningKey::generate(Alg::ES256).unwrap().named("2026-11");
        let set = json!({"keys": [key.public_jwk()]}).to_string();
        let external = AssertionKey::external(Alg::ES256, Some("2026-11")).unwrap();
        let client = Client::new("app", Method::PrivateKeyJwt(external));
        let Proving::ToBeSigned(input, unproven) = prove(&client, &mut Counting(0)) else {
            panic!("the key is not here");
        };
        assert_eq!(input.alg, Alg::ES256);
        let credentials = unproven.signed_with(&key.sign(&input.bytes).unwrap());
        assert_eq!(format!("{credentials:?}"), "Credentials(\"app\", ***)");
        let (mut headers, mut body) = (HeaderMap::new(), String::new());
        credentials.apply(&mut headers, &mut body);
        let set = JwkSet::parse(set.as_bytes()).unwrap();
        assert_eq!(assertion_of(&body).verify(&set), Ok(claims()));
        let symmetric = AssertionKey::external(Alg::HS256, None).unwrap_err();
        assert_eq!(
            symmetric.to_string(),
            "client.key: expected an algorithm of a key pair, got HS256"
        );
    }

    #[test]
    fn the_header_names_the_key_as_the_server_knows_it() {
        let key =
            || AssertionKey::private(SigningKey::generate(Alg::ES256).unwrap().named("")).unwrap();
        let header = |key| {
            let (_, body) = applied("app", Method::PrivateKeyJwt(key));
            let mut form = Form::parse(body.as_bytes()).unwrap();
            let token = form.take("client_assertion").unwrap();
            let header = crate::jose::base64url::decode(token.split('.').next().unwrap()).unwrap();
            serde_json::from_slice::<Value>(&header).unwrap()
        };
        assert_eq!(
            header(key()),
            json!({"alg": "ES256", "typ": "client-authentication+jwt"})
        );
        assert_eq!(
            header(key().with_plain_type()),
            json!({"alg": "ES256", "typ": "JWT"})
        );
        assert_eq!(
            header(key().with_certificate(b"certificate"))["x5t#S256"],
            "A9Zt0Ig1wco_EozOrNHzGslBYwlrIPRFroQoW8CDLXI"
        );
    }
}
