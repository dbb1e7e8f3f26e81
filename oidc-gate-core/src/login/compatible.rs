//! Whether a provider and a registration can work together.

use super::{ClaimsRequest, Registration, ResponseMode};
use crate::{
    check::{Check, CheckFailed, quote},
    claims::ClaimsSource,
    jose::Alg,
    provider::{Endpoint, Metadata},
    secret::ClientSecret,
};

/// Whether this registration can work at this provider at all
/// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)). Asked before any request that it concerns is sent;
/// of use earlier where the metadata is configured.
///
/// # Errors
///
/// If the provider takes another way of authenticating ([`Check::ClientAuthUnsupported`]), does not speak the code flow
/// ([`Check::CodeFlowUnsupported`]), refuses `S256` ([`Check::PkceUnsupported`]), does not read `claims` where they are
/// sent ([`Check::ClaimsUnsupported`]), has not the response mode ([`Check::ResponseModeUnsupported`]), or signs ID tokens
/// with nothing that is verified ([`Check::NoCommonAlgorithm`], [`Check::IdTokenSecret`]).
pub fn check_compatible(
    metadata: &Metadata,
    registration: &Registration,
) -> Result<(), CheckFailed> {
    registration.client.method_at(metadata, Endpoint::Token)?;
    if let Some(types) = metadata.response_types()
        && !types.iter().any(|t| t == "code")
    {
        return Err(CheckFailed::new(
            Check::CodeFlowUnsupported,
            "the provider lists response types, and `code` is not among them",
        ));
    }
    if let Some(methods) = metadata.code_challenge_methods()
        && !methods.iter().any(|m| m == "S256")
    {
        return Err(CheckFailed::new(
            Check::PkceUnsupported,
            "the provider lists PKCE methods, and S256 is not among them",
        ));
    }
    check_claims_request(metadata, registration.wishes.claims.as_ref())?;
    // `query` is what the code flow does anyway, and is not asked for, so it is not looked for either.
    let mode = registration.response_mode;
    let modes = metadata.response_modes();
    if mode != ResponseMode::Query && !modes.iter().any(|m| m == mode.value()) {
        let cause = format!(
            "configured {}, the provider has {}",
            mode.value(),
            listed(modes)
        );
        return Err(CheckFailed::new(Check::ResponseModeUnsupported, cause));
    }
    if let Some(alg) = registration.id_token_alg {
        return check_secret(alg, registration.client.secret());
    }
    if metadata.id_token_algs().is_empty() {
        return Err(CheckFailed::new(
            Check::NoCommonAlgorithm,
            "none of the provider's ID token algorithms is verified",
        ));
    }
    Ok(())
}

/// Whether the claims can come from where they are to come from. Asked when [`check_compatible`] is.
///
/// # Errors
///
/// [`Check::UserinfoUnsupported`] if userinfo is always to be asked and the provider has none.
pub fn check_claims_source(metadata: &Metadata, source: ClaimsSource) -> Result<(), CheckFailed> {
    if source == ClaimsSource::UserinfoAlways && metadata.userinfo_endpoint().is_none() {
        return Err(CheckFailed::new(
            Check::UserinfoUnsupported,
            "userinfo is always to be asked, and the provider names no `userinfo_endpoint`",
        ));
    }
    Ok(())
}

/// What is essential must not get lost: a provider that says nothing does not read the parameter
/// ([Discovery § 3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).
pub(super) fn check_claims_request(
    metadata: &Metadata,
    claims: Option<&ClaimsRequest>,
) -> Result<(), CheckFailed> {
    if claims.is_some() && !metadata.takes_claims() {
        return Err(CheckFailed::new(
            Check::ClaimsUnsupported,
            "`request_claims` is used, and the provider does not say `claims_parameter_supported`",
        ));
    }
    Ok(())
}

/// Whether ID tokens signed with `alg` can be believed by a client with this secret: a symmetric one takes a secret,
/// and a long one ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
pub(super) fn check_secret(alg: Alg, secret: Option<&ClientSecret>) -> Result<(), CheckFailed> {
    let Some(least) = alg.min_secret_bytes() else {
        return Ok(());
    };
    let refused = |cause: String| Err(CheckFailed::new(Check::IdTokenSecret, cause));
    match secret.map(|secret| secret.expose().len()) {
        None => refused(format!("{alg} is configured, and the client has no secret")),
        Some(bytes) if bytes < least => refused(format!(
            "{alg} takes a secret of {least} bytes, the client's has {bytes}"
        )),
        Some(_) => Ok(()),
    }
}

fn listed(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| quote(word).to_string()).collect();
    words.join(", ")
}
