//! A request with a logout token
//! ([OpenID Connect Back-Channel Logout § 2.5](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest)).

use crate::{
    check::{Check, CheckFailed},
    form::{Form, is_form},
    secret::LogoutToken,
};
use http::HeaderMap;

/// Whether a request holds a form, as its headers say: whether its body is worth reading.
///
/// # Errors
///
/// [`Check::LogoutRequest`].
pub fn check_logout_request(headers: &HeaderMap) -> Result<(), CheckFailed> {
    let cause = "expected application/x-www-form-urlencoded, once";
    match is_form(headers) {
        true => Ok(()),
        false => Err(CheckFailed::new(Check::LogoutRequest, cause)),
    }
}

/// The logout token of a form: `logout_token`, once. Every other field is ignored, however often it is there, "values not defined
/// by this specification MAY be sent".
///
/// # Errors
///
/// [`Check::LogoutRequest`].
pub fn logout_token(form: &[u8]) -> Result<LogoutToken, CheckFailed> {
    let refused = |cause: String| CheckFailed::new(Check::LogoutRequest, cause);
    let mut form = Form::parse_of(form, &["logout_token"])
        .map_err(|error| refused(format!("the body is no form: {error}")))?;
    let token = form.take("logout_token").filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| refused("`logout_token` is missing".to_owned()))?;
    Ok(LogoutToken::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::CONTENT_TYPE};

    #[test]
    fn the_token_is_there_once_whatever_else_is() {
        for form in [
            "logout_token=a.b.c",
            "logout%5Ftoken=a%2Eb.c",
            "state=1&logout_token=a.b.c&state=2&x&=&y=%zz&z=%ff",
        ] {
            let token = logout_token(form.as_bytes()).unwrap();
            assert!(token.ct_eq("a.b.c"), "{form}");
        }
        for form in [
            "",
            "token=a.b.c",
            "logout_token",
            "logout_token=",
            "logout_token=a.b.c&logout_token=a.b.c",
            "logout_token=a.b.c&logout%5ftoken=",
            "logout_token=%ff",
            "logout_token=%zz",
            "Logout_Token=a.b.c",
            "%zz=1&logout_token=a.b.c",
            r#"{"logout_token":"a.b.c"}"#,
        ] {
            let failed = logout_token(form.as_bytes()).unwrap_err();
            assert_eq!(failed.check(), Check::LogoutRequest, "{form}");
            assert!(!failed.cause().contains("a.b.c"), "{failed}");
        }
    }

    #[test]
    fn only_a_form_is_read() {
        const FORM: &str = "application/x-www-form-urlencoded";
        let check = |kinds: &[&'static str]| {
            let kind = |kind: &&'static str| (CONTENT_TYPE, HeaderValue::from_static(kind));
            check_logout_request(&kinds.iter().map(kind).collect())
        };
        assert_eq!(check(&[FORM]), Ok(()));
        assert_eq!(
            check(&["Application/X-WWW-form-urlencoded; charset=UTF-8"]),
            Ok(())
        );
        for kinds in [
            &[][..],
            &["application/json"],
            &["application/jwt"],
            &["multipart/form-data; boundary=x"],
            &[FORM, FORM],
        ] {
            let failed = check(kinds).unwrap_err();
            assert_eq!(failed.check(), Check::LogoutRequest, "{kinds:?}");
        }
    }
}
