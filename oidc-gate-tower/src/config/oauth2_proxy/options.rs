//! Every option of oauth2-proxy 7.15, and what becomes of it.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Said, Value},
    },
    Options, bearers, cookies, provider, redis, routes,
};

/// An option.
pub(in super::super) struct Opt {
    /// The flag, without its dashes.
    pub(in super::super) flag: &'static str,
    pub(in super::super) shape: Shape,
    /// What it is unless it is said; saying just that changes nothing.
    pub(in super::super) default: &'static str,
    pub(in super::super) means: Means,
    /// What becomes of it: a line of the report, of the problem, and of the guide.
    pub(in super::super) text: &'static str,
}

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Shape {
    One,
    /// Several: the name has an `s` at its end in a file and in the environment.
    Many,
    /// True or false.
    Flag,
}

/// What becomes of it.
#[derive(Clone, Copy)]
pub(in super::super) enum Means {
    /// It is this setting of ours.
    Same(&'static str),
    /// It is this setting of ours, or none, and the text says what is different.
    Changed(Option<&'static str>),
    /// It is read by this.
    By(fn(&mut Reader, Said<Value>, &Options) -> Result<(), String>),
    /// Another option reads it along.
    Part,
    /// It has no meaning here, and leaving it out weakens nothing.
    Absent,
    /// It cannot be left out silently.
    Refused,
}

impl Opt {
    /// The name in a file; in the environment the same in capitals.
    pub(in super::super) fn name(&self) -> String {
        let name = self.flag.replace('-', "_");
        match self.shape {
            // Those are called the same however many there are.
            Many if !name.ends_with("_regex") && !name.ends_with('s') => name + "s",
            _ => name,
        }
    }

    /// By the name in the plural, or by the name of the flag.
    pub(super) fn is_called(&self, key: &str) -> bool {
        key == self.name() || key == self.flag.replace('-', "_")
    }

    /// Whether just the default is said. A blank says nothing and has not come this far.
    pub(super) fn is_default(&self, value: &Value) -> bool {
        match (self.shape, value) {
            (Flag, value) => parse::flag(value.clone())
                .is_ok_and(|said| (if said { "true" } else { "false" }) == self.default),
            (One, Value::Text(text)) => !self.default.is_empty() && text.trim() == self.default,
            (Many, value) => {
                !self.default.is_empty()
                    && parse::list(value.clone()).is_ok_and(|list| list == [self.default])
            }
            _ => false,
        }
    }
}

const fn opt(
    flag: &'static str,
    shape: Shape,
    default: &'static str,
    means: Means,
    text: &'static str,
) -> Opt {
    Opt {
        flag,
        shape,
        default,
        means,
        text,
    }
}

use Means::{Absent, By, Changed, Part, Refused, Same};
use Shape::{Flag, Many, One};

const NO_LOG: &str = "the proxy writes one log to its standard output, and whatever runs it keeps and turns it; an application around the gate decides with `tracing`";
const NO_PAGES: &str = "the proxy shows the gate's own plain pages, and no setting changes them; a program of one's own around the library gives them a name, a colour and links with `GateBuilder::pages(Branding::new(…))`";
const NO_SECURE_METRICS: &str = "metrics have no TLS of their own: metrics_address is for where nobody listens; `metrics_endpoint` of our own names says who gets /oauth2/metrics, with the certificate of that port";
const GROUPS: &str = "members are looked up at one company's API, which the gate does not ask; let the provider put groups into a claim, name it with oidc_groups_claim, and use allowed_groups";
const NOT_ASKED: &str = "one company's API is not asked; remove it";

/// The table, by what the options are about.
pub(in super::super) const OPTIONS: &[Opt] = &[
    // The provider and its client.
    opt(
        "provider",
        One,
        "oidc",
        By(provider::provider),
        "`oidc`, `keycloak-oidc`, `google`, `gitlab`, `entra-id`, `adfs` and `cidaas` are OpenID providers and taken; others are refused",
    ),
    opt("oidc-issuer-url", One, "", Same("issuer_url"), ""),
    opt("client-id", One, "", Same("client_id"), ""),
    opt("client-secret", One, "", Same("client_secret"), ""),
    opt(
        "client-secret-file",
        One,
        "",
        Same("client_secret_file"),
        "read once, at the start",
    ),
    opt(
        "scope",
        One,
        "",
        Same("scopes"),
        "without it `openid profile email`, and `groups` where allowed_groups are set",
    ),
    opt(
        "prompt",
        One,
        "",
        Same("prompt"),
        "`none` is refused: nobody could sign in",
    ),
    opt(
        "approval-prompt",
        One,
        "force",
        Absent,
        "no OpenID provider knows it; use prompt",
    ),
    opt("acr-values", One, "", Same("acr_values"), ""),
    opt(
        "auth-request-response-mode",
        One,
        "",
        Same("response_mode"),
        "`query` or `form_post`",
    ),
    opt(
        "code-challenge-method",
        One,
        "S256",
        Absent,
        "every login uses PKCE with S256",
    ),
    opt(
        "force-code-challenge-method",
        One,
        "S256",
        Absent,
        "every login uses PKCE with S256",
    ),
    opt(
        "insecure-oidc-skip-nonce",
        Flag,
        "false",
        Absent,
        "the nonce is always checked",
    ),
    opt(
        "insecure-oidc-skip-issuer-verification",
        Flag,
        "false",
        Refused,
        "tokens of any issuer are not believed; name the issuer of the one tenant that is meant",
    ),
    opt(
        "insecure-oidc-allow-unverified-email",
        Flag,
        "false",
        Same("danger_trust_unverified_email"),
        "an address of which the provider says nothing counts as not verified here",
    ),
    opt(
        "skip-oidc-discovery",
        Flag,
        "false",
        By(provider::skip_discovery),
        "with login_url, redeem_url and oidc_jwks_url, as there",
    ),
    opt(
        "login-url",
        One,
        "",
        By(provider::endpoint),
        "is `authorization_endpoint`, with skip_oidc_discovery alone",
    ),
    opt(
        "redeem-url",
        One,
        "",
        By(provider::endpoint),
        "is `token_endpoint`, with skip_oidc_discovery alone",
    ),
    opt(
        "oidc-jwks-url",
        One,
        "",
        By(provider::endpoint),
        "is `jwks_uri`, with skip_oidc_discovery alone",
    ),
    opt(
        "profile-url",
        One,
        "",
        By(provider::endpoint),
        "is `userinfo_endpoint`, with skip_oidc_discovery alone",
    ),
    opt(
        "oidc-public-key-file",
        Many,
        "",
        Refused,
        "keys are not read from files; let the provider publish them, or serve them at oidc_jwks_url",
    ),
    opt(
        "oidc-enabled-signing-alg",
        Many,
        "",
        By(provider::signing_alg),
        "one algorithm is `id_token_alg`; several are refused",
    ),
    opt(
        "oidc-audience-claim",
        Many,
        "aud",
        Refused,
        "a token says in `aud` whom it is for; no other claim is believed to",
    ),
    opt(
        "oidc-extra-audience",
        Many,
        "",
        Changed(Some("trusted_audiences")),
        "an ID token may name these audiences too, and has to name the client all the same",
    ),
    opt(
        "oidc-email-claim",
        One,
        "email",
        By(provider::email_claim),
        "a name with dots is looked for as it stands, then as a path, as there",
    ),
    opt(
        "oidc-groups-claim",
        One,
        "groups",
        By(provider::groups_claim),
        "a name with dots is looked for as it stands and as a path; what is found in both counts",
    ),
    opt(
        "user-id-claim",
        One,
        "email",
        By(provider::user_id_claim),
        "is what oidc_email_claim is; the user is always `sub`",
    ),
    opt(
        "skip-claims-from-profile-url",
        Flag,
        "false",
        By(provider::skip_profile),
        "is `claims_from = \"id_token\"`",
    ),
    opt(
        "validate-url",
        One,
        "",
        Absent,
        "tokens are checked by their signatures",
    ),
    opt(
        "backend-logout-url",
        One,
        "",
        Absent,
        "it is not called; at a sign-out the session here ends, and its refresh token is revoked. `sign_out = \"provider\"` of our own names leads the browser to the provider's own sign-out",
    ),
    opt(
        "resource",
        One,
        "",
        Refused,
        "it is the azure provider's; use `resource` of our own names for RFC 8707",
    ),
    opt("provider-display-name", One, "", Absent, NO_PAGES),
    opt(
        "provider-ca-file",
        Many,
        "",
        By(provider::ca_files),
        "is `ca_file`, beside the authorities of the system",
    ),
    opt(
        "use-system-trust-store",
        Flag,
        "true",
        Changed(None),
        "the authorities of the system are trusted in any case",
    ),
    opt(
        "ssl-insecure-skip-verify",
        Flag,
        "false",
        Refused,
        "the provider has to prove who it is; name its authority with provider_ca_files",
    ),
    opt(
        "skip-jwt-bearer-tokens",
        Flag,
        "false",
        By(bearers::bearer),
        "ID tokens of the provider for this client or an extra audience are taken as bearer tokens, and access tokens that say `at+jwt`, in `Basic` too",
    ),
    opt(
        "extra-jwt-issuers",
        Many,
        "",
        By(bearers::extra_issuers),
        "issuer=audience: the same for the tokens of other issuers, which have to publish their metadata",
    ),
    opt(
        "bearer-token-login-fallback",
        Flag,
        "true",
        By(bearers::bearer_fallback),
        "`false`: a bearer token that is not valid is answered with 403 on protected paths; open ones stay open",
    ),
    opt("allowed-group", Many, "", Same("allowed_groups"), ""),
    opt(
        "allowed-role",
        Many,
        "",
        Refused,
        "there it reads roles out of access tokens, which are not the client's to read; let the provider put them into a claim of the ID token, name it with `roles_at`, and require a role in a [[rule]]",
    ),
    opt(
        "keycloak-group",
        Many,
        "",
        Refused,
        "it is the keycloak provider's; use allowed_groups",
    ),
    opt("google-group", Many, "", Refused, GROUPS),
    opt("google-admin-email", One, "", Refused, NOT_ASKED),
    opt("google-service-account-json", One, "", Refused, NOT_ASKED),
    opt(
        "google-use-application-default-credentials",
        Flag,
        "false",
        Refused,
        NOT_ASKED,
    ),
    opt(
        "google-use-organization-id",
        Flag,
        "false",
        Refused,
        NOT_ASKED,
    ),
    opt("google-target-principal", One, "", Refused, NOT_ASKED),
    opt("github-org", One, "", Refused, GROUPS),
    opt("github-team", One, "", Refused, GROUPS),
    opt("github-repo", One, "", Refused, GROUPS),
    opt("github-token", One, "", Refused, NOT_ASKED),
    opt("github-user", Many, "", Refused, GROUPS),
    opt(
        "gitlab-group",
        Many,
        "",
        Refused,
        "GitLab puts groups into the claim `groups`: use allowed_groups",
    ),
    opt("gitlab-project", Many, "", Refused, GROUPS),
    opt("bitbucket-team", One, "", Refused, GROUPS),
    opt("bitbucket-repository", One, "", Refused, GROUPS),
    opt(
        "azure-tenant",
        One,
        "common",
        Refused,
        "the azure provider is none of OpenID Connect; name the tenant in oidc_issuer_url: https://login.microsoftonline.com/<tenant>/v2.0",
    ),
    opt("azure-graph-group-field", One, "", Refused, GROUPS),
    opt(
        "entra-id-allowed-tenant",
        Many,
        "",
        Refused,
        "tokens of many issuers are not believed; name the one tenant in oidc_issuer_url: https://login.microsoftonline.com/<tenant>/v2.0",
    ),
    opt(
        "entra-id-federated-token-auth",
        Flag,
        "false",
        Refused,
        "the client does not prove itself by the platform's token; use client_auth = \"private_key_jwt\"",
    ),
    opt(
        "jwt-key",
        One,
        "",
        Refused,
        "a key does not stand in the configuration itself; write it to a file, client_key_file, and set client_auth = \"private_key_jwt\"",
    ),
    opt(
        "jwt-key-file",
        One,
        "",
        Refused,
        "use client_key_file with client_auth = \"private_key_jwt\" of our own names",
    ),
    opt(
        "pubjwk-url",
        One,
        "",
        Refused,
        "it is the login.gov provider's; use client_key_file with client_auth = \"private_key_jwt\"",
    ),
    // Cookies and sessions.
    opt(
        "cookie-secret",
        One,
        "",
        By(cookies::cookie_secret),
        "16, 24 or 32 bytes, as they stand or in base64; from fewer than 32 keys are derived too, and what they guard is as hard to guess as they are: better `openssl rand -base64 32`",
    ),
    opt(
        "cookie-secret-file",
        One,
        "",
        By(cookies::cookie_secret_file),
        "as cookie_secret; read once, at the start",
    ),
    opt(
        "cookie-name",
        One,
        "_oauth2_proxy",
        Absent,
        "cookies are named by the client and the address, so that two gates keep out of each other's",
    ),
    opt(
        "cookie-domain",
        Many,
        "",
        By(cookies::cookie_domain),
        "one domain is `cookie_domain`; several are refused",
    ),
    opt(
        "cookie-path",
        One,
        "/",
        Absent,
        "cookies are for the path of redirect_url",
    ),
    opt(
        "cookie-expire",
        One,
        "",
        By(cookies::cookie_expire),
        "how long a session lives, used or not; `0` is taken for `168h`, because a session ends at some time",
    ),
    opt(
        "cookie-refresh",
        One,
        "0",
        By(cookies::cookie_refresh),
        "is `refresh_every`; tokens are renewed before they end without it, too",
    ),
    opt(
        "cookie-secure",
        Flag,
        "true",
        Absent,
        "cookies are Secure wherever redirect_url is https, and only there",
    ),
    opt(
        "cookie-httponly",
        Flag,
        "true",
        Absent,
        "no script sees a cookie of the gate",
    ),
    opt(
        "cookie-samesite",
        One,
        "",
        By(cookies::same_site),
        "`lax` and `strict`; `none` is taken for `lax`, because any site could act for the user",
    ),
    opt(
        "cookie-csrf-per-request",
        Flag,
        "true",
        Absent,
        "every login has a cookie of its own",
    ),
    opt(
        "cookie-csrf-per-request-limit",
        One,
        "0",
        Absent,
        "the logins under way take 4 KB of cookies at most",
    ),
    opt(
        "cookie-csrf-expire",
        One,
        "15m",
        Absent,
        "a login may take 15 minutes",
    ),
    opt(
        "cookie-csrf-samesite",
        One,
        "",
        Absent,
        "the cookie of a login is as strict as its way back allows",
    ),
    opt(
        "session-store-type",
        One,
        "cookie",
        By(redis::session_store),
        "`redis` is `store`, one address that is made of the options below; what is there already is not read",
    ),
    opt(
        "session-cookie-minimal",
        Flag,
        "false",
        By(cookies::minimal),
        "`keep_tokens = \"none\"`, for sessions in cookies; refused beside what needs tokens",
    ),
    opt(
        "redis-connection-url",
        One,
        "",
        By(redis::part),
        "`redis://`, `rediss://` and `unix://`",
    ),
    opt("redis-username", One, "", By(redis::part), ""),
    opt("redis-password", One, "", By(redis::part), ""),
    opt("redis-use-sentinel", Flag, "false", By(redis::part), ""),
    opt("redis-sentinel-master-name", One, "", By(redis::part), ""),
    opt("redis-sentinel-password", One, "", By(redis::part), ""),
    opt(
        "redis-sentinel-connection-urls",
        Many,
        "",
        By(redis::part),
        "without users and passwords in them",
    ),
    opt("redis-use-cluster", Flag, "false", By(redis::part), ""),
    opt(
        "redis-cluster-connection-urls",
        Many,
        "",
        By(redis::part),
        "without users and passwords in them",
    ),
    opt(
        "redis-ca-path",
        One,
        "",
        By(redis::ca),
        "over TLS then, as there; its authorities alone are trusted",
    ),
    opt(
        "redis-insecure-skip-tls-verify",
        Flag,
        "false",
        By(redis::any_certificate),
        "refused: name the authority of the certificate with redis_ca_path",
    ),
    opt(
        "redis-connection-idle-timeout",
        One,
        "0",
        Absent,
        "a connection that the server has ended is made anew",
    ),
    // Who passes where.
    opt(
        "redirect-url",
        One,
        "",
        By(routes::redirect_url),
        "is `base_url`, without the callback's path at its end",
    ),
    opt(
        "relative-redirect-url",
        Flag,
        "false",
        Absent,
        "no address is made from what a request says; redirect_url is needed",
    ),
    opt("proxy-prefix", One, "/oauth2", Same("prefix"), ""),
    opt(
        "skip-auth-route",
        Many,
        "",
        By(routes::skip_auth),
        "an open rule each; the expression is looked for anywhere in the path unless it has `^` and `$`",
    ),
    opt(
        "skip-auth-regex",
        Many,
        "",
        By(routes::skip_auth),
        "an open rule each; the expression is looked for anywhere in the path unless it has `^` and `$`",
    ),
    opt(
        "skip-auth-preflight",
        Flag,
        "false",
        By(routes::preflights),
        "a preflight has `Origin` and `Access-Control-Request-Method`; another OPTIONS is a request like any",
    ),
    opt(
        "api-route",
        Many,
        "",
        By(routes::api_route),
        "`json` there; the expression sees the path alone, without a query",
    ),
    opt(
        "force-json-errors",
        Flag,
        "false",
        By(routes::force_json),
        "`json` everywhere",
    ),
    opt(
        "trusted-ip",
        Many,
        "",
        By(routes::trusted_ip),
        "who comes from there passes without a login; the address is the connection's, or what a proxy among trusted_proxy_ips says",
    ),
    opt(
        "reverse-proxy",
        Flag,
        "false",
        By(routes::reverse_proxy),
        "nothing is believed of a proxy that trusted_proxy_ips does not name; addresses in answers come from redirect_url",
    ),
    opt(
        "trusted-proxy-ip",
        Many,
        "",
        Part,
        "whose `X-Forwarded-For` is believed, with reverse_proxy",
    ),
    opt(
        "real-client-ip-header",
        One,
        "",
        By(routes::real_ip_header),
        "`X-Real-IP`, as there, or `X-Forwarded-For`, which is read from its end; with reverse_proxy and trusted_proxy_ips",
    ),
    opt(
        "email-domain",
        Many,
        "",
        By(routes::email_domain),
        "`example.com`, `.example.com` for what is below it, `*` for everybody; the address has to be verified",
    ),
    opt(
        "authenticated-emails-file",
        One,
        "",
        By(routes::emails_file),
        "read once, at the start; the addresses have to be verified",
    ),
    opt(
        "htpasswd-file",
        One,
        "",
        Refused,
        "passwords of its own the gate does not check; let such users sign in at the provider",
    ),
    opt(
        "htpasswd-user-group",
        Many,
        "",
        Refused,
        "passwords of its own the gate does not check; let such users sign in at the provider",
    ),
    opt(
        "display-htpasswd-form",
        Flag,
        "true",
        Absent,
        "there is no form for passwords",
    ),
    opt(
        "whitelist-domain",
        Many,
        "",
        By(routes::whitelist_domain),
        "an exact host, with its port if it has one, is the origin https://host; wildcards are refused",
    ),
    opt(
        "encode-state",
        Flag,
        "false",
        Absent,
        "the state is random and says nothing",
    ),
    opt(
        "skip-provider-button",
        Flag,
        "true",
        By(routes::provider_button),
        "without it whoever navigates is led to the provider at once, too; `false` shows the sign-in page first, with status 401",
    ),
    opt(
        "allow-query-semicolons",
        Flag,
        "false",
        Absent,
        "queries are passed on as they are",
    ),
    opt(
        "signature-key",
        One,
        "",
        Refused,
        "requests to upstreams are not signed; an upstream that believes unsigned requests has to be reachable through the gate alone",
    ),
    // Headers.
    opt(
        "pass-user-headers",
        Flag,
        "true",
        Part,
        "X-Forwarded-User, -Email, -Groups and -Preferred-Username; beside `extra_jwt_issuers` X-Forwarded-Issuer too",
    ),
    opt(
        "pass-basic-auth",
        Flag,
        "true",
        Part,
        "the same headers; with basic_auth_password `Authorization: Basic` too",
    ),
    opt("basic-auth-password", One, "", Part, ""),
    opt(
        "prefer-email-to-user",
        Flag,
        "false",
        Part,
        "X-Forwarded-User is the verified address then",
    ),
    opt(
        "pass-access-token",
        Flag,
        "false",
        Part,
        "X-Forwarded-Access-Token; with set_xauthrequest X-Auth-Request-Access-Token in answers too; never one that is over",
    ),
    opt(
        "pass-authorization-header",
        Flag,
        "false",
        Part,
        "`Authorization: Bearer` with the ID token, which sessions keep then; never one that is over",
    ),
    opt(
        "skip-auth-strip-headers",
        Flag,
        "true",
        Changed(None),
        "headers that claim an identity are removed in any case",
    ),
    opt(
        "set-xauthrequest",
        Flag,
        "false",
        Part,
        "X-Auth-Request-User, -Email, -Groups and -Preferred-Username in answers; beside `extra_jwt_issuers` X-Auth-Request-Issuer too",
    ),
    opt(
        "set-basic-auth",
        Flag,
        "false",
        Refused,
        "a password is not sent in answers; let the proxy in front set it",
    ),
    opt(
        "set-authorization-header",
        Flag,
        "false",
        Part,
        "`Authorization: Bearer` with the ID token in answers",
    ),
    // The process.
    opt(
        "http-address",
        One,
        "",
        By(routes::http_address),
        "is `address`",
    ),
    opt(
        "https-address",
        One,
        "",
        By(routes::https_address),
        "is `address`, where tls_cert_file is set",
    ),
    opt("tls-cert-file", One, "", Same("tls_cert_file"), ""),
    opt("tls-key-file", One, "", Same("tls_key_file"), ""),
    opt(
        "tls-min-version",
        One,
        "TLS1.2",
        Same("tls_min_version"),
        "",
    ),
    opt(
        "tls-cipher-suite",
        Many,
        "",
        Absent,
        "the cipher suites are those of rustls, which has none without forward secrecy",
    ),
    opt(
        "upstream",
        Many,
        "",
        Same("upstreams"),
        "`unix://` is refused",
    ),
    opt("upstream-timeout", One, "30s", Same("upstream_timeout"), ""),
    opt("flush-interval", One, "1s", Absent, "bodies stream at once"),
    opt(
        "pass-host-header",
        Flag,
        "true",
        Same("pass_host_header"),
        "",
    ),
    opt("proxy-websockets", Flag, "true", Same("websockets"), ""),
    opt(
        "disable-keep-alives",
        Flag,
        "false",
        Absent,
        "connections to upstreams are used again",
    ),
    opt(
        "ssl-upstream-insecure-skip-verify",
        Flag,
        "false",
        Same("danger_upstream_any_certificate"),
        "",
    ),
    opt(
        "force-https",
        Flag,
        "false",
        Absent,
        "whoever answers http redirects it; the gate's addresses are those of redirect_url",
    ),
    opt(
        "ping-path",
        One,
        "/ping",
        Same("ping_path"),
        "/ping unless set, as there: exactly this path, to GET and HEAD",
    ),
    opt(
        "ping-user-agent",
        One,
        "",
        Absent,
        "no header makes of another path a probe; let the check ask for ping_path",
    ),
    opt(
        "ready-path",
        One,
        "/ready",
        Same("ready_path"),
        "/ready unless set, as there: whether users can sign in",
    ),
    opt(
        "gcp-healthchecks",
        Flag,
        "false",
        Absent,
        "no header makes of another path a probe; let the check ask for ping_path",
    ),
    opt(
        "metrics-address",
        One,
        "",
        Same("metrics_address"),
        "other metrics than there, by other names: `observability`",
    ),
    opt("metrics-secure-address", One, "", Absent, NO_SECURE_METRICS),
    opt("metrics-tls-cert-file", One, "", Absent, NO_SECURE_METRICS),
    opt("metrics-tls-key-file", One, "", Absent, NO_SECURE_METRICS),
    opt(
        "request-id-header",
        One,
        "X-Request-Id",
        Absent,
        "a header that anybody can write names nothing in the log",
    ),
    opt("logging-filename", One, "", Absent, NO_LOG),
    opt("logging-max-size", One, "100", Absent, NO_LOG),
    opt("logging-max-age", One, "7", Absent, NO_LOG),
    opt("logging-max-backups", One, "0", Absent, NO_LOG),
    opt("logging-local-time", Flag, "true", Absent, NO_LOG),
    opt("logging-compress", Flag, "false", Absent, NO_LOG),
    opt("errors-to-info-log", Flag, "false", Absent, NO_LOG),
    opt("standard-logging", Flag, "true", Absent, NO_LOG),
    opt("standard-logging-format", One, "", Absent, NO_LOG),
    opt("request-logging", Flag, "true", Absent, NO_LOG),
    opt("request-logging-format", One, "", Absent, NO_LOG),
    opt("auth-logging", Flag, "true", Absent, NO_LOG),
    opt("auth-logging-format", One, "", Absent, NO_LOG),
    opt("exclude-logging-path", Many, "", Absent, NO_LOG),
    opt("silence-ping-logging", Flag, "false", Absent, NO_LOG),
    opt("banner", One, "", Absent, NO_PAGES),
    opt("footer", One, "", Absent, NO_PAGES),
    opt("custom-templates-dir", One, "", Absent, NO_PAGES),
    opt("custom-sign-in-logo", One, "", Absent, NO_PAGES),
    opt(
        "show-debug-on-error",
        Flag,
        "false",
        Absent,
        "pages never say what went wrong inside; they carry a reference to the log",
    ),
    opt(
        "config",
        One,
        "",
        Part,
        "`OAUTH2_PROXY_CONFIG` names the file",
    ),
    opt(
        "alpha-config",
        One,
        "",
        Refused,
        "the structured form is not read; write the options in the other form",
    ),
    opt(
        "convert-config-to-alpha",
        Flag,
        "false",
        Absent,
        "nothing is converted",
    ),
    opt(
        "config-test",
        Flag,
        "false",
        Absent,
        "every start tests the configuration",
    ),
    opt(
        "version",
        Flag,
        "false",
        Absent,
        "the version is that of the crate",
    ),
];
