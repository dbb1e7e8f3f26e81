//! What a server demands of its clients, and how it holds them to it.

use super::{
    Audience, Bodies, ClientKeys, Evidence, JwtSecrets, Match, MethodName, MethodSet, Presented,
    Refusal, RegisteredClient, RegisteredMethod, ReplayKey, Secrets,
    certificate::ClientCertificate,
    proven::{Facts, Proven},
    received::{self, Expected, Typ},
    replay::Purpose,
};
use crate::{
    check::{Check, quote},
    flow::KeyQuery,
    jose::{Alg, AlgSet, CompactJws, JwkSet, JwsError, TrustedKeys},
    provider::Endpoint,
    time::UnixTime,
    url::{EndpointUrl, Issuer},
};
use http::Request;
use serde_json::{Map, Value};
use std::time::Duration;

/// The client authentication of an authorization server: which methods it offers and how strict it is. The same value
/// serves its token endpoint and every other one where clients authenticate.
///
/// ```
/// use oidc_gate_core::{
///     client_auth::{Authenticator, HashedSecret, MethodName, RegisteredMethod, Registration, SecretPlace, Secrets},
///     url::Issuer,
/// };
///
/// let server = Authenticator::new(Issuer::parse("https://id.example")?, [MethodName::SecretBasic]);
/// // As `HashedSecret::new` made it when the client was registered.
/// let secret = HashedSecret::parse("sha256:AAAAAAAAAAAAAAAAAAAAAA:a30Il1l7p0QH8yNKd9E5_xMJ0iHLbgRZVgHCtlEpp20")
///     .ok_or("not a stored secret")?;
/// let method = RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(secret));
/// let client = server.register(Registration::new("app", method))?;
/// assert_eq!(client.id(), "app");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Authenticator {
    issuer: Issuer,
    pub(super) methods: MethodSet,
    pub(super) algs: AlgSet,
    audience: Audience,
    longest: Duration,
    leeway: Duration,
    bodies: Bodies,
    #[cfg(feature = "mtls-server")]
    anchors: Option<std::sync::Arc<super::certificate::TrustAnchors>>,
}

impl Authenticator {
    /// A server that offers these methods.
    ///
    /// # Defaults
    ///
    /// Every algorithm of the methods, assertions for the issuer alone that live for at most ten minutes, 30 seconds
    /// between the clocks, forms and nothing else.
    pub fn new(issuer: Issuer, methods: impl IntoIterator<Item = MethodName>) -> Self {
        Self {
            issuer,
            methods: methods.into_iter().collect(),
            algs: Alg::ALL.iter().copied().collect(),
            audience: Audience::default(),
            longest: Duration::from_secs(600),
            leeway: Duration::from_secs(30),
            bodies: Bodies::default(),
            #[cfg(feature = "mtls-server")]
            anchors: None,
        }
    }

    /// The authorities whose certificates clients may show by `tls_client_auth`. For this use and no other: whoever gets a
    /// certificate from one of them can come as the client of that name.
    #[cfg(feature = "mtls-server")]
    #[must_use]
    pub fn anchors(
        self,
        anchors: impl Into<std::sync::Arc<super::certificate::TrustAnchors>>,
    ) -> Self {
        Self {
            anchors: Some(anchors.into()),
            ..self
        }
    }

    pub(super) fn has_anchors(&self) -> bool {
        #[cfg(feature = "mtls-server")]
        return self.anchors.is_some();
        #[cfg(not(feature = "mtls-server"))]
        false
    }

    /// The algorithms that assertions may be signed with: symmetric ones for `client_secret_jwt`, the others for
    /// `private_key_jwt`.
    #[must_use]
    pub fn algs(self, algs: impl IntoIterator<Item = Alg>) -> Self {
        Self {
            algs: algs.into_iter().collect(),
            ..self
        }
    }

