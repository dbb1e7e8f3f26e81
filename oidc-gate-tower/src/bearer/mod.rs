//! Bearer tokens, as an application configures them.

mod sight;
mod verified;
mod verifier;

pub(crate) use sight::{Sight, Unusable};
pub(crate) use verifier::{Verifier, World};

use crate::{
    builder::parse_issuer,
    config_error::without_userinfo,
    core::{
        claims::{ClaimMap, ClaimPath, ClaimRules, EmailRule},
        jose::{Alg, AlgSet},
        login::SignInRules,
        provider::IssuerMetadata,
        resource::{BasicTokens, BearerKind, Marker, Profile, ScopeForm, TokenRules},
        url::{EndpointUrl, Issuer},
    },
    provider::{KeyCache, MetadataSource, Provider},
};
use serde_json::{Map, Value};
use std::time::Duration;

/// Which bearer tokens a gate accepts: [`GateBuilder::bearer`](crate::GateBuilder::bearer).
///
/// There is none without an audience: what an issuer writes into the `aud` of tokens that are meant for this service. Without
/// an [`issuer`](Self::issuer), it is the provider that users sign in with, and what its claims mean is said there.
///
/// Access tokens have to be JWTs as [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068) profiles them: `typ` is `at+jwt`, and
/// `iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti` are there. For an issuer that writes other tokens, say by
/// [`untyped`](Self::untyped) what marks them:
///
/// | issuer | is configured by |
/// |---|---|
/// | Auth0, "RFC 9068" chosen for the API | `Bearer::audience("https://api.example.com")`, `.client_tokens(Marker::value("gty", "client-credentials"))` |
/// | Auth0, its own profile | the same and `.untyped(Marker::present("scope"))` |
/// | Microsoft Entra, users | `Bearer::audience("<client id of the API>")`, `.untyped(Marker::present("scp"))`, `.scopes_at("scp")` |
/// | Microsoft Entra, programs | `.untyped(Marker::value("idtyp", "app"))`, `.client_tokens(Marker::value("idtyp", "app"))`, `.roles_at("roles")`, with the optional claim `idtyp` |
/// | Keycloak | an audience mapper, `.untyped(Marker::value("typ", "Bearer"))`, `.roles_at(["realm_access", "roles"])` |
/// | Amazon Cognito | `Bearer::audience("<client id>")`, `.untyped(Marker::value("token_use", "access"))`, `.client_id_is_audience()`, `.groups_at("cognito:groups")` |
/// | Google | its access tokens are opaque; `Bearer::audience("<client id>")`, `.id_tokens()` takes its ID tokens |
///
/// ```
/// use oidc_gate_tower::{Bearer, Gate, Marker};
///
/// // Nobody signs in here: no client, no base URL, no cookie keys.
/// let gate = Gate::builder()
///     .bearer(Bearer::audience("greeter").issuer("https://id.example.com"))
///     .bearer(
///         Bearer::audience("8f1c…")
///             .issuer("https://login.microsoftonline.com/4d7e…/v2.0")
///             .untyped(Marker::present("scp"))
///             .scopes_at("scp"),
///     )
///     .build()?;
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
///
/// # Security
///
/// A bearer token is good in anybody's hands until it expires, and nobody is asked about it meanwhile: let the issuer make
/// them for minutes. Tokens that are bound to a key (`cnf`) are refused, because their proof would not be looked at.
///
/// A token may be a [client's own](crate::core::identity::IdentityKind). Where only users may pass, say so:
/// [`user`](crate::user).
#[derive(Clone, Debug)]
#[must_use]
pub struct Bearer {
    issuer: Option<String>,
    audiences: Vec<String>,
    kind: BearerKind,
    markers: Vec<Marker>,
    algs: Option<Vec<Alg>>,
    leeway: Option<Duration>,
    claims: Option<ClaimRules>,
    scopes_at: Vec<String>,
    scope_form: ScopeForm,
    client_tokens: Vec<Marker>,
    client_id_is_audience: bool,
    basic: BasicTokens,
    discovery_url: Option<String>,
    jwks_uri: Option<String>,
    key_cache: KeyCache,
}

impl Bearer {
    /// Tokens that are meant for this audience: the name of this service at the issuer.
    pub fn audience(audience: impl Into<String>) -> Self {
        Self {
            issuer: None,
            audiences: vec![audience.into()],
            kind: BearerKind::default(),
            markers: Vec::new(),
            algs: None,
            leeway: None,
            claims: None,
            scopes_at: Vec::new(),
            scope_form: ScopeForm::default(),
            client_tokens: Vec::new(),
            client_id_is_audience: false,
            basic: BasicTokens::default(),
            discovery_url: None,
            jwks_uri: None,
            key_cache: KeyCache::default(),
        }
    }

    /// Or for this one.
    pub fn or_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Who issues them, exactly as it writes itself in `iss`; the gate's provider unless set.
    pub fn issuer(mut self, url: impl Into<String>) -> Self {
        self.issuer = Some(url.into());
        self
    }

