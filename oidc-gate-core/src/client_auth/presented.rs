//! What a request shows of the client that sends it: read, and not believed yet.

use super::{BasicCredentials, BasicError, JWT_BEARER, MethodName, Refusal};
use crate::{
    check::{Check, quote},
    form::{Form, FormError},
    jose::{CompactJws, json},
    oauth_error::ErrorCode,
    secret::ClientSecret,
};
use http::{HeaderMap, Method, Request, header};
use serde_json::Value;
use std::fmt;

/// Which bodies are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bodies {
    /// `application/x-www-form-urlencoded`, as the specification has it.
    #[default]
    Form,
    /// Also `application/json`: an object whose members are texts, `resource` and `audience` texts or lists of them. Some
    /// servers take it, so some clients send it; it is read as strictly as a form.
    FormOrJson,
}

/// Parameters that may occur more than once ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2),
/// [RFC 8693 § 2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
const REPEATABLE: &[&str] = &["resource", "audience"];

/// What must not stand in a URL, where it ends up in logs
/// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
const CREDENTIALS: &[&str] = &[
    "client_secret",
    "client_assertion",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "assertion",
    "subject_token",
    "actor_token",
    "token",
];

/// The longest client id and secret, in bytes: looked at before anything is hashed.
const MAX_CREDENTIAL: usize = 1024;

/// A request to a token endpoint, or to another one where clients authenticate, and what it shows of its sender: exactly
/// one method.
#[derive(Debug)]
pub struct Presented {
    pub(super) client_id: Box<str>,
    pub(super) evidence: Evidence,
    pub(super) form: Form,
}

/// What is to prove who the client is.
pub(super) enum Evidence {
    /// Nothing in the request. Perhaps the connection shows a certificate; perhaps the client is public.
    None,
    Basic(ClientSecret),
    Post(ClientSecret),
    Assertion(Box<CompactJws>),
}

impl Presented {
    /// Reads a request whose body has been received, up to [`Form::MAX_BYTES`] and one more.
    ///
    /// 1. It is a POST of a form ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)). Its URL is never
    ///    read for parameters, and holds no credential.
    /// 2. No parameter and no `Authorization` header occurs twice. A parameter without a value is one that was not sent.
    /// 3. At most one of `Authorization`, `client_secret` and `client_assertion` is there
    ///    ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)). A client certificate does not count: it
    ///    may be there to bind tokens to.
    /// 4. Whatever names the client names the same one, in printable ASCII.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check.
    pub fn read<B: AsRef<[u8]>>(request: &Request<B>, bodies: Bodies) -> Result<Self, Refusal> {
        let mut form = read_form(request, bodies)?;
        refuse_foreign(request.headers())?;
        let mut take = |name: &str| form.take(name).filter(|value| !value.is_empty());
        let named = take("client_id");
        let secret = take("client_secret").map(ClientSecret::new);
        let assertion = (take("client_assertion"), take("client_assertion_type"));
        let mut authorizations = request.headers().get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        if authorizations.next().is_some() {
            return Err(Refusal::new(
                Check::RequestHeaderRepeated,
                "there are several `Authorization` headers",
            ));
        }
        let asserts = assertion.0.is_some() || assertion.1.is_some();
        let shown = [
            ("`Authorization`", authorization.is_some()),
            ("`client_secret`", secret.is_some()),
            ("`client_assertion`", asserts),
        ];
        let shown: Vec<&str> = shown.iter().filter(|(_, it)| *it).map(|it| it.0).collect();
        if shown.len() > 1 {
            let cause = format!("the request has {}", shown.join(" and "));
            return Err(Refusal::new(Check::ClientMechanisms, cause));
        }
        let (proven_id, evidence) = if let Some(value) = authorization {
            let basic = BasicCredentials::parse(value).map_err(|error| match error {
                BasicError::OtherScheme => Refusal::new(Check::ClientScheme, error.to_string()),
                _ => Refusal::new(Check::ClientBasic, error.to_string()),
            })?;
            let id = basic.client_id().to_owned();
            (Some(id), Evidence::Basic(basic.secret().clone()))
        } else if asserts {
            let jws = read_assertion(assertion)?;
            (
                jws.unverified_text("sub")
                    .filter(|sub| !sub.is_empty())
                    .map(str::to_owned),
                Evidence::Assertion(jws.into()),
            )
        } else {
            (None, secret.map_or(Evidence::None, Evidence::Post))
        };
        let client_id = match (named, proven_id) {
            (Some(named), Some(proven)) if named != proven => {
                let cause = format!("{} and {}", quote(&named), quote(&proven));
                return Err(Refusal::new(Check::ClientIdsDiffer, cause));
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => {
                let cause = "neither `client_id` nor a method that names the client";
                return Err(Refusal::new(Check::ClientMissing, cause));
            }
        };
        check_characters("the client id", &client_id)?;
        if let Evidence::Basic(secret) | Evidence::Post(secret) = &evidence {
            check_characters("the secret", secret.expose())?;
        }
        Ok(Self {
            client_id: client_id.into(),
            evidence,
            form,
        })
    }

    /// Who the client says it is: what its registration is looked for by. Text from outside.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Another parameter of the request, for what has to be known before the client is believed: a limit of attempts, a
    /// log. Text from outside.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|value| !value.is_empty())
    }

    /// The method that was used, as far as the request says. Without anything in it the client may be a public one or one
    /// whose connection shows a certificate.
    pub fn method(&self) -> Option<MethodName> {
        match &self.evidence {
            Evidence::None => None,
            Evidence::Basic(_) => Some(MethodName::SecretBasic),
            Evidence::Post(_) => Some(MethodName::SecretPost),
            Evidence::Assertion(jws) if jws.alg().is_symmetric() => Some(MethodName::SecretJwt),
            Evidence::Assertion(_) => Some(MethodName::PrivateKeyJwt),
        }
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(_) => "Basic(***)",
            Self::Post(_) => "Post(***)",
            Self::Assertion(_) => "Assertion(***)",
        })
    }
}