    /// For whom assertions may be made.
    #[must_use]
    pub fn audience(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// How long an assertion may live, and how old it may be, at most an hour: so long its `jti` has to be kept.
    #[must_use]
    pub fn longest_assertion(self, longest: Duration) -> Self {
        Self {
            longest: longest.min(Duration::from_secs(3600)),
            ..self
        }
    }

    /// How far the clocks of client and server may be apart, at most five minutes.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self {
            leeway: leeway.min(Duration::from_secs(300)),
            ..self
        }
    }

    /// Which bodies are read.
    #[must_use]
    pub fn bodies(self, bodies: Bodies) -> Self {
        Self { bodies, ..self }
    }

    /// Who the server is.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What the server's metadata says of one endpoint
    /// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)): the methods, and the algorithms where a method
    /// has any.
    pub fn metadata(&self, endpoint: Endpoint) -> Map<String, Value> {
        let endpoint = endpoint.member();
        let names: Vec<&str> = self.methods.iter().map(MethodName::as_str).collect();
        let signs = |symmetric| {
            let method = match symmetric {
                true => MethodName::SecretJwt,
                false => MethodName::PrivateKeyJwt,
            };
            self.methods.contains(method)
        };
        let algs: Vec<&str> = self
            .algs
            .iter()
            .filter(|alg| signs(alg.is_symmetric()))
            .map(Alg::name)
            .collect();
        let mut out = Map::new();
        out.insert(format!("{endpoint}_auth_methods_supported"), names.into());
        if !algs.is_empty() {
            let name = format!("{endpoint}_auth_signing_alg_values_supported");
            out.insert(name, algs.into());
        }
        out
    }

    /// What a request shows of its sender; see [`Presented::read`].
    ///
    /// # Errors
    ///
    /// As [`Presented::read`].
    pub fn read<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<Presented, Refusal> {
        Presented::read(request, self.bodies)
    }

    pub(crate) fn expected<'a>(
        &'a self,
        issuer: &'a str,
        subject: Option<&'a str>,
    ) -> Expected<'a> {
        Expected {
            issuer,
            subject,
            server: self.issuer.as_str(),
            audience: &self.audience,
            leeway: self.leeway,
            longest: self.longest,
        }
    }

    pub(crate) fn takes(&self, alg: Alg) -> bool {
        self.algs.contains(alg)
    }

    /// Longer than it is believed: the store may have a clock of its own, and keys may have been fetched in between.
    pub(crate) fn kept_until(&self, expires: UnixTime) -> UnixTime {
        expires + self.leeway * 2 + Duration::from_secs(60)
    }

    /// Holds what was presented against the registration of [`Presented::client_id`], which is `None` where there is no
    /// such client. `shown` is the certificate of the connection, where it has one, from the
    /// [source](super::certificate::CertificateSource) that is believed; tokens can be bound to it whatever the method.
    ///
    /// # Errors
    ///
    /// The first check that fails, by its check.
    ///
    /// # Security
    ///
    /// Look the client up by the whole id and nothing else, and count attempts:
    /// [`Check::ClientTooMany`] is what to refuse them with
    /// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)). For a client that does not exist the same work is done as for a
    /// wrong secret, and the answer is the same.
    pub fn verify<'a>(
        &'a self,
        presented: Presented,
        client: Option<&'a RegisteredClient>,
        shown: Option<&ClientCertificate>,
        now: UnixTime,
    ) -> Result<Verifying<'a>, Refusal> {
        // First of all, so that it takes its time for everybody.
        let secret = match &presented.evidence {
            Evidence::Basic(secret) | Evidence::Post(secret) => {
                let secrets = client.and_then(RegisteredClient::secrets);
                Some(Secrets::find(secrets, secret, now))
            }
            Evidence::None | Evidence::Assertion(_) => None,
        };
        let Some(client) = client.filter(|client| client.id() == presented.client_id()) else {
            let cause = format!("no client is named {}", quote(presented.client_id()));
            return Err(Refusal::new(Check::ClientUnknown, cause));
        };
        let method = self.method_of(&presented, client)?;
        let proven = |facts: Facts| Ok(Verifying::Proven(facts.proven(client, now)));
        let facts = Facts {
            method,
            alg: None,
            kid: None,
            certificate: shown.map(ClientCertificate::x5t_s256),
            form: presented.form,
            replay: None,
        };
        match (presented.evidence, client.method()) {
            (Evidence::None, registered) => {
                self.check_certificate(registered, shown, now)?;
                proven(facts)
            }
            (Evidence::Basic(_) | Evidence::Post(_), _) => match secret {
                Some(Match::Right) => proven(facts),
                Some(Match::Expired) => Err(Refusal::new(
                    Check::ClientSecretExpired,
                    "the secret has expired",
                )),
                Some(Match::Wrong) | None => Err(Refusal::new(
                    Check::ClientSecretWrong,
                    "the secret is wrong",
                )),
            },
            (Evidence::Assertion(jws), RegisteredMethod::SecretJwt(secrets)) => {
                let typ = self.check_header(&jws, secrets.alg)?;
                let secret = signer(&jws, secrets, now)?;
                let assertion = Assertion {
                    jws: *jws,
                    typ,
                    facts,
                };
                let keys = TrustedKeys::Secret(secret);
                assertion
                    .check(self, client, keys, now)
                    .map(Verifying::Proven)
            }
            (Evidence::Assertion(jws), RegisteredMethod::PrivateKeyJwt(keys, alg)) => {
                let typ = self.check_header(&jws, *alg)?;
                let assertion = Assertion {
                    jws: *jws,
                    typ,
                    facts,
                };
                match keys {
                    ClientKeys::Here(keys) => {
                        let keys = TrustedKeys::Published(keys);
                        assertion
                            .check(self, client, keys, now)
                            .map(Verifying::Proven)
                    }
                    ClientKeys::At(uri) => Ok(Verifying::KeysWanted(KeysWanted {
                        server: self,
                        client,
                        uri,
                        assertion,
                        now,
                    })),
                }
            }
            (Evidence::Assertion(_), _) => Err(other_method(method, client)),
        }
    }

    /// The method that was used, if it is offered and the registered one
    /// ([RFC 7591 § 2](https://www.rfc-editor.org/rfc/rfc7591#section-2)).
    fn method_of(
        &self,
        presented: &Presented,
        client: &RegisteredClient,
    ) -> Result<MethodName, Refusal> {
        let registered = client.method().names();
        let used = match presented.method() {
            Some(used) => used,
            // Nothing in the request: what the client is registered for says whether that is enough.
            None => registered.first().copied().unwrap_or(MethodName::None),
        };
        let shows_nothing = matches!(
            used,
            MethodName::None | MethodName::Tls | MethodName::SelfSignedTls
        );
        if !registered.contains(&used) || (presented.method().is_none() && !shows_nothing) {
            let shown = presented.method().unwrap_or(MethodName::None);
            return Err(other_method(shown, client));
        }
        if !self.methods.contains(used) {
            let cause = format!("{used} is not offered");
            return Err(Refusal::new(Check::ClientMethodDisabled, cause));
        }
        Ok(used)
    }

    /// What the connection shows, where the client proves itself by that.
    fn check_certificate(
        &self,
        registered: &RegisteredMethod,
        shown: Option<&ClientCertificate>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let needed = || {
            shown.ok_or_else(|| {
                let cause = "the connection shows no certificate";
                Refusal::new(Check::CertificateMissing, cause)
            })
        };
        match registered {
            RegisteredMethod::SelfSignedTls(certificates) => {
                certificates.verify(needed()?).map_err(Refusal::from)
            }
            RegisteredMethod::Tls(subject) => {
                let certificate = needed()?;
                #[cfg(feature = "mtls-server")]
                if let Some(anchors) = &self.anchors {
                    return anchors
                        .verify(certificate, subject, now)
                        .map_err(Refusal::from);
                }
                let _ = (certificate, subject, now);
                let cause = "this server trusts no authority";
                Err(Refusal::new(Check::CertificateUntrusted, cause))
            }
            RegisteredMethod::None
            | RegisteredMethod::Secret(..)
            | RegisteredMethod::SecretJwt(_)
            | RegisteredMethod::PrivateKeyJwt(..) => Ok(()),
        }
    }

    /// The rules about an assertion's header.
    fn check_header(&self, jws: &CompactJws, registered: Option<Alg>) -> Result<Typ, Refusal> {
        let alg = jws.alg();
        let only: Option<AlgSet> = registered.map(|alg| [alg].into_iter().collect());
        if !self.algs.contains(alg) || only.is_some_and(|only| !only.contains(alg)) {
            let cause = match registered {
                Some(registered) => {
                    format!("it is signed with {alg}, the client is registered for {registered}")
                }
                None => format!("it is signed with {alg}, which is not taken here"),
            };
            return Err(Refusal::new(Check::AssertionAlg, cause));
        }
        received::check_typ(jws, "client-authentication+jwt")
    }
}

