//! The endpoints at which a client proves who it is.

use crate::{
    check::CheckFailed,
    flow::{Purpose, Transport},
    jose::AlgSet,
    url::EndpointUrl,
};
use std::fmt;

/// An endpoint at which a client proves who it is. All take the same methods in the same way; which of them a server takes
/// where is said by its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Where grants become tokens ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
    Token,
    /// Where authorization requests are left ([RFC 9126 § 2](https://www.rfc-editor.org/rfc/rfc9126#section-2)).
    PushedAuthorizationRequest,
    /// Where a device asks for a code ([RFC 8628 § 3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)).
    DeviceAuthorization,
    /// Where it is said what a token is worth ([RFC 7662 § 2](https://www.rfc-editor.org/rfc/rfc7662#section-2)).
    Introspection,
    /// Where tokens end ([RFC 7009 § 2](https://www.rfc-editor.org/rfc/rfc7009#section-2)).
    Revocation,
}

impl Endpoint {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Token,
        Self::PushedAuthorizationRequest,
        Self::DeviceAuthorization,
        Self::Introspection,
        Self::Revocation,
    ];

    /// The member of the metadata that names it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::PushedAuthorizationRequest => "pushed_authorization_request_endpoint",
            Self::DeviceAuthorization => "device_authorization_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Revocation => "revocation_endpoint",
        }
    }
}

impl From<Endpoint> for Purpose {
    fn from(endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::Token => Self::Token,
            Endpoint::PushedAuthorizationRequest => Self::PushedAuthorizationRequest,
            Endpoint::DeviceAuthorization => Self::DeviceAuthorization,
            Endpoint::Introspection => Self::Introspection,
            Endpoint::Revocation => Self::Revocation,
        }
    }
}

/// As it stands in a sentence.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "token endpoint",
            Self::PushedAuthorizationRequest => "pushed authorization request endpoint",
            Self::DeviceAuthorization => "device authorization endpoint",
            Self::Introspection => "introspection endpoint",
            Self::Revocation => "revocation endpoint",
        })
    }
}

/// What metadata says of one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) url: Option<EndpointUrl>,
    /// Where certificates are asked for ([RFC 8705 § 5](https://www.rfc-editor.org/rfc/rfc8705#section-5)).
    pub(super) mtls_alias: Option<EndpointUrl>,
    pub(super) auth_methods: Option<Vec<String>>,
    pub(super) auth_algs: Option<AlgSet>,
    /// What of it could not be read.
    pub(super) fault: Option<CheckFailed>,
}

impl About {
    pub(super) fn url_for(&self, transport: Transport) -> Option<&EndpointUrl> {
        match transport {
            Transport::Tls => self.url.as_ref(),
            Transport::MutualTls => self.mtls_alias.as_ref().or(self.url.as_ref()),
        }
    }
}
