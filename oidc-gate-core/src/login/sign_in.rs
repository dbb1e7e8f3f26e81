//! From a code to an identity.

use super::{
    AuthTime, Grant, Registration, ReturnTo, SameUser, check_claims_source, check_compatible,
    parties::{KeyOf, Next, Parties, Seeking, Sought, Told, unanswered, unsigned},
};
use crate::{
    backchannel::Question as _,
    check::{Check, CheckFailed, quote},
    claims::{ClaimRules, Userinfo},
    client_auth::{Access, Credentials, Proving, Unproven},
    flow::{Env, Flow, Input, Step},
    identity::Identity,
    jose::{AlgSet, TrustedKeys},
    provider::{Endpoint, Metadata},
    secret::Nonce,
    time::UnixTime,
    token::{Expectations, IdTokenClaims, TokenRequest, TokenResponse, UnverifiedIdToken},
};
use std::{mem, sync::Arc, time::Duration};

/// What a sign-in is held to, beyond the specification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignInRules {
    /// The configured name of the provider; empty for the unnamed one.
    pub provider: Box<str>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Audiences beside the client that an ID token may name.
    pub trusted_audiences: Vec<String>,
    /// The algorithms to accept, of those that the provider announces. Where the registration
    /// [names one](Registration::id_token_alg), that one alone is accepted and this is not asked.
    pub algs: AlgSet,
    /// How claims become an identity.
    pub claims: ClaimRules,
}

/// # Defaults
///
/// 30 seconds of leeway, no further audience, every asymmetric algorithm there is, and those of [`ClaimRules`].
impl Default for SignInRules {
    fn default() -> Self {
        Self {
            provider: "".into(),
            leeway: Duration::from_secs(30),
            trusted_audiences: Vec::new(),
            algs: AlgSet::asymmetric(),
            claims: ClaimRules::default(),
        }
    }
}

/// Redeems a code and checks what comes of it: token request, keys, ID token
/// ([OpenID Connect Core § 3.1.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenEndpoint)), then userinfo if
/// the [rules](crate::claims::ClaimsSource) ask for it.
///
/// From its first step on it cannot be repeated: the code is used up. Whoever drives it must not drop it half-way.
#[derive(Debug)]
pub struct SignIn {
    parties: Parties,
    stage: Stage,
    /// When the tokens were asked for.
    asked: Option<UnixTime>,
}

#[derive(Debug)]
enum Stage {
    Begin(Box<Grant>),
    /// Somebody else signs for the client.
    Signature(Box<Grant>, Access, Unproven),
    Exchange(Box<Grant>),
    Keys(Box<Received>, Seeking),
    Userinfo(Box<Believed>),
    Over,
}

/// What the token endpoint answered.
#[derive(Debug)]
struct Received {
    grant: Box<Grant>,
    tokens: TokenResponse,
}

/// What is left to do once the ID token is believed: to say who it is.
#[derive(Debug)]
struct Believed {
    begun: UnixTime,
    return_to: ReturnTo,
    /// What was asked for.
    scopes: Box<str>,
    resources: Vec<String>,
    nonce: Nonce,
    tokens: TokenResponse,
    claims: IdTokenClaims,
}

impl Believed {
    fn told(&self) -> Told<'_> {
        Told {
            claims: &self.claims,
            asked: &self.scopes,
            granted: self.tokens.scope.as_deref(),
            known: None,
        }
    }
}

/// What became of userinfo in a sign-in or a [refresh](super::Refresh).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a log has to know each")]
pub enum Asked {
    /// It was not asked: nothing was missing, or the provider does not have it.
    No,
    /// It was asked, and what it said is in the identity.
    Answered,
    /// It did not take the access token, and the sign-in went on without it. Something that the configuration speaks of
    /// is missing; an operator should know.
    Declined(CheckFailed),
    /// It was asked in vain. A sign-in fails then; a refresh keeps the tokens and the identity there was, and
    /// [says why](super::Renewed::note).
    InVain,
}