fn other_method(used: MethodName, client: &RegisteredClient) -> Refusal {
    let names: Vec<&str> = client
        .method()
        .names()
        .iter()
        .map(|name| name.as_str())
        .collect();
    let cause = format!("expected {}, got {used}", names.join(" or "));
    Refusal::new(Check::ClientMethodOther, cause)
}

/// The secret that an assertion is signed with.
fn signer<'a>(
    jws: &CompactJws,
    secrets: &'a JwtSecrets,
    now: UnixTime,
) -> Result<&'a crate::secret::ClientSecret, Refusal> {
    let mut worst = Refusal::new(Check::ClientSecretExpired, "every secret has expired");
    for (secret, expires) in &secrets.secrets {
        if expires.has(now) {
            continue;
        }
        match jws.confirm(secret) {
            Ok(()) => return Ok(secret),
            Err(error) => worst = received::untrue(&error),
        }
    }
    Err(worst)
}

#[derive(Debug)]
struct Assertion {
    jws: CompactJws,
    typ: Typ,
    facts: Facts,
}

impl Assertion {
    fn check(
        self,
        server: &Authenticator,
        client: &RegisteredClient,
        keys: TrustedKeys<'_>,
        now: UnixTime,
    ) -> Result<Proven, Refusal> {
        let Self {
            jws,
            typ,
            mut facts,
        } = self;
        facts.alg = Some(jws.alg());
        facts.kid = jws.kid().map(str::to_owned);
        let claims = jws.verify(keys).map_err(|error| {
            let refusal = received::untrue(&error);
            match (error, &facts.kid) {
                (JwsError::NoKey, Some(kid)) => Refusal::new(
                    Check::AssertionKey,
                    format!("the client has no key {} for that algorithm", quote(kid)),
                ),
                _ => refusal,
            }
        })?;
        let id = client.id();
        let believed = received::check_claims(&claims, &server.expected(id, Some(id)), typ, now)?;
        let key = ReplayKey::of(Purpose::Client, id, &believed.id);
        facts.replay = Some((key, server.kept_until(believed.expires)));
        Ok(facts.proven(client, now))
    }
}

