//! Devices that cannot show a browser ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)): the endpoint that gives them
//! codes, and the page where somebody types one.

use super::{
    DevProvider,
    authorize::stranger,
    pages,
    service::Call,
    state::{Device, Login, Session, new_handle},
    token::{no_randomness, refuse},
};
use crate::{
    Identity,
    core::{
        client_auth::Refusal,
        form::Form,
        grant::{DeviceAuthorizationRequest, UserCode, UserDecision},
    },
    ports::OsEntropy,
};
use bytes::Bytes;
use http::Response;
use std::time::Duration;

/// How long a user has, and how many seconds a device waits between requests.
const CODE_LIFE: Duration = Duration::from_secs(600);
const INTERVAL: u64 = 5;

impl DevProvider {
    pub(super) fn device_authorization(&self, call: &Call<'_>) -> Response<Bytes> {
        let answer = self.begin_device(call);
        answer.unwrap_or_else(|refusal| refuse(&refusal))
    }

    fn begin_device(&self, call: &Call<'_>) -> Result<Response<Bytes>, Refusal> {
        let server = self.authenticator();
        let proven = self.authenticate_client(&server, call)?;
        let request = self.once(DeviceAuthorizationRequest::read(proven)?)?;
        let page = self.state().issuer.endpoint("/device");
        let begun = request
            .issue(&page, CODE_LIFE, INTERVAL, self.now(), &mut OsEntropy)
            .map_err(|_| no_randomness())?;
        let device = Device {
            issued: begun.issued().clone(),
            user_code: begun.user_code().clone(),
            login: None,
            grant: *begun.handle().as_bytes(),
        };
        self.state()
            .device_codes
            .insert(*begun.handle().as_bytes(), device);
        Ok(begun.respond().map(Bytes::from))
    }

    /// GET: the page. POST: what was typed and chosen there.
    pub(super) fn device(&self, call: &Call<'_>) -> Response<Bytes> {
        let Ok(form) = Form::parse(call.form()) else {
            return pages::refused("The form cannot be read.");
        };
        let typed = form.get("user_code").unwrap_or_default();
        let code = UserCode::parse(typed);
        let asking = code.as_ref().and_then(|code| self.asking(code));
        let Some(client_id) = asking else {
            let wrong = !typed.is_empty();
            return pages::device_code(self, typed, wrong);
        };
        if call.method != http::Method::POST || form.get("user_code").is_none() {
            return pages::device(self, typed, &client_id);
        }
        if form.get("deny").is_some() {
            return self.decide(code.as_ref(), None);
        }
        let chosen = form.get("user").unwrap_or_default();
        let name = form.get("name").unwrap_or_default().trim();
        let user = self
            .users()
            .iter()
            .find(|user| user.subject() == chosen)
            .cloned();
        match user
            .or_else(|| self.find(name))
            .or_else(|| stranger(name, ""))
        {
            Some(user) => self.decide(code.as_ref(), Some(user)),
            None => pages::device(self, typed, &client_id),
        }
    }

    /// Which client asks with this code, if one does and nobody has decided.
    fn asking(&self, code: &UserCode) -> Option<String> {
        let now = self.now();
        let mut state = self.state();
        let mut open = state.device_codes.values_mut();
        let device = open.find(|device| device.user_code == *code)?;
        let waits = device.issued.decision == UserDecision::Pending && now < device.issued.expires;
        waits.then(|| device.issued.client_id.clone())
    }

    fn decide(&self, code: Option<&UserCode>, user: Option<Identity>) -> Response<Bytes> {
        let Ok(sid) = new_handle() else {
            return pages::broken();
        };
        let auth_time = self.now();
        if let (Some(user), Some(client)) = (&user, code.and_then(|code| self.asking(code))) {
            self.visited(&client, user.subject(), &sid);
        }
        let mut state = self.state();
        let mut open = state.device_codes.values_mut();
        let waits = |device: &&mut Device| {
            Some(&device.user_code) == code
                && device.issued.decision == UserDecision::Pending
                && auth_time < device.issued.expires
        };
        let Some(device) = open.find(waits) else {
            return pages::refused("No device waits with this code.");
        };
        let agreed = user.is_some();
        device.issued.decision = match agreed {
            true => UserDecision::Approved,
            false => UserDecision::Denied,
        };
        device.login = user.map(|user| Login {
            session: Session {
                user,
                auth_time,
                sid,
            },
            nonce: None,
            acr: None,
            grant: device.grant,
        });
        pages::device_decided(agreed)
    }
}
