//! The provider's metadata ([OpenID Connect Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).

use super::{
    ServerMetadata,
    members::{Faults, Members, malformed},
};
use crate::check::CheckFailed;
use crate::jose::{Alg, AlgSet, json};
use crate::url::{EndpointUrl, Issuer};
use serde_json::{Map, Value};
use std::ops::Deref;

/// What a provider publishes about itself, as far as logins use it. It has everything that
/// [a client without a browser](ServerMetadata) is told, too.
#[derive(Clone, Debug)]
pub struct Metadata {
    server: ServerMetadata,
    authorization_endpoint: EndpointUrl,
    jwks_uri: EndpointUrl,
    userinfo_endpoint: Option<EndpointUrl>,
    end_session_endpoint: Option<EndpointUrl>,
    response_modes: Vec<String>,
    id_token_algs: AlgSet,
    response_types: Option<Vec<String>>,
    code_challenge_methods: Option<Vec<String>>,
    promises_iss: bool,
    takes_claims: bool,
}

impl Metadata {
    /// Reads the metadata of `issuer`.
    ///
    /// Members that the gate does not use are ignored, whatever they are. An optional member that is `null` counts as
    /// absent. Absent ones have the value that the specification gives them.
    ///
    /// # Errors
    ///
    /// [`Check::MetadataMalformed`](crate::check::Check::MetadataMalformed) if it is not a JSON object that names each member once, lacks a member, or has one
    /// of the wrong type or with an address that is not https (loopback: http).
    /// [`Check::ProviderIssuer`](crate::check::Check::ProviderIssuer) if it names
    /// another issuer; none of it may be used then
    /// ([RFC 8414 § 3.3](https://www.rfc-editor.org/rfc/rfc8414#section-3.3)).
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, CheckFailed> {
        let members = json::object(bytes).map_err(malformed)?;
        Self::read(members, issuer).map_err(|Faults(first, _)| first)
    }

    /// Reads metadata that is configured instead of published, by the same rules.
    ///
    /// # Errors
    ///
    /// Everything that [`parse`](Self::parse) would refuse it for, at once: whoever wrote it is there to mend it.
    pub fn from_members(
        members: Map<String, Value>,
        issuer: &Issuer,
    ) -> Result<Self, Vec<CheckFailed>> {
        Self::read(members, issuer).map_err(|Faults(first, more)| {
            let mut all = vec![first];
            all.extend(more);
            all
        })
    }

    fn read(members: Map<String, Value>, issuer: &Issuer) -> Result<Self, Faults> {
        let members = Members::of(members, issuer);
        let required = (
            members.required_url("authorization_endpoint"),
            ServerMetadata::read(&members, issuer),
            members.required_url("jwks_uri"),
        );
        let userinfo_endpoint = members.url("userinfo_endpoint");
        let end_session_endpoint = members.url("end_session_endpoint");
        let id_token_algs = members
            .list("id_token_signing_alg_values_supported")
            .map_or_else(
                // Core § 3.1.3.7 names it as the default.
                || [Alg::RS256].into_iter().collect(),
                |names| {
                    let known = names.iter().filter_map(|name| Alg::from_name(name));
                    known.filter(|alg| !alg.is_symmetric()).collect()
                },
            );
        let response_modes = members
            .list("response_modes_supported")
            .unwrap_or_else(|| vec!["query".into(), "fragment".into()]);
        let response_types = members.list("response_types_supported");
        let code_challenge_methods = members.list("code_challenge_methods_supported");
        let promises_iss = members.flag("authorization_response_iss_parameter_supported");
        let takes_claims = members.flag("claims_parameter_supported");
        match (required, members.into_faults()) {
            ((Some(authorization_endpoint), Some(server), Some(jwks_uri)), None) => Ok(Self {
                server,
                authorization_endpoint,
                jwks_uri,
                userinfo_endpoint,
                end_session_endpoint,
                id_token_algs,
                response_modes,
                response_types,
                code_challenge_methods,
                promises_iss,
                takes_claims,
            }),
            (_, faults) => Err(faults.unwrap_or_else(Faults::incomplete)),
        }
    }

