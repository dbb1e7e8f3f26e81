//! Who may come: the registered clients, or everybody.

use super::{DevProvider, Fault, service::Call};
use crate::{
    core::{
        check::Check,
        client_auth::{
            Audience, Authenticator, Expires, HashedSecret, MethodName, Presented, Proven, Refusal,
            RegisteredClient, RegisteredMethod, Registration, RegistrationError, SecretPlace,
            Secrets, Verifying, certificate::ClientCertificate,
        },
        grant::{GrantType, ScopeSet},
        secret::ClientSecret,
        url::{Issuer, is_absolute_uri},
    },
    ports::OsEntropy,
};
use http::Request;
use std::fmt;

/// The authorities whose certificates clients may show.
#[cfg(feature = "mtls-server")]
pub(super) type Anchors =
    Option<std::sync::Arc<crate::core::client_auth::certificate::TrustAnchors>>;
#[cfg(not(feature = "mtls-server"))]
pub(super) type Anchors = Option<std::convert::Infallible>;

/// How strict the token endpoint is.
pub(super) type Strictness = Box<dyn Fn(Authenticator) -> Authenticator + Send + Sync>;

/// What a builder was told of a client.
pub(super) enum Wanted {
    /// A client with a secret, or a public one.
    Simple {
        id: String,
        secret: Option<ClientSecret>,
    },
    /// A client with everything.
    Whole(Box<Registration>),
}

/// A registered client.
pub(super) struct Client {
    pub(super) registered: RegisteredClient,
    pub(super) redirect_uris: Vec<String>,
}

impl Client {
    pub(super) fn id(&self) -> &str {
        self.registered.id()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?} at {:?})", self.id(), self.redirect_uris)
    }
}

/// What a client may use that is not registered with everything.
fn usual_grants(public: bool) -> impl Iterator<Item = GrantType> {
    let all = GrantType::ALL.iter().copied();
    all.filter(move |grant| !(public && *grant == GrantType::ClientCredentials))
}

/// Makes clients of what was told, each id once.
pub(super) fn register(
    wanted: Vec<(Wanted, Vec<String>)>,
    anchors: &Anchors,
) -> Result<Vec<Client>, String> {
    let server = authenticator("https://dev-provider.invalid", anchors);
    let mut simple: Vec<(String, Vec<ClientSecret>, Vec<String>)> = Vec::new();
    let mut clients = Vec::new();
    let unfit = |id: &str, error: RegistrationError| format!("client {id:?}: {error}");
    for (wanted, uris) in wanted {
        match wanted {
            Wanted::Simple { id, secret } => match simple.iter_mut().find(|it| it.0 == id) {
                Some((_, secrets, known)) => {
                    secrets.extend(secret);
                    known.extend(uris);
                }
                None => simple.push((id, secret.into_iter().collect(), uris)),
            },
            Wanted::Whole(registration) => {
                let id = registration.id().to_owned();
                let registered = server
                    .register(*registration)
                    .map_err(|error| unfit(&id, error))?;
                clients.push(Client {
                    registered,
                    redirect_uris: uris,
                });
            }
        }
    }
    for (id, secrets, redirect_uris) in simple {
        let method = match secrets.is_empty() {
            true => RegisteredMethod::None,
            false => RegisteredMethod::Secret(
                SecretPlace::Either,
                hashed(&secrets).ok_or_else(|| {
                    format!("client {id:?}: more than 4 secrets, or no randomness")
                })?,
            ),
        };
        let public = matches!(method, RegisteredMethod::None);
        let registration = Registration::new(id.as_str(), method).grants(usual_grants(public));
        clients.push(Client {
            registered: server
                .register(registration)
                .map_err(|error| unfit(&id, error))?,
            redirect_uris,
        });
    }
    let mut ids: Vec<&str> = clients.iter().map(Client::id).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!(
            "client {:?} is registered twice, in different ways",
            pair[0]
        )),
        None => Ok(clients),
    }
}

fn hashed(secrets: &[ClientSecret]) -> Option<Secrets> {
    let mut distinct: Vec<&ClientSecret> = Vec::new();
    for secret in secrets {
        if !distinct.iter().any(|known| known.ct_eq(secret.expose())) {
            distinct.push(secret);
        }
    }
    let hashed: Option<Vec<_>> = distinct
        .into_iter()
        .map(|secret| {
            Some((
                HashedSecret::new(secret, &mut OsEntropy).ok()?,
                Expires::Never,
            ))
        })
        .collect();
    Secrets::several(hashed?)
}

