//! A code that a user brought.

use super::{
    Aftermath, Asked, Declined, Handle, ScopeSet, Spend, Standing,
    request::{need, take},
};
use crate::{
    check::Check,
    client_auth::Refusal,
    form::Form,
    login::pkce,
    secret::{AuthorizationCode, CodeVerifier},
    time::UnixTime,
};

/// How often a code may come with a wrong verifier. The verifier has 256 bits, so nobody guesses it; a wrong one is a sign
/// that somebody has stolen the code, and a mistake may be mended.
const FAILURES: u8 = 3;

/// What the server has stored with a code. The code itself is not among it: it is found by its [`Handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever stores it has to store all of it"
)]
pub struct IssuedCode {
    /// To which client.
    pub client_id: String,
    /// The `redirect_uri` of the authorization request, byte for byte, where it had one.
    pub redirect_uri: Option<String>,
    /// The `code_challenge` of the authorization request. Its method was `S256`; no other is spoken.
    pub challenge: Option<String>,
    /// What the user agreed to.
    pub scopes: ScopeSet,
    /// For which resources ([RFC 8707 § 2.1](https://www.rfc-editor.org/rfc/rfc8707#section-2.1)).
    pub resources: Vec<String>,
    /// From when on it is worthless: a minute after it was made is enough, ten are the most
    /// ([RFC 6749 § 4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)).
    pub expires: UnixTime,
    /// Whether it was used. Keep a used code as long as the tokens that came of it live, so that a second use is noticed.
    pub used: bool,
    /// How often it came with a wrong verifier.
    pub failures: u8,
    /// Whether the user, the session and the consent behind it are still there.
    pub standing: Standing,
}

/// `grant_type=authorization_code` ([RFC 6749 § 4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3)).
#[derive(Debug)]
#[must_use]
pub struct CodeRequest {
    asked: Asked,
    code: AuthorizationCode,
    redirect_uri: Option<String>,
    verifier: Option<CodeVerifier>,
}

impl CodeRequest {
    pub(super) fn read(asked: Asked, form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            code: AuthorizationCode::new(need(form, "code")?),
            redirect_uri: take(form, "redirect_uri"),
            verifier: take(form, "code_verifier").map(CodeVerifier::new),
            asked,
        })
    }

    /// What the code is looked for by.
    pub fn handle(&self) -> Handle {
        Handle::of(self.code.expose())
    }

    /// Whether the code may be redeemed, `issued` being what is stored under [`handle`](Self::handle).
    ///
    /// 1. It was issued, and to this client.
    /// 2. The redirect URI is that of the authorization request; if there was none, there is none.
    /// 3. A challenge and a verifier come together or not at all, and fit
    ///    ([RFC 9700 § 2.1.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1)); a public client has both.
    /// 4. It was not used. Whoever got this far and uses it again is the client, or has everything the client has: what
    ///    came of the code is revoked ([RFC 6749 § 4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)). A stranger
    ///    cannot have it revoked.
    /// 5. It has not expired, and what is behind it still stands.
    /// 6. The resources are among those of the authorization request. A `scope` is not asked for here; it was.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check, with what the store has to do.
    pub fn check(self, issued: Option<&IssuedCode>, now: UnixTime) -> Result<Spend, Declined> {
        let refused = |check, cause: &'static str| Err(Declined::from(Refusal::new(check, cause)));
        let Some(issued) = issued else {
            return refused(Check::GrantUnknown, "no such code");
        };
        if issued.client_id != self.asked.client.id() {
            return refused(Check::GrantClient, "the code was issued to another client");
        }
        match (&issued.redirect_uri, &self.redirect_uri) {
            (Some(_), None) => return refused(Check::GrantMissing, "`redirect_uri` is missing"),
            (before, now) if before != now => {
                return refused(Check::GrantRedirectUri, "`redirect_uri` is another one");
            }
            _ => {}
        }
        self.check_verifier(issued)?;
        if issued.used || issued.failures >= FAILURES {
            let cause = match issued.used {
                true => "the code was used before",
                false => "the code came too often with a wrong verifier",
            };
            let refusal = Refusal::new(Check::GrantUsed, cause);
            return Err(Declined::and(refusal, Aftermath::RevokeGrant));
        }
        if now >= issued.expires {
            return refused(Check::GrantExpired, "the code has expired");
        }
        issued.standing.check()?;
        let resources = self.asked.targets(&issued.resources)?;
        let handle = self.handle();
        let replay = self.asked.replay.clone();
        let mut granted = self.asked.granted(issued.scopes.clone(), resources);
        // What the authorization request asked for is not known here; the answer says what was granted.
        granted.asked = None;
        Ok(Spend::new(handle, replay, granted))
    }

    fn check_verifier(&self, issued: &IssuedCode) -> Result<(), Declined> {
        let refused = |check, cause: &'static str| Err(Declined::from(Refusal::new(check, cause)));
        let (challenge, verifier) = match (&issued.challenge, &self.verifier) {
            (Some(challenge), Some(verifier)) => (challenge, verifier),
            (Some(_), None) => {
                return refused(Check::GrantVerifierMissing, "`code_verifier` is missing");
            }
            (None, Some(_)) => {
                return refused(
                    Check::GrantVerifierUnasked,
                    "there is a `code_verifier`, and there was no `code_challenge`",
                );
            }
            (None, None) if self.asked.client.is_confidential() => return Ok(()),
            (None, None) => {
                return refused(
                    Check::GrantChallengeMissing,
                    "there was no `code_challenge`",
                );
            }
        };
        if !pkce::is_verifier(verifier) {
            return refused(
                Check::GrantVerifierMalformed,
                "`code_verifier` is not 43 to 128 unreserved characters",
            );
        }
        if pkce::verify(verifier, challenge) {
            return Ok(());
        }
        let then = match issued.failures.saturating_add(1) >= FAILURES {
            true => Aftermath::Burn,
            false => Aftermath::CountFailure,
        };
        let refusal = Refusal::new(Check::GrantVerifierWrong, "`code_verifier` is not the one");
        Err(Declined::and(refusal, then))
    }
}
