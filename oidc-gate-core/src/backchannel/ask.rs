//! Asking, as a flow.

use super::{AskError, Question};
use crate::{
    check::{Check, CheckFailed},
    client_auth::{Access, Client, Credentials, Proving, Unproven},
    flow::{Env, Failure, Flow, Input, Step},
    provider::ServerMetadata,
};
use std::{mem, sync::Arc};

/// Asks one question once: looks whether the endpoint takes the client, proves who it is, sends, reads.
///
/// Nothing is sent again. Whoever asks once more makes a new flow, which proves the client anew.
#[derive(Debug)]
pub struct Ask<Q> {
    client: Client,
    metadata: Arc<ServerMetadata>,
    question: Q,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    /// Somebody else signs for the client.
    Signature(Access, Unproven),
    Sent,
    Over,
}

impl<Q: Question> Ask<Q> {
    /// This question, asked by this client of the server that the metadata is of.
    pub fn new(client: Client, metadata: Arc<ServerMetadata>, question: Q) -> Self {
        Self {
            client,
            metadata,
            question,
            stage: Stage::Begin,
        }
    }

    /// Asks the same once more, proving the client anew.
    pub(crate) fn again(&mut self) {
        self.stage = Stage::Begin;
    }

    fn step(
        &mut self,
        input: Input,
        env: &mut Env<'_>,
    ) -> Result<Step<Result<Q::Answer, AskError>>, AskError> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin, Input::Start) => {
                let access = self.client.at(&self.metadata, self.question.endpoint())?;
                match access.prove(env)? {
                    Proving::Done(credentials) => self.send(&access, credentials),
                    Proving::ToBeSigned(input, unproven) => {
                        self.stage = Stage::Signature(access, unproven);
                        Ok(Step::Sign(input))
                    }
                }
            }
            (Stage::Signature(access, unproven), Input::Signature(signature)) => {
                self.send(&access, unproven.signed_with(&signature))
            }
            (Stage::Signature(..), Input::Failed(_)) => Err(CheckFailed::new(
                Check::ClientKey,
                "whoever holds the client's key did not sign",
            )
            .into()),
            (Stage::Sent, Input::Response(response)) => {
                Ok(Step::Done(self.question.read(&response)))
            }
            (Stage::Sent, Input::Failed(failure)) => Err(self.unanswered(failure).into()),
            _ => {
                Err(CheckFailed::new(Check::Misuse, "a flow was told what it had not asked").into())
            }
        }
    }

    fn send(
        &mut self,
        access: &Access,
        credentials: Credentials,
    ) -> Result<Step<Result<Q::Answer, AskError>>, AskError> {
        let exchange = self.question.exchange(access, credentials)?;
        self.stage = Stage::Sent;
        Ok(Step::Send(exchange))
    }

    fn unanswered(&self, failure: Failure) -> CheckFailed {
        let endpoint = self.question.endpoint();
        let (check, what) = match failure {
            Failure::NotSent => (Check::ProviderUnreachable, "could not be reached"),
            Failure::Unknown => (super::Faults(endpoint).unavailable(), "did not answer"),
            Failure::TooLarge => (Check::ProviderTooLarge, "answered more than is read"),
        };
        CheckFailed::new(check, format!("the {endpoint} {what}"))
    }
}

impl<Q: Question> Flow for Ask<Q> {
    type Output = Result<Q::Answer, AskError>;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Self::Output> {
        self.step(input, env)
            .unwrap_or_else(|error| Step::Done(Err(error)))
    }
}
