//! What an authorization request may hold beside what the gate puts there itself.

use std::fmt;

/// Parameters of the authorization request that the gate knows nothing of: `hd`, `domain_hint`, `kc_idp_hint`,
/// `display`, … Each name once, and none that the gate sets itself or that does not belong into an address.
///
/// ```
/// use oidc_gate_core::login::{ParamError, Params};
/// let mut params = Params::default();
/// params.add("kc_idp_hint", "github")?;
/// assert_eq!(params.add("kc_idp_hint", "google"), Err(ParamError::Repeated));
/// assert!(matches!(params.add("Scope", "admin"), Err(ParamError::Reserved { .. })));
/// # Ok::<_, ParamError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(Box<str>, Box<str>)>);

/// Why a parameter is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamError {
    /// It is not a name in visible ASCII.
    Name,
    /// The name is there already ([RFC 6749 § 3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    Repeated,
    /// The gate sets it itself, or nobody may.
    Reserved {
        /// What to do instead.
        instead: &'static str,
    },
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("is no name of a parameter; write it in visible ASCII"),
            Self::Repeated => f.write_str("is given twice; a request names each parameter once"),
            Self::Reserved { instead } => write!(f, "is not free; {instead}"),
        }
    }
}

impl std::error::Error for ParamError {}

impl Params {
    /// Adds one.
    ///
    /// # Errors
    ///
    /// If the name is empty or not visible ASCII, is there already, or is reserved: see [`check_name`](Self::check_name).
    pub fn add(
        &mut self,
        name: impl Into<Box<str>>,
        value: impl Into<Box<str>>,
    ) -> Result<(), ParamError> {
        let name = name.into();
        Self::check_name(&name)?;
        if self.get(&name).is_some() {
            return Err(ParamError::Repeated);
        }
        self.0.push((name, value.into()));
        Ok(())
    }

    /// Whether a parameter of this name may be set by an application.
    ///
    /// # Errors
    ///
    /// If the name is empty or not visible ASCII, or reserved, in whatever case: there are servers that do not tell
    /// `Scope` from `scope`.
    pub fn check_name(name: &str) -> Result<(), ParamError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ParamError::Name);
        }
        match RESERVED
            .iter()
            .find(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
        {
            Some((_, instead)) => Err(ParamError::Reserved { instead }),
            None => Ok(()),
        }
    }

    /// The value of `name`, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(other, value)| (other == name).then_some(value))
    }

    /// One after the other, as they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// These, and those of `beneath` whose names are not among them.
    pub(super) fn over<'a>(
        &'a self,
        beneath: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let hidden = |name: &str| self.get(name).is_some();
        self.iter()
            .chain(beneath.iter().filter(move |(name, _)| !hidden(name)))
    }
}

impl fmt::Debug for Params {
    // A value may be about a user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// What the gate sets itself or has a setting for, what it does not speak yet, and what would be a secret in an address.
const RESERVED: &[(&str, &str)] = &[
    ("response_type", "it is always `code`"),
    ("client_id", "set the client with `client`"),
    ("redirect_uri", "it is made from `base_url`"),
    ("scope", "use `scopes`"),
    ("state", MADE),
    ("nonce", MADE),
    ("code_challenge", MADE),
    ("code_challenge_method", MADE),
    ("code_verifier", MADE),
    ("response_mode", "use `response_mode`"),
    ("prompt", "use `prompt`"),
    ("max_age", "use `max_age`"),
    ("acr_values", "use `acr_values`, or `acr` for one login"),
    ("ui_locales", "use `ui_locales`"),
    ("claims", "use `request_claims`"),
    ("resource", "use `resource`"),
    (
        "login_hint",
        "use `LogIn::login_hint`: it is about one user",
    ),
    (
        "id_token_hint",
        "use `LogIn::login_hint`: it is about one user",
    ),
    ("request", "request objects are not spoken"),
    ("request_uri", "request objects are not spoken"),
    ("registration", "register the client at the provider"),
    ("dpop_jkt", "DPoP is not spoken"),
    (
        "authorization_details",
        "rich authorization requests are not spoken",
    ),
    ("client_secret", SECRET),
    ("client_assertion", SECRET),
    ("client_assertion_type", SECRET),
];

const MADE: &str = "it is made anew for each login";
const SECRET: &str = "an address is no place for it, use `ClientAuth`";

/// Who is probably going to sign in, for the provider's form
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)). Nothing is
/// decided by it, and it stands in an address: an email address or a user name, never anything secret.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginHint(Box<str>);

