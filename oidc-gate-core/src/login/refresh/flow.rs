//! The conversation.

use super::{
    RefreshOf, Refreshed, Spent,
    origin::origin,
    received::Received,
    refusal::{lost, not_renewed, refused},
};
use crate::{
    backchannel::Question as _,
    check::{Check, CheckFailed, quote},
    claims::{ClaimsSource, Unfit, Userinfo, renew},
    client_auth::{Access, Credentials, Proving, Unproven},
    flow::{Env, Flow, Input, Step},
    jose::{JwkSet, TrustedKeys},
    login::{
        Asked, Registration, SignInRules, check_claims_source,
        compatible::check_secret,
        parties::{KeyOf, Next, Parties, Seeking, Sought, unsigned},
    },
    provider::{Endpoint, Metadata},
    time::UnixTime,
    token::{Expectations, IdTokenClaims, TokenRequest, TokenResponse, UnverifiedIdToken},
};
use std::{mem, sync::Arc};

/// Redeems a refresh token ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)) and checks what comes of it:
/// token request, then what there is of keys, ID token
/// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)) and userinfo.
///
/// 1. An ID token that comes along is checked as at a sign-in and against what is known of the first. Another user's ends
///    the session; one that is wrong otherwise spoils the tokens that came with it.
/// 2. Without an ID token the identity stays, unless userinfo is
///    [always](ClaimsSource::UserinfoAlways) asked. So it does where the provider's keys cannot be had, or the ID token has a
///    nonce that there is nothing to compare with: a provider may leave the ID token out, and then that is as good.
/// 3. Userinfo is asked where a sign-in would ask it. Its outage loses no tokens.
/// 4. Whom the rules for claims would not let in now stays who it was. What a sign-in was demanded to be (`acr`, `max_age`)
///    is not asserted again.
///
/// From the token request on it cannot be repeated. Whoever drives it must not drop it half-way, and sees to it that nobody
/// else redeems the same token meanwhile.
#[derive(Debug)]
pub struct Refresh {
    parties: Parties,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin(Box<RefreshOf>),
    /// Somebody else signs for the client.
    Signature(Box<RefreshOf>, Access, Unproven),
    Sent(Box<RefreshOf>, UnixTime),
    Keys(Box<Received>, Seeking),
    Userinfo(Box<Received>, Option<IdTokenClaims>),
    Over,
}

impl Refresh {
    /// A refresh of these tokens.
    pub fn new(
        metadata: Arc<Metadata>,
        registration: Arc<Registration>,
        rules: Arc<SignInRules>,
        of: RefreshOf,
    ) -> Self {
        let parties = Parties {
            metadata,
            registration,
            rules,
        };
        Self {
            parties,
            stage: Stage::Begin(Box::new(of)),
        }
    }

