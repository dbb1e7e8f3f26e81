//! What the provider has issued for a session, and what of it is kept.

use super::{Reader, TokensNote, due::is_fresh, put, put_time};
use crate::{
    secret::{AccessToken, IdToken, Nonce, RefreshToken},
    time::UnixTime,
    token::TokenResponse,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The tokens of a session.
///
/// They are sealed apart from who is signed in: a request that nobody asks a token of never touches them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// What other services are called with.
    pub access: Option<AccessToken>,
    /// What new tokens are got with.
    pub refresh: Option<RefreshToken>,
    /// The ID token of the login or of the last refresh that had one: a hint at sign-out.
    pub id: Option<IdToken>,
    /// What was granted, separated by spaces.
    pub scope: Box<str>,
    /// The resources that the login named, which every refresh names again
    /// ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
    pub resources: Vec<String>,
    /// What tied the ID token to its login: a refreshed one says the same or nothing
    /// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
    pub nonce: Option<Nonce>,
    /// When they were asked for.
    pub obtained: UnixTime,
    /// When the access token ends, if the provider has said so.
    pub expires: Option<UnixTime>,
}

/// Which tokens a session keeps.
///
/// ```
/// use oidc_gate_core::session::KeepTokens;
/// let keep = KeepTokens::none().access().refresh();
/// assert_eq!(keep, KeepTokens::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepTokens {
    access: bool,
    refresh: bool,
    id: bool,
}

/// The access token and the refresh token: what handlers call other services with. The ID token is large, and its claims are
/// kept anyway.
impl Default for KeepTokens {
    fn default() -> Self {
        Self::none().access().refresh()
    }
}

impl KeepTokens {
    /// None: whoever is signed in stays so until a limit, and the provider is not asked again.
    pub const fn none() -> Self {
        Self {
            access: false,
            refresh: false,
            id: false,
        }
    }

    /// These, and access tokens.
    #[must_use]
    pub const fn access(self) -> Self {
        Self {
            access: true,
            ..self
        }
    }

    /// These, and refresh tokens: without one, an access token is good until it ends, and what the provider knows of the user
    /// is asked at logins only.
    #[must_use]
    pub const fn refresh(self) -> Self {
        Self {
            refresh: true,
            ..self
        }
    }

    /// These, and ID tokens.
    #[must_use]
    pub const fn id(self) -> Self {
        Self { id: true, ..self }
    }

    /// Whether none is kept.
    pub fn is_none(self) -> bool {
        self == Self::none()
    }

    /// Whether access tokens are kept.
    pub const fn keeps_access(self) -> bool {
        self.access
    }

    /// Whether ID tokens are kept.
    pub const fn keeps_id(self) -> bool {
        self.id
    }
}

impl Tokens {
    /// What the token endpoint issued in answer to a request at `asked`, as far as it is kept. `None` if nothing is.
    pub fn issued(
        response: &TokenResponse,
        asked: UnixTime,
        scope: &str,
        nonce: Option<&Nonce>,
        resources: &[String],
        keep: KeepTokens,
    ) -> Option<Self> {
        let kept = Self {
            access: (keep.access).then(|| response.access_token.clone()),
            refresh: (response.refresh_token.clone()).filter(|_| keep.refresh),
            id: response.id_token.clone().filter(|_| keep.id),
            scope: response.scope.as_deref().unwrap_or(scope).into(),
            resources: resources.to_vec(),
            nonce: nonce.cloned().filter(|_| keep.refresh),
            obtained: asked,
            expires: response.expires_in.map(|life| asked + life),
        };
        let any = kept.access.is_some() || kept.refresh.is_some() || kept.id.is_some();
        any.then_some(kept)
    }

    /// What a refresh at `asked` has issued, in the place of these. What it does not issue stays: the refresh token
    /// ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)), the ID token, the scope.
    #[must_use]
    pub fn renewed(&self, response: &TokenResponse, asked: UnixTime) -> Self {
        Self {
            access: (self.access.as_ref()).map(|_| response.access_token.clone()),
            refresh: (response.refresh_token.clone()).or_else(|| self.refresh.clone()),
            id: (self.id.as_ref()).map(|old| response.id_token.clone().unwrap_or(old.clone())),
            scope: (response.scope.as_deref()).map_or_else(|| self.scope.clone(), Into::into),
            resources: self.resources.clone(),
            nonce: self.nonce.clone(),
            obtained: asked,
            expires: response.expires_in.map(|life| asked + life),
        }
    }

    /// The same without the ID token, where others are left.
    #[must_use]
    pub fn without_id(&self) -> Option<Self> {
        let others = self.access.is_some() || self.refresh.is_some();
        others.then(|| Self {
            id: None,
            ..self.clone()
        })
    }

