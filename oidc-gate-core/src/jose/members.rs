//! The members of a JSON object, where they lie in its text: read when somebody asks for one, and as strictly as
//! [`json::object`](super::json::object) reads them all.
//!
//! A token has some twenty claims, and a few of them are looked at. Made into values of their own they would be seventy
//! allocations; this is one.

use super::json::{self, Name};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Number, Value, value::RawValue};
use std::{borrow::Cow, fmt, ops::Range};

/// The members of an object, in the order of their names.
#[derive(Clone)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Member<'a>)>);

/// What a member says: JSON.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a>(&'a str);

/// An object's text, and where in it the members are: what stays of [`Members`] that have to outlive a call.
pub(crate) struct Object {
    text: String,
    places: Vec<(PlacedName, Range<usize>)>,
}

enum PlacedName {
    At(Range<usize>),
    /// With an escape in the text.
    Read(Box<str>),
}

impl Object {
    /// As [`Members::strict`].
    pub(crate) fn strict(text: Vec<u8>) -> Result<Self, &'static str> {
        let text = String::from_utf8(text).map_err(|_| "not JSON")?;
        let members = Members::strict(text.as_bytes())?;
        let place = |part: &str| {
            let start = part.as_ptr().addr() - text.as_ptr().addr();
            start..start + part.len()
        };
        let name = |name: &Cow<'_, str>| match name {
            Cow::Borrowed(name) => PlacedName::At(place(name)),
            Cow::Owned(name) => PlacedName::Read(name.as_str().into()),
        };
        let places = (members.0.iter()).map(|(of, value)| (name(of), place(value.json())));
        let places = places.collect();
        Ok(Self { text, places })
    }

    /// Its members.
    pub(crate) fn members(&self) -> Members<'_> {
        Members(
            self.iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// What the member of that name says.
    pub(crate) fn get(&self, name: &str) -> Option<Member<'_>> {
        let (_, value) = self.iter().find(|(here, _)| *here == name)?;
        Some(value)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, Member<'_>)> {
        let at = |place: &Range<usize>| self.text.get(place.clone()).unwrap_or_default();
        self.places.iter().map(move |(name, value)| {
            let name = match name {
                PlacedName::At(place) => at(place),
                PlacedName::Read(name) => name,
            };
            (name, Member(at(value)))
        })
    }
}

impl<'a> Members<'a> {
    /// The object that `bytes` are, if they are one and say everything once, at any depth.
    ///
    /// The error is fit for a log: it names the kind of fault and never quotes.
    pub(crate) fn strict(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let members = Self::read(bytes).map_err(|error| match error.is_data() {
            true => "not a JSON object",
            false => "not JSON",
        })?;
        if members.0.windows(2).any(|pair| match pair {
            [(one, _), (next, _)] => one == next,
            _ => false,
        }) {
            return Err(json::REPEATED);
        }
        if members.has(json::SIGN) {
            return Err(json::RESERVED);
        }
        for (_, value) in &members.0 {
            // Of a text without an escape its end is found only if nothing is wrong with it.
            if value.plain_text().is_none() {
                json::within_object(value.json())?;
            }
        }
        Ok(members)
    }

    /// The same of bytes that are known to be such an object, so that nothing is left to find.
    pub(crate) fn read(bytes: &'a [u8]) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let mut members = All.deserialize(&mut reader)?;
        reader.end()?;
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self(members))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(here, _)| here.as_ref().cmp(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Member<'a>> {
        let (_, value) = self.0.get(self.place(name).ok()?)?;
        Some(*value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Member<'a>> {
        let at = self.place(name).ok()?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn set(&mut self, name: &'a str, value: Member<'a>) {
        self.remove(name);
        let at = self.place(name).unwrap_or_else(|at| at);
        self.0.insert(at, (name.into(), value));
    }

    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| wanted(name));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object as text.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let long = |(name, value): &(Cow<'_, str>, Member<'_>)| name.len() + value.json().len() + 4;
        let mut json = Vec::with_capacity(2 + self.0.iter().map(long).sum::<usize>());
        json.push(b'{');
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            serde_json::to_writer(&mut json, name)?;
            json.push(b':');
            json.extend_from_slice(value.json().as_bytes());
        }
        json.push(b'}');
        String::from_utf8(json).map_err(serde::ser::Error::custom)
    }

    /// Each as a value of its own.
    pub(crate) fn to_map(&self) -> serde_json::Result<Map<String, Value>> {
        let value = |(name, value): &(Cow<'a, str>, Member<'a>)| {
            Ok((name.to_string(), serde_json::from_str(value.json())?))
        };
        self.0.iter().map(value).collect()
    }
}

