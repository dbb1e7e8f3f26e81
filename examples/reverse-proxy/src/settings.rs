//! What a proxy is told.

use crate::Upstreams;
use std::time::Duration;

/// What a proxy is told, beside what stands behind it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What stands behind it.
    pub upstreams: Upstreams,
    /// How long reaching an upstream may take; 10 seconds unless set.
    pub connect_timeout: Duration,
    /// How long an upstream may do nothing before it answers; 30 seconds unless set. An upload that goes on is not nothing,
    /// and an answer that has begun may take as long as it likes.
    pub answer_timeout: Duration,
    /// Which host upstreams see.
    pub host: Host,
    /// Whether WebSockets are passed on.
    pub websockets: WebSockets,
    /// What becomes of paths that upstreams could read otherwise than the gate has.
    pub paths: Paths,
    /// Whom to believe that it is an `https://` upstream.
    pub certificates: Certificates,
}

impl Settings {
    /// In front of these.
    pub fn new(upstreams: Upstreams) -> Self {
        Self {
            upstreams,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            host: Host::default(),
            websockets: WebSockets::default(),
            paths: Paths::default(),
            certificates: Certificates::default(),
        }
    }
}

/// Which host upstreams see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Host {
    /// The one that the browser asked for.
    #[default]
    Passed,
    /// Their own.
    Upstreams,
}

/// Whether WebSockets are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum WebSockets {
    /// They are, after the gate has let them in.
    #[default]
    Passed,
    /// They are not: upstreams see a request like any other.
    Refused,
}

/// What becomes of paths that upstreams could read otherwise than the gate has: `/a%2fb`, `/a/../b`, `//a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Paths {
    /// They are answered with 400.
    #[default]
    Plain,
    /// They are passed on as they came.
    ///
    /// # Security
    ///
    /// An upstream may take such a path for another one, about which the gate would have decided otherwise.
    DangerAny,
}

/// Whom to believe that it is an `https://` upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Certificates {
    /// Whoever has a certificate of an authority that the system trusts.
    #[default]
    Checked,
    /// Whoever answers.
    ///
    /// # Security
    ///
    /// Whoever stands in between reads and changes everything.
    DangerAny,
}
