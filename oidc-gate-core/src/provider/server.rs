//! What an authorization server says of itself to clients without a browser
//! ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)).

use super::{
    endpoint::{About, Endpoint},
    members::{Faults, Members, malformed},
};
use crate::check::CheckFailed;
use crate::flow::Transport;
use crate::jose::{AlgSet, json};
use crate::url::{EndpointUrl, Issuer};

/// What a server publishes about itself, as far as a client needs it that asks without a browser: where its endpoints are,
/// and how a client proves itself there. Beside the issuer it has to name its token endpoint and nothing else.
#[derive(Clone, Debug)]
pub struct ServerMetadata {
    issuer: Issuer,
    token_endpoint: EndpointUrl,
    token: About,
    pushed: About,
    device: About,
    introspection: About,
    revocation: About,
}

impl ServerMetadata {
    /// Reads the metadata of `issuer`, by the rules of [`Metadata::parse`](super::Metadata::parse).
    ///
    /// # Errors
    ///
    /// As there, but for what only logins need.
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, CheckFailed> {
        let members = Members::of(json::object(bytes).map_err(malformed)?, issuer);
        let read = Self::read(&members, issuer);
        match (read, members.into_faults()) {
            (Some(server), None) => Ok(server),
            (_, faults) => Err(faults.unwrap_or_else(Faults::incomplete).0),
        }
    }

    pub(super) fn read(members: &Members, issuer: &Issuer) -> Option<Self> {
        let token_endpoint = members.required_url("token_endpoint");
        let [token, pushed, device, introspection, revocation] =
            Endpoint::ALL.map(|endpoint| members.about(endpoint));
        let token_endpoint = token_endpoint?;
        Some(Self {
            issuer: issuer.clone(),
            token: About {
                url: Some(token_endpoint.clone()),
                ..token
            },
            token_endpoint,
            pushed,
            device,
            introspection,
            revocation,
        })
    }

    /// The issuer, exactly as it is configured.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where a code becomes tokens.
    pub fn token_endpoint(&self) -> &EndpointUrl {
        &self.token_endpoint
    }

    /// Where an endpoint is for a client that shows this identity, if the provider has it and says so in a way that can be
    /// read: some servers ask for
    /// certificates at addresses of their own (`mtls_endpoint_aliases`,
    /// [RFC 8705 § 5](https://www.rfc-editor.org/rfc/rfc8705#section-5)).
    pub fn endpoint(&self, endpoint: Endpoint, transport: Transport) -> Option<&EndpointUrl> {
        self.about(endpoint).url_for(transport)
    }

    /// What is wrong with what is said of an endpoint that is not the token endpoint, whose faults are the document's.
    pub(crate) fn fault(&self, endpoint: Endpoint) -> Option<&CheckFailed> {
        self.about(endpoint).fault.as_ref()
    }

    fn about(&self, endpoint: Endpoint) -> &About {
        match endpoint {
            Endpoint::Token => &self.token,
            Endpoint::PushedAuthorizationRequest => &self.pushed,
            Endpoint::DeviceAuthorization => &self.device,
            Endpoint::Introspection => &self.introspection,
            Endpoint::Revocation => &self.revocation,
        }
    }

    /// How a client may authenticate at an endpoint, by registered names
    /// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)).
    ///
    /// # Defaults
    ///
    /// Where the provider does not say:
    ///
    /// 1. `client_secret_basic` at the token endpoint.
    /// 2. What the token endpoint takes, where authorization requests are pushed
    ///    ([RFC 9126 § 2](https://www.rfc-editor.org/rfc/rfc9126#section-2)), devices ask
    ///    ([RFC 8628 § 3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)) and tokens are introspected, where the
    ///    specification leaves it open.
    /// 3. `client_secret_basic` where tokens are revoked, and beside that what the token endpoint takes: widespread
    ///    servers publish one list and mean it for all.
    pub fn auth_methods(&self, endpoint: Endpoint) -> impl Iterator<Item = &str> {
        const BASIC: &str = "client_secret_basic";
        let listed = |endpoint| self.about(endpoint).auth_methods.as_deref();
        let methods = listed(endpoint).or_else(|| listed(Endpoint::Token));
        let by_default = match methods {
            None => true,
            Some(methods) => {
                endpoint == Endpoint::Revocation
                    && listed(endpoint).is_none()
                    && !methods.iter().any(|method| method == BASIC)
            }
        };
        let methods = methods.into_iter().flatten().map(String::as_str);
        methods.chain(by_default.then_some(BASIC))
    }

    /// What a client's assertions may be signed with at an endpoint, as far as it is known here; `None` where the provider
    /// does not say. What it says of the token endpoint holds where it says nothing of the methods of another.
    pub fn auth_algs(&self, endpoint: Endpoint) -> Option<AlgSet> {
        let about = self.about(endpoint);
        match (about.auth_algs, &about.auth_methods) {
            (None, None) => self.token.auth_algs,
            (algs, _) => algs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::Check, provider::Metadata};
    use serde_json::json;

    #[test]
    fn a_server_without_a_browser_names_its_token_endpoint_and_nothing_else() {
        let issuer = Issuer::parse("https://id.example").unwrap();
        let token =
            json!({"issuer": "https://id.example", "token_endpoint": "https://id.example/t"});
        let bytes = token.to_string();
        let server = ServerMetadata::parse(bytes.as_bytes(), &issuer).unwrap();
        assert_eq!(server.token_endpoint().as_str(), "https://id.example/t");
        assert!(Metadata::parse(bytes.as_bytes(), &issuer).is_err());
        for (wrong, check) in [
            (
                json!({"issuer": "https://id.example"}),
                Check::MetadataMalformed,
            ),
            (
                json!({"issuer": "https://id.example", "token_endpoint": "http://id.example/t"}),
                Check::MetadataMalformed,
            ),
            (
                json!({"issuer": "https://evil.example", "token_endpoint": "https://id.example/t"}),
                Check::ProviderIssuer,
            ),
        ] {
            let failed = ServerMetadata::parse(wrong.to_string().as_bytes(), &issuer);
            assert_eq!(failed.unwrap_err().check(), check, "{wrong}");
        }
    }
}
