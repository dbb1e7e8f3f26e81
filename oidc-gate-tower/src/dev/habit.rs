//! What providers do differently, and rightly or harmlessly so.

use super::{DevProvider, Endpoint, fault::listed};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

listed! {
/// Something that some providers do and others do not. None is a mistake that a client may refuse: whoever meets one of
/// these has to sign the user in all the same.
///
/// A habit stays on until [`drop_habits`](super::DevProvider::drop_habits). For what a provider can get wrong see
/// [`Fault`](super::Fault).
///
/// ```
/// use oidc_gate_tower::dev::{DevProvider, Habit};
/// let provider = DevProvider::demo();
/// provider.habit(Habit::AudienceList);
/// for habit in Habit::all() {
///     provider.habit(habit);
/// }
/// provider.drop_habits();
/// ```
Habit, ALL {
    /// `aud` in ID tokens is a list with one member
    /// ([RFC 7519 § 4.1.3](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3)).
    AudienceList,
    /// Times in ID tokens have a fraction ([RFC 7519 § 2](https://www.rfc-editor.org/rfc/rfc7519#section-2)).
    FractionalTimes,
    /// `email_verified` in ID tokens and userinfo is the text `"true"` or `"false"`. A client that demands a boolean takes
    /// the address for unverified, as the gate does.
    EmailVerifiedText,
    /// A user's only group is a text in ID tokens and userinfo, and not a list of one.
    GroupText,
    /// `token_type` in token responses is `bearer`
    /// ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1): in any case).
    LowerCaseBearer,
    /// `expires_in` in token responses is a text.
    ExpiresInText,
    /// `expires_in` in token responses has a fraction. Together with [`ExpiresInText`](Self::ExpiresInText), the text wins.
    ExpiresInFraction,
    /// Token responses have no `expires_in`
    /// ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1): recommended, not required).
    MissingExpiresIn,
    /// Token responses have no `scope`, which means the one that was asked for
    /// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
    MissingScope,
    /// Members that have no value are `null` in metadata and token responses, and not left out.
    NullMembers,
    /// Metadata, keys, ID tokens, token responses and userinfo have members that nobody has heard of.
    UnknownMembers,
    /// Among the published keys are some of types, curves and uses that nobody has heard of; the right one comes last and
    /// carries a certificate.
    StrangeKeys,
    /// A refresh token comes with every login, asked for (`offline_access`) or not.
    RefreshTokenUnasked,
    /// An answer to a refresh has a refresh token also where the old one stays: the same again. See
    /// [`DevProviderBuilder::refresh_tokens`](super::DevProviderBuilder::refresh_tokens).
    SameRefreshToken,
    /// No ID token comes with a refresh
    /// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
    RefreshWithoutIdToken,
    /// ID tokens that come with a refresh have the `nonce` of the login, which they should not and may.
    NonceAtRefresh,
    /// Codes hold characters that have to be escaped in a URL
    /// ([RFC 6749 Appendix A.11](https://www.rfc-editor.org/rfc/rfc6749#appendix-A.11)).
    OddCode,
    /// JSON is `application/json;charset=UTF-8`.
    Charset,
    /// The token endpoint answers a client whose authentication failed with 403 and an empty body. That client is refused
    /// with `token.invalid_client`; any other sees nothing of it.
    EmptyRefusal,
}
}

impl Habit {
    /// Every habit there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }
}

impl DevProvider {
    /// Takes on a habit. It stays until [`drop_habits`](Self::drop_habits); several may be on at once.
    pub fn habit(&self, habit: Habit) {
        self.state().habits.insert(habit);
    }

    /// Drops every habit.
    pub fn drop_habits(&self) {
        let mut state = self.state();
        state.habits.clear();
        state.logouts.habits.clear();
    }

    pub(super) fn does(&self, habit: Habit) -> bool {
        self.state().habits.contains(&habit)
    }

    /// A code in this provider's spelling.
    pub(super) fn spelt_code(&self, code: String) -> String {
        if self.does(Habit::OddCode) {
            format!("4/0 {code}+%2F=&\"~")
        } else {
            code
        }
    }

    /// An ID token's claims as this provider writes them.
    pub(super) fn spell_claims(&self, claims: &mut Map<String, Value>) {
        if self.does(Habit::AudienceList)
            && let Some(audience @ Value::String(_)) = claims.get_mut("aud")
        {
            *audience = json!([audience.take()]);
        }
        if self.does(Habit::FractionalTimes) {
            for name in ["iat", "exp", "auth_time"] {
                if let Some(time) = claims.get_mut(name)
                    && let Some(secs) = time.as_f64()
                {
                    *time = json!(secs + 0.25);
                }
            }
        }
        self.spell_user(claims);
        if self.does(Habit::UnknownMembers) {
            add_strangers(claims);
        }
    }

