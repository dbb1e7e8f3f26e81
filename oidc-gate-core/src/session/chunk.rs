//! A session that is too large for one cookie travels in several.
//!
//! The first has the session's own name and says how many there are; the others add their number to the name. They are
//! one sealed value cut in pieces, so they are authenticated as a set: one that is missing, changed, swapped or of another
//! session makes the whole unreadable.

use super::{CookieNames, GateCookies, SetCookie};
use crate::check::{Check, CheckFailed};
use http::HeaderMap;
use std::{borrow::Cow, time::Duration};

/// The most pieces. Two are about what a proxy with the usual limit of 8 KB for a header line lets through, with room for
/// the application's own cookies.
const MAX_CHUNKS: usize = 2;

/// How many cookies of one name are tried. One is ours; whoever plants more only keeps us from looking further.
const MAX_CANDIDATES: usize = 4;

/// What stands before the first piece: the number of pieces and a dot, which no sealed value contains.
const MARK: &str = "2.";

impl CookieNames {
    /// The cookies that write a sealed session down, kept for `max_age`, and the removal of pieces of a larger one before.
    /// `present` are the headers of the request that is answered.
    ///
    /// # Errors
    ///
    /// [`Check::SessionTooLarge`] if it takes more cookies than a request can be trusted to carry.
    pub fn set_session(
        &self,
        sealed: &str,
        max_age: Duration,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        self.set_pieces(Part::Session, sealed, 0, max_age, present)
    }

    /// The cookies that write the sealed tokens of a session down, as [`set_session`](Self::set_session) does, beside those
    /// of the session itself: together they take no more of a request than a session alone may.
    ///
    /// # Errors
    ///
    /// [`Check::SessionTooLarge`] if both together take more than a request can be trusted to carry.
    pub fn set_tokens(
        &self,
        sealed: &str,
        beside: &[SetCookie],
        max_age: Duration,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let kept = beside.iter().filter(|cookie| !cookie.is_removal());
        let taken = kept.map(SetCookie::pair_bytes).sum();
        self.set_pieces(Part::Tokens, sealed, taken, max_age, present)
    }

    fn set_pieces(
        &self,
        part: Part,
        sealed: &str,
        taken: usize,
        max_age: Duration,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let name = self.piece(part, 0);
        let beside = self.piece(part, 1).len() + "=".len() + MARK.len();
        let room = self.room().saturating_sub(beside).max(1);
        let limit = (room * MAX_CHUNKS).saturating_sub(taken);
        if sealed.len() > limit {
            let (what, bytes) = (part.what(), sealed.len());
            let cause = format!(
                "{what} {bytes} bytes, and {limit} fit into the cookies there are for them"
            );
            return Err(CheckFailed::new(Check::SessionTooLarge, cause));
        }
        let mut pieces: Vec<&str> = Vec::new();
        let mut rest = sealed;
        while !rest.is_empty() {
            // Sealed values are ASCII, so every byte is a boundary.
            let (piece, more) = rest.split_at_checked(room).unwrap_or((rest, ""));
            pieces.push(piece);
            rest = more;
        }
        let [first, others @ ..] = pieces.as_slice() else {
            return Ok(self.stale(part, 0, present).collect());
        };
        let mark = if others.is_empty() { "" } else { MARK };
        let mut cookies = vec![self.set(&name, &format!("{mark}{first}"), max_age)];
        for (number, piece) in (1..).zip(others) {
            cookies.push(self.set(&self.piece(part, number), piece, max_age));
        }
        cookies.extend(self.stale(part, pieces.len(), present));
        Ok(cookies)
    }

    /// The removal of a session, in however many pieces it is there, and of its tokens.
    pub fn clear_session(&self, present: &HeaderMap) -> Vec<SetCookie> {
        std::iter::once(self.clear(self.session()))
            .chain(self.stale(Part::Session, 1, present))
            .chain(self.stale(Part::Tokens, 0, present))
            .collect()
    }

    /// The removal of a session and its tokens in however many pieces they could be there: for whoever does not know any more
    /// what the request has carried.
    pub fn clear_every_piece(&self) -> Vec<SetCookie> {
        [Part::Session, Part::Tokens]
            .into_iter()
            .flat_map(|part| (0..MAX_CHUNKS).map(move |number| (part, number)))
            .map(|(part, number)| self.clear(&self.piece(part, number)))
            .collect()
    }

