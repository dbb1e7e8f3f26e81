//! A JWT of an issuer that is trusted.

use super::{Asked, Granted, ScopeSet, request::need};
use crate::{
    check::{Check, quote},
    client_auth::{
        Authenticator, Owed, Purpose, Refusal, ReplayKey,
        received::{self, Typ, check_claims, check_typ},
    },
    form::Form,
    jose::{CompactJws, JwkSet},
    time::UnixTime,
};
use std::sync::Arc;

/// Whose assertions are grants, and how far they go.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever trusts has to say how far"
)]
pub struct TrustedIssuer {
    /// What its assertions have as `iss`. Never the id of a client: that client's assertions about itself would be grants.
    pub issuer: String,
    /// Its keys.
    pub keys: Arc<JwkSet>,
    /// What it can grant.
    pub scopes: ScopeSet,
}

/// `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`
/// ([RFC 7523 § 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)). The client authenticates as for every grant.
#[derive(Debug)]
#[must_use]
pub struct JwtBearerRequest {
    asked: Asked,
    assertion: CompactJws,
}

impl JwtBearerRequest {
    pub(super) fn read(asked: Asked, form: &mut Form) -> Result<Self, Refusal> {
        let assertion = need(form, "assertion")?;
        Ok(Self {
            assertion: received::parse(&assertion).map_err(Refusal::of_grant)?,
            asked,
        })
    }

    /// Who the assertion says has issued it: what the [`TrustedIssuer`] is looked for by, and nothing else. Text from
    /// outside.
    pub fn issuer(&self) -> Option<&str> {
        self.assertion.unverified_text("iss")
    }

    /// Whether the assertion grants something at `server`, `trusted` being the issuer of that name.
    ///
    /// 1. The issuer is trusted and its key confirms the signature; no key of the assertion's own counts.
    /// 2. It is made for this server, soon expires, is new; the rules are those of a client's assertion
    ///    ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3)).
    /// 3. The scopes are among those of the issuer **and** of the client, the resources among the client's.
    ///
    /// Whom the assertion is made for says nothing about whom the token is for.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check; to the client the first two are `invalid_grant`.
    pub fn check(
        self,
        server: &Authenticator,
        trusted: Option<&TrustedIssuer>,
        now: UnixTime,
    ) -> Result<Owed<Granted>, Refusal> {
        let Some(trusted) = trusted else {
            let issuer = self.issuer().unwrap_or_default();
            let cause = format!("nobody trusts {}", quote(issuer));
            return Err(Refusal::new(Check::AssertionIssuer, cause).of_grant());
        };
        let (asked, assertion) = (self.asked, self.assertion);
        let (subject, key) = believe(assertion, server, trusted, now).map_err(Refusal::of_grant)?;
        let within = trusted
            .scopes
            .iter()
            .filter(|scope| asked.registered.scopes().contains(scope))
            .collect::<Vec<_>>()
            .join(" ");
        let within = ScopeSet::parse(&within).unwrap_or_default();
        let scopes = asked.scopes(&within, &within)?;
        super::request::check_targets(&asked.resources, asked.registered.resource_list())?;
        let resources = asked.resources.clone();
        let mut replay = asked.replay.clone();
        replay.push(key);
        let mut granted = asked.granted(scopes, resources);
        granted.subject = Some(subject.into());
        Ok(Owed::new(replay, granted))
    }
}

/// Whom the assertion is about, and what it is remembered by.
fn believe(
    assertion: CompactJws,
    server: &Authenticator,
    trusted: &TrustedIssuer,
    now: UnixTime,
) -> Result<(String, (ReplayKey, UnixTime)), Refusal> {
    let alg = assertion.alg();
    if !server.takes(alg) || alg.is_symmetric() {
        let cause = format!("it is signed with {alg}, which is not taken here");
        return Err(Refusal::new(Check::AssertionAlg, cause));
    }
    let typ = check_typ(&assertion, "authorization-grant+jwt")?;
    // A client's assertion is about the client; as a grant, only by a name that it cannot have as the former.
    let about_itself = assertion.unverified_text("sub") == Some(&trusted.issuer);
    if about_itself && typ == Typ::Any {
        let cause = "it is about its issuer, as a client's assertion is, and its `typ` does not say that it is a grant";
        return Err(Refusal::new(Check::AssertionSubject, cause));
    }
    let claims = assertion
        .verify(&*trusted.keys)
        .map_err(|error| received::untrue(&error))?;
    let expected = server.expected(&trusted.issuer, None);
    let believed = check_claims(&claims, &expected, typ, now)?;
    let key = ReplayKey::of(Purpose::Grant, &trusted.issuer, &believed.id);
    let until = server.kept_until(believed.expires);
    Ok((believed.subject, (key, until)))
}