    fn spell_user(&self, claims: &mut Map<String, Value>) {
        if self.does(Habit::EmailVerifiedText)
            && let Some(verified) = claims.get_mut("email_verified")
            && let Some(is) = verified.as_bool()
        {
            *verified = json!(is.to_string());
        }
        if self.does(Habit::GroupText)
            && let Some(groups) = claims.get_mut("groups")
            && let Some([Value::String(only)]) = groups.as_array().map(Vec::as_slice)
        {
            *groups = json!(only);
        }
    }

    /// The answer of an endpoint as this provider gives it.
    pub(super) fn spell_answer(
        &self,
        endpoint: Endpoint,
        mut answer: Response<Bytes>,
    ) -> Response<Bytes> {
        if self.state().habits.is_empty() {
            return answer;
        }
        if endpoint == Endpoint::Token
            && answer.status() == StatusCode::UNAUTHORIZED
            && self.does(Habit::EmptyRefusal)
        {
            let mut refusal = Response::new(Bytes::new());
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return refusal;
        }
        let Ok(Value::Object(mut members)) = serde_json::from_slice(answer.body()) else {
            return answer;
        };
        if answer.status() == StatusCode::OK {
            self.spell(endpoint, &mut members);
            *answer.body_mut() = Value::Object(members).to_string().into();
        }
        if self.does(Habit::Charset) {
            answer.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=UTF-8"),
            );
        }
        answer
    }

    fn spell(&self, endpoint: Endpoint, members: &mut Map<String, Value>) {
        let nulls: &[&str] = match endpoint {
            Endpoint::Metadata => &[
                "registration_endpoint",
                "op_policy_uri",
                "ui_locales_supported",
            ],
            Endpoint::Token => &["refresh_token", "refresh_expires_in"],
            Endpoint::Keys | Endpoint::Userinfo => &[],
        };
        if self.does(Habit::NullMembers) {
            for name in nulls {
                members.insert((*name).to_owned(), Value::Null);
            }
        }
        match endpoint {
            Endpoint::Metadata => {}
            Endpoint::Keys => self.spell_keys(members),
            Endpoint::Token => self.spell_token_response(members),
            Endpoint::Userinfo => self.spell_user(members),
        }
        if self.does(Habit::UnknownMembers) {
            add_strangers(members);
        }
    }

    fn spell_token_response(&self, members: &mut Map<String, Value>) {
        if self.does(Habit::LowerCaseBearer) {
            members.insert("token_type".to_owned(), json!("bearer"));
        }
        let expires_in = members.get("expires_in").and_then(Value::as_u64);
        if let Some(secs) = expires_in {
            if self.does(Habit::MissingExpiresIn) {
                members.remove("expires_in");
            } else if self.does(Habit::ExpiresInText) {
                members.insert("expires_in".to_owned(), json!(secs.to_string()));
            } else if self.does(Habit::ExpiresInFraction) {
                members.insert("expires_in".to_owned(), json!(secs as f64 + 0.5));
            }
        }
        if self.does(Habit::MissingScope) {
            members.remove("scope");
        }
    }

    fn spell_keys(&self, members: &mut Map<String, Value>) {
        let Some(keys) = members.get_mut("keys").and_then(Value::as_array_mut) else {
            return;
        };
        if self.does(Habit::UnknownMembers) {
            keys.iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(add_strangers);
        }
        if !self.does(Habit::StrangeKeys) {
            return;
        }
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.insert("x5c".to_owned(), json!(["MIIB"]));
            key.insert("x5t".to_owned(), json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        }
        let strangers = [
            json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "post-quantum", "pub": "AAAA"}),
            json!({"kty": "EC", "crv": "secp256k1", "kid": "bitcoin", "x": "AAAA", "y": "AAAA"}),
            json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "encryption", "n": "AAAA", "e": "AQAB"}),
            json!({"kty": "of the future"}),
        ];
        keys.splice(0..0, strangers);
    }
}

fn add_strangers(members: &mut Map<String, Value>) {
    members.insert(
        "x_stranger".to_owned(),
        json!({"nested": [1, null, {"deep": true}]}),
    );
    members.insert("https://id.test/claims/tenant".to_owned(), json!("t-1"));
}
