//! From a logout token to a logout: the keys are looked for as those of an ID token are.

use super::{Logout, LogoutExpectations, NoExpiry, UnverifiedLogoutToken};
use crate::{
    check::{Check, CheckFailed},
    flow::{Env, Flow, Input, KeyQuery, Step},
    jose::{AlgSet, JwkSet, TrustedKeys},
    login::{Registration, SignInRules, id_token_algs},
    provider::Metadata,
    time::UnixTime,
};
use std::{mem, sync::Arc};

/// Checks a logout token by the rules of this client's ID tokens: the same issuer, client, algorithms, further audiences and
/// leeway.
#[derive(Debug)]
pub struct BelieveLogout {
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    rules: Arc<SignInRules>,
    no_expiry: NoExpiry,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin(UnverifiedLogoutToken),
    /// Keys are looked for; for the second time where some were tried in vain.
    Keys(UnverifiedLogoutToken, Look),
    Over,
}

#[derive(Clone, Copy, Debug)]
enum Look {
    First,
    Again,
}

type Output = Result<Logout, CheckFailed>;

impl BelieveLogout {
    /// For this token.
    pub fn new(
        metadata: Arc<Metadata>,
        registration: Arc<Registration>,
        rules: Arc<SignInRules>,
        no_expiry: NoExpiry,
        token: UnverifiedLogoutToken,
    ) -> Self {
        Self {
            metadata,
            registration,
            rules,
            no_expiry,
            stage: Stage::Begin(token),
        }
    }

    fn algs(&self) -> AlgSet {
        id_token_algs(&self.registration, &self.rules, &self.metadata)
    }

    fn begin(&mut self, token: UnverifiedLogoutToken, now: UnixTime) -> Step<Output> {
        let query = match token.key_query(self.algs()) {
            Ok(query) => query,
            Err(failed) => return Step::Done(Err(failed)),
        };
        if !query.alg.is_symmetric() {
            return self.find(token, query, Look::First);
        }
        let registration = self.registration.clone();
        Step::Done(match registration.client.secret() {
            Some(secret) => self.verify(token, secret.into(), now),
            None => Err(CheckFailed::new(
                Check::LogoutSecret,
                "the client has no secret",
            )),
        })
    }

    fn find(&mut self, token: UnverifiedLogoutToken, query: KeyQuery, look: Look) -> Step<Output> {
        self.stage = Stage::Keys(token, look);
        Step::FindKeys(query)
    }

    fn among(
        &mut self,
        keys: Arc<JwkSet>,
        token: UnverifiedLogoutToken,
        look: Look,
        now: UnixTime,
    ) -> Step<Output> {
        match (look, token.other_keys(&keys)) {
            (Look::First, Some(others)) => self.find(token, others, Look::Again),
            _ => Step::Done(self.verify(token, (&*keys).into(), now)),
        }
    }

    fn verify(&self, token: UnverifiedLogoutToken, keys: TrustedKeys<'_>, now: UnixTime) -> Output {
        let expect = LogoutExpectations {
            issuer: self.metadata.issuer(),
            client_id: self.registration.client.id(),
            algs: self.algs(),
            trusted_audiences: &self.rules.trusted_audiences,
            leeway: self.rules.leeway,
            no_expiry: self.no_expiry,
        };
        token.verify(keys, &expect, now)
    }
}

impl Flow for BelieveLogout {
    type Output = Output;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Output> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin(token), Input::Start) => self.begin(token, env.now),
            (Stage::Keys(token, look), Input::Keys(Ok(keys))) => {
                self.among(keys, token, look, env.now)
            }
            (Stage::Keys(..), Input::Keys(Err(failed))) => Step::Done(Err(failed)),
            _ => Step::Done(Err(CheckFailed::new(
                Check::Misuse,
                "a logout was told what it has not asked for",
            ))),
        }
    }
}
