//! The address that takes a request through a browser to the provider.

use crate::{
    check::{Check, CheckFailed, quote},
    form,
};

/// An endpoint's address, to which parameters are being added.
///
/// The endpoint's own query has to be kept, and no parameter may occur twice
/// ([RFC 6749 § 3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)): where a name is in both, the two cannot be had
/// together.
pub(crate) struct RequestUrl<'a> {
    /// What the provider calls the endpoint.
    member: &'static str,
    /// Its own query.
    own: &'a str,
    /// What stands before the next parameter.
    before: char,
    text: String,
}

impl<'a> RequestUrl<'a> {
    /// The endpoint that the provider's metadata has as `member`.
    pub(crate) fn new(member: &'static str, endpoint: &'a str) -> Self {
        let before = match endpoint.contains('?') {
            true => '&',
            false => '?',
        };
        Self {
            before,
            ..Self::resumed(member, endpoint, endpoint, 256)
        }
    }

    /// The same, with what was added before and [finished](Self::finish), and room for so many bytes more.
    pub(crate) fn resumed(
        member: &'static str,
        endpoint: &'a str,
        text: &str,
        room: usize,
    ) -> Self {
        let mut all = String::with_capacity(text.len() + room);
        all.push_str(text);
        Self {
            member,
            own: endpoint.split_once('?').map_or("", |(_, query)| query),
            before: '&',
            text: all,
        }
    }

    /// Adds a parameter.
    ///
    /// # Errors
    ///
    /// [`Check::MetadataMalformed`] where the endpoint's own query has it already.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), CheckFailed> {
        form::encode_into(value, self.begin(name)?);
        Ok(())
    }

    /// As [`add`](Self::add), of a value that needs no escapes: what is base64url stands for itself.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn add_plain(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut String),
    ) -> Result<(), CheckFailed> {
        value(self.begin(name)?);
        Ok(())
    }

    /// The address with all of it.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn begin(&mut self, name: &str) -> Result<&mut String, CheckFailed> {
        self.check(name)?;
        self.text.push(std::mem::replace(&mut self.before, '&'));
        form::encode_into(name, &mut self.text);
        self.text.push('=');
        Ok(&mut self.text)
    }

    fn check(&self, ours: &str) -> Result<(), CheckFailed> {
        let pairs = self.own.split('&').filter(|pair| !pair.is_empty());
        for pair in pairs {
            let name = pair.split('=').next().unwrap_or_default();
            let decoded = form::decode(name.as_bytes());
            let name = decoded.as_deref().unwrap_or(name);
            if ours.eq_ignore_ascii_case(name) {
                let cause = format!(
                    "`{}` has the parameter {} already, and the request has to set it",
                    self.member,
                    quote(name)
                );
                return Err(CheckFailed::new(Check::MetadataMalformed, cause));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(endpoint: &str, pairs: &[(&str, &str)]) -> Result<String, String> {
        let mut url = RequestUrl::new("an_endpoint", endpoint);
        for (name, value) in pairs {
            url.add(name, value).map_err(|e| e.cause().to_owned())?;
        }
        Ok(url.finish())
    }

    #[test]
    fn what_the_endpoint_has_stays_before_what_is_added() {
        for (endpoint, expected) in [
            ("https://id/a", "https://id/a?x=1+2&a%3Db=%26&r=1&r=2"),
            (
                "https://id/a?t=1",
                "https://id/a?t=1&x=1+2&a%3Db=%26&r=1&r=2",
            ),
            ("https://id/a?", "https://id/a?&x=1+2&a%3Db=%26&r=1&r=2"),
        ] {
            let pairs = [("x", "1 2"), ("a=b", "&"), ("r", "1"), ("r", "2")];
            assert_eq!(with(endpoint, &pairs).unwrap(), expected);
        }
        let mut url = RequestUrl::new("an_endpoint", "https://id/a");
        url.add_plain("x", |text| *text += "a-_.b").unwrap();
        let begun = url.finish();
        assert_eq!(begun, "https://id/a?x=a-_.b");
        let mut url = RequestUrl::resumed("an_endpoint", "https://id/a", &begun, "&y=1".len());
        url.add("y", "1").unwrap();
        let whole = url.finish();
        assert_eq!(whole, "https://id/a?x=a-_.b&y=1");
        assert_eq!(whole.capacity(), whole.len());
    }

    #[test]
    fn what_both_have_is_refused_however_it_is_written() {
        for endpoint in [
            "https://id/a?state=1",
            "https://id/a?t=1&STATE",
            "https://id/a?&st%61te=x",
        ] {
            let cause = with(endpoint, &[("x", "1"), ("state", "s")]).unwrap_err();
            assert!(cause.starts_with("`an_endpoint` has the parameter \""));
            assert!(with(endpoint, &[("states", "s"), ("stat", "")]).is_ok());
        }
    }
}
