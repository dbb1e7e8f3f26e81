//! A logout token that is believed, and what is owed before and after it is carried out.

use super::LogoutOf;
use crate::{
    check::{Check, CheckFailed},
    session::coordinate::{Look, Once, Seen, Update},
    time::UnixTime,
};
use std::fmt;

/// A logout that the provider has asked for. Whose it is comes out of [`resolve`](Self::resolve) alone, once the store was
/// asked whether this token came before: a token that is sent again must not end what has begun since
/// ([Back-Channel Logout § 2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)).
///
/// 1. [`look`](Self::look), and tell [`resolve`](Self::resolve) what came of it.
/// 2. Carry out what [`NewLogout::of`] names.
/// 3. [`NewLogout::remember`] it.
///
/// # Security
///
/// The token is remembered last and not, as a one-time code is used up, first: if the process ends or the store fails in
/// between, the provider sends it again and the sessions end. Two that arrive at the same moment may both be carried out, which
/// is what one does.
#[must_use]
pub struct Logout {
    pub(super) of: LogoutOf,
    pub(super) client_id: Box<str>,
    pub(super) id: Box<str>,
    pub(super) until: UnixTime,
}

/// A logout that was not carried out before, as far as anybody knows.
#[must_use]
#[derive(Debug)]
pub struct NewLogout(Logout);

/// Of what logout tokens are remembered as.
const KIND: &str = "logout token";

impl Logout {
    /// Asks the store whether this token came before.
    pub fn look(&self) -> Update<Look> {
        Look::of(KIND, &self.replay_name())
    }

    /// What is left to do, now that it is known whether this token came before.
    ///
    /// # Errors
    ///
    /// [`Check::LogoutReplayed`].
    pub fn resolve(self, seen: Seen) -> Result<NewLogout, CheckFailed> {
        match seen {
            Seen::Never => Ok(NewLogout(self)),
            Seen::Before => Err(CheckFailed::new(
                Check::LogoutReplayed,
                "a token with this `jti` was carried out before",
            )),
        }
    }

    /// Until when the token is taken, and so is to be remembered.
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// What the token is remembered by: the provider, the client, and `jti`, each with its length, so that no two tokens have
    /// the same.
    fn replay_name(&self) -> Vec<u8> {
        let parts = [&*self.of.issuer, &*self.client_id, &*self.id];
        let mut name = Vec::with_capacity(512);
        for part in parts {
            name.extend_from_slice(&(part.len() as u64).to_le_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        name
    }
}

impl NewLogout {
    /// Whose sessions are to be ended.
    pub fn of(&self) -> &LogoutOf {
        &self.0.of
    }

    /// Remembers the token, once its logout has been carried out. `by` is as of [`Once::of`].
    pub fn remember(&self, by: [u8; 16]) -> Update<Once> {
        Once::of(KIND, &self.0.replay_name(), self.0.until, by)
    }
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout")
            .field("of", &self.of)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::LoggedOut;
    use super::*;
    use crate::flow::{Entropy, EntropyUnavailable, Env, Step};
    use crate::session::coordinate::{Change, Changed, Effect, Machine, Told};
    use crate::session::{Stored, Swap};

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const UNTIL: UnixTime = UnixTime::from_secs(1_700_000_120);

    fn logout(issuer: &str, client: &str, id: &str) -> Logout {
        Logout {
            of: LogoutOf::new(issuer, LoggedOut::User("alice".into())),
            client_id: client.into(),
            id: id.into(),
            until: UNTIL,
        }
    }

    #[derive(Debug)]
    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
            Err(EntropyUnavailable)
        }
    }

    /// Runs a machine over a store of one value.
    fn run<C: Change>(update: &mut Update<C>, store: &mut Option<Swap>, now: UnixTime) -> C::Output
    where
        C::Output: fmt::Debug,
    {
        let mut told = Told::Start;
        loop {
            let mut env = Env {
                now,
                entropy: &mut NoEntropy,
            };
            told = match update.resume(told, &mut env) {
                Effect::Load(key) => {
                    let found = store.as_ref().filter(|swap| swap.key == key);
                    Told::Loaded(Ok(found.map(|swap| Stored::new(swap.bytes.clone(), 1))))
                }
                Effect::Swap(swap) => {
                    *store = Some(swap);
                    Told::Swapped(Ok(true))
                }
                Effect::Flow(Step::Done(output)) => return output.unwrap(),
                Effect::Flow(_) => panic!("nothing else is needed"),
            };
        }
    }

    #[test]
    fn a_token_is_known_again_from_when_it_is_remembered_until_it_is_taken_no_more() {
        let mut store = None;
        let logout = || logout("https://id.example", "app", "1");
        assert_eq!(run(&mut logout().look(), &mut store, NOW), Seen::Never);
        assert!(store.is_none(), "to look writes nothing");
        let new = logout().resolve(Seen::Never).unwrap();
        assert_eq!(
            run(&mut new.remember([1; 16]), &mut store, NOW),
            Changed::Yes
        );
        let last = UnixTime::from_secs(UNTIL.as_secs() - 1);
        assert_eq!(run(&mut logout().look(), &mut store, last), Seen::Before);
        assert_eq!(run(&mut logout().look(), &mut store, UNTIL), Seen::Never);
        let again = logout().resolve(Seen::Before).unwrap_err();
        assert_eq!(again.check(), Check::LogoutReplayed);
    }

    #[test]
    fn the_second_of_two_at_once_is_told_and_changes_nothing() {
        let mut store = None;
        let new = logout("https://id.example", "app", "1")
            .resolve(Seen::Never)
            .unwrap();
        assert_eq!(
            run(&mut new.remember([1; 16]), &mut store, NOW),
            Changed::Yes
        );
        let written = store.clone();
        assert_eq!(
            run(&mut new.remember([2; 16]), &mut store, NOW),
            Changed::No
        );
        assert_eq!(store, written);
    }

    #[test]
    fn no_provider_and_no_client_uses_up_the_ids_of_another() {
        let mut store = None;
        let new = logout("https://id.example", "app", "1")
            .resolve(Seen::Never)
            .unwrap();
        run(&mut new.remember([1; 16]), &mut store, NOW);
        for (issuer, client, id) in [
            ("https://id.example", "app", "2"),
            ("https://id.example", "ap", "p1"),
            ("https://id.exampl", "eapp", "1"),
            ("https://id.other", "app", "1"),
        ] {
            let other = logout(issuer, client, id);
            assert_eq!(run(&mut other.look(), &mut store, NOW), Seen::Never);
        }
    }
}