    fn step(&mut self, input: Input, env: &mut Env<'_>) -> Step<Refreshed> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin(of), Input::Start) => unsent(self.begin(of, env)),
            (Stage::Signature(of, access, unproven), Input::Signature(signature)) => {
                let credentials = unproven.signed_with(&signature);
                unsent(self.send(of, &access, credentials, env.now))
            }
            (Stage::Signature(..), Input::Failed(failure)) => unsent(Err(unsigned(failure))),
            (Stage::Sent(of, at), Input::Response(response)) => {
                self.answered(*of, at, &response, env.now)
            }
            (Stage::Sent(..), Input::Failed(failure)) => Step::Done(lost(failure)),
            (Stage::Keys(received, seeking), Input::Keys(keys)) => {
                self.sought(*received, seeking, keys, env.now)
            }
            (Stage::Userinfo(received, claims), Input::Response(response)) => {
                let subject = received.of.identity.subject();
                match Userinfo::about(subject, &response) {
                    Ok(userinfo) => self.told(*received, claims, Ok(userinfo)),
                    Err(Unfit::Useless(failed)) => self.told(*received, claims, Err(failed)),
                    Err(Unfit::Another(failed)) => Step::Done(Refreshed::AnotherUser(failed)),
                }
            }
            (Stage::Userinfo(received, claims), Input::Failed(failure)) => {
                self.told(*received, claims, Err(Userinfo::unanswered(failure)))
            }
            (stage, _) => {
                let cause = "a refresh was told what it had not asked";
                let failed = CheckFailed::new(Check::Misuse, cause);
                Step::Done(not_renewed(failed, stage.spent()))
            }
        }
    }

    fn begin(
        &mut self,
        of: Box<RefreshOf>,
        env: &mut Env<'_>,
    ) -> Result<Step<Refreshed>, CheckFailed> {
        let Parties {
            metadata,
            registration,
            ..
        } = &self.parties;
        let (gave, now) = (of.identity.issuer(), metadata.issuer().as_str());
        if gave != now {
            let (gave, now) = (quote(gave), quote(now));
            let cause = format!("the user signed in at {gave}, the provider is now {now}");
            return Err(CheckFailed::new(Check::RefreshIssuer, cause));
        }
        // An ID token that nobody could believe would spoil the tokens.
        if let Some(alg) = registration.id_token_alg {
            check_secret(alg, registration.client.secret())?;
        }
        let access = registration.client.at(metadata, Endpoint::Token)?;
        match access.prove(env)? {
            Proving::Done(credentials) => self.send(of, &access, credentials, env.now),
            Proving::ToBeSigned(input, unproven) => {
                self.stage = Stage::Signature(of, access, unproven);
                Ok(Step::Sign(input))
            }
        }
    }

    fn send(
        &mut self,
        of: Box<RefreshOf>,
        access: &Access,
        credentials: Credentials,
        now: UnixTime,
    ) -> Result<Step<Refreshed>, CheckFailed> {
        let exchange =
            TokenRequest::refreshing(&of.token, &of.resources).exchange(access, credentials)?;
        self.stage = Stage::Sent(of, now);
        Ok(Step::Send(exchange))
    }

    fn answered(
        &mut self,
        of: RefreshOf,
        requested_at: UnixTime,
        response: &http::Response<Vec<u8>>,
        now: UnixTime,
    ) -> Step<Refreshed> {
        let mut tokens = match TokenResponse::parse(response) {
            Ok(tokens) => tokens,
            Err(error) => return Step::Done(refused(error, response.status())),
        };
        tokens.scope.get_or_insert_with(|| of.scope.to_string());
        let received = Received {
            of,
            requested_at,
            tokens,
            note: None,
        };
        let token = match received
            .tokens
            .id_token
            .as_ref()
            .map(UnverifiedIdToken::parse)
        {
            None => return self.without(received),
            Some(Err(failed)) => return spoilt(failed),
            Some(Ok(token)) => token,
        };
        match self.parties.key_of(&token) {
            Ok(KeyOf::Client(secret)) => {
                let believed = self.believe(&received, token, secret.into(), now);
                self.judged(received, believed)
            }
            Ok(KeyOf::Provider(query)) => {
                self.stage = Stage::Keys(Box::new(received), Seeking::key_of(token));
                Step::FindKeys(query)
            }
            Err(failed) => spoilt(failed),
        }
    }

    fn sought(
        &mut self,
        received: Received,
        seeking: Seeking,
        keys: Result<Arc<JwkSet>, CheckFailed>,
        now: UnixTime,
    ) -> Step<Refreshed> {
        let keys = match keys {
            Ok(keys) => keys,
            Err(outage) => return self.judged(received, Err(Disbelief::NoneAtAll(outage))),
        };
        match seeking.among(keys) {
            Sought::Found(token, keys) => {
                let believed = self.believe(&received, token, keys.as_ref().into(), now);
                self.judged(received, believed)
            }
            Sought::Others(seeking, query) => {
                self.stage = Stage::Keys(Box::new(received), seeking);
                Step::FindKeys(query)
            }
        }
    }

    fn believe(
        &self,
        received: &Received,
        token: UnverifiedIdToken,
        keys: TrustedKeys<'_>,
        now: UnixTime,
    ) -> Result<IdTokenClaims, Disbelief> {
        let Parties {
            metadata,
            registration,
            rules,
        } = &self.parties;
        let expected = Expectations {
            issuer: metadata.issuer(),
            client_id: registration.client.id(),
            nonce: received.of.nonce.as_ref(),
            algs: self.parties.algs(),
            trusted_audiences: &rules.trusted_audiences,
            leeway: rules.leeway,
            access_token: Some(&received.tokens.access_token),
            acr_values: &[],
            max_age: None,
        };
        let (origin, forgotten) = origin(&received.of, &rules.claims);
        let claims = token
            .verify_continued(keys, &expected, &origin, forgotten, now)
            .map_err(|failed| match failed.check() {
                Check::IdTokenRefreshedSubject | Check::IdTokenIssuer => Disbelief::Another(failed),
                // It may be so new that it has not been seen yet.
                Check::IdTokenKey => Disbelief::NoneAtAll(failed),
                _ => Disbelief::Spoilt(failed),
            })?;
        if forgotten.nonce && claims.as_map().contains_key("nonce") {
            let cause = "the ID token has a nonce, and that of the login is not known any more";
            let failed = CheckFailed::new(Check::RefreshNonce, cause);
            return Err(Disbelief::NoneAtAll(failed));
        }
        Ok(claims)
    }

    fn judged(
        &mut self,
        mut received: Received,
        believed: Result<IdTokenClaims, Disbelief>,
    ) -> Step<Refreshed> {
        match believed {
            Ok(claims) => self.ask(received, claims),
            Err(Disbelief::NoneAtAll(why)) => {
                received.tokens.id_token = None;
                received.note(why);
                self.without(received)
            }
            Err(Disbelief::Spoilt(failed)) => spoilt(failed),
            Err(Disbelief::Another(failed)) => Step::Done(Refreshed::AnotherUser(failed)),
        }
    }

    /// Goes on with an ID token.
    fn ask(&mut self, received: Received, claims: IdTokenClaims) -> Step<Refreshed> {
        let next = check_claims_source(&self.parties.metadata, self.parties.rules.claims.source)
            .and_then(|()| self.parties.next(received.told(&claims)));
        let endpoint = match next {
            Ok(Next::Ask(endpoint)) => endpoint,
            Ok(Next::Enough(identity)) => {
                return received.renewed(Some(&claims), Ok((identity, Asked::No)));
            }
            Err(failed) => return received.renewed(Some(&claims), Err((failed, Asked::No))),
        };
        match Userinfo::request(endpoint, &received.tokens.access_token) {
            Ok(exchange) => {
                self.stage = Stage::Userinfo(Box::new(received), Some(claims));
                Step::Send(exchange)
            }
            Err(failed) => received.renewed(Some(&claims), Err((failed, Asked::No))),
        }
    }

    /// Goes on without an ID token.
    fn without(&mut self, received: Received) -> Step<Refreshed> {
        if self.parties.rules.claims.source != ClaimsSource::UserinfoAlways {
            return received.end(None, None, Asked::No);
        }
        let Some(endpoint) = self.parties.metadata.userinfo_endpoint() else {
            return received.end(None, None, Asked::No);
        };
        match Userinfo::request(endpoint, &received.tokens.access_token) {
            Ok(exchange) => {
                self.stage = Stage::Userinfo(Box::new(received), None);
                Step::Send(exchange)
            }
            Err(failed) => received.renewed(None, Err((failed, Asked::No))),
        }
    }

    fn told(
        &self,
        received: Received,
        claims: Option<IdTokenClaims>,
        userinfo: Result<Userinfo, CheckFailed>,
    ) -> Step<Refreshed> {
        let asked = match &userinfo {
            Ok(_) => Asked::Answered,
            Err(_) => Asked::InVain,
        };
        let result = match &claims {
            Some(claims) => self.parties.answered(received.told(claims), userinfo),
            None => userinfo.and_then(|userinfo| {
                let scopes = received.scope();
                renew(
                    &self.parties.rules.claims,
                    &received.of.identity,
                    userinfo,
                    scopes,
                )
                .map(|identity| (identity, Asked::Answered))
            }),
        };
        received.renewed(claims.as_ref(), result.map_err(|failed| (failed, asked)))
    }
}

/// Why an ID token is not believed.
enum Disbelief {
    /// Nobody can say whether it is right. It is as good as none.
    NoneAtAll(CheckFailed),
    /// It is wrong, and nothing that came with it may be used.
    Spoilt(CheckFailed),
    /// It is about another user.
    Another(CheckFailed),
}

impl Stage {
    /// What has become of the refresh token by now.
    fn spent(&self) -> Spent {
        match self {
            Self::Begin(_) | Self::Signature(..) => Spent::No,
            Self::Sent(..) | Self::Over => Spent::Perhaps,
            Self::Keys(..) | Self::Userinfo(..) => Spent::Yes,
        }
    }
}

fn unsent(step: Result<Step<Refreshed>, CheckFailed>) -> Step<Refreshed> {
    step.unwrap_or_else(|failed| Step::Done(not_renewed(failed, Spent::No)))
}

fn spoilt(failed: CheckFailed) -> Step<Refreshed> {
    Step::Done(not_renewed(failed, Spent::Yes))
}

impl Flow for Refresh {
    type Output = Refreshed;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Refreshed> {
        self.step(input, env)
    }
}
