//! What is told to whom: everything to the operator, a reference to the user.

use crate::{
    core::{
        check::{Check, CheckFailed, MendedBy},
        flow::Entropy,
        identity::Identity,
        logout::{LoggedOut, LogoutOf},
        session::coordinate::{Kept, Outcome},
        url::Issuer,
    },
    keeping::SessionsError,
    ports::OsEntropy,
};
use aws_lc_rs::digest;
use std::{fmt, net::SocketAddr};
use tracing::Span;

/// Ties what a user sees to what the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference(String);

impl Reference {
    fn new() -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut bytes = [0; 10];
        // Without randomness the references are alike; the log line is written either way.
        let _ = OsEntropy.fill(&mut bytes);
        Self(
            bytes
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        )
    }
}

impl Reference {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes one event about a login that failed, and gives the reference that the user's page carries.
///
/// What a user can bring about alone (a stale bookmark, a refused consent) is a warning; what needs an operator is an
/// error.
pub(crate) fn login_failed(failed: &CheckFailed) -> Reference {
    let reference = Reference::new();
    let check = failed.check();
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                check = check.id(), cause = failed.cause(), remedy = check.remedy(), reference = %reference,
                "a login failed"
            )
        };
    }
    match check.mended_by() {
        MendedBy::Operator => event!(error),
        MendedBy::Caller => event!(warn),
    }
    reference
}

/// Writes one event about a sign-in that went on without userinfo.
pub(crate) fn userinfo_declined(why: &CheckFailed, issuer: &str) {
    let check = why.check();
    tracing::warn!(
        check = check.id(),
        cause = why.cause(),
        remedy = check.remedy(),
        issuer,
        "userinfo did not take the access token; what the ID token lacks stays unknown"
    );
}

/// What a refresh came to.
pub(crate) fn refreshed(outcome: &Outcome, note: Option<&CheckFailed>, issuer: &Issuer) {
    let issuer = issuer.as_str();
    match outcome {
        Outcome::Renewed(..) => tracing::debug!(issuer, "a session was refreshed"),
        Outcome::Ended(failed) => tracing::info!(
            issuer,
            check = failed.check().id(),
            cause = failed.cause(),
            "a session has ended at its refresh"
        ),
        Outcome::Kept(
            Kept::NotNow {
                failed: Some(failed),
                ..
            }
            | Kept::Lost(Some(failed)),
        ) => tracing::warn!(
            issuer,
            check = failed.check().id(),
            cause = failed.cause(),
            remedy = failed.check().remedy(),
            "a session could not be refreshed and goes on as it is"
        ),
        Outcome::Kept(why) => tracing::debug!(issuer, ?why, "a session was not refreshed"),
    }
    if let Some(note) = note {
        tracing::warn!(
            issuer,
            check = note.check().id(),
            cause = note.cause(),
            remedy = note.check().remedy(),
            "a session was refreshed, and who is signed in stays as it was"
        );
    }
}

/// Writes one event about a request that was refused. Who is merely not signed in leaves no trace worth a reference.
pub(crate) fn refused(check: Check, cause: &str) -> Option<Reference> {
    macro_rules! event {
        ($level:ident) => {{
            let reference = Reference::new();
            tracing::$level!(
                check = check.id(), cause, remedy = check.remedy(), reference = %reference, "a request was refused"
            );
            Some(reference)
        }};
    }
    match (check, check.mended_by()) {
        (_, MendedBy::Operator) => event!(error),
        // A proxy that is not set up right, or a client that tries what it lets through.
        (check, _) if check.id().starts_with("forwarded.") => event!(info),
        (Check::AuthConstraint, _) => event!(info),
        // Whoever sends tokens is a program, and its makers ask why.
        (check, _) if check.id().starts_with("bearer.") => event!(info),
        (Check::Forbidden | Check::CrossSite | Check::BodyTooLarge | Check::InitiatorIssuer, _) => {
            event!(info)
        }
        (_, MendedBy::Caller) => {
            tracing::debug!(check = check.id(), cause, "a request was refused");
            None
        }
    }
}

/// Writes one event about a logout of the provider's that was carried out. Whose session it was is not known where the provider
/// names the session alone.
pub(crate) fn logged_out(of: &LogoutOf, ended: usize) {
    let issuer = &*of.issuer;
    let user = match &of.who {
        LoggedOut::User(subject) | LoggedOut::Both { subject, .. } => {
            Some(user_named(issuer, subject))
        }
        LoggedOut::AtProvider(_) => None,
    };
    tracing::info!(issuer, user, ended, "the provider has ended sessions");
}

/// What keeps a logout of the provider's from being carried out.
pub(crate) fn not_logged_out(error: SessionsError) -> CheckFailed {
    let check = match error {
        SessionsError::Unreadable => Check::LogoutList,
        _ => Check::StoreUnavailable,
    };
    CheckFailed::new(check, error.to_string())
}

/// Writes one event about a logout of the provider's that was not carried out. Anybody can send something that looks like one;
/// if the provider has, somebody is still signed in.
pub(crate) fn logout_refused(failed: &CheckFailed) {
    let check = failed.check();
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                check = check.id(),
                cause = failed.cause(),
                remedy = check.remedy(),
                "a logout of the provider's was refused"
            )
        };
    }
    match check.mended_by() {
        MendedBy::Operator => event!(error),
        MendedBy::Caller => event!(warn),
    }
}

/// Tells the events about one user from those about others, without naming the user: sign-in, sign-out.
pub(crate) fn user(identity: &Identity) -> String {
    user_named(identity.issuer(), identity.subject())
}

fn user_named(issuer: &str, subject: &str) -> String {
    // A length is put before the issuer, so that no two users can be written as one.
    let text = format!("{} {issuer} {subject}", issuer.len());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let hex = hash.as_ref().iter().take(8);
    hex.map(|byte| format!("{byte:02x}")).collect()
}

/// Around every event about a request that the gate answers itself: who was at the other end of the connection.
pub(crate) fn span(peer: Option<SocketAddr>) -> Span {
    tracing::info_span!("gate", peer = peer.map(tracing::field::display))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_apart_and_not_named() {
        let user_of =
            |issuer: &str, subject: &str| user(&Identity::builder(issuer, subject).build());
        let alice = user_of("https://id.example", "alice");
        assert_eq!(alice.len(), 16);
        assert_eq!(alice, user_of("https://id.example", "alice"));
        for other in [
            user_of("https://id.example", "bob"),
            user_of("https://id.example alice", ""),
            user_of("https://id.other", "alice"),
        ] {
            assert_ne!(alice, other);
        }
    }

    #[test]
    fn references_differ_and_can_be_read_out() {
        let (one, two) = (Reference::new().to_string(), Reference::new().to_string());
        assert_ne!(one, two);
        assert!(
            one.len() == 10
                && one
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        );
    }
}
