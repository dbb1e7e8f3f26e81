//! The configuration as a whole.

use super::{
    reader::Reader,
    report::Report,
    server::Server,
    settings::Settings,
    sources::Sources,
    value::{Family, Place, Said},
};
use crate::{ConfigError, Gate, GateBuilder};
use std::fmt;

/// What the environment and files say about a gate and the process around it.
///
/// ```
/// use oidc_gate_tower::config::{Config, Sources};
///
/// let text = r#"
///     issuer_url = "https://id.example.com"
///     client_id = "my-app"
///     client_secret = "…"
///     base_url = "https://app.example.com"
///     cookie_secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
///     open = ["/", "/shop/**"]
///
///     [[rule]]
///     prefix = "/admin"
///     require = { group = "admins", max_age = "15m" }
/// "#;
/// let config = Config::read(Sources::new().toml(text, "gate.toml"))?;
/// let gate = config.gate().build()?;
/// println!("{}", config.report());
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
///
/// Two families of names are understood, each as variables and as a file in TOML: our own, which [`reference`](super::reference)
/// lists, and those of oauth2-proxy, which [`from_oauth2_proxy`](super::from_oauth2_proxy) maps one by one.
///
/// Within a family the environment wins over the file. Both families may be used at once, but not for one setting.
#[derive(Clone)]
pub struct Config {
    settings: Settings,
    server: Server,
    report: Report,
}

impl Config {
    /// Reads the variables of this process, and the files that `OIDC_GATE_CONFIG` and `OAUTH2_PROXY_CONFIG` name.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Sources::from_env())
    }

    /// Reads the sources. Files that they name are read, and nothing else is done.
    ///
    /// # Errors
    ///
    /// Everything that cannot be meant, each with the name and the place, and what would be wrong with the gate. What is
    /// only missing is told by [`GateBuilder::build`], because the code may still say it. No problem shows a secret.
    pub fn read(sources: Sources) -> Result<Self, ConfigError> {
        let mut reader = Reader::read(&sources);
        let server = (reader.server).server(reader.settings.asked_by, &mut reader.problems);
        reader.assume_base_url(&server);
        let config = Self {
            settings: reader.settings,
            server,
            report: reader.report,
        };
        if reader.problems.is_empty() {
            return Ok(config);
        }
        let mut problems = reader.problems;
        problems.extend(config.gate().rehearse());
        Err(ConfigError::new(problems))
    }

    /// A gate of which all this is said, to be configured further.
    pub fn gate(&self) -> GateBuilder {
        Gate::builder().said(self.settings.clone())
    }

    /// What concerns the process around the gate.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What became of what was said.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl Reader {
    /// Whoever says where to listen and not where browsers find it, tries it on this machine.
    fn assume_base_url(&mut self, server: &Server) {
        // A gate that takes bearer tokens alone has no use for one.
        let listens = self.server.address.is_some() && self.settings.client_id.is_some();
        let is_asked = listens || self.settings.asked_by == Some(Family::OAuth2Proxy);
        if self.settings.base_url.is_some()
            || self.settings.failed.contains(&"base_url")
            || !is_asked
        {
            return;
        }
        let scheme = if server.tls().is_some() {
            "https"
        } else {
            "http"
        };
        let url = match (scheme, server.port()) {
            ("https", 443) | ("http", 80) => format!("{scheme}://localhost"),
            (_, port) => format!("{scheme}://localhost:{port}"),
        };
        let (name, call, family) = match self.settings.asked_by {
            Some(family @ Family::OAuth2Proxy) => {
                ("OAUTH2_PROXY_REDIRECT_URL", "redirect_url", family)
            }
            _ => ("OIDC_GATE_BASE_URL", "base_url", Family::Own),
        };
        self.report.assumed.push(format!(
            "base_url: {url}, for a browser on this machine; say {call} ({name}) where others use it"
        ));
        self.settings.base_url = Some(Said::new(url, Place::variable(name, family)));
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("server", &self.server)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
