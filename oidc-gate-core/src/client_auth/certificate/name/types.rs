//! Types of attributes, and the names they go by.

/// An object identifier in dotted decimal digits, without leading zeros: the one way to write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct AttributeType(Box<str>);

/// Names that are read, in any case ([RFC 4512 § 2.5](https://www.rfc-editor.org/rfc/rfc4512#section-2.5)). Of several
/// names of a type, the first is printed.
const NAMES: &[(&str, &str)] = &[
    // RFC 4514 § 3
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    // RFC 4519 § 2
    ("businessCategory", "2.5.4.15"),
    ("commonName", "2.5.4.3"),
    ("countryName", "2.5.4.6"),
    ("description", "2.5.4.13"),
    ("dnQualifier", "2.5.4.46"),
    ("domainComponent", "0.9.2342.19200300.100.1.25"),
    ("generationQualifier", "2.5.4.44"),
    ("givenName", "2.5.4.42"),
    ("initials", "2.5.4.43"),
    ("localityName", "2.5.4.7"),
    ("name", "2.5.4.41"),
    ("organizationName", "2.5.4.10"),
    ("organizationalUnitName", "2.5.4.11"),
    ("postalCode", "2.5.4.17"),
    ("serialNumber", "2.5.4.5"),
    ("SN", "2.5.4.4"),
    ("stateOrProvinceName", "2.5.4.8"),
    ("streetAddress", "2.5.4.9"),
    ("surname", "2.5.4.4"),
    ("telephoneNumber", "2.5.4.20"),
    ("title", "2.5.4.12"),
    ("userId", "0.9.2342.19200300.100.1.1"),
    // RFC 2985 § 5.2.1
    ("emailAddress", "1.2.840.113549.1.9.1"),
    // X.520, in the certificates of payment services (ETSI EN 319 412-1)
    ("organizationIdentifier", "2.5.4.97"),
];

impl AttributeType {
    /// The type of an object identifier, if `text` is one.
    pub(in super::super) fn from_oid(text: &str) -> Option<Self> {
        let number = |arc: &str| {
            let digits = !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
            digits && (arc == "0" || !arc.starts_with('0'))
        };
        let mut arcs = text.split('.');
        let (first, second) = (arcs.next()?, arcs.next()?);
        // X.660: three roots, and under the first two no more than 40.
        let roots = match first {
            "0" | "1" => number(second) && second.parse::<u8>().is_ok_and(|arc| arc < 40),
            "2" => number(second),
            _ => false,
        };
        (roots && arcs.all(number)).then(|| Self(text.into()))
    }

    /// The type that is known as `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (_, oid) = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(Self((*oid).into()))
    }

    pub(super) fn short_name(&self) -> Option<&'static str> {
        let (name, _) = NAMES.iter().find(|(_, oid)| *oid == &*self.0)?;
        Some(name)
    }

    pub(super) fn oid(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_object_identifier_and_is_read_again() {
        for (name, oid) in NAMES {
            let kind = AttributeType::named(name).unwrap();
            assert!(kind == AttributeType::from_oid(oid).unwrap(), "{name}");
            let printed = kind.short_name().unwrap();
            assert!(AttributeType::named(printed).unwrap() == kind, "{name}");
        }
    }

    #[test]
    fn an_object_identifier_has_one_spelling() {
        for oid in [
            "2.5.4.3",
            "0.39",
            "1.0.1",
            "2.999.1",
            "2.25.340282366920938463463374607431768211455",
        ] {
            assert!(AttributeType::from_oid(oid).is_some(), "{oid}");
        }
        for other in [
            "", "2", "2.", ".2", "2..5", "2.05", "3.1", "0.40", "1.256", "2.5.4.3 ", "2.5.x",
            "+2.5", "2.+5", "02.5",
        ] {
            assert!(AttributeType::from_oid(other).is_none(), "{other}");
        }
    }
}