    /// Where a browser is sent to sign in.
    pub fn authorization_endpoint(&self) -> &EndpointUrl {
        &self.authorization_endpoint
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

    /// The response types, if the provider says which.
    pub fn response_types(&self) -> Option<&[String]> {
        self.response_types.as_deref()
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

    /// Whether the provider reads the `claims` parameter; it does not where it does not say so.
    pub fn takes_claims(&self) -> bool {
        self.takes_claims
    }
}

impl Deref for Metadata {
    type Target = ServerMetadata;

    fn deref(&self) -> &ServerMetadata {
        &self.server
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::Check, flow::Transport, provider::Endpoint};
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;

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
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/metadata.toml"));
        assert!(cases.len() > 25);
        for case in cases {
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
        for endpoint in Endpoint::ALL {
            let methods: Vec<_> = metadata.auth_methods(endpoint).collect();
            assert_eq!(methods, ["client_secret_basic"]);
            assert_eq!(metadata.auth_algs(endpoint), None);
        }
        assert_eq!(metadata.id_token_algs(), [Alg::RS256].into_iter().collect());
        assert_eq!(metadata.code_challenge_methods(), None);
        assert_eq!(metadata.userinfo_endpoint(), None);
        assert_eq!(metadata.end_session_endpoint(), None);
        assert!(!metadata.promises_iss() && !metadata.takes_claims());
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
    fn a_client_with_a_certificate_goes_where_certificates_are_asked_for() {
        for endpoint in Endpoint::ALL {
            let mut members = right();
            let there = format!("https://id.example/{}", endpoint.member());
            let alias = there.replace("//id", "//mtls.id");
            members.insert(endpoint.member().into(), there.as_str().into());
            let at = |members: &Map<String, Value>, transport| {
                let metadata = parse(members.clone()).unwrap();
                metadata.endpoint(endpoint, transport).unwrap().clone()
            };
            assert_eq!(at(&members, Transport::MutualTls).as_str(), there);
            let aliases = json!({ (endpoint.member()): alias, "authorization_endpoint": alias });
            members.insert("mtls_endpoint_aliases".into(), aliases);
            assert_eq!(at(&members, Transport::Tls).as_str(), there);
            assert_eq!(at(&members, Transport::MutualTls).as_str(), alias);
        }
        let alias = json!({"authorization_endpoint": "https://mtls.id.example/authorize"});
        let metadata = with("mtls_endpoint_aliases", alias);
        // A browser shows no certificate of the client's.
        let browser = metadata.authorization_endpoint().as_str();
        assert_eq!(browser, "https://id.example/authorize");
        for endpoint in Endpoint::ALL {
            let is_there = metadata.endpoint(endpoint, Transport::Tls).is_some();
            assert_eq!(is_there, endpoint == Endpoint::Token, "{endpoint}");
        }
    }

    fn methods(metadata: &Metadata, endpoint: Endpoint) -> String {
        metadata
            .auth_methods(endpoint)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn each_endpoint_takes_what_its_own_list_or_the_default_says() {
        let metadata = with(
            "token_endpoint_auth_methods_supported",
            json!(["private_key_jwt"]),
        );
        let all = Endpoint::ALL.map(|endpoint| methods(&metadata, endpoint));
        let token = "private_key_jwt";
        assert_eq!(
            all,
            [
                token,
                token,
                token,
                token,
                "private_key_jwt client_secret_basic"
            ]
        );
        let members = json!({
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "introspection_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
            "introspection_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
            "revocation_endpoint_auth_methods_supported": ["none"],
        });
        let mut metadata = right();
        metadata.extend(members.as_object().unwrap().clone());
        let metadata = parse(metadata).unwrap();
        let said = Endpoint::ALL.map(|endpoint| {
            let algs = metadata.auth_algs(endpoint);
            (methods(&metadata, endpoint), algs)
        });
        let alg = |alg: Alg| Some([alg].into_iter().collect::<AlgSet>());
        assert_eq!(
            said,
            [
                (token.to_owned(), alg(Alg::ES256)),
                (token.to_owned(), alg(Alg::ES256)),
                (token.to_owned(), alg(Alg::ES256)),
                (
                    "private_key_jwt tls_client_auth".to_owned(),
                    alg(Alg::EdDSA)
                ),
                ("none".to_owned(), None),
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_an_endpoint_that_logins_do_without_is_told_to_whoever_asks_for_it() {
        let metadata = with("introspection_endpoint", json!("http://id.example/i"));
        assert_eq!(
            metadata.fault(Endpoint::Introspection).unwrap().cause(),
            "`introspection_endpoint` must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] \
             only), got \"http://id.example/i\""
        );
        assert_eq!(
            metadata.endpoint(Endpoint::Introspection, Transport::Tls),
            None
        );
        assert_eq!(metadata.fault(Endpoint::Revocation), None);
    }

    #[test]
    fn a_repeated_member_is_refused() {
        let text = Value::Object(right()).to_string();
        let text = text.replacen('{', r#"{"issuer":"https://id.example","#, 1);
        let failed = Metadata::parse(text.as_bytes(), &issuer()).unwrap_err();
        assert_eq!(failed.check(), Check::MetadataMalformed);
    }

    #[test]
    fn configured_metadata_is_told_all_its_faults_at_once() {
        let mut metadata = right();
        metadata.insert("issuer".into(), "https://id.example/".into());
        metadata.insert("jwks_uri".into(), "keys".into());
        metadata.insert("token_endpoint".into(), "https://u:hush@id.example".into());
        metadata.insert("response_types_supported".into(), "code".into());
        metadata.remove("authorization_endpoint");
        let faults = Metadata::from_members(metadata, &issuer()).unwrap_err();
        let faults: Vec<_> = faults.iter().map(|f| (f.check(), f.cause())).collect();
        assert_eq!(
            faults,
            [
                (
                    Check::ProviderIssuer,
                    "expected \"https://id.example\", got \"https://id.example/\""
                ),
                (
                    Check::MetadataMalformed,
                    "`authorization_endpoint` is missing"
                ),
                (
                    Check::MetadataMalformed,
                    "`token_endpoint` must not hold a user name or password"
                ),
                (
                    Check::MetadataMalformed,
                    "`jwks_uri` must be an absolute URL such as https://id.example.com, got \"keys\""
                ),
                (
                    Check::MetadataMalformed,
                    "`response_types_supported` is not a list of texts"
                ),
            ]
        );
        assert!(Metadata::from_members(right(), &issuer()).is_ok());
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
