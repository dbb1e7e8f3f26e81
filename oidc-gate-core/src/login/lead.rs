//! What a state says of its login, to whoever has sealed it.
//!
//! A browser keeps a handful of logins for a quarter of an hour. What it keeps no more still comes back: from the tab that was
//! left open over lunch, from the sixth tab of a window that was restored, from a bookmark. The state comes along with it, and
//! so it says where the login was to lead.

use super::{Manner, ReturnTo, Transaction, Wanted};
use crate::{
    check::{Check, CheckFailed},
    secret::State,
    session::{CookieKeys, Draft, Purpose, Reader, SealNonce, open, put, put_time},
    time::UnixTime,
};
use base64_simd::URL_SAFE_NO_PAD;
use std::fmt;

/// Where a login leads, as its state says it.
///
/// # Security
///
/// It tells where a login led that this gate has begun, and not in which browser: whoever began one knows its state and can
/// have somebody else bring it. So it ends no login and shows nothing: it leads a browser to a place of the application, as any
/// link does, or begins a login there, as a link to `start` does.
#[derive(Clone)]
pub struct Lead {
    created: UnixTime,
    anew: Anew,
    step_up: StepUp,
    return_to: Option<ReturnTo>,
    otherwise: Option<ReturnTo>,
}

/// Whether a login was to be better than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepUp {
    No,
    Yes,
}

/// How often in a row the gate itself has begun a login anew that came back without its cookie.
///
/// Where a browser keeps no cookies at all, it would go on for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anew(u8);

impl Anew {
    /// As often as it is done.
    pub const MOST: Self = Self(2);

    /// Once more, if that is not too often.
    pub fn next(self) -> Option<Self> {
        (self < Self::MOST).then_some(Self(self.0 + 1))
    }
}

/// Between the random part of a state and what is sealed. Base64 has no such character.
const DOT: char = '.';
const ANEW: u8 = 0b0011;
const STEPS_UP: u8 = 0b0100;
const SILENT: u8 = 0b1000;

impl Lead {
    /// The longest place that a state says. Addresses are not as long as cookies can be: servers refuse them at 2 to 8 KB.
    pub const MAX_PLACE: usize = 512;

    /// What is sealed is filled up to a multiple of this, so that its length says next to nothing of the place.
    const STEP: usize = 48;

    /// Of a login that begins now.
    pub(super) fn of(wanted: &Wanted, now: UnixTime) -> Self {
        let short = |place: &ReturnTo| {
            Some(place.clone()).filter(|place| place.as_str().len() <= Self::MAX_PLACE)
        };
        let demand = &wanted.demand;
        Self {
            created: now,
            anew: wanted.anew,
            step_up: match demand.acr_values.is_empty() && demand.max_age.is_none() {
                true => StepUp::No,
                false => StepUp::Yes,
            },
            return_to: short(&wanted.return_to),
            otherwise: match &wanted.manner {
                Manner::Silent { otherwise } => {
                    Some(short(otherwise).unwrap_or_else(ReturnTo::root))
                }
                Manner::Asking(_) => None,
            },
        }
    }

    /// The state that begins with this randomness and says so. Sealed under the randomness, it says nothing in another state.
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub(super) fn seal(
        &self,
        keys: &CookieKeys,
        random: &[u8; 32],
        sealed_with: SealNonce,
    ) -> Result<State, CheckFailed> {
        let places = [&self.return_to, &self.otherwise]
            .map(|place| place.as_ref().map_or("", ReturnTo::as_str));
        let room = 32 + places.iter().map(|place| place.len()).sum::<usize>();
        let mut draft = Draft::with_capacity(room.next_multiple_of(Self::STEP));
        draft.write(|plain| {
            put_time(plain, self.created);
            plain.push(self.flags());
            places.iter().for_each(|place| put(plain, place.as_bytes()));
        });
        draft.pad(Self::STEP);
        let random_chars = URL_SAFE_NO_PAD.encoded_length(random.len());
        let mut state = String::with_capacity(random_chars + 1 + draft.sealed_chars());
        URL_SAFE_NO_PAD.encode_append(random, &mut state);
        draft
            .seal(keys, Purpose::State, state.as_bytes(), sealed_with)
            .map(|envelope| {
                state.push(DOT);
                envelope.append_to(&mut state);
                State::new(state)
            })
            .map_err(|_| CheckFailed::new(Check::Randomness, "the state could not be sealed"))
    }

