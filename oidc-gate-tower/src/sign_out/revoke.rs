//! The tokens of a session that has ended, at the provider ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use super::TokensAtSignOut;
use crate::{
    core::{
        backchannel::{Ask, RevocationRequest, Revoked},
        check::Check,
        flow::Transport,
        provider::Endpoint,
        session::Tokens,
    },
    sessions::Sessions,
};
use std::sync::Arc;

impl Sessions {
    /// Says at the provider that these tokens shall end: of each session the refresh token, from which the others come, or
    /// where there is none the access token. In a task of the gate's own, one after the other, each once.
    pub(crate) fn revoke(self: &Arc<Self>, tokens: impl IntoIterator<Item = Tokens>) {
        if self.sign_out.tokens == TokensAtSignOut::Leave {
            return;
        }
        let questions: Vec<_> = tokens.into_iter().filter_map(question).collect();
        if questions.is_empty() {
            return;
        }
        let sessions = self.clone();
        drop(self.common.tasks.spawn(async move {
            sessions.ask_for_the_end_of(questions).await;
        }));
    }

    async fn ask_for_the_end_of(&self, questions: Vec<RevocationRequest>) {
        let metadata = match self.upstream.metadata().await {
            Ok(metadata) => metadata,
            Err(unavailable) => {
                let why = unavailable.why;
                return not_revoked(why.check(), why.cause());
            }
        };
        // Many providers have none, which is no failure.
        if (metadata.endpoint(Endpoint::Revocation, Transport::Tls)).is_none() {
            return;
        }
        let (client, server) = (
            &self.upstream.registration().client,
            Arc::new((**metadata).clone()),
        );
        for question in questions {
            let ask = Ask::new(client.clone(), server.clone(), question);
            match self.upstream.drive(ask).await {
                Ok(Revoked::Revoked) => tracing::debug!("a token was revoked"),
                Ok(Revoked::TypeUnsupported) => {
                    tracing::debug!("the provider revokes no tokens of this kind");
                }
                Err(error) => not_revoked(error.check(), error.cause()),
            }
        }
    }
}

fn question(tokens: Tokens) -> Option<RevocationRequest> {
    match (&tokens.refresh, &tokens.access) {
        (Some(refresh), _) => Some(RevocationRequest::refresh_token(refresh)),
        (None, Some(access)) => Some(RevocationRequest::access_token(access)),
        (None, None) => None,
    }
}

fn not_revoked(check: Check, cause: &str) {
    tracing::warn!(
        check = check.id(),
        cause,
        remedy = check.remedy(),
        "a token of a session that has ended could not be revoked, and ends by itself"
    );
}
