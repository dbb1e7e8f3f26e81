//! How the development provider ends sessions: what it tells its clients, where it leads browsers, what it revokes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    HttpClient, TransportError,
    core::{
        flow::Exchange,
        form::{Form, with_query},
        jose::{CompactJws, JwkSet},
        secret::ClientSecret,
        time::UnixTime,
    },
    dev::{
        ClientLogout, DevProvider, DevProviderBuilder, LogoutFault, LogoutHabit, LogoutOutcome,
        Revocations,
    },
    testing::{Browser, ManualClock},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex},
};

const ISSUER: &str = "https://id.test";
const APP: &str = "https://app.test";
// RFC 7636 Appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const START: u64 = 1_700_000_000;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What arrived at an application: content type and body of each POST.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<(String, String)>>>);

impl Inbox {
    fn tokens(&self) -> Vec<String> {
        let arrived = self.0.lock().unwrap();
        let token = |(_, body): &(String, String)| {
            let mut form = Form::parse(body.as_bytes()).unwrap();
            form.take("logout_token").unwrap()
        };
        arrived.iter().map(token).collect()
    }
}

struct World {
    provider: DevProvider,
    browser: Browser,
    inbox: Inbox,
}

/// A provider with the demo users, and an application at `APP` that answers 200 to whatever it is told.
fn world(build: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder) -> World {
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let builder = DevProvider::builder().issuer(ISSUER).demo_users();
    let provider = build(builder.clock(clock.clone())).build();
    let inbox = Inbox::default();
    let arrives = inbox.clone();
    let app = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let arrives = arrives.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let kind = parts.headers.get(header::CONTENT_TYPE);
            if let Some(kind) = kind.filter(|_| parts.uri.path() == "/oauth2/backchannel_logout") {
                assert_eq!(parts.method, "POST");
                assert_eq!(parts.headers[header::HOST], "app.test");
                let entry = (
                    kind.to_str().unwrap().to_owned(),
                    String::from_utf8(body.to_vec()).unwrap(),
                );
                arrives.0.lock().unwrap().push(entry);
            }
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("the application"))))
        }
    });
    provider.reach(APP, app.clone());
    let browser = Browser::new()
        .clock(clock)
        .site(ISSUER, provider.clone())
        .site(APP, app);
    World {
        provider,
        browser,
        inbox,
    }
}

fn backchannel() -> ClientLogout {
    ClientLogout::new().backchannel(format!("{APP}/oauth2/backchannel_logout"))
}

fn told(builder: DevProviderBuilder) -> DevProviderBuilder {
    builder.client_logout("app", backchannel())
}

