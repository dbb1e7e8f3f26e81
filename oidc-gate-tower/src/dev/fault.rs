/// Something a provider can get wrong, to see what the other side makes of it.
///
/// A fault stays on until [`clear_faults`](super::DevProvider::clear_faults): a test that forgets to repeat it cannot
/// pass by accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// `iss` in ID tokens names another issuer.
    WrongIssuer,
    /// `aud` in ID tokens names another client.
    WrongAudience,
    /// `nonce` in ID tokens is not the one that was sent.
    WrongNonce,
    /// ID tokens were issued two hours ago and expired an hour ago.
    ExpiredToken,
    /// Keys change just before each ID token is signed, and the old ones are withdrawn: the token's key is published by
    /// the time the token arrives, and is in nobody's cache. A client that looks again succeeds.
    RotatedKey,
    /// The signature of ID tokens does not fit.
    InvalidSignature,
    /// `iss` in authorization responses names another issuer
    /// ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)).
    WrongIssParameter,
    /// The token endpoint answers 503.
    TokenEndpointDown,
    /// The token endpoint answers `invalid_client`, whoever asks.
    InvalidClient,
    /// The provider cannot be reached. In the process, requests are not sent; on a port, connections are closed without
    /// an answer; as a service, it answers 503.
    Unreachable,
    /// The token endpoint does its work and its answer is lost: the code is used up, and nobody has the tokens. In the
    /// process and on a port there is no answer; as a service, it answers 503.
    LostTokenResponse,
}
