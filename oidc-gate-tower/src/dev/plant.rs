//! What a test puts into the provider, as if it had been issued.

use super::{
    DevProvider,
    state::{Code, Device, Key, Login, Refresh, Session, key},
};
use crate::{
    Identity,
    core::{
        flow::EntropyUnavailable,
        grant::{Handle, IssuedCode, IssuedDeviceCode, IssuedRefreshToken, RefreshState, UserCode},
        secret::RefreshToken,
    },
};

impl DevProvider {
    /// A code as it is stored: for cases that nobody could bring about in a browser.
    #[doc(hidden)]
    pub fn plant_code(&self, value: &str, issued: IssuedCode) {
        let login = self.planted(key(value));
        let code = Code { issued, login };
        self.state().codes.insert(key(value), code);
    }

    /// A refresh token as it is stored, with what has taken its place if something has.
    #[doc(hidden)]
    pub fn plant_refresh_token(&self, value: &str, issued: IssuedRefreshToken, successor: &str) {
        let replaced = matches!(issued.state, RefreshState::Replaced { .. });
        let token = Refresh {
            issued,
            login: self.planted(key(value)),
            successor: replaced.then(|| RefreshToken::new(successor)),
        };
        self.state().refresh_tokens.insert(key(value), token);
    }

    /// A device code as it is stored.
    ///
    /// # Errors
    ///
    /// Where there is no randomness for the user's code.
    #[doc(hidden)]
    pub fn plant_device_code(
        &self,
        value: &str,
        issued: IssuedDeviceCode,
    ) -> Result<(), EntropyUnavailable> {
        let grant = *Handle::of(value).as_bytes();
        let device = Device {
            issued,
            user_code: UserCode::random(&mut crate::ports::OsEntropy)?,
            login: Some(self.planted(grant)),
            grant,
        };
        self.state().device_codes.insert(grant, device);
        Ok(())
    }

    fn planted(&self, grant: Key) -> Login {
        Login {
            session: Session {
                user: Identity::builder("", "alice").build(),
                auth_time: self.now(),
                sid: "planted".to_owned(),
            },
            nonce: None,
            acr: None,
            grant,
        }
    }
}