/// What a sign-in comes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who signed in.
    pub identity: Identity,
    /// The session's name at the provider, if it has one.
    pub provider_session: Option<String>,
    /// Until when a session may live that comes of it, where the provider says so: see
    /// [`IdTokenClaims::session_expiry`](crate::token::IdTokenClaims::session_expiry).
    pub session_expiry: Option<UnixTime>,
    /// When the login began.
    pub begun: UnixTime,
    /// Where the user wanted to go.
    pub return_to: ReturnTo,
    /// What the provider issued.
    pub tokens: TokenResponse,
    /// When it was asked for: [`expires_in`](TokenResponse::expires_in) counts from then at the earliest.
    pub requested_at: Option<UnixTime>,
    /// What became of userinfo.
    pub userinfo: Asked,
    /// What was granted: what the token response says, or what was asked for.
    pub scope: Box<str>,
    /// Where the access token is to be used, as it was asked for.
    pub resources: Vec<String>,
    /// The login's, which an ID token that comes with a refresh may repeat.
    pub nonce: Nonce,
}

impl SignIn {
    /// The sign-in that `grant` allows.
    pub fn new(
        metadata: Arc<Metadata>,
        registration: Arc<Registration>,
        rules: Arc<SignInRules>,
        grant: Grant,
    ) -> Self {
        Self {
            parties: Parties {
                metadata,
                registration,
                rules,
            },
            stage: Stage::Begin(Box::new(grant)),
            asked: None,
        }
    }

    fn begin(&mut self, grant: Box<Grant>, env: &mut Env<'_>) -> Result<Step<Output>, CheckFailed> {
        let Parties {
            metadata,
            registration,
            rules,
        } = &self.parties;
        // The login began at one issuer; if the configuration has changed meanwhile, its code is not for this one.
        if grant.issuer() != metadata.issuer() {
            let (begun, now) = (
                quote(grant.issuer().as_str()),
                quote(metadata.issuer().as_str()),
            );
            let cause = format!("the login began at {begun}, the provider is now {now}");
            return Err(CheckFailed::new(Check::CallbackIssuer, cause));
        }
        check_compatible(metadata, registration)?;
        check_claims_source(metadata, rules.claims.source)?;
        let access = (registration.client).at(metadata, Endpoint::Token)?;
        match access.prove(env)? {
            Proving::Done(credentials) => self.exchange(grant, &access, credentials, env.now),
            Proving::ToBeSigned(input, unproven) => {
                self.stage = Stage::Signature(grant, access, unproven);
                Ok(Step::Sign(input))
            }
        }
    }

    fn exchange(
        &mut self,
        grant: Box<Grant>,
        access: &Access,
        credentials: Credentials,
        now: UnixTime,
    ) -> Result<Step<Output>, CheckFailed> {
        self.asked = Some(now);
        let (redirect_uri, resources) = (
            &self.parties.registration.redirect_uri,
            &grant.extent.resource,
        );
        let exchange =
            TokenRequest::authorization_code(&grant.code, redirect_uri, &grant.verifier, resources)
                .exchange(access, credentials)?;
        self.stage = Stage::Exchange(grant);
        Ok(Step::Send(exchange))
    }

    fn answered(
        &mut self,
        grant: Box<Grant>,
        response: &http::Response<Vec<u8>>,
        now: UnixTime,
    ) -> Result<Step<Output>, CheckFailed> {
        let tokens = TokenResponse::parse(response)?;
        let missing = || {
            CheckFailed::new(
                Check::IdTokenMissing,
                "the token response carries no id_token",
            )
        };
        let unverified = UnverifiedIdToken::parse(tokens.id_token.as_ref().ok_or_else(missing)?)?;
        let received = Received { grant, tokens };
        match self.parties.key_of(&unverified)? {
            KeyOf::Client(secret) => {
                let believed = self.believe(received, unverified, secret.into(), now)?;
                self.ask(believed)
            }
            KeyOf::Provider(query) => {
                self.stage = Stage::Keys(Box::new(received), Seeking::key_of(unverified));
                Ok(Step::FindKeys(query))
            }
        }
    }