impl World {
    async fn code(&mut self, user: &str, client: &str, more: &[(&str, &str)]) -> String {
        let usual = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", "https://app.test/oauth2/callback"),
            ("scope", "openid offline_access"),
            ("prompt", "login"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !more.iter().any(|(n, _)| n == name));
        let url = with_query(&format!("{ISSUER}/authorize"), kept.chain(more).copied());
        let mut page = self.browser.get(&url).await;
        if page.url.starts_with(ISSUER) {
            page = self.browser.sign_in_as(user).await;
        }
        let (_, query) = page.url.split_once('?').unwrap();
        Form::parse(query.as_bytes()).unwrap().take("code").unwrap()
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let body = with_query("", fields.iter().copied());
        let request = Request::post(format!("{ISSUER}{path}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body[1..].into())
            .unwrap();
        let client = self.provider.http_client();
        let response = client.send(Exchange::new(request)).await.unwrap();
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status(), body)
    }

    async fn redeem(&self, code: &str, client: &str) -> Value {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", "https://app.test/oauth2/callback"),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ];
        let (status, answer) = self.post("/token", &fields).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// Signs in. What the token endpoint answers.
    async fn sign_in(&mut self, user: &str, client: &str) -> Value {
        let code = self.code(user, client, &[]).await;
        self.redeem(&code, client).await
    }

    async fn get(&self, path: &str) -> Value {
        let request = Request::get(format!("{ISSUER}{path}"))
            .body(vec![])
            .unwrap();
        let client = self.provider.http_client();
        let response = client.send(Exchange::new(request)).await.unwrap();
        serde_json::from_slice(response.body()).unwrap()
    }

    async fn verified(&self, token: &str) -> Option<Value> {
        let keys = self.get("/jwks").await.to_string();
        let keys = JwkSet::parse(keys.as_bytes()).unwrap();
        let token = CompactJws::parse(token).ok()?;
        token.verify(&keys).ok().map(Value::Object)
    }
}

/// A part of a token, unverified: 0 is the header, 1 are the claims.
fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn sid(answer: &Value) -> String {
    let claims = part(answer["id_token"].as_str().unwrap(), 1);
    claims["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_metadata_says_how_logouts_are_told() {
    let metadata = world(|b| b).get("/.well-known/openid-configuration").await;
    for member in [
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
    ] {
        assert_eq!(metadata[member], true, "{member}");
    }
    assert_eq!(
        metadata["end_session_endpoint"],
        "https://id.test/end_session"
    );
    assert_eq!(
        metadata["revocation_endpoint"],
        "https://id.test/revocation"
    );
}

#[tokio::test]
async fn a_logout_token_is_what_the_specification_says_and_no_more() {
    let mut w = world(told);
    let session = sid(&w.sign_in("alice", "app").await);
    let deliveries = w.provider.log_out("alice").await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].client_id(), "app");
    assert_eq!(
        deliveries[0].uri(),
        "https://app.test/oauth2/backchannel_logout"
    );
    assert_eq!(deliveries[0].status(), Some(StatusCode::OK));
    assert!(deliveries[0].was_taken());

    let arrived = w.inbox.0.lock().unwrap().clone();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].0, "application/x-www-form-urlencoded");
    let token = w.inbox.tokens().remove(0);
    assert_eq!(token, deliveries[0].token());
    let header = part(&token, 0);
    assert_eq!(header["typ"], "logout+jwt");
    assert_eq!(header["alg"], "ES256");
    assert!(header["kid"].is_string());
    assert_eq!(header.as_object().unwrap().len(), 3);
    let mut claims = w.verified(&token).await.unwrap();
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 43);
    assert_eq!(
        claims,
        json!({"iss": ISSUER, "aud": "app", "iat": START, "exp": START + 120, "events": {EVENT: {}},
            "sub": "alice", "sid": session})
    );
    // The session is over: nobody is told a second time.
    assert_eq!(w.provider.log_out("alice").await.len(), 0);
    assert_eq!(w.provider.deliveries().len(), 1);
}

#[tokio::test]
async fn a_session_is_told_to_the_clients_that_it_signed_somebody_in_at() {
    let mut w = world(|b| {
        let other = ClientLogout::new().backchannel("https://elsewhere.test/bye");
        told(b).client_logout("other", other)
    });
    let first = sid(&w.sign_in("alice", "app").await);
    // The same session at another client, and at one that registered nothing.
    let more = [("prompt", "none")];
    let code = w.code("alice", "other", &more).await;
    assert_eq!(sid(&w.redeem(&code, "other").await), first);
    w.code("alice", "silent", &more).await;
    // Another browser's session, and somebody else's.
    w.browser.clear_cookies();
    let second = sid(&w.sign_in("alice", "app").await);
    w.browser.clear_cookies();
    let bobs = sid(&w.sign_in("bob", "app").await);
    assert_eq!(BTreeSet::from([&first, &second, &bobs]).len(), 3);

    let deliveries = w.provider.log_out_session(&first).await;
    let clients: Vec<_> = deliveries.iter().map(|it| it.client_id()).collect();
    assert_eq!(clients, ["app", "other"]);
    assert_eq!(part(deliveries[1].token(), 1)["aud"], "other");
    // Nothing leads there.
    assert!(
        matches!(deliveries[1].outcome(), LogoutOutcome::Lost(why) if why.contains("https://elsewhere.test"))
    );
    assert!(!deliveries[1].was_taken() && deliveries[1].status().is_none());

    let deliveries = w.provider.log_out("alice").await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(part(deliveries[0].token(), 1)["sid"], second);
    assert_eq!(w.provider.log_out_session(&bobs).await.len(), 1);
}