    fn flags(&self) -> u8 {
        let step_up = match self.step_up {
            StepUp::Yes => STEPS_UP,
            StepUp::No => 0,
        };
        let silent = match self.otherwise {
            Some(_) => SILENT,
            None => 0,
        };
        self.anew.0 & ANEW | step_up | silent
    }

    /// What a state says, if it is one that was begun with one of these keys.
    ///
    /// ```
    /// use oidc_gate_core::{login::Lead, secret::State, session::CookieKeys};
    /// assert!(Lead::open(&CookieKeys::ephemeral(), &State::new("made-up.anything")).is_none());
    /// ```
    pub fn open(keys: &CookieKeys, state: &State) -> Option<Self> {
        let (random, sealed) = state.expose().split_once(DOT)?;
        let plain = open(keys, Purpose::State, random, sealed.as_bytes())?.plain;
        let mut reader = Reader(&plain);
        let created = reader.time()?;
        let [flags] = reader.array()?;
        let place = |text: &str| match text {
            "" => Some(None),
            place => ReturnTo::unseal(place).map(Some),
        };
        let (return_to, otherwise) = (place(reader.text()?)?, place(reader.text()?)?);
        Some(Self {
            created,
            anew: Anew(flags & ANEW),
            step_up: match flags & STEPS_UP {
                0 => StepUp::No,
                _ => StepUp::Yes,
            },
            return_to,
            otherwise: otherwise.filter(|_| flags & SILENT != 0),
        })
    }

    /// When the login began.
    pub fn created(&self) -> UnixTime {
        self.created
    }

    /// Where it led. `None` for a place that is too long for a state.
    pub fn return_to(&self) -> Option<&ReturnTo> {
        self.return_to.as_ref()
    }

    /// Where the user was to go if something had to be asked: of a login that asks nothing.
    pub fn otherwise(&self) -> Option<&ReturnTo> {
        self.otherwise.as_ref()
    }

    /// Whether a session that began then is what the login was for, or better: one that began after it, or any where nothing
    /// beyond a login was demanded. The page would ask for what an older one lacks, and that again and again.
    pub fn is_met_by(&self, began: UnixTime) -> bool {
        self.step_up == StepUp::No || began >= self.created
    }

    /// The login once more, if it may begin by itself: not for the third time in a row, unless so much time has passed since
    /// that a person must have brought it.
    pub fn anew(&self, now: UnixTime) -> Option<Anew> {
        if now.since(self.created) >= Transaction::MAX_AGE {
            return Anew::default().next();
        }
        self.anew.next()
    }
}

impl fmt::Debug for Lead {
    // Where a user wanted to go is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead")
            .field("created", &self.created)
            .field("anew", &self.anew)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{login::Demand, session::seal};
    use proptest::prelude::*;
    use std::time::Duration;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const RANDOM: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn wanted(place: &str) -> Wanted {
        Wanted::to(ReturnTo::parse(place).unwrap())
    }

    fn sealed(wanted: &Wanted, keys: &CookieKeys) -> State {
        let (random, nonce) = (
            std::array::from_fn(|at| at as u8),
            SealNonce::draw().unwrap(),
        );
        let state = Lead::of(wanted, NOW).seal(keys, &random, nonce).unwrap();
        assert!(state.expose().starts_with(&format!("{RANDOM}.")));
        state
    }