    fn believe(
        &self,
        received: Received,
        unverified: UnverifiedIdToken,
        keys: TrustedKeys<'_>,
        now: UnixTime,
    ) -> Result<Believed, CheckFailed> {
        let Received { grant, tokens } = received;
        let Parties {
            metadata,
            registration,
            rules,
        } = &self.parties;
        let expected = Expectations {
            issuer: metadata.issuer(),
            client_id: registration.client.id(),
            nonce: Some(&grant.nonce),
            algs: self.parties.algs(),
            trusted_audiences: &rules.trusted_audiences,
            leeway: rules.leeway,
            access_token: Some(&tokens.access_token),
            acr_values: &grant.demand.acr_values,
            // Recent when it was asked for: who reads what there is to agree to must not be too late by it. Zero would let
            // nobody through who takes longer than the leeway.
            max_age: (grant.demand.max_age).map(|age| age.saturating_add(now.since(grant.created))),
        };
        let claims = unverified.verify(keys, &expected, now)?;
        // Before userinfo is asked: the tokens of somebody whom nobody has asked are of no use.
        let came = SameUser::named(metadata.issuer().as_str(), claims.subject());
        if grant.same_user.as_ref().is_some_and(|user| *user != came) {
            let cause =
                "the login was demanded of one user, and another has signed in at the provider";
            return Err(CheckFailed::new(Check::AnotherUser, cause));
        }
        if claims.auth_time().is_none() && grant.extent.auth_time == AuthTime::Essential {
            let cause = "`claims` demands `auth_time`, and there is none";
            return Err(CheckFailed::new(Check::IdTokenAuthTime, cause));
        }
        Ok(Believed {
            begun: grant.created,
            return_to: grant.return_to,
            scopes: grant.extent.scopes,
            resources: grant.extent.resource,
            nonce: grant.nonce,
            tokens,
            claims,
        })
    }

    /// Asks for userinfo, if it is to be asked; ends the sign-in otherwise.
    fn ask(&mut self, believed: Believed) -> Result<Step<Output>, CheckFailed> {
        match self.parties.next(believed.told())? {
            Next::Enough(identity) => Ok(self.done(identity, believed, Asked::No)),
            Next::Ask(endpoint) => {
                let exchange = Userinfo::request(endpoint, &believed.tokens.access_token)?;
                self.stage = Stage::Userinfo(Box::new(believed));
                Ok(Step::Send(exchange))
            }
        }
    }

    fn told(
        &self,
        believed: Believed,
        response: &http::Response<Vec<u8>>,
    ) -> Result<Step<Output>, CheckFailed> {
        let userinfo = Userinfo::parse(response, believed.claims.subject());
        let (identity, asked) = self.parties.answered(believed.told(), userinfo)?;
        Ok(self.done(identity, believed, asked))
    }

    fn done(&self, identity: Identity, believed: Believed, userinfo: Asked) -> Step<Output> {
        let scope = match &believed.tokens.scope {
            Some(granted) => granted.as_str().into(),
            None => believed.scopes,
        };
        Step::Done(Ok(SignedIn {
            identity,
            provider_session: believed.claims.sid().map(str::to_owned),
            session_expiry: believed.claims.session_expiry(),
            begun: believed.begun,
            return_to: believed.return_to,
            requested_at: self.asked,
            tokens: believed.tokens,
            userinfo,
            scope,
            resources: believed.resources,
            nonce: believed.nonce,
        }))
    }

    fn step(&mut self, input: Input, env: &mut Env<'_>) -> Result<Step<Output>, CheckFailed> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin(grant), Input::Start) => self.begin(grant, env),
            (Stage::Signature(grant, access, unproven), Input::Signature(signature)) => {
                let credentials = unproven.signed_with(&signature);
                self.exchange(grant, &access, credentials, env.now)
            }
            (Stage::Signature(..), Input::Failed(failure)) => Err(unsigned(failure)),
            (Stage::Exchange(grant), Input::Response(response)) => {
                self.answered(grant, &response, env.now)
            }
            (Stage::Exchange(_), Input::Failed(failure)) => Err(unanswered(failure)),
            (Stage::Keys(received, seeking), Input::Keys(keys)) => match seeking.among(keys?) {
                Sought::Found(token, keys) => {
                    let keys = keys.as_ref().into();
                    let believed = self.believe(*received, token, keys, env.now)?;
                    self.ask(believed)
                }
                Sought::Others(seeking, query) => {
                    self.stage = Stage::Keys(received, seeking);
                    Ok(Step::FindKeys(query))
                }
            },
            (Stage::Userinfo(believed), Input::Response(response)) => {
                self.told(*believed, &response)
            }
            (Stage::Userinfo(_), Input::Failed(failure)) => Err(Userinfo::unanswered(failure)),
            _ => Err(CheckFailed::new(
                Check::Misuse,
                "a sign-in was told what it had not asked",
            )),
        }
    }
}

type Output = Result<SignedIn, CheckFailed>;

impl Flow for SignIn {
    type Output = Output;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Output> {
        self.step(input, env)
            .unwrap_or_else(|failed| Step::Done(Err(failed)))
    }
}
