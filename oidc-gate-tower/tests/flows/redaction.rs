//! No secret is ever written where it can be read: not in the log, at no level, and in no `Debug` of a public value.

use crate::world::{
    APP, CLIENT_SECRET, COOKIE_SECRET, ISSUER, NAVIGATION, World, world, world_with,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use oidc_gate_tower::{
    ClientAuth, CookieKeys, Demand, Gate, GateLayer, HttpClient as _, OriginalTarget, Provider,
    TransportError,
    core::{
        client_auth::{Client, Method},
        flow::{Entropy, EntropyUnavailable, Env, Exchange, Flow, Input, Step},
        form::Form,
        jose::CompactJws,
        login::{self, Answered, Callback, Registration, ReturnTo, SignIn, Transaction, Use},
        provider::{Discovery, FetchKeys},
        secret::ClientSecret,
        session::{CookieNames, Lifetimes, Session, SetCookie, StoreKey},
        time::UnixTime,
        url::{BaseUrl, Issuer},
    },
    dev::Fault,
    testing,
};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// Texts that nobody may see.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "{secret:?} could occur by chance");
        self.0.insert(secret.to_owned());
        // A part of a token is a secret as well.
        for part in secret.split('.').filter(|part| part.len() >= 40) {
            self.0.insert(part.to_owned());
        }
    }

    /// What is secret in an address or a form.
    fn add_form(&mut self, form: &str) {
        let form = form.split_once('?').map_or(form, |(_, query)| query);
        let Ok(form) = Form::parse(form.as_bytes()) else {
            return;
        };
        for name in ["state", "nonce", "code", "code_verifier", "client_secret"] {
            if let Some(value) = form.get(name) {
                self.add(value);
            }
        }
    }

    /// What is secret in what the world has seen so far.
    fn gather(&mut self, w: &World) {
        self.add(CLIENT_SECRET);
        self.add(COOKIE_SECRET);
        for cookie in w.cookies() {
            self.add(&cookie.value);
        }
        for (url, _) in &w.browser.page().history {
            self.add_form(url);
        }
        for sent in w.wire.sent() {
            self.add_form(&sent.body);
            if let Some((_, credentials)) = sent.authorization.split_once(' ') {
                self.add(credentials);
            }
            let answer: serde_json::Value = serde_json::from_str(&sent.answer).unwrap_or_default();
            for name in ["access_token", "id_token", "refresh_token"] {
                if let Some(token) = answer[name].as_str() {
                    self.add(token);
                }
            }
        }
    }

    fn assert_absent(&self, text: &str) {
        assert!(self.0.len() >= 8, "there was nothing to find: {:?}", self.0);
        for secret in &self.0 {
            let mut encoded = String::new();
            oidc_gate_tower::core::form::push_pair(&mut encoded, "", secret);
            // Also as a form writes it, and as `Debug` writes bytes.
            let bytes = format!("{:?}", secret.as_bytes());
            let encoded = encoded.trim_start_matches('=');
            for shape in [secret, encoded, bytes.trim_matches(['[', ']'])] {
                if let Some(at) = text.find(shape) {
                    let around: String = text[..at].chars().rev().take(200).collect();
                    let around: String = around.chars().rev().collect();
                    panic!("{shape} occurs after {around}");
                }
            }
        }
    }
}

// The time that slow answers take passes at once.
#[tokio::test(start_paused = true)]
async fn no_secret_is_logged() {
    let mut secrets = Secrets::default();
    let mut text = String::new();
    for basic in [true, false] {
        let mut w = world_with(|gate| match basic {
            true => gate,
            false => gate.client(
                "app",
                ClientAuth::client_secret_post(ClientSecret::new(CLIENT_SECRET)),
            ),
        });
        // A login, by hand, so that its cookie and its addresses are seen.
        let url = w.callback("alice", "/me").await;
        secrets.gather(&w);
        secrets.add_form(&url);
        let login = w.login_cookies().remove(0);
        w.browser.get(&url).await;
        secrets.gather(&w);
        // Its replay, with and without its cookie, here and elsewhere.
        w.plant(&login.name, &login.value);
        w.browser.get(&url).await;
        w.browser.get(&url).await;
        w.deliver_with(&url, "").await;
        // Sessions: used, touched, broken, too old, ended.
        let session = w.cookie_line();
        w.browser.fetch(&format!("{APP}/oauth2/userinfo")).await;
        w.advance(3 * 3600);
        assert_eq!(w.script(&session).await.set_cookies().len(), 1);
        w.script(&format!("{session}x")).await;
        w.request("POST", "/me", &[("cookie", &session)]).await;
        w.browser.get(&format!("{APP}/admin")).await;
        w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
        w.browser.submit("Sign out", &[]).await;
        w.script(&session).await;
        // Odd callbacks.
        for query in [
            "code=S&code=S",
            "state=S&state=S",
            "state=S&code=S&iss=x",
            "code=S",
        ] {
            let query = query.replace('S', "a-secret-of-somebody");
            w.deliver_with(&format!("/oauth2/callback?{query}"), "")
                .await;
        }
        secrets.add("a-secret-of-somebody");
        // Failures.
        for fault in Fault::all().filter(|fault| *fault != Fault::Unreachable) {
            w.fault(fault);
            let url = w.callback("bob", "/me").await;
            secrets.gather(&w);
            secrets.add_form(&url);
            w.browser.get(&url).await;
            w.provider.clear_faults();
        }
        w.wire.tamper(|path, answer| {
            // A provider that shows a secret where an error belongs.
            if path == "/token" {
                *answer.status_mut() = StatusCode::BAD_REQUEST;
            }
        });
        let url = w.callback("bob", "/me").await;
        w.browser.get(&url).await;
        secrets.gather(&w);
        w.fault(Fault::Unreachable);
        w.advance(30 * 3600);
        w.navigate("/me").await;
        secrets.gather(&w);
        text += &w.log.text();
        text += &format!("{:?} {:?}", w.gate, w.provider);
    }
    assert!(text.contains("a user signed in") && text.contains("token.invalid_client"));
    secrets.assert_absent(&text);
}