#[tokio::test]
async fn a_browser_that_signs_out_is_told_of_before_it_goes_on() {
    let mut w = world(told);
    let answer = w.sign_in("alice", "app").await;
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    let back = (
        "post_logout_redirect_uri",
        "https://app.test/oauth2/signed_out",
    );
    let url = with_query(
        &format!("{ISSUER}/end_session"),
        [hint, back, ("state", "a b")],
    );
    let page = w.browser.get(&url).await;
    assert_eq!(page.url, "https://app.test/oauth2/signed_out?state=a+b");
    let tokens = w.inbox.tokens();
    assert_eq!(tokens.len(), 1);
    assert_eq!(part(&tokens[0], 1)["sid"], sid(&answer));
    // On the front page, for whoever looks.
    let page = w.browser.get(ISSUER).await;
    assert!(
        page.body.contains(
            "<dt>app at <code>https://app.test/oauth2/backchannel_logout</code></dt><dd>200 OK</dd>"
        ),
        "{page:?}"
    );

    // By the provider's own page, without a client.
    w.sign_in("alice", "app").await;
    w.browser.get(&format!("{ISSUER}/end_session")).await;
    let page = w.browser.submit("Sign out", &[]).await;
    assert!(
        page.body.contains("You are no longer signed in"),
        "{page:?}"
    );
    assert_eq!(w.inbox.tokens().len(), 2);
}

#[tokio::test]
async fn a_page_with_a_frame_for_each_client_leads_on() {
    let mut w = world(|b| {
        let at = |address: &str| ClientLogout::new().frontchannel(address);
        b.client_logout("app", ClientLogout::of_gate(APP))
            .client_logout("plain", at("https://plain.test/bye?x=1&y"))
            .client_logout("unfit", at("javascript-less"))
    });
    let answer = w.sign_in("alice", "app").await;
    for client in ["plain", "unfit"] {
        w.code("alice", client, &[("prompt", "none")]).await;
    }
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    let back = (
        "post_logout_redirect_uri",
        "https://app.test/oauth2/signed_out",
    );
    let endpoint = format!("{ISSUER}/end_session");
    let page = w
        .browser
        .get(&with_query(&endpoint, [hint, back, ("state", "s")]))
        .await;
    assert_eq!(page.url.split('?').next(), Some(&*endpoint));
    let frame = with_query(
        "https://app.test/oauth2/frontchannel_logout",
        [("iss", ISSUER), ("sid", &*sid(&answer))],
    );
    for address in [
        frame.replace('&', "&amp;"),
        "https://plain.test/bye?x=1&amp;y".to_owned(),
    ] {
        let tag = format!("<iframe src=\"{address}\" hidden");
        assert!(page.body.contains(&tag), "{tag} {page:?}");
    }
    assert_eq!(page.body.matches("<iframe").count(), 2);
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("; frame-src https://app.test https://plain.test; form-action 'self'"),
        "{policy}"
    );
    assert!(page.body.contains("location.replace"));
    assert!(
        page.body
            .contains("href=\"https://app.test/oauth2/signed_out?state=s\">Go on")
    );
    assert_eq!(w.inbox.tokens().len(), 1);
    // Without an address to go to, the page stays.
    let answer = w.sign_in("alice", "app").await;
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    let page = w.browser.get(&with_query(&endpoint, [hint])).await;
    assert!(page.body.contains("<iframe") && !page.body.contains("<script"));
}

