//! Where configuration comes from.

use super::{
    file,
    settings::NO_UNICODE,
    value::{Family, Place, Said, Value},
};
use std::{ffi::OsString, fmt};

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

    /// The variables of this process. One of the gate's that is no Unicode is a problem.
    pub fn from_env() -> Self {
        Self::new().variables(std::env::vars_os())
    }

    fn variables(mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut readable = Vec::new();
        for (name, value) in variables {
            let shown = name.to_string_lossy().into_owned();
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => readable.push((name, value)),
                _ if shown.starts_with(OWN) || shown.starts_with(THEIRS) => {
                    self.problems.push(format!("{shown}: {NO_UNICODE}"));
                }
                _ => {}
            }
        }
        self.env(readable)
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
        // A blank variable is one that nobody set. A file says what it says: of a restriction, that nobody is meant.
        said.retain(|said| {
            let (key, value) = &said.value;
            !value.is_blank() || said.place.line.is_some() && restricts(key)
        });
        said
    }

    /// What could not be read at all.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }
}

const OWN: &str = "OIDC_GATE_";
const THEIRS: &str = "OAUTH2_PROXY_";

/// Whether the setting, in either family, lets in fewer than there would be without it.
fn restricts(key: &str) -> bool {
    const NAMES: &[&str] = &[
        "protect",
        "bearer_audiences",
        "authenticated_emails_file",
        "email_domain",
        "email_domains",
    ];
    key.starts_with("allowed_") || NAMES.contains(&key)
}

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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_variable_of_the_gate_that_is_no_unicode_is_a_problem_and_hides_nothing_as_missing() {
        let garbled = || OsString::from_vec(vec![b'x', 0xff]);
        let named = |name: &str| (OsString::from(name), garbled());
        let sources = Sources::new().variables(
            [
                named("OIDC_GATE_ALLOWED_GROUPS"),
                named("OAUTH2_PROXY_CONFIG"),
                named("PATH"),
            ]
            .into_iter(),
        );
        let error = Config::read(sources).unwrap_err();
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            [
                "OIDC_GATE_ALLOWED_GROUPS: is no Unicode; write it anew",
                "OAUTH2_PROXY_CONFIG: is no Unicode; write it anew",
            ]
        );
    }
}
