//! From the text of a token to an identity.

use super::{BearerKind, TokenRules, access_token, id_token};
use crate::check::{Check, CheckFailed, quote};
use crate::claims::{Facts, read};
use crate::flow::KeyQuery;
use crate::identity::{Identity, IdentityKind, Via};
use crate::jose::{CompactJws, JwkSet, JwsError};
use crate::time::UnixTime;
use crate::url::Issuer;
use serde_json::{Map, Value};
use std::{fmt, sync::Arc};

/// The tokens that are accepted: the rules of every issuer.
#[derive(Clone, Debug, Default)]
pub struct Bearers(Vec<TokenRules>);

impl Bearers {
    /// Tokens by these rules. Several of one issuer are tried in their order; one that lets a token in is enough.
    pub fn new(rules: Vec<TokenRules>) -> Self {
        Self(rules)
    }

    /// The rules.
    pub fn rules(&self) -> &[TokenRules] {
        &self.0
    }

    /// Reads a token and finds the rules of its issuer. It is not believed yet; but one that no key could make right is
    /// refused here, before anybody looks for one.
    ///
    /// # Errors
    ///
    /// [`Check::BearerMalformed`] for what is no signed JWT, opaque tokens among it; [`Check::BearerEncrypted`],
    /// [`Check::BearerAlg`], [`Check::BearerCrit`], [`Check::BearerIssuer`], [`Check::BearerType`].
    pub fn read(&self, token: &str) -> Result<Candidate<'_>, CheckFailed> {
        let jws = CompactJws::parse(token).map_err(|error| untrue(&error))?;
        let iss = jws.unverified_text("iss").ok_or_else(|| {
            CheckFailed::new(Check::BearerIssuer, "`iss` is missing or is not text")
        })?;
        let rules: Vec<&TokenRules> = (self.0.iter())
            .filter(|rules| rules.issuer.as_str() == iss)
            .collect();
        let Some(issuer) = rules.first().map(|rules| &rules.issuer) else {
            return Err(CheckFailed::new(
                Check::BearerIssuer,
                format!("expected a configured issuer, got {}", quote(iss)),
            ));
        };
        let rules = Fitting::of(rules, |rules| {
            match rules.kind {
                BearerKind::AccessToken => access_token::check_type(rules, jws.typ())?,
                BearerKind::IdToken => id_token::check_type(jws.typ())?,
            }
            match rules.algs.contains(jws.alg()) && !jws.alg().is_symmetric() {
                true => Ok(rules),
                false => Err(CheckFailed::new(
                    Check::BearerAlg,
                    format!("expected one of {:?}, got {}", rules.algs, jws.alg()),
                )),
            }
        });
        Ok(Candidate {
            issuer,
            rules: rules.all_or_failure()?,
            jws,
        })
    }
}

/// A token whose issuer is known, and which is not believed yet.
pub struct Candidate<'a> {
    issuer: &'a Issuer,
    rules: Vec<&'a TokenRules>,
    jws: CompactJws,
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("issuer", &self.issuer)
            .field("jws", &self.jws)
            .finish_non_exhaustive()
    }
}

/// A token that passed every check.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever keeps the identity has to know how long"
)]
pub struct Verified {
    /// Whose it is.
    pub identity: Identity,
    /// From when on it is not valid any more.
    pub expires_at: UnixTime,
}

