//! What the provider remembers: codes, tokens, its own sessions. All of it bounded, the oldest dropped first.

use super::{Fault, Habit, Revocations, logout::Logouts};
use crate::{
    Identity,
    core::{
        client_auth::{Inserted, ReplayKey},
        grant::{Handle, IssuedCode, IssuedDeviceCode, IssuedRefreshToken, ScopeSet, UserCode},
        secret::RefreshToken,
        time::UnixTime,
    },
};
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use url::Url;

pub(super) struct State {
    pub(super) issuer: Issuer,
    pub(super) faults: BTreeSet<Fault>,
    pub(super) habits: BTreeSet<Habit>,
    pub(super) redirect_uris: BTreeSet<String>,
    /// Who is no longer who it was, by subject.
    pub(super) changed_users: BTreeMap<String, Identity>,
    pub(super) codes: Bounded<Code>,
    pub(super) access_tokens: Bounded<Access>,
    /// Every ID token that was issued, so that a hint can be recognised without trusting it.
    pub(super) id_tokens: Bounded<Hint>,
    pub(super) sessions: Bounded<Session>,
    pub(super) refresh_tokens: Bounded<Refresh>,
    pub(super) device_codes: Bounded<Device>,
    pub(super) logouts: Logouts,
    pub(super) revocations: Revocations,
    /// Authorizations of which nothing may come any more.
    ended: Bounded<()>,
    /// What assertions are remembered by, and until when.
    used: Bounded<UnixTime>,
}

impl State {
    /// The most entries of each kind.
    pub(super) const MAX_ENTRIES: usize = 1000;
    /// The most assertions that are remembered.
    const MAX_REPLAYS: usize = 100_000;

    pub(super) fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            faults: BTreeSet::new(),
            habits: BTreeSet::new(),
            redirect_uris: BTreeSet::new(),
            changed_users: BTreeMap::new(),
            codes: Bounded::new(Self::MAX_ENTRIES),
            access_tokens: Bounded::new(Self::MAX_ENTRIES),
            id_tokens: Bounded::new(Self::MAX_ENTRIES),
            sessions: Bounded::new(Self::MAX_ENTRIES),
            refresh_tokens: Bounded::new(Self::MAX_ENTRIES),
            device_codes: Bounded::new(Self::MAX_ENTRIES),
            logouts: Logouts::new(Self::MAX_ENTRIES),
            revocations: Revocations::default(),
            ended: Bounded::new(Self::MAX_ENTRIES),
            used: Bounded::new(Self::MAX_REPLAYS),
        }
    }

    /// Remembers an assertion, if it is new.
    pub(super) fn insert_once(
        &mut self,
        key: &ReplayKey,
        until: UnixTime,
        now: UnixTime,
    ) -> Inserted {
        match self.used.get(key.as_bytes()) {
            Some(kept) if now < *kept => Inserted::Again,
            _ => {
                self.used.insert(*key.as_bytes(), until);
                Inserted::First
            }
        }
    }

    pub(super) fn has_ended(&self, grant: &Key) -> bool {
        self.ended.get(grant).is_some()
    }

    /// Takes back everything that came of one authorization, and what is about to come of it.
    pub(super) fn revoke(&mut self, grant: &Key) {
        self.ended.insert(*grant, ());
        self.access_tokens.retain(|access| access.grant != *grant);
        self.refresh_tokens
            .retain(|refresh| refresh.login.grant != *grant);
    }
}

/// Who the provider is: the text that tokens carry, and where that is.
#[derive(Clone)]
pub(super) struct Issuer {
    pub(super) text: String,
    /// The path before every endpoint: empty, or `/…` without a slash at the end.
    pub(super) path: String,
    pub(super) url: Url,
    /// Given by the developer, not made up from a port.
    pub(super) given: bool,
}

impl Issuer {
    pub(super) fn parse(text: &str, given: bool) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let fit = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        fit.then(|| Self {
            text: text.to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
            url,
            given,
        })
    }

    /// The address of an endpoint.
    pub(super) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.text.trim_end_matches('/'))
    }
}

