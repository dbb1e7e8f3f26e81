use super::super::change::{Change, Changed};
use super::*;
use crate::logout::{LoggedOut, LogoutOf};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const OURS: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";
const OTHERS: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const ISSUER: &str = "https://id.example";
const HOUR: Duration = Duration::from_secs(3600);

fn keys(text: &str) -> CookieKeys {
    CookieKeys::parse(text).unwrap()
}

fn session(first: u8, subject: &str) -> Listed {
    Listed {
        key: StoreKey::from_bytes([first; 32]),
        created: NOW,
        ends: NOW + HOUR,
        user: User::of(ISSUER, subject),
        name: Name::Sid,
    }
}

/// A list, and what is done to it one after the other.
#[derive(Default)]
struct Kept(Option<Vec<u8>>);

impl Kept {
    fn change<C: Change>(&mut self, change: Update<C>, now: UnixTime) -> Result<C::Output, Check> {
        let (_, mut change) = change.into_parts();
        match change.apply(self.0.as_deref(), now) {
            Err(failed) => Err(failed.check()),
            Ok(Applied::Nothing(output)) => Ok(output),
            Ok(Applied::Write { bytes, then, .. }) => {
                self.0 = Some(bytes);
                Ok(then)
            }
        }
    }

    fn enlist(&mut self, session: Listed, begun: UnixTime, apart: Duration) -> Enlisted {
        let scope = Scope::AtProvider(ISSUER, "s1");
        let enlist = Enlist::of(&keys(OURS), scope, session, Some(begun), apart);
        self.change(enlist, NOW).unwrap()
    }

    fn log_out(&mut self, who: LoggedOut, marks: Marks, now: UnixTime) -> Vec<Listed> {
        let logout = LogoutOf::new(ISSUER, who);
        let logout = LogOut::of(&keys(OURS), &logout, marks);
        self.change(logout, now).unwrap()
    }

    fn list(&mut self) -> Vec<Listed> {
        let read = ReadList::of(&keys(OURS), Scope::AtProvider(ISSUER, "s1"));
        self.change(read, NOW).unwrap()
    }
}

use super::super::change::Update;

const LISTED: Enlisted = Enlisted::Listed { crowded_out: None };

fn by_sid() -> LoggedOut {
    LoggedOut::AtProvider("s1".into())
}

fn both(subject: &str) -> LoggedOut {
    LoggedOut::Both {
        subject: subject.into(),
        sid: "s1".into(),
    }
}

#[test]
fn a_login_that_began_before_a_logout_becomes_no_session() {
    let mut kept = Kept::default();
    assert_eq!(kept.log_out(by_sid(), Marks::Always, NOW), []);
    let second = Duration::from_secs(1);
    for (begun, apart, expected) in [
        (NOW - second, Duration::ZERO, Enlisted::SignedOut),
        // There is no telling which came first.
        (NOW, Duration::ZERO, Enlisted::SignedOut),
        (NOW + second, second, Enlisted::SignedOut),
        (NOW + second, Duration::ZERO, LISTED),
    ] {
        let enlisted = kept.enlist(session(1, "alice"), begun, apart);
        assert_eq!(enlisted, expected, "{begun:?} {apart:?}");
    }
    assert_eq!(kept.list(), [session(1, "alice")]);
}

#[test]
fn a_session_that_was_listed_before_a_logout_is_told_to_it() {
    let mut kept = Kept::default();
    assert_eq!(
        kept.enlist(session(1, "alice"), NOW, Duration::ZERO),
        LISTED
    );
    for _ in 0..2 {
        let over = kept.log_out(by_sid(), Marks::Always, NOW);
        assert_eq!(over, [session(1, "alice")]);
    }
}

