//! What a gate's settings from outside its code come to.

use super::GateBuilder;
use crate::{
    Bearer, ConfigError, ForwardAuth, Provider, ProviderMetadata,
    config::{Family, Said, Settings},
    core::gate::{Requirement, RuleKind, TrustedProxies, email_domain, email_in, group},
};

impl GateBuilder {
    /// Takes over what was said, in the place of what was set so far.
    pub(crate) fn said(mut self, said: Settings) -> Self {
        let value = |text: &Option<Said<String>>| text.as_ref().map(|said| said.value.clone());
        let client = said.client();
        if let Some(issuer) = &said.issuer_url {
            if self.is_embedded() {
                (self.http, self.issuer, self.client) = (None, None, None);
            }
            match self.providers.as_mut_slice() {
                [provider] => provider.issuer = issuer.value.clone(),
                _ => self.issuer = Some(issuer.value.clone()),
            }
        }
        match (client, self.providers.as_mut_slice()) {
            (Some(Ok((id, auth))), [provider]) => {
                (provider.client_id, provider.auth) = (id, auth);
            }
            (Some(client), _) => self.client = Some(client),
            (None, _) => {}
        }
        self.base_url = value(&said.base_url).or(self.base_url);
        if let Some(files) = &said.ca_file {
            self.ca_files.clone_from(&files.value);
        }
        self.cookie_domain = value(&said.cookie_domain).or(self.cookie_domain);
        if let Some(scopes) = &said.scopes {
            self.scopes = Some(scopes.value.clone());
        }
        if let Some(mode) = &said.response_mode {
            self.response_mode = Some(mode.value);
        }
        if let Some(groups) = &said.groups_at {
            self.groups_at = groups.value.clone();
        }
        if let Some(same_site) = &said.same_site {
            self.policy.same_site = same_site.value;
        }
        if let Some(lifetime) = &said.cookie_lifetime {
            self.cookie_lifetime = lifetime.value;
        }
        self.keeping.said(&said, &mut self.problems);
        self.said_of_sign_out(&said);
        if let Some(keys) = &said.cookie_secret {
            self.keys = Some(Ok(keys.value.clone()));
        }
        if let Some(prefix) = &said.prefix {
            self.policy.prefix = prefix.value.clone();
        }
        if let Some(origins) = &said.return_to_origins {
            self.return_to_origins.extend(origins.value.iter().cloned());
        }
        self.limits = match (&said.session_idle, &said.session_lifetime, self.limits) {
            (None, None, limits) => limits,
            (idle, lifetime, limits) => {
                let (default_idle, default_lifetime) = limits.unwrap_or(DEFAULT_LIMITS);
                let lifetime = lifetime
                    .as_ref()
                    .map_or(default_lifetime, |said| said.value);
                // Who shortens the one and is silent about the other means no contradiction.
                let idle = idle
                    .as_ref()
                    .map_or(default_idle.min(lifetime), |said| said.value);
                Some((idle, lifetime))
            }
        };
        for (pattern, kind) in said.all_rules() {
            self.policy = self.policy.rule(pattern, kind);
        }
        self.policy.polling.extend(
            said.polling
                .iter()
                .flat_map(|said| said.value.iter().cloned()),
        );
        self.policy
            .json
            .extend(said.json.iter().flat_map(|said| said.value.iter().cloned()));
        self.policy
            .json
            .extend(said.more_json.iter().map(|said| said.value.clone()));
        if let Some(requirement) = said.admission() {
            self = self.admit(requirement);
        }
        if let Some(networks) = &said.open_to {
            self.policy.open_to = Some(networks.value.clone());
        }
        if let Some(proxies) = &said.trusted_proxies {
            let header = said
                .client_address_from
                .as_ref()
                .map(|said| said.value)
                .unwrap_or_default();
            self = self.trusted_proxies(TrustedProxies::from(proxies.value.clone()).header(header));
        }
        if let Some(audiences) = &said.bearer_audiences {
            let bearer = audiences
                .value
                .iter()
                .fold(None, |bearer: Option<Bearer>, audience| match bearer {
                    Some(bearer) => Some(bearer.or_audience(audience)),
                    None => Some(Bearer::audience(audience)),
                });
            self.bearers.extend(bearer);
        }
        self.bearers
            .extend(said.bearers.iter().map(|said| said.value.clone()));
        if let Some(then) = &said.invalid_bearer {
            self = self.invalid_bearer(then.value);
        }
        let dialects = [
            (&said.forward_auth_nginx, ForwardAuth::nginx()),
            (&said.forward_auth_traefik, ForwardAuth::traefik()),
            (&said.forward_auth_caddy, ForwardAuth::caddy()),
            (&said.forward_auth_envoy, ForwardAuth::envoy()),
        ];
        // No setting says it. Where there can be several issuers, answers name them.
        let several = self.bearers.iter().any(Bearer::names_issuer);
        for (peers, dialect) in dialects {
            if let Some(peers) = peers {
                let dialect = match several {
                    true => dialect.name_issuers(),
                    false => dialect,
                };
                let dialect = match is_set(&said.forward_auth_access_token) {
                    true => dialect.pass_access_token(),
                    false => dialect,
                };
                self = self.forward_auth(dialect.trust(peers.value.clone()));
            }
        }
        if let (Some(token), true) = (
            &said.forward_auth_access_token,
            self.forward_auth.is_empty(),
        ) {
            self.problems.push(format!(
                "{}: without a proxy that asks; say which, as in {}",
                token.place,
                token.place.beside("forward_auth_nginx")
            ));
        }
        if let Some(page) = &said.sign_in_page {
            self = self.sign_in_page(page.value);
        }
        if let Some(who) = &said.metrics_endpoint {
            self = self.metrics_endpoint(who.value.clone());
        }
        if let Some(realm) = &said.realm {
            self = self.realm(&realm.value);
        }
        let flag = |said: &Option<Said<bool>>| said.as_ref().map(|said| said.value);
        self = self.said_of_logouts(
            flag(&said.backchannel_logout),
            flag(&said.frontchannel_logout),
        );
        if is_set(&said.pass_preflights) {
            self = self.pass_preflights();
        }
        if is_set(&said.pass_own_cookies) {
            self = self.pass_own_cookies();
        }
        if let Some(headers) = &said.identity_headers {
            self = self.identity_headers(headers.value.clone());
        }
        if let Some(headers) = &said.identity_response_headers {
            self = self.identity_response_headers(headers.value.clone());
        }
        self.problems.extend(said.problems.iter().cloned());
        self.problems.extend(said.half_of_the_metadata());
        self.said = Box::new(said);
        self
    }
}

