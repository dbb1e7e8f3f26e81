//! The provider's metadata ([OpenID Connect Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).

use super::endpoint::{About, Endpoint};
use crate::check::{Check, CheckFailed, quote};
use crate::flow::Transport;
use crate::jose::{Alg, AlgSet, json};
use crate::url::{EndpointUrl, Issuer, UrlError};
use serde_json::{Map, Value};
use std::cell::RefCell;

/// What a provider publishes about itself, as far as the gate uses it.
#[derive(Clone, Debug)]
pub struct Metadata {
    issuer: Issuer,
    authorization_endpoint: EndpointUrl,
    token_endpoint: EndpointUrl,
    token: About,
    pushed: About,
    device: About,
    introspection: About,
    revocation: About,
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
    /// [`Check::MetadataMalformed`] if it is not a JSON object that names each member once, lacks a member, or has one
    /// of the wrong type or with an address that is not https (loopback: http). [`Check::ProviderIssuer`] if it names
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
        // http is for a provider on this machine; one elsewhere has no business naming an address here, where the client's
        // secret would go.
        let members = Members {
            members,
            is_remote: issuer.as_str().starts_with("https://"),
            faults: RefCell::default(),
        };
        members.expect_issuer(issuer);
        let required = (
            members.required_url("authorization_endpoint"),
            members.required_url("token_endpoint"),
            members.required_url("jwks_uri"),
        );
        let [token, pushed, device, introspection, revocation] =
            Endpoint::ALL.map(|endpoint| members.about(endpoint));
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
        match (required, Faults::of(members.faults.into_inner())) {
            ((Some(authorization_endpoint), Some(token_endpoint), Some(jwks_uri)), None) => {
                let token = About {
                    url: Some(token_endpoint.clone()),
                    ..token
                };
                Ok(Self {
                    issuer: issuer.clone(),
                    authorization_endpoint,
                    token_endpoint,
                    token,
                    pushed,
                    device,
                    introspection,
                    revocation,
                    jwks_uri,
                    userinfo_endpoint,
                    end_session_endpoint,
                    id_token_algs,
                    response_modes,
                    response_types,
                    code_challenge_methods,
                    promises_iss,
                    takes_claims,
                })
            }
            (_, faults) => Err(faults.unwrap_or_else(|| Faults(malformed("incomplete"), vec![]))),
        }
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
    pub fn auth_methods(&self, endpoint: Endpoint) -> Vec<&str> {
        const BASIC: &str = "client_secret_basic";
        let listed = |endpoint| self.about(endpoint).auth_methods.as_ref();
        let methods = listed(endpoint).or_else(|| listed(Endpoint::Token));
        let mut methods: Vec<&str> = match methods {
            Some(methods) => methods.iter().map(String::as_str).collect(),
            None => vec![BASIC],
        };
        let by_default = endpoint == Endpoint::Revocation && listed(endpoint).is_none();
        if by_default && !methods.contains(&BASIC) {
            methods.push(BASIC);
        }
        methods
    }