/// Everything is offered here: what a client is registered for decides.
fn authenticator(issuer: &str, anchors: &Anchors) -> Authenticator {
    let offering = |issuer| Authenticator::new(issuer, MethodName::ALL.iter().copied());
    let server = match (
        Issuer::parse(issuer),
        Issuer::parse("https://dev-provider.invalid"),
    ) {
        (Ok(issuer), _) => offering(issuer),
        // An issuer that this crate's own client would not trust (plain http somewhere else): for clients that do, and
        // whose assertions name it.
        (Err(_), Ok(other)) => {
            offering(other).audience(Audience::IssuerOr(vec![issuer.to_owned()]))
        }
        (Err(_), Err(_)) => unreachable!("a constant is an issuer"),
    };
    match anchors {
        #[cfg(feature = "mtls-server")]
        Some(anchors) => server.anchors(anchors.clone()),
        _ => server,
    }
}

impl DevProvider {
    /// What the metadata lists. Without registrations everybody is welcome, by whatever needs no certificate.
    pub(super) fn client_auth_methods(&self) -> Vec<&'static str> {
        let by_certificate = [MethodName::Tls, MethodName::SelfSignedTls];
        let registered = |name: &MethodName| {
            let mut clients = self.shared.clients.iter();
            clients.any(|client| client.registered.method().names().contains(name))
        };
        MethodName::ALL
            .iter()
            .filter(|name| !by_certificate.contains(name) || registered(name))
            .map(|name| name.as_str())
            .collect()
    }

    /// Whether a client may use a grant. Without registrations everybody may.
    pub(super) fn may_use(&self, client_id: &str, grant: GrantType) -> bool {
        let mut of_id = self.shared.clients.iter().filter(|c| c.id() == client_id);
        of_id.all(|client| client.registered.may_use(grant))
    }

    pub(super) fn authenticator(&self) -> Authenticator {
        let issuer = self.state().issuer.clone();
        let server = authenticator(&issuer.text, &self.shared.anchors);
        (self.shared.strictness)(server)
    }

    /// The client that proved itself.
    pub(super) fn authenticate_client(
        &self,
        server: &Authenticator,
        call: &Call<'_>,
    ) -> Result<Proven, Refusal> {
        let request = Request::from_parts(call.parts.clone(), call.body);
        let presented = server.read(&request)?;
        if self.has(Fault::InvalidClient) {
            return Err(Refusal::new(
                Check::ClientUnknown,
                "the fault InvalidClient is on",
            ));
        }
        if self.shared.clients.is_empty() {
            return self.welcome(server, presented);
        }
        let mut clients = self.shared.clients.iter();
        let client = clients.find(|client| client.id() == presented.client_id());
        let client = client.map(|client| &client.registered);
        // Whoever ends TLS in front of this service puts it there.
        let shown = call.parts.extensions.get::<ClientCertificate>();
        match server.verify(presented, client, shown, self.now())? {
            Verifying::Proven(proven) => Ok(proven),
            // Nothing is fetched by a provider that is there for tests.
            Verifying::KeysWanted(wanted) => wanted.resume(None),
        }
    }

    /// Everybody is who they say they are, and may do what they ask for.
    fn welcome(&self, server: &Authenticator, presented: Presented) -> Result<Proven, Refusal> {
        let method = match presented.method() {
            None => RegisteredMethod::None,
            // Never looked at: it only says that the client is no public one.
            Some(_) => RegisteredMethod::Secret(
                SecretPlace::Either,
                HashedSecret::new(&ClientSecret::new("any"), &mut OsEntropy)
                    .map(Secrets::one)
                    .map_err(|error| Refusal::new(Check::ServerStore, error.to_string()))?,
            ),
        };
        let public = matches!(method, RegisteredMethod::None);
        let scopes = presented.parameter("scope").and_then(ScopeSet::parse);
        // A resource that is none is refused as such, later and by name.
        let resource = presented
            .parameter("resource")
            .filter(|uri| is_absolute_uri(uri));
        let registration = Registration::new(presented.client_id(), method)
            .grants(usual_grants(public))
            .scopes(scopes.unwrap_or_default())
            .resources(resource);
        let client = server
            .register(registration)
            .map_err(|error| Refusal::new(Check::ClientCharacters, error.to_string()))?;
        Ok(Proven::danger_without_proof(presented, &client, self.now()))
    }
}