    /// ID tokens in the place of access tokens, for clients that have nothing else; see [`BearerKind::IdToken`].
    ///
    /// # Security
    ///
    /// An ID token says to a client who has signed in. Whoever runs another service that gets it can use it here, as long as
    /// it lives: name as audience a client that is this application's own.
    pub fn id_tokens(mut self) -> Self {
        self.kind = BearerKind::IdToken;
        self
    }

    /// Access tokens of another `typ` than `at+jwt`, or of none, which have this marker. May be called several times; one of
    /// the markers is enough.
    ///
    /// # Security
    ///
    /// The marker is all that keeps the issuer's ID tokens out, and with them every user of every other client whose tokens
    /// name this audience. A claim that ID tokens have too is refused by `build`. What is certainly something else (`events`,
    /// `nonce`, `at_hash`, …) never passes.
    pub fn untyped(mut self, marker: Marker) -> Self {
        self.markers.push(marker);
        self
    }

    /// With which algorithms they may be signed; every asymmetric one unless set.
    pub fn algs(mut self, algs: impl IntoIterator<Item = Alg>) -> Self {
        self.algs = Some(algs.into_iter().collect());
        self
    }

    /// How far the clocks of the issuer and of this machine may be apart; 30 seconds unless set, five minutes at most.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = Some(leeway);
        self
    }

    /// Where the scopes are; the claim `scope` unless set. Microsoft and Okta write `scp`.
    pub fn scopes_at(mut self, claim: impl Into<String>) -> Self {
        self.scopes_at.push(claim.into());
        self
    }

    /// Scopes may be a list, too, as some issuers write them.
    pub fn scope_lists(mut self) -> Self {
        self.scope_form = ScopeForm::TextOrList;
        self
    }

    /// What beside `sub` being the client's id marks a token that a client got for itself, so that it is not taken for a
    /// user's: see [`Identity::kind`](crate::Identity::kind).
    pub fn client_tokens(mut self, marker: Marker) -> Self {
        self.client_tokens.push(marker);
        self
    }

    /// A token without `aud` is meant for the client that its `client_id` names, as Amazon Cognito has it. Takes
    /// [`untyped`](Self::untyped).
    ///
    /// # Security
    ///
    /// Then whoever is given a token of that client's can use it here.
    pub fn client_id_is_audience(mut self) -> Self {
        self.client_id_is_audience = true;
        self
    }

    /// A token may come in `Basic`, too, for clients that know nothing else: as the user, without a password or with
    /// `x-oauth-basic`, or as the password. Holds for the tokens of every issuer.
    pub fn also_in_basic(mut self) -> Self {
        self.basic = BasicTokens::Taken;
        self
    }

    /// Where the issuer publishes its metadata, if not where the specifications put it; as
    /// [`Provider::discovery_url`].
    pub fn discovery_url(mut self, url: impl Into<String>) -> Self {
        self.discovery_url = Some(url.into());
        self
    }

    /// Where the issuer's keys are, for one that publishes no metadata.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// For how long the issuer's keys and metadata may be used before it is asked for them again; as
    /// [`Provider::key_cache`].
    pub fn key_cache(mut self, age: Duration) -> Self {
        self.key_cache = KeyCache::of(age);
        self
    }
}

/// What the claims mean, as for a [`Provider`]. Without any of these, it is what is said of the provider where the issuer is
/// the provider; with one of them, none of that holds here.
impl Bearer {
    /// As [`Provider::groups_at`].
    pub fn groups_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.own_claims().groups_at.push(place.into());
        self
    }

    /// As [`Provider::roles_at`].
    pub fn roles_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.own_claims().roles_at.push(place.into());
        self
    }

    /// As [`Provider::email_at`].
    pub fn email_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.own_claims().email_at.push(place.into());
        self
    }

    /// As [`Provider::name_at`].
    pub fn name_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.own_claims().name_at.push(place.into());
        self
    }

    /// As [`Provider::username_at`].
    pub fn username_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.own_claims().username_at.push(place.into());
        self
    }

    /// As [`Provider::email`]; a token that does not say it is not accepted.
    pub fn email(mut self, rule: EmailRule) -> Self {
        self.own_claims().email = rule;
        self
    }

    /// As [`Provider::danger_trust_unverified_email`].
    ///
    /// # Security
    ///
    /// As there: where users can set their address themselves, this lets anybody be anybody.
    pub fn danger_trust_unverified_email(mut self) -> Self {
        self.own_claims().danger_trust_unverified_email = true;
        self
    }

    /// As [`Provider::map_claims`].
    ///
    /// # Security
    ///
    /// As there: what it writes decides like what the issuer said.
    pub fn map_claims(
        mut self,
        change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static,
    ) -> Self {
        self.own_claims().map = Some(ClaimMap::new(change));
        self
    }

    fn own_claims(&mut self) -> &mut ClaimRules {
        self.claims.get_or_insert_default()
    }
}

/// The issuer of those that name none.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) issuer: &'a Issuer,
    /// What is said of its tokens where users sign in with it.
    pub(crate) rules: &'a SignInRules,
    /// Whether they do, so that its keys are known already.
    pub(crate) signs_in: bool,
    /// How long its keys may be used, where they are not known already.
    pub(crate) key_cache: KeyCache,
}