#[test]
fn a_logout_finds_what_a_clock_that_is_behind_takes_for_alive() {
    let mut kept = Kept::default();
    let one = session(1, "alice");
    kept.enlist(one, NOW, Duration::ZERO);
    let second = Duration::from_secs(1);
    let last = one.ends + CLOCKS - second;
    let read = || ReadList::of(&keys(OURS), Scope::AtProvider(ISSUER, "s1"));
    assert_eq!(kept.change(read(), one.ends - second), Ok(vec![one]));
    assert_eq!(kept.change(read(), one.ends), Ok(vec![]));
    assert_eq!(kept.log_out(by_sid(), Marks::Always, last), [one]);
    assert_eq!(kept.log_out(by_sid(), Marks::Always, last + second), []);
}

#[test]
fn a_logout_of_a_user_and_a_session_leaves_others_of_that_session_alone() {
    let mut kept = Kept::default();
    kept.enlist(session(1, "alice"), NOW, Duration::ZERO);
    kept.enlist(session(2, "bob"), NOW, Duration::ZERO);
    let over = kept.log_out(both("alice"), Marks::Always, NOW);
    assert_eq!(over, [session(1, "alice")]);
    let late = |kept: &mut Kept, who| kept.enlist(session(3, who), NOW, Duration::ZERO);
    assert_eq!(late(&mut kept, "alice"), Enlisted::SignedOut);
    assert_eq!(late(&mut kept, "bob"), LISTED);
    // Everybody's is not narrowed down again.
    kept.log_out(by_sid(), Marks::Always, NOW);
    kept.log_out(both("alice"), Marks::Always, NOW);
    assert_eq!(late(&mut kept, "carol"), Enlisted::SignedOut);
}

#[test]
fn sessions_without_a_name_at_the_provider_end_with_a_logout_that_says_one() {
    let logout = LogoutOf::new(ISSUER, both("alice"));
    let scope = Scope::User(ISSUER, "alice");
    let nameless = Listed {
        name: Name::None,
        ..session(2, "alice")
    };
    let enlist = |session| Enlist::of(&keys(OURS), scope, session, Some(NOW), Duration::ZERO);
    let mut kept = Kept::default();
    for session in [session(1, "alice"), nameless] {
        assert_eq!(kept.change(enlist(session), NOW), Ok(LISTED));
    }
    let rest = LogOut::nameless(&keys(OURS), &logout, Marks::Always).unwrap();
    assert_eq!(kept.change(rest, NOW), Ok(vec![nameless]));
    let late = Listed {
        key: StoreKey::from_bytes([3; 32]),
        ..nameless
    };
    assert_eq!(kept.change(enlist(late), NOW), Ok(Enlisted::SignedOut));
    assert_eq!(kept.change(enlist(session(4, "alice")), NOW), Ok(LISTED));
    for who in [by_sid(), LoggedOut::User("alice".into())] {
        let logout = LogoutOf::new(ISSUER, who);
        assert!(LogOut::nameless(&keys(OURS), &logout, Marks::Always).is_none());
    }
}

#[test]
fn what_has_ended_is_taken_off_and_the_mark_stays() {
    let mut kept = Kept::default();
    kept.enlist(session(1, "alice"), NOW, Duration::ZERO);
    kept.enlist(session(2, "bob"), NOW, Duration::ZERO);
    kept.log_out(both("alice"), Marks::IfListed, NOW);
    let scope = Scope::AtProvider(ISSUER, "s1");
    let delist = || Delist::of(&keys(OURS), scope, vec![session(1, "alice").key]);
    assert_eq!(kept.change(delist(), NOW), Ok(Changed::Yes));
    assert_eq!(kept.change(delist(), NOW), Ok(Changed::No));
    assert_eq!(kept.list(), [session(2, "bob")]);
    // Asked again, there is nothing to do and nothing to write.
    let before = kept.0.clone();
    assert_eq!(kept.log_out(both("alice"), Marks::IfListed, NOW), []);
    assert_eq!(kept.0, before);
    let late = kept.enlist(session(3, "alice"), NOW, Duration::ZERO);
    assert_eq!(late, Enlisted::SignedOut);
}