#[cfg(feature = "config")]
impl GateBuilder {
    /// What would be wrong with the gate, but for what is wrong already with these settings.
    pub(crate) fn rehearse(self) -> Vec<String> {
        let said = self.said.clone();
        let Err(error) = self.assemble() else {
            return Vec::new();
        };
        let told = told(&error, &said);
        let problems = told
            .problems()
            .filter(|problem| !problem.starts_with("http_client"));
        problems.map(String::from).collect()
    }
}

fn is_set(said: &Option<Said<bool>>) -> bool {
    said.as_ref().is_some_and(|said| said.value)
}

/// Those of a gate of which nothing is said.
const DEFAULT_LIMITS: (std::time::Duration, std::time::Duration) = (
    std::time::Duration::from_secs(24 * 3600),
    std::time::Duration::from_secs(7 * 24 * 3600),
);

impl Settings {
    fn all_rules(&self) -> impl Iterator<Item = (crate::Pattern, RuleKind)> {
        let simple = [
            (&self.open, RuleKind::Open),
            (&self.bypass, RuleKind::Bypass),
            (&self.protect, RuleKind::Protect),
        ];
        let simple = simple.into_iter().flat_map(|(said, kind)| {
            let patterns = said.iter().flat_map(|said| said.value.iter().cloned());
            patterns.map(move |pattern| (pattern, kind.clone()))
        });
        simple.chain(self.rules.iter().map(|said| said.value.clone()))
    }

