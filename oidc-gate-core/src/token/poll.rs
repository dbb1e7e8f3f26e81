//! Asking for the token of a device until somebody has let it in.

use super::{TokenRequest, TokenResponse};
use crate::{
    backchannel::{Ask, AskError, DeviceAuthorization},
    check::{Check, CheckFailed},
    client_auth::Client,
    flow::{Env, Flow, Input, Step},
    oauth_error::ErrorCode,
    provider::ServerMetadata,
    time::UnixTime,
};
use std::{sync::Arc, time::Duration};

/// Asks for the token of a device until the user has let it in or refused, or the codes have expired
/// ([RFC 8628 § 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
///
/// 1. It waits before each request, the first one too, for as long as the server wants.
/// 2. `slow_down` makes every wait after it five seconds longer.
/// 3. No answer, or one that the server is overloaded, doubles every wait after it.
/// 4. It ends with [`Check::TokenDeviceExpired`] where the next request would come too late.
#[derive(Debug)]
pub struct PollDevice {
    ask: Ask<TokenRequest>,
    interval: Duration,
    expires_in: Duration,
    /// Known once it has begun.
    ends: Option<UnixTime>,
    is_waiting: bool,
}

/// What `slow_down` adds ([RFC 8628 § 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
const SLOWER: Duration = Duration::from_secs(5);

impl PollDevice {
    /// For the device that was told this just now, by the server that the metadata is of.
    pub fn new(
        client: Client,
        metadata: Arc<ServerMetadata>,
        device: &DeviceAuthorization,
    ) -> Self {
        let request = TokenRequest::for_device(device);
        Self {
            ask: Ask::new(client, metadata, request),
            interval: device.interval,
            expires_in: device.expires_in,
            ends: None,
            is_waiting: false,
        }
    }

    fn wait(&mut self, least: Duration, now: UnixTime) -> Step<Result<TokenResponse, AskError>> {
        let ends = *self.ends.get_or_insert(now + self.expires_in);
        let wait = self.interval.max(least);
        if now + wait >= ends {
            let cause = "nobody has let the device in before its code expired";
            return Step::Done(Err(
                CheckFailed::new(Check::TokenDeviceExpired, cause).into()
            ));
        }
        self.is_waiting = true;
        Step::Wait(wait)
    }
}

impl Flow for PollDevice {
    type Output = Result<TokenResponse, AskError>;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Self::Output> {
        let input = match (input, self.is_waiting) {
            (Input::Start, false) if self.ends.is_none() => {
                return self.wait(Duration::ZERO, env.now);
            }
            (Input::Elapsed, true) => {
                self.is_waiting = false;
                self.ask.again();
                Input::Start
            }
            (input, _) => input,
        };
        let error = match self.ask.resume(input, env) {
            Step::Done(Err(error)) => error,
            step => return step,
        };
        match (error.code(), error.check()) {
            (Some(ErrorCode::AuthorizationPending), _) => {}
            (Some(ErrorCode::SlowDown), _) => {
                self.interval = self.interval.saturating_add(SLOWER);
            }
            (_, Check::TokenUnavailable | Check::ProviderUnreachable) => {
                self.interval = self.interval.saturating_mul(2);
            }
            _ => return Step::Done(Err(error)),
        }
        self.wait(error.retry_after().unwrap_or_default(), env.now)
    }
}