#[tokio::test]
async fn a_browser_comes_back_to_a_registered_address_alone() {
    const REGISTERED: &str = "https://app.test/bye";
    let simple = |b: DevProviderBuilder| b.client("app", None, "https://app.test/oauth2/callback");
    let mut cases: Vec<(World, &[(&str, bool)])> = vec![
        (
            // Nobody is registered: whoever is at home may.
            world(|b| b),
            &[
                ("https://app.test/anything", true),
                ("http://127.0.0.1:3000/oauth2/signed_out", true),
                ("http://localhost:3000/oauth2/signed_out", true),
                ("https://app.example/oauth2/signed_out", false),
            ],
        ),
        (
            world(simple),
            &[
                ("https://app.test/oauth2/signed_out", true),
                ("https://app.test/oauth2/signed_out/", false),
                ("https://app.test/oauth2/signed_out?x", false),
                ("https://app.test/signed_out", false),
                ("https://app.test/", false),
            ],
        ),
        (
            world(|b| simple(b).client_logout("app", ClientLogout::new().back_at(REGISTERED))),
            &[
                (REGISTERED, true),
                ("https://app.test/bye/", false),
                ("https://app.test/oauth2/signed_out", false),
            ],
        ),
        (
            world(|b| b.client_logout("app", ClientLogout::new().back_at(REGISTERED))),
            &[(REGISTERED, true), ("https://app.test/anything", false)],
        ),
    ];
    for (at, (w, addresses)) in cases.iter_mut().enumerate() {
        for (address, taken) in *addresses {
            let query = [("client_id", "app"), ("post_logout_redirect_uri", address)];
            let request = Request::get(with_query(&format!("{ISSUER}/end_session"), query));
            let client = w.provider.http_client();
            let response = client
                .send(Exchange::new(request.body(vec![]).unwrap()))
                .await
                .unwrap();
            let expected = match taken {
                true => StatusCode::SEE_OTHER,
                false => StatusCode::BAD_REQUEST,
            };
            assert_eq!(response.status(), expected, "{at} {address}");
        }
    }
}