    /// Who may use the application at all: whoever has one of the addresses, and is in one of the groups.
    fn admission(&self) -> Option<Requirement> {
        let texts = |said: &Option<Said<Vec<String>>>| {
            said.iter()
                .flat_map(|said| said.value.clone())
                .collect::<Vec<_>>()
        };
        let below = |domain: String| match domain.strip_prefix('.') {
            Some(above) => format!("*.{above}"),
            None => domain,
        };
        let domains = texts(&self.allowed_email_domains)
            .into_iter()
            .map(|domain| email_domain(below(domain)));
        let mut addresses = texts(&self.allowed_emails);
        addresses.extend(texts(&self.allowed_emails_file));
        let listed = (!addresses.is_empty()).then(|| email_in(addresses));
        let by_address = domains.chain(listed).reduce(Requirement::or);
        let by_group = texts(&self.allowed_groups)
            .into_iter()
            .map(group)
            .reduce(Requirement::or);
        by_address
            .into_iter()
            .chain(by_group)
            .reduce(Requirement::and)
    }

    /// Endpoints of a provider that is not asked for its metadata, and not all of those that are needed.
    fn half_of_the_metadata(&self) -> Option<String> {
        let needed = ["authorization_endpoint", "token_endpoint", "jwks_uri"];
        let more = ["userinfo_endpoint", "end_session_endpoint"];
        let one = needed.iter().chain(&more).find_map(|key| self.place(key))?;
        let missing: Vec<_> = needed
            .iter()
            .filter(|key| self.place(key).is_none())
            .map(|key| one.beside(key))
            .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "{one}: without {}; say where everything is, or let the provider say it",
                missing.join(" and ")
            )
        })
    }

    /// What was said of the provider, over what the code says of it.
    pub(crate) fn over(&self, mut provider: Provider) -> Provider {
        macro_rules! set {
            ($($field:ident),*) => {$(
                if let Some(said) = &self.$field {
                    provider = provider.$field(said.value.clone());
                }
            )*};
        }
        set!(
            discovery_url,
            id_token_alg,
            claims_from,
            email,
            keep_claims,
            drop_claims,
            prompt,
            acr_values,
            max_age,
            ui_locales,
            resource,
            leeway
        );
        macro_rules! places {
            ($($field:ident),*) => {$(
                if let Some(said) = &self.$field {
                    provider.claims.$field = said.value.clone();
                }
            )*};
        }
        places!(
            roles_at,
            email_at,
            name_at,
            username_at,
            danger_trust_unverified_email
        );
        if let Some(age) = &self.key_cache_age {
            provider = provider.key_cache(age.value);
        }
        for audience in self.trusted_audiences.iter().flat_map(|said| &said.value) {
            provider = provider.trust_audience(audience);
        }
        if is_set(&self.danger_accept_logout_without_exp) {
            provider = provider.danger_accept_logout_without_exp();
        }
        match self.metadata() {
            Some(metadata) => provider.metadata(metadata),
            None => provider,
        }
    }

    /// What the provider would have published.
    fn metadata(&self) -> Option<ProviderMetadata> {
        let (authorization, token, keys) = (
            self.authorization_endpoint.as_ref()?,
            self.token_endpoint.as_ref()?,
            self.jwks_uri.as_ref()?,
        );
        let mut metadata = ProviderMetadata::new(&authorization.value, &token.value, &keys.value);
        if let Some(url) = &self.userinfo_endpoint {
            metadata = metadata.userinfo_endpoint(&url.value);
        }
        if let Some(url) = &self.end_session_endpoint {
            metadata = metadata.end_session_endpoint(&url.value);
        }
        Some(metadata)
    }

    /// What is told of a builder's setting, told of the place where it was said.
    pub(crate) fn tell(&self, problem: &str) -> String {
        if let (Some(issuer), true) = (&self.issuer_url, problem.starts_with("client: missing")) {
            return format!(
                "{}: missing; {} is set, so say who this application is there",
                issuer.place.beside("client_id"),
                issuer.place,
            );
        }
        if let Some(family) = self.asked_by
            && let Some((_, ours, theirs)) = MISSING
                .iter()
                .find(|(begins, ..)| problem.starts_with(begins))
        {
            return match family {
                Family::Own => (*ours).to_owned(),
                Family::OAuth2Proxy => (*theirs).to_owned(),
            };
        }
        let named = NAMES.iter().find_map(|(builder, key)| {
            let rest = problem.strip_prefix(builder)?;
            Some((self.place(key)?, rest))
        });
        if let Some((place, rest)) = named {
            return match rest.strip_prefix(':') {
                Some(rest) => format!("{place}:{rest}"),
                // The rest shows the value.
                None if problem.starts_with("admit: ") => format!("{place}:{rest}"),
                None => format!("{place}: {}", problem),
            };
        }
        // Whose it is stands at its end.
        let asks = ["nginx", "traefik", "caddy", "envoy"]
            .into_iter()
            .find(|name| {
                problem.starts_with("forward_auth")
                    && problem.to_lowercase().contains(&format!("where {name} "))
            });
        if let Some(place) = asks.and_then(|name| self.place(&format!("forward_auth_{name}"))) {
            return format!("{place}: {problem}");
        }
        let bearer = self.bearers.iter().find(|said| {
            let rest = problem.strip_prefix(&said.value.name());
            rest.is_some_and(|rest| rest.starts_with(':'))
        });
        match bearer
            .map(|said| &said.place)
            .or_else(|| self.place_of_rule(problem))
        {
            Some(place) => format!("{place}: {problem}"),
            None => problem.to_owned(),
        }
    }

    /// Where the rule was said that a problem begins with.
    fn place_of_rule(&self, problem: &str) -> Option<&crate::config::Place> {
        let begins = |kind: &str, pattern: &crate::Pattern| {
            let rest = problem
                .strip_prefix(kind)
                .and_then(|rest| rest.strip_prefix('('));
            let rest = rest.and_then(|rest| rest.strip_prefix(&pattern.to_string()));
            rest.is_some_and(|rest| rest.starts_with([')', ',']))
        };
        let listed = [
            ("open", &self.open),
            ("bypass", &self.bypass),
            ("protect", &self.protect),
            ("json", &self.json),
            ("polling", &self.polling),
        ];
        let listed = listed.into_iter().find_map(|(kind, said)| {
            let said = said.as_ref()?;
            said.value
                .iter()
                .any(|pattern| begins(kind, pattern))
                .then_some(&said.place)
        });
        let ruled = self
            .rules
            .iter()
            .find(|said| begins(said.value.1.name(), &said.value.0))
            .map(|said| &said.place);
        let json = self
            .more_json
            .iter()
            .find(|said| begins("json", &said.value))
            .map(|said| &said.place);
        listed.or(ruled).or(json)
    }
}

