//! Signature algorithms by their registered names.

use super::base64url;
use aws_lc_rs::digest;
use std::fmt;

/// A signature algorithm the gate verifies
/// ([RFC 7518 § 3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1),
/// [RFC 8037 § 3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1),
/// [RFC 9864 § 2.2](https://www.rfc-editor.org/rfc/rfc9864#section-2.2)).
///
/// `none` is not among them and has no way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256, MGF1 with the same and a salt as long as the hash.
    PS256,
    /// RSASSA-PSS with SHA-384, MGF1 with the same and a salt as long as the hash.
    PS384,
    /// RSASSA-PSS with SHA-512, MGF1 with the same and a salt as long as the hash.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Edwards-curve signatures; here Ed25519 and no other curve.
    EdDSA,
    /// The same signatures as [`EdDSA`](Self::EdDSA) by the name that says which curve.
    Ed25519,
    /// HMAC with SHA-256 and the client's secret.
    HS256,
    /// HMAC with SHA-384 and the client's secret.
    HS384,
    /// HMAC with SHA-512 and the client's secret.
    HS512,
}

impl Alg {
    /// Every algorithm, most widespread first in each family.
    pub const ALL: &[Alg] = &[
        Alg::RS256,
        Alg::RS384,
        Alg::RS512,
        Alg::PS256,
        Alg::PS384,
        Alg::PS512,
        Alg::ES256,
        Alg::ES384,
        Alg::ES512,
        Alg::EdDSA,
        Alg::Ed25519,
        Alg::HS256,
        Alg::HS384,
        Alg::HS512,
    ];

    /// The registered name, as it stands in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Alg::RS256 => "RS256",
            Alg::RS384 => "RS384",
            Alg::RS512 => "RS512",
            Alg::PS256 => "PS256",
            Alg::PS384 => "PS384",
            Alg::PS512 => "PS512",
            Alg::ES256 => "ES256",
            Alg::ES384 => "ES384",
            Alg::ES512 => "ES512",
            Alg::EdDSA => "EdDSA",
            Alg::Ed25519 => "Ed25519",
            Alg::HS256 => "HS256",
            Alg::HS384 => "HS384",
            Alg::HS512 => "HS512",
        }
    }

    /// The algorithm of that exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.name() == name)
    }

    /// Whether both sides hold the same secret, so that whoever can verify can also forge.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Alg::HS256 | Alg::HS384 | Alg::HS512)
    }

    /// For a symmetric algorithm the least number of bytes of the secret: as many as the hash has
    /// ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub fn min_secret_bytes(self) -> Option<usize> {
        self.is_symmetric().then(|| self.digest().output_len())
    }

    /// The left half of the hash of `text`, in base64url: what `at_hash` and `c_hash` of a token signed with this
    /// algorithm are made of
    /// ([OpenID Connect Core § 3.1.3.6](https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken)).
    ///
    /// The hash is the one in the algorithm's name. Ed25519 hashes with SHA-512 inside, and that is what providers take.
    pub fn half_hash(self, text: &str) -> String {
        let hash = digest::digest(self.digest(), text.as_bytes());
        let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
        base64url::encode(left)
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Alg::RS256 | Alg::PS256 | Alg::ES256 | Alg::HS256 => &digest::SHA256,
            Alg::RS384 | Alg::PS384 | Alg::ES384 | Alg::HS384 => &digest::SHA384,
            Alg::RS512 | Alg::PS512 | Alg::ES512 | Alg::HS512 => &digest::SHA512,
            Alg::EdDSA | Alg::Ed25519 => &digest::SHA512,
        }
    }

    /// The same for two names of one algorithm.
    const fn bit(self) -> u32 {
        match self {
            Alg::Ed25519 => 1 << Alg::EdDSA as u32,
            _ => 1 << self as u32,
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of algorithms.
///
/// `EdDSA` and `Ed25519` are two names of one algorithm here: a set that has one has the other. A provider that announces
/// one name and writes the other has not signed with anything else
/// ([RFC 9864 § 2.2](https://www.rfc-editor.org/rfc/rfc9864#section-2.2)).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AlgSet(u32);

impl AlgSet {
    /// Every algorithm that a published key verifies. A symmetric one is never accepted unless it is named.
    pub fn asymmetric() -> Self {
        Alg::ALL
            .iter()
            .copied()
            .filter(|alg| !alg.is_symmetric())
            .collect()
    }

    /// Whether `alg` is in the set.
    pub fn contains(self, alg: Alg) -> bool {
        self.0 & alg.bit() != 0
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

    /// The algorithms in the set, by each of their names.
    pub fn iter(self) -> impl Iterator<Item = Alg> {
        Alg::ALL
            .iter()
            .copied()
            .filter(move |alg| self.contains(*alg))
    }
}

impl FromIterator<Alg> for AlgSet {
    fn from_iter<I: IntoIterator<Item = Alg>>(algs: I) -> Self {
        Self(algs.into_iter().fold(0, |bits, alg| bits | alg.bit()))
    }
}

impl fmt::Debug for AlgSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_exact_and_none_is_no_name() {
        for alg in Alg::ALL {
            assert_eq!(Alg::from_name(alg.name()), Some(*alg));
            assert_eq!(Alg::from_name(&alg.name().to_lowercase()), None);
        }
        for other in ["none", "None", "", "RS1", "ES256K", "Ed448", "RS256 "] {
            assert_eq!(Alg::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn two_names_of_one_algorithm_are_in_a_set_together() {
        for name in [Alg::EdDSA, Alg::Ed25519] {
            let set: AlgSet = [name].into_iter().collect();
            assert!(set.contains(Alg::EdDSA) && set.contains(Alg::Ed25519));
            assert!(!set.contains(Alg::ES256));
        }
    }

    #[test]
    fn no_symmetric_algorithm_is_among_the_asymmetric_ones() {
        let set = AlgSet::asymmetric();
        for alg in Alg::ALL {
            assert_eq!(set.contains(*alg), !alg.name().starts_with("HS"), "{alg}");
        }
    }

    #[test]
    fn a_secret_is_as_long_as_the_hash() {
        let least: Vec<_> = Alg::ALL
            .iter()
            .filter_map(|a| a.min_secret_bytes())
            .collect();
        assert_eq!(least, [32, 48, 64]);
    }

    #[test]
    fn half_a_hash_is_as_long_as_the_algorithm_says() {
        // OpenID Connect Core, Appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(Alg::RS256.half_hash(token), "77QmUPtjPfzWtF2AnpK9RQ");
        for alg in Alg::ALL {
            let chars = match alg.name().get(2..) {
                Some("256") => 22,
                Some("384") => 32,
                _ => 43,
            };
            assert_eq!(alg.half_hash(token).len(), chars, "{alg}");
        }
    }
}
