//! What comes behind a request's body.

use crate::Gate;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

pin_project_lite::pin_project! {
    /// A request's body without trailers that claim an identity. Made by [`Gate::clean_trailers`].
    #[derive(Debug)]
    pub struct CleanTrailers<B> {
        #[pin]
        body: B,
        gate: Gate,
    }
}

impl Gate {
    /// A request's body without trailers that claim an identity: those that the gate takes off as headers.
    ///
    /// Trailers are no headers ([RFC 9110 § 6.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1)), and neither
    /// hyper nor axum makes them such. A service behind may: so whoever sends a request on, say a proxy, sends this body.
    /// The layer of oidc-gate-axum does it by itself where [`identity_headers`](crate::GateBuilder::identity_headers) are
    /// on; the one of this crate cannot, because the type of the body is the inner service's.
    pub fn clean_trailers<B>(&self, body: B) -> CleanTrailers<B> {
        CleanTrailers {
            body,
            gate: self.clone(),
        }
    }

    /// Whether the application is told in [headers](crate::GateBuilder::identity_headers) who the caller is.
    pub fn writes_identity_headers(&self) -> bool {
        self.0.common.passing.writes_requests()
    }
}

impl<B: Body> Body for CleanTrailers<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let clean = |frame: Frame<B::Data>| match frame.into_trailers() {
            Ok(mut trailers) => {
                this.gate.0.common.passing.clean_trailers(&mut trailers);
                Frame::trailers(trailers)
            }
            Err(data) => data,
        };
        let frame = this.body.poll_frame(cx);
        frame.map(|frame| frame.map(|frame| frame.map(clean)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