fn read_form<B: AsRef<[u8]>>(request: &Request<B>, bodies: Bodies) -> Result<Form, Refusal> {
    if request.method() != Method::POST {
        let cause = format!("the method is {}", quote(request.method().as_str()));
        return Err(Refusal::new(Check::RequestMethod, cause));
    }
    if let Some(name) = credential_in(request.uri().query().unwrap_or_default()) {
        return Err(Refusal::new(
            Check::RequestQuery,
            format!("`{name}` stands in the URL"),
        ));
    }
    let body = request.body().as_ref();
    let form = match media_type(request.headers())? {
        MediaType::Form => Form::parse_repeating(body, REPEATABLE),
        MediaType::Json if bodies == Bodies::FormOrJson => read_json(body)?,
        MediaType::Json => {
            let cause = "the body is JSON, which is not read here";
            return Err(Refusal::new(Check::RequestMediaType, cause));
        }
    };
    form.map_err(|error| {
        let check = match error {
            FormError::TooLarge => Check::RequestSize,
            FormError::Duplicate(_) => Check::RequestRepeated,
            FormError::Encoding | FormError::NotUtf8 => Check::RequestMalformed,
        };
        Refusal::new(check, error.to_string())
    })
}

/// The first credential that a query names, whatever else is broken in it.
fn credential_in(query: &str) -> Option<&'static str> {
    query.split('&').find_map(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = crate::form::decode(name.as_bytes()).ok()?;
        CREDENTIALS.iter().copied().find(|known| **known == *name)
    })
}

enum MediaType {
    Form,
    Json,
}

fn media_type(headers: &HeaderMap) -> Result<MediaType, Refusal> {
    let refused = |cause: String| Err(Refusal::new(Check::RequestMediaType, cause));
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return refused("expected one `Content-Type`".into());
    };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media = match parts.next() {
        Some("application/x-www-form-urlencoded") => MediaType::Form,
        Some("application/json") => MediaType::Json,
        _ => return refused(format!("the body is {}", quote(&text))),
    };
    // RFC 6749 Appendix B: the encoding is UTF-8. Another one would be read as something else than was written.
    for parameter in parts {
        // White space around the sign is against RFC 9110 § 5.6.6, and read over by some.
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim() == "charset" && value.trim().trim_matches('"') != "utf-8" {
            return refused(format!("expected UTF-8, the body is {}", quote(&text)));
        }
    }
    Ok(media)
}

fn read_json(body: &[u8]) -> Result<Result<Form, FormError>, Refusal> {
    if body.len() > Form::MAX_BYTES {
        return Ok(Err(FormError::TooLarge));
    }
    let malformed = |cause: &'static str| Refusal::new(Check::RequestMalformed, cause);
    let object = json::object(body).map_err(|cause| match cause {
        json::REPEATED => Refusal::new(Check::RequestRepeated, cause),
        cause => malformed(cause),
    })?;
    let mut form = Form::default();
    for (name, value) in object {
        let values = match value {
            Value::String(one) => vec![one],
            Value::Array(many) if REPEATABLE.contains(&name.as_str()) => many
                .into_iter()
                .map(|value| match value {
                    Value::String(one) => Ok(one),
                    _ => Err(malformed("a parameter is neither text nor a list of texts")),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(malformed("a parameter is no text")),
        };
        for value in values {
            if let Err(error) = form.push(name.as_str().into(), value.into(), REPEATABLE) {
                return Ok(Err(error));
            }
        }
    }
    Ok(Ok(form))
}

/// Proofs of other kinds than are verified here. Ignored, they would leave a client in the belief of being protected.
fn refuse_foreign(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key("dpop") {
        let refusal = Refusal::new(
            Check::ClientProofUnsupported,
            "the request has a `DPoP` header",
        );
        return Err(refusal.with_code(ErrorCode::InvalidDpopProof));
    }
    for name in ["oauth-client-attestation", "oauth-client-attestation-pop"] {
        if headers.contains_key(name) {
            let cause = format!("the request has the header `{name}`");
            return Err(Refusal::new(Check::ClientProofUnsupported, cause));
        }
    }
    Ok(())
}

fn read_assertion(halves: (Option<String>, Option<String>)) -> Result<CompactJws, Refusal> {
    let (assertion, kind) = match halves {
        (Some(assertion), Some(kind)) => (assertion, kind),
        (None, _) => {
            let cause = "`client_assertion_type` without `client_assertion`";
            return Err(Refusal::new(Check::ClientAssertionHalf, cause));
        }
        (_, None) => {
            let cause = "`client_assertion` without `client_assertion_type`";
            return Err(Refusal::new(Check::ClientAssertionHalf, cause));
        }
    };
    if kind != JWT_BEARER {
        let cause = format!("the type is {}", quote(&kind));
        return Err(Refusal::new(Check::ClientAssertionType, cause));
    }
    super::received::parse(&assertion)
}

/// `VSCHAR` ([RFC 6749 Appendix A](https://www.rfc-editor.org/rfc/rfc6749#appendix-A)).
fn check_characters(what: &str, text: &str) -> Result<(), Refusal> {
    let refused = |cause: &str| {
        let cause = format!("{what} {cause}");
        Err(Refusal::new(Check::ClientCharacters, cause))
    };
    if text.len() > MAX_CREDENTIAL {
        return refused("is longer than 1024 bytes");
    }
    match text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        true => Ok(()),
        false => refused("has characters other than printable ASCII"),
    }
}
