//! The provider's metadata ([OpenID Connect Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).

use crate::check::{Check, CheckFailed, quote};
use crate::jose::{Alg, AlgSet, json};
use crate::url::{EndpointUrl, Issuer};
use serde_json::{Map, Value};

/// What a provider publishes about itself, as far as the gate uses it.
#[derive(Clone, Debug)]
pub struct Metadata {
    issuer: Issuer,
    authorization_endpoint: EndpointUrl,
    token_endpoint: EndpointUrl,
    jwks_uri: EndpointUrl,
    userinfo_endpoint: Option<EndpointUrl>,
    end_session_endpoint: Option<EndpointUrl>,
    token_endpoint_auth_methods: Vec<String>,
    id_token_algs: AlgSet,
    code_challenge_methods: Option<Vec<String>>,
    promises_iss: bool,
}

impl Metadata {
    /// Reads the metadata of `issuer`.
    ///
    /// Members that the gate does not use are ignored, whatever they are. An optional member that is `null` counts as
    /// absent. Absent ones have the value that the specification gives them.
    ///
    /// # Errors
    ///
    /// [`Check::MetadataMalformed`] if it is not a JSON object that names each member once, lacks a member, or has one
    /// of the wrong type or with an address that is not https (loopback: http). [`Check::ProviderIssuer`] if it names
    /// another issuer; none of it may be used then
    /// ([RFC 8414 § 3.3](https://www.rfc-editor.org/rfc/rfc8414#section-3.3)).
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, CheckFailed> {
        let members = Members(json::object(bytes).map_err(malformed)?);
        let named = members.text("issuer")?.ok_or_else(|| missing("issuer"))?;
        if named != issuer.as_str() {
            return Err(CheckFailed::new(
                Check::ProviderIssuer,
                format!("expected {}, got {}", quote(issuer.as_str()), quote(named)),
            ));
        }
        let required = |name| members.url(name)?.ok_or_else(|| missing(name));
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: members.url("userinfo_endpoint")?,
            end_session_endpoint: members.url("end_session_endpoint")?,
            token_endpoint_auth_methods: members
                .list("token_endpoint_auth_methods_supported")?
                .unwrap_or_else(|| vec!["client_secret_basic".into()]),
            id_token_algs: members
                .list("id_token_signing_alg_values_supported")?
                .map_or_else(
                    // Core § 3.1.3.7 names it as the default.
                    || [Alg::RS256].into_iter().collect(),
                    |names| {
                        names
                            .iter()
                            .filter_map(|name| Alg::from_name(name))
                            .collect()
                    },
                ),
            code_challenge_methods: members.list("code_challenge_methods_supported")?,
            promises_iss: members.flag("authorization_response_iss_parameter_supported")?,
        })
    }

    /// The issuer, exactly as it is configured.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where a browser is sent to sign in.
    pub fn authorization_endpoint(&self) -> &EndpointUrl {
        &self.authorization_endpoint
    }

    /// Where a code becomes tokens.
    pub fn token_endpoint(&self) -> &EndpointUrl {
        &self.token_endpoint
    }

    /// Where the keys are.
    pub fn jwks_uri(&self) -> &EndpointUrl {
        &self.jwks_uri
    }

    /// Where more claims are.
    pub fn userinfo_endpoint(&self) -> Option<&EndpointUrl> {
        self.userinfo_endpoint.as_ref()
    }

    /// Where a browser is sent to sign out.
    pub fn end_session_endpoint(&self) -> Option<&EndpointUrl> {
        self.end_session_endpoint.as_ref()
    }

    /// How a client may authenticate at the token endpoint, by registered names; `client_secret_basic` where the
    /// provider does not say.
    pub fn token_endpoint_auth_methods(&self) -> &[String] {
        &self.token_endpoint_auth_methods
    }

    /// The algorithms of ID tokens that both the provider and the gate know. Empty if there is none; `RS256` where the
    /// provider does not say.
    pub fn id_token_algs(&self) -> AlgSet {
        self.id_token_algs
    }

    /// The PKCE methods, if the provider says which.
    pub fn code_challenge_methods(&self) -> Option<&[String]> {
        self.code_challenge_methods.as_deref()
    }

    /// Whether the provider promises `iss` in every authorization response
    /// ([RFC 9207 § 3](https://www.rfc-editor.org/rfc/rfc9207#section-3)).
    pub fn promises_iss(&self) -> bool {
        self.promises_iss
    }
}

struct Members(Map<String, Value>);

impl Members {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, CheckFailed> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| wrong(name, "is not text")))
            .transpose()
    }

    fn url(&self, name: &str) -> Result<Option<EndpointUrl>, CheckFailed> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        EndpointUrl::parse(text)
            .map(Some)
            .map_err(|error| wrong(name, &format!("{error}, got {}", quote(text))))
    }

    fn list(&self, name: &str) -> Result<Option<Vec<String>>, CheckFailed> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        value
            .as_array()
            .and_then(|items| {
                items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect()
            })
            .map(Some)
            .ok_or_else(|| wrong(name, "is not a list of texts"))
    }

    fn flag(&self, name: &str) -> Result<bool, CheckFailed> {
        self.get(name).map_or(Ok(false), |value| {
            value
                .as_bool()
                .ok_or_else(|| wrong(name, "is neither true nor false"))
        })
    }
}

fn malformed(cause: &str) -> CheckFailed {
    CheckFailed::new(Check::MetadataMalformed, cause.to_owned())
}

fn missing(name: &str) -> CheckFailed {
    wrong(name, "is missing")
}

fn wrong(name: &str, what: &str) -> CheckFailed {
    malformed(&format!("`{name}` {what}"))
}
