//! Reading metadata, member by member.

use super::endpoint::{About, Endpoint};
use crate::check::{Check, CheckFailed, quote};
use crate::jose::Alg;
use crate::url::{EndpointUrl, Issuer, UrlError};
use serde_json::{Map, Value};
use std::cell::RefCell;

/// What is wrong with a document: the first fault, and the others.
pub(super) struct Faults(pub(super) CheckFailed, pub(super) Vec<CheckFailed>);

impl Faults {
    /// What a document that lacks something, and of which nothing is said to be wrong, would come to.
    pub(super) fn incomplete() -> Self {
        Self(malformed("incomplete"), Vec::new())
    }

    fn of(faults: Vec<CheckFailed>) -> Option<Self> {
        let mut faults = faults.into_iter();
        faults.next().map(|first| Self(first, faults.collect()))
    }
}

/// Reads each member by itself and writes down what is wrong with it, so that one fault does not hide the next.
pub(super) struct Members {
    members: Map<String, Value>,
    is_remote: bool,
    faults: RefCell<Vec<CheckFailed>>,
}

impl Members {
    /// A document that is to be of `issuer`.
    pub(super) fn of(members: Map<String, Value>, issuer: &Issuer) -> Self {
        let members = Self {
            members,
            // http is for a provider on this machine; one elsewhere has no business naming an address here, where the
            // client's secret would go.
            is_remote: issuer.as_str().starts_with("https://"),
            faults: RefCell::default(),
        };
        members.expect_issuer(issuer);
        members
    }

    /// What was wrong with what has been read.
    pub(super) fn into_faults(self) -> Option<Faults> {
        Faults::of(self.faults.into_inner())
    }

    fn fault<T>(&self, fault: CheckFailed) -> Option<T> {
        self.faults.borrow_mut().push(fault);
        None
    }

    /// [RFC 8414 § 3.3](https://www.rfc-editor.org/rfc/rfc8414#section-3.3): identical, or nothing of it is used.
    fn expect_issuer(&self, issuer: &Issuer) {
        match self.get("issuer").map(Value::as_str) {
            Some(Some(named)) if named == issuer.as_str() => {}
            Some(Some(named)) => drop(self.fault::<()>(CheckFailed::new(
                Check::ProviderIssuer,
                format!("expected {}, got {}", quote(issuer.as_str()), quote(named)),
            ))),
            Some(None) => drop(self.fault::<()>(wrong("issuer", "is not text"))),
            None => drop(self.fault::<()>(missing("issuer"))),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn required_url(&self, name: &str) -> Option<EndpointUrl> {
        match self.get(name) {
            Some(_) => self.url(name),
            None => self.fault(missing(name)),
        }
    }

    pub(super) fn url(&self, name: &str) -> Option<EndpointUrl> {
        let Some(text) = self.get(name)?.as_str() else {
            return self.fault(wrong(name, "is not text"));
        };
        self.url_of(name, text)
    }

    fn url_of(&self, name: &str, text: &str) -> Option<EndpointUrl> {
        match EndpointUrl::parse(text) {
            Ok(url) if self.is_remote && !url.as_str().starts_with("https://") => self.fault(
                wrong(name, "is http, and the issuer is not on this machine"),
            ),
            Ok(url) => Some(url),
            // It may hold a password.
            Err(error @ UrlError::Userinfo) => self.fault(wrong(name, &error.to_string())),
            Err(error) => self.fault(wrong(name, &format!("{error}, got {}", quote(text)))),
        }
    }

    /// The address under which an endpoint asks for certificates, if it has one.
    fn mtls_alias(&self, name: &str) -> Option<EndpointUrl> {
        const ALIASES: &str = "mtls_endpoint_aliases";
        let Some(aliases) = self.get(ALIASES)?.as_object() else {
            return self.fault(wrong(ALIASES, "is not an object"));
        };
        let alias = aliases.get(name).filter(|alias| !alias.is_null())?;
        let Some(text) = alias.as_str() else {
            return self.fault(wrong(ALIASES, "holds what is not text"));
        };
        self.url_of(ALIASES, text)
    }

    /// What is said of an endpoint, and of how clients authenticate there. Requests are pushed and devices ask as at the
    /// token endpoint, so nothing is registered for these two.
    pub(super) fn about(&self, endpoint: Endpoint) -> About {
        let member = endpoint.member();
        let before = self.faults.borrow().len();
        let (auth_methods, auth_algs) = match endpoint {
            Endpoint::PushedAuthorizationRequest | Endpoint::DeviceAuthorization => (None, None),
            Endpoint::Token | Endpoint::Introspection | Endpoint::Revocation => (
                self.list(&format!("{member}_auth_methods_supported")),
                self.list(&format!("{member}_auth_signing_alg_values_supported")),
            ),
        };
        let about = About {
            // That of tokens is required, and has been read as such.
            url: match endpoint {
                Endpoint::Token => None,
                _ => self.url(member),
            },
            mtls_alias: self.mtls_alias(member),
            auth_methods,
            auth_algs: auth_algs
                .map(|names| names.iter().filter_map(|n| Alg::from_name(n)).collect()),
            fault: None,
        };
        match endpoint {
            Endpoint::Token => about,
            // Nobody has to be kept from signing in by what is wrong with an endpoint that a login does without.
            _ => About {
                fault: self.faults.borrow_mut().drain(before..).next(),
                ..about
            },
        }
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.get(name)?.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>()
        });
        items.or_else(|| self.fault(wrong(name, "is not a list of texts")))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        let flag = self.get(name).map(Value::as_bool);
        match flag {
            Some(Some(flag)) => flag,
            Some(None) => self
                .fault(wrong(name, "is neither true nor false"))
                .unwrap_or_default(),
            None => false,
        }
    }
}

pub(super) fn malformed(cause: &str) -> CheckFailed {
    CheckFailed::new(Check::MetadataMalformed, cause.to_owned())
}

fn missing(name: &str) -> CheckFailed {
    wrong(name, "is missing")
}

fn wrong(name: &str, what: &str) -> CheckFailed {
    malformed(&format!("`{name}` {what}"))
}
