//! What a provider says of itself.

use super::{ConversionError, FromTheirs, ToTheirs};
use crate::core::{
    provider::{Endpoint, Metadata},
    url::Issuer,
};
use openidconnect::core::CoreProviderMetadata;
use serde_json::{Value, json};

const FORM: ConversionError = ConversionError::Expected("metadata that is a JSON object");

/// What is kept of the metadata: issuer, authorization, token and userinfo endpoint, where the keys are, algorithms of ID
/// tokens, response types and modes, methods of the token endpoint, and whether `claims` is read. Response types that the
/// provider does not list come out as `code`; subject types are not kept and come out empty, and so are the keys themselves.
///
/// Their type has no place for the endpoints of devices, introspection and revocation, which are in a
/// [`Bridged`](super::Bridged), and for algorithms that they do not know.
impl ToTheirs<CoreProviderMetadata> for Metadata {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<CoreProviderMetadata, ConversionError> {
        let code = [String::from("code")];
        let algs = self.id_token_algs();
        let algs: Vec<String> = algs.iter().map(|alg| alg.to_string()).collect();
        let methods: Vec<&str> = self.auth_methods(Endpoint::Token).collect();
        let members = json!({
            "issuer": self.issuer().as_str(),
            "authorization_endpoint": self.authorization_endpoint().as_str(),
            "token_endpoint": self.token_endpoint().as_str(),
            "userinfo_endpoint": self.userinfo_endpoint().map(|url| url.as_str()),
            "jwks_uri": self.jwks_uri().as_str(),
            "response_types_supported": self.response_types().unwrap_or(&code),
            "response_modes_supported": self.response_modes(),
            "subject_types_supported": [],
            "id_token_signing_alg_values_supported": algs,
            "token_endpoint_auth_methods_supported": methods,
            "claims_parameter_supported": self.takes_claims(),
        });
        serde_json::from_value(members).map_err(|_| FORM)
    }
}

/// Read by the rules of [`Metadata::from_members`]: what a provider's document would be refused for is refused here, too.
/// What their type has no place for is as if the provider did not say it.
impl FromTheirs<&CoreProviderMetadata> for Metadata {
    type Error = ConversionError;

    fn from_theirs(theirs: &CoreProviderMetadata) -> Result<Self, ConversionError> {
        let issuer = Issuer::from_theirs(theirs.issuer().clone())?;
        let Ok(Value::Object(members)) = serde_json::to_value(theirs) else {
            return Err(FORM);
        };
        let read = Self::from_members(members, &issuer);
        // The first fault says enough: this is no document that somebody is about to mend.
        read.map_err(|faults| {
            faults
                .into_iter()
                .next()
                .map_or(FORM, ConversionError::Refused)
        })
    }
}
