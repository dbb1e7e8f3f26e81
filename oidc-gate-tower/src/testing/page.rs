use super::browser::Initiator;
use http::{HeaderMap, StatusCode, header};
use std::fmt;
use url::Url;

/// What a [`Browser`](super::Browser) has arrived at.
#[derive(Clone)]
#[non_exhaustive]
pub struct Page {
    /// Its address, after all redirects, fragment included.
    pub url: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
    /// Every address on the way and its status; the page itself is the last.
    pub history: Vec<(String, StatusCode)>,
}

impl Page {
    /// The text as JSON.
    ///
    /// # Panics
    ///
    /// If it is none. Says what it is.
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {self:?}"),
        }
    }

    pub(super) fn initiator(&self) -> Initiator {
        // A page has been opened at this address, so it is one.
        let url = match Url::parse(&self.url) {
            Ok(url) => url,
            Err(error) => panic!("{:?} is no address: {error}", self.url),
        };
        let hides = self
            .headers
            .get(header::REFERRER_POLICY)
            .is_some_and(|policy| policy == "no-referrer");
        Initiator { url, hides }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.url, self.status)?;
        for (url, status) in &self.history {
            writeln!(f, "  {status} {url}")?;
        }
        f.write_str(&self.body)
    }
}
