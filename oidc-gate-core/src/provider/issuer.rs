//! What is needed of an issuer whose tokens are only verified.

use super::{
    Discovery, Metadata,
    members::{Faults, Members, malformed},
};
use crate::check::CheckFailed;
use crate::jose::json;
use crate::url::{EndpointUrl, Issuer};

/// What an issuer publishes about itself, as far as whoever verifies its tokens needs it: where its keys are. There are
/// issuers that have nothing else: of workloads, of jobs.
#[derive(Clone, Debug)]
pub struct IssuerMetadata {
    jwks_uri: EndpointUrl,
}

impl IssuerMetadata {
    /// Reads the metadata of `issuer`, by the rules of [`Metadata::parse`].
    ///
    /// # Errors
    ///
    /// As there, but for what only logins need.
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, CheckFailed> {
        let members = Members::of(json::object(bytes).map_err(malformed)?, issuer);
        let jwks_uri = members.required_url("jwks_uri");
        match (jwks_uri, members.into_faults()) {
            (Some(jwks_uri), None) => Ok(Self { jwks_uri }),
            (_, faults) => Err(faults.unwrap_or_else(Faults::incomplete).0),
        }
    }

    /// Keys at an address that is configured.
    pub fn at(jwks_uri: EndpointUrl) -> Self {
        Self { jwks_uri }
    }
}

/// A document that says where keys are, and how it is fetched.
pub trait NamesKeys: Sized + Send + Sync + 'static {
    /// Where the keys are.
    fn jwks_uri(&self) -> &EndpointUrl;

    /// The document of `issuer`, where the specifications put it.
    fn discovery(issuer: Issuer) -> Discovery<Self>;

    /// The document of `issuer` at this address and nowhere else.
    fn discovery_at(issuer: Issuer, url: EndpointUrl) -> Discovery<Self>;
}

impl NamesKeys for Metadata {
    fn jwks_uri(&self) -> &EndpointUrl {
        self.jwks_uri()
    }

    fn discovery(issuer: Issuer) -> Discovery<Self> {
        Discovery::new(issuer)
    }

    fn discovery_at(issuer: Issuer, url: EndpointUrl) -> Discovery<Self> {
        Discovery::at(issuer, url)
    }
}

impl NamesKeys for IssuerMetadata {
    fn jwks_uri(&self) -> &EndpointUrl {
        &self.jwks_uri
    }

    fn discovery(issuer: Issuer) -> Discovery<Self> {
        Discovery::first(issuer, Self::parse)
    }

    fn discovery_at(issuer: Issuer, url: EndpointUrl) -> Discovery<Self> {
        Discovery::only(issuer, url, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check;
    use serde_json::json;

    #[test]
    fn an_issuer_names_its_keys_and_nothing_else() {
        let issuer = Issuer::parse("https://ci.example").unwrap();
        let read = |document: serde_json::Value| {
            IssuerMetadata::parse(document.to_string().as_bytes(), &issuer)
                .map(|metadata| metadata.jwks_uri.as_str().to_owned())
                .map_err(|failed| failed.check())
        };
        let uri = "https://ci.example/keys";
        assert_eq!(
            read(json!({"issuer": "https://ci.example", "jwks_uri": uri})),
            Ok(uri.to_owned())
        );
        for (wrong, check) in [
            (
                json!({"issuer": "https://ci.example"}),
                Check::MetadataMalformed,
            ),
            (
                json!({"issuer": "https://ci.example", "jwks_uri": "http://ci.example/keys"}),
                Check::MetadataMalformed,
            ),
            (
                json!({"issuer": "https://evil.example", "jwks_uri": uri}),
                Check::ProviderIssuer,
            ),
        ] {
            assert_eq!(read(wrong), Err(check));
        }
    }
}
