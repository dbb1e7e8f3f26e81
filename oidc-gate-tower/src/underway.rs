//! What a browser keeps of logins, and the session that one of them could take the place of.

use crate::{
    core::{
        login::{ResponseMode, SameUser},
        session::{Carried, CookieNames, Landings, Other, Predecessor, Session},
    },
    recognise::Recognised,
    sessions::Sessions,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};

/// What a browser keeps of logins, and the session that one of them could take the place of.
#[derive(Default)]
pub(crate) struct Underway {
    /// Those that have begun, oldest first.
    logins: Vec<Pending>,
    /// When some ended well, sealed.
    landed: Vec<Box<[u8]>>,
    /// The session that is there and will not be when a login comes back.
    pub(crate) session: Option<Predecessor>,
    /// Who is signed in, where something more may be demanded of them.
    pub(crate) user: Option<SameUser>,
}

/// The cookies of a request, for the case that its handler wants a login to begin: seldom one does, and until then nobody reads
/// them. One line of them, which is what most browsers send, takes no memory of its own.
pub(crate) struct SetAside {
    first: Option<HeaderValue>,
    more: Vec<HeaderValue>,
    session: Option<Predecessor>,
}

/// A login that has begun: its cookie's name, and how much of a header it takes.
struct Pending {
    name: String,
    bytes: usize,
}

/// How many logins can be under way in one browser. Each is a cookie of half a kilobyte.
const MAX_LOGINS: usize = 5;

/// How much of a header they may take together. Another site can make a browser begin logins with addresses as long as are
/// kept; what servers refuse as too large would lock the user out until they have expired.
const MAX_BYTES: usize = 4096;

/// How many of these cookies are looked at. An honest browser has a handful; whoever sends thousands gets no more work out
/// of it.
const MAX_SEEN: usize = 20;

impl Underway {
    /// The cookies of all of it, for a browser whose user has signed out.
    pub(crate) fn cookies<'a>(&'a self, names: &'a CookieNames) -> impl Iterator<Item = &'a str> {
        let landed = (!self.landed.is_empty()).then(|| names.landed());
        self.logins.iter().map(|login| &*login.name).chain(landed)
    }

    /// The same in a browser whose user has this session, if any.
    pub(crate) fn of(self, session: Option<&Session>) -> Self {
        Self {
            user: session.map(|session| SameUser::of(session.identity())),
            ..self
        }
    }

    /// Those that make room for a new one of so many bytes: the oldest, because browsers send older cookies first
    /// ([RFC 6265 § 5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4)).
    pub(crate) fn crowd(&self, new: usize) -> impl Iterator<Item = &str> {
        let mut bytes = new;
        let kept = self.logins.iter().rev().take(MAX_LOGINS - 1);
        let kept = kept.take_while(|login| {
            bytes += login.bytes;
            bytes <= MAX_BYTES
        });
        let crowd = self.logins.len().saturating_sub(kept.count());
        self.logins.iter().take(crowd).map(|login| &*login.name)
    }
}

impl Sessions {
    /// What is set aside of a request that carries these cookies, in case that its handler wants a login to begin: nothing of
    /// most.
    pub(crate) fn set_aside(
        &self,
        headers: &HeaderMap,
        carried: Carried,
        present: &Recognised,
    ) -> Option<Box<SetAside>> {
        let session = self.replaceable(present.session());
        if !carried.has_logins() && session.is_none() {
            return None;
        }
        let mut lines = headers.get_all(COOKIE).into_iter();
        Some(Box::new(SetAside {
            first: lines.next().cloned(),
            more: lines.cloned().collect(),
            session,
        }))
    }

    /// What the browser keeps of logins, from what was set aside.
    pub(crate) fn underway_beside(&self, aside: Option<Box<SetAside>>) -> Underway {
        let Some(aside) = aside else {
            return Underway::default();
        };
        let lines = aside.first.into_iter().chain(aside.more);
        let headers = lines.map(|line| (COOKIE, line)).collect();
        self.underway_in(&headers, aside.session)
    }

    /// The session that is there and will not be when a login comes back.
    fn replaceable(&self, session: Option<&Session>) -> Option<Predecessor> {
        let session = session.filter(|_| self.sessions_stay_behind())?;
        Some(Predecessor::of(session, &self.keeping.limits))
    }

    /// What the browser keeps of logins.
    pub(crate) fn underway(&self, headers: &HeaderMap, present: &Recognised) -> Underway {
        self.underway_in(headers, self.replaceable(present.session()))
    }

    fn underway_in(&self, headers: &HeaderMap, session: Option<Predecessor>) -> Underway {
        let mut underway = Underway {
            session,
            ..Underway::default()
        };
        for other in self.names.others(headers).take(MAX_SEEN) {
            match other {
                Other::Login { name, .. } if underway.logins.iter().any(|l| l.name == name) => {}
                Other::Login { name, bytes } => underway.logins.push(Pending {
                    name: name.to_owned(),
                    bytes,
                }),
                Other::Landed(value) => underway.landed.push(value.into()),
            }
        }
        underway
    }

    /// Whether a browser keeps its session back when the provider sends it here: where it is kept from other sites, or from
    /// their forms.
    pub(crate) fn sessions_stay_behind(&self) -> bool {
        self.names.is_strict()
            || self.upstream.registration().response_mode == ResponseMode::FormPost
    }

    /// When logins ended well in the browser that keeps this.
    pub(crate) fn landings(&self, underway: &Underway) -> Landings {
        if underway.landed.is_empty() {
            return Landings::default();
        }
        let values = underway.landed.iter().map(|value| &**value);
        Landings::open(values, &self.keys.now(), &self.names, self.now())
    }
}
