//! What a newcomer is told about a configuration that cannot work.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oidc_gate_tower::{
    ClientAuth, CookieKeys, Gate, GateBuilder, Pattern, Provider, acr, core::secret::ClientSecret,
    email_domain, group, max_age, scope,
};
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
fn each_mistake_is_told_with_its_remedy() {
    for (builder, expected) in [
        (
            without_provider(),
            "issuer: missing; set .issuer(\"https://…\") and .client(…), so that somebody can sign in",
        ),
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
            without_provider().provider(provider().trust_audience("")),
            "trust_audience: empty; give the audience exactly as the provider writes it",
        ),
        (
            without_provider().provider(provider().leeway(Duration::from_secs(301))),
            "leeway: 301 s; clocks may differ by at most 300 s, so set this machine's clock right",
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
            fine().provider(provider()),
            "provider: more than one; a gate signs in with one provider so far",
        ),
        (
            fine().session_limits(Duration::ZERO, Duration::from_secs(60)),
            "session_limits: idle 0ns, absolute 60s; both have to be at least a second, idle not longer than absolute, absolute at most 400 days",
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
            fine().ca_pem_file("/nowhere/ca.pem"),
            "ca_pem_file: \"/nowhere/ca.pem\": No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(problems(builder), [expected]);
    }
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
