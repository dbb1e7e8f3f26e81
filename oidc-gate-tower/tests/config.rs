//! What a newcomer is told about a configuration that cannot work.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oidc_gate_tower::{
    Alg, AutomaticAuth, ClaimsSource, ClientAuth, ClientCert, CookieKeys, Gate, GateBuilder,
    Pattern, Prompt, Provider, ProviderMetadata, acr, core::secret::ClientSecret, email_domain,
    group, max_age, role, scope,
};
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "hush-hush-9f3a";

/// Everything that is needed, and nothing wrong with it.
fn fine() -> GateBuilder {
    without_provider()
        .issuer("https://id.example.com")
        .client("app", basic(SECRET))
}

fn without_provider() -> GateBuilder {
    Gate::builder()
        .base_url("https://app.example.com")
        .cookie_keys(CookieKeys::ephemeral())
}

fn basic(secret: &str) -> ClientAuth {
    ClientAuth::client_secret_basic(ClientSecret::new(secret))
}

fn provider() -> Provider {
    Provider::new("", "https://id.example.com", "app", basic(SECRET))
}

fn metadata() -> ProviderMetadata {
    ProviderMetadata::new(
        "https://id.example.com/authorize",
        "https://id.example.com/token",
        "https://id.example.com/keys",
    )
}

/// What `build` says, one line for each problem.
fn problems(builder: GateBuilder) -> Vec<String> {
    assert!(!format!("{builder:?}").contains(SECRET));
    let error = builder.build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET));
    error.problems().map(str::to_owned).collect()
}

#[test]
fn what_is_fine_is_built() {
    for (issuer, base) in [
        ("https://id.example.com", "https://app.example.com"),
        (
            "https://id.example.com/tenant/",
            "https://app.example.com/at/",
        ),
        ("http://localhost:3001", "http://localhost:3000"),
        ("http://127.0.0.1:3001", "http://[::1]:3000"),
    ] {
        assert!(
            fine().issuer(issuer).base_url(base).build().is_ok(),
            "{issuer} {base}"
        );
    }
}

#[test]
fn who_says_nothing_of_the_provider_learns_of_the_issuer_and_of_the_client() {
    assert_eq!(
        problems(without_provider()),
        [
            "issuer: missing; set .issuer(\"https://…\") to the provider's address",
            "client: missing; set .client(\"…\", ClientAuth::client_secret_basic(…)) as registered at the provider",
        ]
    );
}

