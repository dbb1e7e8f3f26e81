//! A device whose user decides elsewhere.

use super::{
    Aftermath, Asked, Declined, GrantType, Handle, ScopeSet, Spend, Standing,
    request::{check_allowed, need},
};
use crate::{
    check::Check,
    client_auth::{AuthenticatedClient, Owed, Proven, Refusal, json_answer},
    flow::{Entropy, EntropyUnavailable},
    form::Form,
    jose::base64url,
    secret::DeviceCode,
    time::UnixTime,
};
use http::{Response, StatusCode};
use serde_json::json;
use std::{fmt, time::Duration};

/// What each `slow_down` adds, in seconds ([RFC 8628 § 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
const SLOWER: u64 = 5;

/// What the server has stored with a device code. The code itself is not among it: it is found by its [`Handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever stores it has to store all of it"
)]
pub struct IssuedDeviceCode {
    /// To which client.
    pub client_id: String,
    /// What was asked for, and once somebody has decided, what the user agreed to: narrow it with the decision.
    pub scopes: ScopeSet,
    /// For which resources.
    pub resources: Vec<String>,
    /// From when on it is worthless.
    pub expires: UnixTime,
    /// What the user has decided.
    pub decision: UserDecision,
    /// How many seconds the device has to leave between requests.
    pub interval: u64,
    /// When the device asked last.
    pub polled: Option<UnixTime>,
    /// Whether it was used.
    pub used: bool,
    /// Whether the user and the session behind it are still there.
    pub standing: Standing,
}

/// What the user of a device has decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to decide")]
pub enum UserDecision {
    /// Nothing yet.
    #[default]
    Pending,
    /// The device may.
    Approved,
    /// The device may not.
    Denied,
}

/// `grant_type=urn:ietf:params:oauth:grant-type:device_code`
/// ([RFC 8628 § 3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4)).
#[derive(Debug)]
#[must_use]
pub struct DeviceRequest {
    asked: Asked,
    code: DeviceCode,
}

impl DeviceRequest {
    pub(super) fn read(asked: Asked, form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            code: DeviceCode::new(need(form, "device_code")?),
            asked,
        })
    }

    /// What the code is looked for by.
    pub fn handle(&self) -> Handle {
        Handle::of(self.code.expose())
    }

    /// Whether the device gets its tokens, `issued` being what is stored under [`handle`](Self::handle).
    ///
    /// 1. The code was issued, and to this client.
    /// 2. It was not used, and has not expired.
    /// 3. The device asks no more often than it was told; if it does, it has to leave five seconds more from now on.
    /// 4. The user has decided, and agreed.
    /// 5. What is behind it still stands.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check, with what the store has to do. Most of them are how a device waits.
    pub fn check(
        self,
        issued: Option<&IssuedDeviceCode>,
        now: UnixTime,
    ) -> Result<Spend, Declined> {
        let refused = |check, cause: &'static str| Err(Declined::from(Refusal::new(check, cause)));
        let Some(issued) = issued else {
            return refused(Check::GrantUnknown, "no such device code");
        };
        if issued.client_id != self.asked.client.id() {
            return refused(
                Check::GrantClient,
                "the device code was issued to another client",
            );
        }
        if issued.used {
            return Err(Declined::and(
                Refusal::new(Check::GrantUsed, "the device code was used before"),
                Aftermath::RevokeGrant,
            ));
        }
        if now >= issued.expires {
            return refused(Check::DeviceExpired, "the device code has expired");
        }
        let polled =
            |refusal, interval| Err(Declined::and(refusal, Aftermath::Polled { interval }));
        let gap = Duration::from_secs(issued.interval);
        if issued.polled.is_some_and(|last| now < last + gap) {
            let refusal = Refusal::new(Check::DeviceSlowDown, "the device asks too often");
            return polled(refusal, issued.interval.saturating_add(SLOWER));
        }
        match issued.decision {
            UserDecision::Approved => {}
            UserDecision::Denied => return refused(Check::DeviceDenied, "the user refused"),
            UserDecision::Pending => {
                let refusal = Refusal::new(Check::DevicePending, "the user has not decided");
                return polled(refusal, issued.interval);
            }
        }
        issued.standing.check()?;
        let resources = self.asked.targets(&issued.resources)?;
        let handle = self.handle();
        let replay = self.asked.replay.clone();
        let mut granted = self.asked.granted(issued.scopes.clone(), resources);
        granted.asked = None;
        Ok(Spend::new(handle, replay, granted))
    }
}

/// A device that asks for a code ([RFC 8628 § 3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)).
#[derive(Debug)]
#[must_use]
pub struct DeviceAuthorizationRequest {
    client: AuthenticatedClient,
    scopes: ScopeSet,
    resources: Vec<String>,
}

