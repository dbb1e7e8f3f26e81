//! What a provider can get wrong.

macro_rules! listed {
    ($(#[$top:meta])* $name:ident, $all:ident { $($(#[$doc:meta])* $variant:ident,)+ } $(more { $($more:tt)+ })?) => {
        $(#[$top])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            $($($more)+)?
        }

        impl $name {
            /// Every one without parts, in the order of their definition.
            const $all: &[Self] = &[$(Self::$variant,)+];
        }
    };
}

pub(super) use listed;

listed! {
/// Something a provider can get wrong, to see what the other side makes of it.
///
/// Some are no mistakes but rare: their documentation says that a client signs the user in.
///
/// A fault stays on until [`clear_faults`](super::DevProvider::clear_faults): a test that forgets to repeat it cannot
/// pass by accident. Most name the check that a gate answers them with; see
/// [`Check`](crate::core::check::Check).
///
/// ```
/// use oidc_gate_tower::dev::{DevProvider, Endpoint, Fault, Mishap};
/// let provider = DevProvider::demo();
/// provider.fault(Fault::MissingNonce);
/// provider.fault(Fault::At(Endpoint::Token, Mishap::Truncated));
/// provider.clear_faults();
/// ```
Fault, PLAIN {
    /// `iss` in ID tokens names another issuer: `id_token.issuer`.
    WrongIssuer,
    /// ID tokens have no `iss`: `id_token.claim`.
    MissingIssuer,
    /// `sub` in ID tokens is a number: `id_token.subject`.
    InvalidSubject,
    /// `sub` in ID tokens is longer than 255 characters: `id_token.subject`.
    LongSubject,
    /// ID tokens have no `sub`: `id_token.subject`.
    MissingSubject,
    /// `aud` in ID tokens names another client: `id_token.audience`.
    WrongAudience,
    /// `aud` in ID tokens names this client and a stranger: `id_token.audience`.
    ForeignAudience,
    /// ID tokens have no `aud`: `id_token.claim`.
    MissingAudience,
    /// `azp` in ID tokens names another client: `id_token.azp`.
    WrongAuthorizedParty,
    /// ID tokens were issued two hours ago and expired an hour ago: `id_token.expired`.
    ExpiredToken,
    /// ID tokens have no `exp`: `id_token.claim`.
    MissingExpiry,
    /// `iat` in ID tokens is a text: `id_token.claim`.
    InvalidIssuedAt,
    /// ID tokens are issued half an hour from now: `id_token.issued_at`.
    FutureIssuedAt,
    /// ID tokens have no `iat`: `id_token.claim`.
    MissingIssuedAt,
    /// `nbf` in ID tokens is half an hour from now: `id_token.not_before`.
    NotYetValid,
    /// `nonce` in ID tokens is not the one that was sent: `id_token.nonce`.
    WrongNonce,
    /// ID tokens have no `nonce`, although one was sent: `id_token.nonce`.
    MissingNonce,
    /// `at_hash` in ID tokens belongs to another access token: `id_token.at_hash`.
    WrongAccessTokenHash,
    /// The signature of ID tokens does not fit: `id_token.signature`.
    InvalidSignature,
    /// ID tokens have `alg: none` and no signature: `id_token.alg`.
    UnsignedToken,
    /// ID tokens are signed with `HS256`, and the published key is the secret
    /// ([RFC 8725 § 2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1)): `id_token.alg`.
    PublicKeyAsSecret,
    /// ID tokens demand an extension that nobody knows
    /// ([RFC 7515 § 4.1.11](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11)): `id_token.crit`.
    UnknownExtension,
    /// ID tokens name a key that is not published: `id_token.key`.
    UnknownKey,
    /// ID tokens name no key, and one of its kind is published. No mistake: a client signs the user in.
    MissingKid,
    /// ID tokens name no key, and two of its kind are published, the right one last. A client that tries both signs the
    /// user in, as the gate does; one that refuses such tokens is right too
    /// ([OpenID Connect Core § 10.1](https://openid.net/specs/openid-connect-core-1_0.html#Signing)).
    MissingKidAmongSeveral,
    /// Two keys of the same kind and the same `kid` are published, the right one last. A client that tries both signs
    /// the user in, as the gate does.
    SharedKid,
    /// Keys change just before each ID token is signed, and the old ones are withdrawn: the token's key is published by
    /// the time the token arrives, and is in nobody's cache. A client that looks again succeeds.
    RotatedKey,
    /// `iss` in authorization responses names another issuer
    /// ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)): `callback.issuer_mismatch`.
    WrongIssParameter,
    /// Authorization responses have no `iss`, although the metadata promises it: `callback.issuer_missing`.
    MissingIssParameter,
    /// `state` in authorization responses is not the one that was sent: `callback.state_unknown`.
    WrongState,
    /// Authorization responses have no `state`: `callback.state_missing`.
    MissingState,
    /// Every parameter of authorization responses occurs twice: `callback.duplicate_parameter`.
    DuplicateParameters,
    /// The metadata names another issuer: `provider.issuer_mismatch`.
    WrongMetadataIssuer,
    /// The token endpoint answers 503: `token.unavailable`.
    TokenEndpointDown,
    /// The token endpoint answers `invalid_client`, whoever asks: `token.invalid_client`.
    InvalidClient,
    /// Token responses have no ID token: `token.id_token_missing`.
    MissingIdToken,
    /// `token_type` in token responses is none that a client knows: `token.type`.
    WrongTokenType,
    /// `sub` of userinfo is somebody else's
    /// ([OpenID Connect Core § 5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)). A client
    /// that asks for userinfo refuses it: `userinfo.subject`; one that does not ask sees nothing.
    WrongUserinfoSubject,
    /// Userinfo has no `sub`. As [`WrongUserinfoSubject`](Self::WrongUserinfoSubject).
    MissingUserinfoSubject,
    /// The token endpoint answers 429 and when to come again: `token.unavailable`.
    TooManyRequests,
    /// `sub` of ID tokens that come with a refresh is somebody else's
    /// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)):
    /// `id_token.refreshed_subject`. A login sees nothing of it.
    RefreshedSubject,
    /// `auth_time` of ID tokens that come with a refresh is that of the refresh: `id_token.refreshed`. A login sees nothing of
    /// it.
    RefreshedAuthTime,
    /// Every refresh token is refused with `invalid_grant`, and stays as it is: `refresh.refused`. A login sees nothing of it.
    RefreshRefused,
    /// The provider cannot be reached: `provider.unreachable`. In the process, requests are not sent; on a port,
    /// connections are closed without an answer; as a service, it answers 503.
    Unreachable,
    /// The token endpoint does its work and its answer is lost: the code is used up, and nobody has the tokens:
    /// `token.unavailable`. In the process and on a port there is no answer; as a service, it answers 503.
    LostTokenResponse,
} more {
    /// The answers of this endpoint go wrong on their way.
    At(Endpoint, Mishap),
}
}

impl Fault {
    /// Every fault there is, for a test that has to know them all.
    pub fn all() -> impl Iterator<Item = Self> {
        let at = |endpoint: &'static Endpoint| {
            Mishap::ALL
                .iter()
                .map(|mishap| Self::At(*endpoint, *mishap))
        };
        Self::PLAIN
            .iter()
            .copied()
            .chain(Endpoint::ALL.iter().flat_map(at))
    }
}

