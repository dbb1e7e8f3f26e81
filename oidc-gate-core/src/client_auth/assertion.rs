//! Client assertions: `private_key_jwt` and `client_secret_jwt`
//! ([RFC 7523 § 2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2),
//! [OpenID Connect Core § 9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).

use crate::{
    check::{Check, CheckFailed},
    flow::{Env, SigningInput},
    jose::{Alg, SigningKey, base64url},
    secret::ClientSecret,
};
use serde_json::{Map, Value, json};
use std::{fmt, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// `client_assertion_type` of every assertion that is a JWT.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is good. It is made for one request, and clocks are the server's business
/// ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 4).
const LIFE: Duration = Duration::from_secs(60);

/// What signs a client's assertions, and how their headers name it.
///
/// A fresh assertion is made for every request: a server accepts each once
/// ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 7).
#[derive(Clone)]
pub struct AssertionKey {
    alg: Alg,
    /// `kid`, or `x5t#S256` where the server knows the client by its certificate.
    name: Name,
    typ: &'static str,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Here: signed at once.
    Here(Arc<SigningKey>),
    /// In a KMS or a smart card: signed as a step of the flow.
    Elsewhere,
}

#[derive(Clone, Debug)]
enum Name {
    None,
    Kid(Box<str>),
    Certificate(Box<str>),
}

impl AssertionKey {
    /// A private key, for `private_key_jwt`. Its name and algorithm are the header's.
    ///
    /// # Errors
    ///
    /// [`Check::ClientKey`] for a shared secret, which makes [`secret`](Self::secret) another method.
    pub fn private(key: impl Into<Arc<SigningKey>>) -> Result<Self, CheckFailed> {
        let key = key.into();
        if key.alg().is_symmetric() {
            return Err(unfit("expected a private key, got a shared secret"));
        }
        let name = match key.kid() {
            "" => Name::None,
            kid => Name::Kid(kid.into()),
        };
        Ok(Self::new(key.alg(), name, Place::Here(key)))
    }

    /// The client's secret, for `client_secret_jwt`.
    ///
    /// # Errors
    ///
    /// [`Check::ClientKey`] if `alg` is none of `HS256`, `HS384` and `HS512`, or the secret is shorter than its hash
    /// ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub fn secret(alg: Alg, secret: &ClientSecret) -> Result<Self, CheckFailed> {
        let Some(least) = alg.min_secret_bytes() else {
            return Err(unfit(format!("expected HS256, HS384 or HS512, got {alg}")));
        };
        let bytes = secret.expose().len();
        let key = SigningKey::from_secret(alg, secret).map_err(|_| {
            unfit(format!(
                "{alg} takes a secret of {least} bytes, this one has {bytes}"
            ))
        })?;
        Ok(Self::new(alg, Name::None, Place::Here(Arc::new(key))))
    }

    /// A private key that this process does not hold. The flow stops at [`Step::Sign`](crate::flow::Step::Sign).
    ///
    /// # Errors
    ///
    /// [`Check::ClientKey`] for a symmetric algorithm.
    pub fn external(alg: Alg, kid: Option<&str>) -> Result<Self, CheckFailed> {
        if alg.is_symmetric() {
            return Err(unfit(format!(
                "expected an algorithm of a key pair, got {alg}"
            )));
        }
        let name = kid.map_or(Name::None, |kid| Name::Kid(kid.into()));
        Ok(Self::new(alg, name, Place::Elsewhere))
    }

    fn new(alg: Alg, name: Name, place: Place) -> Self {
        Self {
            alg,
            name,
            // RFC 7523bis § 4: an explicit type keeps an assertion from being taken for another token.
            typ: "client-authentication+jwt",
            place,
        }
    }

    /// Names the key by the SHA-256 thumbprint of its certificate (`x5t#S256`, the certificate in DER) instead of a
    /// `kid`: for servers where a certificate is registered
    /// ([RFC 7515 § 4.1.8](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.8)).
    #[must_use]
    pub fn with_certificate(self, der: &[u8]) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        Self {
            name: Name::Certificate(base64url::encode(hash.as_ref()).into()),
            ..self
        }
    }

    /// Writes `typ: JWT`, for servers that refuse the type they do not know yet.
    #[must_use]
    pub fn with_plain_type(self) -> Self {
        Self { typ: "JWT", ..self }
    }

    /// The algorithm of the signatures.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// An assertion that `client_id` is who it says, made for `audience` alone.
    ///
    /// The audience is the issuer identifier of the server whose metadata has been checked, whichever endpoint the
    /// assertion goes to: an address that a server publishes about itself could be another server's, which would then
    /// be handed an assertion that it can use
    /// ([RFC 7523bis § 4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-rfc7523bis#section-4)).
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn assert(
        &self,
        client_id: &str,
        audience: &str,
        env: &mut Env<'_>,
    ) -> Result<Asserting, CheckFailed> {
        let mut jti = [0; 16];
        env.entropy
            .fill(&mut jti)
            .map_err(|error| CheckFailed::new(Check::Randomness, error.to_string()))?;
        let mut header = Map::new();
        header.insert("typ".into(), self.typ.into());
        header.insert("alg".into(), self.alg.name().into());
        match &self.name {
            Name::None => {}
            Name::Kid(kid) => drop(header.insert("kid".into(), (&**kid).into())),
            Name::Certificate(hash) => drop(header.insert("x5t#S256".into(), (&**hash).into())),
        }
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": base64url::encode(&jti),
            "iat": env.now.as_secs(),
            "exp": (env.now + LIFE).as_secs(),
        });
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&Value::Object(header)), part(&claims));
        let unsigned = Unsigned {
            signed: Zeroizing::new(signed),
        };
        match &self.place {
            Place::Here(key) => {
                let signature = key
                    .sign(unsigned.signed.as_bytes())
                    .map_err(|error| CheckFailed::new(Check::ClientKey, error.to_string()))?;
                Ok(Asserting::Done(unsigned.signed_with(&signature)))
            }
            Place::Elsewhere => Ok(Asserting::ToBeSigned(
                SigningInput::new(self.alg, unsigned.signed.as_bytes().to_vec()),
                unsigned,
            )),
        }
    }
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKey")
            .field("alg", &self.alg)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn unfit(cause: impl Into<std::borrow::Cow<'static, str>>) -> CheckFailed {
    CheckFailed::new(Check::ClientKey, cause)
}

/// An assertion, or what is left to do for one.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks has to handle both")]
pub enum Asserting {
    /// It is signed.
    Done(Assertion),
    /// Somebody else has to sign.
    ToBeSigned(SigningInput, Unsigned),
}

/// An assertion that lacks its signature.
pub struct Unsigned {
    signed: Zeroizing<String>,
}

impl Unsigned {
    /// The assertion with the signature of its [`SigningInput`].
    pub fn signed_with(self, signature: &[u8]) -> Assertion {
        let signature = base64url::encode(signature);
        Assertion(Zeroizing::new(format!("{}.{signature}", *self.signed)))
    }
}

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsigned(***)")
    }
}

/// A signed assertion, for one request. A credential until it expires or is used.
pub struct Assertion(Zeroizing<String>);

impl Assertion {
    /// The assertion itself. The one way out, so that it can be searched for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(***)")
    }
}
