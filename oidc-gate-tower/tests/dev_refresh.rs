//! Refreshes against the development provider: core's flows over its in-process client, with time and randomness given.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::{Request, header};
use oidc_gate_tower::{
    HttpClient as _, Identity,
    core::{
        check::Check,
        client_auth::{Client, Method},
        flow::{Entropy, EntropyUnavailable, Env, Exchange, Flow, Input, Step},
        grant::{RefreshPolicy, Rotation},
        jose::JwkSet,
        login::{
            Answered, Callback, LoginHint, Refresh, RefreshOf, Refreshed, Registration, Renewed,
            ReturnTo, SignIn, SignInRules, SignedIn, Spent, Use, Wanted, start,
        },
        provider::Metadata,
        secret::{AccessToken, ClientSecret},
        session::CookieKeys,
        time::UnixTime,
        url::Issuer,
    },
    dev::{DevProvider, DevProviderBuilder, Endpoint, Fault, Habit, Mishap},
    testing::ManualClock,
};
use std::{sync::Arc, time::Duration};
use tower::ServiceExt as _;

const ISSUER: &str = "https://id.test";

#[derive(Debug)]
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

struct World {
    provider: DevProvider,
    clock: ManualClock,
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    entropy: Counting,
}

async fn world(build: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder) -> World {
    let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
    let builder = DevProvider::builder().issuer(ISSUER).demo_users();
    let provider = build(builder.clock(clock.clone())).build();
    let well_known = format!("{ISSUER}/.well-known/openid-configuration");
    let request = Request::get(well_known).body(vec![]).unwrap();
    let document = provider.http_client().send(Exchange::new(request)).await;
    let issuer = Issuer::parse(ISSUER).unwrap();
    let metadata = Metadata::parse(document.unwrap().body(), &issuer).unwrap();
    let client = Client::new("app", Method::SecretBasic(ClientSecret::new("s")));
    let scopes = ["profile", "email", "offline_access"];
    let registration = Registration::new(client, "https://app.test/callback", &scopes);
    World {
        provider,
        clock,
        metadata: Arc::new(metadata),
        registration: Arc::new(registration),
        entropy: Counting(1),
    }
}

impl World {
    async fn drive<F: Flow<Output: std::fmt::Debug>>(&mut self, mut flow: F) -> F::Output {
        use oidc_gate_tower::Clock as _;
        let mut input = Input::Start;
        loop {
            let env = &mut Env {
                now: self.clock.now(),
                entropy: &mut self.entropy,
            };
            input = match flow.resume(input, env) {
                Step::Send(exchange) => match self.provider.http_client().send(exchange).await {
                    Ok(response) => Input::Response(response),
                    Err(error) => Input::Failed(error.failure()),
                },
                Step::FindKeys(_) => {
                    let request = Request::get(format!("{ISSUER}/jwks")).body(vec![]).unwrap();
                    let client = self.provider.http_client();
                    let keys = client.send(Exchange::new(request)).await.unwrap();
                    let keys = JwkSet::parse(keys.body()).unwrap();
                    Input::Keys(Ok(Arc::new(keys)))
                }
                Step::Done(output) => return output,
                other => panic!("unexpected step {other:?}"),
            };
        }
    }

    async fn sign_in(&mut self, user: &str) -> SignedIn {
        use oidc_gate_tower::Clock as _;
        let now = self.clock.now();
        let mut wanted = Wanted::to(ReturnTo::root());
        wanted.login_hint = LoginHint::parse(user);
        let env = &mut Env {
            now,
            entropy: &mut self.entropy,
        };
        let started = start(
            &self.metadata,
            &self.registration,
            wanted,
            &CookieKeys::ephemeral(),
            env,
        )
        .unwrap();
        let request = Request::get(started.location)
            .body(http_body_util::Full::<bytes::Bytes>::default())
            .unwrap();
        let answer = self.provider.clone().oneshot(request).await.unwrap();
        let location = answer.headers()[header::LOCATION].to_str().unwrap();
        let query = location.split_once('?').unwrap().1.as_bytes();
        let callback = Callback::parse(query).unwrap();
        let consume = callback.accept(started.transaction, now).unwrap();
        let Ok(Answered::Granted(grant)) = consume.resolve(Use::First) else {
            panic!("no code")
        };
        let rules = Arc::new(SignInRules::default());
        let (metadata, registration) = (self.metadata.clone(), self.registration.clone());
        let flow = SignIn::new(metadata, registration, rules, *grant);
        self.drive(flow).await.unwrap()
    }

