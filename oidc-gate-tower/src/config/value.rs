//! What a source says: a value, and where it stands.

use std::{fmt, sync::Arc};

/// Whose names are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Our own.
    Own,
    /// Those of oauth2-proxy.
    OAuth2Proxy,
}

/// Where something was said: the name as it was written there, and the line if it was a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) line: Option<(Arc<str>, usize)>,
}

impl Place {
    /// A variable of the environment.
    pub(crate) fn variable(name: impl Into<String>, family: Family) -> Self {
        Self {
            name: name.into(),
            family,
            line: None,
        }
    }

    /// No place at all: nobody said it, and it is what oauth2-proxy does then.
    #[cfg(feature = "config")]
    pub(crate) fn assumed(option: &str) -> Self {
        Self::variable(format!("{option} (assumed)"), Family::OAuth2Proxy)
    }

    /// What another of our settings is called by whoever speaks like this.
    pub(crate) fn beside(&self, key: &str) -> String {
        match (self.family, &self.line) {
            (Family::Own, None) => variable_of(key),
            (Family::Own, Some(_)) => key.to_owned(),
            // Client id and secret have the same names there.
            (Family::OAuth2Proxy, None) => format!("OAUTH2_PROXY_{}", key.to_uppercase()),
            (Family::OAuth2Proxy, Some(_)) => key.to_owned(),
        }
    }
}

/// The variable that says the setting.
pub(crate) fn variable_of(key: &str) -> String {
    format!("OIDC_GATE_{}", key.to_uppercase())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.line {
            Some((file, line)) => write!(f, " ({file}:{line})"),
            None => Ok(()),
        }
    }
}

/// Something, and where it was said.
#[derive(Clone, Debug)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T> Said<T> {
    pub(crate) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// Read as something else. What is wrong is told with the place.
    pub(crate) fn read<U>(
        self,
        read: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Said<U>, String> {
        let Self { value, place } = self;
        match read(value) {
            Ok(value) => Ok(Said { value, place }),
            Err(problem) => Err(format!("{place}: {problem}")),
        }
    }
}

/// A value as a source has it. Has no `Debug`: it may be a secret.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "config"),
    expect(dead_code, reason = "variables are text")
)]
pub(crate) enum Value {
    /// A variable, or a text in a file.
    Text(String),
    Number,
    Bool(bool),
    List(Vec<Value>),
    Table(Vec<Said<(String, Value)>>),
    /// What no setting is: a date, a fraction.
    Other(&'static str),
}

impl Value {
    /// What kind of thing it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    /// As it was written, for the report. Not for secrets; an address with a password is left out.
    #[cfg(feature = "config")]
    pub(crate) fn shown(&self) -> String {
        match self {
            // Where an address may hold a password, among others in one text.
            Self::Text(text) if text.contains("://") && text.contains('@') => "\"***\"".to_owned(),
            Self::Text(text) => format!("{text:?}"),
            Self::Bool(flag) => flag.to_string(),
            Self::List(list) => format!(
                "[{}]",
                list.iter().map(Self::shown).collect::<Vec<_>>().join(", ")
            ),
            other => other.kind().to_owned(),
        }
    }

    /// Whether it says nothing, as a blank in a compose file does.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::List(list) => list.iter().all(Self::is_blank),
            _ => false,
        }
    }
}
