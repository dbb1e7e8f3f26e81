//! What was opened a moment ago: cookies of sessions, and what a store has of them.

use crate::core::{
    session::{
        CookieKeys, InStore, Lifetimes, OpenedEntry, SealedBy, Session, StoreKey, Stored, Ticket,
    },
    time::UnixTime,
};
use arc_swap::ArcSwapOption;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// A cookie of a session that opens. What a store knows of it is still to be asked.
#[derive(Clone)]
pub(crate) enum Opened {
    Cookie(Session, SealedBy),
    Ticket(Ticket, SealedBy),
}

impl Opened {
    pub(super) fn key(&self) -> StoreKey {
        match self {
            Self::Cookie(session, _) => session.key(),
            Self::Ticket(ticket, _) => ticket.key(),
        }
    }

    /// When no cookie of it counts any more, this one or one from before.
    pub(super) fn last(&self, limits: &Lifetimes) -> UnixTime {
        match self {
            Self::Cookie(session, _) => session.last(limits),
            Self::Ticket(ticket, _) => ticket.ends(),
        }
    }
}

/// Keys, and what they have opened: that ends with them, since other keys may open it differently or not at all.
pub(crate) struct Ring {
    pub(crate) keys: CookieKeys,
    cookies: Recent<Opened>,
    entries: Recent<OpenedEntry>,
}

impl Ring {
    /// With room for so many opened cookies, and as much of what a store has beside them.
    pub(crate) fn new(keys: CookieKeys, room: usize) -> Self {
        Self {
            keys,
            cookies: Recent::new(room),
            entries: Recent::new(room),
        }
    }

    /// The same room for what other keys open.
    pub(crate) fn with(&self, keys: CookieKeys) -> Self {
        Self::new(keys, self.cookies.0.len())
    }

    /// What a cookie holds: as it was found before, or as `open` finds it.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        open: impl FnOnce(&CookieKeys) -> Option<Opened>,
    ) -> Option<Opened> {
        self.cookies.get(&[], sealed, || open(&self.keys))
    }

    /// What a store has under a key, opened.
    pub(super) fn in_store(&self, key: &StoreKey, stored: Option<&Stored>) -> InStore {
        let Some(stored) = stored else {
            return InStore::Nothing;
        };
        let opened = OpenedEntry::head_of(stored).and_then(|head| {
            let open = || OpenedEntry::open_head(&self.keys, key, head);
            self.entries.get(key.as_bytes(), head, open)
        });
        match opened {
            Some(opened) => InStore::Entry(opened.beside_tokens_of(key, stored)),
            None => InStore::Unreadable,
        }
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}

/// Sealed values that have come at least twice, opened. A page brings its cookie dozens of times, and from the third time on it is
/// compared, which costs a fraction of what opening costs.
///
/// A table in which each value has one place, given by its own last bytes. They belong to the tag of the encryption: nobody
/// without the key chooses them and has the value open. So nothing is hashed, nothing is locked, and whoever sends what does
/// not open puts nothing in. Two that have the same place put each other out, which costs no more than opening.
///
/// # Security
///
/// A value is taken for one that has been opened only if it is the same to the last byte, and is bound to the same name. The
/// first comparison is of its last sixteen bytes at once, 96 bits of the tag where it is base64, so how long it takes tells
/// nothing of a part of them, and nobody guesses all of them. What is remembered is what it says and no more: whether the session
/// still lives is asked each time.
struct Recent<T>(Box<[Place<T>]>);

struct Place<T> {
    /// Which value came here last. One that comes once takes no memory.
    came: AtomicU64,
    holds: ArcSwapOption<Held<T>>,
}

struct Held<T> {
    print: u128,
    /// What it is bound to, if not all are bound to the same.
    name: Box<[u8]>,
    sealed: Box<[u8]>,
    opened: T,
}

impl<T> Held<T> {
    /// An empty box points to no memory, and to compare that with nothing takes some C libraries a hundred nanoseconds: they load
    /// under a mask, and the processor has to find out that nothing of it was wanted.
    fn is_named(&self, name: &[u8]) -> bool {
        self.name.len() == name.len() && (name.is_empty() || *self.name == *name)
    }
}

/// The longest value that is remembered. Nearly all are a quarter of that.
const LONGEST: usize = 2048;

impl<T: Clone> Recent<T> {
    fn new(room: usize) -> Self {
        let places = (0..room).map(|_| Place {
            came: AtomicU64::default(),
            holds: ArcSwapOption::empty(),
        });
        Self(places.collect())
    }

    /// What a value holds: as it was found before, or as `open` finds it.
    fn get(&self, name: &[u8], sealed: &[u8], open: impl FnOnce() -> Option<T>) -> Option<T> {
        let Some((place, print)) = self.place(sealed) else {
            return open();
        };
        if let Some(held) = &*place.holds.load()
            && held.print == print
            && *held.sealed == *sealed
            && held.is_named(name)
        {
            return Some(held.opened.clone());
        }
        let opened = open()?;
        let came = print as u64;
        if place.came.load(Relaxed) == came {
            let held = Held {
                print,
                name: name.into(),
                sealed: sealed.into(),
                opened: opened.clone(),
            };
            place.holds.store(Some(Arc::new(held)));
        } else {
            place.came.store(came, Relaxed);
        }
        Some(opened)
    }

