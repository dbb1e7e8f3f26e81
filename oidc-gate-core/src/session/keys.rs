//! The keys that seal what a browser keeps.

use aws_lc_rs::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::{collections::HashSet, fmt, sync::Arc};
use zeroize::Zeroizing;

/// What a sealed value is for. Each purpose has keys of its own, so that a value cannot be used for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// A session's identity: opened on every request.
    Identity,
    /// A login that has begun.
    Transaction,
    /// When logins ended well.
    Landings,
    /// A session's tokens: opened when somebody asks for them.
    Tokens,
    /// The name of a session that is kept in a store.
    Ticket,
    /// What a store keeps of a session.
    Entry,
    /// A sign-out that has gone to the provider.
    SignOut,
    /// Where a login leads, in its state.
    State,
}

impl Purpose {
    const ALL: [Self; 8] = [
        Self::Identity,
        Self::Transaction,
        Self::Landings,
        Self::Tokens,
        Self::Ticket,
        Self::Entry,
        Self::SignOut,
        Self::State,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Transaction => "transaction",
            Self::Landings => "landings",
            Self::Tokens => "tokens",
            Self::Ticket => "ticket",
            Self::Entry => "entry",
            Self::SignOut => "sign-out",
            Self::State => "state",
        }
    }
}

/// A ring of keys: the first seals, all open. Cheap to clone.
///
/// From each secret a key for every [`Purpose`] is derived
/// ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)). Replicas of an application need the same keys.
///
/// # Rotation
///
/// A ring is a value: [`with_added`](Self::with_added), [`promoted`](Self::promoted) and [`without`](Self::without) make
/// another one of it, and nothing changes until that is put in force. Nobody is signed out if every replica has taken a
/// step before one takes the next:
///
/// 1. *Add* the new key. It opens, and does not seal yet. Where one replica seals with a key that another does not know,
///    users are signed out whenever they come to the other one.
/// 2. *Promote* it. New cookies are sealed with it, and a session that an older key has opened is sealed anew on its next
///    use.
/// 3. *Retire* the old one, once the longest session has ended that could have been sealed with it: after the absolute
///    limit ([`Lifetimes::absolute`](super::Lifetimes::absolute)).
///
/// If a key is known to somebody who must not know it, take the steps at once: users sign in again, and that is the point.
#[derive(Clone)]
pub struct CookieKeys {
    pub(super) ring: Arc<[Arc<Key>]>,
    pub(super) origin: KeyOrigin,
}

/// Which key of a ring a value was sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is the one that seals now, or not"
)]
pub enum SealedBy {
    /// The one that seals now.
    First,
    /// Another, which will be retired: the value should be sealed anew when it is used.
    Older,
}

/// Where a ring comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOrigin {
    /// Configured: the same after a restart and in every replica.
    Configured,
    /// Made at start: everybody is signed out when the process ends.
    Ephemeral,
}

/// What names a key without telling anything of it. It stands in the clear in whatever the key has sealed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub(super) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

/// Eight hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

pub(super) struct Key {
    pub(super) id: KeyId,
    by_purpose: [LessSafeKey; Purpose::ALL.len()],
}

impl Key {
    pub(super) fn of(&self, purpose: Purpose) -> &LessSafeKey {
        &self.by_purpose[purpose as usize]
    }

    fn derive(secret: &[u8]) -> Result<Self, KeyError> {
        struct Bytes<const N: usize>;
        impl<const N: usize> KeyType for Bytes<N> {
            fn len(&self) -> usize {
                N
            }
        }
        let root = Salt::new(HKDF_SHA256, b"oidc-gate cookie keys v1").extract(secret);
        let aead = |purpose: Purpose| {
            let mut bytes = Zeroizing::new([0; 32]);
            root.expand(&[b"seal ", purpose.label().as_bytes()], Bytes::<32>)
                .and_then(|okm| okm.fill(&mut bytes[..]))
                .and_then(|()| UnboundKey::new(&AES_256_GCM, &bytes[..]))
                .map(LessSafeKey::new)
                .map_err(|_| KeyError::Unusable)
        };
        let mut id = [0; 4];
        root.expand(&[b"id"], Bytes::<4>)
            .and_then(|okm| okm.fill(&mut id))
            .map_err(|_| KeyError::Unusable)?;
        Ok(Self {
            id: KeyId(id),
            by_purpose: [
                aead(Purpose::Identity)?,
                aead(Purpose::Transaction)?,
                aead(Purpose::Landings)?,
                aead(Purpose::Tokens)?,
                aead(Purpose::Ticket)?,
                aead(Purpose::Entry)?,
                aead(Purpose::SignOut)?,
                aead(Purpose::State)?,
            ],
        })
    }
}