#[test]
fn a_list_is_sealed_anew_with_the_sessions_in_it() {
    let scope = Scope::AtProvider(ISSUER, "s1");
    let both_keys = keys(OURS).with_added(&keys(OTHERS)).unwrap();
    let new = both_keys
        .promoted(keys(OTHERS).ids().next().unwrap())
        .unwrap();
    let mut kept = Kept::default();
    kept.enlist(session(1, "alice"), NOW, Duration::ZERO);
    let again = |keys: &CookieKeys| Enlist::of(keys, scope, session(1, "alice"), None, HOUR);
    let before = kept.0.clone();
    assert_eq!(kept.change(again(&both_keys), NOW), Ok(LISTED));
    assert_eq!(kept.0, before);
    assert_eq!(kept.change(again(&new), NOW), Ok(LISTED));
    let read = ReadList::of(&keys(OTHERS), scope);
    assert_eq!(kept.change(read, NOW), Ok(vec![session(1, "alice")]));
}

#[test]
fn a_mark_counts_as_long_as_a_login_may_take_and_no_clock_turns_it_back() {
    let mut kept = Kept::default();
    kept.log_out(by_sid(), Marks::Always, NOW);
    kept.log_out(by_sid(), Marks::Always, NOW - HOUR);
    let enlist = |begun| {
        let scope = Scope::AtProvider(ISSUER, "s1");
        Enlist::of(
            &keys(OURS),
            scope,
            session(1, "alice"),
            Some(begun),
            Duration::ZERO,
        )
    };
    let late = NOW + MARKED - Duration::from_secs(1);
    assert_eq!(kept.change(enlist(NOW), late), Ok(Enlisted::SignedOut));
    assert_eq!(kept.change(enlist(NOW), NOW + MARKED), Ok(LISTED));
}

#[test]
fn a_logout_that_proves_nothing_leaves_nothing_where_nothing_is() {
    let mut kept = Kept::default();
    assert_eq!(kept.log_out(by_sid(), Marks::IfListed, NOW), []);
    assert_eq!(kept.0, None);
    kept.enlist(session(1, "alice"), NOW, Duration::ZERO);
    let over = kept.log_out(by_sid(), Marks::IfListed, NOW);
    assert_eq!(over, [session(1, "alice")]);
    assert_eq!(
        kept.enlist(session(2, "alice"), NOW, Duration::ZERO),
        Enlisted::SignedOut
    );
}

#[test]
fn after_the_keys_were_lost_a_list_begins_anew_and_is_never_taken_for_empty() {
    let scope = Scope::AtProvider(ISSUER, "s1");
    let mut kept = Kept::default();
    let others = Enlist::of(&keys(OTHERS), scope, session(1, "alice"), None, HOUR);
    kept.change(others, NOW).unwrap();
    let read = ReadList::of(&keys(OURS), scope);
    assert_eq!(kept.change(read, NOW), Err(Check::SessionUnreadable));
    let logout = LogoutOf::new(ISSUER, by_sid());
    let logout = LogOut::of(&keys(OURS), &logout, Marks::Always);
    assert_eq!(kept.change(logout, NOW), Err(Check::SessionUnreadable));
    kept.enlist(session(2, "alice"), NOW, Duration::ZERO);
    kept.enlist(session(3, "alice"), NOW, Duration::ZERO);
    assert_eq!(kept.list(), [session(2, "alice"), session(3, "alice")]);
}

#[test]
fn what_a_full_list_has_no_room_for_is_told_so_that_it_can_be_ended() {
    let mut kept = Kept::default();
    for number in 0..=Listed::MAX {
        let mut next = session(0, "alice");
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        next.key = StoreKey::from_bytes(key);
        // The first ends first.
        next.ends = next.ends + Duration::from_secs(number as u64);
        let Enlisted::Listed { crowded_out } = kept.enlist(next, NOW, Duration::ZERO) else {
            panic!("nobody was signed out");
        };
        assert_eq!(crowded_out.is_some(), number == Listed::MAX, "{number}");
    }
}