    /// Every sealed session that a request carries. There can be several: another host of the same domain may have set
    /// cookies of the same names, and a request does not say which is which. The one that opens is ours.
    pub fn sessions<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.sessions_in(self.read(headers), headers)
    }

    /// The same of a request whose cookies have been [read](Self::read).
    pub fn sessions_in<'a>(
        &'a self,
        found: GateCookies<'a>,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let (first, more) = found.first_session();
        let name = self.session();
        let rest = more.then(|| self.find(headers, name).skip(1));
        let all = first.into_iter().chain(rest.into_iter().flatten());
        self.pieced(Part::Session, headers, all)
    }

    /// The session of a request whose cookies have been [read](Self::read), if there is one only and it is not cut: nearly
    /// always.
    pub fn whole_session<'a>(&self, found: GateCookies<'a>) -> Option<&'a [u8]> {
        match found.first_session() {
            (Some(sealed), false) if !sealed.starts_with(MARK.as_bytes()) => Some(sealed),
            _ => None,
        }
    }

    /// The same of sealed tokens.
    pub fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let firsts = self.find(headers, self.tokens_name());
        self.pieced(Part::Tokens, headers, firsts)
    }

    /// What stands in these, each with the pieces that it may have.
    fn pieced<'a>(
        &'a self,
        part: Part,
        headers: &'a HeaderMap,
        firsts: impl Iterator<Item = &'a [u8]>,
    ) -> impl Iterator<Item = Cow<'a, [u8]>> {
        firsts.take(MAX_CANDIDATES).flat_map(move |first| {
            let (whole, cut) = match first.strip_prefix(MARK.as_bytes()) {
                None => (Some(Cow::Borrowed(first)), None),
                Some(first) => (None, Some(first)),
            };
            let seconds = cut.into_iter().flat_map(move |first| {
                self.all(headers, self.piece(part, 1))
                    .into_iter()
                    .take(MAX_CANDIDATES)
                    .map(move |second| Cow::Owned([first, second].concat()))
            });
            whole.into_iter().chain(seconds)
        })
    }

    fn all<'a>(&self, headers: &'a HeaderMap, name: String) -> Vec<&'a [u8]> {
        self.find(headers, &name).collect()
    }

    /// The removal of the pieces from `from` on that the browser has.
    fn stale(
        &self,
        part: Part,
        from: usize,
        present: &HeaderMap,
    ) -> impl Iterator<Item = SetCookie> {
        (from..MAX_CHUNKS)
            .map(move |number| self.piece(part, number))
            .filter(|name| self.find(present, name).next().is_some())
            .map(|name| self.clear(&name))
    }

    fn piece(&self, part: Part, number: usize) -> String {
        let session = self.session();
        match (part, number) {
            (Part::Session, 0) => session.to_owned(),
            (Part::Session, number) => format!("{session}-{number}"),
            (Part::Tokens, 0) => self.tokens_name().to_owned(),
            (Part::Tokens, number) => format!("{session}-t-{number}"),
        }
    }

    #[cfg(test)]
    pub(super) fn chunk(&self, number: usize) -> String {
        self.piece(Part::Session, number)
    }
}

/// What is cut in pieces.
#[derive(Clone, Copy)]
enum Part {
    Session,
    Tokens,
}

impl Part {
    fn what(self) -> &'static str {
        match self {
            Self::Session => "the sealed session has",
            Self::Tokens => "its sealed tokens have",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CookieKeys, Lifetimes, Session, StoreKey};
    use super::*;
    use crate::{identity::Identity, time::UnixTime, url::BaseUrl};
    use http::{HeaderValue, header::COOKIE};
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(86400);