    /// The same without an access token or an ID token that is over at `now`, or would be on its way: what can be handed on.
    #[must_use]
    pub fn good_at(self, now: UnixTime) -> Self {
        let note = TokensNote {
            obtained: self.obtained,
            expires: self.expires,
            refreshable: self.refresh.is_some(),
        };
        Self {
            access: self.access.filter(|_| is_fresh(note, now)),
            id: (self.id).filter(|id| end_of(id).is_some_and(|end| now < end)),
            ..self
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, text: Option<&str>| {
            put(out, text.unwrap_or_default().as_bytes());
        };
        text(out, self.access.as_ref().map(AccessToken::expose));
        text(out, self.refresh.as_ref().map(RefreshToken::expose));
        text(out, self.id.as_ref().map(IdToken::expose));
        text(out, self.nonce.as_ref().map(Nonce::expose));
        put(out, self.scope.as_bytes());
        put(out, self.resources.join(" ").as_bytes());
        put_time(out, self.obtained);
        // No token ends when time began.
        put_time(out, self.expires.unwrap_or(UnixTime::from_secs(0)));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut text = || Some(Some(reader.text()?).filter(|text| !text.is_empty()));
        let (access, refresh, id, nonce) = (text()?, text()?, text()?, text()?);
        let scope = reader.text()?.into();
        let resources = reader.text()?.split_whitespace();
        Some(Self {
            access: access.map(AccessToken::new),
            refresh: refresh.map(RefreshToken::new),
            id: id.map(IdToken::new),
            nonce: nonce.map(Nonce::new),
            scope,
            resources: resources.map(str::to_owned).collect(),
            obtained: reader.time()?,
            expires: Some(reader.time()?).filter(|at| at.as_secs() > 0),
        })
    }
}

/// When an ID token ends, as it says itself. It was checked when it came, and has been sealed since.
fn end_of(token: &IdToken) -> Option<UnixTime> {
    let payload = token.expose().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let exp = claims.get("exp")?;
    let secs = exp.as_u64().or_else(|| {
        // RFC 7519 § 2 lets it have a fraction.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and is over then or far away"
        )]
        exp.as_f64().map(|secs| secs as u64)
    })?;
    Some(UnixTime::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;
    use std::time::Duration;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn answer(body: &str) -> TokenResponse {
        TokenResponse::parse(&Response::new(body.as_bytes().to_vec())).unwrap()
    }

    fn full() -> TokenResponse {
        answer(
            r#"{"access_token":"at","token_type":"Bearer","refresh_token":"rt","id_token":"it","expires_in":300,"scope":"a b"}"#,
        )
    }

    fn kept(keep: KeepTokens) -> Option<Tokens> {
        let resources = ["https://api.example/a".to_owned(), "urn:b".to_owned()];
        let nonce = Nonce::new("n");
        Tokens::issued(&full(), NOW, "asked", Some(&nonce), &resources, keep)
    }

    #[test]
    fn what_is_not_kept_is_nowhere() {
        assert!(kept(KeepTokens::none()).is_none());
        let tokens = kept(KeepTokens::none().access()).unwrap();
        assert!(tokens.refresh.is_none() && tokens.id.is_none() && tokens.nonce.is_none());
        let renewed = tokens.renewed(&full(), NOW);
        assert!(renewed.access.is_some() && renewed.id.is_none());
        let all = kept(KeepTokens::default().id()).unwrap();
        assert_eq!(all.id.unwrap().expose(), "it");
    }

    #[test]
    fn they_come_back_as_they_were() {
        for keep in [
            KeepTokens::default(),
            KeepTokens::none().id(),
            KeepTokens::default().id(),
        ] {
            let mut bytes = Vec::new();
            kept(keep).unwrap().encode(&mut bytes);
            let again = Tokens::decode(&mut Reader(&bytes)).unwrap();
            let mut twice = Vec::new();
            again.encode(&mut twice);
            assert_eq!(bytes, twice);
            assert_eq!(again.resources, ["https://api.example/a", "urn:b"]);
            assert_eq!(again.expires, Some(NOW + Duration::from_secs(300)));
            for cut in 0..bytes.len() {
                assert!(Tokens::decode(&mut Reader(&bytes[..cut])).is_none());
            }
        }
    }

    #[test]
    fn what_a_refresh_does_not_issue_stays() {
        let later = NOW + Duration::from_secs(60);
        let tokens = kept(KeepTokens::default().id()).unwrap();
        let bare = answer(r#"{"access_token":"at2","token_type":"Bearer"}"#);
        let renewed = tokens.renewed(&bare, later);
        assert_eq!(renewed.access.unwrap().expose(), "at2");
        assert_eq!(renewed.refresh.unwrap().expose(), "rt");
        assert_eq!(renewed.id.unwrap().expose(), "it");
        assert_eq!((&*renewed.scope, renewed.expires), ("a b", None));
        assert_eq!(renewed.obtained, later);
    }

    #[test]
    fn nothing_of_them_is_shown() {
        let shown = format!("{:?}", kept(KeepTokens::default().id()));
        for secret in ["\"at\"", "\"rt\"", "\"it\"", "\"n\""] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn what_is_handed_on_is_not_over() {
        let id = |claims: &str| {
            let payload = URL_SAFE_NO_PAD.encode(claims);
            Some(IdToken::new(format!("e30.{payload}.c2ln")))
        };
        let of = |claims: &str| Tokens {
            id: id(claims),
            ..kept(KeepTokens::default().id()).unwrap()
        };
        let exp = NOW.as_secs() + 300;
        let claims = format!(r#"{{"exp":{exp}}}"#);
        let fraction = format!(r#"{{"exp":{exp}.5}}"#);
        for (claims, after, access, id) in [
            (&*claims, 0, true, true),
            // Ten seconds before its end an access token is used no more.
            (&*claims, 289, true, true),
            (&*claims, 290, false, true),
            (&*claims, 299, false, true),
            (&*claims, 300, false, false),
            (&*fraction, 299, false, true),
            (&*fraction, 300, false, false),
            // What does not say when it ends is not handed on.
            ("{}", 0, true, false),
            (r#"{"exp":"soon"}"#, 0, true, false),
            ("no JSON", 0, true, false),
        ] {
            let good = of(claims).good_at(NOW + Duration::from_secs(after));
            let found = (good.access.is_some(), good.id.is_some());
            assert_eq!(found, (access, id), "{claims} {after}");
            assert!(good.refresh.is_some());
        }
        // One that has no known end is good until somebody says otherwise.
        let endless = Tokens {
            expires: None,
            ..of("{}")
        };
        let much_later = NOW + Duration::from_secs(999_999);
        assert!(endless.good_at(much_later).access.is_some());
    }
}