/// Base64 of either alphabet is told apart by [`CookieKeys::parse`]; padding may be there or not.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl CookieKeys {
    /// The fewest bytes a secret may have.
    pub const MIN_SECRET_BYTES: usize = 32;

    /// The fewest different bytes a secret may have. Of 32 random ones, hardly ever fewer than 25 differ; what has fewer
    /// than ten was typed or forgotten, and not made by a generator.
    const MIN_DISTINCT_BYTES: usize = 10;

    /// The lengths that [`stretched`](Self::stretched) takes: those of AES keys.
    const STRETCHED_BYTES: [usize; 3] = [16, 24, 32];
    const MIN_DISTINCT_STRETCHED_BYTES: usize = 5;

    /// Reads secrets as `openssl rand -base64 32` prints them: base64 of at least 32 random bytes; several are separated
    /// by commas, newest first.
    ///
    /// # Errors
    ///
    /// If a secret is no base64, too short or there twice. The error holds nothing of it.
    ///
    /// ```
    /// use oidc_gate_core::session::CookieKeys;
    /// CookieKeys::parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?;
    /// assert!(CookieKeys::parse("password").is_err());
    /// # Ok::<_, oidc_gate_core::session::KeyError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let secrets = text.split(',').map(|part| {
            let part = part.trim();
            let url_safe = part.contains(['-', '_']);
            let alphabet = if url_safe {
                &alphabet::URL_SAFE
            } else {
                &alphabet::STANDARD
            };
            GeneralPurpose::new(alphabet, LENIENT)
                .decode(part)
                .map(Zeroizing::new)
                .map_err(|_| KeyError::NotBase64)
        });
        Self::from_secrets(
            secrets
                .collect::<Result<Vec<_>, _>>()?
                .iter()
                .map(|secret| &secret[..]),
        )
    }

    /// A ring from raw secrets, newest first.
    ///
    /// # Errors
    ///
    /// If there is none, one has fewer than [`MIN_SECRET_BYTES`](Self::MIN_SECRET_BYTES), or one is there twice.
    pub fn from_secrets<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyError> {
        let derive = |secret: &[u8]| {
            if secret.len() < Self::MIN_SECRET_BYTES {
                return Err(KeyError::TooShort {
                    bytes: secret.len(),
                });
            }
            let distinct = secret.iter().collect::<HashSet<_>>().len();
            if distinct < Self::MIN_DISTINCT_BYTES {
                return Err(KeyError::NotRandom);
            }
            Key::derive(secret)
        };
        let keys = secrets.into_iter().map(derive);
        Self::of(
            keys.collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .map(Arc::new),
            KeyOrigin::Configured,
        )
    }

    /// Reads one secret as oauth2-proxy does, and says how many bytes it has: 16, 24 or 32 that stand there as they are, or in
    /// base64 of either alphabet, padded or not. From each a key for every purpose is derived, as from a longer one.
    ///
    /// # Security
    ///
    /// No derivation makes a secret harder to guess: 16 random bytes are enough, 16 letters that somebody has thought of are
    /// not, and that cannot be told apart here. Of use to take over a configuration that is there; new secrets are made by
    /// `openssl rand -base64 32` and read by [`parse`](Self::parse), which demands 32 bytes. A secret of 32 bytes makes the
    /// same ring with either.
    ///
    /// # Errors
    ///
    /// If it has another length, or is the same few bytes again and again. The error holds nothing of it.
    ///
    /// ```
    /// use oidc_gate_core::session::CookieKeys;
    /// let (_, bytes) = CookieKeys::stretched("MDEyMzQ1Njc4OWFiY2RlZg==")?;
    /// assert_eq!(bytes, 16);
    /// # Ok::<_, oidc_gate_core::session::KeyError>(())
    /// ```
    pub fn stretched(text: &str) -> Result<(Self, usize), KeyError> {
        let text = text.trim();
        let decoded = [&alphabet::URL_SAFE, &alphabet::STANDARD]
            .into_iter()
            .filter_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(text).ok())
            .map(Zeroizing::new)
            .find(|bytes| Self::STRETCHED_BYTES.contains(&bytes.len()));
        let secret = decoded.unwrap_or_else(|| Zeroizing::new(text.as_bytes().to_vec()));
        let bytes = secret.len();
        if !Self::STRETCHED_BYTES.contains(&bytes) {
            return Err(KeyError::OddLength { bytes });
        }
        // Sixteen hexadecimal digits made by a generator may have no more than seven different ones.
        if secret.iter().collect::<HashSet<_>>().len() < Self::MIN_DISTINCT_STRETCHED_BYTES {
            return Err(KeyError::NotRandom);
        }
        let ring = Self {
            ring: Arc::new([Arc::new(Key::derive(&secret)?)]),
            origin: KeyOrigin::Configured,
        };
        Ok((ring, bytes))
    }

    /// A key made now and forgotten when the process ends, and with it every session. For development and for tests.
    ///
    /// # Errors
    ///
    /// If the operating system gives no randomness.
    pub fn try_ephemeral() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(&mut secret[..]).map_err(|_| KeyError::Unusable)?;
        Ok(Self {
            ring: Arc::new([Arc::new(Key::derive(&secret[..])?)]),
            origin: KeyOrigin::Ephemeral,
        })
    }

    /// As [`try_ephemeral`](Self::try_ephemeral).
    ///
    /// # Panics
    ///
    /// If the operating system gives no randomness, with which nothing secure can be done.
    pub fn ephemeral() -> Self {
        Self::try_ephemeral().expect("the operating system gives randomness")
    }

    /// Configured, or made at start.
    pub fn origin(&self) -> KeyOrigin {
        self.origin
    }

    /// The key that seals. A ring is never empty.
    pub(super) fn first(&self) -> Option<&Key> {
        self.ring.first().map(|key| &**key)
    }

    pub(super) fn by_id(&self, id: KeyId) -> Option<(&Key, SealedBy)> {
        let mut ring = self.ring.iter().enumerate();
        let (at, key) = ring.find(|(_, key)| key.id == id)?;
        let sealed_by = if at == 0 {
            SealedBy::First
        } else {
            SealedBy::Older
        };
        Some((key, sealed_by))
    }
}

impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKeys(")?;
        for id in self.ids() {
            write!(f, "{id}, ")?;
        }
        write!(f, "{:?})", self.origin)
    }
}

/// Why a secret makes no key, or a ring is not changed so. Holds nothing of a secret.
///
/// `Debug` is the readable text, because that is what `fn main() -> Result<…>` prints.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not base64.
    NotBase64,
    /// Too few bytes to be unguessable.
    TooShort {
        /// How many bytes it has.
        bytes: usize,
    },
    /// Not of one of the lengths that [`CookieKeys::stretched`] takes.
    OddLength {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The same few bytes again and again.
    NotRandom,
    /// The operating system or the crypto library failed.
    Unusable,
    /// It is there already.
    Twice {
        /// Which.
        id: KeyId,
    },
    /// The ring has no key of this name.
    Unknown {
        /// Which.
        id: KeyId,
    },
    /// It seals, so it cannot be taken out: another one is promoted first.
    Sealing {
        /// Which.
        id: KeyId,
    },
    /// One ring is configured, the other was made at start: sessions of the one would end with this process, those of the
    /// other would not.
    OtherOrigin,
    /// There is nothing to seal where nobody is signed in.
    NoSessions,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => {
                f.write_str("is not base64; make one with `openssl rand -base64 32`")
            }
            Self::TooShort { bytes } => {
                write!(
                    f,
                    "has {bytes} bytes, and 32 are needed; make one with `openssl rand -base64 32`"
                )
            }
            Self::OddLength { bytes } => {
                write!(
                    f,
                    "has {bytes} bytes, and 16, 24 or 32 are needed; make one with `openssl rand -base64 32`"
                )
            }
            Self::NotRandom => {
                f.write_str("is not random; make one with `openssl rand -base64 32`")
            }
            Self::Unusable => f.write_str("could not be made: the system gave no randomness"),
            Self::Twice { id } => write!(f, "has the key {id} twice"),
            Self::Unknown { id } => write!(f, "has no key {id}"),
            Self::Sealing { id } => {
                write!(
                    f,
                    "would lose {id}, the key that seals; promote another one first"
                )
            }
            Self::OtherOrigin => {
                f.write_str("would mix keys that are configured with keys that were made at start")
            }
            Self::NoSessions => f.write_str("would seal nothing: this gate signs nobody in"),
        }
    }
}

impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_in_every_usual_spelling() {
        for text in [
            "+/8wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==",
            "-_8wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg",
            " MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= , MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
        ] {
            assert!(CookieKeys::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_that_no_generator_made_is_refused() {
        for secret in [[0; 32], *b"changemechangemechangemechangeme"] {
            assert_eq!(
                CookieKeys::from_secrets([&secret[..]]).map(drop),
                Err(KeyError::NotRandom)
            );
        }
    }

    #[test]
    fn a_ring_has_a_key_and_a_key_has_ten_different_bytes() {
        assert_eq!(
            CookieKeys::from_secrets([]).map(drop),
            Err(KeyError::TooShort { bytes: 0 })
        );
        let secret = |distinct: u8| -> Vec<u8> { (0..distinct).cycle().take(32).collect() };
        assert!(CookieKeys::from_secrets([&secret(10)[..]]).is_ok());
        assert_eq!(
            CookieKeys::from_secrets([&secret(10)[..], &secret(9)]).map(drop),
            Err(KeyError::NotRandom)
        );
    }

    #[test]
    fn a_secret_of_oauth2_proxy_is_read_as_it_reads_it() {
        for (text, bytes) in [
            ("someSecret123456", 16),
            ("MDEyMzQ1Njc4OWFiY2RlZg==", 16),
            ("MDEyMzQ1Njc4OWFiY2RlZg", 16),
            // Which decodes to 24.
            ("0123456789abcdefghijklmnopqrstuv", 24),
            ("correct horse battery st", 24),
            ("correct horse battery staple!!!!", 32),
            ("-_8wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg", 34),
            ("+/8wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiYw==", 31),
        ] {
            let read = CookieKeys::stretched(text).map(|(_, bytes)| bytes);
            match bytes {
                16 | 24 | 32 => assert_eq!(read, Ok(bytes), "{text}"),
                _ => assert_eq!(
                    read,
                    Err(KeyError::OddLength { bytes: text.len() }),
                    "{text}"
                ),
            }
        }
        for text in ["", "short", "seventeen letters"] {
            let bytes = text.len();
            let read = CookieKeys::stretched(text).map(drop);
            assert_eq!(read, Err(KeyError::OddLength { bytes }));
        }
        assert_eq!(
            CookieKeys::stretched("aaaabbbbccccdddd").map(drop),
            Err(KeyError::NotRandom)
        );
    }

    #[test]
    fn a_secret_of_32_bytes_makes_the_same_ring_with_either_reader() {
        let text = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        let (stretched, _) = CookieKeys::stretched(text).unwrap();
        let parsed = CookieKeys::parse(text).unwrap();
        assert_eq!(stretched.first().unwrap().id, parsed.first().unwrap().id);
    }

    #[test]
    fn no_two_keys_made_at_start_are_alike() {
        let id = || CookieKeys::ephemeral().first().unwrap().id;
        assert_ne!(id(), id());
    }

    #[test]
    fn weak_secrets_are_refused_and_not_repeated() {
        for (text, why) in [
            ("", KeyError::TooShort { bytes: 0 }),
            ("c2hvcnQ=", KeyError::TooShort { bytes: 5 }),
            ("correct horse battery staple!!!!", KeyError::NotBase64),
            (
                "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,",
                KeyError::TooShort { bytes: 0 },
            ),
        ] {
            assert_eq!(CookieKeys::parse(text).map(drop), Err(why), "{text:?}");
        }
    }
}