    fn names() -> CookieNames {
        CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap())
    }

    fn request(pairs: &[String]) -> HeaderMap {
        let line = HeaderValue::from_str(&pairs.join("; ")).unwrap();
        std::iter::once((COOKIE, line)).collect()
    }

    fn set(sealed: &str, present: &HeaderMap) -> Vec<SetCookie> {
        names().set_session(sealed, DAY, present).unwrap()
    }

    #[test]
    fn what_fits_into_one_cookie_is_one_cookie() {
        let cookies = set(&"a".repeat(3900), &HeaderMap::new());
        assert_eq!(cookies.len(), 1);
        assert_eq!(cookies[0].pair_bytes(), cookies[0].pair().len());
        assert!(cookies[0].pair_bytes() <= CookieNames::MAX_PAIR_BYTES);
        let headers = request(&[cookies[0].pair()]);
        assert_eq!(
            names().sessions(&headers).collect::<Vec<_>>(),
            ["a".repeat(3900).as_bytes()]
        );
    }

    #[test]
    fn what_is_larger_travels_in_two_and_what_is_larger_still_is_refused() {
        let sealed: String = ('a'..='z').cycle().take(7000).collect();
        let cookies = set(&sealed, &HeaderMap::new());
        assert_eq!(cookies.len(), 2);
        assert!(
            cookies
                .iter()
                .all(|c| c.pair().len() <= CookieNames::MAX_PAIR_BYTES && !c.is_removal())
        );
        // In whatever order the browser sends them.
        let headers = request(&[cookies[1].pair(), "x=1".into(), cookies[0].pair()]);
        assert_eq!(
            names().sessions(&headers).collect::<Vec<_>>(),
            [sealed.as_bytes()]
        );
        let error = names()
            .set_session(&"a".repeat(8000), DAY, &HeaderMap::new())
            .unwrap_err();
        assert_eq!(error.check(), Check::SessionTooLarge);
    }

    #[test]
    fn a_piece_alone_is_no_session() {
        let cookies = set(&"a".repeat(7000), &HeaderMap::new());
        for alone in &cookies {
            assert_eq!(
                names().sessions(&request(&[alone.pair()])).count(),
                0,
                "{alone:?}"
            );
        }
    }

    #[test]
    fn pieces_that_are_left_over_are_removed() {
        let large = set(&"a".repeat(7000), &HeaderMap::new());
        let present = request(&[large[0].pair(), large[1].pair()]);
        let small = set("b", &present);
        assert_eq!(
            (small.len(), small[0].is_removal(), small[1].is_removal()),
            (2, false, true)
        );
        assert_eq!(small[1].name(), large[1].name());
        let cleared = names().clear_session(&present);
        assert_eq!(cleared.len(), 2);
        assert!(cleared.iter().all(SetCookie::is_removal));
        assert_eq!(names().clear_session(&HeaderMap::new()).len(), 1);
    }

    #[test]
    fn planted_pieces_do_not_hide_ours() {
        let sealed: String = ('a'..='z').cycle().take(7000).collect();
        let cookies = set(&sealed, &HeaderMap::new());
        let planted = [
            format!("{}=2.x", cookies[0].name()),
            format!("{}=y", cookies[1].name()),
        ];
        let headers = request(&[
            planted[0].clone(),
            planted[1].clone(),
            cookies[0].pair(),
            cookies[1].pair(),
        ]);
        assert!(
            names()
                .sessions(&headers)
                .any(|found| *found == *sealed.as_bytes())
        );
    }

    /// A session of that generation, with claims that make it so large.
    fn session(user: &str, generation: u64, padding: usize) -> Session {
        let identity = Identity::builder("https://id.example", user)
            .claim("padding", "p".repeat(padding))
            .build();
        let id = StoreKey::from_bytes([user.len() as u8; 32]);
        let now = UnixTime::from_secs(1_700_000_000);
        let begun = Session::begin(id, identity, None, &Lifetimes::default(), now);
        (0..generation).fold(begun, |session, at| {
            session.touched(now + Duration::from_secs(at))
        })
    }

    #[derive(Clone, Debug)]
    struct Piece {
        of: usize,
        /// Whether it goes under the name of the first piece or the second, whichever it is.
        second_name: bool,
        second: bool,
    }

    fn piece() -> impl Strategy<Value = Piece> {
        (0usize..5, any::<bool>(), prop::bool::weighted(0.9)).prop_map(|(of, second, own)| Piece {
            of,
            second,
            second_name: second == own,
        })
    }

    proptest! {
        /// Pieces of several sessions of one browser, under the same names and the same key: in any order, left out, sent
        /// twice, put under each other's names.
        #[test]
        fn whatever_pieces_come_together_what_opens_is_a_session_that_was_sealed(
            pieces in prop::collection::vec(piece(), 0..10),
            foreign in prop::collection::vec("[A-Za-z0-9_.-]{0,40}", 0..3),
            foreign_first: bool,
        ) {
            let (keys, names) = (CookieKeys::ephemeral(), names());
            let sealed: Vec<String> = [
                session("alice", 0, 4500),
                session("alice", 1, 4500),
                session("alice", 2, 10),
                session("bob", 0, 4500),
                session("bob", 7, 3000),
            ]
            .iter()
            .map(|session| session.seal(&keys, &names).unwrap())
            .collect();
            let cookies: Vec<_> = sealed.iter().map(|sealed| set(sealed, &HeaderMap::new())).collect();
            prop_assert!(cookies.iter().any(|c| c.len() == 1) && cookies.iter().any(|c| c.len() == 2));
            let value = |cookie: &SetCookie| cookie.pair().split_once('=').unwrap().1.to_owned();
            let mut pairs: Vec<String> = pieces
                .iter()
                .filter_map(|piece| {
                    let value = value(cookies[piece.of].get(usize::from(piece.second))?);
                    let name = if piece.second_name { names.chunk(1) } else { names.session().to_owned() };
                    Some(format!("{name}={value}"))
                })
                .collect();
            for (at, foreign) in foreign.iter().enumerate() {
                let name = if at % 2 == 0 { names.session().to_owned() } else { names.chunk(1) };
                let at = if foreign_first { 0 } else { pairs.len() };
                pairs.insert(at, format!("{name}={foreign}"));
            }
            let headers = request(&pairs);
            let mut opened = 0;
            for found in names.sessions(&headers) {
                if Session::open(&keys, &names, &found).is_some() {
                    prop_assert!(sealed.iter().any(|sealed| sealed.as_bytes() == &*found));
                    opened += 1;
                }
            }
            // And what is complete and within the limit is found, whatever stands around it.
            let first = |of: usize| pieces.iter().any(|p| p.of == of && !p.second && !p.second_name);
            let second = |of: usize| pieces.iter().any(|p| p.of == of && p.second && p.second_name);
            let few = pairs.len() <= MAX_CANDIDATES;
            let complete = (0..5).any(|of| first(of) && (cookies[of].len() == 1 || second(of)));
            prop_assert!(opened > 0 || !(few && complete));
        }

        /// A session that shrinks and grows leaves no piece behind that would be taken for one of its own.
        #[test]
        fn a_browser_holds_the_last_of_the_sessions_it_was_given(
            paddings in prop::collection::vec(prop_oneof![Just(10usize), Just(4500)], 1..8),
        ) {
            let (keys, names) = (CookieKeys::ephemeral(), names());
            let mut jar = std::collections::BTreeMap::new();
            for (generation, padding) in (0..).zip(paddings) {
                let pairs: Vec<String> = jar.iter().map(|(n, v): (&String, &String)| format!("{n}={v}")).collect();
                let sealed = session("alice", generation, padding).seal(&keys, &names).unwrap();
                for cookie in set(&sealed, &request(&pairs)) {
                    let (name, value) = cookie.pair().split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
                    if cookie.is_removal() { jar.remove(&name); } else { jar.insert(name, value); }
                }
                let pairs: Vec<String> = jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
                let headers = request(&pairs);
                let found: Vec<_> = names.sessions(&headers).collect();
                prop_assert_eq!(found, vec![Cow::Borrowed(sealed.as_bytes())]);
                prop_assert_eq!(jar.len(), if padding > 1000 { 2 } else { 1 });
            }
        }

        #[test]
        fn every_length_comes_back(len in 1usize..7700) {
            let sealed: String = ('a'..='z').cycle().take(len).collect();
            let pairs: Vec<_> = set(&sealed, &HeaderMap::new()).iter().map(SetCookie::pair).collect();
            prop_assert!(pairs.iter().all(|pair| pair.len() <= CookieNames::MAX_PAIR_BYTES));
            let (names, headers) = (names(), request(&pairs));
            prop_assert_eq!(names.sessions(&headers).collect::<Vec<_>>(), vec![Cow::Borrowed(sealed.as_bytes())]);
        }
    }
}