#[test]
fn each_mistake_is_told_with_its_remedy() {
    for (builder, expected) in [
        (
            without_provider().issuer("https://id.example.com"),
            "client: missing; set .client(\"…\", ClientAuth::client_secret_basic(…)) as registered at the provider",
        ),
        (
            without_provider().client("app", basic(SECRET)),
            "issuer: missing; set .issuer(\"https://…\") to the provider's address",
        ),
        (
            Gate::builder()
                .provider(provider())
                .cookie_keys(CookieKeys::ephemeral()),
            "base_url: missing; set .base_url(\"https://…\") to where browsers find it",
        ),
        (
            Gate::builder()
                .provider(provider())
                .base_url("https://app.example.com"),
            "cookie_keys: missing; make a secret with `openssl rand -base64 32` and set .cookie_keys(CookieKeys::parse(…)?)",
        ),
        (
            fine().issuer("http://id.example.com"),
            "issuer: \"http://id.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only)",
        ),
        (
            fine().issuer("id.example.com"),
            "issuer: \"id.example.com\" must be an absolute URL such as https://id.example.com",
        ),
        (
            fine().issuer("https://id.example.com?x"),
            "issuer: \"https://id.example.com?x\" must not hold a query (?…)",
        ),
        (
            fine().issuer("https://admin:hush-hush-9f3a@id.example.com"),
            "issuer: \"https://***@id.example.com\" must not hold a user name or password",
        ),
        (
            fine().base_url("http://app.example.com"),
            "base_url: \"http://app.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only); session cookies are bound to it",
        ),
        (
            fine().base_url("app.example.com"),
            "base_url: \"app.example.com\" must be an absolute URL such as https://id.example.com; session cookies are bound to it",
        ),
        (
            fine().base_url("https://admin:hush-hush-9f3a@app.example.com"),
            "base_url: \"https://***@app.example.com\" must not hold a user name or password; session cookies are bound to it",
        ),
        (
            fine().base_url("https://app.example.com/#/"),
            "base_url: \"https://app.example.com/#/\" must not hold a fragment (#…); session cookies are bound to it",
        ),
        (
            fine().return_to_origin("wiki.example.com"),
            "return_to_origin: \"wiki.example.com\" must be an absolute URL such as https://id.example.com; logins may lead to any page there",
        ),
        (
            fine().return_to_origin("https://wiki.example.com/start"),
            "return_to_origin: \"https://wiki.example.com/start\" must not hold a path: a scheme, a host and a port, as in https://other.example.com; logins may lead to any page there",
        ),
        (
            fine().return_to_origin("https://*.example.com"),
            "return_to_origin: \"https://*.example.com\" must name one host: `*` stands for none; logins may lead to any page there",
        ),
        (
            fine().return_to_origin("http://localhost:3001"),
            "return_to_origin: \"http://localhost:3001\" must begin with https://, as base_url does; logins may lead to any page there",
        ),
        (
            fine().return_to_origin("https://admin:hush-hush-9f3a@wiki.example.com"),
            "return_to_origin: \"https://***@wiki.example.com\" must not hold a user name or password; logins may lead to any page there",
        ),
        (
            fine().cookie_domain("com"),
            "cookie_domain: \"com\" is one label, and browsers keep no cookie for it; name the domain that is yours",
        ),
        (
            fine().cookie_domain("example.org"),
            "cookie_domain: \"example.org\" does not hold the base URL's host; name a domain that the host is or ends with",
        ),
        (
            fine().cookie_domain(".example.com"),
            "cookie_domain: \".example.com\" must be a host name as in \"example.com\": lower case, no dot in front, no scheme, no port",
        ),
        (
            fine()
                .base_url("https://192.0.2.1")
                .cookie_domain("192.0.2.1"),
            "cookie_domain: \"192.0.2.1\" is an address, and has no hosts below it; leave it out",
        ),
        (
            fine()
                .base_url("http://app.localhost:3000")
                .cookie_domain("app.localhost"),
            "cookie_domain: \"app.localhost\" takes https, and the base URL is http; leave it out on this machine",
        ),
        (
            fine().client(
                "app",
                ClientAuth::tls_client_auth(ClientCert::in_transport()),
            ),
            "client: ClientCert::in_transport() leaves the certificate to an HTTP client of your own; set .http_client(…), or name the files with ClientCert::pem_files",
        ),
        (
            fine().client(
                "app",
                ClientAuth::tls_client_auth(ClientCert::pem_files(
                    "/nowhere/tls.crt",
                    "/nowhere/tls.key",
                )),
            ),
            "client: \"/nowhere/tls.crt\" cannot be read: No such file or directory (os error 2)",
        ),
        (
            fine().client(
                "app:1",
                ClientAuth::client_secret_basic_raw("hush".to_owned()),
            ),
            "client: \"app:1\" holds a colon, at which a raw header would be cut; use client_secret_basic",
        ),
        (
            fine().client(
                "app",
                ClientAuth::client_secret_jwt(Alg::HS256, "x".repeat(31)),
            ),
            "client: HS256 takes a secret of 32 bytes, this one has 31",
        ),
        (
            fine().client("app", basic("")),
            "client: the secret is empty; a client without a secret is `ClientAuth::none()`",
        ),
        (
            fine().client("app", basic(" \n")),
            "client: the secret is empty; a client without a secret is `ClientAuth::none()`",
        ),
        (
            fine().client(" ", basic(SECRET)),
            "client: the client id is empty; it is what the provider calls this application",
        ),
        (
            fine().scopes([""; 0]),
            "scopes: empty; leave the setting out for `openid profile email`",
        ),
        (
            fine().scopes(["openid profile"]),
            "scopes: \"openid profile\" is no scope; give each scope as a text of its own",
        ),
        (
            fine().scopes([""]),
            "scopes: \"\" is no scope; give each scope as a text of its own",
        ),
        (
            without_provider().provider(provider().groups_at([""; 0])),
            "groups_at: empty; give the name of a claim, or leave the setting out for `groups`",
        ),
        (
            without_provider().provider(provider().groups_at(["realm", ""])),
            "groups_at: empty; give the name of a claim, or leave the setting out for `groups`",
        ),
        (
            without_provider().provider(provider().roles_at("").roles_at("roles")),
            "roles_at: empty; give the name of a claim, or leave the setting out for no roles",
        ),
        (
            without_provider().provider(provider().email_at("email").email_at("")),
            "email_at: empty; give the name of a claim, or leave the setting out for `email`",
        ),
        (
            without_provider().provider(provider().name_at([""; 0])),
            "name_at: empty; give the name of a claim, or leave the setting out for `name`",
        ),
        (
            without_provider().provider(provider().username_at("")),
            "username_at: empty; give the name of a claim, or leave the setting out for `preferred_username`",
        ),
        (
            without_provider().provider(provider().keep_claims(["department", ""])),
            "keep_claims: empty; give the name of a claim",
        ),
        (
            without_provider().provider(provider().drop_claims([""])),
            "drop_claims: empty; give the name of a claim",
        ),
        (
            without_provider().provider(provider().drop_claims(["picture", "groups"])),
            "drop_claims: \"groups\" is a field of every identity; change it with map_claims",
        ),
        (
            without_provider().provider(provider().drop_claims(["auth_time"])),
            "drop_claims: \"auth_time\" belongs to every session and is small; leave it out here",
        ),
        (
            fine().require(Pattern::prefix("/admin"), role("")),
            "require(/admin and below, role ): role \"\": name a role",
        ),
        (
            without_provider().provider(provider().prompt([Prompt::Login, Prompt::Login])),
            "prompt: \"login\" is given twice; keep one",
        ),
        (
            without_provider().provider(provider().ui_locales(["de, en"])),
            "ui_locales: \"de, en\" is no language tag; write `de` or `de-CH`, each as a text of its own",
        ),
        (
            without_provider().provider(provider().ui_locales(["de"; 11])),
            "ui_locales: more than 10; name those that your users read",
        ),
        (
            without_provider().provider(provider().acr_values(["a b"])),
            "acr_values: \"a b\" is no class; give each as a text of its own, in visible ASCII",
        ),
        (
            without_provider().provider(provider().resource(["https://api.example.com/#x"])),
            "resource: \"https://api.example.com/#x\" is no resource; write an absolute URI without a fragment",
        ),
        (
            without_provider().provider(provider().resource(["/api"])),
            "resource: \"/api\" is no resource; write an absolute URI without a fragment",
        ),
        (
            without_provider().provider(provider().request_claims(json!(["email"]))),
            "request_claims: is no object; write {\"id_token\": {…}, \"userinfo\": {…}}",
        ),
        (
            without_provider().provider(
                provider()
                    .acr_values(["a"])
                    .request_claims(json!({"id_token": {"acr": null}})),
            ),
            "acr_values: set, and `request_claims` asks for `acr` too; keep one, what comes of both is unspecified",
        ),
        (
            without_provider().provider(provider().authorize_param("prompt", "none")),
            "authorize_param: \"prompt\" is not free; use `prompt`",
        ),
        (
            without_provider().provider(provider().authorize_param("State", "x")),
            "authorize_param: \"State\" is not free; it is made anew for each login",
        ),
        (
            without_provider().provider(provider().authorize_param("client_secret", SECRET)),
            "authorize_param: \"client_secret\" is not free; an address is no place for it, use `ClientAuth`",
        ),
        (
            without_provider().provider(provider().authorize_param("", "x")),
            "authorize_param: \"\" is no name of a parameter; write it in visible ASCII",
        ),
        (
            without_provider().provider(
                provider()
                    .authorize_param("hd", "a")
                    .authorize_param("hd", "b"),
            ),
            "authorize_param: \"hd\" is given twice; a request names each parameter once",
        ),
        (
            without_provider().provider(provider().start_param("redirect_uri")),
            "start_param: \"redirect_uri\" is not free; it is made from `base_url`",
        ),
        (
            without_provider().provider(provider().start_param("rd")),
            "start_param: \"rd\" is not free; `start` reads it itself",
        ),
        (
            without_provider().provider(provider().start_param("login_hint")),
            "start_param: \"login_hint\" is not free; `start` reads it itself",
        ),
        (
            without_provider().provider(provider().trust_audience("")),
            "trust_audience: empty; give the audience exactly as the provider writes it",
        ),
        (
            without_provider().provider(provider().leeway(Duration::from_secs(301))),
            "leeway: 301 s; clocks may differ by at most 300 s, so set this machine's clock right",
        ),
        (
            without_provider().provider(provider().key_cache(Duration::ZERO)),
            "key_cache: 0 s; the provider would be asked all the time, so use 60 s to 86400 s",
        ),
        (
            without_provider().provider(provider().key_cache(Duration::from_secs(86_401))),
            "key_cache: 86401 s; a withdrawn key has to go away, so use 60 s to 86400 s",
        ),
        (
            without_provider().provider(Provider::new(
                "a b",
                "https://id.example.com",
                "app",
                basic(SECRET),
            )),
            "provider: the name \"a b\" may hold letters, digits, `-` and `_` only",
        ),
        (
            without_provider().provider(provider().discovery_url("http://id.example.com/metadata")),
            "discovery_url: \"http://id.example.com/metadata\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only); give the address of the metadata document itself",
        ),
        (
            without_provider().provider(
                provider().discovery_url("https://admin:hush-hush-9f3a@id.example.com/metadata"),
            ),
            "discovery_url: \"https://***@id.example.com/metadata\" must not hold a user name or password; give the address of the metadata document itself",
        ),
        (
            without_provider().provider(
                provider()
                    .discovery_url("https://id.example.com/metadata")
                    .metadata(metadata()),
            ),
            "discovery_url: `metadata` is set too, and then nothing is fetched; keep one of the two",
        ),
        (
            without_provider().provider(
                provider().metadata(metadata().userinfo_endpoint("http://inner.example/userinfo")),
            ),
            "metadata: `userinfo_endpoint` must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only), got \"http://inner.example/userinfo\"; write what the provider's documentation says",
        ),
        (
            without_provider().provider(provider().metadata(
                metadata().end_session_endpoint("https://u:hush-hush-9f3a@id.example.com"),
            )),
            "metadata: `end_session_endpoint` must not hold a user name or password; write what the provider's documentation says",
        ),
        (
            without_provider().provider(
                provider().metadata(metadata().member("issuer", "https://id.example.com/")),
            ),
            "metadata: expected \"https://id.example.com\", got \"https://id.example.com/\"; write what the provider's documentation says",
        ),
        (
            without_provider()
                .provider(provider().metadata(
                    metadata().member("code_challenge_methods_supported", vec!["plain"]),
                )),
            "metadata: the provider lists PKCE methods, and S256 is not among them; no login would succeed, so correct it or leave the member out",
        ),
        (
            without_provider().provider(
                provider()
                    .claims_from(ClaimsSource::UserinfoAlways)
                    .metadata(metadata()),
            ),
            "metadata: userinfo is always to be asked, and the provider names no `userinfo_endpoint`; no login would succeed, so correct it or leave the member out",
        ),
        (
            fine().provider(provider()),
            "provider: set beside issuer or client, which are short for one; give them to Provider::unnamed",
        ),
        (
            without_provider()
                .client("app", ClientAuth::none())
                .provider(provider()),
            "provider: set beside issuer or client, which are short for one; give them to Provider::unnamed",
        ),
        (
            without_provider().provider(provider()).provider(provider()),
            "provider: more than one; a gate signs in with one provider so far",
        ),
        (
            fine().issuer("https://id.example.com/.well-known/openid-configuration"),
            "issuer: \"https://id.example.com/.well-known/openid-configuration\" is where the metadata lies; give what the document there calls `issuer`",
        ),
        (
            fine().base_url("https://app.example.com/tools/oauth2/callback"),
            "base_url: \"https://app.example.com/tools/oauth2/callback\" is the redirect URI; leave /oauth2/callback out, the gate appends it",
        ),
        (
            fine().session_limits(Duration::ZERO, Duration::from_secs(60)),
            "session_limits: idle 0s, absolute 60s; both have to be at least a second, idle not longer than absolute, absolute at most 400 days",
        ),
        (
            fine().session_limits(Duration::from_secs(61), Duration::from_secs(60)),
            "session_limits: idle 61s, absolute 60s; both have to be at least a second, idle not longer than absolute, absolute at most 400 days",
        ),
        (
            fine().require(Pattern::prefix("/admin"), group("")),
            "require(/admin and below, group ): group \"\": name a group",
        ),
        (
            fine().require(Pattern::prefix("/admin"), scope("a b")),
            "require(/admin and below, scope a b): scope \"a b\": a scope holds no space: join two with `.and`",
        ),
        (
            fine().require(Pattern::prefix("/admin"), acr("")),
            "require(/admin and below, acr ): acr \"\": name one class in visible ASCII without spaces, quotes and backslashes",
        ),
        (
            fine().require(Pattern::prefix("/admin"), max_age(Duration::ZERO)),
            "require(/admin and below, signed in within 0ns): max_age 0s: nobody can be that quick; allow at least a few minutes",
        ),
        (
            fine().require(Pattern::prefix("/admin"), email_domain("@example.com")),
            "require(/admin and below, verified email at @example.com): email_domain \"@example.com\": write it as in `example.com`",
        ),
        (
            fine().open(Pattern::get("/x")).bypass(Pattern::get("/x")),
            "bypass(GET /x): the same pattern stands in open(GET /x): keep one of the two",
        ),
        (
            fine()
                .open(Pattern::path("/teams/{a}"))
                .protect(Pattern::path("/teams/{b}")),
            "protect(/teams/{b}): the same pattern stands in open(/teams/{a}): keep one of the two",
        ),
        (
            fine().open(Pattern::get("/teams/:team")),
            "open(GET /teams/:team): `:team` is written `{team}` here",
        ),
        (
            fine().open(Pattern::path("/files/*rest")),
            "open(/files/*rest): `*rest` is written `{*rest}` here, or use `Pattern::prefix`",
        ),
        (
            fine().open(Pattern::prefix("assets")),
            "open(assets and below): must begin with `/`",
        ),
        (
            fine().open(Pattern::path("/a/../b")),
            "open(/a/../b): must not contain `.` or `..` as a segment: write the path they lead to",
        ),
        (
            fine().open(Pattern::regex("/a")),
            "open(regex /a): must begin with `^` and end with `$`: it is about whole paths",
        ),
        (
            fine().open(Pattern::regex("^($")),
            "open(regex ^($): is no regular expression: unclosed group",
        ),
        (
            fine().open(Pattern::path("/oauth2/callback")),
            "open(/oauth2/callback): never matches: /oauth2 and all below it belong to the gate; remove the rule or set another prefix",
        ),
        (
            fine().json(Pattern::prefix("/api/:version")),
            "json(/api/:version and below): `:version` is written `{version}` here",
        ),
        (
            fine()
                .ca_pem_file(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/testdata/one.cert.pem"
                ))
                .ca_pem_file("/nowhere/ca.pem"),
            "ca_pem_file: \"/nowhere/ca.pem\": No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(problems(builder), [expected]);
    }
}

