//! Where a device without a browser begins ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)).

use super::{AskError, Faults, Fields, Question, RequestError, lifetime, object, text};
use crate::{check::CheckFailed, provider::Endpoint, secret::DeviceCode, url::EndpointUrl};
use http::Response;
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// That a device shall be let in ([RFC 8628 § 3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)).
///
/// # Security
///
/// Whoever gets somebody else to enter a code is let in as them. A program on a machine with a browser signs in with that
/// instead ([RFC 8628 § 5.4](https://www.rfc-editor.org/rfc/rfc8628#section-5.4)).
#[derive(Clone, Debug)]
pub struct DeviceAuthorizationRequest(Fields);

impl DeviceAuthorizationRequest {
    /// Without a scope: the server decides what the device may do.
    #[expect(clippy::new_without_default, reason = "a request is made on purpose")]
    pub fn new() -> Self {
        Self(Fields::new(&[]))
    }

    /// What the device may do, separated by spaces.
    ///
    /// # Errors
    ///
    /// [`RequestError::Scope`], and [`RequestError::Repeated`] if it has been said.
    pub fn scope(self, scope: &str) -> Result<Self, RequestError> {
        self.0.scope(scope).map(Self)
    }

    /// Where the token is to be used ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)); may be said
    /// several times.
    ///
    /// # Errors
    ///
    /// [`RequestError::Resource`].
    pub fn resource(self, uri: &str) -> Result<Self, RequestError> {
        self.0.resource(uri).map(Self)
    }

    /// A parameter of the server's own.
    ///
    /// # Errors
    ///
    /// If it is set by the request itself, is there already, or is none.
    pub fn param(self, name: &str, value: &str) -> Result<Self, RequestError> {
        self.0.param(name, value).map(Self)
    }
}

/// What to show to the user, and what to ask for the token with
/// ([RFC 8628 § 3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2)). What is shown holds no control character, so it
/// can be printed on a terminal.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// What the token is asked for with: [`PollDevice`](crate::token::PollDevice) does.
    pub device_code: DeviceCode,
    /// What the user enters.
    pub user_code: Box<str>,
    /// Where the user enters it.
    pub verification_uri: EndpointUrl,
    /// The same with the code in it, for a QR code. The user has to compare the code
    /// ([RFC 8628 § 3.3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.3.1)).
    pub verification_uri_complete: Option<EndpointUrl>,
    /// How long the codes are good.
    pub expires_in: Duration,
    /// How long to wait at least before the token is asked for again; 5 seconds where the server does not say.
    pub interval: Duration,
    /// The scope that was asked for.
    pub(crate) scope: Option<Box<str>>,
}

/// Until somebody has entered it, the user's code is a secret too.
impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Question for DeviceAuthorizationRequest {
    type Answer = DeviceAuthorization;

    fn endpoint(&self) -> Endpoint {
        Endpoint::DeviceAuthorization
    }

    fn fields(&self) -> &Fields {
        &self.0
    }

    fn read(&self, response: &Response<Vec<u8>>) -> Result<DeviceAuthorization, AskError> {
        const INTERVAL: Duration = Duration::from_secs(5);
        let mut answer = object(Endpoint::DeviceAuthorization, response, "device_code")?;
        let device_code = word(&mut answer, "device_code")?;
        let user_code = word(&mut answer, "user_code")?;
        // Named so in drafts, and by servers that are as old.
        let name = match answer.contains_key("verification_uri") {
            true => "verification_uri",
            false => "verification_url",
        };
        let verification_uri = address(&mut answer, name)?
            .ok_or_else(|| FAULTS.malformed("`verification_uri` is missing"))?;
        let expires_in = lifetime(FAULTS, &answer, "expires_in")?
            .ok_or_else(|| FAULTS.malformed("`expires_in` is missing or makes no sense"))?;
        let interval = lifetime(FAULTS, &answer, "interval")?.unwrap_or(INTERVAL);
        Ok(DeviceAuthorization {
            device_code: DeviceCode::new(device_code),
            user_code: user_code.into(),
            verification_uri,
            verification_uri_complete: address(&mut answer, "verification_uri_complete")?,
            expires_in,
            // A second is little, and nothing is a mistake that would have the server overrun.
            interval: interval.max(Duration::from_secs(1)),
            scope: self.0.get("scope").map(Box::from),
        })
    }
}

const FAULTS: Faults = Faults(Endpoint::DeviceAuthorization);

/// Text that can be printed.
fn word(answer: &mut Map<String, Value>, name: &str) -> Result<String, CheckFailed> {
    text(FAULTS, answer, name)?
        .filter(|text| !text.is_empty() && !text.contains(char::is_control))
        .ok_or_else(|| FAULTS.malformed(&format!("`{name}` is missing or not printable")))
}

fn address(
    answer: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<EndpointUrl>, CheckFailed> {
    let Some(text) = text(FAULTS, answer, name)? else {
        return Ok(None);
    };
    EndpointUrl::parse(&text)
        .map(Some)
        .map_err(|error| FAULTS.malformed(&format!("`{name}` {error}")))
}