listed! {
/// Where a relying party's own requests go.
Endpoint, ALL {
    /// The metadata. A client that lacks it cannot begin a login.
    Metadata,
    /// The keys.
    Keys,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint. A client that does not ask for userinfo sees nothing of its faults; a gate asks where the ID
    /// token lacks something.
    Userinfo,
}
}

listed! {
/// What can become of an answer.
///
/// At the metadata and the keys, a gate answers with the check that is named first; at the token endpoint with the
/// second; at userinfo, where it asks, with that of the same name there: `userinfo.unavailable`, `userinfo.malformed`.
Mishap, ALL {
    /// Status 500 and no JSON. The endpoint did nothing. `provider.status`, `token.unavailable`.
    ServerError,
    /// Half of the JSON: `provider.metadata_malformed` or `provider.keys_malformed`, `token.malformed`.
    Truncated,
    /// The JSON, and a megabyte of white space behind it: `provider.too_large`, at the token endpoint too.
    Oversized,
    /// A page instead of JSON, with status 200: `provider.status`, `token.malformed`.
    Html,
    /// The JSON as `text/html`: `provider.status`. A client that goes by the body of a token response signs the user in,
    /// as the gate does.
    WrongContentType,
    /// Status 307, to an address where the same request is answered rightly. The endpoint did nothing yet.
    /// `provider.status`, `token.malformed`: a client that follows may carry its secret anywhere.
    Redirected,
    /// The connection is closed before the answer, after the work was done: `provider.unreachable`,
    /// `token.unavailable`. As a service, 503.
    Closed,
    /// No answer within any deadline, and the work was done: `provider.unreachable`, `token.unavailable`. In the process,
    /// the error comes when the request's deadline is over by tokio's clock, which costs a test with paused time
    /// nothing; on a port, the connection is closed after two minutes; as a service, 503.
    Slow,
}
}