#[tokio::test]
async fn each_fault_spoils_one_thing() {
    let right = json!({"typ": "logout+jwt", "iss": ISSUER, "sub": "alice", "sid": "s-1", "aud": "app", "iat": START,
        "exp": START + 120, "events": {EVENT: {}}});
    for fault in LogoutFault::all() {
        let w = world(|b| b);
        w.provider.logout_fault(fault);
        let token = w.provider.logout_token("app", Some("alice"), Some("s-1"));
        let (header, mut claims) = (part(&token, 0), part(&token, 1));
        let id = claims.as_object_mut().unwrap().remove("jti");
        assert_eq!(id.is_none(), fault == LogoutFault::MissingId);
        claims["typ"] = header["typ"].clone();
        let published = w.get("/jwks").await["keys"][0]["kid"].clone();
        let known = header["kid"] == published;
        let unknown = matches!(fault, LogoutFault::UnknownKey | LogoutFault::Unsigned);
        assert_eq!(known, !unknown, "{fault:?}");
        let verifies = w.verified(&token).await.is_some();
        let forged =
            unknown || matches!(fault, LogoutFault::WrongKey | LogoutFault::InvalidSignature);
        assert_eq!(verifies, !forged, "{fault:?}");
        assert_eq!(
            header["alg"] == "none" && token.ends_with('.'),
            fault == LogoutFault::Unsigned
        );

        let mut expected = right.clone();
        let members = expected.as_object_mut().unwrap();
        let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        match fault {
            LogoutFault::AccessTokenType => set("typ", json!("at+jwt")),
            LogoutFault::WrongIssuer => set("iss", json!("https://wrong-issuer.test")),
            LogoutFault::MissingIssuer => drop(members.remove("iss")),
            LogoutFault::WrongAudience => set("aud", json!("somebody-else")),
            LogoutFault::MissingAudience => drop(members.remove("aud")),
            LogoutFault::Expired => {
                set("iat", json!(START - 7200));
                set("exp", json!(START - 3600));
            }
            LogoutFault::FutureIssuedAt => set("iat", json!(START + 1800)),
            LogoutFault::MissingIssuedAt => drop(members.remove("iat")),
            LogoutFault::Nonce => set("nonce", json!("n-1")),
            LogoutFault::MissingEvents => drop(members.remove("events")),
            LogoutFault::WrongEvent => set(
                "events",
                json!({"https://schemas.openid.net/event/other": {}}),
            ),
            LogoutFault::InvalidEvents => set("events", json!(EVENT)),
            LogoutFault::Nobody => {
                members.remove("sub");
                members.remove("sid");
            }
            _ => assert!(forged || fault == LogoutFault::MissingId, "{fault:?}"),
        }
        assert_eq!(claims, expected, "{fault:?}");
        // It is gone with the others.
        w.provider.clear_faults();
        let token = w.provider.logout_token("app", Some("alice"), Some("s-1"));
        assert!(w.verified(&token).await.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn each_habit_is_within_the_specification_or_was() {
    for habit in LogoutHabit::all() {
        let mut w = world(told);
        let first = sid(&w.sign_in("alice", "app").await);
        w.browser.clear_cookies();
        w.provider.logout_habit(habit);
        let second = sid(&w.sign_in("alice", "app").await);
        let deliveries = w.provider.log_out("alice").await;
        let arrived = w.inbox.0.lock().unwrap().clone();
        let tokens = w.inbox.tokens();
        let sessions: BTreeSet<_> = tokens
            .iter()
            .map(|token| part(token, 1)["sid"].to_string())
            .collect();
        let both = [&first, &second].map(|sid| json!(sid).to_string()).into();
        let each = |is: &dyn Fn(&Value, &Value) -> bool| {
            tokens.iter().all(|it| is(&part(it, 0), &part(it, 1)))
        };
        match habit {
            LogoutHabit::SubjectOnly => {
                assert_eq!(tokens.len(), 1);
                assert!(each(
                    &|_, claims| claims["sub"] == "alice" && claims.get("sid").is_none()
                ));
                continue;
            }
            LogoutHabit::Twice => {
                assert_eq!((tokens.len(), deliveries.len()), (4, 4));
                assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 2);
                assert!(tokens[0] == tokens[1] || tokens[0] == tokens[2] || tokens[0] == tokens[3]);
            }
            // The second session's end was told while its code was redeemed.
            LogoutHabit::BeforeRedemption => {
                assert_eq!((tokens.len(), deliveries.len()), (2, 1));
                assert_eq!(part(&tokens[0], 1)["sid"], second);
            }
            _ => assert_eq!(tokens.len(), 2, "{habit:?}"),
        }
        assert_eq!(sessions, both, "{habit:?}");
        let holds = match habit {
            LogoutHabit::SessionOnly => each(&|_, claims| claims.get("sub").is_none()),
            LogoutHabit::MissingExpiry => each(&|_, claims| claims.get("exp").is_none()),
            LogoutHabit::PlainType => each(&|header, _| header["typ"] == "JWT"),
            LogoutHabit::MissingType => each(&|header, _| header.get("typ").is_none()),
            LogoutHabit::AudienceList => each(&|_, claims| claims["aud"] == json!(["app"])),
            LogoutHabit::UnknownMembers => each(&|_, claims| claims["toe"].is_object()),
            LogoutHabit::Charset => arrived
                .iter()
                .all(|(kind, _)| kind == "application/x-www-form-urlencoded; charset=UTF-8"),
            _ => each(&|header, claims| header["typ"] == "logout+jwt" && claims["sub"] == "alice"),
        };
        assert!(holds, "{habit:?}: {tokens:?}");
        for token in &tokens {
            assert!(w.verified(token).await.is_some(), "{habit:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_demands_the_session_is_told_it_whatever_the_habits() {
    let mut w = world(|b| b.client_logout("app", backchannel().backchannel_session_required()));
    w.provider.logout_habit(LogoutHabit::SubjectOnly);
    let session = sid(&w.sign_in("alice", "app").await);
    let deliveries = w.provider.log_out("alice").await;
    assert_eq!(part(deliveries[0].token(), 1)["sid"], session);
    w.provider.drop_habits();
    let token = w.provider.logout_token("app", Some("alice"), None);
    assert_eq!(part(&token, 1).get("sid"), None);
}

/// A client that says what it was asked, and answers 400.
struct Refusing(Inbox);

impl HttpClient for Refusing {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let (parts, body) = exchange.request.into_parts();
        let body = String::from_utf8(body).unwrap();
        let mut inbox = self.0.0.lock().unwrap();
        if inbox.len() == 1 {
            return Err(TransportError::not_sent("the port is closed"));
        }
        inbox.push((parts.uri.to_string(), body));
        let mut response = Response::new(b"{\"error\":\"invalid_request\"}".to_vec());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        Ok(response)
    }
}

#[tokio::test]
async fn an_http_client_carries_tokens_and_a_refusal_is_not_tried_again() {
    let mut w = world(|b| {
        let other = ClientLogout::new().backchannel("https://other.test/a?b=c");
        b.client_logout("app", other)
    });
    let inbox = Inbox::default();
    w.provider.reach_by(Refusing(inbox.clone()));
    w.sign_in("alice", "app").await;
    let deliveries = w.provider.log_out("alice").await;
    let refused = LogoutOutcome::Answered {
        status: StatusCode::BAD_REQUEST,
        body: "{\"error\":\"invalid_request\"}".to_owned(),
    };
    assert_eq!(deliveries[0].outcome(), &refused);
    assert!(!deliveries[0].was_taken());
    assert_eq!(inbox.0.lock().unwrap().len(), 1);
    assert_eq!(inbox.0.lock().unwrap()[0].0, "https://other.test/a?b=c");
    w.sign_in("alice", "app").await;
    let deliveries = w.provider.log_out("alice").await;
    let lost = "the provider could not be reached: the port is closed";
    assert_eq!(
        deliveries[0].outcome(),
        &LogoutOutcome::Lost(lost.to_owned())
    );
    let text = format!("{deliveries:?} {:?}", w.provider);
    assert!(!text.contains(deliveries[0].token()), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_has_five_seconds() {
    let mut w = world(told);
    let silent = tower::service_fn(|_: Request<Full<Bytes>>| std::future::pending());
    w.provider.reach::<_, Full<Bytes>>(APP, silent);
    w.sign_in("alice", "app").await;
    let before = tokio::time::Instant::now();
    let deliveries = w.provider.log_out("alice").await;
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!(
        deliveries[0].outcome(),
        &LogoutOutcome::Lost("no answer within 5 s".to_owned())
    );
}

#[tokio::test]
async fn a_client_revokes_its_own_tokens_and_nobody_elses() {
    let secret = || Some(ClientSecret::new("s"));
    let mut w = world(|b| {
        b.client("app", secret(), "https://app.test/oauth2/callback")
            .client("other", secret(), "https://app.test/oauth2/callback")
    });
    let code = w.code("alice", "app", &[]).await;
    let (_, tokens) = w
        .post(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", "https://app.test/oauth2/callback"),
                ("client_id", "app"),
                ("client_secret", "s"),
                ("code_verifier", VERIFIER),
            ],
        )
        .await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    let revoke = async |client: &str, secret: &str, token: &str| {
        let fields = [
            ("client_id", client),
            ("client_secret", secret),
            ("token", token),
            // Wrong as often as not, and no matter.
            ("token_type_hint", "refresh_token"),
        ];
        let (status, answer) = w.post("/revocation", &fields).await;
        (status.as_u16(), answer["error"].clone())
    };
    let userinfo = async || {
        let request = Request::get(format!("{ISSUER}/userinfo"))
            .header(header::AUTHORIZATION, format!("Bearer {access}"));
        let client = w.provider.http_client();
        let exchange = Exchange::new(request.body(vec![]).unwrap());
        client.send(exchange).await.unwrap().status()
    };
    assert_eq!(
        revoke("app", "wrong", &refresh).await,
        (401, json!("invalid_client"))
    );
    assert_eq!(
        revoke("other", "s", &refresh).await,
        (400, json!("invalid_grant"))
    );
    assert_eq!(
        revoke("other", "s", &access).await,
        (400, json!("invalid_grant"))
    );
    assert_eq!(
        revoke("app", "s", "").await,
        (400, json!("invalid_request"))
    );
    assert_eq!(w.provider.revocations(), Revocations::default());
    assert_eq!(userinfo().await, StatusCode::OK);

    assert_eq!(revoke("app", "s", "never-was").await, (200, Value::Null));
    assert_eq!(revoke("app", "s", &access).await, (200, Value::Null));
    assert_eq!(userinfo().await, StatusCode::UNAUTHORIZED);
    let renew = async |token: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "app"),
            ("client_secret", "s"),
        ];
        w.post("/token", &fields).await.1
    };
    let renewed = renew(&refresh).await;
    let access = renewed["access_token"].as_str().unwrap();
    assert_eq!(revoke("app", "s", &refresh).await, (200, Value::Null));
    assert_eq!(renew(&refresh).await["error"], "invalid_grant");
    // What came of the same login went with it.
    assert_eq!(revoke("app", "s", access).await, (200, Value::Null));
    let counted = w.provider.revocations();
    assert_eq!(
        (
            counted.access_tokens,
            counted.refresh_tokens,
            counted.unknown
        ),
        (1, 1, 2)
    );
}
