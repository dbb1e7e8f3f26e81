//! What the gate serves itself, under its prefix.

mod callback;
mod sign_out;
mod start;
mod userinfo;

use crate::{Gate, answer, core::gate::Endpoint};
use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};

/// Serves an endpoint for a request that the policy has let through to it.
pub(crate) async fn serve<B>(
    gate: Gate,
    endpoint: Endpoint,
    parts: Parts,
    body: B,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    match endpoint {
        Endpoint::Start => start::serve(&gate, &parts).await,
        Endpoint::Callback(_) => callback::serve(&gate, &parts).await,
        Endpoint::SignOut => match small_form(body).await {
            Ok(form) => sign_out::serve(&gate, &parts, &form),
            Err(status) => answer::empty(status),
        },
        Endpoint::Userinfo => userinfo::serve(&gate, &parts),
        // `build` switches none of these on.
        Endpoint::SignIn
        | Endpoint::Auth
        | Endpoint::Ping
        | Endpoint::Ready
        | Endpoint::Metrics
        | Endpoint::BackchannelLogout
        | Endpoint::FrontchannelLogout => answer::empty(StatusCode::NOT_FOUND),
    }
}

/// The most that is read of a form's body, in bytes.
const MAX_FORM_BYTES: usize = 8 * 1024;

async fn small_form<B>(body: B) -> Result<Bytes, StatusCode>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    if body.size_hint().lower() > MAX_FORM_BYTES as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // `Limited` wants an error it can box; which it is does not matter to the answer.
    match Limited::new(body.map_err(|_| Unread), MAX_FORM_BYTES)
        .collect()
        .await
    {
        Ok(form) => Ok(form.to_bytes()),
        Err(error) if error.is::<Unread>() => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE),
    }
}

/// The body broke off.
#[derive(Debug)]
struct Unread;

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body could not be read")
    }
}

impl std::error::Error for Unread {}