impl DeviceAuthorizationRequest {
    /// What a client asks for, which has authenticated as at the token endpoint.
    ///
    /// # Errors
    ///
    /// [`Check::GrantNotAllowed`], [`Check::GrantScopeMalformed`], [`Check::GrantResourceMalformed`], and once its
    /// assertion is known not to be new, [`Check::AssertionReplayed`].
    pub fn read(proven: Proven) -> Result<Owed<Self>, Refusal> {
        let Proven {
            client,
            registered,
            mut form,
            replay,
        } = proven;
        let grant = GrantType::DeviceCode;
        check_allowed(&registered, grant)?;
        let asked = Asked::read(client, replay, &mut form, registered, grant)?;
        let this = Self {
            client: asked.client,
            scopes: asked.scope.unwrap_or_default(),
            resources: asked.resources,
        };
        Ok(Owed::new(asked.replay, this))
    }

    /// Which client asks.
    pub fn client(&self) -> &AuthenticatedClient {
        &self.client
    }

    /// For which scopes; they are the user's to agree to.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// For which resources.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// A new pair of codes. `verification_uri` is where the user types the short one; it is meant to be short too.
    ///
    /// # Errors
    ///
    /// Where there is no randomness.
    pub fn issue(
        self,
        verification_uri: &str,
        life: Duration,
        interval: u64,
        now: UnixTime,
        entropy: &mut dyn Entropy,
    ) -> Result<DeviceAuthorization, EntropyUnavailable> {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes)?;
        Ok(DeviceAuthorization {
            code: DeviceCode::new(base64url::encode(&bytes)),
            user_code: UserCode::random(entropy)?,
            verification_uri: verification_uri.to_owned(),
            life,
            issued: IssuedDeviceCode {
                client_id: self.client.id().to_owned(),
                scopes: self.scopes,
                resources: self.resources,
                expires: now + life,
                decision: UserDecision::Pending,
                interval,
                polled: None,
                used: false,
                standing: Standing::Alive,
            },
        })
    }
}

/// A new device code with its user code, to be stored and answered with.
#[derive(Debug)]
#[must_use]
pub struct DeviceAuthorization {
    code: DeviceCode,
    user_code: UserCode,
    verification_uri: String,
    life: Duration,
    issued: IssuedDeviceCode,
}

impl DeviceAuthorization {
    /// What the device code is stored under.
    pub fn handle(&self) -> Handle {
        Handle::of(self.code.expose())
    }

    /// What the user will type.
    pub fn user_code(&self) -> &UserCode {
        &self.user_code
    }

    /// What is to be stored.
    pub fn issued(&self) -> &IssuedDeviceCode {
        &self.issued
    }

    /// The answer ([RFC 8628 § 3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2)).
    pub fn respond(self) -> Response<Vec<u8>> {
        let user_code = self.user_code.to_string();
        let join = if self.verification_uri.contains('?') {
            '&'
        } else {
            '?'
        };
        let complete = format!("{}{join}user_code={user_code}", self.verification_uri);
        let body = json!({
            "device_code": self.code.expose(),
            "user_code": user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": complete,
            "expires_in": self.life.as_secs(),
            "interval": self.issued.interval,
        });
        json_answer(StatusCode::OK, &body)
    }
}

/// What a person types: eight consonants, which spell no word and hold nothing that looks like something else
/// ([RFC 8628 § 6.1](https://www.rfc-editor.org/rfc/rfc8628#section-6.1)).
///
/// # Security
///
/// It has 34 bits. Limit how often somebody may try one
/// ([RFC 8628 § 5.1](https://www.rfc-editor.org/rfc/rfc8628#section-5.1)).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserCode([u8; 8]);

const CONSONANTS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

impl UserCode {
    /// A new one.
    ///
    /// # Errors
    ///
    /// Where there is no randomness.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut code = [0; 8];
        for letter in &mut code {
            // Twenty goes into 256 with a rest: 240 and more would make some letters likelier.
            let mut byte = [255];
            for _ in 0..64 {
                entropy.fill(&mut byte)?;
                if byte[0] < 240 {
                    break;
                }
            }
            *letter = CONSONANTS[usize::from(byte[0] % 20)];
        }
        Ok(Self(code))
    }

    /// What somebody typed, whatever the case, with or without anything between the letters.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let letters: Vec<u8> = typed
            .bytes()
            .map(|b| b.to_ascii_uppercase())
            .filter(|b| !matches!(b, b' ' | b'-' | b'.' | b'_'))
            .collect();
        let code: [u8; 8] = letters.try_into().ok()?;
        code.iter()
            .all(|b| CONSONANTS.contains(b))
            .then_some(Self(code))
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.0.iter().enumerate() {
            if at == 4 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// A secret until the user has typed it.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_auth::testing::Counting;

    #[test]
    fn a_user_code_is_read_however_it_is_typed() {
        let code = UserCode(*b"WDJBMJHT");
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W.D.J.B_M-J H T"] {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for typed in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJA-MJHT",
            "WDJ8-MJHT",
            "WDJB-MJHé",
        ] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_new_user_code_reads_back() {
        for seed in 0..=255 {
            let code = UserCode::random(&mut Counting(seed)).unwrap();
            assert_eq!(UserCode::parse(&code.to_string()), Some(code));
        }
    }
}