impl LoginHint {
    /// The longest one, in bytes. An email address has at most 254.
    pub const MAX_LEN: usize = 512;

    /// The hint, if it is one: neither empty nor too long, without control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fit = (1..=Self::MAX_LEN).contains(&text.len()) && !text.contains(char::is_control);
        fit.then(|| Self(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LoginHint {
    // It is a person's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginHint(***)")
    }
}

/// The languages a user reads, the best first: `de-CH de en`
/// ([BCP 47](https://www.rfc-editor.org/info/bcp47)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locales(Box<str>);

impl Locales {
    /// The most that are passed on.
    pub const MAX: usize = 10;

    /// Those of `tags` that have the form of a language tag; what has not is dropped, and so is what is too much.
    pub fn of(tags: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut kept: Vec<String> = Vec::new();
        for tag in tags {
            let tag = tag.as_ref();
            if Self::is_tag(tag) && kept.len() < Self::MAX {
                kept.push(tag.to_owned());
            }
        }
        Self(kept.join(" ").into())
    }

    /// Whether `text` has the form of a language tag: subtags of 1 to 8 letters and digits, the first of letters
    /// ([RFC 5646 § 2.1](https://www.rfc-editor.org/rfc/rfc5646#section-2.1)).
    pub fn is_tag(text: &str) -> bool {
        text.len() <= 35
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            })
    }

    /// Whether no language is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gate_sets_itself_is_not_free_in_whatever_case() {
        for (name, _) in RESERVED {
            for name in [(*name).to_owned(), name.to_ascii_uppercase()] {
                assert!(
                    matches!(
                        Params::default().add(name.as_str(), "x"),
                        Err(ParamError::Reserved { .. })
                    ),
                    "{name}"
                );
            }
        }
        for name in ["", " ", "a b", "ä", "a\n"] {
            assert_eq!(Params::check_name(name), Err(ParamError::Name), "{name:?}");
        }
        for name in [
            "hd",
            "domain_hint",
            "kc_idp_hint",
            "display",
            "claims_locales",
            "states",
        ] {
            assert_eq!(Params::check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let mut params = Params::default();
        params.add("hd", "alice.example").unwrap();
        assert_eq!(format!("{params:?}"), r#"{"hd"}"#);
        let hint = LoginHint::parse(" alice@example.com ").unwrap();
        assert_eq!(
            (hint.as_str(), &*format!("{hint:?}")),
            ("alice@example.com", "LoginHint(***)")
        );
    }

    #[test]
    fn hints_are_short_and_plain() {
        assert!(LoginHint::parse(&"x".repeat(LoginHint::MAX_LEN)).is_some());
        for text in ["", "  ", "a\nb", "a\0", &"x".repeat(LoginHint::MAX_LEN + 1)] {
            assert_eq!(LoginHint::parse(text), None, "{text:?}");
        }
        let tags = [
            "de-CH",
            "de",
            "",
            "x y",
            "1a",
            "toolongsubtag",
            "a-",
            "zh-Hant-TW",
            "en\n",
        ];
        assert_eq!(Locales::of(tags).as_str(), "de-CH de zh-Hant-TW");
        assert_eq!(Locales::of(["de"; 99]).as_str().len(), Locales::MAX * 3 - 1);
    }
}
