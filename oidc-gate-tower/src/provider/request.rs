//! What is asked of the provider.

use super::Provider;
use crate::core::login::ResponseMode;

/// What an authorization request holds beside what every one has to.
#[derive(Clone, Debug)]
pub(crate) struct RequestSettings {
    pub(crate) scopes: Vec<String>,
    pub(crate) response_mode: ResponseMode,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            scopes: ["openid", "profile", "email"].map(String::from).into(),
            response_mode: ResponseMode::default(),
        }
    }
}

impl Provider {
    /// The scopes to ask for. `openid` is added if it is missing.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.request.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

impl Provider {
    /// How the provider hands its answers back; in the query of a redirect unless set.
    ///
    /// With [`ResponseMode::FormPost`] the code stands in no address, and so in no log of requests. A provider that does
    /// not list it in `response_modes_supported` is not asked: the login ends before it begins, with
    /// `provider.response_mode_unsupported`.
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.request.response_mode = mode;
        self
    }
}

impl RequestSettings {
    /// What is wrong with them, each as `setting: problem`.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let word = |text: &String| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        if self.scopes.is_empty() {
            problems
                .push("scopes: empty; leave the setting out for `openid profile email`".to_owned());
        }
        for scope in self.scopes.iter().filter(|scope| !word(scope)) {
            problems.push(format!(
                "scopes: {scope:?} is no scope; give each scope as a text of its own"
            ));
        }
        problems
    }
}
