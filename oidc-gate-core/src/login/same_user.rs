//! The user that a login is demanded of.

use crate::{
    identity::Identity,
    session::{Predecessor, Reader},
};
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// The user that a login is demanded of: somebody who is signed in and has to prove more. Who comes back as another one has
/// not done what was asked, and takes nobody's place.
///
/// A hash of issuer and subject, so that it takes the same room in a cookie whatever they are.
///
/// ```
/// use oidc_gate_core::{identity::Identity, login::SameUser};
///
/// let [alice, bob] = ["alice", "bob"].map(|name| Identity::builder("https://id.example.com", name).build());
/// assert!(SameUser::of(&alice).is(&alice));
/// assert!(!SameUser::of(&alice).is(&bob));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SameUser([u8; 32]);

impl SameUser {
    /// This user.
    pub fn of(user: &Identity) -> Self {
        Self::named(user.issuer(), user.subject())
    }

    /// Whether that is this user.
    pub fn is(&self, user: &Identity) -> bool {
        *self == Self::of(user)
    }

    /// Whether that session is this user's.
    pub fn has(&self, session: &Predecessor) -> bool {
        *self == session.user()
    }

    pub(crate) fn named(issuer: &str, subject: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        // The length says where the one ends, so that no two users run into each other.
        hash.update(&(issuer.len() as u64).to_be_bytes());
        hash.update(issuer.as_bytes());
        hash.update(subject.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        Self(bytes)
    }

    pub(super) fn encode(user: Option<&Self>, out: &mut Vec<u8>) {
        out.push(user.is_some().into());
        out.extend(user.iter().flat_map(|user| user.0));
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        match reader.array()? {
            [0] => Some(None),
            _ => Some(Some(Self(reader.array()?))),
        }
    }
}

impl fmt::Debug for SameUser {
    // A hash of what can be guessed says who it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SameUser(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_an_issuer_and_a_subject_and_neither_alone() {
        let alice = SameUser::named("https://id", "alice");
        for (issuer, subject) in [
            ("https://id", "alicf"),
            ("https://ie", "alice"),
            ("https://ida", "lice"),
            ("https://i", "dalice"),
            ("alice", "https://id"),
        ] {
            assert_ne!(
                alice,
                SameUser::named(issuer, subject),
                "{issuer} {subject}"
            );
        }
        assert!(alice == SameUser::named("https://id", "alice"));
        assert_eq!(format!("{alice:?}"), "SameUser(***)");
    }
}
