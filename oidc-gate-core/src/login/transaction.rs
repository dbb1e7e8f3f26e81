//! A login that has begun: what has to be known when the browser comes back.

use super::{Extent, ReturnTo, SameUser};
use crate::{
    check::{Check, CheckFailed},
    secret::{CodeVerifier, Nonce, State},
    session::{
        CookieKeys, CookieNames, Draft, Predecessor, Purpose, Reader, SealError, SealNonce,
        SetCookie, open, put, put_time, put_u64,
    },
    time::UnixTime,
    url::Issuer,
};
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use std::{fmt, time::Duration};

/// What a login waits for, sealed into a cookie of the browser that began it.
///
/// State, nonce and verifier are random and used for this login alone. Of the state it holds as much as it takes to know it
/// again.
#[derive(Debug)]
pub struct Transaction {
    pub(super) state: StateHash,
    pub(super) nonce: Nonce,
    pub(super) verifier: CodeVerifier,
    pub(super) issuer: Issuer,
    pub(super) promises_iss: bool,
    pub(super) return_to: ReturnTo,
    /// Where the user goes if nothing may be asked and something would have to be.
    pub(super) otherwise: Option<ReturnTo>,
    pub(super) demand: Demand,
    pub(super) extent: Extent,
    pub(super) same_user: Option<SameUser>,
    pub(super) predecessor: Option<Predecessor>,
    pub(super) created: UnixTime,
}

/// A state's SHA-256: states say where they lead, and a cookie has no room to say it twice.
#[derive(Clone, Copy)]
pub(super) struct StateHash([u8; 32]);

impl StateHash {
    pub(super) fn of(state: &State) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, state.expose().as_bytes()).as_ref());
        Self(hash)
    }

    /// Whether it is this state's, in constant time.
    pub(super) fn is_of(&self, state: &State) -> bool {
        verify_slices_are_equal(&self.0, &Self::of(state).0).is_ok()
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateHash(***)")
    }
}

/// What a sign-in must be to be good enough; nothing, for most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Authentication context classes of which one must be reached. Empty: any.
    pub acr_values: Vec<String>,
    /// How old the sign-in at the provider may be. Zero asks for a new one.
    pub max_age: Option<Duration>,
}

impl Transaction {
    /// How long a user may take to sign in.
    pub const MAX_AGE: Duration = Duration::from_secs(15 * 60);

    /// Where the user goes afterwards.
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// When the login began.
    pub fn created(&self) -> UnixTime {
        self.created
    }

    /// The name of the cookie that holds it.
    pub fn cookie_name(&self, names: &CookieNames) -> String {
        names.transaction_of(&self.state.0)
    }

    /// The login as a cookie value, to be kept under `name`.
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, name: &str) -> Result<String, CheckFailed> {
        SealNonce::draw()
            .and_then(|nonce| {
                self.draft()
                    .seal(keys, Purpose::Transaction, name.as_bytes(), nonce)
            })
            .map(|envelope| envelope.to_text())
            .map_err(|SealError| unsealed())
    }

    /// The cookie that keeps it in its browser. One that is too large is kept by none, and then nobody could be signed in; a
    /// login is worth more than the page it leads to, so there it leads to `home`.
    pub(super) fn into_cookie(
        mut self,
        keys: &CookieKeys,
        names: &CookieNames,
        sealed_with: SealNonce,
        home: impl FnOnce() -> ReturnTo,
    ) -> Result<SetCookie, CheckFailed> {
        let name = self.cookie_name(names);
        let pair_bytes = |draft: &Draft| name.len() + 1 + draft.sealed_chars();
        let mut draft = self.draft();
        if pair_bytes(&draft) > CookieNames::MAX_PAIR_BYTES {
            self.return_to = home();
            draft = self.draft();
        }
        let bytes = pair_bytes(&draft);
        if bytes > CookieNames::MAX_PAIR_BYTES {
            let cause = format!(
                "expected at most {} bytes, its cookie has {bytes} without the place it leads to",
                CookieNames::MAX_PAIR_BYTES,
            );
            return Err(CheckFailed::new(Check::LoginTooLarge, cause));
        }
        let envelope = draft
            .seal(keys, Purpose::Transaction, name.as_bytes(), sealed_with)
            .map_err(|SealError| unsealed())?;
        Ok(names.set_transaction(&name, &envelope, Self::MAX_AGE))
    }

    /// All of it, to be sealed.
    fn draft(&self) -> Draft {
        let places = self.return_to.as_str().len()
            + (self.otherwise.as_ref()).map_or(0, |place| place.as_str().len());
        let mut draft = Draft::with_capacity(384 + places);
        draft.write(|plain| self.encode(plain));
        draft
    }

    fn encode(&self, plain: &mut Vec<u8>) {
        put_time(plain, self.created);
        plain.push(self.promises_iss.into());
        put_u64(
            plain,
            self.demand.max_age.map_or(u64::MAX, |age| age.as_secs()),
        );
        plain.extend_from_slice(&self.state.0);
        for text in [
            self.nonce.expose(),
            self.verifier.expose(),
            self.issuer.as_str(),
            self.return_to.as_str(),
            self.otherwise.as_ref().map_or("", ReturnTo::as_str),
            // A space separates values of `acr_values` on the wire too, so none contains it.
            &self.demand.acr_values.join(" "),
        ] {
            put(plain, text.as_bytes());
        }
        self.extent.encode(plain);
        SameUser::encode(self.same_user.as_ref(), plain);
        if let Some(predecessor) = &self.predecessor {
            predecessor.encode(plain);
        }
    }

    /// The login that [`seal`](Self::seal) sealed under the same name, if it is one.
    pub fn open(keys: &CookieKeys, name: &str, sealed: &[u8]) -> Option<Self> {
        let plain = open(keys, Purpose::Transaction, name, sealed)?.plain;
        let mut reader = Reader(&plain);
        let created = reader.time()?;
        let [promises_iss] = reader.array()?;
        let max_age = Some(reader.u64()?)
            .filter(|age| *age != u64::MAX)
            .map(Duration::from_secs);
        Some(Self {
            created,
            promises_iss: promises_iss != 0,
            state: StateHash(reader.array()?),
            nonce: Nonce::new(reader.text()?),
            verifier: CodeVerifier::new(reader.text()?),
            issuer: Issuer::parse(reader.text()?).ok()?,
            return_to: ReturnTo::unseal(reader.text()?)?,
            otherwise: match reader.text()? {
                "" => None,
                place => Some(ReturnTo::unseal(place)?),
            },
            demand: Demand {
                acr_values: reader
                    .text()?
                    .split(' ')
                    .filter(|v| !v.is_empty())
                    .map(Into::into)
                    .collect(),
                max_age,
            },
            extent: Extent::decode(&mut reader)?,
            same_user: SameUser::decode(&mut reader)?,
            predecessor: match reader.0 {
                [] => None,
                _ => Some(Predecessor::decode(&mut reader)?),
            },
        })
    }
}

fn unsealed() -> CheckFailed {
    CheckFailed::new(Check::Randomness, "the login could not be sealed")
}
