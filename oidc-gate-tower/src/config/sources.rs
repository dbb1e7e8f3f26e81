//! Where configuration comes from.

use super::{
    file,
    value::{Family, Place, Said, Value},
};
use std::fmt;

/// Texts and variables that a [`Config`](super::Config) is read from.
///
/// What the environment says wins over a file of the same names. What two families of names both say is a problem: which of
/// them was forgotten cannot be known.
#[derive(Clone, Default)]
#[must_use]
pub struct Sources {
    files: Vec<(Family, String, String)>,
    variables: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Sources {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variables of this process. Those that are no Unicode say nothing.
    pub fn from_env() -> Self {
        let variables = std::env::vars_os();
        Self::new().env(variables.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// A text in TOML with [our own names](super::reference), called `name` in errors.
    pub fn toml(mut self, text: impl Into<String>, name: impl Into<String>) -> Self {
        self.files.push((Family::Own, name.into(), text.into()));
        self
    }

    /// A text in TOML with oauth2-proxy's names, called `name` in errors.
    pub fn oauth2_proxy_cfg(mut self, text: impl Into<String>, name: impl Into<String>) -> Self {
        self.files
            .push((Family::OAuth2Proxy, name.into(), text.into()));
        self
    }

    /// Variables: `OIDC_GATE_…` and `OAUTH2_PROXY_…`. `OIDC_GATE_CONFIG` and `OAUTH2_PROXY_CONFIG` name files, which are
    /// read.
    pub fn env(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        for (name, value) in variables {
            let (name, value) = (name.into(), value.into());
            let family = match name.as_str() {
                "OIDC_GATE_CONFIG" => Family::Own,
                "OAUTH2_PROXY_CONFIG" => Family::OAuth2Proxy,
                _ if name.starts_with(OWN) || name.starts_with(THEIRS) => {
                    self.variables.push((name, value));
                    continue;
                }
                _ => continue,
            };
            let path = value.trim();
            if path.is_empty() {
                continue;
            }
            match std::fs::read_to_string(path) {
                Ok(text) => self.files.push((family, path.to_owned(), text)),
                Err(error) => self
                    .problems
                    .push(format!("{name}: {path:?} cannot be read: {error}")),
            }
        }
        self
    }

    /// Everything that is said in one family: files first, as the environment wins over them.
    pub(super) fn said(
        &self,
        family: Family,
        problems: &mut Vec<String>,
    ) -> Vec<Said<(String, Value)>> {
        let mut said = Vec::new();
        for (_, name, text) in self.files.iter().filter(|(of, ..)| *of == family) {
            said.extend(file::read(text, name, family, problems));
        }
        let prefix = match family {
            Family::Own => OWN,
            Family::OAuth2Proxy => THEIRS,
        };
        let mut variables: Vec<_> = self.variables.iter().collect();
        variables.sort();
        for (name, value) in variables {
            let Some(key) = name.strip_prefix(prefix) else {
                continue;
            };
            if !is_of_kubernetes(key) {
                let place = Place::variable(name, family);
                said.push(Said::new(
                    (key.to_lowercase(), Value::Text(value.clone())),
                    place,
                ));
            }
        }
        said.retain(|said| !said.value.1.is_blank());
        said
    }

    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }
}

const OWN: &str = "OIDC_GATE_";
const THEIRS: &str = "OAUTH2_PROXY_";

/// What Kubernetes puts into every container beside a service called `oidc-gate` or `oauth2-proxy`: `…_SERVICE_HOST`,
/// `…_PORT`, `…_PORT_4180_TCP_ADDR`.
fn is_of_kubernetes(key: &str) -> bool {
    let port = key.strip_prefix("PORT").is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('_')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    key == "SERVICE_HOST" || key == "SERVICE_PORT" || key.starts_with("SERVICE_PORT_") || port
}

/// The names alone: what they say may be secret.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.iter().map(|(_, name, _)| name);
        f.debug_set()
            .entries(files)
            .entries(self.variables.iter().map(|(name, _)| name))
            .finish()
    }
}