impl<'a> Member<'a> {
    /// As it is written.
    pub(crate) fn json(self) -> &'a str {
        self.0
    }

    /// The text that it is.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.plain_text() {
            Some(text) => Some(text.into()),
            None if self.json().starts_with('"') => {
                serde_json::from_str(self.json()).ok().map(Cow::Owned)
            }
            None => None,
        }
    }

    /// The same of a text that has no escape in it.
    fn plain_text(self) -> Option<&'a str> {
        let inside = self.json().strip_prefix('"')?.strip_suffix('"')?;
        (!inside.as_bytes().contains(&b'\\')).then_some(inside)
    }

    pub(crate) fn number(self) -> Option<Number> {
        serde_json::from_str(self.json()).ok()
    }

    pub(crate) fn boolean(self) -> Option<bool> {
        match self.json() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self.json() == "null"
    }

    /// The items of the list that it is.
    pub(crate) fn items(self) -> Option<Vec<Member<'a>>> {
        let list = self.json().starts_with('[');
        list.then(|| serde_json::from_str(self.json()).ok())?
    }

    /// What its own member of that name says, if it is an object and has one.
    pub(crate) fn member(self, name: &str) -> Option<Member<'a>> {
        if !self.json().starts_with('{') {
            return None;
        }
        let mut reader = serde_json::Deserializer::from_str(self.json());
        One(name).deserialize(&mut reader).ok()?
    }
}

impl<'a> From<&'a RawValue> for Member<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(from).map(Self::from)
    }
}

/// Takes every member.
struct All;

impl<'de> DeserializeSeed<'de> for All {
    type Value = Vec<(Cow<'de, str>, Member<'de>)>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for All {
    type Value = Vec<(Cow<'de, str>, Member<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        // As many as tokens have; more take another allocation.
        let mut all = Vec::with_capacity(32);
        while let Some((Name(name), value)) = members.next_entry()? {
            all.push((name, value));
        }
        Ok(all)
    }
}

/// Takes the member of that name and leaves the others where they are.
struct One<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Option<Member<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Option<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Name(name)) = members.next_key()? {
            if name == self.0 {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::to_raw_value;

    fn of(text: &str) -> Members<'_> {
        Members::strict(text.as_bytes()).unwrap()
    }

    /// What is taken is what [`json::object`] takes, and says the same.
    fn alike(bytes: &[u8]) {
        match (Members::strict(bytes), json::object(bytes)) {
            (Ok(members), Ok(object)) => {
                assert_eq!(members.to_map().unwrap(), object);
                let kept = Object::strict(bytes.to_vec()).unwrap();
                assert_eq!(kept.members().to_map().unwrap(), object);
                let text = members.to_json().unwrap();
                assert_eq!(json::object(text.as_bytes()), Ok(object));
            }
            (Err(_), Err(_)) => assert!(Object::strict(bytes.to_vec()).is_err()),
            (here, there) => panic!(
                "{:?}: {:?} {there:?}",
                String::from_utf8_lossy(bytes),
                here.map(|_| ())
            ),
        }
    }