/// A login, as everything that comes of it remembers it.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) session: Session,
    pub(super) nonce: Option<String>,
    pub(super) acr: Option<String>,
    /// Names the authorization, so that all of it can be revoked.
    pub(super) grant: Key,
}

/// What a code stands for.
pub(super) struct Code {
    pub(super) issued: IssuedCode,
    pub(super) login: Login,
}

/// What a refresh token stands for.
pub(super) struct Refresh {
    pub(super) issued: IssuedRefreshToken,
    pub(super) login: Login,
    /// What took its place.
    pub(super) successor: Option<RefreshToken>,
}

/// What a device code stands for.
pub(super) struct Device {
    pub(super) issued: IssuedDeviceCode,
    pub(super) user_code: UserCode,
    /// Whose it is, once somebody has agreed.
    pub(super) login: Option<Login>,
    pub(super) grant: Key,
}

/// What an access token stands for.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) client_id: String,
    /// A client that acts in its own name has none.
    pub(super) user: Option<Identity>,
    pub(super) scope: ScopeSet,
    pub(super) expires: UnixTime,
    pub(super) grant: Key,
    /// The certificate it is bound to.
    pub(super) certificate: Option<String>,
}

/// What an ID token said, when it is shown as a hint.
#[derive(Clone)]
pub(super) struct Hint {
    pub(super) subject: String,
    pub(super) client_id: String,
    pub(super) sid: String,
}

/// A browser that has signed in here.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) user: Identity,
    pub(super) auth_time: UnixTime,
    /// The id that relying parties are told. Not the cookie.
    pub(super) sid: String,
}

/// A handle is never stored, only its digest.
pub(super) type Key = [u8; 32];

pub(super) fn key(handle: &str) -> Key {
    *Handle::of(handle).as_bytes()
}

/// A new handle: 256 bits.
///
/// # Errors
///
/// When the system has no randomness to give.
pub(super) fn new_handle() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[derive(Debug)]
pub(super) struct NoRandomness;

/// A map that forgets its oldest entries.
pub(super) struct Bounded<V> {
    entries: HashMap<Key, V>,
    /// In the order of insertion. May name entries that were removed.
    order: VecDeque<Key>,
    max: usize,
}

impl<V> Bounded<V> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(super) fn insert(&mut self, key: Key, value: V) {
        while self.order.len() >= self.max {
            match self.order.pop_front() {
                Some(oldest) => drop(self.entries.remove(&oldest)),
                None => break,
            }
        }
        self.order.push_back(key);
        self.entries.insert(key, value);
    }

    pub(super) fn get(&self, key: &Key) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<V> {
        self.entries.remove(key)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, value| keep(value));
    }

    /// Removes the entries of which `which` says so.
    pub(super) fn take(&mut self, which: impl Fn(&V) -> bool) -> Vec<V> {
        let taken = self.entries.extract_if(|_, value| which(value));
        taken.map(|(_, value)| value).collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len().max(self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_make_room() {
        let mut map = Bounded::new(3);
        for n in 0_u8..10 {
            map.insert([n; 32], n);
            assert!(map.len() <= 3);
        }
        assert_eq!(map.get(&[6; 32]), None);
        assert_eq!(map.get(&[7; 32]), Some(&7));
        // Removed entries do not let the order grow.
        for n in 10_u8..200 {
            map.insert([n; 32], n);
            map.remove(&[n; 32]);
        }
        assert!(map.len() <= 3);
    }

    #[test]
    fn an_issuer_is_a_plain_address() {
        for (text, path) in [
            ("http://localhost:3001", Some("")),
            ("https://id.test/", Some("")),
            ("https://id.test/tenant/a", Some("/tenant/a")),
            ("https://id.test/?x", None),
            ("https://id.test/#x", None),
            ("https://me@id.test", None),
            ("ftp://id.test", None),
            ("id.test", None),
        ] {
            let issuer = Issuer::parse(text, true);
            assert_eq!(issuer.map(|i| i.path).as_deref(), path, "{text}");
        }
    }
}
