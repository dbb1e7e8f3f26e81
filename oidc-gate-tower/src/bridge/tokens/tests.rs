use super::*;
use crate::core::{
    check::Check,
    jose::{Alg, SigningKey},
};
use openidconnect::OAuth2TokenResponse as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn ours(answer: &Value) -> TokenResponse {
    TokenResponse::parse(&http::Response::new(answer.to_string().into_bytes())).unwrap()
}

fn id_token() -> String {
    let claims =
        json!({"iss": "https://id.test", "sub": "alice", "aud": "app", "exp": 2000, "iat": 1000});
    let key = SigningKey::generate(Alg::ES256).unwrap();
    key.sign_compact(&Default::default(), claims.as_object().unwrap())
        .unwrap()
}

#[test]
fn a_full_answer_comes_back_whole_and_neither_side_prints_it() {
    let id_token = id_token();
    let answer = ours(&json!({
        "access_token": "hush-a", "token_type": "Bearer", "refresh_token": "hush-r", "expires_in": 3600,
        "scope": "openid email", "id_token": id_token,
    }));
    let theirs = answer.to_theirs().unwrap();
    let scopes: Vec<_> = theirs
        .scopes()
        .unwrap()
        .iter()
        .map(|scope| scope.as_str())
        .collect();
    assert_eq!(scopes, ["openid", "email"]);
    let again = TokenResponse::from_theirs(&theirs).unwrap();
    assert_eq!(again.access_token.expose(), "hush-a");
    assert_eq!(again.refresh_token.as_ref().unwrap().expose(), "hush-r");
    assert_eq!(again.id_token.as_ref().unwrap().expose(), id_token);
    assert_eq!(again.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(again.scope.as_deref(), Some("openid email"));
    assert!(!format!("{again:?}{:?}", theirs.access_token()).contains("hush"));
}

#[test]
fn an_id_token_that_is_no_signed_jwt_has_no_counterpart() {
    for text in ["", "a.b", "a.b.c", &id_token().replacen('.', "", 1)] {
        let refused: Result<CoreIdToken, _> = IdToken::new(text).to_theirs();
        assert!(
            matches!(refused, Err(ConversionError::Expected(_))),
            "{text}"
        );
    }
}

#[test]
fn a_token_of_theirs_that_is_no_bearer_token_is_refused_as_an_answer_would_be() {
    let fields = CoreIdTokenFields::new(None, EmptyExtraTokenFields {});
    let token = openidconnect::AccessToken::new("hush".to_owned());
    let kind = CoreTokenType::Extension("mac".to_owned());
    let refused =
        TokenResponse::from_theirs(&CoreTokenResponse::new(token, kind, fields)).unwrap_err();
    let ConversionError::Refused(failed) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(failed.check(), Check::TokenType);
    assert!(!format!("{refused:?} {refused}").contains("hush"));
}

proptest! {
    #[test]
    fn what_an_answer_says_comes_back(access in "[!-~]{1,40}", refresh in proptest::option::of("[ -~]{1,40}"),
        lifetime in proptest::option::of(0_u32..100_000_000), scope in proptest::option::of("[!#-\\[\\]-~]{1,5}( [!#-\\[\\]-~]{1,5}){0,3}")) {
        let mut answer = json!({"access_token": access, "token_type": "bearer"});
        if let Some(refresh) = &refresh {
            answer["refresh_token"] = json!(refresh);
        }
        if let Some(lifetime) = lifetime {
            answer["expires_in"] = json!(lifetime);
        }
        if let Some(scope) = &scope {
            answer["scope"] = json!(scope);
        }
        let again = TokenResponse::from_theirs(&ours(&answer).to_theirs().unwrap()).unwrap();
        prop_assert_eq!(again.access_token.expose(), access);
        prop_assert_eq!(again.refresh_token.as_ref().map(|token| token.expose()), refresh.as_deref());
        prop_assert_eq!(again.expires_in, lifetime.map(|secs| Duration::from_secs(secs.into())));
        prop_assert_eq!(again.scope, scope);
    }
}
