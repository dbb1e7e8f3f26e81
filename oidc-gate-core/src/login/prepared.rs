//! What is the same in every login.

use super::{Registration, RequestUrl, Started, Wanted, start::begin};
use crate::{
    check::CheckFailed, client_auth::Client, flow::Env, provider::Metadata, session::CookieKeys,
};
use std::{fmt, sync::Arc};

/// A provider and a registration that fit, and how every authorization request of theirs begins. It is made once for each
/// document of metadata, and spares each login what does not change from one to the next.
pub struct Prepared {
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    opening: Opening,
}

impl Prepared {
    /// Logins of this registration at the provider that has published this.
    ///
    /// # Errors
    ///
    /// What [`check_compatible`](super::check_compatible) says.
    /// [`Check::MetadataMalformed`](crate::check::Check::MetadataMalformed) where the authorization endpoint's own query has a
    /// parameter that every request has to set.
    pub fn new(
        metadata: Arc<Metadata>,
        registration: Arc<Registration>,
    ) -> Result<Self, CheckFailed> {
        super::check_compatible(&metadata, &registration)?;
        Ok(Self {
            opening: Opening::new(&metadata, &registration, &registration.scopes)?,
            metadata,
            registration,
        })
    }

    /// Whether it was made of this very document. One that was fetched again is another, however alike they are.
    pub fn is_of(&self, metadata: &Arc<Metadata>) -> bool {
        Arc::ptr_eq(&self.metadata, metadata)
    }

    /// Begins a login, as [`start`](super::start) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start(
        &self,
        wanted: Wanted,
        keys: &CookieKeys,
        env: &mut Env<'_>,
    ) -> Result<Started, CheckFailed> {
        begin(
            &self.metadata,
            &self.registration,
            &self.opening,
            wanted,
            keys,
            env,
        )
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("issuer", self.metadata.issuer())
            .field("client_id", &Client::id(&self.registration.client))
            .finish_non_exhaustive()
    }
}

/// The address that the requests of a registration begin with, for certain scopes.
pub(super) struct Opening {
    scopes: Box<str>,
    text: Box<str>,
}

impl Opening {
    pub(super) fn new(
        metadata: &Metadata,
        registration: &Registration,
        scopes: &str,
    ) -> Result<Self, CheckFailed> {
        let mut url = RequestUrl::new(MEMBER, metadata.authorization_endpoint().as_str());
        url.add("response_type", "code")?;
        url.add("client_id", registration.client.id())?;
        url.add("redirect_uri", &registration.redirect_uri)?;
        url.add("scope", scopes)?;
        Ok(Self {
            scopes: scopes.into(),
            text: url.finish().into(),
        })
    }

    /// The beginning of a request for these scopes, with room for so many bytes more.
    pub(super) fn request<'a>(
        &self,
        metadata: &'a Metadata,
        registration: &Registration,
        scopes: &str,
        room: usize,
    ) -> Result<RequestUrl<'a>, CheckFailed> {
        let endpoint = metadata.authorization_endpoint().as_str();
        if scopes == &*self.scopes {
            return Ok(RequestUrl::resumed(MEMBER, endpoint, &self.text, room));
        }
        let other = Self::new(metadata, registration, scopes)?;
        Ok(RequestUrl::resumed(MEMBER, endpoint, &other.text, room))
    }
}

const MEMBER: &str = "authorization_endpoint";
