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
    response_modes: Vec<String>,
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
        // http is for a provider on this machine; one elsewhere has no business naming an address here, where the client's
        // secret would go.
        let remote = issuer.as_str().starts_with("https://");
        let optional = |name| match members.url(name)? {
            Some(url) if remote && !url.as_str().starts_with("https://") => Err(wrong(
                name,
                "is http, and the issuer is not on this machine",
            )),
            url => Ok(url),
        };
        let required = |name| optional(name)?.ok_or_else(|| missing(name));
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: optional("userinfo_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            token_endpoint_auth_methods: members
                .list("token_endpoint_auth_methods_supported")?
                .unwrap_or_else(|| vec!["client_secret_basic".into()]),
            response_modes: members
                .list("response_modes_supported")?
                .unwrap_or_else(|| vec!["query".into(), "fragment".into()]),
            id_token_algs: members
                .list("id_token_signing_alg_values_supported")?
                .map_or_else(
                    // Core § 3.1.3.7 names it as the default.
                    || [Alg::RS256].into_iter().collect(),
                    |names| {
                        let known = names.iter().filter_map(|name| Alg::from_name(name));
                        known.filter(|alg| !alg.is_symmetric()).collect()
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

    /// How authorization responses may come back; `query` and `fragment` where the provider does not say.
    pub fn response_modes(&self) -> &[String] {
        &self.response_modes
    }

    /// The algorithms of ID tokens that both the provider and the gate know. Empty if there is none; `RS256` where the
    /// provider does not say. Symmetric ones are not among them: what one client is registered for, a list for all clients
    /// cannot say.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        edits: Option<String>,
        #[serde(default)]
        remove: Vec<String>,
        expected: String,
        cause: Option<String>,
    }

    fn issuer() -> Issuer {
        Issuer::parse("https://id.example").unwrap()
    }

    fn right() -> Map<String, Value> {
        json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        })
        .as_object()
        .cloned()
        .unwrap()
    }

    fn parse(metadata: Map<String, Value>) -> Result<Metadata, CheckFailed> {
        Metadata::parse(Value::Object(metadata).to_string().as_bytes(), &issuer())
    }

    fn with(name: &str, value: Value) -> Metadata {
        let mut metadata = right();
        metadata.insert(name.into(), value);
        parse(metadata).unwrap()
    }

    #[test]
    fn every_document_is_taken_or_refused_as_the_data_says() {
        let cases: Cases = toml::from_str(include_str!("../../testdata/metadata.toml")).unwrap();
        assert!(cases.case.len() > 25);
        for case in cases.case {
            let mut metadata = right();
            let edits = case.edits.as_deref().unwrap_or("{}");
            metadata.extend(serde_json::from_str::<Map<String, Value>>(edits).unwrap());
            metadata.retain(|name, _| !case.remove.contains(name));
            let result = parse(metadata);
            let got = match &result {
                Ok(_) => "ok",
                Err(failed) => failed.check().id(),
            };
            assert_eq!(got, case.expected, "{}", case.name);
            if let Some(cause) = case.cause {
                assert_eq!(result.unwrap_err().cause(), cause, "{}", case.name);
            }
        }
    }

    #[test]
    fn absent_members_have_the_value_the_specification_gives_them() {
        let metadata = parse(right()).unwrap();
        assert_eq!(
            metadata.token_endpoint_auth_methods(),
            ["client_secret_basic"]
        );
        assert_eq!(metadata.id_token_algs(), [Alg::RS256].into_iter().collect());
        assert_eq!(metadata.code_challenge_methods(), None);
        assert_eq!(metadata.userinfo_endpoint(), None);
        assert_eq!(metadata.end_session_endpoint(), None);
        assert!(!metadata.promises_iss());
        assert_eq!(metadata.issuer(), &issuer());
        assert_eq!(
            [
                metadata.authorization_endpoint(),
                metadata.token_endpoint(),
                metadata.jwks_uri()
            ]
            .map(EndpointUrl::as_str),
            [
                "https://id.example/authorize",
                "https://id.example/token",
                "https://id.example/keys"
            ]
        );
    }

    #[test]
    fn algorithms_the_gate_does_not_know_and_symmetric_ones_are_ignored() {
        let algs = |names| with("id_token_signing_alg_values_supported", names).id_token_algs();
        assert_eq!(
            algs(json!([
                "none", "HS256", "ES256", "PS256", "Ed25519", "ES256K"
            ])),
            [Alg::ES256, Alg::PS256, Alg::EdDSA].into_iter().collect()
        );
        // A list without a known name is not the same as no list.
        assert!(algs(json!(["none", "HS256", "HS384", "HS512"])).is_empty());
    }

    #[test]
    fn what_is_said_is_read() {
        let methods = with("code_challenge_methods_supported", json!(["plain"]));
        assert_eq!(methods.code_challenge_methods().unwrap(), ["plain"]);
        let promise = with(
            "authorization_response_iss_parameter_supported",
            json!(true),
        );
        assert!(promise.promises_iss());
        let end = with("end_session_endpoint", json!("https://id.example/end"));
        assert_eq!(
            end.end_session_endpoint().unwrap().as_str(),
            "https://id.example/end"
        );
    }

    #[test]
    fn a_repeated_member_is_refused() {
        let text = Value::Object(right()).to_string();
        let text = text.replacen('{', r#"{"issuer":"https://id.example","#, 1);
        let failed = Metadata::parse(text.as_bytes(), &issuer()).unwrap_err();
        assert_eq!(failed.check(), Check::MetadataMalformed);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100), url in "[a-z:/@#?\\[\\]0-9.]{0,30}") {
            let _ = Metadata::parse(&bytes, &issuer());
            let mut metadata = right();
            metadata.insert("jwks_uri".into(), url.into());
            let _ = parse(metadata);
        }
    }
}
