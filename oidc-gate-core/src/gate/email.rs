//! Addresses and their domains, as far as a decision may rest on them: read and compared in one way, wherever one is demanded.

use crate::identity::Identity;

/// An address that was taken apart: what stands before its `@`, and what behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    whole: &'a str,
    host: &'a str,
}

impl<'a> Address<'a> {
    /// Exactly one `@`: `a@example.com@evil.example` belongs to nobody who can be named. A comma, a quote or a space would make
    /// two addresses of it where somebody else reads.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let odd = |c: char| c == ',' || c == '"' || c.is_whitespace() || c.is_control();
        let (local, host) = text.split_once('@').filter(|_| !text.contains(odd))?;
        let is_one = !local.is_empty() && !host.is_empty() && !host.contains('@');
        is_one.then_some(Self { whole: text, host })
    }

    /// Somebody's, if the provider has verified it.
    pub(super) fn of(who: &'a Identity) -> Option<Self> {
        Self::read(who.verified_email()?)
    }

    /// Whether it is this one, in any case. What stands before the `@` could have a meaning with case
    /// ([RFC 5321 § 2.4](https://www.rfc-editor.org/rfc/rfc5321#section-2.4)), and nowhere belongs to somebody else then.
    pub(super) fn is(self, other: &str) -> bool {
        self.whole.eq_ignore_ascii_case(other)
    }

    /// As it stands in a list of addresses in lower case.
    pub(super) fn folded(self) -> String {
        self.whole.to_ascii_lowercase()
    }
}

/// Which hosts a domain that is written with a dot or an asterisk before it (`.example.com`, `*.example.com`) means. Without
/// these it is that host alone, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dotted {
    /// All below it, and not itself: in [`email_domain`](super::email_domain), as in a certificate.
    Below,
    /// Itself and all below it: in the query of `auth`, as proxies that were written for others have it there.
    ItselfAndBelow,
}

/// A domain that an address may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Domain<T> {
    reach: Reach,
    name: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Itself,
    Dotted(Dotted),
}

impl<'a> Domain<&'a str> {
    /// Reads a domain that somebody's address could lie in.
    pub(super) fn read(text: &'a str, dotted: Dotted) -> Option<Self> {
        let below = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'));
        // Labels of letters in any script: what stands in an address is compared, and nothing is looked up.
        let odd =
            |c: char| c.is_control() || c.is_whitespace() || "@*/\\:?#%[]<>\"'(),;".contains(c);
        let name = below.unwrap_or(text);
        let mut labels = name.split('.');
        if labels.any(|label| label.is_empty() || label.contains(odd)) {
            return None;
        }
        Some(Self {
            reach: below.map_or(Reach::Itself, |_| Reach::Dotted(dotted)),
            name,
        })
    }

    pub(super) fn owned(self) -> Domain<Box<str>> {
        Domain {
            reach: self.reach,
            name: self.name.into(),
        }
    }
}

impl<T: AsRef<str>> Domain<T> {
    /// Whether the address lies there, in any case.
    pub(super) fn covers(&self, address: Address<'_>) -> bool {
        let (name, host) = (self.name.as_ref(), address.host);
        let itself = || host.eq_ignore_ascii_case(name);
        // Something, and then a dot: `evilexample.com` is not below `example.com`.
        let below = || {
            let at = host.len().checked_sub(name.len());
            at.and_then(|at| host.split_at_checked(at))
                .is_some_and(|(before, end)| {
                    end.eq_ignore_ascii_case(name) && before.len() > 1 && before.ends_with('.')
                })
        };
        match self.reach {
            Reach::Itself => itself(),
            Reach::Dotted(Dotted::Below) => below(),
            Reach::Dotted(Dotted::ItselfAndBelow) => itself() || below(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(domain: &str, dotted: Dotted, address: &str) -> bool {
        let domain = Domain::read(domain, dotted).unwrap();
        Address::read(address).is_some_and(|address| domain.covers(address))
    }

    #[test]
    fn both_places_agree_on_everything_but_the_domain_behind_a_dot_itself() {
        use Dotted::{Below, ItselfAndBelow};
        for domain in ["example.com", ".example.com", "*.Example.com"] {
            for address in [
                "a@example.com",
                "A@Sub.EXAMPLE.com",
                "a@evilexample.com",
                "a@.example.com",
                "a@b@example.com",
                "a,b@example.com",
                "\"a\"@example.com",
                "a b@sub.example.com",
                "@example.com",
            ] {
                let is_dotted_itself = domain != "example.com" && address == "a@example.com";
                let (below, itself) = (
                    covers(domain, Below, address),
                    covers(domain, ItselfAndBelow, address),
                );
                assert_eq!(below != itself, is_dotted_itself, "{domain} {address}");
                assert!(itself || !is_dotted_itself, "{domain} {address}");
            }
        }
    }

    #[test]
    fn an_address_that_two_would_read_differently_is_none() {
        for text in [
            "a@b@c", "a", "@b", "a@", "a,b@c", "a@b,c", "\"a\"@b", "a b@c", "a@b\n", " a@b", "",
        ] {
            assert_eq!(Address::read(text), None, "{text:?}");
        }
        assert!(Address::read("a@b.c").unwrap().is("A@B.C"));
    }

    #[test]
    fn what_lies_nowhere_is_no_domain() {
        for text in [
            "", ".", "*.", "*", "a..b", "a.", "..a", "*.*.a", "a@b", "a,b", "a b", "a:443",
        ] {
            assert_eq!(Domain::read(text, Dotted::Below), None, "{text:?}");
        }
    }
}