    async fn refresh(&mut self, of: &RefreshOf) -> Refreshed {
        let rules = Arc::new(SignInRules::default());
        let (metadata, registration) = (self.metadata.clone(), self.registration.clone());
        let flow = Refresh::new(metadata, registration, rules, of.clone());
        self.drive(flow).await
    }

    async fn renewed(&mut self, of: &RefreshOf) -> Renewed {
        match self.refresh(of).await {
            Refreshed::Renewed(renewed) => *renewed,
            other => panic!("{other:?}"),
        }
    }

    /// Whether the provider takes this access token.
    async fn is_good(&self, token: &AccessToken) -> bool {
        let request = Request::get(format!("{ISSUER}/userinfo"))
            .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
            .body(vec![])
            .unwrap();
        let client = self.provider.http_client();
        let answer = client.send(Exchange::new(request)).await;
        answer.unwrap().status() == 200
    }
}

/// What is kept of a login.
fn kept(signed_in: SignedIn) -> RefreshOf {
    RefreshOf {
        token: signed_in.tokens.refresh_token.unwrap(),
        identity: signed_in.identity,
        provider_session: signed_in.provider_session.map(Into::into),
        scope: signed_in.scope,
        nonce: Some(signed_in.nonce),
        resources: signed_in.resources,
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn once(rotation: Rotation) -> RefreshPolicy {
    RefreshPolicy {
        rotation,
        grace: Duration::ZERO,
    }
}

#[tokio::test]
async fn a_refresh_brings_new_tokens_and_who_the_user_is_now() {
    let mut w = world(|p| p).await;
    let mut of = kept(w.sign_in("alice").await);
    assert!(of.identity.in_group("admins"));
    w.clock.advance(60 * SECOND);
    let gone = Identity::builder("", "alice")
        .name("Alice A")
        .email("a@example.com");
    w.provider.change_user(gone.group("retired").build());
    let renewed = w.renewed(&of).await;
    assert_eq!(renewed.requested_at, UnixTime::from_secs(1_700_000_060));
    assert_eq!(renewed.provider_session, of.provider_session);
    assert_eq!(renewed.note, None);
    let identity = renewed.identity.unwrap();
    assert_eq!(identity.auth_time(), of.identity.auth_time());
    assert!(identity.in_group("retired") && !identity.in_group("admins"));
    assert!(w.is_good(&renewed.tokens.access_token).await);
    // And so on, from what the last one left.
    of.identity = identity;
    of.token = renewed.tokens.refresh_token.unwrap();
    w.clock.advance(60 * SECOND);
    assert!(w.renewed(&of).await.identity.is_some());
}

#[tokio::test]
async fn access_tokens_live_as_long_as_is_said() {
    let mut w = world(|p| p.access_token_life(30 * SECOND)).await;
    let signed_in = w.sign_in("alice").await;
    assert_eq!(signed_in.tokens.expires_in, Some(30 * SECOND));
    w.clock.advance(29 * SECOND);
    assert!(w.is_good(&signed_in.tokens.access_token).await);
    w.clock.advance(SECOND);
    assert!(!w.is_good(&signed_in.tokens.access_token).await);
    let renewed = w.renewed(&kept(signed_in)).await;
    assert_eq!(renewed.tokens.expires_in, Some(30 * SECOND));
    assert!(w.is_good(&renewed.tokens.access_token).await);
}

#[tokio::test]
async fn without_grace_a_token_is_good_once_and_the_second_use_ends_everything() {
    let mut w = world(|p| p.refresh_tokens(once(Rotation::Always))).await;
    let of = kept(w.sign_in("alice").await);
    let renewed = w.renewed(&of).await;
    let next = renewed.tokens.refresh_token.clone().unwrap();
    assert!(!next.ct_eq(of.token.expose()));
    let Refreshed::Refused(failed) = w.refresh(&of).await else {
        panic!("not refused")
    };
    assert_eq!(failed.check(), Check::RefreshRefused);
    // What the first use brought has ended too.
    assert!(!w.is_good(&renewed.tokens.access_token).await);
    let of = RefreshOf { token: next, ..of };
    assert!(matches!(w.refresh(&of).await, Refreshed::Refused(_)));
}

#[tokio::test]
async fn without_rotation_a_token_is_good_again_and_the_answer_has_none_or_the_same() {
    let mut w = world(|p| p.refresh_tokens(once(Rotation::PublicClients))).await;
    let of = kept(w.sign_in("alice").await);
    for _ in 0..2 {
        assert!(w.renewed(&of).await.tokens.refresh_token.is_none());
    }
    w.provider.habit(Habit::SameRefreshToken);
    let token = w.renewed(&of).await.tokens.refresh_token.unwrap();
    assert!(token.ct_eq(of.token.expose()));
}

#[tokio::test]
async fn a_refresh_token_comes_unasked_where_that_is_the_habit() {
    let mut w = world(|p| p).await;
    let mut registration = (*w.registration).clone();
    registration.scopes = "openid".into();
    w.registration = Arc::new(registration);
    assert!(w.sign_in("alice").await.tokens.refresh_token.is_none());
    w.provider.habit(Habit::RefreshTokenUnasked);
    let of = kept(w.sign_in("alice").await);
    w.renewed(&of).await;
}

#[tokio::test]
async fn every_habit_renews_the_tokens_and_these_keep_the_identity() {
    for habit in Habit::all() {
        let mut w = world(|p| p).await;
        let of = kept(w.sign_in("alice").await);
        w.provider.habit(habit);
        let renewed = w.renewed(&of).await;
        let stays = habit == Habit::RefreshWithoutIdToken;
        assert_eq!(renewed.identity.is_none(), stays, "{habit:?}");
        assert_eq!(renewed.tokens.id_token.is_none(), stays, "{habit:?}");
        assert_eq!(renewed.note, None, "{habit:?}");
    }
    let mut w = world(|p| p).await;
    let mut of = kept(w.sign_in("alice").await);
    of.nonce = None;
    let renewed = w.renewed(&of).await;
    assert!(renewed.identity.is_some() && renewed.note.is_none());
    w.provider.habit(Habit::NonceAtRefresh);
    of.token = renewed.tokens.refresh_token.unwrap();
    let renewed = w.renewed(&of).await;
    let note = renewed.note.unwrap();
    assert_eq!(note.check(), Check::RefreshNonce);
    assert!(renewed.identity.is_none() && renewed.tokens.id_token.is_none());
}

// The time that slow answers take passes at once.
#[tokio::test(start_paused = true)]
async fn each_fault_ends_as_expected() {
    use Check as C;
    let (no, perhaps, yes) = (Spent::No, Spent::Perhaps, Spent::Yes);
    for (fault, check, spent) in [
        (Fault::TokenEndpointDown, C::TokenUnavailable, perhaps),
        (Fault::TooManyRequests, C::TokenUnavailable, no),
        (Fault::LostTokenResponse, C::TokenUnavailable, perhaps),
        (Fault::InvalidClient, C::TokenInvalidClient, no),
        (Fault::WrongTokenType, C::TokenType, yes),
        (Fault::Unreachable, C::ProviderUnreachable, no),
        (
            Fault::At(Endpoint::Token, Mishap::ServerError),
            C::TokenUnavailable,
            perhaps,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Slow),
            C::TokenUnavailable,
            perhaps,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Closed),
            C::TokenUnavailable,
            perhaps,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Oversized),
            C::ProviderTooLarge,
            perhaps,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Truncated),
            C::TokenMalformed,
            yes,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Html),
            C::TokenMalformed,
            yes,
        ),
        (
            Fault::At(Endpoint::Token, Mishap::Redirected),
            C::TokenMalformed,
            perhaps,
        ),
        (Fault::WrongNonce, C::IdTokenNonce, yes),
        (Fault::InvalidSignature, C::IdTokenSignature, yes),
        (Fault::UnsignedToken, C::IdTokenAlg, yes),
        (Fault::WrongAudience, C::IdTokenAudience, yes),
        (Fault::WrongAuthorizedParty, C::IdTokenAuthorizedParty, yes),
        (Fault::ExpiredToken, C::IdTokenExpired, yes),
        (Fault::WrongAccessTokenHash, C::IdTokenAccessTokenHash, yes),
        (Fault::RefreshedAuthTime, C::IdTokenRefreshed, yes),
    ] {
        let mut w = world(|p| p).await;
        let of = kept(w.sign_in("alice").await);
        w.clock.advance(60 * SECOND);
        w.provider.fault(fault);
        let Refreshed::NotRenewed {
            failed,
            token,
            retry_after,
        } = w.refresh(&of).await
        else {
            panic!("{fault:?}")
        };
        assert_eq!((failed.check(), token), (check, spent), "{fault:?}");
        let wait = (fault == Fault::TooManyRequests).then_some(30 * SECOND);
        assert_eq!(retry_after, wait, "{fault:?}");
    }
    for (fault, check) in [
        (Fault::RefreshedSubject, C::IdTokenRefreshedSubject),
        (Fault::WrongIssuer, C::IdTokenIssuer),
    ] {
        let mut w = world(|p| p).await;
        let of = kept(w.sign_in("alice").await);
        w.provider.fault(fault);
        let Refreshed::AnotherUser(failed) = w.refresh(&of).await else {
            panic!("{fault:?}")
        };
        assert_eq!(failed.check(), check, "{fault:?}");
    }
    for (fault, check) in [
        (Fault::MissingIdToken, None),
        (Fault::UnknownKey, Some(C::IdTokenKey)),
    ] {
        let mut w = world(|p| p).await;
        let of = kept(w.sign_in("alice").await);
        w.provider.fault(fault);
        let renewed = w.renewed(&of).await;
        assert!(renewed.identity.is_none(), "{fault:?}");
        assert_eq!(renewed.note.map(|note| note.check()), check, "{fault:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_once_more_within_the_grace() {
    let mut w = world(|p| p).await;
    let of = kept(w.sign_in("alice").await);
    w.provider.fault(Fault::LostTokenResponse);
    assert!(matches!(
        w.refresh(&of).await,
        Refreshed::NotRenewed {
            token: Spent::Perhaps,
            ..
        }
    ));
    w.provider.clear_faults();
    w.renewed(&of).await;
    // A strict provider takes the same for a theft.
    let mut w = world(|p| p.refresh_tokens(once(Rotation::Always))).await;
    let of = kept(w.sign_in("alice").await);
    w.provider.fault(Fault::LostTokenResponse);
    w.refresh(&of).await;
    w.provider.clear_faults();
    assert!(matches!(w.refresh(&of).await, Refreshed::Refused(_)));
}

#[tokio::test]
async fn a_refusal_ends_nothing_at_the_provider() {
    let mut w = world(|p| p).await;
    let of = kept(w.sign_in("alice").await);
    w.provider.fault(Fault::RefreshRefused);
    assert!(matches!(w.refresh(&of).await, Refreshed::Refused(_)));
    w.provider.clear_faults();
    w.renewed(&of).await;
}