/// What the builder says is missing, and how it is said from outside the code, in our names and in oauth2-proxy's.
const MISSING: &[(&str, &str, &str)] = &[
    (
        "issuer: missing",
        "issuer_url: missing; set it, or OIDC_GATE_ISSUER_URL, to the provider's address",
        "oidc_issuer_url: missing; set it, or OAUTH2_PROXY_OIDC_ISSUER_URL, to the provider's address",
    ),
    (
        "client: missing",
        "client_id: missing; set it, or OIDC_GATE_CLIENT_ID, as registered at the provider",
        "client_id: missing; set it, or OAUTH2_PROXY_CLIENT_ID, as registered at the provider",
    ),
    (
        "base_url: missing",
        "base_url: missing; set it, or OIDC_GATE_BASE_URL, to where browsers find the application",
        "redirect_url: missing; set it, or OAUTH2_PROXY_REDIRECT_URL, to where browsers find the application",
    ),
    (
        "cookie_keys: missing",
        "cookie_secret: missing; make one with `openssl rand -base64 32` and set it, or OIDC_GATE_COOKIE_SECRET",
        "cookie_secret: missing; make one with `openssl rand -base64 32` and set it, or OAUTH2_PROXY_COOKIE_SECRET",
    ),
];

/// What the builder and the provider call the settings in what they say is wrong.
const NAMES: &[(&str, &str)] = &[
    ("issuer", "issuer_url"),
    ("client: the client id", "client_id"),
    ("client", "client_id"),
    ("scopes", "scopes"),
    ("base_url", "base_url"),
    ("cookie_keys", "cookie_secret"),
    ("cookie_domain", "cookie_domain"),
    ("ca_pem_file", "ca_file"),
    ("session_limits", "session_lifetime"),
    ("session_limits", "session_idle"),
    ("store: a local cache", "store_local_cache"),
    ("coordinator: a local cache", "store_local_cache"),
    ("store", "store"),
    ("coordinator", "coordinator"),
    ("refresh", "refresh_every"),
    ("guarantee", "guarantees"),
    ("backchannel_logout", "backchannel_logout"),
    ("frontchannel_logout", "frontchannel_logout"),
    ("return_to_origin", "return_to_origins"),
    ("prefix", "prefix"),
    ("discovery_url", "discovery_url"),
    (
        "metadata: `authorization_endpoint`",
        "authorization_endpoint",
    ),
    ("metadata: `token_endpoint`", "token_endpoint"),
    ("metadata: `jwks_uri`", "jwks_uri"),
    ("metadata: `userinfo_endpoint`", "userinfo_endpoint"),
    ("metadata: `end_session_endpoint`", "end_session_endpoint"),
    ("metadata", "authorization_endpoint"),
    ("id_token_alg", "id_token_alg"),
    ("acr_values", "acr_values"),
    ("max_age", "max_age"),
    ("ui_locales", "ui_locales"),
    ("resource", "resource"),
    ("trust_audience", "trusted_audiences"),
    ("leeway", "leeway"),
    ("key_cache", "key_cache_age"),
    ("groups_at", "groups_at"),
    ("roles_at", "roles_at"),
    ("email_at", "email_at"),
    ("name_at", "name_at"),
    ("username_at", "username_at"),
    ("keep_claims", "keep_claims"),
    ("drop_claims", "drop_claims"),
    ("prompt", "prompt"),
    ("bearer", "bearer_audiences"),
    (
        "forward_auth: \"x-auth-request-access-token\"",
        "forward_auth_access_token",
    ),
    ("realm", "realm"),
    ("admit: email_domain", "allowed_email_domains"),
    ("admit: email", "allowed_emails"),
    ("admit: email", "allowed_emails_file"),
    ("admit: group", "allowed_groups"),
    ("identity_headers", "identity_headers"),
    ("identity_response_headers", "identity_response_headers"),
];

/// What is wrong, told by the names that the settings were said by; each once, and nothing of what could not be read.
pub(super) fn told(error: &ConfigError, said: &Settings) -> ConfigError {
    let concerns = |problem: &str, key: &str| {
        let mut names = NAMES.iter().filter(|(_, of)| *of == key);
        names.any(|(builder, _)| problem.starts_with(builder))
    };
    // Who the client is was said as well as could be read.
    let client = match said.failed.iter().any(|key| key.starts_with("client_")) {
        true => said.client().and_then(Result::err),
        false => None,
    };
    let is_news = |problem: &&str| {
        // It may stand where nothing could be read.
        let is_unread = said.unread && problem.contains(": missing");
        !is_unread
            && client.as_deref() != Some(*problem)
            && !said.failed.iter().any(|key| concerns(problem, key))
    };
    let news = error.problems().filter(is_news);
    let mut problems: Vec<_> = news.map(|problem| said.tell(problem)).collect();
    problems.dedup();
    ConfigError::new(problems)
}