/// A [`Bearer`] that was found to be right.
pub(crate) struct Accepted {
    pub(crate) rules: TokenRules,
    /// Where the keys are, of an issuer that is not the provider.
    pub(crate) source: Option<MetadataSource<IssuerMetadata>>,
    /// How long they may be used.
    pub(crate) key_cache: KeyCache,
    pub(crate) basic: BasicTokens,
}

impl Bearer {
    /// What it is called where something is wrong with it.
    pub(crate) fn name(&self) -> String {
        let audience = self.audiences.first().map_or("", |name| name);
        format!("bearer {audience:?}")
    }

    /// Whether its tokens may be of another issuer than the gate's provider.
    pub(crate) fn names_issuer(&self) -> bool {
        self.issuer.is_some()
    }

    /// Checks what was said, beside the issuer of those that name none.
    pub(crate) fn accept(
        self,
        provider: Option<Own<'_>>,
        problems: &mut Vec<String>,
    ) -> Option<Accepted> {
        let before = problems.len();
        let name = self.name();
        let issuer = match (&self.issuer, provider) {
            (Some(url), _) => {
                let mut found = Vec::new();
                let issuer = parse_issuer(url, &mut found);
                problems.extend(found.iter().map(|problem| format!("{name}: {problem}")));
                issuer?
            }
            (None, Some(own)) => own.issuer.clone(),
            (None, None) => {
                problems.push(format!(
                    "{name}: issuer: missing; nobody signs in here, so say whose tokens are meant with .issuer(\"https://…\")"
                ));
                return None;
            }
        };
        let own = provider.filter(|own| *own.issuer == issuer);
        let mut problem = |text: String| problems.push(format!("{name}: {text}"));
        let source = self.source(own.is_some_and(|own| own.signs_in), &mut problem);
        if let Some(found) = self.key_cache.problem() {
            problem(found);
        }
        let key_cache = own.map_or(self.key_cache, |own| self.key_cache.and(own.key_cache));
        if self
            .leeway
            .is_some_and(|leeway| leeway > Provider::MAX_LEEWAY)
        {
            problem("leeway: at most five minutes; set the clocks right".to_owned());
        }
        let mut audiences = self.audiences.into_iter();
        let mut rules = TokenRules::new(issuer, audiences.next().unwrap_or_default());
        for audience in audiences {
            rules = rules.or_audience(audience);
        }
        rules.kind = self.kind;
        if !self.markers.is_empty() {
            rules.profile = Profile::Marked(self.markers);
        }
        if let Some(algs) = self.algs {
            rules.algs = algs.into_iter().collect::<AlgSet>();
        }
        if let Some(leeway) = self.leeway.or(own.map(|own| own.rules.leeway)) {
            rules.leeway = leeway;
        }
        if let Some(Own {
            rules: of_logins, ..
        }) = own
        {
            rules.claims = of_logins.claims.clone();
            rules.provider.clone_from(&of_logins.provider);
        }
        if let Some(claims) = self.claims {
            rules.claims = claims;
        }
        rules.scopes_at = self.scopes_at;
        rules.scope_form = self.scope_form;
        rules.client_tokens = self.client_tokens;
        rules.client_id_is_audience = self.client_id_is_audience;
        for found in rules.problems() {
            problem(found);
        }
        (problems.len() == before).then_some(Accepted {
            rules,
            source,
            key_cache,
            basic: self.basic,
        })
    }

    fn source(
        &self,
        is_own: bool,
        problem: &mut impl FnMut(String),
    ) -> Option<MetadataSource<IssuerMetadata>> {
        let mut parse = |name: &str, url: &String| {
            EndpointUrl::parse(url)
                .map_err(|wrong| problem(format!("{name}: {:?} {wrong}", without_userinfo(url))))
                .ok()
        };
        let at = (self.discovery_url.as_ref()).and_then(|url| parse("discovery_url", url));
        let keys = self
            .jwks_uri
            .as_ref()
            .and_then(|url| parse("jwks_uri", url));
        let said = self.discovery_url.is_some() || self.jwks_uri.is_some();
        if said && is_own {
            problem(
                "discovery_url, jwks_uri: the issuer is the provider, whose metadata is said of the Provider"
                    .to_owned(),
            );
        }
        if self.key_cache.is_set() && is_own {
            problem(
                "key_cache: the issuer is the provider, of whom it is said by Provider::key_cache"
                    .to_owned(),
            );
        }
        if self.discovery_url.is_some() && self.jwks_uri.is_some() {
            problem("discovery_url, jwks_uri: keep one of the two".to_owned());
        }
        match (is_own, at, keys) {
            (true, ..) => None,
            (false, _, Some(keys)) => Some(MetadataSource::Known(std::sync::Arc::new(
                IssuerMetadata::at(keys),
            ))),
            (false, Some(url), None) => Some(MetadataSource::At(url)),
            (false, None, None) => Some(MetadataSource::WellKnown),
        }
    }
}