#[tokio::test]
async fn no_answer_of_the_gate_shows_a_secret() {
    let mut w = world();
    let mut secrets = Secrets::default();
    let mut seen = String::new();
    let url = w.callback("alice", "/me").await;
    secrets.gather(&w);
    secrets.add_form(&url);
    for path in [
        "/me",
        "/oauth2/start?rd=/me",
        url.strip_prefix(APP).unwrap(),
    ] {
        let mut request = http::Request::get(path);
        for (name, value) in NAVIGATION {
            request = request.header(*name, *value);
        }
        let request = request.header("cookie", w.cookie_line());
        let Ok(answer) = crate::world::serve(&w.gate, request.body(Full::default()).unwrap()).await;
        if let Some(location) = answer.headers().get("location") {
            secrets.add_form(location.to_str().unwrap());
        }
        for cookie in answer.headers().get_all("set-cookie") {
            let (_, value) = cookie.to_str().unwrap().split_once('=').unwrap();
            if let Some(value) = value.split(';').next().filter(|value| !value.is_empty()) {
                secrets.add(value);
            }
        }
        seen += &format!("{answer:?}");
    }
    secrets.gather(&w);
    secrets.assert_absent(&seen);
}

/// Counts up: a test may be predictable.
#[derive(Debug)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

/// Everything that `Debug` says.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn see(&mut self, value: &impl fmt::Debug) {
        self.0 += &format!("{value:?}\n{value:#?}\n");
    }
}