#[test]
fn metadata_that_is_configured_is_told_all_its_mistakes_at_once() {
    let metadata = ProviderMetadata::new("/authorize", "https://id.example.com/token", "")
        .member("code_challenge_methods_supported", "S256");
    let builder = without_provider().provider(provider().metadata(metadata));
    assert_eq!(
        problems(builder),
        [
            "metadata: `authorization_endpoint` must be an absolute URL such as https://id.example.com, got \"/authorize\"; write what the provider's documentation says",
            "metadata: `jwks_uri` must be an absolute URL such as https://id.example.com, got \"\"; write what the provider's documentation says",
            "metadata: `code_challenge_methods_supported` is not a list of texts; write what the provider's documentation says",
        ]
    );
}

#[test]
fn metadata_that_is_configured_takes_the_client_as_it_is_configured() {
    for auth in [
        basic(SECRET),
        ClientAuth::client_secret_post(ClientSecret::new(SECRET)),
        ClientAuth::none(),
    ] {
        let provider = Provider::unnamed("https://id.example.com", "app", auth);
        let builder = without_provider().provider(provider.metadata(metadata()));
        assert!(builder.build().is_ok());
    }
}

#[test]
fn metadata_that_is_configured_lists_a_method_for_a_client_that_chooses_one() {
    let secret = || ClientAuth::automatic().with_secret(ClientSecret::new(SECRET));
    let builder = |auth: AutomaticAuth, metadata| {
        let provider = Provider::unnamed("https://id.example.com", "app", auth);
        without_provider().provider(provider.metadata(metadata))
    };
    // Without a list, what the specification says.
    assert!(builder(secret(), metadata()).build().is_ok());
    let listed = metadata().member(
        "token_endpoint_auth_methods_supported",
        vec!["private_key_jwt"],
    );
    assert_eq!(
        problems(builder(secret(), listed)),
        [
            "metadata: the client has a secret, the provider takes \"private_key_jwt\"; no login would succeed, so correct it or leave the member out"
        ]
    );
}