    /// How authorization responses may come back; `query` and `fragment` where the provider does not say.
    pub fn response_modes(&self) -> &[String] {
        &self.response_modes
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

/// What is wrong with a document: the first fault, and the others.
struct Faults(CheckFailed, Vec<CheckFailed>);

impl Faults {
    fn of(faults: Vec<CheckFailed>) -> Option<Self> {
        let mut faults = faults.into_iter();
        faults.next().map(|first| Self(first, faults.collect()))
    }
}

/// Reads each member by itself and writes down what is wrong with it, so that one fault does not hide the next.
struct Members {
    members: Map<String, Value>,
    is_remote: bool,
    faults: RefCell<Vec<CheckFailed>>,
}

impl Members {
    fn fault<T>(&self, fault: CheckFailed) -> Option<T> {
        self.faults.borrow_mut().push(fault);
        None
    }

    /// [RFC 8414 § 3.3](https://www.rfc-editor.org/rfc/rfc8414#section-3.3): identical, or nothing of it is used.
    fn expect_issuer(&self, issuer: &Issuer) {
        match self.get("issuer").map(Value::as_str) {
            Some(Some(named)) if named == issuer.as_str() => {}
            Some(Some(named)) => drop(self.fault::<()>(CheckFailed::new(
                Check::ProviderIssuer,
                format!("expected {}, got {}", quote(issuer.as_str()), quote(named)),
            ))),
            Some(None) => drop(self.fault::<()>(wrong("issuer", "is not text"))),
            None => drop(self.fault::<()>(missing("issuer"))),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn required_url(&self, name: &str) -> Option<EndpointUrl> {
        match self.get(name) {
            Some(_) => self.url(name),
            None => self.fault(missing(name)),
        }
    }

    fn url(&self, name: &str) -> Option<EndpointUrl> {
        let Some(text) = self.get(name)?.as_str() else {
            return self.fault(wrong(name, "is not text"));
        };
        self.url_of(name, text)
    }

    fn url_of(&self, name: &str, text: &str) -> Option<EndpointUrl> {
        match EndpointUrl::parse(text) {
            Ok(url) if self.is_remote && !url.as_str().starts_with("https://") => self.fault(
                wrong(name, "is http, and the issuer is not on this machine"),
            ),
            Ok(url) => Some(url),
            // It may hold a password.
            Err(error @ UrlError::Userinfo) => self.fault(wrong(name, &error.to_string())),
            Err(error) => self.fault(wrong(name, &format!("{error}, got {}", quote(text)))),
        }
    }

    /// The address under which an endpoint asks for certificates, if it has one.
    fn mtls_alias(&self, name: &str) -> Option<EndpointUrl> {
        const ALIASES: &str = "mtls_endpoint_aliases";
        let Some(aliases) = self.get(ALIASES)?.as_object() else {
            return self.fault(wrong(ALIASES, "is not an object"));
        };
        let alias = aliases.get(name).filter(|alias| !alias.is_null())?;
        let Some(text) = alias.as_str() else {
            return self.fault(wrong(ALIASES, "holds what is not text"));
        };
        self.url_of(ALIASES, text)
    }

    /// What is said of an endpoint, and of how clients authenticate there. Requests are pushed and devices ask as at the
    /// token endpoint, so nothing is registered for these two.
    fn about(&self, endpoint: Endpoint) -> About {
        let member = endpoint.member();
        let before = self.faults.borrow().len();
        let (auth_methods, auth_algs) = match endpoint {
            Endpoint::PushedAuthorizationRequest | Endpoint::DeviceAuthorization => (None, None),
            Endpoint::Token | Endpoint::Introspection | Endpoint::Revocation => (
                self.list(&format!("{member}_auth_methods_supported")),
                self.list(&format!("{member}_auth_signing_alg_values_supported")),
            ),
        };
        let about = About {
            // That of tokens is required, and has been read as such.
            url: match endpoint {
                Endpoint::Token => None,
                _ => self.url(member),
            },
            mtls_alias: self.mtls_alias(member),
            auth_methods,
            auth_algs: auth_algs
                .map(|names| names.iter().filter_map(|n| Alg::from_name(n)).collect()),
            fault: None,
        };
        match endpoint {
            Endpoint::Token => about,
            // Nobody has to be kept from signing in by what is wrong with an endpoint that a login does without.
            _ => About {
                fault: self.faults.borrow_mut().drain(before..).next(),
                ..about
            },
        }
    }

    fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.get(name)?.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>()
        });
        items.or_else(|| self.fault(wrong(name, "is not a list of texts")))
    }

    fn flag(&self, name: &str) -> bool {
        let flag = self.get(name).map(Value::as_bool);
        match flag {
            Some(Some(flag)) => flag,
            Some(None) => self
                .fault(wrong(name, "is neither true nor false"))
                .unwrap_or_default(),
            None => false,
        }
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
            assert_eq!(metadata.auth_methods(endpoint), ["client_secret_basic"]);
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

    #[test]
    fn each_endpoint_takes_what_its_own_list_or_the_default_says() {
        let metadata = with(
            "token_endpoint_auth_methods_supported",
            json!(["private_key_jwt"]),
        );
        let methods = Endpoint::ALL.map(|endpoint| metadata.auth_methods(endpoint).join(" "));
        let token = "private_key_jwt";
        assert_eq!(
            methods,
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
            (metadata.auth_methods(endpoint).join(" "), algs)
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
