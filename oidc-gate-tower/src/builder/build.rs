//! From settings to a gate: every problem at once, or all that a gate holds.

use super::{GateBuilder, Http, logout::Listing, said::told};
use crate::{
    ClientCert, ConfigError, Gate, Provider, SignOut, SystemClock,
    answer::Answers,
    bearer::{Accepted, Own, Verifier, World},
    config_error::without_userinfo,
    cookie_keys::InForce,
    core::{
        client_auth::{Client, Method},
        gate::{Accepts, Endpoint, Policy},
        login::{Places, Registration, ResponseMode, check_claims_source, check_compatible},
        session::{CookieDomain, CookieKeys, CookieNames, KeyOrigin, Lifetimes, SameSite},
        url::{BaseUrl, Issuer, Origin},
    },
    endpoint::Submits,
    forward_auth::Forward,
    gate::{Common, Inner},
    http_client::http_client,
    metrics::{Metrics, MetricsEndpoint},
    outside::Outside,
    pages::{Branding, Pages},
    passing::{Callers, Issuers},
    ports::DynHttpClient,
    provider::{KeyCache, MetadataSource},
    remember::Remembered,
    sessions::Sessions,
    tasks::Tasks,
    upstream::Upstream,
};
use std::sync::Arc;

/// What logins and sessions take, each checked by itself.
struct SignIn {
    provider: Provider,
    issuer: Issuer,
    source: MetadataSource,
    base: BaseUrl,
    places: Places,
    domain: Option<CookieDomain>,
    keys: CookieKeys,
    limits: Lifetimes,
    http: Arc<dyn DynHttpClient>,
}

impl GateBuilder {
    /// The gate. Does no IO: the provider is looked up when it is first needed, so an application starts while its
    /// provider is down.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration, each with the setting, the value and what to do.
    pub fn build(self) -> Result<Gate, ConfigError> {
        let said = self.said.clone();
        self.assemble().map_err(|error| told(&error, &said))
    }

