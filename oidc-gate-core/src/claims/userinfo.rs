//! The userinfo endpoint ([OpenID Connect Core § 5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)).

use super::PROTOCOL;
use crate::{
    check::{Check, CheckFailed},
    flow::{Exchange, Failure, Purpose},
    jose::json,
    secret::AccessToken,
    url::EndpointUrl,
};
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Map, Value};
use std::fmt;

/// What userinfo says about the user of an ID token. There is no other way to get one than [`parse`](Self::parse).
pub struct Userinfo(Map<String, Value>);

/// Why an answer is not about the user it was asked about.
pub(crate) enum Unfit {
    /// It is about another user, and says so.
    Another(CheckFailed),
    /// It says nothing that could be used.
    Useless(CheckFailed),
}

impl From<CheckFailed> for Unfit {
    fn from(failed: CheckFailed) -> Self {
        Self::Useless(failed)
    }
}

/// A list of groups is the largest thing there; what is larger does not fit into a session by far.
const MAX_BODY_BYTES: usize = 128 * 1024;

/// A value and the claim that says whether it was checked.
const PAIRS: [(&str, &str); 2] = [
    ("email", "email_verified"),
    ("phone_number", "phone_number_verified"),
];

impl Userinfo {
    /// The question. The access token is in the header and nowhere else
    /// ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    pub(crate) fn request(
        endpoint: &EndpointUrl,
        token: &AccessToken,
    ) -> Result<Exchange, CheckFailed> {
        let unfit = |what: &'static str| CheckFailed::new(Check::UserinfoMalformed, what);
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| unfit("the access token does not fit into a header"))?;
        bearer.set_sensitive(true);
        let request = Request::get(endpoint.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, bearer)
            .body(Vec::new())
            .map_err(|_| unfit("the userinfo endpoint is no URI"))?;
        let mut exchange = Exchange::new(request);
        exchange.purpose = Purpose::Userinfo;
        exchange.max_body_bytes = MAX_BODY_BYTES;
        Ok(exchange)
    }

    /// Why there was no answer.
    pub(crate) fn unanswered(failure: Failure) -> CheckFailed {
        match failure {
            Failure::NotSent => CheckFailed::new(
                Check::UserinfoUnavailable,
                "the userinfo request could not be sent",
            ),
            Failure::Unknown => CheckFailed::new(
                Check::UserinfoUnavailable,
                "the userinfo endpoint did not answer",
            ),
            Failure::TooLarge => CheckFailed::new(
                Check::ProviderTooLarge,
                format!("userinfo is larger than {} KiB", MAX_BODY_BYTES / 1024),
            ),
        }
    }

    /// Reads an answer, whatever its status. `subject` is that of the believed ID token.
    ///
    /// # Errors
    ///
    /// 1. [`Check::UserinfoUnavailable`] for status 5xx and 429.
    /// 2. [`Check::UserinfoRefused`] for 401 and 403: the access token is not meant for this endpoint.
    /// 3. [`Check::UserinfoSigned`] for `application/jwt`: a signature that nobody checks is worth nothing.
    /// 4. [`Check::UserinfoMalformed`] for everything else that is no JSON object with status 200: a redirect, a page, a
    ///    repeated member.
    /// 5. [`Check::UserinfoSubject`] if it is about somebody else or nobody; none of it may be used then
    ///    ([OpenID Connect Core § 5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)).
    pub fn parse(response: &Response<Vec<u8>>, subject: &str) -> Result<Self, CheckFailed> {
        Self::about(subject, response).map_err(|unfit| match unfit {
            Unfit::Another(failed) | Unfit::Useless(failed) => failed,
        })
    }

    /// The same, where it matters whether another user is meant or nobody.
    pub(crate) fn about(subject: &str, response: &Response<Vec<u8>>) -> Result<Self, Unfit> {
        let status = response.status();
        if status != StatusCode::OK {
            let check = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Check::UserinfoRefused,
                StatusCode::TOO_MANY_REQUESTS => Check::UserinfoUnavailable,
                _ if status.is_server_error() => Check::UserinfoUnavailable,
                _ => Check::UserinfoMalformed,
            };
            let cause = format!("expected 200 from userinfo, got {}", status.as_u16());
            return Err(CheckFailed::new(check, cause).into());
        }
        match media_type(response).as_str() {
            "application/jwt" => {
                return Err(CheckFailed::new(
                    Check::UserinfoSigned,
                    "userinfo is a JWT: expected application/json",
                )
                .into());
            }
            "text/html" | "application/xhtml+xml" => {
                return Err(malformed("a web page").into());
            }
            // Real providers name JSON in many ways, or not at all.
            _ => {}
        }
        let claims = json::object(response.body()).map_err(malformed)?;
        let wrong = |what: &'static str| CheckFailed::new(Check::UserinfoSubject, what);
        match claims.get("sub") {
            Some(Value::String(sub)) if sub == subject => Ok(Self(claims)),
            Some(Value::String(_)) => Err(Unfit::Another(wrong(
                "`sub` of userinfo is not that of the ID token",
            ))),
            Some(_) => Err(wrong("`sub` of userinfo is not text").into()),
            None => Err(wrong("userinfo has no `sub`").into()),
        }
    }

    /// Adds to the claims of the ID token what userinfo says.
    ///
    /// 1. The claims that are about a token or a sign-in are what was signed; userinfo neither changes nor adds one.
    /// 2. Of all others userinfo's counts, because it is newer. `null` and an empty text say nothing
    ///    ([OpenID Connect Core § 5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)).
    /// 3. An address and whether it was checked come from one source, and so do a telephone number and its check: what
    ///    one source says of its address is no word about the other's. Where both name the same address and userinfo
    ///    does not say whether it was checked, the ID token's word about it stands.
    pub(super) fn add_to(self, claims: &mut Map<String, Value>) {
        let mut told = self.0;
        told.retain(|name, value| {
            let silent = value.is_null() || value.as_str().is_some_and(str::is_empty);
            !silent && !PROTOCOL.contains(&name.as_str())
        });
        for (value, verified) in PAIRS {
            match told.get(value) {
                None => drop(told.remove(verified)),
                Some(one) if claims.get(value) == Some(one) && !told.contains_key(verified) => {}
                Some(_) => drop(claims.remove(verified)),
            }
        }
        claims.extend(told);
    }
}

