//! What the provider says of itself
//! ([OpenID Connect Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).

use super::{DevProvider, Fault, answer::json_public, bad_claims::WRONG_ISSUER};
use crate::core::{grant::GrantType, provider};
use bytes::Bytes;
use http::Response;
use serde_json::json;

const REVOCATION_ALGS: &str = "revocation_endpoint_auth_signing_alg_values_supported";
const ALGS: &str = "token_endpoint_auth_signing_alg_values_supported";

impl DevProvider {
    pub(super) fn metadata(&self) -> Response<Bytes> {
        let alg = self.keys().signing().alg().name();
        let issuer = self.state().issuer.clone();
        let named = if self.has(Fault::WrongMetadataIssuer) {
            WRONG_ISSUER
        } else {
            &issuer.text
        };
        let grants: Vec<&str> = GrantType::ALL.iter().map(|grant| grant.as_str()).collect();
        json_public(&json!({
            "issuer": named,
            "authorization_endpoint": issuer.endpoint("/authorize"),
            "token_endpoint": issuer.endpoint("/token"),
            "userinfo_endpoint": issuer.endpoint("/userinfo"),
            "jwks_uri": issuer.endpoint("/jwks"),
            "end_session_endpoint": issuer.endpoint("/end_session"),
            "revocation_endpoint": issuer.endpoint("/revocation"),
            "revocation_endpoint_auth_methods_supported": self.client_auth_methods(),
            REVOCATION_ALGS: self.authenticator().metadata(provider::Endpoint::Revocation).remove(REVOCATION_ALGS),
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "frontchannel_logout_supported": true,
            "frontchannel_logout_session_supported": true,
            "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": grants,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [alg],
            "token_endpoint_auth_methods_supported": self.client_auth_methods(),
            ALGS: self.authenticator().metadata(provider::Endpoint::Token).remove(ALGS),
            "device_authorization_endpoint": issuer.endpoint("/device_authorization"),
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
                "name", "preferred_username", "email", "email_verified", "groups"
            ],
            "authorization_response_iss_parameter_supported": true,
            "claims_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        }))
    }

    pub(super) fn jwks(&self) -> Response<Bytes> {
        let shared = self.has(Fault::SharedKid);
        if shared || self.has(Fault::MissingKidAmongSeveral) {
            return json_public(&self.keys().published_after_another(shared));
        }
        json_public(&self.keys().published())
    }
}
