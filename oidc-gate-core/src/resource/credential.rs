//! The token in a request's headers.

use crate::check::{Check, CheckFailed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use std::fmt;
use zeroize::Zeroizing;

/// Whether `Basic` may carry a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a token is looked for there or not"
)]
pub enum BasicTokens {
    /// `Basic` is no credential of the gate's.
    #[default]
    Ignored,
    /// A token in the form of a JWT may stand in `Basic`, for clients that know nothing else: as the user, with an empty
    /// password or `x-oauth-basic`, or as the password. Without one, `Basic` is no credential of the gate's.
    Taken,
}

/// What a request presents where its token belongs. Nobody has looked at its characters yet.
///
/// Most requests come with a token that was verified a moment ago, and those who keep such tokens find it by comparing
/// [bytes](Self::bytes), without reading them once more.
pub struct UnreadToken<'a>(Unread<'a>);

enum Unread<'a> {
    /// A line whose scheme is `Bearer`.
    Line(&'a HeaderValue),
    Decoded(Zeroizing<String>),
}

impl<'a> UnreadToken<'a> {
    /// What follows the scheme and its spaces, whatever that is: to be held against tokens that were
    /// [read](Self::read) and verified before, and for nothing else. What equals one of those would be read without a fault.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Unread::Line(line) => {
                let rest = line.as_bytes().get(BEARER.len()..).unwrap_or_default();
                let spaces = rest.iter().take_while(|b| **b == b' ').count();
                rest.get(spaces..).unwrap_or_default()
            }
            Unread::Decoded(text) => text.as_bytes(),
        }
    }

    /// The token, if it has the form of one.
    ///
    /// # Errors
    ///
    /// [`Check::BearerHeader`].
    pub fn read(self) -> Result<PresentedToken<'a>, CheckFailed> {
        Ok(PresentedToken(match self.0 {
            Unread::Line(line) => Text::Header(token_of(line)?),
            Unread::Decoded(text) => Text::Decoded(text),
        }))
    }
}

impl fmt::Debug for UnreadToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnreadToken(***)")
    }
}

/// A token as a request presents it. Nobody has looked yet whether it is one.
pub struct PresentedToken<'a>(Text<'a>);

enum Text<'a> {
    Header(&'a str),
    Decoded(Zeroizing<String>),
}

impl PresentedToken<'_> {
    /// The token itself. The one way out, so that it can be searched for.
    pub fn expose(&self) -> &str {
        match &self.0 {
            Text::Header(text) => text,
            Text::Decoded(text) => text,
        }
    }
}

impl fmt::Debug for PresentedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedToken(***)")
    }
}

/// The token that a request presents, if it presents one.
///
/// 1. `Authorization` alone is looked at: a token in the query or in the body is none
///    ([RFC 9700 § 4.3.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2)).
/// 2. The scheme is `Bearer` in any case; then spaces, at least one; then the token, whose characters are those of
///    `b64token` ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)); then nothing.
/// 3. Another scheme is no credential of the gate's, and neither is `Basic` unless `basic` says so.
///
/// # Errors
///
/// [`Check::BearerHeader`] where the header is not of that form, or stands twice and one of the two is of the gate's
/// schemes. [`Check::BearerDpop`] for a token that is presented with `DPoP`.
pub fn presented(
    headers: &HeaderMap,
    basic: BasicTokens,
) -> Result<Option<PresentedToken<'_>>, CheckFailed> {
    offered(headers, basic)?.map(UnreadToken::read).transpose()
}

/// The same, with the token's characters not looked at yet.
///
/// # Errors
///
/// As [`presented`], but for what only reading the token shows.
pub fn offered(
    headers: &HeaderMap,
    basic: BasicTokens,
) -> Result<Option<UnreadToken<'_>>, CheckFailed> {
    let Some(line) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    // In most requests nothing stands twice, which is seen without looking for it.
    let some_stand_twice = headers.len() > headers.keys_len();
    if some_stand_twice && headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        let ours = |line: &HeaderValue| is_bearer(line) || is_scheme(line, b"dpop");
        return match headers.get_all(AUTHORIZATION).iter().any(ours) {
            true => Err(malformed("`Authorization` stands twice")),
            false => Ok(None),
        };
    }
    if is_bearer(line) {
        return Ok(Some(UnreadToken(Unread::Line(line))));
    }
    if is_scheme(line, b"dpop") {
        return Err(CheckFailed::new(
            Check::BearerDpop,
            "expected the scheme `Bearer`, got `DPoP`: proofs of possession are not verified here",
        ));
    }
    Ok(match basic {
        BasicTokens::Taken => token_in_basic(line).map(|token| UnreadToken(Unread::Decoded(token))),
        BasicTokens::Ignored => None,
    })
}

const BEARER: &[u8] = b"bearer";

/// Whether the scheme of this `Authorization` is `Bearer`, whatever follows.
pub(crate) fn is_bearer(line: &HeaderValue) -> bool {
    is_scheme(line, BEARER)
}

/// The scheme ends where its characters do, so that no other byte makes a token something that nobody looks at.
fn is_scheme(line: &HeaderValue, scheme: &[u8]) -> bool {
    let is_part =
        |b: &u8| *b != b' ' && (b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b));
    (line.as_bytes().split_at_checked(scheme.len())).is_some_and(|(first, rest)| {
        first.eq_ignore_ascii_case(scheme) && !rest.first().is_some_and(is_part)
    })
}

fn token_of(line: &HeaderValue) -> Result<&str, CheckFailed> {
    let text = line
        .to_str()
        .map_err(|_| malformed("the token is not visible ASCII"))?;
    let rest = text.get(BEARER.len()..).unwrap_or_default();
    let token = rest.trim_start_matches(' ');
    if token.is_empty() {
        return Err(malformed("there is no token"));
    }
    if token.len() == rest.len() {
        return Err(malformed("expected a space after the scheme"));
    }
    let body = token.trim_end_matches('=');
    // All of them, without stopping at the first: that way the compiler takes sixteen at a time.
    let fit = body.bytes().fold(true, |fit, b| fit & is_of_token(b));
    if body.is_empty() || !fit {
        return Err(malformed(
            "expected one token, got more, or characters that a token does not have",
        ));
    }
    Ok(token)
}

/// Of the alphabet of `b64token`, but for the `=` at its end.
fn is_of_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() | matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

fn token_in_basic(line: &HeaderValue) -> Option<Zeroizing<String>> {
    if !is_scheme(line, b"basic") {
        return None;
    }
    let encoded = line.as_bytes().get("basic ".len()..)?;
    let pair = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    let token = match password {
        "" | "x-oauth-basic" => user,
        password => password,
    };
    is_jwt(token).then(|| Zeroizing::new(token.to_owned()))
}

/// Whether a text has the form of a signed token; a password does not, but by intent.
fn is_jwt(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // What `{"` is in base64url.
    text.starts_with("ey") && text.split('.').count() == 3 && text.split('.').all(part)
}

fn malformed(cause: &'static str) -> CheckFailed {
    CheckFailed::new(Check::BearerHeader, cause)
}