    #[test]
    fn what_is_taken_is_what_is_taken_elsewhere() {
        let deep = |depth| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let many: Vec<_> = (0..100).map(|n| format!(r#""{n}":{n}"#)).collect();
        let many = format!("{{{}}}", many.join(","));
        for text in [
            "",
            "{",
            "{}",
            " {} ",
            "{}{}",
            "{} x",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "\u{feff}{}",
            "{'a':1}",
            "{\"a\":1e400}",
            "{\"a\":[1e400]}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":["\ud800"]}"#,
            r#"{"a":"\ud83d\ude00"}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
            r#"{"a":{"a":[{"a":1},{"a":1}]}}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":-0}"#,
            r#"{"a":1E2}"#,
            r#"{"a":tru}"#,
            r#"{"a":nul}"#,
            "{\"a\":\"\t\"}",
            r#"{"a":"\x"}"#,
            r#"{"a":1,}"#,
            r#"{,}"#,
            r#"{"a"}"#,
            r#"{ "a" : [ 1 , { "b" : null } ] , "c" : "é\n\"" }"#,
            &deep(31),
            &deep(32),
            &deep(500),
            &many,
            r#"{"a":99999999999999999999,"b":-1,"c":0.1,"d":1e-7}"#,
            r#"{"$serde_json::private::RawValue":"{}"}"#,
            r#"{"a":{"$serde_json::private::RawValue":"[1]"}}"#,
            r#"{"a":[{"b":1,"\u0024serde_json::private::RawValue":"1"}]}"#,
            r#"{"a":"$serde_json::private::RawValue"}"#,
        ] {
            alike(text.as_bytes());
        }
        alike(b"{\"a\":\"\xff\"}");
        alike(b"{\"\xff\":1}");
        alike(b"{\"a\":{\"\xff\":1}}");
    }

    #[test]
    fn nobody_brings_in_json_in_a_text() {
        for text in [
            r#"{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}"#,
            r#"{"a":{"$serde_json::private::RawValue":"[1]"}}"#,
            r#"{"a":[{"b":1,"\u0024serde_json::private::RawValue":"1"}]}"#,
        ] {
            let bytes = text.as_bytes();
            let refused = Members::strict(bytes).map(|_| ());
            assert_eq!(refused, Err(json::RESERVED), "{text}");
            assert_eq!(json::object(bytes), Err(json::RESERVED), "{text}");
        }
    }

    #[test]
    fn a_fault_is_told_by_its_kind() {
        for (text, fault) in [
            (r#"{"a":1,"\u0061":2}"#, json::REPEATED),
            (r#"{"x":{"a":1,"a":1}}"#, json::REPEATED),
            ("[]", "not a JSON object"),
            ("{", "not JSON"),
            (r#"{"a":1e400}"#, "not JSON"),
        ] {
            assert_eq!(
                Members::strict(text.as_bytes()).err(),
                Some(fault),
                "{text}"
            );
        }
    }

    #[test]
    fn each_says_what_it_is_and_nothing_else() {
        let all = of(
            r#"{"t":"é\n","p":"plain","q":"\"","n":1.5,"b":false,"z":null,"l":["a",1],"o":{"x":{"y":"deep"}}}"#,
        );
        let text = |name: &str| all.get(name).unwrap().text().map(Cow::into_owned);
        assert_eq!(text("t").as_deref(), Some("é\n"));
        assert_eq!(text("p").as_deref(), Some("plain"));
        assert_eq!(text("q").as_deref(), Some("\""));
        for name in ["n", "b", "z", "l", "o"] {
            assert_eq!(text(name), None, "{name}");
        }
        for name in ["t", "b", "z", "l", "o"] {
            assert!(all.get(name).unwrap().number().is_none(), "{name}");
        }
        assert_eq!(all.get("b").unwrap().boolean(), Some(false));
        assert!(all.get("z").unwrap().is_null() && !all.get("b").unwrap().is_null());
        assert_eq!(all.get("l").unwrap().items().unwrap().len(), 2);
        assert!(all.get("o").unwrap().items().is_none());
        let object = all.get("o").unwrap();
        let deep = object.member("x").unwrap();
        assert_eq!(deep.member("y").unwrap().text().as_deref(), Some("deep"));
        assert!(object.member("y").is_none() && all.get("l").unwrap().member("a").is_none());
        assert!(all.get("x").is_none() && !all.has("x") && all.has("o"));
    }

    #[test]
    fn what_is_taken_out_or_put_in_is_gone_or_there() {
        let (quote, two) = (to_raw_value("\"").unwrap(), to_raw_value("two").unwrap());
        let mut all = of(r#"{"c":3,"a":1,"b":2}"#);
        assert_eq!(all.remove("a").unwrap().json(), "1");
        assert!(all.remove("a").is_none());
        all.set("d", Member::from(&*quote));
        all.set("b", Member::from(&*two));
        assert_eq!(all.to_json().unwrap(), r#"{"b":"two","c":3,"d":"\""}"#);
        all.retain(|name| name == "e");
        assert!(all.is_empty());
    }

    proptest! {
        #[test]
        fn made_up_text_is_taken_as_elsewhere(text in r#"\{("(a|b|\\u0061)":[\[\]{}"a\\0-9eE.,:+ntrufalse-]{0,12},?){0,3}\}"#) {
            alike(text.as_bytes());
        }

        #[test]
        fn made_up_bytes_are_taken_as_elsewhere(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            alike(&bytes);
            alike(&[b"{\"a\":\"", &*bytes, b"\"}"].concat());
        }
    }
}