    /// As [`build`](Self::build), with the problems in the builder's own names.
    pub(super) fn assemble(mut self) -> Result<Gate, ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        let sign_in = match self.signs_in() {
            true => Some(self.sign_in(&mut problems)),
            false => None,
        };
        // What is broken is among the problems.
        let is_broken = matches!(sign_in, Some(None));
        let sign_in = sign_in.flatten();
        let listing = match sign_in {
            None if !is_broken => Listing::NoSessions,
            _ => self.keeping.listing(),
        };
        problems.extend(self.by_provider.problems(listing));
        let callers = match sign_in {
            None if !is_broken => Callers::ByBearerAlone,
            _ => Callers::BySession(self.keeping.tokens()),
        };
        let bearers = self.accepted_bearers(sign_in.as_ref(), is_broken, &mut problems);
        let base = sign_in.as_ref().map(|with| &with.base);
        let of_tokens = bearers.iter().map(|bearer| &bearer.rules.issuer);
        let issuers = Issuers::of(sign_in.iter().map(|with| &with.issuer).chain(of_tokens));
        let forward = self.forward(base, callers, issuers, &mut problems);
        let policy = self.compile(
            sign_in.as_ref(),
            is_broken,
            !bearers.is_empty(),
            &mut problems,
        );
        let passing = std::mem::take(&mut self.passing).compile(callers, issuers, &mut problems);
        let pages = self.take_pages(&mut problems);
        let http = match &sign_in {
            Some(with) => Some(with.http.clone()),
            None if is_broken => None,
            None => self.http_client_or_default(None, &mut problems),
        };
        let (Some(policy), Some(http), []) = (policy, http, problems.as_slice()) else {
            return Err(ConfigError::new(problems));
        };
        let metrics = Arc::new(Metrics::default());
        let common = Arc::new(Common {
            policy,
            forward,
            proxies: self.proxies.take(),
            clock: self.clock.take().unwrap_or_else(|| Arc::new(SystemClock)),
            tasks: Arc::new(Tasks::new()),
            passing,
            answers: Answers {
                pages,
                metrics: metrics.clone(),
                telling: self.telling,
            },
            metrics,
            metrics_endpoint: std::mem::take(&mut self.metrics_endpoint),
            telling: self.telling,
            #[cfg(feature = "dev-provider")]
            dev: self.dev.take(),
        });
        let sessions = match sign_in {
            Some(with) => Some(Arc::new(self.sessions(with, common.clone())?)),
            None => None,
        };
        let bearer = (!bearers.is_empty()).then(|| {
            let outside = Outside {
                http,
                signer: None,
                metrics: Some(common.metrics.clone()),
                clock: common.clock.clone(),
            };
            let tasks = common.tasks.clone();
            let provider = sessions.as_deref().map(|sessions| &sessions.upstream);
            Arc::new(Verifier::new(bearers, provider, World { outside, tasks }))
        });
        Ok(Gate(Arc::new(Inner {
            common,
            sessions,
            bearer,
        })))
    }

    /// Whether anything is said of logins. The development provider comes with a client for those that want one.
    fn signs_in(&self) -> bool {
        let client = self.client.is_some() && !self.is_embedded();
        let said = client || self.base_url.is_some() || self.keys.is_some();
        said || !self.providers.is_empty() || self.bearers.is_empty()
    }

    /// The bearer tokens that are accepted. Where nobody signs in, the issuer that is set is theirs.
    fn accepted_bearers(
        &mut self,
        sign_in: Option<&SignIn>,
        is_broken: bool,
        problems: &mut Vec<String>,
    ) -> Vec<Accepted> {
        let bearers = std::mem::take(&mut self.bearers);
        let mut rules = sign_in
            .map(|with| with.provider.rules())
            .unwrap_or_default();
        let issuer = match sign_in {
            Some(with) => Some(with.issuer.clone()),
            None if is_broken || bearers.is_empty() => return Vec::new(),
            None => {
                rules.claims.groups_at = std::mem::take(&mut self.groups_at);
                let url = self.issuer.take();
                let had_none = url.is_none();
                let issuer = url.and_then(|url| parse_issuer(&url, problems));
                if issuer.is_none() && !had_none {
                    return Vec::new();
                }
                issuer
            }
        };
        // Where users sign in, it is the provider's, and its problem.
        let said = self.said.key_cache_age.as_ref();
        let said = said.filter(|_| sign_in.is_none());
        let key_cache = said.map_or(KeyCache::default(), |said| KeyCache::of(said.value));
        problems.extend(key_cache.problem());
        let own = issuer.as_ref().map(|issuer| Own {
            issuer,
            rules: &rules,
            signs_in: sign_in.is_some(),
            key_cache,
        });
        let accepted = bearers
            .into_iter()
            .map(|bearer| bearer.accept(own, problems));
        accepted.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn sign_in(&mut self, problems: &mut Vec<String>) -> Option<SignIn> {
        let provider = self.the_provider(problems);
        let provider = provider.map(|provider| self.said.over(provider));
        let issuer = provider.as_ref().and_then(|provider| {
            problems.extend(provider.problems());
            parse_issuer(&provider.issuer, problems)
        });
        let source = provider
            .as_ref()
            .zip(issuer.as_ref())
            .and_then(|(p, issuer)| {
                let source = p
                    .discovery
                    .source(issuer, p.auth.method().map(Method::name));
                source.map_err(|found| problems.extend(found)).ok()
            });
        let base = self.parse_base_url(problems);
        let places = base.as_ref().map(|base| self.places(base, problems));
        let domain = self.parse_cookie_domain(base.as_ref(), problems);
        let keys = self.take_keys(problems);
        let limits = self.lifetimes(problems);
        let origin = keys
            .as_ref()
            .map_or(KeyOrigin::Configured, CookieKeys::origin);
        problems.extend(self.keeping.problems(origin));
        let certificate = provider.as_ref().and_then(|p| p.auth.certificate.clone());
        let http = self.http_client_or_default(certificate, problems);
        Some(SignIn {
            provider: provider?,
            issuer: issuer?,
            source: source?,
            base: base?,
            places: places?,
            domain,
            keys: keys?,
            limits: limits?,
            http: http?,
        })
    }

    fn sessions(&mut self, with: SignIn, common: Arc<Common>) -> Result<Sessions, ConfigError> {
        let SignIn {
            provider,
            base,
            keys,
            ..
        } = with;
        if keys.origin() == KeyOrigin::Ephemeral && base.is_secure() {
            tracing::warn!(
                "the cookie keys were made at start: everybody is signed out by a restart, and replicas do not \
                 understand each other; configure them with CookieKeys::parse"
            );
        }
        let callback = callback(&provider);
        let redirect_uri = format!(
            "{}{}",
            base.origin(),
            common.policy.endpoint_path(&callback)
        );
        let mut rules = provider.rules();
        rules.claims.demanded = self.demanded_claims.take();
        let mode = provider.request.response_mode;
        let same_site = common.policy.same_site();
        let names = cookie_names(&provider.client_id, &base, same_site, mode, with.domain)
            .lifetime(self.cookie_lifetime);
        let id_token_alg = provider.registered_alg();
        let no_expiry = provider.no_expiry;
        let signer = provider.auth.signer;
        let client = Client::new(provider.client_id, provider.auth.choice);
        let mut registration = Registration::new(client, redirect_uri, &provider.request.scopes);
        registration.id_token_alg = id_token_alg;
        registration.response_mode = mode;
        registration.wishes = provider.request.wishes();
        if let MetadataSource::Known(metadata) = &with.source
            && let Err(failed) = check_compatible(metadata, &registration)
                .and_then(|()| check_claims_source(metadata, rules.claims.source))
        {
            let cause = failed.cause();
            return Err(ConfigError::new(vec![format!(
                "metadata: {cause}; no login would succeed, so correct it or leave the member out"
            )]));
        }
        let outside = Outside {
            http: with.http,
            signer,
            clock: common.clock.clone(),
            metrics: Some(common.metrics.clone()),
        };
        let tasks = common.tasks.clone();
        let asked_by_a_proxy = common.forward.is_some();
        let hint = self.sign_out.how == SignOut::AtProvider;
        Ok(Sessions {
            common,
            keys: InForce::new(keys, self.keeping.remembered.0),
            names,
            base,
            places: with.places,
            keeping: std::mem::take(&mut self.keeping).keeping(with.limits, asked_by_a_proxy, hint),
            upstream: Upstream::new(
                with.issuer,
                with.source,
                provider.key_cache,
                registration,
                rules,
                outside,
                tasks,
            ),
            callback,
            used_states: Remembered::new(MAX_USED_STATES),
            submits: Submits::default(),
            start_params: provider.request.start_params(),
            sign_in_page: self.sign_in_page,
            no_expiry,
            sign_out: self.sign_out,
        })
    }

    fn forward(
        &mut self,
        base: Option<&BaseUrl>,
        callers: Callers,
        issuers: Issuers,
        problems: &mut Vec<String>,
    ) -> Option<Forward> {
        let mut proxies = std::mem::take(&mut self.forward_auth).into_iter();
        let proxy = proxies.next()?;
        if proxies.next().is_some() {
            problems.push(
                "forward_auth: set more than once; a gate answers one kind of proxy, so build a gate for each"
                    .to_owned(),
            );
        }
        let prefix = format!("{}{}", base.map_or("", BaseUrl::path), self.policy.prefix);
        let domain = self.cookie_domain.as_deref();
        Forward::new(&proxy, &prefix, domain, callers, issuers)
            .map_err(|found| problems.extend(found))
            .ok()
    }

    fn parse_base_url(&self, problems: &mut Vec<String>) -> Option<BaseUrl> {
        let Some(url) = &self.base_url else {
            problems.push(
                "base_url: missing; set .base_url(\"https://…\") to where browsers find it"
                    .to_owned(),
            );
            return None;
        };
        let base = BaseUrl::parse(url)
            .map_err(|problem| {
                let url = without_userinfo(url);
                problems.push(format!(
                    "base_url: {url:?} {problem}; session cookies are bound to it"
                ));
            })
            .ok()?;
        // What other libraries are given, and would be appended once more.
        let callback = format!("{}/callback", self.policy.prefix);
        if base.path().ends_with(&callback) {
            problems.push(format!(
                "base_url: {url:?} is the redirect URI; leave {callback} out, the gate appends it"
            ));
        }
        Some(base)
    }

    fn places(&self, base: &BaseUrl, problems: &mut Vec<String>) -> Places {
        let mut places = Places::new(base.clone(), &self.policy.prefix);
        for url in &self.return_to_origins {
            let problem = match Origin::parse(url) {
                Ok(origin) if origin.is_secure() || !base.is_secure() => {
                    places = places.allow(origin);
                    continue;
                }
                Ok(_) => "must begin with https://, as base_url does".to_owned(),
                Err(problem) => problem.to_string(),
            };
            let url = without_userinfo(url);
            problems.push(format!(
                "return_to_origin: {url:?} {problem}; logins may lead to any page there"
            ));
        }
        places
    }

    fn parse_cookie_domain(
        &self,
        base: Option<&BaseUrl>,
        problems: &mut Vec<String>,
    ) -> Option<CookieDomain> {
        let domain = self.cookie_domain.as_deref()?;
        CookieDomain::parse(domain, base?)
            .map_err(|problem| problems.push(format!("cookie_domain: {domain:?} {problem}")))
            .ok()
    }

    fn take_keys(&mut self, problems: &mut Vec<String>) -> Option<CookieKeys> {
        let missing = || {
            Err(
                "cookie_keys: missing; make a secret with `openssl rand -base64 32` and set \
                 .cookie_keys(CookieKeys::parse(…)?)"
                    .to_owned(),
            )
        };
        let keys = self.keys.take().unwrap_or_else(missing);
        keys.map_err(|problem| problems.push(problem)).ok()
    }

    fn lifetimes(&self, problems: &mut Vec<String>) -> Option<Lifetimes> {
        let Some((idle, absolute)) = self.limits else {
            return Some(Lifetimes::default());
        };
        let limits = Lifetimes::new(idle, absolute);
        if limits.is_none() {
            let told = |limit: std::time::Duration| match limit.is_zero() {
                true => "0s".to_owned(),
                false => format!("{limit:?}"),
            };
            let (idle, absolute) = (told(idle), told(absolute));
            problems.push(format!(
                "session_limits: idle {idle}, absolute {absolute}; both have to be at least a second, idle not \
                 longer than absolute, absolute at most 400 days"
            ));
        }
        limits
    }

    fn take_pages(&mut self, problems: &mut Vec<String>) -> Box<dyn Pages> {
        let pages = self
            .pages
            .take()
            .unwrap_or_else(|| Box::new(Branding::default()));
        let found = pages.problems();
        problems.extend(found.iter().map(|problem| format!("pages: {problem}")));
        pages
    }

    fn compile(
        &mut self,
        sign_in: Option<&SignIn>,
        is_broken: bool,
        by_bearer: bool,
        problems: &mut Vec<String>,
    ) -> Option<Policy> {
        let mut settings = std::mem::take(&mut self.policy);
        settings.endpoints = vec![
            Endpoint::Userinfo,
            Endpoint::Auth,
            Endpoint::Ping,
            Endpoint::Ready,
        ];
        if self.metrics_endpoint != MetricsEndpoint::Off {
            settings.endpoints.push(Endpoint::Metrics);
        }
        settings.accepts = match (sign_in.is_some() || is_broken, by_bearer) {
            (true, false) => Accepts::Sessions,
            (true, true) => Accepts::SessionsAndBearer,
            (false, _) => Accepts::Bearer,
        };
        if settings.accepts != Accepts::Bearer {
            settings.endpoints.extend([
                Endpoint::Session,
                Endpoint::SignIn,
                Endpoint::Start,
                sign_in.map_or(Endpoint::Callback(None), |with| callback(&with.provider)),
                Endpoint::SignOut,
                Endpoint::SignedOut,
            ]);
            settings.endpoints.extend(self.by_provider.endpoints());
        }
        if let Some(SignIn { base, .. }) = sign_in {
            settings.base_path = base.path().to_owned();
            settings.origin = Some(base.origin().to_owned());
        }
        Policy::compile(settings)
            .map_err(|found| problems.extend(found.iter().map(ToString::to_string)))
            .ok()
    }

    /// Whether the development provider answers.
    pub(super) fn is_embedded(&self) -> bool {
        self.http.as_ref().is_some_and(Http::is_embedded)
    }

    /// The one provider, from whichever way it was said.
    fn the_provider(&mut self, problems: &mut Vec<String>) -> Option<Provider> {
        let embedded = self.is_embedded();
        match (self.issuer.take(), self.client.take(), self.providers.as_mut_slice()) {
            (Some(issuer), Some(Ok((id, auth))), [provider]) if embedded => {
                provider.move_to(issuer, id, auth);
            }
            (None, None, [_, ..]) => {}
            (None, Some(Err(problem)), [_, ..]) => problems.push(problem),
            (_, _, [_, ..]) => problems.push(
                "provider: set beside issuer or client, which are short for one; give them to Provider::unnamed"
                    .to_owned(),
            ),
            (Some(issuer), Some(Ok((id, auth))), []) => {
                self.providers.push(Provider::unnamed(issuer, id, auth));
            }
            (Some(issuer), client, []) => {
                parse_issuer(&issuer, problems);
                problems.push(client.and_then(Result::err).unwrap_or_else(|| {
                    CLIENT_MISSING.to_owned()
                }));
            }
            (None, Some(client), []) => {
                problems.push("issuer: missing; set .issuer(\"https://…\") to the provider's address".to_owned());
                problems.extend(client.err());
            }
            (None, None, []) => problems.extend([
                "issuer: missing; set .issuer(\"https://…\") to the provider's address".to_owned(),
                CLIENT_MISSING.to_owned(),
            ]),
        }
        if self.providers.len() > 1 {
            problems.push(
                "provider: more than one; a gate signs in with one provider so far".to_owned(),
            );
        }
        let mut provider = self.providers.pop()?;
        if let Some(scopes) = self.scopes.take() {
            provider.request.scopes = scopes;
        }
        if let Some(mode) = self.response_mode {
            provider.request.response_mode = mode;
        }
        if !self.groups_at.is_empty() {
            provider.claims.groups_at = std::mem::take(&mut self.groups_at);
        }
        Some(provider)
    }

    fn http_client_or_default(
        &mut self,
        certificate: Option<ClientCert>,
        problems: &mut Vec<String>,
    ) -> Option<Arc<dyn DynHttpClient>> {
        let own = self.http.take().map(|http| match http {
            Http::Own(http) => http,
            #[cfg(feature = "dev-provider")]
            Http::Embedded(http) => http,
        });
        http_client(own, &self.ca_files, certificate, problems).map(Into::into)
    }
}

