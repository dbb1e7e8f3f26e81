//! What a browser is told to forget.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What a browser is told to forget of this origin when a session ends
/// ([Clear Site Data](https://www.w3.org/TR/clear-site-data/)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the specification names these")]
pub enum SiteData {
    /// What the browser has kept of answers. Clearing it can take seconds.
    Cache,
    /// All cookies, and not of this host alone but of the whole registrable domain: also those of other applications below
    /// `example.com`.
    Cookies,
    /// Local storage, databases and service workers.
    Storage,
    /// Every open page of this origin is loaded anew.
    ExecutionContexts,
}

impl SiteData {
    const ALL: [Self; 4] = [
        Self::Cache,
        Self::Cookies,
        Self::Storage,
        Self::ExecutionContexts,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Cache => "\"cache\"",
            Self::Cookies => "\"cookies\"",
            Self::Storage => "\"storage\"",
            Self::ExecutionContexts => "\"executionContexts\"",
        }
    }
}

/// Some of them, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SiteDataSet([bool; SiteData::ALL.len()]);

impl FromIterator<SiteData> for SiteDataSet {
    fn from_iter<I: IntoIterator<Item = SiteData>>(data: I) -> Self {
        let named: Vec<_> = data.into_iter().collect();
        Self(SiteData::ALL.map(|one| named.contains(&one)))
    }
}

impl SiteDataSet {
    fn iter(self) -> impl Iterator<Item = SiteData> {
        let both = SiteData::ALL.into_iter().zip(self.0);
        both.filter_map(|(one, is_in)| is_in.then_some(one))
    }

    /// Without the cookies: one of them has to last until the browser is back from the provider.
    pub(crate) fn but_cookies(self) -> Self {
        self.iter()
            .filter(|one| *one != SiteData::Cookies)
            .collect()
    }

    /// The cookies alone, if they are among them.
    pub(crate) fn cookies(self) -> Self {
        self.iter()
            .filter(|one| *one == SiteData::Cookies)
            .collect()
    }

    /// Tells the browser, if there is something to tell.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        if self == Self::default() {
            return;
        }
        let words: Vec<_> = self.iter().map(SiteData::word).collect();
        if let Ok(value) = HeaderValue::try_from(words.join(", ")) {
            headers.insert(CLEAR_SITE_DATA, value);
        }
    }
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[cfg(test)]
mod tests {
    use super::*;

    fn told(set: SiteDataSet) -> String {
        let mut headers = HeaderMap::new();
        set.tell(&mut headers);
        let value = headers.get("clear-site-data");
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_is_told_once_in_quotes_and_none_not_at_all() {
        let all: SiteDataSet = SiteData::ALL
            .into_iter()
            .rev()
            .chain(SiteData::ALL)
            .collect();
        let text = r#""cache", "cookies", "storage", "executionContexts""#;
        assert_eq!(told(all), text);
        assert_eq!(told(all.but_cookies()), text.replace("\"cookies\", ", ""));
        assert_eq!(told(all.cookies()), "\"cookies\"");
        let cache: SiteDataSet = [SiteData::Cache].into_iter().collect();
        assert_eq!(told(cache.cookies()), "");
        assert_eq!(told(SiteDataSet::default()), "");
    }
}
