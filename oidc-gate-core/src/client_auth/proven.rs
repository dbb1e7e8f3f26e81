//! A client that has proved who it is, and what is known of it.

use super::{MethodName, Owed, Presented, RegisteredClient, ReplayKey, TokenBinding};
use crate::{form::Form, jose::Alg, time::UnixTime};
use std::fmt;

/// A client that has proved who it is, and the request it sent. A grant goes on from here, see [`crate::grant`]; another
/// endpoint calls [`accept`](Self::accept).
#[derive(Debug)]
#[must_use]
pub struct Proven {
    pub(crate) client: AuthenticatedClient,
    pub(crate) registered: RegisteredClient,
    pub(crate) form: Form,
    pub(crate) replay: Option<(ReplayKey, UnixTime)>,
}

impl Proven {
    /// The client as if it had proved who it is. Nothing is verified, whatever was presented.
    ///
    /// # Security
    ///
    /// For servers that let everybody in, on a developer's machine.
    pub fn danger_without_proof(
        presented: Presented,
        client: &RegisteredClient,
        now: UnixTime,
    ) -> Self {
        let facts = Facts {
            method: presented.method().unwrap_or(MethodName::None),
            alg: None,
            kid: None,
            certificate: None,
            form: presented.form,
            replay: None,
        };
        facts.proven(client, now)
    }

    /// The client.
    pub fn client(&self) -> &AuthenticatedClient {
        &self.client
    }

    /// What it is registered as.
    pub fn registration(&self) -> &RegisteredClient {
        &self.registered
    }

    /// The client and what else it sent, once its assertion is known to be new.
    pub fn accept(self) -> Owed<(AuthenticatedClient, Form)> {
        Owed::new(self.replay.into_iter().collect(), (self.client, self.form))
    }
}

/// Who sent a request, and by what that is known.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticatedClient {
    id: Box<str>,
    method: MethodName,
    alg: Option<Alg>,
    kid: Option<String>,
    certificate: Option<String>,
    tokens: TokenBinding,
    at: UnixTime,
}

impl AuthenticatedClient {
    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it proved itself.
    pub fn method(&self) -> MethodName {
        self.method
    }

    /// Whether it could prove anything: not with [`MethodName::None`].
    pub fn is_confidential(&self) -> bool {
        self.method != MethodName::None
    }

    /// What its assertion was signed with.
    pub fn alg(&self) -> Option<Alg> {
        self.alg
    }

    /// The name of the key its assertion was signed with.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The certificate of its connection, by its `x5t#S256`, whatever the client proved itself by.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// What its tokens are tied to.
    pub fn tokens(&self) -> TokenBinding {
        self.tokens
    }

    /// When it proved itself.
    pub fn at(&self) -> UnixTime {
        self.at
    }
}

impl fmt::Debug for AuthenticatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthenticatedClient({:?}, {})", self.id, self.method)
    }
}

/// What is known of a client before it is believed.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) method: MethodName,
    pub(super) alg: Option<Alg>,
    pub(super) kid: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) form: Form,
    pub(super) replay: Option<(ReplayKey, UnixTime)>,
}

impl Facts {
    pub(super) fn proven(self, client: &RegisteredClient, now: UnixTime) -> Proven {
        Proven {
            client: AuthenticatedClient {
                id: client.id().into(),
                method: self.method,
                alg: self.alg,
                kid: self.kid,
                certificate: self.certificate,
                tokens: client.tokens(),
                at: now,
            },
            registered: client.clone(),
            form: self.form,
            replay: self.replay,
        }
    }
}
