use super::*;
use proptest::prelude::*;

fn theirs_of<T, O: ToTheirs<T>>(ours: &O) -> T
where
    O::Error: std::fmt::Debug,
{
    ours.to_theirs().unwrap()
}

/// A value of ours, said in their type and read again.
macro_rules! there_and_back {
    ($text:expr; $($ours:ident = $theirs:ident),* $(,)?) => {$(
        let theirs: theirs::$theirs = theirs_of(&$ours::new($text));
        assert_eq!(theirs.secret(), $text);
        assert!(!format!("{theirs:?}").contains("hush"), "{theirs:?}");
        let ours = $ours::from_theirs(theirs).unwrap();
        assert_eq!(ours.expose(), $text);
    )*};
}

#[test]
fn every_secret_comes_back_and_neither_side_prints_it() {
    there_and_back!("hush"; ClientSecret = ClientSecret, AuthorizationCode = AuthorizationCode,
        DeviceCode = DeviceCode, State = CsrfToken, Nonce = Nonce, AccessToken = AccessToken, RefreshToken = RefreshToken);
}

#[test]
fn a_token_that_fits_into_no_header_is_refused_without_being_shown() {
    for (text, access, refresh) in [
        ("hush", true, true),
        ("hu sh", false, true),
        ("hush\n", false, false),
        ("hüsh", false, false),
        ("", false, false),
    ] {
        let token = AccessToken::from_theirs(theirs::AccessToken::new(text.to_owned()));
        assert_eq!(token.is_ok(), access, "{text:?}");
        if let Err(error) = token {
            assert_eq!(
                error.to_string(),
                "expected an access token of visible ASCII characters"
            );
        }
        let token = RefreshToken::from_theirs(theirs::RefreshToken::new(text.to_owned()));
        assert_eq!(token.is_ok(), refresh, "{text:?}");
    }
}

const VERIFIER_TEXT: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE_TEXT: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn the_challenge_of_rfc_7636_is_the_same_on_both_sides() {
    let of_verifier: theirs::PkceCodeChallenge = theirs_of(&CodeVerifier::new(VERIFIER_TEXT));
    let of_text: theirs::PkceCodeChallenge = CHALLENGE_TEXT.to_theirs().unwrap();
    assert_eq!(of_verifier, of_text);
    assert_eq!(of_text.as_str(), CHALLENGE_TEXT);
    assert_eq!(String::from_theirs(of_text), Ok(CHALLENGE_TEXT.to_owned()));
}

#[test]
fn a_challenge_of_another_method_or_form_is_refused() {
    let plain = json!({"code_challenge": CHALLENGE_TEXT, "code_challenge_method": "plain"});
    let plain: theirs::PkceCodeChallenge = serde_json::from_value(plain).unwrap();
    assert_eq!(String::from_theirs(plain), Err(CHALLENGE));
    for text in ["", "short", &CHALLENGE_TEXT.replace('-', "+")] {
        let refused: Result<theirs::PkceCodeChallenge, _> = text.to_theirs();
        assert_eq!(refused, Err(CHALLENGE), "{text:?}");
    }
}

#[test]
fn an_address_of_theirs_is_taken_where_a_secret_may_be_sent() {
    for (text, fits) in [
        ("https://id.example.com", true),
        ("https://id.example.com/", true),
        ("http://localhost:3001", true),
        ("http://id.example.com", false),
        ("https://user:hush@id.example.com", false),
        ("https://id.example.com#fragment", false),
    ] {
        let issuer = Issuer::from_theirs(theirs::IssuerUrl::new(text.to_owned()).unwrap());
        let url = EndpointUrl::from_theirs(theirs::TokenUrl::new(text.to_owned()).unwrap());
        assert_eq!((issuer.is_ok(), url.is_ok()), (fits, fits), "{text}");
        if let Ok(issuer) = issuer {
            let again: theirs::IssuerUrl = issuer.to_theirs().unwrap();
            assert_eq!(again.as_str(), text, "the slash at the end is part of it");
        }
    }
}

#[test]
fn a_client_id_comes_back_unless_it_has_characters_that_no_client_id_has() {
    let ours = Client::new("my app", crate::core::client_auth::Method::None);
    let Ok(theirs): Result<theirs::ClientId, _> = ours.to_theirs();
    assert_eq!(String::from_theirs(theirs), Ok("my app".to_owned()));
    for text in ["", "a\n", "ä"] {
        assert!(String::from_theirs(theirs::ClientId::new(text.to_owned())).is_err());
    }
}

proptest! {
    #[test]
    fn what_is_a_verifier_is_one_on_both_sides_and_nothing_panics(text in "[a-zA-Z0-9._~ü -]{40,131}|\\PC{0,50}") {
        let ours = CodeVerifier::new(text.as_str());
        let fits = pkce::is_verifier(&ours);
        let theirs = CodeVerifier::from_theirs(theirs::PkceCodeVerifier::new(text.clone()));
        prop_assert_eq!(theirs.is_ok(), fits);
        let challenge: Result<theirs::PkceCodeChallenge, _> = ours.to_theirs();
        match challenge {
            Ok(theirs) => prop_assert_eq!(theirs.as_str(), pkce::challenge(&ours)),
            Err(error) => prop_assert!(!fits && error == VERIFIER),
        }
    }

    #[test]
    fn scopes_come_back_as_they_were(words in proptest::collection::btree_set("[!#-\\[\\]-~]{1,8}", 1..6)) {
        let text = words.into_iter().collect::<Vec<_>>().join(" ");
        let ours = ScopeSet::parse(&text).unwrap();
        let Ok(theirs): Result<Vec<theirs::Scope>, _> = ours.to_theirs();
        prop_assert_eq!(ScopeSet::from_theirs(theirs).unwrap().to_string(), text);
    }

    #[test]
    fn a_scope_of_theirs_is_one_scope_of_ours_or_none(text in "[ -~é]{0,6}") {
        let scopes = ScopeSet::from_theirs(vec![theirs::Scope::new(text.clone())]);
        match ScopeSet::parse(&text).filter(|_| !text.contains(' ')) {
            Some(ours) => prop_assert_eq!(scopes, Ok(ours)),
            None => prop_assert!(scopes.is_err()),
        }
    }
}

#[test]
fn no_scope_is_no_scope() {
    assert!(ScopeSet::from_theirs(Vec::new()).unwrap().is_empty());
}