#[tokio::test]
async fn no_public_value_shows_a_secret() {
    let mut w = world();
    let mut secrets = Secrets::default();
    let mut seen = Seen::default();
    let issuer = Issuer::parse(ISSUER).unwrap();
    let base = BaseUrl::parse(APP).unwrap();
    let keys = CookieKeys::parse(COOKIE_SECRET).unwrap();
    let names = CookieNames::derive("app", &base);
    let now = UnixTime::from_secs(crate::world::START);

    // Configuration.
    for auth in [
        ClientAuth::client_secret_basic(ClientSecret::new(CLIENT_SECRET)),
        ClientAuth::client_secret_post(ClientSecret::new(CLIENT_SECRET)),
    ] {
        seen.see(&auth);
        seen.see(&Provider::new("x", ISSUER, "app", auth.clone()));
        let builder = Gate::builder()
            .issuer(ISSUER)
            .client("app", auth.clone())
            .cookie_keys(keys.clone());
        seen.see(&builder);
        seen.see(
            &builder
                .provider(Provider::new("x", ISSUER, "app", auth))
                .build()
                .unwrap_err(),
        );
    }
    seen.see(&(&keys, &names, &w.gate, GateLayer::new(&w.gate), &w.provider));
    seen.see(&w.provider.http_client());

    // What flows say and are told, step by step.
    let metadata = Arc::new(fetch(&w, Discovery::new(issuer.clone()), &mut seen).await);
    let jwks = Arc::new(fetch(&w, FetchKeys::new(metadata.jwks_uri().clone()), &mut seen).await);
    let client = Client::new("app", Method::SecretPost(ClientSecret::new(CLIENT_SECRET)));
    let callback = format!("{APP}/oauth2/callback");
    let registration = Arc::new(Registration::new(client, callback, &["openid", "email"]));
    seen.see(&(&metadata, &jwks, &registration));
    let mut entropy = Counting(0);
    let mut env = Env {
        now,
        entropy: &mut entropy,
    };
    let started = login::start(
        &metadata,
        &registration,
        login::Wanted::to(ReturnTo::parse("/me").unwrap()),
        &keys,
        &mut env,
    )
    .unwrap();
    seen.see(&started);
    secrets.add_form(&started.location);
    let (location, cookie) = started.keep(&keys, &names, ReturnTo::root).unwrap();
    seen.see(&cookie);
    let pair = cookie.pair();
    let (name, sealed) = pair.split_once('=').unwrap();
    secrets.add(sealed);
    let transaction = Transaction::open(&keys, name, sealed.as_bytes()).unwrap();
    seen.see(&transaction);

    w.browser.get(&location).await;
    let page = w.browser.sign_in_as("alice").await;
    let answered = page
        .history
        .iter()
        .find(|(url, _)| url.contains("code="))
        .unwrap();
    secrets.add_form(&answered.0);
    let query = answered.0.split_once('?').unwrap().1;
    seen.see(&Form::parse(query.as_bytes()).unwrap());
    let callback = Callback::parse(query.as_bytes()).unwrap();
    seen.see(&callback);
    let consume = callback.accept(transaction, now).unwrap();
    seen.see(&consume);
    let Answered::Granted(grant) = consume.resolve(Use::First).unwrap() else {
        panic!("the provider granted nothing");
    };
    seen.see(&grant);
    let mut flow = SignIn::new(metadata, registration, Arc::default(), *grant);
    seen.see(&flow);
    let mut input = Input::Start;
    let signed_in = loop {
        seen.see(&input);
        let step = flow.resume(input, &mut env);
        seen.see(&step);
        seen.see(&flow);
        input = match step {
            Step::Send(exchange) => Input::Response(w.wire.send(exchange).await.unwrap()),
            Step::FindKeys(_) => Input::Keys(Ok(jwks.clone())),
            Step::Done(done) => break done.unwrap(),
            Step::Sign(_) | Step::Wait(_) => unreachable!(),
        };
    };
    secrets.gather(&w);
    let tokens = &signed_in.tokens;
    secrets.add(tokens.access_token.expose());
    let id_token = tokens.id_token.as_ref().unwrap();
    secrets.add(id_token.expose());
    seen.see(&CompactJws::parse(id_token.expose()).unwrap());
    seen.see(&signed_in);

    // What comes of it.
    let id = StoreKey::from_bytes(*b"a session id has thirty-two byte");
    secrets.add("a session id has thirty-two byte");
    let session = Session::begin(
        id,
        signed_in.identity.clone(),
        None,
        &Lifetimes::default(),
        now,
    );
    let sealed = session.seal(&keys, &names).unwrap();
    secrets.add(&sealed);
    seen.see(&(&session, session.touched(now)));
    let cookies = names
        .set_session(
            &sealed,
            Lifetimes::default().absolute(),
            &http::HeaderMap::new(),
        )
        .unwrap();
    seen.see(&cookies);
    seen.see(&cookies.iter().map(SetCookie::to_header).collect::<Vec<_>>());
    seen.see(&testing::principal(signed_in.identity));
    let uri = "/me".parse().unwrap();
    let demand = Demand::of(
        &http::Method::GET,
        &http::HeaderMap::new(),
        OriginalTarget::Whole.of(&uri),
    )
    .sign_in();
    seen.see(&(&demand, demand.clone().plain::<String>()));

    // Other steps and inputs.
    seen.see(&Input::Signature(b"a-signature-nobody-sees".to_vec()));
    secrets.add("a-signature-nobody-sees");
    let mut response = Response::new(b"a-token-in-a-body".to_vec());
    response
        .headers_mut()
        .insert("set-cookie", "x=a-token-in-a-header".parse().unwrap());
    secrets.add("a-token-in-a-body");
    secrets.add("a-token-in-a-header");
    seen.see(&Input::Response(response));
    let request = http::Request::get("https://u:a-password@id.test/x?token=a-token-in-a-query")
        .header("x-api-key", "a-key-in-a-header")
        .body(b"secret=a-secret-in-a-body".to_vec())
        .unwrap();
    for secret in [
        "a-password",
        "a-token-in-a-query",
        "a-key-in-a-header",
        "a-secret-in-a-body",
    ] {
        secrets.add(secret);
    }
    seen.see(&Step::<()>::Send(Exchange::new(request)));
    seen.see(&TransportError::new("broken off"));

    secrets.assert_absent(&seen.0);
    // Something was seen.
    for shown in [
        "https://id.test/token",
        "alice",
        "Transaction",
        "CookieKeys",
    ] {
        assert!(seen.0.contains(shown), "{shown}: {}", seen.0);
    }
}

async fn fetch<T>(
    w: &World,
    mut flow: impl Flow<
        Output = Result<oidc_gate_tower::core::provider::Fetched<T>, oidc_gate_tower::CheckFailed>,
    > + fmt::Debug,
    seen: &mut Seen,
) -> T {
    let mut env = Env {
        now: UnixTime::from_secs(0),
        entropy: &mut Counting(0),
    };
    let Step::Send(exchange) = flow.resume(Input::Start, &mut env) else {
        panic!("{flow:?}");
    };
    seen.see(&exchange);
    let input = Input::Response(w.wire.send(exchange).await.unwrap());
    seen.see(&input);
    let Step::Done(fetched) = flow.resume(input, &mut env) else {
        panic!("{flow:?}");
    };
    fetched.unwrap().value
}