    /// Its place, and its last bytes.
    fn place(&self, sealed: &[u8]) -> Option<(&Place<T>, u128)> {
        if sealed.len() > LONGEST {
            return None;
        }
        let print = u128::from_le_bytes(*sealed.last_chunk()?);
        // Base64 leaves bits that are always the same; multiplied, all of them count.
        let spread = (print as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let at = (u128::from(spread) * self.0.len() as u128) >> 64;
        Some((self.0.get(at as usize)?, print))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Identity,
        core::{
            session::{CookieNames, Lifetimes},
            url::BaseUrl,
        },
    };

    fn names() -> CookieNames {
        CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap())
    }

    fn keys(first: u8) -> CookieKeys {
        let secret: Vec<u8> = (first..).take(32).collect();
        CookieKeys::from_secrets([&secret[..]]).unwrap()
    }

    fn sealed(keys: &CookieKeys, number: u8) -> Vec<u8> {
        let identity = Identity::builder("https://id.example", format!("user {number}")).build();
        let now = UnixTime::from_secs(1_700_000_000);
        let key = StoreKey::from_bytes([number; 32]);
        let session = Session::begin(key, identity, None, &Lifetimes::default(), now);
        session.seal(keys, &names()).unwrap().into_bytes()
    }

    /// Whose cookie it is, and whether it had to be opened.
    fn look(ring: &Ring, sealed: &[u8]) -> Option<(String, bool)> {
        let mut anew = false;
        let opened = ring.open(sealed, |keys| {
            anew = true;
            let (session, by) = Session::open(keys, &names(), sealed)?;
            Some(Opened::Cookie(session, by))
        });
        match opened? {
            Opened::Cookie(session, _) => Some((session.identity().subject().to_owned(), anew)),
            Opened::Ticket(..) => None,
        }
    }

    fn held(ring: &Ring) -> usize {
        let places = ring.cookies.0.iter();
        places.filter(|place| place.holds.load().is_some()).count()
    }

    #[test]
    fn what_comes_a_third_time_is_not_opened_again() {
        let ring = Ring::new(keys(1), 64);
        let cookie = sealed(&ring.keys, 7);
        let anew = [(); 4].map(|()| look(&ring, &cookie).unwrap().1);
        assert_eq!(anew, [true, true, false, false]);
        assert_eq!(look(&ring, &cookie).unwrap().0, "user 7");
    }

    #[test]
    fn what_comes_once_takes_no_memory() {
        let ring = Ring::new(keys(1), 64);
        for number in 0..=255 {
            look(&ring, &sealed(&ring.keys, number)).unwrap();
        }
        assert_eq!(held(&ring), 0);
    }

    #[test]
    fn changed_in_any_bit_or_cut_anywhere_it_is_not_the_one_that_was_opened() {
        let ring = Ring::new(keys(1), 1);
        let cookie = sealed(&ring.keys, 7);
        for _ in 0..3 {
            look(&ring, &cookie).unwrap();
        }
        for bit in 0..cookie.len() * 8 {
            let mut forged = cookie.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(look(&ring, &forged), None, "bit {bit}");
        }
        for cut in 0..cookie.len() {
            assert_eq!(look(&ring, &cookie[..cut]), None, "{cut}");
            assert_eq!(look(&ring, &cookie[cookie.len() - cut..]), None, "{cut}");
        }
        assert_eq!(look(&ring, &cookie), Some(("user 7".to_owned(), false)));
    }

    #[test]
    fn what_does_not_open_puts_nothing_in_and_nothing_out() {
        let ring = Ring::new(keys(1), 1);
        let cookie = sealed(&ring.keys, 7);
        for _ in 0..2 {
            look(&ring, &cookie).unwrap();
        }
        for number in 0..100 {
            let foreign = sealed(&keys(9), number);
            assert_eq!(look(&ring, &foreign), None);
            assert_eq!(look(&ring, &foreign), None);
        }
        assert_eq!(look(&ring, &cookie), Some(("user 7".to_owned(), false)));
    }

    #[test]
    fn more_than_there_is_room_for_put_each_other_out() {
        let ring = Ring::new(keys(1), 8);
        for number in 0..=255 {
            let cookie = sealed(&ring.keys, number);
            for _ in 0..3 {
                assert_eq!(look(&ring, &cookie).unwrap().0, format!("user {number}"));
            }
        }
        assert_eq!(held(&ring), 8);
    }

    #[test]
    fn without_room_each_is_opened_each_time() {
        let ring = Ring::new(keys(1), 0);
        let cookie = sealed(&ring.keys, 7);
        let anew = [(); 4].map(|()| look(&ring, &cookie).unwrap().1);
        assert_eq!(anew, [true; 4]);
    }

    #[test]
    fn what_other_keys_have_opened_is_forgotten() {
        let ring = Ring::new(keys(1), 64);
        let cookie = sealed(&ring.keys, 7);
        for _ in 0..3 {
            look(&ring, &cookie).unwrap();
        }
        let both = ring.keys.with_added(&keys(2)).unwrap();
        assert!(look(&ring.with(both), &cookie).unwrap().1);
        assert_eq!(look(&ring.with(keys(2)), &cookie), None);
    }

    #[test]
    fn what_is_bound_to_one_name_is_not_found_under_another() {
        let recent = Recent::new(1);
        for _ in 0..3 {
            assert_eq!(recent.get(b"one", &[7; 40], || Some(1)), Some(1));
        }
        assert_eq!(recent.get(b"one", &[7; 40], || None), Some(1));
        assert_eq!(recent.get(b"other", &[7; 40], || None), None);
    }

    #[test]
    fn what_is_longer_than_most_is_opened_each_time() {
        let recent = Recent::<()>::new(4);
        assert!(recent.place(&[b'a'; LONGEST]).is_some());
        assert!(recent.place(&[b'a'; LONGEST + 1]).is_none());
        assert!(recent.place(&[b'a'; 15]).is_none());
    }
}