    #[test]
    fn a_state_says_what_its_login_was_for() {
        let keys = CookieKeys::ephemeral();
        let mut silent = wanted("/me?tab=2#top");
        silent.manner = Manner::Silent {
            otherwise: ReturnTo::parse("/welcome").unwrap(),
        };
        silent.anew = Anew(1);
        let lead = Lead::open(&keys, &sealed(&silent, &keys)).unwrap();
        assert_eq!(lead.created(), NOW);
        assert_eq!(lead.return_to(), ReturnTo::parse("/me?tab=2#top").as_ref());
        assert_eq!(lead.otherwise(), ReturnTo::parse("/welcome").as_ref());
        assert_eq!(lead.anew, Anew(1));
        let lead = Lead::open(&keys, &sealed(&wanted("/me"), &keys)).unwrap();
        assert_eq!((lead.otherwise(), lead.anew), (None, Anew(0)));
    }

    #[test]
    fn it_says_so_to_nobody_else_and_in_no_other_state() {
        let keys = CookieKeys::ephemeral();
        let state = sealed(&wanted("/a-secret-place"), &keys);
        let text = state.expose();
        assert!(
            !text.contains("secret")
                && !format!("{:?}", Lead::of(&wanted("/a"), NOW)).contains("/a")
        );
        assert!(Lead::open(&CookieKeys::ephemeral(), &state).is_none());
        let moved = format!("B{}", &text[1..]);
        assert!(Lead::open(&keys, &State::new(moved)).is_none());
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = State::new(String::from_utf8(changed).unwrap());
            assert!(Lead::open(&keys, &changed).is_none(), "{at}");
            assert!(
                Lead::open(&keys, &State::new(&text[..at])).is_none(),
                "{at}"
            );
        }
        // What is sealed for anything else is none.
        let other = seal(&keys, Purpose::Transaction, RANDOM, &[0; 48]).unwrap();
        let other = State::new(format!("{RANDOM}.{other}"));
        assert!(Lead::open(&keys, &other).is_none());
    }

    #[test]
    fn its_length_says_next_to_nothing_and_a_long_place_is_left_out() {
        let keys = CookieKeys::ephemeral();
        let len = |place: &str| sealed(&wanted(place), &keys).expose().len();
        assert_eq!(len("/"), len("/a-page-with-a-name?x=1"));
        assert!(len("/me") < 160, "{}", len("/me"));
        let long = |len: usize| format!("/{}", "a".repeat(len - 1));
        let said = |len| {
            let state = sealed(&wanted(&long(len)), &keys);
            assert!(state.expose().len() < 900);
            Lead::open(&keys, &state).unwrap().return_to().is_some()
        };
        assert!(said(Lead::MAX_PLACE) && !said(Lead::MAX_PLACE + 1));
    }

    #[test]
    fn a_login_begins_by_itself_twice_in_a_row_and_again_when_time_has_passed() {
        let lead = |anew| Lead {
            anew: Anew(anew),
            ..Lead::of(&wanted("/"), NOW)
        };
        for (before, secs, then) in [
            (0, 0, Some(1)),
            (1, 899, Some(2)),
            (2, 0, None),
            (2, 899, None),
            (3, 0, None),
            (2, 900, Some(1)),
            (0, 100_000, Some(1)),
        ] {
            let now = NOW + Duration::from_secs(secs);
            assert_eq!(lead(before).anew(now), then.map(Anew), "{before} {secs}");
        }
    }

    #[test]
    fn a_session_that_is_older_than_a_demand_does_not_meet_it() {
        let before = UnixTime::from_secs(NOW.as_secs() - 1);
        for (demand, met) in [
            (Demand::default(), true),
            (
                Demand {
                    acr_values: vec!["phr".into()],
                    max_age: None,
                },
                false,
            ),
            (
                Demand {
                    acr_values: vec![],
                    max_age: Some(Duration::ZERO),
                },
                false,
            ),
        ] {
            let keys = CookieKeys::ephemeral();
            let state = sealed(&wanted("/").demand(demand), &keys);
            let lead = Lead::open(&keys, &state).unwrap();
            assert_eq!(lead.is_met_by(before), met);
            assert!(lead.is_met_by(NOW));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[A-Za-z0-9_.-]{0,200}") {
            prop_assert!(Lead::open(&CookieKeys::ephemeral(), &State::new(text)).is_none());
        }
    }
}
