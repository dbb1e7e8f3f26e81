//! The one table of settings: each with its name, what it is, and its reader.

use super::{
    keeping::{self, KeptAt},
    parse, sign_out,
    value::{Family, Place, Said, Value, variable_of},
};
use crate::core::{
    claims::{ClaimPath, ClaimsSource, EmailRule},
    gate::{AddressHeader, IdentityHeaders, InvalidBearer, Pattern, RuleKind},
    login::{Prompt, ResponseMode},
    peers::Peers,
    secret::ClientSecret,
    session::{CookieKeys, CookieLifetime, KeepTokens, SameSite},
};
use crate::{
    Bearer, Guarantee, MetricsEndpoint, SignOut, SiteData, Store, TokensAtSignOut,
    pages::SignInPage,
};
use std::{ffi::OsString, time::Duration};

/// One row of the table.
pub(crate) struct Setting<S> {
    /// Its name in a file; in the environment it is `OIDC_GATE_` and this in capitals.
    pub(crate) key: &'static str,
    #[cfg(test)]
    pub(crate) doc: &'static str,
    /// Whether it is a secret, and may stand in a file of its own, which `<key>_file` names.
    pub(crate) secret: bool,
    pub(crate) read: fn(&mut S, Said<Value>) -> Result<(), String>,
    /// Where it was said.
    pub(crate) place: fn(&S) -> Option<&Place>,
}

