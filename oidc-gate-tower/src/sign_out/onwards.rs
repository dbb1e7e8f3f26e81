//! Where a browser goes whose session has ended.

use super::SignOut;
use crate::{
    answer,
    core::{
        check::Check,
        flow::Env,
        form,
        gate::Endpoint,
        login::ReturnTo,
        logout::{EndSession, SigningOut},
        secret::IdToken,
    },
    ports::OsEntropy,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::time::Duration;

/// How long a sign-out waits for what the provider says of itself. The session has ended already, and the user waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// In the query of `signed_out`: the provider could not be asked.
pub(crate) const SIGNED_OUT_HERE: (&str, &str) = ("provider", "unreached");

/// Where it goes.
pub(super) enum Onwards {
    Provider(Box<SigningOut>),
    /// The provider has no such endpoint, or is not to be asked.
    Place(Option<ReturnTo>),
    /// The provider could not be asked, which the user has to know: a session there may be left.
    Unreached(Option<ReturnTo>),
}

/// Who follows the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A browser's tab, or a tool that a person uses. What leads to another origin is a page that goes on by itself.
    Tab,
    /// A script, which cannot follow a redirect to another origin: it is told where to go.
    Script,
}

impl Sessions {
    pub(super) async fn onwards(&self, hint: Option<&IdToken>, place: Option<ReturnTo>) -> Onwards {
        if self.sign_out.how == SignOut::Here {
            return Onwards::Place(place);
        }
        let registration = self.upstream.registration();
        let metadata = match tokio::time::timeout(PATIENCE, self.upstream.metadata()).await {
            Ok(Ok(metadata)) => metadata,
            Ok(Err(unavailable)) => {
                unreached(unavailable.why.check().id(), unavailable.why.cause());
                return Onwards::Unreached(place);
            }
            Err(_) => {
                let check = Check::ProviderUnreachable;
                unreached(check.id(), "the provider's metadata did not come in time");
                return Onwards::Unreached(place);
            }
        };
        let back = format!("{}{}", self.base.origin(), self.signed_out_path());
        let mut end = EndSession::new(registration.client.id(), &back);
        end.hint = hint;
        end.ui_locales = Some(&registration.wishes.ui_locales);
        let mut env = Env {
            now: self.now(),
            entropy: &mut OsEntropy,
        };
        match end.start(&metadata, place.clone(), &mut env) {
            Ok(Some(out)) => Onwards::Provider(Box::new(out)),
            Ok(None) => Onwards::Place(place),
            Err(failed) => {
                unreached(failed.check().id(), failed.cause());
                Onwards::Unreached(place)
            }
        }
    }

    /// Where the endpoint `signed_out` is.
    pub(crate) fn signed_out_path(&self) -> String {
        self.common.policy.endpoint_path(&Endpoint::SignedOut)
    }

    /// The answer that leads there.
    pub(super) fn lead_onwards(&self, onwards: Onwards, by: By) -> Response<Bytes> {
        let (location, leaving) = match onwards {
            Onwards::Provider(out) => {
                let SigningOut {
                    location, leaving, ..
                } = *out;
                match leaving.seal(&self.keys.now(), &self.names) {
                    Ok(cookie) => (location, Some(cookie)),
                    // The way back then ends at the page.
                    Err(failed) => {
                        unreached(failed.check().id(), failed.cause());
                        (location, None)
                    }
                }
            }
            Onwards::Place(Some(place)) => (place.as_str().to_owned(), None),
            // Not a page in answer to a POST: a reload should not ask whether to send the form again.
            Onwards::Place(None) => (self.signed_out_path(), None),
            Onwards::Unreached(place) => {
                let place = place.as_ref().map(|place| ("rd", place.as_str()));
                let said = std::iter::once(SIGNED_OUT_HERE).chain(place);
                (form::with_query(&self.signed_out_path(), said), None)
            }
        };
        let is_elsewhere = leaving.is_some();
        let mut response = match by {
            By::Script if !location.starts_with('/') => {
                let told = serde_json::json!({ "location": location });
                answer::json(StatusCode::OK, &told)
            }
            // Browsers apply `form-action` of the page with the form to every redirect that comes of it, and the gate's own
            // page, like many an application's, says 'self': a redirect to another origin would lead nowhere, without a word.
            By::Tab if !location.starts_with('/') => self.common.answers.lead(&location),
            By::Tab | By::Script => answer::redirect(&location),
        };
        answer::set_cookies(&mut response, leaving);
        let clear = match is_elsewhere {
            true => self.sign_out.clear.but_cookies(),
            false => self.sign_out.clear,
        };
        clear.tell(response.headers_mut());
        response
    }
}

fn unreached(check: &str, cause: &str) {
    tracing::warn!(
        check,
        cause,
        "a user has signed out here and not at the provider, which could not be asked"
    );
}
