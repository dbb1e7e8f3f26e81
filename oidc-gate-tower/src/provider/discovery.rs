//! Where the provider's metadata comes from.

use super::Provider;
use crate::{
    config_error::without_userinfo,
    core::{
        provider::Metadata,
        url::{EndpointUrl, Issuer},
    },
};
use serde_json::{Map, Value, json};
use std::{fmt, sync::Arc};

/// Where to look for it, or what it is.
#[derive(Clone, Default)]
pub(crate) struct DiscoverySettings {
    url: Option<String>,
    metadata: Option<ProviderMetadata>,
}

/// Where the metadata comes from, once the configuration has been found to be right.
pub(crate) enum MetadataSource<M = Metadata> {
    /// Where the specifications put it.
    WellKnown,
    At(EndpointUrl),
    /// It is configured, and never asked for.
    Known(Arc<M>),
}

impl Provider {
    /// Where the provider publishes its metadata, if that is not `<issuer>/.well-known/openid-configuration`, nor, where
    /// that answers 404, the place that [RFC 8414 § 3.1](https://www.rfc-editor.org/rfc/rfc8414#section-3.1) gives it.
    ///
    /// For a provider that publishes elsewhere, or is reached at an inner address; https, or http on this machine.
    ///
    /// # Security
    ///
    /// Wherever it comes from, the document has to name the very issuer that is configured.
    pub fn discovery_url(mut self, url: impl Into<String>) -> Self {
        self.discovery.url = Some(url.into());
        self
    }

    /// What the provider would say of itself, for one that publishes nothing, or whose browsers and servers reach it at
    /// different addresses. Metadata is never asked for then; keys are, at the `jwks_uri`.
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, Provider, ProviderMetadata};
    ///
    /// // Browsers reach the provider by its public name, the application by the name it has in an inner network.
    /// let provider = Provider::unnamed("https://id.example.com", "my-app", ClientAuth::none()).metadata(
    ///     ProviderMetadata::new(
    ///         "https://id.example.com/authorize",
    ///         "https://keycloak:8443/token",
    ///         "https://keycloak:8443/keys",
    ///     )
    ///     .end_session_endpoint("https://id.example.com/logout"),
    /// );
    /// ```
    pub fn metadata(mut self, metadata: ProviderMetadata) -> Self {
        self.discovery.metadata = Some(metadata);
        self
    }
}

/// Metadata that is configured and not fetched: [`Provider::metadata`].
///
/// [`build`](crate::GateBuilder::build) reads it by the rules for a published document: every address https, on this
/// machine http if the issuer is.
///
/// # Defaults
///
/// The issuer is the provider's, the client authentication method the configured one. ID tokens are signed with `RS256`
/// unless [`member`](Self::member) says otherwise, as
/// [OpenID Connect Core § 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation) has it, or
/// [`Provider::id_token_alg`].
#[derive(Clone)]
#[must_use]
pub struct ProviderMetadata(Map<String, Value>);

impl ProviderMetadata {
    /// Metadata with what every login needs: where a browser is sent to sign in, where a code becomes tokens, and where the
    /// keys are.
    pub fn new(
        authorization_endpoint: impl Into<String>,
        token_endpoint: impl Into<String>,
        jwks_uri: impl Into<String>,
    ) -> Self {
        Self(Map::new())
            .member("authorization_endpoint", authorization_endpoint.into())
            .member("token_endpoint", token_endpoint.into())
            .member("jwks_uri", jwks_uri.into())
    }

    /// Where more claims are.
    pub fn userinfo_endpoint(self, url: impl Into<String>) -> Self {
        self.member("userinfo_endpoint", url.into())
    }

    /// Where a browser is sent to sign out.
    pub fn end_session_endpoint(self, url: impl Into<String>) -> Self {
        self.member("end_session_endpoint", url.into())
    }

    /// Any other member, by its
    /// [registered name](https://www.iana.org/assignments/oauth-parameters/oauth-parameters.xhtml#authorization-server-metadata):
    /// `"id_token_signing_alg_values_supported"` with `["ES256"]`, for instance. One that the gate does not use is ignored.
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// As `issuer` would have published it for a client that authenticates by `method`, if it says by which.
    fn published_by(&self, issuer: &Issuer, method: Option<&str>) -> Map<String, Value> {
        let mut members = self.0.clone();
        let mut or_else = |name: &str, value| {
            members.entry(name).or_insert(value);
        };
        or_else("issuer", issuer.as_str().into());
        // Whoever writes metadata by hand knows what the client does; the default of the specification would be wrong for
        // all but one method.
        if let Some(method) = method {
            or_else("token_endpoint_auth_methods_supported", json!([method]));
        }
        members
    }
}

/// The names alone: an address may hold a password.
impl fmt::Debug for ProviderMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for DiscoverySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscoverySettings")
            .field("url", &self.url.as_deref().map(without_userinfo))
            .field("metadata", &self.metadata)
            .finish()
    }
}

impl DiscoverySettings {
    /// What is wrong with them, each as `setting: problem`.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(url) = &self.url {
            if let Err(problem) = EndpointUrl::parse(url) {
                let url = without_userinfo(url);
                problems.push(format!(
                    "discovery_url: {url:?} {problem}; give the address of the metadata document itself"
                ));
            }
            if self.metadata.is_some() {
                problems.push(
                    "discovery_url: `metadata` is set too, and then nothing is fetched; keep one of the two"
                        .to_owned(),
                );
            }
        }
        problems
    }

    /// Where the metadata of `issuer` comes from, for a client that authenticates by `method`, if it says by which.
    pub(crate) fn source(
        &self,
        issuer: &Issuer,
        method: Option<&str>,
    ) -> Result<MetadataSource, Vec<String>> {
        if let Some(metadata) = &self.metadata {
            return Metadata::from_members(metadata.published_by(issuer, method), issuer)
                .map(|metadata| MetadataSource::Known(Arc::new(metadata)))
                .map_err(|faults| {
                    let problem = |fault: &crate::CheckFailed| {
                        format!(
                            "metadata: {}; write what the provider's documentation says",
                            fault.cause()
                        )
                    };
                    faults.iter().map(problem).collect()
                });
        }
        // One that is not fit is among the problems.
        let url = self
            .url
            .as_deref()
            .and_then(|url| EndpointUrl::parse(url).ok());
        Ok(url.map_or(MetadataSource::WellKnown, MetadataSource::At))
    }
}