/// A struct of settings, and the table of its fields: the first sentence of each is its line in the documentation.
macro_rules! settings {
    (
        $(#[doc = $about:literal])* struct $Settings:ident;
        $(#[doc = $doc:literal] $name:ident: $type:ty = $read:expr $(, $secret:ident)?;)*
        $(beside { $($(#[doc = $more_doc:literal])* $more:ident: $more_type:ty,)* })?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Default)]
        pub(crate) struct $Settings {
            $(#[doc = $doc] pub(crate) $name: Option<$crate::config::value::Said<$type>>,)*
            $($($(#[doc = $more_doc])* pub(crate) $more: $more_type,)*)?
        }

        impl $Settings {
            /// Every setting, in the order of the documentation.
            pub(crate) const ALL: &'static [$crate::config::settings::Setting<Self>] = &[$(
                $crate::config::settings::Setting {
                    key: stringify!($name),
                    #[cfg(test)]
                    doc: $doc,
                    secret: settings!(@secret $($secret)?),
                    read: |settings, said| {
                        settings.$name = Some(said.read($read)?);
                        Ok(())
                    },
                    place: |settings| settings.$name.as_ref().map(|said| &said.place),
                },
            )*];
        }
    };
    (@secret) => { false };
    (@secret secret) => { true };
}
#[cfg(feature = "config")]
pub(crate) use settings;

settings! {
    /// What was said about a gate, each value with its place.
    struct Settings;

    /// the provider: its issuer identifier, exactly as it writes it itself
    issuer_url: String = parse::text;
    /// who this application is there
    client_id: String = parse::text;
    /// the client's secret
    client_secret: ClientSecret = parse::secret, secret;
    /// how the client proves itself: `client_secret_basic` (the default), `client_secret_post`, `client_secret_jwt`, `private_key_jwt`, `tls_client_auth`, `self_signed_tls_client_auth`, `none`, or `automatic`: the strongest that the provider lists and the other settings have what it takes for, a certificate being one by an authority
    client_auth: String = parse::text;
    /// the client's private key: for `private_key_jwt` in PEM or JWK form, for mutual TLS in PEM
    client_key_file: String = parse::text;
    /// the client's certificate for mutual TLS, in PEM
    client_cert_file: String = parse::text;
    /// the name of the key (`kid`), if the provider knows it by one
    client_key_id: String = parse::text;
    /// what the key signs with, where it leaves a choice: `PS256`; for `client_secret_jwt` `HS256`, `HS384` or `HS512`
    client_key_alg: String = parse::text;
    /// the scopes, separated by spaces; `openid profile email` unless set
    scopes: Vec<String> = parse::words;
    /// files with certificate authorities to trust beside the system's when talking to the provider, in PEM
    ca_file: Vec<String> = parse::list;
    /// where browsers find the application: `https://app.example.com`
    base_url: String = parse::text;
    /// base64 of 32 random bytes or more; of several, separated by commas, the first seals and all open
    cookie_secret: CookieKeys = parse::cookie_keys, secret;
    /// `query` (the default) or `form_post`: how the provider hands its answers back
    response_mode: ResponseMode = parse::response_mode;
    /// `lax` (the default) or `strict`: whether sessions are kept from other sites' links
    same_site: SameSite = parse::same_site;
    /// `persistent` (the default) or `browser_session`: whether a browser keeps a session when it is closed
    cookie_lifetime: CookieLifetime = parse::cookie_lifetime;
    /// one login for all hosts of this domain
    cookie_domain: String = parse::text;
    /// how long a session may stay unused: `24h`
    session_idle: Duration = parse::duration;
    /// how long a session may live at all: `7d`
    session_lifetime: Duration = parse::duration;
    /// where sessions are kept: `cookies` (the default), `memory`, or in Redis, which replicas share: `redis://user:password@cache.example.com:6379`; `redis-cluster://…` and `redis-sentinel://…` are further kinds, `rediss…` is over TLS
    store: KeptAt = keeping::kept_at, secret;
    /// for sessions in cookies, what replicas agree through on refreshes and sign-outs: the address of a Redis, as for `store`
    coordinator: Store = keeping::coordinator, secret;
    /// how long what was read from either may be believed without asking again, up to `1m`: so much later does a replica see what another has done; always asked unless set
    store_local_cache: Duration = parse::duration;
    /// the provider's tokens that a session keeps: `access`, `refresh` and `id`, or `none`; `access, refresh` unless set, and `id` where it has room and sign-outs go to the provider
    keep_tokens: KeepTokens = keeping::keep_tokens;
    /// how long before it ends an access token is renewed, `1m` unless set
    refresh_ahead: Duration = parse::duration;
    /// how old tokens may become before they are renewed, however long they live: how soon a session ends whose user the provider has dropped, where `store` or a shared `coordinator` is set
    refresh_every: Duration = parse::duration;
    /// `provider` (the default) or `here`: how far a sign-out goes; `provider` where that has an `end_session_endpoint`, and `…/oauth2/signed_out` has to be registered there as a `post_logout_redirect_uri`; `here` unless set where oauth2-proxy's names are read
    sign_out: SignOut = sign_out::how;
    /// `revoke` (the default) or `leave`: what becomes of the provider's tokens at a sign-out
    tokens_at_sign_out: TokensAtSignOut = sign_out::tokens;
    /// what a browser is told to forget at a sign-out: `cache`, `cookies`, `storage`, `execution_contexts`; nothing unless set
    clear_site_data: Vec<SiteData> = sign_out::site_data;
    /// what sessions have to have, or the start fails: `one_refresh_in_all_replicas`, `sign_out_in_all_replicas`, `connections_end_in_all_replicas`, `one_time_login_in_all_replicas`, `survives_restart`, `sessions_of_a_user`, `refresh_at_any_time`
    guarantees: Vec<Guarantee> = keeping::guarantees;
    /// `true`: the provider may end sessions by telling `/oauth2/backchannel_logout` so, which is registered there; takes `store`, or a `coordinator` that replicas share
    backchannel_logout: bool = parse::flag;
    /// `true`: the same through the browser, at `/oauth2/frontchannel_logout`; for a provider that cannot do the other
    frontchannel_logout: bool = parse::flag;
    /// `true`: logout tokens without `exp` are taken, for two minutes; for a provider that follows an early draft
    danger_accept_logout_without_exp: bool = parse::flag;
    /// where the gate's own endpoints lie, `/oauth2` unless set
    prefix: String = parse::text;
    /// other origins that a login or a sign-out may lead to: `https://wiki.example.com`
    return_to_origins: Vec<String> = parse::list;
    /// where anyone may pass: `/`, `GET /health`, `/shop/**`, `^/v[12]/.*$`
    open: Vec<Pattern> = parse::patterns;
    /// where the gate stays out of it, written as for `open`
    bypass: Vec<Pattern> = parse::patterns;
    /// where whoever is signed in may pass, inside of what is open
    protect: Vec<Pattern> = parse::protected;
    /// where every answer of the gate is JSON and none a redirect
    json: Vec<Pattern> = parse::patterns;
    /// what pages ask by themselves: a request there extends no session
    polling: Vec<Pattern> = parse::protected;
    /// where the provider publishes its metadata, if that is not below its issuer
    discovery_url: String = parse::text;
    /// where a browser is sent to sign in, for a provider that publishes nothing; with `token_endpoint` and `jwks_uri`
    authorization_endpoint: String = parse::text;
    /// where a code becomes tokens
    token_endpoint: String = parse::text;
    /// where the provider's keys are
    jwks_uri: String = parse::text;
    /// how long the provider's keys and metadata may be used before it is asked again, whatever it allows itself; `1m` to `24h`
    key_cache_age: Duration = parse::duration;
    /// where more claims are
    userinfo_endpoint: String = parse::text;
    /// where a browser is sent to sign out
    end_session_endpoint: String = parse::text;
    /// the one algorithm that the provider signs ID tokens for this client with
    id_token_alg: String = parse::text;
    /// `id_token`, `userinfo_when_needed` (the default) or `userinfo_always`: where claims come from
    claims_from: ClaimsSource = parse::claims_source;
    /// where the groups are in the claims, `groups` unless set: the name of a claim, or in a file `[["realm_access", "roles"]]`
    groups_at: Vec<ClaimPath> = parse::claim_places;
    /// where the roles are
    roles_at: Vec<ClaimPath> = parse::claim_places;
    /// where the email address is
    email_at: Vec<ClaimPath> = parse::claim_places;
    /// where the full name is
    name_at: Vec<ClaimPath> = parse::claim_places;
    /// where the short name is
    username_at: Vec<ClaimPath> = parse::claim_places;
    /// `optional` (the default), `present` or `verified`: whether a user has to have an email address
    email: EmailRule = parse::email_rule;
    /// `true`: an address counts as checked of which the provider does not say so. Where users set it themselves, anybody can be anybody
    danger_trust_unverified_email: bool = parse::flag;
    /// the claims to keep beside those that the identity has a field for; all of them unless set
    keep_claims: Vec<String> = parse::list;
    /// the claims not to keep
    drop_claims: Vec<String> = parse::list;
    /// what the user is asked for at every login: `login`, `select_account`, `consent`, `create`
    prompt: Vec<Prompt> = parse::prompts;
    /// the classes of authentication to wish for
    acr_values: Vec<String> = parse::words;
    /// how long ago the user may have signed in at the provider
    max_age: Duration = parse::duration;
    /// the languages of the provider's pages, the best first
    ui_locales: Vec<String> = parse::words;
    /// the APIs that access tokens are for
    resource: Vec<String> = parse::words;
    /// audiences that an ID token may name beside the client
    trusted_audiences: Vec<String> = parse::list;
    /// how far this machine's clock and the provider's may differ, `30s` unless set
    leeway: Duration = parse::duration;
    /// groups of which a user has to be in one, to be let in anywhere that demands a login
    allowed_groups: Vec<String> = parse::names;
    /// domains of which one has to be that of the user's verified address; `.example.com` for what is below it
    allowed_email_domains: Vec<String> = parse::names;
    /// verified addresses that are let in beside those of the domains
    allowed_emails: Vec<String> = parse::names;
    /// a file with more of them, one in each line; read once, at the start
    allowed_emails_file: Vec<String> = parse::emails_file;
    /// proxies that are believed to say from where a client comes: addresses and networks
    trusted_proxies: Peers = parse::peers;
    /// `x-forwarded-for` (the default) or `x-real-ip`: the header in which they say it
    client_address_from: AddressHeader = parse::address_header;
    /// networks whose clients pass without a login where no rule says anything
    open_to: Peers = parse::peers;
    /// `true`: browsers' questions before requests of other origins' pages pass without a login
    pass_preflights: bool = parse::flag;
    /// audiences of the provider's access tokens that are taken as bearer tokens; `[[bearer]]` says more
    bearer_audiences: Vec<String> = parse::names;
    /// `login` (the default), `forbidden` or `challenge`: what a bearer token that is not valid leads to
    invalid_bearer: InvalidBearer = parse::invalid_bearer;
    /// what challenges call the application
    realm: String = parse::text;
    /// `skip` (the default) or `show`: whether whoever opens a page that demands a login sees the sign-in page first
    sign_in_page: SignInPage = parse::sign_in_page;
    /// who gets `metrics` below the prefix: `off` (the default), `anybody`, or addresses and networks
    metrics_endpoint: MetricsEndpoint = parse::metrics_endpoint;
    /// from where an nginx with `auth_request` asks: addresses and networks
    forward_auth_nginx: Vec<String> = parse::list;
    /// from where a Traefik with ForwardAuth asks
    forward_auth_traefik: Vec<String> = parse::list;
    /// from where a Caddy with `forward_auth` asks
    forward_auth_caddy: Vec<String> = parse::list;
    /// from where an Envoy with `ext_authz` asks
    forward_auth_envoy: Vec<String> = parse::list;
    /// `true`: the answers to these proxies have an access token of the user's in `X-Auth-Request-Access-Token`
    forward_auth_access_token: bool = parse::flag;
    /// headers of requests that tell the application who the caller is: `forwarded` for `X-Forwarded-User` and the like, `auth_request`, or in a file a table: `{ "X-User" = "subject", "X-Department" = "claim:department", "Authorization" = "Bearer access_token" }`
    identity_headers: IdentityHeaders = parse::identity_headers;
    /// the same in the application's answers, for a proxy in front, which has to take them off
    identity_response_headers: IdentityHeaders = parse::identity_headers;
    /// `true`: the application sees the gate's own cookies, which are kept from it otherwise: who reads a session's can be the user
    pass_own_cookies: bool = parse::flag;

    beside {
        /// The rules of a file's `[[rule]]` tables, and those of oauth2-proxy's routes.
        rules: Vec<Said<(Pattern, RuleKind)>>,
        /// Where answers are JSON, beside `json`.
        more_json: Vec<Said<Pattern>>,
        /// The tokens of `[[bearer]]` tables, and of oauth2-proxy's issuers.
        bearers: Vec<Said<Bearer>>,
        /// What cannot be meant.
        problems: Vec<String>,
        /// What was said and could not be read: it is not missing.
        failed: Vec<&'static str>,
        /// Whether a source could not be read, which may say what is missing.
        unread: bool,
        /// In whose names what is missing is told, where all of it comes from outside the code.
        asked_by: Option<Family>,
    }
}

impl Settings {
    /// What the environment says in our own names. An empty variable counts as absent, as in a compose file with a blank.
    pub(crate) fn from_variables<V: Into<OsString>>(var: impl Fn(&str) -> Option<V>) -> Self {
        let text = |name: &str| match var(name).map(|value| value.into().into_string()) {
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(format!("{name}: {NO_UNICODE}")),
            None => Ok(None),
        };
        let mut settings = Self::default();
        for setting in Self::ALL {
            let name = variable_of(setting.key);
            let both = text(&name).and_then(|value| Ok((value, text(&format!("{name}_FILE"))?)));
            let said = both.and_then(|(value, file)| {
                said_or_filed(setting, name, value.map(Value::Text), file)
            });
            let read = said.and_then(|said| match said {
                Some(said) => (setting.read)(&mut settings, said),
                None => Ok(()),
            });
            if let Err(problem) = read {
                settings.problems.push(problem);
                settings.failed.push(setting.key);
            }
        }
        settings
    }

    /// Whether fewer are let in than sign in at the provider.
    #[cfg(feature = "config")]
    pub(crate) fn is_restricted(&self) -> bool {
        let keys = [
            "allowed_groups",
            "allowed_email_domains",
            "allowed_emails",
            "allowed_emails_file",
        ];
        // What could not be read was meant.
        let is_meant = |key: &&str| self.place(key).is_some() || self.failed.contains(key);
        keys.iter().any(is_meant)
    }

    /// Where the setting was said.
    pub(crate) fn place(&self, key: &str) -> Option<&Place> {
        let setting = Self::ALL.iter().find(|setting| setting.key == key)?;
        (setting.place)(self)
    }
}

/// What is wrong with a variable of other bytes, none of which are shown: they may be a secret.
pub(crate) const NO_UNICODE: &str = "is no Unicode; write it anew";

/// What a variable says, or the file that a variable names.
fn said_or_filed<S>(
    setting: &Setting<S>,
    name: String,
    value: Option<Value>,
    file: Option<String>,
) -> Result<Option<Said<Value>>, String> {
    let value = value.filter(|value| !value.is_blank());
    let file = file.filter(|path| setting.secret && !path.trim().is_empty());
    match (value, file) {
        (Some(_), Some(_)) => Err(format!(
            "{name}_FILE: {name} says it too; keep one of the two"
        )),
        (Some(value), None) => Ok(Some(Said::new(value, Place::variable(name, Family::Own)))),
        (None, Some(path)) => {
            let place = Place::variable(format!("{name}_FILE"), Family::Own);
            Said::new(path, place)
                .read(|path| secret_file(&path))
                .map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// A secret that stands in a file of its own, without the space around it: editors and `echo` end a file with a line break.
pub(crate) fn secret_file(path: &str) -> Result<Value, String> {
    let path = path.trim();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    match text.trim() {
        "" => Err(format!("{path:?} is empty; it has to hold the secret")),
        secret => Ok(Value::Text(secret.to_owned())),
    }
}