fn malformed(what: &str) -> CheckFailed {
    CheckFailed::new(
        Check::UserinfoMalformed,
        format!("expected a JSON object from userinfo, got {what}"),
    )
}

/// The media type without its parameters, in lower case; empty where there is none.
fn media_type(response: &Response<Vec<u8>>) -> String {
    let value = response.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let name = text.and_then(|text| text.split(';').next());
    name.unwrap_or_default().trim().to_ascii_lowercase()
}

impl fmt::Debug for Userinfo {
    // Claims are personal data: their names are enough for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Cases {
        merge: Vec<Merge>,
        answer: Vec<Answer>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Merge {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        id_token: String,
        userinfo: String,
        expected: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        #[serde(default = "ok")]
        status: u16,
        content_type: Option<String>,
        #[serde(default)]
        body: String,
        expected: String,
    }

    fn ok() -> u16 {
        200
    }

    fn cases() -> Cases {
        toml::from_str(include_str!("../../testdata/userinfo.toml")).unwrap()
    }

    fn claims(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_two_sources_come_together_as_the_data_says() {
        let cases = cases().merge;
        assert!(cases.len() > 15);
        for case in cases {
            let mut merged = claims(&case.id_token);
            Userinfo(claims(&case.userinfo)).add_to(&mut merged);
            assert_eq!(merged, claims(&case.expected), "{}", case.name);
        }
    }

    #[test]
    fn every_protocol_claim_is_what_was_signed() {
        for name in PROTOCOL {
            let told = || Userinfo([(name.to_owned(), "told".into())].into_iter().collect());
            let mut claims = Map::new();
            told().add_to(&mut claims);
            assert!(claims.is_empty(), "{name} was added");
            claims.insert(name.to_owned(), "signed".into());
            told().add_to(&mut claims);
            assert_eq!(claims[name], "signed", "{name} was changed");
        }
    }

    #[test]
    fn every_answer_is_taken_or_refused_as_the_data_says() {
        let cases = cases().answer;
        assert!(cases.len() > 15);
        for case in cases {
            let mut response = Response::new(case.body.into_bytes());
            *response.status_mut() = StatusCode::from_u16(case.status).unwrap();
            if let Some(name) = &case.content_type {
                let name = HeaderValue::from_str(name).unwrap();
                response.headers_mut().insert(header::CONTENT_TYPE, name);
            }
            let got = match Userinfo::parse(&response, "alice") {
                Ok(_) => "ok",
                Err(failed) => {
                    assert!(!failed.cause().contains("mallory"), "{failed}");
                    failed.check().id()
                }
            };
            assert_eq!(got, case.expected, "{}", case.name);
        }
    }

    #[test]
    fn the_access_token_is_in_the_header_alone_and_shown_by_nobody() {
        let endpoint = EndpointUrl::parse("https://id.example/userinfo?tenant=1").unwrap();
        let exchange = Userinfo::request(&endpoint, &AccessToken::new("hush")).unwrap();
        let request = &exchange.request;
        assert_eq!(request.method(), http::Method::GET);
        assert_eq!(request.uri(), "https://id.example/userinfo?tenant=1");
        assert_eq!(request.headers()["authorization"], "Bearer hush");
        assert!(request.headers()["authorization"].is_sensitive());
        assert!(request.body().is_empty());
        assert_eq!(exchange.max_body_bytes, MAX_BODY_BYTES);
        assert!(!format!("{exchange:?}").contains("hush"));
    }

    #[test]
    fn debug_names_claims_and_shows_none() {
        let shown = format!("{:?}", Userinfo(claims(r#"{"sub":"alice","name":"hush"}"#)));
        assert_eq!(shown, r#"{"name", "sub"}"#);
    }

    proptest! {
        #[test]
        fn nothing_panics(status in 100_u16..1000, bytes in proptest::collection::vec(any::<u8>(), 0..60),
            name in "[a-z_]{0,6}|email|email_verified|sub", value in "-?[0-9]{1,30}|\"\\PC{0,5}\"|\\{\\}|null") {
            let mut response = Response::new(bytes);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let _ = Userinfo::parse(&response, "alice");
            let body = format!(r#"{{"x":1,"{name}":{value},"sub":"alice"}}"#);
            if let Ok(userinfo) = Userinfo::parse(&Response::new(body.into_bytes()), "alice") {
                userinfo.add_to(&mut claims(r#"{"sub":"alice","email":"a","email_verified":true}"#));
            }
        }
    }
}