const CLIENT_MISSING: &str = "client: missing; set .client(\"…\", ClientAuth::client_secret_basic(…)) as registered at the provider";

fn callback(provider: &Provider) -> Endpoint {
    Endpoint::Callback(provider.in_paths())
}

fn cookie_names(
    client_id: &str,
    base: &BaseUrl,
    same_site: SameSite,
    mode: ResponseMode,
    domain: Option<CookieDomain>,
) -> CookieNames {
    let mut names = CookieNames::derive(client_id, base).same_site(same_site);
    if mode == ResponseMode::FormPost {
        names = names.logins_are_posted();
    }
    match domain {
        Some(domain) => names.shared(client_id, domain),
        None => names,
    }
}

pub(crate) fn parse_issuer(url: &str, problems: &mut Vec<String>) -> Option<Issuer> {
    let issuer = Issuer::parse(url)
        .map_err(|problem| problems.push(format!("issuer: {:?} {problem}", without_userinfo(url))))
        .ok()?;
    if url.contains("/.well-known/") {
        problems.push(format!(
            "issuer: {url:?} is where the metadata lies; give what the document there calls `issuer`"
        ));
        return None;
    }
    Some(issuer)
}

/// For a quarter of an hour each.
const MAX_USED_STATES: usize = 1 << 16;
