//! The keys a provider publishes.

/// A provider's public keys ([RFC 7517 § 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
#[derive(Debug, Default)]
pub struct JwkSet {}
