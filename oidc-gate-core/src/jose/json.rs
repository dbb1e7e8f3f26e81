//! JSON in which every object names each member once.
//!
//! Two parsers may disagree about an object that names a member twice, and whoever can make them disagree can have one
//! value checked and another used ([RFC 8725 § 2.6](https://www.rfc-editor.org/rfc/rfc8725#section-2.6),
//! [RFC 7519 § 4](https://www.rfc-editor.org/rfc/rfc7519#section-4)).

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// How deep arrays and objects may be nested.
const MAX_DEPTH: u8 = 32;

/// The object that `bytes` are, if they are one and say everything once.
///
/// The error is fit for a log: it names the kind of fault and never quotes.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    // Two passes: the first only looks, so that the second can be serde_json's own reader, which is right under every
    // feature (`arbitrary_precision`, `preserve_order`) that another crate in the same build may switch on.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Unique { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| fault(&error))?;
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("not a JSON object"),
        Err(_) => Err("not JSON"),
    }
}

/// Whether `text` is JSON that says everything once, as the member of an object.
///
/// # Errors
///
/// As [`object`].
pub(super) fn within_object(text: &str) -> Result<(), &'static str> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Unique { depth: 1 }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| fault(&error))
}

pub(crate) const REPEATED: &str = "a member occurs more than once";
/// The name under which serde_json hands itself JSON that stands in a text. As a member of an object from outside it would
/// bring in what nobody has looked through: a reader that knows the sign takes the text for JSON, and no other does.
pub(super) const SIGN: &str = "$serde_json::private::RawValue";
pub(super) const RESERVED: &str = "a member has a reserved name";
const TOO_DEEP: &str = "nested too deeply";

/// serde_json wraps an error of ours with line and column; which one it was has to be told from its text.
fn fault(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    [REPEATED, TOO_DEEP, RESERVED]
        .into_iter()
        .find(|fault| text.starts_with(fault))
        .unwrap_or("not JSON")
}

/// Walks a value and fails at a repeated member or at too much depth.
#[derive(Clone, Copy)]
struct Unique {
    depth: u8,
}

impl Unique {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut seen = Names::default();
        while let Some(Name(name)) = members.next_key()? {
            if name == SIGN {
                return Err(A::Error::custom(RESERVED));
            }
            if !seen.insert(name) {
                return Err(A::Error::custom(REPEATED));
            }
            members.next_value_seed(inside)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// The names that an object has had so far.
#[derive(Default)]
struct Names<'a> {
    first: Vec<Cow<'a, str>>,
    rest: BTreeSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// How many are looked through one by one, which is quicker than a tree as long as there are few.
    const FEW: usize = 16;

    /// Whether the name is new.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
        if self.first.contains(&name) {
            return false;
        }
        if self.first.len() < Self::FEW {
            self.first.push(name);
            return true;
        }
        self.rest.insert(name)
    }
}

/// A member's name, borrowed from the text where it holds no escape.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_member_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(REPEATED), "{text}");
        }
        assert!(object(br#"{"a":{"a":[{"a":1},{"a":1}]}}"#).is_ok());
        let many: Vec<_> = (0..40).map(|n| format!(r#""{n}":0"#)).collect();
        for again in 0..40 {
            let text = format!(r#"{{{},"{again}":0}}"#, many.join(","));
            assert_eq!(object(text.as_bytes()), Err(REPEATED), "{text}");
        }
        assert!(object(format!("{{{}}}", many.join(",")).as_bytes()).is_ok());
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| {
            let inner = depth - 1;
            format!(r#"{{"a":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
        };
        assert!(object(nested(usize::from(MAX_DEPTH)).as_bytes()).is_ok());
        for depth in [usize::from(MAX_DEPTH) + 1, 100_000] {
            assert_eq!(object(nested(depth).as_bytes()), Err(TOO_DEEP), "{depth}");
        }
    }

    #[test]
    fn only_an_object_and_nothing_after_it() {
        for text in ["[]", "1", "\"{}\"", "null"] {
            assert_eq!(object(text.as_bytes()), Err("not a JSON object"), "{text}");
        }
        for text in [
            "",
            "{",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            "{'a':1}",
            "{\"a\":1e400}",
        ] {
            assert_eq!(object(text.as_bytes()), Err("not JSON"), "{text}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err("not JSON"));
        assert_eq!(object(br#"{"a":"\ud800"}"#), Err("not JSON"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }
    }
}