/// What became of [`Authenticator::verify`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks has to handle both")]
pub enum Verifying<'a> {
    /// The client has proved who it is.
    Proven(Proven),
    /// Its keys are at its `jwks_uri`.
    KeysWanted(KeysWanted<'a>),
}

/// An assertion whose key has to be looked for at an address of the client's.
#[derive(Debug)]
#[must_use]
pub struct KeysWanted<'a> {
    server: &'a Authenticator,
    client: &'a RegisteredClient,
    uri: &'a EndpointUrl,
    assertion: Assertion,
    now: UnixTime,
}

impl KeysWanted<'_> {
    /// Where the keys are.
    ///
    /// # Security
    ///
    /// The address comes from whoever registered the client. Fetch it over https only, from public addresses only, without
    /// following redirects, with a limit of size and time, and no more than once in a while for a key that is not there.
    /// `ClientKeySets` of `oidc-gate-tower` does all that.
    pub fn uri(&self) -> &EndpointUrl {
        self.uri
    }

    /// Which key is wanted: a cache that does not have it fetches once more.
    pub fn query(&self) -> KeyQuery {
        self.assertion.jws.key_query()
    }

    /// Goes on with the keys that were found, `None` where there are none to be had.
    ///
    /// # Errors
    ///
    /// [`Check::ClientKeysUnavailable`] without keys; else as [`Authenticator::verify`].
    pub fn resume(self, keys: Option<&JwkSet>) -> Result<Proven, Refusal> {
        let Some(keys) = keys else {
            return Err(Refusal::new(
                Check::ClientKeysUnavailable,
                format!("nothing came from {}", quote(self.uri.as_str())),
            ));
        };
        let keys = TrustedKeys::Published(keys);
        self.assertion
            .check(self.server, self.client, keys, self.now)
    }
}