#[test]
fn several_mistakes_are_told_at_once() {
    let error = Gate::builder()
        .issuer("http://id.example.com")
        .client("", basic(""))
        .base_url("http://app.example.com")
        .scopes(["a b"])
        .open(Pattern::get("/:x"))
        .require(Pattern::prefix("/admin"), group(""))
        .build()
        .unwrap_err();
    assert_eq!(error.to_string(), "the gate cannot be built:
  - client: the client id is empty; it is what the provider calls this application
  - client: the secret is empty; a client without a secret is `ClientAuth::none()`
  - scopes: \"a b\" is no scope; give each scope as a text of its own
  - issuer: \"http://id.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only)
  - base_url: \"http://app.example.com\" must begin with https:// (http:// is taken for localhost, 127.0.0.0/8 and [::1] only); session cookies are bound to it
  - cookie_keys: missing; make a secret with `openssl rand -base64 32` and set .cookie_keys(CookieKeys::parse(…)?)
  - open(GET /:x): `:x` is written `{x}` here
  - require(/admin and below, group ): group \"\": name a group");
    // `main` prints `Debug`.
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_cookie_secret_that_is_no_good_is_refused_without_being_shown() {
    for (secret, expected) in [
        (
            "",
            "has 0 bytes, and 32 are needed; make one with `openssl rand -base64 32`",
        ),
        (
            "hush-hush-9f3a",
            "is not base64; make one with `openssl rand -base64 32`",
        ),
        (
            "hush hush 9f3a!",
            "is not base64; make one with `openssl rand -base64 32`",
        ),
        // 31 bytes.
        (
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ==",
            "has 31 bytes, and 32 are needed; make one with `openssl rand -base64 32`",
        ),
        (
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,short",
            "is not base64; make one with `openssl rand -base64 32`",
        ),
    ] {
        let error = CookieKeys::parse(secret).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(secret.is_empty() || !format!("{error:?}").contains(secret));
    }
}
