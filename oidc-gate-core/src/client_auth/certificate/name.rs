//! Distinguished names: what is registered, and how it is compared with what a certificate says.

mod parse;
mod types;
mod value;

pub use parse::NameError;

use std::{fmt, str::FromStr};
pub(super) use types::AttributeType;
pub(super) use value::Value;

/// A distinguished name that is registered for a client, `tls_client_auth_subject_dn`
/// ([RFC 8705 § 2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
///
/// It is written as [RFC 4514 § 3](https://www.rfc-editor.org/rfc/rfc4514#section-3) has it, and read by that grammar
/// alone: no spaces around separators, no quotes around values, no slashes, no semicolons. The last name of the
/// certificate comes first, so `CN=client,O=example` is what `openssl x509 -subject -nameopt RFC2253` prints, and not
/// what its default order looks like.
///
/// # Comparison
///
/// Two names are equal if they have the same sequence of the same sets of attributes. They are compared piece by piece,
/// never as text: a certificate with the single attribute `CN` of value `a,O=b` is not `CN=a,O=b`.
///
/// - Types are compared by their object identifiers, so `CN`, `cn` and `2.5.4.3` are the same.
/// - Values are compared by the characters they hold, whichever string type they are in (`PrintableString`,
///   `UTF8String`, `IA5String`, `NumericString`, `VisibleString`, `BMPString`, `UniversalString`).
/// - Characters are compared exactly. [RFC 5280 § 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1) compares
///   without regard to case and to repeated spaces, where an authority would hardly issue both; whether it does not is
///   unknown here, and a name can be registered as it is. What differs is refused, and the log says how.
/// - `TeletexString` has as many readings as there are programs; it and whatever is no string equal only the same bytes,
///   registered as `#` and hexadecimal digits.
///
/// ```
/// use oidc_gate_core::client_auth::certificate::{DistinguishedName, NameError};
///
/// let name: DistinguishedName = "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net".parse()?;
/// assert_eq!(name, "cn=James \\22Jim\\22 Smith\\2c III,DC=example,DC=net".parse()?);
/// assert_ne!(name, "DC=net,DC=example,CN=James \\\"Jim\\\" Smith\\, III".parse()?);
/// # Ok::<_, NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    /// In the order of the certificate, which is the reverse of the text's.
    rdns: Vec<Rdn>,
}

/// A set of attributes, sorted.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Rdn(Vec<Attribute>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Attribute {
    pub(super) kind: AttributeType,
    pub(super) value: Value,
}

impl DistinguishedName {
    /// How many bytes a name may have as text.
    pub const MAX_BYTES: usize = 4096;

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// See [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        parse::name(text)
    }

    #[cfg(feature = "mtls-server")]
    pub(super) fn from_rdns(rdns: Vec<Rdn>) -> Self {
        Self { rdns }
    }
}

impl Rdn {
    pub(super) fn new(mut attributes: Vec<Attribute>) -> Self {
        attributes.sort();
        Self(attributes)
    }
}

impl FromStr for DistinguishedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// As [RFC 4514 § 2](https://www.rfc-editor.org/rfc/rfc4514#section-2) writes it, in the one way that this crate chose;
/// what is printed reads back the same.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rdn) in self.rdns.iter().rev().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            for (at, Attribute { kind, value }) in rdn.0.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { "+" })?;
                match kind.short_name() {
                    Some(name) => write!(f, "{name}={value}")?,
                    // § 2.4: behind an object identifier stands what is in the certificate.
                    None => write!(f, "{}={}", kind.oid(), value.hex())?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({:?})", self.to_string())
    }
}