impl Candidate<'_> {
    /// Whose keys have to verify it: a configured issuer.
    pub fn issuer(&self) -> &Issuer {
        self.issuer
    }

    /// Which key to look for.
    pub fn key_query(&self) -> KeyQuery {
        self.jws.key_query()
    }

    /// Which keys to look for where these do not confirm a signature that names none: see
    /// [`UnverifiedIdToken::other_keys`](crate::token::UnverifiedIdToken::other_keys).
    pub fn other_keys(&self, tried: &Arc<JwkSet>) -> Option<KeyQuery> {
        let wrong =
            self.jws.kid().is_none() && self.jws.confirm(&**tried) == Err(JwsError::Signature);
        wrong.then(|| self.jws.key_query().besides(tried.clone()))
    }

    /// Whose token it is, if one of the issuer's rules lets it in. `keys` have to be those of [`issuer`](Self::issuer).
    ///
    /// # Errors
    ///
    /// The check that failed; where there are several rules, of the one that got furthest.
    pub fn verify(self, keys: &JwkSet, now: UnixTime) -> Result<Verified, CheckFailed> {
        let (alg, kid) = (self.jws.alg(), self.jws.kid().map(str::to_owned));
        let claims = self.jws.verify(keys).map_err(|error| match (error, kid) {
            (JwsError::NoKey, Some(kid)) => CheckFailed::new(
                Check::BearerKey,
                format!(
                    "no published key is named {} and fit for {alg}",
                    quote(&kid)
                ),
            ),
            (JwsError::NoKey, None) => CheckFailed::new(
                Check::BearerKey,
                format!("no published key is fit for {alg}"),
            ),
            (error, _) => untrue(&error),
        })?;
        let verified = Fitting::of(self.rules, |rules| match rules.kind {
            BearerKind::AccessToken => by_access_token(rules, &claims, now),
            BearerKind::IdToken => {
                let times = id_token::check(rules, &claims, alg, now)?;
                let facts = Facts {
                    provider: &rules.provider,
                    scopes: "",
                    auth_time: times.auth_time,
                    via: Via::Bearer,
                    kind: IdentityKind::User,
                    client_id: None,
                };
                Ok(Verified {
                    identity: read(&rules.claims, claims.clone(), None, facts)?,
                    expires_at: times.expires_at,
                })
            }
        });
        let mut all = verified.all_or_failure()?.into_iter();
        all.next()
            .ok_or_else(|| CheckFailed::new(Check::Misuse, "a token without rules"))
    }
}

fn by_access_token(
    rules: &TokenRules,
    claims: &Map<String, Value>,
    now: UnixTime,
) -> Result<Verified, CheckFailed> {
    let token = access_token::check(rules, claims, now)?;
    let facts = Facts {
        provider: &rules.provider,
        scopes: &token.scopes,
        auth_time: token.auth_time,
        via: Via::Bearer,
        kind: token.kind,
        client_id: token.client_id.as_deref(),
    };
    Ok(Verified {
        identity: read(&rules.claims, claims.clone(), None, facts)?,
        expires_at: token.expires_at,
    })
}

/// What fits, or the most telling of the reasons why nothing does.
struct Fitting<T> {
    fit: Vec<T>,
    failed: Option<CheckFailed>,
}

impl<T> Fitting<T> {
    fn of<R>(all: Vec<R>, check: impl Fn(R) -> Result<T, CheckFailed>) -> Self {
        let mut found = Self {
            fit: Vec::new(),
            failed: None,
        };
        for one in all {
            match check(one) {
                Ok(fit) => found.fit.push(fit),
                Err(failed) => {
                    let further =
                        |before: &CheckFailed| rank(failed.check()) > rank(before.check());
                    if found.failed.as_ref().is_none_or(further) {
                        found.failed = Some(failed);
                    }
                }
            }
        }
        found
    }

    fn all_or_failure(self) -> Result<Vec<T>, CheckFailed> {
        match self.failed {
            Some(failed) if self.fit.is_empty() => Err(failed),
            _ => Ok(self.fit),
        }
    }
}

/// How far a token got that failed at this check: a token that is meant for here and expired tells more than one that is
/// meant for somebody else.
fn rank(check: Check) -> u8 {
    match check {
        Check::BearerType => 0,
        Check::BearerAlg => 1,
        Check::BearerKind => 2,
        Check::BearerIssuer => 3,
        Check::BearerAudience | Check::BearerAuthorizedParty => 4,
        Check::BearerClaim => 5,
        Check::BearerExpired | Check::BearerNotBefore | Check::BearerIssuedAt => 6,
        Check::BearerSubject | Check::BearerBound => 7,
        _ => 8,
    }
}

/// What is wrong with a token before its claims are looked at.
fn untrue(error: &JwsError) -> CheckFailed {
    let check = match error {
        JwsError::Malformed(_) => Check::BearerMalformed,
        JwsError::Encrypted => Check::BearerEncrypted,
        JwsError::Alg(_) => Check::BearerAlg,
        JwsError::Critical => Check::BearerCrit,
        JwsError::NoKey => Check::BearerKey,
        JwsError::Signature | JwsError::SecretTooShort => Check::BearerSignature,
    };
    CheckFailed::new(check, error.to_string())
}
