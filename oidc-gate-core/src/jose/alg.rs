//! Signature algorithms by their registered names.

use std::fmt;

/// An asymmetric signature algorithm the gate verifies
/// ([RFC 7518 § 3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1),
/// [RFC 8037 § 3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)).
///
/// `none` is not among them and has no way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Edwards-curve signatures; here Ed25519.
    EdDSA,
}

impl Alg {
    /// Every algorithm, most widespread first.
    pub const ALL: &[Alg] = &[Alg::RS256, Alg::ES256, Alg::EdDSA];

    /// The registered name, as it stands in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Alg::RS256 => "RS256",
            Alg::ES256 => "ES256",
            Alg::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of that exact name. `Ed25519` is `EdDSA` by its fully-specified name
    /// ([RFC 9864 § 2.2](https://www.rfc-editor.org/rfc/rfc9864#section-2.2)).
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL.iter().copied().find(|alg| alg.name() == name)
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AlgSet(u32);

impl AlgSet {
    /// Every algorithm the gate verifies.
    pub fn all() -> Self {
        Alg::ALL.iter().copied().collect()
    }

    /// Whether `alg` is in the set.
    pub fn contains(self, alg: Alg) -> bool {
        self.0 & (1 << alg as u32) != 0
    }

    /// What both sets have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The algorithms in the set.
    pub fn iter(self) -> impl Iterator<Item = Alg> {
        Alg::ALL
            .iter()
            .copied()
            .filter(move |alg| self.contains(*alg))
    }
}

impl FromIterator<Alg> for AlgSet {
    fn from_iter<I: IntoIterator<Item = Alg>>(algs: I) -> Self {
        Self(algs.into_iter().fold(0, |bits, alg| bits | 1 << alg as u32))
    }
}

impl fmt::Debug for AlgSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
