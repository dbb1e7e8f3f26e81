//! The names of the methods.

use crate::registered::registered_names;
use std::fmt;

registered_names! {
    /// A client authentication method by its registered name
    /// ([registry](https://www.iana.org/assignments/oauth-parameters/oauth-parameters.xhtml#token-endpoint-auth-method)).
    MethodName {
        /// A public client, which has nothing to prove itself with.
        None = "none",
        /// The secret in the `Authorization` header.
        SecretBasic = "client_secret_basic",
        /// The secret in the body.
        SecretPost = "client_secret_post",
        /// An assertion signed with the secret.
        SecretJwt = "client_secret_jwt",
        /// An assertion signed with a key of the client's own.
        PrivateKeyJwt = "private_key_jwt",
        /// A certificate by an authority.
        Tls = "tls_client_auth",
        /// A certificate that is registered itself.
        SelfSignedTls = "self_signed_tls_client_auth",
    }
}

/// A set of methods.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct MethodSet(u8);

impl MethodSet {
    /// Whether `method` is in the set.
    pub const fn contains(self, method: MethodName) -> bool {
        self.0 & (1 << method as u8) != 0
    }

    /// The methods in the set.
    pub fn iter(self) -> impl Iterator<Item = MethodName> {
        let all = MethodName::ALL.iter().copied();
        all.filter(move |method| self.contains(*method))
    }
}

impl FromIterator<MethodName> for MethodSet {
    fn from_iter<I: IntoIterator<Item = MethodName>>(methods: I) -> Self {
        Self(methods.into_iter().fold(0, |set, m| set | 1 << m as u8))
    }
}

impl fmt::Debug for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_exact() {
        for method in MethodName::ALL {
            assert_eq!(MethodName::from_name(method.as_str()), Some(*method));
        }
        for other in ["", "None", "client_secret_basic ", "client_assertion"] {
            assert_eq!(MethodName::from_name(other), None);
        }
    }

    #[test]
    fn a_set_has_what_was_put_in() {
        let set: MethodSet = [MethodName::Tls, MethodName::None].into_iter().collect();
        assert_eq!(set.iter().count(), 2);
        assert!(set.contains(MethodName::Tls) && !set.contains(MethodName::SelfSignedTls));
        assert_eq!(
            MethodName::ALL
                .iter()
                .copied()
                .collect::<MethodSet>()
                .iter()
                .count(),
            7
        );
    }
}
