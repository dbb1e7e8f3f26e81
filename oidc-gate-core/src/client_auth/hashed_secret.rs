//! Client secrets as a server keeps them.

use crate::{
    flow::{Entropy, EntropyUnavailable},
    jose::base64url,
    secret::ClientSecret,
    time::UnixTime,
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use std::fmt;

/// A client secret that only its owner knows: a salted digest
/// ([RFC 9700 § 2.5](https://www.rfc-editor.org/rfc/rfc9700#section-2.5)).
///
/// As text it is `sha256:` with salt and digest in base64url.
///
/// # Security
///
/// One round of HMAC-SHA-256. That is enough for a secret that a machine has made of at least 128 random bits, as
/// [RFC 6749 § 10.10](https://www.rfc-editor.org/rfc/rfc6749#section-10.10) wants it, and not for one a person has thought
/// of.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedSecret {
    salt: [u8; 16],
    digest: [u8; 32],
}

impl HashedSecret {
    /// The digest of `secret` with a new salt.
    ///
    /// # Errors
    ///
    /// Where there is no randomness.
    pub fn new(
        secret: &ClientSecret,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, EntropyUnavailable> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt)?;
        Ok(Self {
            salt,
            digest: digest(&salt, secret),
        })
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (salt, digest) = text.strip_prefix("sha256:")?.split_once(':')?;
        Some(Self {
            salt: base64url::decode(salt)?.try_into().ok()?,
            digest: base64url::decode(digest)?.try_into().ok()?,
        })
    }

    fn is_of(&self, secret: &ClientSecret) -> bool {
        verify_slices_are_equal(&self.digest, &digest(&self.salt, secret)).is_ok()
    }
}

fn digest(salt: &[u8; 16], secret: &ClientSecret) -> [u8; 32] {
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, salt),
        secret.expose().as_bytes(),
    );
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// As it is stored; no secret, but nothing to show around either.
impl fmt::Display for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, digest) = (
            base64url::encode(&self.salt),
            base64url::encode(&self.digest),
        );
        write!(f, "sha256:{salt}:{digest}")
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(***)")
    }
}

/// When a secret stops being one ([RFC 7591 § 3.2.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1),
/// `client_secret_expires_at`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a secret expires or does not")]
pub enum Expires {
    /// It does not.
    #[default]
    Never,
    /// From this second on.
    At(UnixTime),
}

impl Expires {
    pub(super) fn has(self, now: UnixTime) -> bool {
        matches!(self, Self::At(at) if now >= at)
    }
}

/// The secrets of one client: one, or several while one replaces another.
#[derive(Clone, Debug)]
pub struct Secrets(Vec<(HashedSecret, Expires)>);

/// What became of a secret that was held against a client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Right,
    Expired,
    Wrong,
}

impl Secrets {
    /// The most secrets a client can have at once.
    pub const MAX: usize = 4;

    /// One secret that does not expire.
    pub fn one(secret: HashedSecret) -> Self {
        Self(vec![(secret, Expires::Never)])
    }

    /// These, if there is at least one and there are not more than [`MAX`](Self::MAX).
    pub fn several(secrets: impl IntoIterator<Item = (HashedSecret, Expires)>) -> Option<Self> {
        let secrets: Vec<_> = secrets.into_iter().take(Self::MAX + 1).collect();
        (1..=Self::MAX)
            .contains(&secrets.len())
            .then_some(Self(secrets))
    }

    /// Which of the secrets `secret` is. Always the same work, whichever fits, however many there are, and for a client
    /// that does not exist.
    pub(super) fn find(secrets: Option<&Self>, secret: &ClientSecret, now: UnixTime) -> Match {
        const DECOY: HashedSecret = HashedSecret {
            salt: [0; 16],
            digest: [0; 32],
        };
        let known = secrets.map_or(&[][..], |secrets| &secrets.0);
        let mut found = Match::Wrong;
        for at in 0..Self::MAX {
            let (hashed, expires) = known.get(at).map_or((&DECOY, None), |(s, e)| (s, Some(*e)));
            let fits = hashed.is_of(secret);
            found = match (fits, expires) {
                (true, Some(expires)) if !expires.has(now) => Match::Right,
                (true, Some(_)) if found == Match::Wrong => Match::Expired,
                _ => found,
            };
        }
        // An empty secret is nobody's, whatever was stored.
        match secret.expose().is_empty() {
            true => Match::Wrong,
            false => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counting, NOW};
    use super::*;
    use std::time::Duration;

    fn hashed(secret: &str, seed: u8) -> HashedSecret {
        HashedSecret::new(&ClientSecret::new(secret), &mut Counting(seed)).unwrap()
    }

    #[test]
    fn it_reads_back_and_tells_nothing() {
        let secret = hashed("hush", 1);
        let text = secret.to_string();
        assert!(!text.contains("hush"));
        assert_eq!(HashedSecret::parse(&text), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "HashedSecret(***)");
        assert_ne!(text, hashed("hush", 2).to_string(), "salted");
        for broken in [
            "",
            "sha256:",
            "sha256:AA:AA",
            "hush",
            &text[1..],
            &text[..text.len() - 1],
        ] {
            assert_eq!(HashedSecret::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn any_active_secret_is_right_and_an_expired_one_is_told_apart() {
        let secrets = Secrets::several([
            (hashed("old", 1), Expires::Never),
            (hashed("new", 2), Expires::At(NOW + Duration::from_secs(1))),
            (hashed("gone", 3), Expires::At(NOW)),
        ])
        .unwrap();
        let find = |text: &str| Secrets::find(Some(&secrets), &ClientSecret::new(text), NOW);
        assert_eq!(find("old"), Match::Right);
        assert_eq!(find("new"), Match::Right);
        assert_eq!(find("gone"), Match::Expired);
        assert_eq!(find("other"), Match::Wrong);
        assert_eq!(
            Secrets::find(None, &ClientSecret::new("old"), NOW),
            Match::Wrong
        );
    }

    #[test]
    fn a_client_has_one_to_four_secrets() {
        let several = |count| Secrets::several(vec![(hashed("x", 1), Expires::Never); count]);
        assert!(several(0).is_none() && several(5).is_none());
        assert!(several(1).is_some() && several(4).is_some());
    }

    #[test]
    fn an_empty_secret_is_nobodys() {
        let secrets = Secrets::one(hashed("", 1));
        let find = Secrets::find(Some(&secrets), &ClientSecret::new(""), NOW);
        assert_eq!(find, Match::Wrong);
    }
}
