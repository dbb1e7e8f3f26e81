checks! {
    Unauthenticated = "request.unauthenticated" {
        rule: "A protected path is served to a signed-in user only.",
        source: "RFC 9110 § 15.5.2", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2",
        answer: 401, "a navigation is sent to the login instead; for anything else JSON and `WWW-Authenticate`",
        mended_by: Caller, "Nothing is wrong: sign in. If the path is meant to be public, add an `open` or `bypass` rule.",
    }
    Forbidden = "request.forbidden" {
        rule: "A signed-in user must meet every requirement that applies to the path.",
        source: "RFC 9110 § 15.5.4", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.4",
        answer: 403, "a page for a browser, JSON for a script",
        mended_by: Caller, "Give the user the group, role, scope or claim that the cause names, or change the rule. Who has it at the provider and not here has it in another claim: `groups_at` and `roles_at` say which.",
    }
    StepUp = "request.step_up" {
        rule: "The path demands a stronger or a more recent sign-in than this session has.",
        source: "RFC 9470 § 3", "https://www.rfc-editor.org/rfc/rfc9470#section-3",
        answer: 401, "a navigation is sent to the login with `acr_values` or `max_age` instead; for anything else `insufficient_user_authentication`",
        mended_by: Caller, "Nothing is wrong: sign in again. If it repeats, the provider does not honour `acr_values` or `max_age`.",
    }
    CrossSite = "request.cross_site" {
        rule: "A request that changes something and is authenticated by a cookie must come from the application's own origin.",
        source: "Fetch Metadata § 2.4", "https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header",
        answer: 403, "a page for a browser, JSON for a script",
        mended_by: Caller, "If another origin is meant to send such requests, let it use a bearer token. If the origin is the application's own, check the base URL.",
    }
    NotANavigation = "request.not_a_navigation" {
        rule: "Only a top-level navigation may start a login; a frame, a prefetch or a script may not.",
        source: "Fetch Metadata", "https://www.w3.org/TR/fetch-metadata/",
        answer: 401, "JSON for a script, a page for a frame",
        mended_by: Caller, "Open the address in a tab of its own.",
    }
    BodyLate = "request.body_late" {
        rule: "The body of a form that the gate reads itself comes within ten seconds.",
        source: "RFC 9110 § 15.5.9", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9",
        answer: 408, "a page",
        mended_by: Caller, "Send the form again.",
    }
    Preflight = "request.preflight" {
        rule: "A browser's question before a request of another origin's page carries no credentials, so on a protected path nobody is signed in.",
        source: "Fetch § 3.3.5", "https://fetch.spec.whatwg.org/#cors-protocol-and-credentials",
        answer: 401, "JSON",
        mended_by: Caller, "Put the layer that answers such questions (CORS) around the gate. If the application inside answers them, let the gate pass them on (`pass_preflights`).",
    }
    UnknownEndpoint = "request.unknown_endpoint" {
        rule: "Every path under the gate's prefix is the gate's, and only its own endpoints exist there.",
        source: "RFC 9110 § 15.5.5", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.5",
        answer: 404, "a page for a browser, JSON for a script",
        mended_by: Caller, "Check the address; the README lists the endpoints. An application route under the prefix has to move.",
    }
    MethodNotAllowed = "request.method_not_allowed" {
        rule: "An endpoint of the gate takes only the methods it is made for.",
        source: "RFC 9110 § 15.5.6", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6",
        answer: 405, "with `Allow`",
        mended_by: Caller, "Use a method that the answer's `Allow` names.",
    }
    BodyTooLarge = "request.body_too_large" {
        rule: "The gate reads a small form only.",
        source: "RFC 9110 § 15.5.14", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14",
        answer: 413, "a page for a browser, JSON for a script",
        mended_by: Caller, "Nothing that the gate takes is that large; find out who sends it.",
    }
    NoGate = "request.no_gate" {
        rule: "A handler that takes a user runs behind a gate.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 500, "a text that says which mistake it is",
        mended_by: Operator, "Wrap the application with `gate.protect(router)`.",
    }
    Bypassed = "request.bypassed" {
        rule: "A handler under a `bypass` rule takes no user: the gate does not look for one there.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 500, "a text that says which mistake it is",
        mended_by: Operator, "Use an `open` rule where the user is wanted and a login is not demanded.",
    }
    CallerLost = "request.caller_lost" {
        rule: "What the gate puts into a request's extensions stays there until the handler.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 500, "a text that says which mistake it is",
        mended_by: Operator, "Find the layer inside the gate that replaces the request or clears its extensions.",
    }
    LogInMisshapen = "request.log_in_misshapen" {
        rule: "A login that a handler asks for holds no parameter that the gate sets itself, none twice, and nothing that contradicts it.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 500, "a text that says which kind of mistake it is",
        mended_by: Operator, "Change what the handler asks for; the cause names it.",
    }
    LogOutWithoutSessions = "request.log_out_without_sessions" {
        rule: "A handler that signs users out runs behind a gate that has sessions.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 500, "a text that says which mistake it is",
        mended_by: Operator, "Configure a client and a base URL, or leave the sign-out to whoever issues the bearer tokens.",
    }
    InitiatorIssuer = "request.initiator_issuer" {
        rule: "Who starts a login from outside means the provider that is configured, character by character.",
        source: "OpenID Connect Core § 4", "https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin",
        answer: 400, "an error page with a reference",
        mended_by: Caller, "If the other issuer is the provider too, set `issuer` to what it calls itself, including any trailing slash. Otherwise somebody has registered this address elsewhere.",
    }
    ForwardedPeer = "forwarded.peer" {
        rule: "Who asks about somebody else's request connects from an address that is trusted to.",
        source: "RFC 7239 § 8.1", "https://www.rfc-editor.org/rfc/rfc7239#section-8.1",
        answer: 403, "without a word about why",
        mended_by: Operator, "If the cause names the proxy, add its address to `ForwardAuth::trust`. Otherwise somebody reaches the gate past the proxy: let it listen where only the proxy does.",
    }
    ForwardedDialect = "forwarded.dialect" {
        rule: "A request is described in the headers of the configured proxy, and in no other's beside them.",
        source: "RFC 7239 § 8.1", "https://www.rfc-editor.org/rfc/rfc7239#section-8.1",
        answer: 403, "without a word about why",
        mended_by: Caller, "Have the proxy remove the header that the cause names, or configure the dialect that it speaks.",
    }
    ForwardedIdentity = "forwarded.identity" {
        rule: "A request that a proxy asks about brings none of the headers that the answer names the user in.",
        source: "CWE-290", "https://cwe.mitre.org/data/definitions/290.html",
        answer: 403, "without a word about why",
        mended_by: Caller, "No browser sends it. If the proxy has added it itself, have it do so after it has asked.",
    }
    ForwardedMethod = "forwarded.method" {
        rule: "The proxy says the method of the request once, in upper case.",
        source: "RFC 9110 § 9.1", "https://www.rfc-editor.org/rfc/rfc9110#section-9.1",
        answer: 403, "without a word about why",
        mended_by: Caller, "Have the proxy set it; for nginx `proxy_set_header X-Original-Method $request_method;`.",
    }
    ForwardedTarget = "forwarded.target" {
        rule: "The proxy says the path and query of the request once, as they stood in its request line, in at most 8 KiB.",
        source: "CVE-2021-32637", "https://nvd.nist.gov/vuln/detail/CVE-2021-32637",
        answer: 403, "without a word about why",
        mended_by: Caller, "Have the proxy set it; for nginx `proxy_set_header X-Original-URI $request_uri;`. A target that a browser does not send is the client's to mend.",
    }
    ForwardedHost = "forwarded.host" {
        rule: "The proxy says once which host the request was sent to.",
        source: "RFC 7239 § 5.3", "https://www.rfc-editor.org/rfc/rfc7239#section-5.3",
        answer: 403, "without a word about why",
        mended_by: Caller, "Have the proxy set `X-Forwarded-Host` to one host.",
    }
    ForwardedProto = "forwarded.proto" {
        rule: "The proxy says once whether the request came by http or https.",
        source: "RFC 7239 § 5.4", "https://www.rfc-editor.org/rfc/rfc7239#section-5.4",
        answer: 403, "without a word about why",
        mended_by: Caller, "Have the proxy set `X-Forwarded-Proto` to `http` or `https`.",
    }
    ForwardedOwn = "forwarded.own" {
        rule: "A proxy sends requests for the gate's own endpoints to the gate, and asks about none of them.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-tower",
        answer: 403, "without a word about why",
        mended_by: Caller, "Route the gate's prefix (`/oauth2/`) to the gate itself, without asking first.",
    }
    AuthConstraint = "auth.constraint" {
        rule: "What a proxy demands in the query of the `auth` endpoint can be understood.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-core",
        answer: 403, "without a word about why",
        mended_by: Caller, "Correct the query in the proxy's configuration: `allowed_groups`, `allowed_emails` and `allowed_email_domains`, each with at least one item.",
    }
    ProviderUnreachable = "provider.unreachable" {
        rule: "The provider answers within the time allowed.",
        source: "OpenID Connect Discovery § 4", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Check the network, DNS and certificates between this service and the provider. Sessions go on meanwhile.",
    }
    ProviderStatus = "provider.status" {
        rule: "Metadata and keys are served with status 200 and without a redirect.",
        source: "OpenID Connect Discovery § 4.2", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationResponse",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Check the issuer URL: the address in the cause has to answer 200 itself. If the metadata is published elsewhere, set `Provider::discovery_url`; if nowhere, `Provider::metadata`.",
    }
    ProviderTooLarge = "provider.too_large" {
        rule: "An answer of the provider stays under its size limit.",
        source: "RFC 8725 § 2.12", "https://www.rfc-editor.org/rfc/rfc8725#section-2.12",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Check the issuer URL; a genuine document is a hundred times smaller than the limit.",
    }
    MetadataMalformed = "provider.metadata_malformed" {
        rule: "The provider's metadata is a JSON object with the required members, each of its type, each URL https.",
        source: "OpenID Connect Discovery § 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "The provider has to be configured to publish valid metadata; the cause names the member.",
    }
    ProviderIssuer = "provider.issuer_mismatch" {
        rule: "The metadata names the very issuer that was asked for, character by character.",
        source: "OpenID Connect Discovery § 4.3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Set the issuer to what the provider's metadata says, including any trailing slash.",
    }
    KeysMalformed = "provider.keys_malformed" {
        rule: "The provider's keys are a JWK Set: a JSON object with an array `keys`.",
        source: "RFC 7517 § 5", "https://www.rfc-editor.org/rfc/rfc7517#section-5",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "The provider's `jwks_uri` has to serve a JWK Set.",
    }
    CodeFlowUnsupported = "provider.code_flow_unsupported" {
        rule: "A provider that lists response types lists `code` among them.",
        source: "RFC 8414 § 2", "https://www.rfc-editor.org/rfc/rfc8414#section-2",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Enable the authorization code flow at the provider; the gate speaks no other.",
    }
    PkceUnsupported = "provider.pkce_unsupported" {
        rule: "A provider that lists PKCE methods lists `S256` among them.",
        source: "RFC 9700 § 2.1.1", "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Enable PKCE with S256 for this client at the provider.",
    }
    ClaimsUnsupported = "provider.claims_unsupported" {
        rule: "A provider that is asked for single claims says that it reads the `claims` parameter.",
        source: "OpenID Connect Discovery § 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Leave `request_claims` out and ask by `scopes` or `acr_values`, or switch the parameter on at the provider: its metadata has to say `claims_parameter_supported`.",
    }
    ClientAuthUnsupported = "provider.client_auth_unsupported" {
        rule: "The configured client authentication method is one that the provider's endpoint takes; where none is configured, there is one that it takes and that the client has what it needs for.",
        source: "RFC 8414 § 2", "https://www.rfc-editor.org/rfc/rfc8414#section-2",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Configure a method that the cause lists, or enable the method at the provider.",
    }
    EndpointUnsupported = "provider.endpoint_unsupported" {
        rule: "The provider has the endpoint that a request is for.",
        source: "RFC 8414 § 2", "https://www.rfc-editor.org/rfc/rfc8414#section-2",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Switch the endpoint on at the provider, or do without it; its metadata has to name it.",
    }
    NoCommonAlgorithm = "provider.no_common_algorithm" {
        rule: "The provider signs ID tokens with at least one algorithm the gate verifies.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Configure the provider to sign ID tokens with RS256, ES256 or EdDSA.",
    }
    ResponseModeUnsupported = "provider.response_mode_unsupported" {
        rule: "The configured response mode is one that the provider has.",
        source: "OpenID Connect Discovery § 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Leave the response mode out, or have the provider list `form_post` in `response_modes_supported`.",
    }
    CallbackMediaType = "callback.media_type" {
        rule: "An authorization response that is posted is a form.",
        source: "OAuth 2.0 Form Post Response Mode § 2", "https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html",
        answer: 415, "an error page",
        mended_by: Caller, "Start again at the page you wanted. If it repeats, look at what alters the provider's form.",
    }
    CallbackMalformed = "callback.malformed" {
        rule: "The authorization response is form-encoded text within its size limit.",
        source: "RFC 6749 § 4.1.2", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
        answer: 400, "an error page with a reference",
        mended_by: Caller, "Start again at the page you wanted. If it repeats, look at what alters the provider's redirect.",
    }
    CallbackDuplicate = "callback.duplicate_parameter" {
        rule: "No parameter of an authorization response occurs twice.",
        source: "RFC 6749 § 3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
        answer: 400, "an error page with a reference",
        mended_by: Caller, "Start again at the page you wanted. If it repeats, the provider or a proxy adds parameters.",
    }
    CallbackMixed = "callback.mixed" {
        rule: "An authorization response carries a code or an error, never both, never neither, and no token.",
        source: "RFC 6749 § 4.1.2", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
        answer: 400, "an error page with a reference",
        mended_by: Operator, "The client has to be registered at the provider for `response_type=code`.",
    }
    StateMissing = "callback.state_missing" {
        rule: "An authorization response carries the `state` of its request.",
        source: "RFC 6749 § 10.12", "https://www.rfc-editor.org/rfc/rfc6749#section-10.12",
        answer: 400, "an error page with a reference",
        mended_by: Caller, "Start again at the page you wanted. A callback address without its query cannot work.",
    }
    StateUnknown = "callback.state_unknown" {
        rule: "A login is finished in the browser that began it.",
        source: "RFC 9700 § 4.7", "https://www.rfc-editor.org/rfc/rfc9700#section-4.7",
        answer: 400, "the page it led to for who is signed in, or the login once more, by itself; an error page where the state is nobody's, or the third time in a row",
        mended_by: Caller, "Start again at the page you wanted, in one browser, with cookies on. If it always happens, the base URL is not the address users see, or replicas have different cookie keys.",
    }
    StateReplayed = "callback.state_replayed" {
        rule: "A `state` is used once.",
        source: "RFC 9700 § 4.7.1", "https://www.rfc-editor.org/rfc/rfc9700#section-4.7.1",
        answer: 400, "the page it led to for who is signed in, or the login once more, by itself; an error page the third time in a row",
        mended_by: Caller, "Nothing is wrong: the back button or a reload led to a login that is over. Start again at the page you wanted.",
    }
    TransactionExpired = "callback.expired" {
        rule: "A login is finished within its time limit.",
        source: "RFC 9700 § 4.7", "https://www.rfc-editor.org/rfc/rfc9700#section-4.7",
        answer: 400, "the page it led to for who is signed in, or the login once more, by itself",
        mended_by: Caller, "Start again at the page you wanted.",
    }
    CallbackIssuer = "callback.issuer_mismatch" {
        rule: "The `iss` of an authorization response is the issuer the login was started with, on errors too.",
        source: "RFC 9207 § 2.4", "https://www.rfc-editor.org/rfc/rfc9207#section-2.4",
        answer: 400, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider was reconfigured: a response of another issuer came in.",
    }
    CallbackIssuerMissing = "callback.issuer_missing" {
        rule: "A provider that promises `iss` in its responses sends it.",
        source: "RFC 9207 § 2.4", "https://www.rfc-editor.org/rfc/rfc9207#section-2.4",
        answer: 400, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider is known to leave `iss` out. Then its metadata promises too much: give your own with `Provider::metadata`.",
    }
    AccessDenied = "callback.access_denied" {
        rule: "The user agrees to the login and may use the application.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "The user refused, or the provider does not let the user use this application; its administrator can say.",
    }
    LoginRequired = "callback.login_required" {
        rule: "A login without interaction finds a user who is signed in at the provider.",
        source: "OpenID Connect Core § 3.1.2.6", "https://openid.net/specs/openid-connect-core-1_0.html#AuthError",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "Sign in again. If it repeats without `LogIn::silently`, the provider asks nothing though it may: look at `prompt` and at its policy for this client.",
    }
    ProviderBusy = "callback.provider_busy" {
        rule: "The provider is able to serve the login.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Try again later; the provider reported `server_error` or `temporarily_unavailable`.",
    }
    ScopeRefused = "callback.scope_refused" {
        rule: "The provider grants the scopes that are asked for.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Let the client have the scopes of `scopes` at the provider, or ask for fewer; the cause may say which.",
    }
    ClientRefused = "callback.client_refused" {
        rule: "The provider lets this client sign users in with the authorization code flow.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "At the provider, allow the client the authorization code flow (grant and response type), and check that it is enabled there and `client` has its id.",
    }
    ResponseTypeRefused = "callback.response_type_refused" {
        rule: "The provider answers `response_type=code`.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "At the provider, allow the client the response type `code`; the gate uses no other.",
    }
    RequestRefused = "callback.request_refused" {
        rule: "The provider takes the authorization request as it is.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The cause has the provider's words. Compare the registered redirect URI with `base_url` and take out what it may not know: `authorize_param`, `prompt`, `acr_values`, `request_claims`.",
    }
    TargetRefused = "callback.target_refused" {
        rule: "The provider issues tokens for the resources that are asked for.",
        source: "RFC 8707 § 2", "https://www.rfc-editor.org/rfc/rfc8707#section-2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Compare `resource` with the resources that this client may use at the provider, character by character.",
    }
    RequestObjectRefused = "callback.request_object_refused" {
        rule: "The provider is content with a request whose parameters stand in the address.",
        source: "OpenID Connect Core § 3.1.2.6", "https://openid.net/specs/openid-connect-core-1_0.html#AuthError",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The gate sends no request object and no registration: let the client do without at the provider, and look whether something on the way changes the address.",
    }
    CallbackError = "callback.error" {
        rule: "The provider answers a login without an error.",
        source: "RFC 6749 § 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The cause has the provider's words; no specification that the gate speaks knows this error, so look it up at the provider.",
    }
    LoginLoop = "login.loop" {
        rule: "A browser that has just been signed in comes back with its session.",
        source: "RFC 6265 § 6.1", "https://www.rfc-editor.org/rfc/rfc6265#section-6.1",
        answer: 400, "an error page with a reference, in the place of a fourth login within a minute",
        mended_by: Operator, "Find out what becomes of the session cookie: the browser blocks it, a proxy drops `Set-Cookie` or long headers, the base URL is another host than the browser's, or another host of the domain sets a second session. If a requirement on the sign-in led here, compare this machine's clock with the provider's.",
    }
    SignedOutMeanwhile = "login.signed_out_meanwhile" {
        rule: "A login that began before the provider signed its user out becomes no session.",
        source: "OpenID Connect Back-Channel Logout § 2.7", "https://openid.net/specs/openid-connect-backchannel-1_0.html#BCActions",
        answer: 403, "the login begins anew, twice in a row at most; then an error page with a reference",
        mended_by: Caller, "Nothing is wrong: sign in again. A logout of a user and not of a session (a provider that sends no `sid`) counts for ten seconds more where replicas share a store, whose clocks may differ.",
    }
    AnotherUser = "login.another_user" {
        rule: "A login that is demanded of somebody who is signed in brings the same user back.",
        source: "RFC 9470 § 4", "https://www.rfc-editor.org/rfc/rfc9470#section-4",
        answer: 403, "an error page with a reference; nothing of the present session is changed",
        mended_by: Caller, "The user has another account at the provider: sign in as the one who is signed in here, or sign in as someone else on purpose.",
    }
    LoginTooLarge = "login.too_large" {
        rule: "What a login has to remember fits into a cookie that every browser keeps.",
        source: "RFC 6265 § 6.1", "https://www.rfc-editor.org/rfc/rfc6265#section-6.1",
        answer: 500, "an error page with a reference",
        mended_by: Operator, "Ask for fewer scopes, resources and authentication context classes; where the login leads was left out already.",
    }
    ClientKey = "client.key" {
        rule: "The key that the client proves itself with fits its algorithm and signs.",
        source: "RFC 7523 § 2.2", "https://www.rfc-editor.org/rfc/rfc7523#section-2.2",
        answer: 503, "with `Retry-After`: a page for a browser, JSON for a script",
        mended_by: Operator, "Look at the key and at whatever holds it; the cause names what is wrong.",
    }
    PublicClient = "client.public" {
        rule: "Only a client that proves itself gets a token for itself.",
        source: "RFC 6749 § 4.4", "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
        answer: 503, "with `Retry-After`: a page for a browser, JSON for a script",
        mended_by: Operator, "Register the client as a confidential one, and configure what it proves itself with.",
    }
    TokenInvalidClient = "token.invalid_client" {
        rule: "The provider accepts the client's credentials.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider refused the client: check client id, client secret and authentication method against its registration.",
    }
    TokenInvalidGrant = "token.invalid_grant" {
        rule: "The provider accepts the authorization code, or whatever else a token is asked for with.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "an error page with a reference",
        mended_by: Operator, "Start again. If it repeats: is the redirect URI registered exactly so, and are the clocks right?",
    }
    TokenError = "token.error" {
        rule: "The token endpoint answers without an error.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The cause names the error code; it is about how the client is registered at the provider.",
    }
    TokenDenied = "token.access_denied" {
        rule: "Whoever is asked to let a device in agrees.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "Nothing is wrong: the user or the provider has refused. Start again if that was a mistake.",
    }
    TokenDeviceExpired = "token.device_code_expired" {
        rule: "A device is let in before its code expires.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 400, "an error page with a reference",
        mended_by: Caller, "Nothing is wrong: start again, and enter the new code in time.",
    }
    TokenUnavailable = "token.unavailable" {
        rule: "The token endpoint is able to answer.",
        source: "RFC 9110 § 15.6", "https://www.rfc-editor.org/rfc/rfc9110#section-15.6",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Try again later; look at the provider's own health.",
    }
    TokenMalformed = "token.malformed" {
        rule: "A token response is a JSON object with the members the specification demands.",
        source: "RFC 6749 § 5.1", "https://www.rfc-editor.org/rfc/rfc6749#section-5.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Something other than the token endpoint answered, or the provider is broken; the cause names the member.",
    }
    TokenType = "token.type" {
        rule: "The token type is the one that was asked for, in any case: `Bearer`, unless a request says otherwise.",
        source: "RFC 6749 § 7.1", "https://www.rfc-editor.org/rfc/rfc6749#section-7.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Register the client at the provider for bearer tokens.",
    }
    IdTokenMissing = "token.id_token_missing" {
        rule: "A login's token response carries an ID token.",
        source: "OpenID Connect Core § 3.1.3.3", "https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The scope `openid` has to be allowed for this client at the provider.",
    }
    BackchannelInvalidClient = "backchannel.invalid_client" {
        rule: "The provider accepts the client's credentials beyond the token endpoint too.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The cause names the endpoint: check client id, authentication method and what it needs against the client's registration there.",
    }
    BackchannelRefused = "backchannel.refused" {
        rule: "The provider does what a client asks of it.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The cause names the endpoint and the error code; it is about what this client may do at the provider.",
    }
    BackchannelUnavailable = "backchannel.unavailable" {
        rule: "The endpoint is able to answer.",
        source: "RFC 9110 § 15.6", "https://www.rfc-editor.org/rfc/rfc9110#section-15.6",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Try again later; look at the provider's own health.",
    }
    BackchannelMalformed = "backchannel.malformed" {
        rule: "An answer is a JSON object with the members that its specification demands.",
        source: "RFC 8259 § 4", "https://www.rfc-editor.org/rfc/rfc8259#section-4",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Something else answered in the endpoint's place, or the provider is broken; the cause names endpoint and member.",
    }
    IdTokenMalformed = "id_token.malformed" {
        rule: "An ID token is a compact JWS of strict base64url, whose header and payload are JSON objects without repeated members.",
        source: "RFC 7519 § 7.2", "https://www.rfc-editor.org/rfc/rfc7519#section-7.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider is broken, or something alters its answers.",
    }
    IdTokenEncrypted = "id_token.encrypted" {
        rule: "The ID token is signed, not encrypted.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Register the client at the provider without ID token encryption.",
    }
    IdTokenAlg = "id_token.alg" {
        rule: "The ID token is signed with an algorithm that the configuration and the provider's metadata allow; never `none`.",
        source: "RFC 8725 § 3.1", "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Make the provider sign ID tokens for this client with an algorithm it announces and the gate verifies, or name the one it uses with `id_token_alg`. Metadata of your own announces RS256 unless it says otherwise.",
    }
    IdTokenCrit = "id_token.crit" {
        rule: "The header demands no extension that the gate does not know.",
        source: "RFC 7515 § 4.1.11", "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Configure the provider to issue ordinary ID tokens to this client.",
    }
    IdTokenType = "id_token.type" {
        rule: "The token is an ID token and not a token of another kind.",
        source: "RFC 8725 § 3.11", "https://www.rfc-editor.org/rfc/rfc8725#section-3.11",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider sent another kind of token in the place of the ID token.",
    }
    IdTokenKey = "id_token.key" {
        rule: "The provider publishes the key that signed the ID token.",
        source: "OpenID Connect Core § 10.1.1", "https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Keys were fetched again and still lack it: check the provider's `jwks_uri`. A newly rotated key is found after the fetch interval.",
    }
    IdTokenSignature = "id_token.signature" {
        rule: "The signature of the ID token is right.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider is known to be broken.",
    }
    IdTokenSecret = "id_token.secret" {
        rule: "ID tokens are signed with the client's secret only if the client has one, at least as long as the hash.",
        source: "RFC 7518 § 3.2", "https://www.rfc-editor.org/rfc/rfc7518#section-3.2",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Have the provider sign this client's ID tokens with a key pair, or issue a longer secret: 32 bytes for HS256, 48 for HS384, 64 for HS512.",
    }
    IdTokenClaim = "id_token.claim" {
        rule: "Every claim the gate reads has its type, and the required ones are there.",
        source: "OpenID Connect Core § 2", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider is broken or misconfigured; the cause names the claim.",
    }
    IdTokenIssuer = "id_token.issuer" {
        rule: "`iss` is the configured issuer, character by character.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Set the issuer to what the provider puts into its tokens, including any trailing slash.",
    }
    IdTokenAudience = "id_token.audience" {
        rule: "`aud` names this client, and nobody else unless trusted.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Check the client id. If another audience is legitimate, name it with `trust_audience`.",
    }
    IdTokenAuthorizedParty = "id_token.azp" {
        rule: "`azp` is this client where it is present or there are several audiences.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The token was issued to another client; check the client id.",
    }
    IdTokenExpired = "id_token.expired" {
        rule: "The ID token has not expired.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Compare this machine's clock with the provider's.",
    }
    IdTokenIssuedAt = "id_token.issued_at" {
        rule: "The ID token was not issued in the future.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Compare this machine's clock with the provider's.",
    }
    IdTokenNotBefore = "id_token.not_before" {
        rule: "The ID token is already valid.",
        source: "RFC 7519 § 4.1.5", "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Compare this machine's clock with the provider's.",
    }
    IdTokenNonce = "id_token.nonce" {
        rule: "`nonce` is the one this login sent.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack: a token of another login was put in the place of this one's.",
    }
    IdTokenSubject = "id_token.subject" {
        rule: "`sub` is a text of 1 to 255 ASCII characters.",
        source: "OpenID Connect Core § 2", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider is broken or misconfigured.",
    }
    IdTokenAccessTokenHash = "id_token.at_hash" {
        rule: "`at_hash`, where present, belongs to the access token that came along.",
        source: "OpenID Connect Core § 3.1.3.8", "https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowTokenValidation",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider is known to be broken.",
    }
    IdTokenAcr = "id_token.acr" {
        rule: "The sign-in has the level that was demanded.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "The provider did not reach the demanded `acr`; check that it supports it and that the user has what it takes.",
    }
    IdTokenAuthTime = "id_token.auth_time" {
        rule: "The sign-in is as recent as was demanded, and the token says when it was.",
        source: "OpenID Connect Core § 3.1.2.1", "https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "The provider did not ask the user again, or does not say when it did; it has to support `max_age`.",
    }
    IdTokenSessionExpiry = "id_token.session_expiry" {
        rule: "A session that the provider limits (`session_expiry`) is not over before it begins.",
        source: "OpenID Connect IPSIE SL1 Profile", "https://openid.net/specs/ipsie-openid-connect-sl1-profile-1_0.html",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Compare the clocks of provider and application. If they agree, the provider signs users in whose session there is over.",
    }
    IdTokenRefreshedSubject = "id_token.refreshed_subject" {
        rule: "A refreshed ID token is about the user who signed in.",
        source: "OpenID Connect Core § 12.2", "https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider is known to be broken: the session ends.",
    }
    IdTokenRefreshed = "id_token.refreshed" {
        rule: "A refreshed ID token has the issuer, the audience, the authorized party and the time of sign-in of the first, and is not older.",
        source: "OpenID Connect Core § 12.2", "https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "The provider does not keep to the specification when it refreshes; the cause names what differs.",
    }
    ClaimsUnfit = "id_token.claims_unfit" {
        rule: "The user's claims have the shape that the application demands.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-axum",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "Give the user the missing claim at the provider, request the scope that carries it, or make the member optional.",
    }
    UserinfoUnsupported = "userinfo.unsupported" {
        rule: "A provider whose userinfo is always to be asked has a userinfo endpoint.",
        source: "OpenID Connect Discovery § 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Set `claims_from(ClaimsSource::UserinfoWhenNeeded)`, or have the provider publish its `userinfo_endpoint`.",
    }
    UserinfoUnavailable = "userinfo.unavailable" {
        rule: "The userinfo endpoint is able to answer.",
        source: "RFC 9110 § 15.6", "https://www.rfc-editor.org/rfc/rfc9110#section-15.6",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Try again later; look at the provider's own health. Nobody is signed in with half of what is known of them.",
    }
    UserinfoRefused = "userinfo.refused" {
        rule: "The userinfo endpoint takes the access token of the sign-in.",
        source: "OpenID Connect Core § 5.3.3", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoError",
        answer: 502, "an error page with a reference; with `ClaimsSource::UserinfoWhenNeeded` the sign-in goes on with the ID token's claims",
        mended_by: Operator, "The access token is for another API: request it without that API's scopes, or have the provider put the claims into the ID token and set `claims_from(ClaimsSource::IdToken)`.",
    }
    UserinfoMalformed = "userinfo.malformed" {
        rule: "Userinfo is a JSON object without repeated members, served with status 200 and without a redirect.",
        source: "OpenID Connect Core § 5.3.2", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Something other than the userinfo endpoint answered, or the provider is broken.",
    }
    UserinfoSigned = "userinfo.signed" {
        rule: "Userinfo is plain JSON, not a JWT.",
        source: "OpenID Connect Core § 5.3.2", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Register the client at the provider without `userinfo_signed_response_alg` and `userinfo_encrypted_response_alg`.",
    }
    UserinfoSubject = "userinfo.subject" {
        rule: "Userinfo is about the subject of the ID token, and says so.",
        source: "OpenID Connect Core § 5.3.2", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Treat it as an attack unless the provider is known to be broken: the access token belongs to somebody else.",
    }
    RefreshRefused = "refresh.refused" {
        rule: "The provider takes the session's refresh token, and does not ask for the user instead.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 401, "as without a session: a navigation is sent to the login",
        mended_by: Caller, "Sign in again: the refresh token has expired, or was revoked or replaced. If it happens to many soon after they signed in, somebody else redeems the same tokens: processes that share sessions have to share a coordinator or a store.",
    }
    RefreshIssuer = "refresh.issuer" {
        rule: "A refresh token is sent to the issuer that gave it and to no other.",
        source: "RFC 6819 § 5.1.4", "https://www.rfc-editor.org/rfc/rfc6819#section-5.1.4",
        answer: 401, "as without a session: a navigation is sent to the login",
        mended_by: Operator, "The configured issuer is another than when the user signed in. If that is meant, sessions of before end and nothing is to be done.",
    }
    RefreshNonce = "refresh.nonce" {
        rule: "An ID token that comes with a refresh has no nonce, or the one of the login; where that is not known any more, a token with a nonce renews no identity.",
        source: "OpenID Connect Core § 12.2", "https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse",
        answer: 502, "none: the tokens are taken, and the user stays who it was; only the log has it",
        mended_by: Operator, "Have the provider leave `nonce` out of ID tokens that come with a refresh, as it should.",
    }
    RefreshUserinfoAlone = "refresh.userinfo_alone" {
        rule: "Userinfo renews an identity without an ID token only if all claims that it was made of are kept.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-core",
        answer: 502, "none: the tokens are taken, and the user stays who it was; only the log has it",
        mended_by: Operator, "Keep the claims that groups, roles, names and addresses are read from, and name one place for each; or have the provider send an ID token with every refresh.",
    }
    EmailMissing = "claims.email_missing" {
        rule: "The user has an email address, where one is demanded.",
        source: "OpenID Connect Core § 5.1", "https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "Give the user an address at the provider; request the scope `email`; if the address is in another claim, name it with `email_at`.",
    }
    EmailUnverified = "claims.email_unverified" {
        rule: "The provider says that it has checked the user's address, where that is demanded: `email_verified` is the JSON value `true`.",
        source: "OpenID Connect Core § 5.1", "https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims",
        answer: 403, "an error page with a reference",
        mended_by: Caller, "Let the user confirm the address at the provider. If the provider never says so and users cannot set addresses themselves, there is `danger_trust_unverified_email`.",
    }
    SessionUnreadable = "session.unreadable" {
        rule: "A session cookie opens with one of the configured keys.",
        source: "RFC 6265 § 8.3", "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong for the user. If it happens to everybody, the cookie keys changed or differ between replicas.",
    }
    SessionIdle = "session.idle" {
        rule: "A session is used at least once in every idle period.",
        source: "RFC 6265 § 8.3", "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong: sign in again, or configure a longer idle limit.",
    }
    SessionExpired = "session.expired" {
        rule: "A session ends at its absolute limit, or when the provider says that it ends.",
        source: "RFC 6265 § 8.3", "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong: sign in again, or configure a longer limit. What the provider says (`session_expiry`) no setting makes longer.",
    }
    SessionEnded = "session.ended" {
        rule: "A session that was signed out does not come back.",
        source: "RFC 6265 § 8.3", "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong: sign in again.",
    }
    SessionUnknown = "session.unknown" {
        rule: "The store has the session that a cookie names.",
        source: "RFC 6265 § 8.3", "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong for the user: the store has cleared the session up after its end. If it happens to many at once, the store has lost what it kept, or replicas use different stores.",
    }
    SessionForeign = "session.foreign" {
        rule: "A session was made at the provider that is configured now.",
        source: "RFC 9700 § 4.4", "https://www.rfc-editor.org/rfc/rfc9700#section-4.4",
        answer: 401, "as for a request without a session: a navigation is sent to the login instead",
        mended_by: Caller, "Nothing is wrong: the provider's configuration changed, so sign in again.",
    }
    SessionTooLarge = "session.too_large" {
        rule: "A session fits into its cookies, or into what a store is given.",
        source: "RFC 6265 § 6.1", "https://www.rfc-editor.org/rfc/rfc6265#section-6.1",
        answer: 502, "an error page with a reference",
        mended_by: Operator, "Keep sessions in a store (`store`), or keep less. Fewer claims: where the cause names the largest, `drop_claims` leaves out those, `keep_claims` all but some, `map_claims` makes a list of groups shorter. Fewer tokens: `keep_tokens`.",
    }
    StoreUnavailable = "session.store_unavailable" {
        rule: "The session store answers.",
        source: "RFC 9110 § 15.6.4", "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Check the session store. No session is lost meanwhile.",
    }
    LogoutRequest = "logout.request" {
        rule: "A logout of the provider's is a form with `logout_token` in it, once.",
        source: "OpenID Connect Back-Channel Logout § 2.5", "https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Whoever calls the endpoint is no OpenID provider, or is registered with another address than `backchannel_logout`.",
    }
    LogoutMalformed = "logout.malformed" {
        rule: "A logout token is a compact JWS of strict base64url, whose header and payload are JSON objects without repeated members.",
        source: "RFC 7519 § 7.2", "https://www.rfc-editor.org/rfc/rfc7519#section-7.2",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "The provider is broken, or somebody else sends this.",
    }
    LogoutEncrypted = "logout.encrypted" {
        rule: "The logout token is signed, not encrypted.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Register the client at the provider without ID token encryption.",
    }
    LogoutAlg = "logout.alg" {
        rule: "The logout token is signed with an algorithm that an ID token may be signed with; never `none`.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Make the provider sign logout tokens for this client as it signs ID tokens, or name the algorithm it uses with `id_token_alg`.",
    }
    LogoutCrit = "logout.crit" {
        rule: "The header demands no extension that the gate does not know.",
        source: "RFC 7515 § 4.1.11", "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Configure the provider to issue ordinary logout tokens to this client.",
    }
    LogoutType = "logout.type" {
        rule: "`typ` is `logout+jwt`, `JWT` or absent: another kind of token logs nobody out.",
        source: "RFC 8725 § 3.11", "https://www.rfc-editor.org/rfc/rfc8725#section-3.11",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Treat it as an attack unless the provider is known to be broken: somebody has sent another kind of token.",
    }
    LogoutKey = "logout.key" {
        rule: "The provider publishes the key that signed the logout token.",
        source: "OpenID Connect Core § 10.1.1", "https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "If the provider has sent it, check its `jwks_uri`: a newly rotated key is found after the fetch interval. Anybody can name a key that does not exist.",
    }
    LogoutSignature = "logout.signature" {
        rule: "The signature of the logout token is right.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Treat it as an attack unless the provider is known to be broken.",
    }
    LogoutSecret = "logout.secret" {
        rule: "Logout tokens are signed with the client's secret only if the client has one, at least as long as the hash.",
        source: "RFC 7518 § 3.2", "https://www.rfc-editor.org/rfc/rfc7518#section-3.2",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Have the provider sign for this client with a key pair, or issue a longer secret: 32 bytes for HS256, 48 for HS384, 64 for HS512.",
    }
    LogoutClaim = "logout.claim" {
        rule: "Every claim the gate reads has its type, and `iss`, `aud`, `iat` and `exp` are there.",
        source: "OpenID Connect Back-Channel Logout § 2.4", "https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "The cause names the claim. If it is `exp`, the provider follows an early draft: update it, or set `danger_accept_logout_without_exp`.",
    }
    LogoutIssuer = "logout.issuer" {
        rule: "`iss` is the configured issuer, character by character.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Set the issuer to what the provider puts into its tokens, including any trailing slash.",
    }
    LogoutAudience = "logout.audience" {
        rule: "`aud` names this client, and nobody else unless trusted; `azp`, where present, too.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Check which client the address is registered for. If another audience is legitimate, name it with `trust_audience`.",
    }
    LogoutExpired = "logout.expired" {
        rule: "The logout token has not expired.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Compare this machine's clock with the provider's. If they agree, the provider has delivered late.",
    }
    LogoutIssuedAt = "logout.issued_at" {
        rule: "The logout token was issued within the last day and not in the future, and is already valid; one without `exp` was issued within two minutes.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Compare this machine's clock with the provider's.",
    }
    LogoutSubject = "logout.subject" {
        rule: "The logout token names a user, a session or both: `sub` and `sid` are texts, and one of them is there.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "The provider is broken or misconfigured.",
    }
    LogoutEvents = "logout.events" {
        rule: "`events` is an object and names a logout, with an object as its value.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Somebody has sent another kind of token, an ID token perhaps; or the provider is broken.",
    }
    LogoutNonce = "logout.nonce" {
        rule: "A logout token has no `nonce`: nobody takes an ID token for one.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Treat it as an attack unless the provider is known to be broken.",
    }
    LogoutId = "logout.jti" {
        rule: "`jti` is a text of 1 to 255 bytes.",
        source: "OpenID Connect Back-Channel Logout § 2.4", "https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "The provider is broken or misconfigured.",
    }
    LogoutReplayed = "logout.replayed" {
        rule: "A logout token is carried out once, and ends nothing that began afterwards.",
        source: "OpenID Connect Back-Channel Logout § 2.6", "https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation",
        answer: 400, "JSON with `invalid_request`, to the provider",
        mended_by: Caller, "Nothing is wrong if the provider has sent it twice. Otherwise find out who has read it.",
    }
    LogoutList = "logout.list" {
        rule: "The list of the sessions that a logout ends opens with the cookie keys in force.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-tower",
        answer: 503, "JSON with `temporarily_unavailable` and `Retry-After`, to the provider",
        mended_by: Operator, "Put the same cookie keys in force in every replica. Nobody was logged out by this one.",
    }
    LogoutFrontChannel = "logout.front_channel" {
        rule: "A logout through the browser names the configured issuer and a session there: `iss` and `sid`, each once.",
        source: "OpenID Connect Front-Channel Logout § 3", "https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout",
        answer: 400, "an empty page, in the provider's frame",
        mended_by: Caller, "Have the provider send both: register the client with `frontchannel_logout_session_required`. If `iss` differs, set the issuer to what the provider calls itself.",
    }
    BearerInvalid = "bearer.invalid" {
        rule: "A bearer token is valid for this service.",
        source: "RFC 6750 § 3.1", "https://www.rfc-editor.org/rfc/rfc6750#section-3.1",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a new token; the cause says what was wrong with this one.",
    }
    BearerHeader = "bearer.header" {
        rule: "`Authorization` stands once, and is `Bearer`, spaces, and one token.",
        source: "RFC 6750 § 2.1", "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
        answer: 400, "`invalid_request`, or 403 as `InvalidBearer` says",
        mended_by: Caller, "Send one `Authorization: Bearer` with the token and nothing after it.",
    }
    BearerDpop = "bearer.dpop" {
        rule: "A token comes with the scheme `Bearer`; proofs of possession are not verified.",
        source: "RFC 9449 § 7.1", "https://www.rfc-editor.org/rfc/rfc9449#section-7.1",
        answer: 401, "a challenge without an error, or as `InvalidBearer` says",
        mended_by: Caller, "Have the client ask for a bearer token, without DPoP.",
    }
    BearerMalformed = "bearer.malformed" {
        rule: "A token is a signed JWT.",
        source: "RFC 9068 § 2", "https://www.rfc-editor.org/rfc/rfc9068#section-2",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "An opaque token cannot be verified here: have the issuer make JWTs for this service.",
    }
    BearerEncrypted = "bearer.encrypted" {
        rule: "A token is signed and not encrypted.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the issuer sign tokens for this service without encrypting them.",
    }
    BearerAlg = "bearer.alg" {
        rule: "A token is signed with one of the configured algorithms, none of them symmetric.",
        source: "RFC 8725 § 3.1", "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the issuer sign with an asymmetric algorithm, or name its algorithm in `Bearer::algs`.",
    }
    BearerCrit = "bearer.crit" {
        rule: "A token demands no extension.",
        source: "RFC 7515 § 4.1.11", "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the issuer leave `crit` and `b64` out.",
    }
    BearerType = "bearer.type" {
        rule: "The header says by `typ` what kind of token it is: `at+jwt` for an access token.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Is it an access token? An ID token is none. If the issuer writes another `typ` into access tokens, say by `Bearer::untyped` what marks them.",
    }
    BearerKind = "bearer.kind" {
        rule: "A token is of the kind that is accepted, and no other that the issuer signs.",
        source: "RFC 8725 § 3.12", "https://www.rfc-editor.org/rfc/rfc8725#section-3.12",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Send an access token. If it is one, `Bearer::untyped` names what the issuer does not write into it.",
    }
    BearerIssuer = "bearer.issuer" {
        rule: "A token's `iss` is a configured issuer, character by character.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a token from a configured issuer. If the one in the cause is meant to be, add a `Bearer` for it.",
    }
    BearerKey = "bearer.key" {
        rule: "The issuer publishes the key that signed the token.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a new token. If it repeats, the issuer signs with a key that its `jwks_uri` does not list.",
    }
    BearerSignature = "bearer.signature" {
        rule: "The signature of a token is right.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a new token; this one was altered, or signed by somebody else.",
    }
    BearerClaim = "bearer.claim" {
        rule: "A token has the claims that its kind demands, each of its type.",
        source: "RFC 9068 § 2.2", "https://www.rfc-editor.org/rfc/rfc9068#section-2.2",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the issuer write the claim that the cause names; where it follows no profile, see `Bearer::untyped`.",
    }
    BearerAudience = "bearer.audience" {
        rule: "A token is meant for this service.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Ask for a token for this service, by `resource` or as the issuer has it. If `aud` in the cause names this service, configure it with `Bearer::audience`.",
    }
    BearerAuthorizedParty = "bearer.azp" {
        rule: "An ID token was issued to the audience it is shown to, and to nobody else.",
        source: "OpenID Connect Core § 3.1.3.7", "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a token whose `azp` is the configured audience.",
    }
    BearerExpired = "bearer.expired" {
        rule: "A token has not expired.",
        source: "RFC 9068 § 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Get a new token. If a fresh one fails too, the clocks differ.",
    }
    BearerNotBefore = "bearer.not_before" {
        rule: "A token is valid already.",
        source: "RFC 7519 § 4.1.5", "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Wait until it is valid, or set the clocks right.",
    }
    BearerIssuedAt = "bearer.issued_at" {
        rule: "A token was not issued, and its user did not sign in, in the future.",
        source: "RFC 7519 § 4.1.6", "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.6",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Set the clocks right.",
    }
    BearerSubject = "bearer.subject" {
        rule: "A token names its subject in at most 255 characters of visible ASCII.",
        source: "OpenID Connect Core § 2", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the issuer give its users other names.",
    }
    BearerBound = "bearer.bound" {
        rule: "A token that is bound to a key comes with a proof of that key, which is not verified here.",
        source: "RFC 7800 § 3.1", "https://www.rfc-editor.org/rfc/rfc7800#section-3.1",
        answer: 401, "`invalid_token`, or as `InvalidBearer` says",
        mended_by: Caller, "Have the client ask for a bearer token, without DPoP and without a certificate.",
    }
    RequestMethod = "client_auth.http_method" {
        rule: "A token request is a POST.",
        source: "RFC 6749 § 3.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
        answer: 405, "`invalid_request`, and `Allow`",
        mended_by: Caller, "Send the request with POST.",
    }
    RequestMediaType = "client_auth.media_type" {
        rule: "A token request is `application/x-www-form-urlencoded`.",
        source: "RFC 6749 Appendix B", "https://www.rfc-editor.org/rfc/rfc6749#appendix-B",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send a form. A server may take JSON as well: `Bodies::FormOrJson`.",
    }
    RequestSize = "client_auth.size" {
        rule: "A token request has at most 64 KiB and 100 parameters.",
        source: "RFC 9110 § 15.5.14", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14",
        answer: 413, "`invalid_request`",
        mended_by: Caller, "Send less.",
    }
    RequestMalformed = "client_auth.malformed" {
        rule: "The body is what its media type says: percent-encoded UTF-8, or a JSON object of texts.",
        source: "RFC 6749 Appendix B", "https://www.rfc-editor.org/rfc/rfc6749#appendix-B",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Encode the body as the cause says.",
    }
    RequestQuery = "client_auth.query" {
        rule: "No credential travels in a URL.",
        source: "RFC 6749 § 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send the parameter in the body. What stood in the URL is in logs now: replace it.",
    }
    RequestRepeated = "client_auth.repeated" {
        rule: "A parameter occurs once; `resource` and `audience` may occur more often.",
        source: "RFC 6749 § 3.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send the parameter once.",
    }
    RequestHeaderRepeated = "client_auth.header_repeated" {
        rule: "There is at most one `Authorization` header.",
        source: "RFC 9110 § 5.3", "https://www.rfc-editor.org/rfc/rfc9110#section-5.3",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send the header once.",
    }
    ClientMechanisms = "client_auth.mechanisms" {
        rule: "A request uses one client authentication method.",
        source: "RFC 6749 § 2.3", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Keep the method the client is registered for and leave the others out.",
    }
    ClientScheme = "client_auth.scheme" {
        rule: "The scheme of the `Authorization` header is `Basic`.",
        source: "RFC 6749 § 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Authenticate as the client is registered.",
    }
    ClientBasic = "client_auth.basic" {
        rule: "`Authorization: Basic` is base64 of form-encoded client id, colon, form-encoded secret.",
        source: "RFC 6749 § 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Encode id and secret on their own, join them with a colon, then encode the whole as base64.",
    }
    ClientAssertionHalf = "client_auth.assertion_half" {
        rule: "`client_assertion` and `client_assertion_type` come together.",
        source: "RFC 7521 § 4.2", "https://www.rfc-editor.org/rfc/rfc7521#section-4.2",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send both.",
    }
    ClientAssertionType = "client_auth.assertion_type" {
        rule: "The type of a client assertion is `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.",
        source: "RFC 7523 § 2.2", "https://www.rfc-editor.org/rfc/rfc7523#section-2.2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Send a JWT and say so.",
    }
    ClientIdsDiffer = "client_auth.ids_differ" {
        rule: "All that names a client names the same one.",
        source: "RFC 7521 § 4.2", "https://www.rfc-editor.org/rfc/rfc7521#section-4.2",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send one client id everywhere, or leave `client_id` out of the body where the method names the client anyway.",
    }
    ClientMissing = "client_auth.missing" {
        rule: "A request says which client sends it.",
        source: "RFC 6749 § 3.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Send `client_id`, or authenticate.",
    }
    ClientCharacters = "client_auth.characters" {
        rule: "A client id and a secret are printable ASCII of a sensible length.",
        source: "RFC 6749 Appendix A", "https://www.rfc-editor.org/rfc/rfc6749#appendix-A",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Look at what encodes the request.",
    }
    ClientProofUnsupported = "client_auth.unsupported" {
        rule: "What proves more than the methods of this server know is refused, not ignored.",
        source: "RFC 9449 § 5", "https://www.rfc-editor.org/rfc/rfc9449#section-5",
        answer: 400, "`invalid_dpop_proof` for DPoP, else `invalid_request`",
        mended_by: Caller, "Leave out what the cause names; it is not spoken here.",
    }
    ClientUnknown = "client_auth.unknown" {
        rule: "The client is registered.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Check the client id.",
    }
    ClientMethodDisabled = "client_auth.method_disabled" {
        rule: "The method is one the server offers.",
        source: "RFC 8414 § 2", "https://www.rfc-editor.org/rfc/rfc8414#section-2",
        answer: 401, "`invalid_client`",
        mended_by: Operator, "Enable the method at the `Authenticator`, or register the client for one that is.",
    }
    ClientMethodOther = "client_auth.method_other" {
        rule: "The client authenticates by the method it is registered for.",
        source: "RFC 7591 § 2", "https://www.rfc-editor.org/rfc/rfc7591#section-2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Use the registered `token_endpoint_auth_method`.",
    }
    ClientSecretWrong = "client_auth.secret" {
        rule: "The secret is one of the client's.",
        source: "RFC 6749 § 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Check the secret, and that id and secret are form-encoded before base64.",
    }
    ClientSecretExpired = "client_auth.secret_expired" {
        rule: "The secret has not expired.",
        source: "RFC 7591 § 3.2.1", "https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1",
        answer: 401, "`invalid_client`",
        mended_by: Operator, "Give the client a new secret.",
    }
    ClientTooMany = "client_auth.too_many" {
        rule: "Secrets are not guessed at.",
        source: "RFC 6749 § 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        answer: 429, "`invalid_client`",
        mended_by: Caller, "Wait, and look for whoever tries.",
    }
    ClientKeysUnavailable = "client_auth.keys_unavailable" {
        rule: "The client's keys can be had from its `jwks_uri`.",
        source: "RFC 7591 § 2", "https://www.rfc-editor.org/rfc/rfc7591#section-2",
        answer: 401, "`invalid_client`",
        mended_by: Operator, "Look at the client's `jwks_uri`: https, a public address, no redirect, a JWK set of at most 512 KiB.",
    }
    AssertionMalformed = "assertion.malformed" {
        rule: "An assertion is a signed JWT in the compact form that says everything once.",
        source: "RFC 7515 § 3", "https://www.rfc-editor.org/rfc/rfc7515#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Look at what makes the assertion; the cause says what is wrong.",
    }
    AssertionAlg = "assertion.alg" {
        rule: "An assertion is signed with an algorithm that the server takes and the client is registered for.",
        source: "RFC 8725 § 3.1", "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Sign with one of `token_endpoint_auth_signing_alg_values_supported`, and with the registered one if there is one.",
    }
    AssertionCritical = "assertion.crit" {
        rule: "An assertion demands no extension.",
        source: "RFC 7515 § 4.1.11", "https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Leave `crit` and `b64` out.",
    }
    AssertionTyp = "assertion.typ" {
        rule: "An assertion is no token of another kind.",
        source: "RFC 8725 § 3.11", "https://www.rfc-editor.org/rfc/rfc8725#section-3.11",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Set `typ` to `client-authentication+jwt` or `JWT`, or leave it out.",
    }
    AssertionKey = "assertion.key" {
        rule: "A registered key fits the assertion's `kid` and algorithm.",
        source: "RFC 7517 § 4", "https://www.rfc-editor.org/rfc/rfc7517#section-4",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Register the key, or sign with one that is; keys in the assertion's header count for nothing.",
    }
    AssertionSignature = "assertion.signature" {
        rule: "The signature is one of the registered key's.",
        source: "RFC 7515 § 5.2", "https://www.rfc-editor.org/rfc/rfc7515#section-5.2",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Sign with the key that is registered.",
    }
    AssertionSecretShort = "assertion.secret_short" {
        rule: "The secret is as long as the hash.",
        source: "RFC 7518 § 3.2", "https://www.rfc-editor.org/rfc/rfc7518#section-3.2",
        answer: 401, "`invalid_client`",
        mended_by: Operator, "Give the client a secret of at least 32 bytes for HS256, 48 for HS384, 64 for HS512.",
    }
    AssertionIssuer = "assertion.iss" {
        rule: "A client's assertion is issued by the client; a grant's by an issuer that is trusted.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Set `iss` to the client id; or have the issuer configured.",
    }
    AssertionSubject = "assertion.sub" {
        rule: "A client's assertion is about the client; a grant's about somebody.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Set `sub` to the client id.",
    }
    AssertionAudience = "assertion.aud" {
        rule: "An assertion is made for this server.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Set `aud` to the issuer, as text.",
    }
    AssertionExpires = "assertion.exp" {
        rule: "An assertion says when it expires, soon, and has not.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Look at the clocks of both sides, and let assertions live for a minute.",
    }
    AssertionNotBefore = "assertion.nbf" {
        rule: "An assertion is valid already.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Look at the clocks of both sides.",
    }
    AssertionIssuedAt = "assertion.iat" {
        rule: "An assertion is made neither in the future nor long ago.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Look at the clocks of both sides, and make an assertion for each request.",
    }
    AssertionId = "assertion.jti" {
        rule: "An assertion has an id.",
        source: "OpenID Connect Core § 9", "https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Set `jti` to something new and unguessable, at most 255 bytes.",
    }
    AssertionReplayed = "assertion.replayed" {
        rule: "An assertion is used once.",
        source: "RFC 7523 § 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3",
        answer: 401, "`invalid_client`; `invalid_grant` where the assertion is the grant",
        mended_by: Caller, "Make an assertion for each request, for every attempt of it too. If nobody sent it twice, somebody has stolen it.",
    }
    GrantTypeMissing = "grant.type_missing" {
        rule: "A token request says which grant it uses.",
        source: "RFC 6749 § 4.1.3", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send `grant_type`.",
    }
    GrantTypeUnknown = "grant.type_unknown" {
        rule: "The grant is one the server knows.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "`unsupported_grant_type`",
        mended_by: Caller, "Use a grant of the metadata's `grant_types_supported`.",
    }
    GrantNotAllowed = "grant.not_allowed" {
        rule: "The client may use the grant.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "`unauthorized_client`",
        mended_by: Operator, "Register the client for the grant.",
    }
    GrantScopeMalformed = "grant.scope_malformed" {
        rule: "A scope is words separated by single spaces.",
        source: "RFC 6749 § 3.3", "https://www.rfc-editor.org/rfc/rfc6749#section-3.3",
        answer: 400, "`invalid_scope`",
        mended_by: Caller, "Send words of `%x21 / %x23-5B / %x5D-7E` with one space between them.",
    }
    GrantResourceMalformed = "grant.resource_malformed" {
        rule: "A resource is an absolute URI without a fragment.",
        source: "RFC 8707 § 2", "https://www.rfc-editor.org/rfc/rfc8707#section-2",
        answer: 400, "`invalid_target`",
        mended_by: Caller, "Send the address of the API.",
    }
    GrantParameter = "grant.unsupported" {
        rule: "A parameter that changes what is granted is understood or refused.",
        source: "RFC 9396 § 5", "https://www.rfc-editor.org/rfc/rfc9396#section-5",
        answer: 400, "`invalid_authorization_details` for that parameter, else `invalid_request`",
        mended_by: Caller, "Leave out what the cause names; it is not spoken here.",
    }
    GrantMissing = "grant.missing" {
        rule: "What the grant needs is there.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send the parameter that the cause names.",
    }
    GrantCertificateMissing = "grant.certificate_missing" {
        rule: "A client whose tokens are bound to its certificate shows one.",
        source: "RFC 8705 § 3.4", "https://www.rfc-editor.org/rfc/rfc8705#section-3.4",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Connect with the certificate.",
    }
    GrantUnknown = "grant.unknown" {
        rule: "The code or token is one this server has issued.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Begin anew; the grant is not known, or was forgotten after its time.",
    }
    GrantClient = "grant.client" {
        rule: "The code or token was issued to this client.",
        source: "RFC 6749 § 4.1.3", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "A code or a token of another client came: somebody may have stolen it. It stays valid for its owner.",
    }
    GrantUsed = "grant.used" {
        rule: "A code is used once.",
        source: "RFC 6749 § 4.1.2", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Begin anew. What was issued for the code is revoked: it may be in other hands.",
    }
    GrantExpired = "grant.expired" {
        rule: "The code or token has not expired.",
        source: "RFC 6749 § 4.1.2", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Begin anew.",
    }
    GrantEnded = "grant.ended" {
        rule: "The authorization behind it is still alive.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Begin anew: the user, the session or the consent is gone.",
    }
    GrantRace = "grant.race" {
        rule: "Of several uses at once, one succeeds.",
        source: "RFC 9700 § 4.2.4", "https://www.rfc-editor.org/rfc/rfc9700#section-4.2.4",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Use the result of the request that was faster.",
    }
    GrantRedirectUri = "grant.redirect_uri" {
        rule: "The redirect URI is that of the authorization request, byte for byte.",
        source: "RFC 6749 § 4.1.3", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Send the same `redirect_uri` as before.",
    }
    GrantVerifierMissing = "grant.verifier_missing" {
        rule: "A code that was asked for with a challenge is redeemed with its verifier.",
        source: "RFC 7636 § 4.6", "https://www.rfc-editor.org/rfc/rfc7636#section-4.6",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Send `code_verifier`.",
    }
    GrantVerifierUnasked = "grant.verifier_unasked" {
        rule: "A code that was asked for without a challenge is redeemed without a verifier.",
        source: "RFC 9700 § 2.1.1", "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Somebody may have taken the challenge out of the authorization request; begin anew.",
    }
    GrantChallengeMissing = "grant.challenge_missing" {
        rule: "A public client proves by PKCE that the code is its own.",
        source: "RFC 9700 § 2.1.1", "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Send `code_challenge` with the authorization request.",
    }
    GrantVerifierMalformed = "grant.verifier_malformed" {
        rule: "A verifier has 43 to 128 unreserved characters.",
        source: "RFC 7636 § 4.1", "https://www.rfc-editor.org/rfc/rfc7636#section-4.1",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Make the verifier of 32 random bytes in base64url.",
    }
    GrantVerifierWrong = "grant.verifier_wrong" {
        rule: "The verifier is the one of the challenge.",
        source: "RFC 7636 § 4.6", "https://www.rfc-editor.org/rfc/rfc7636#section-4.6",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Send the verifier that belongs to this authorization request. If nobody erred, somebody has stolen the code.",
    }
    GrantTarget = "grant.target" {
        rule: "What is asked for is among what was authorised, or allowed for the client.",
        source: "RFC 8707 § 2.2", "https://www.rfc-editor.org/rfc/rfc8707#section-2.2",
        answer: 400, "`invalid_target`",
        mended_by: Caller, "Ask for less, or have it authorised.",
    }
    GrantScope = "grant.scope" {
        rule: "The scope is within what was authorised, or allowed for the client.",
        source: "RFC 6749 § 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6",
        answer: 400, "`invalid_scope`",
        mended_by: Caller, "Ask for less, or have it authorised.",
    }
    RefreshReused = "grant.refresh_reused" {
        rule: "A refresh token that was replaced is not used again.",
        source: "RFC 9700 § 4.14.2", "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Keep the newest refresh token, and use it from one place. All tokens of the authorization are revoked: one may be in other hands.",
    }
    RefreshSender = "grant.refresh_sender" {
        rule: "A refresh token that is bound to a certificate comes with it.",
        source: "RFC 8705 § 4", "https://www.rfc-editor.org/rfc/rfc8705#section-4",
        answer: 400, "`invalid_grant`",
        mended_by: Caller, "Connect with the certificate the token was issued for.",
    }
    ClientCredentialsPublic = "grant.client_credentials_public" {
        rule: "Only a client that can prove who it is gets tokens in its own name.",
        source: "RFC 6749 § 4.4", "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
        answer: 400, "`unauthorized_client`",
        mended_by: Operator, "Register the client with a method other than `none`.",
    }
    GrantTokenType = "grant.token_type" {
        rule: "A token to be exchanged is of a kind the server knows.",
        source: "RFC 8693 § 3", "https://www.rfc-editor.org/rfc/rfc8693#section-3",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send a token type identifier that the server takes.",
    }
    GrantActorHalf = "grant.actor_half" {
        rule: "`actor_token` and `actor_token_type` come together.",
        source: "RFC 8693 § 2.1", "https://www.rfc-editor.org/rfc/rfc8693#section-2.1",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send both.",
    }
    GrantTokenInvalid = "grant.token_invalid" {
        rule: "A token to be exchanged is valid now and may be used by this client.",
        source: "RFC 8693 § 2.2.2", "https://www.rfc-editor.org/rfc/rfc8693#section-2.2.2",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Send a token that is alive and meant for the client.",
    }
    GrantDelegation = "grant.delegation" {
        rule: "The actor may act for the subject.",
        source: "RFC 8693 § 4.4", "https://www.rfc-editor.org/rfc/rfc8693#section-4.4",
        answer: 400, "`invalid_request`",
        mended_by: Caller, "Have `may_act` name the actor, and keep chains short.",
    }
    DevicePending = "grant.device_pending" {
        rule: "The user has decided.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 400, "`authorization_pending`",
        mended_by: Caller, "Nothing is wrong: ask again after the interval.",
    }
    DeviceSlowDown = "grant.device_slow_down" {
        rule: "A device asks no more often than it was told.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 400, "`slow_down`",
        mended_by: Caller, "Wait five seconds longer between requests from now on.",
    }
    DeviceDenied = "grant.device_denied" {
        rule: "The user agreed.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 400, "`access_denied`",
        mended_by: Caller, "Nothing is wrong: the user refused.",
    }
    DeviceExpired = "grant.device_expired" {
        rule: "The device code has not expired.",
        source: "RFC 8628 § 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        answer: 400, "`expired_token`",
        mended_by: Caller, "Begin anew.",
    }
    ServerStore = "grant.store" {
        rule: "What has to be remembered can be.",
        source: "RFC 6749 § 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
        answer: 503, "`temporarily_unavailable`",
        mended_by: Operator, "Look at the store. Nothing was granted meanwhile.",
    }
    CertificateMissing = "certificate.missing" {
        rule: "A client that authenticates by a certificate shows one.",
        source: "RFC 8705 § 2", "https://www.rfc-editor.org/rfc/rfc8705#section-2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client has to connect with its certificate. If it does, whatever ends TLS has to ask for certificates and hand them on; behind a proxy, `CertificateSource::Header` says how.",
    }
    CertificateHeader = "certificate.header" {
        rule: "A header in which a trusted proxy hands on a certificate occurs once and has the form that is configured.",
        source: "RFC 9440 § 2", "https://www.rfc-editor.org/rfc/rfc9440#section-2",
        answer: 401, "`invalid_client`",
        mended_by: Operator, "Have the proxy write the header in the configured form, and remove what clients send under that name.",
    }
    CertificateMalformed = "certificate.malformed" {
        rule: "A certificate is one X.509 certificate in DER within its size limit, with a short list of others.",
        source: "RFC 5280 § 4.1", "https://www.rfc-editor.org/rfc/rfc5280#section-4.1",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client needs a proper certificate; the cause says what is wrong with this one.",
    }
    CertificateCriticalExtension = "certificate.critical_extension" {
        rule: "A certificate has no critical extension that is not understood.",
        source: "RFC 5280 § 4.2", "https://www.rfc-editor.org/rfc/rfc5280#section-4.2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Have the certificate issued without the extension, or with it not critical.",
    }
    CertificateUntrusted = "certificate.untrusted" {
        rule: "A certificate leads to one of the configured authorities, signature by signature.",
        source: "RFC 8705 § 2.1", "https://www.rfc-editor.org/rfc/rfc8705#section-2.1",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client has to send the intermediate certificates along. If its authority is meant to be trusted for clients, add it to the trust anchors. Signatures by RSA keys under 2048 bits count for nothing.",
    }
    CertificateAlgorithm = "certificate.algorithm" {
        rule: "A certificate, and each on its path, is signed with an algorithm that is strong enough.",
        source: "RFC 8705 § 7.4", "https://www.rfc-editor.org/rfc/rfc8705#section-7.4",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Have the certificate issued by RSA of 2048 bits or more, ECDSA or Ed25519, with SHA-256 or better.",
    }
    CertificateNotYetValid = "certificate.not_yet_valid" {
        rule: "A certificate, and each on its path, is used no earlier than it says.",
        source: "RFC 5280 § 4.1.2.5", "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Check the clocks of this machine and of the one that issued the certificate.",
    }
    CertificateExpired = "certificate.expired" {
        rule: "A certificate, and each on its path, is used no later than it says.",
        source: "RFC 5280 § 4.1.2.5", "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client needs a new certificate, or the chain it sends holds an old one.",
    }
    CertificateRevoked = "certificate.revoked" {
        rule: "No certificate of the path is revoked, and lists that are in force say so, where lists are configured.",
        source: "RFC 5280 § 6.3", "https://www.rfc-editor.org/rfc/rfc5280#section-6.3",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client needs a new certificate. If the cause says that a list is missing, out of date or signed by somebody else, fetch the lists of every authority on the path.",
    }
    CertificatePurpose = "certificate.purpose" {
        rule: "A certificate belongs to an end entity, its key may sign, and `clientAuth` is among its purposes and those of its authorities, where they list any.",
        source: "RFC 5280 § 4.2.1.12", "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Have a certificate issued for TLS client authentication; that of a server or of an authority does not do.",
    }
    CertificateConstraints = "certificate.constraints" {
        rule: "A certificate stays within what its authorities may issue: they are authorities, of sufficient path length, and permitted these names.",
        source: "RFC 5280 § 4.2.1.10", "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The authority on the path has issued what it must not; the cause says which rule it broke.",
    }
    CertificateSubject = "certificate.subject" {
        rule: "A certificate has the one subject that is registered for the client.",
        source: "RFC 8705 § 2.1.2", "https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Register the subject as the cause shows it, or have the client use its own certificate.",
    }
    CertificateNotRegistered = "certificate.not_registered" {
        rule: "A self-signed certificate is, byte for byte, one that the client has registered.",
        source: "RFC 8705 § 2.2", "https://www.rfc-editor.org/rfc/rfc8705#section-2.2",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "Put the certificate into `x5c` of a key in the client's JWK Set. A new certificate for the same key is another certificate.",
    }
    CertificateKeysMalformed = "certificate.keys_malformed" {
        rule: "The keys of a client are a JWK Set: a JSON object with an array `keys`.",
        source: "RFC 7517 § 5", "https://www.rfc-editor.org/rfc/rfc7517#section-5",
        answer: 401, "`invalid_client`",
        mended_by: Caller, "The client has to register or publish a JWK Set.",
    }
    Randomness = "system.randomness" {
        rule: "The operating system gives randomness.",
        source: "RFC 4086", "https://www.rfc-editor.org/rfc/rfc4086",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "Look at the host; nothing secure can be done without it.",
    }
    Misuse = "system.misuse" {
        rule: "A driver answers the step it was given.",
        source: "oidc-gate", "https://docs.rs/oidc-gate-core",
        answer: 503, "an error page with a reference, and `Retry-After`",
        mended_by: Operator, "A defect of the driver: report it.",
    }
}
