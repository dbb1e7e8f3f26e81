//! From the text of a token to an identity.

use super::{BearerKind, TokenRules, access_token, id_token};
use crate::check::{Check, CheckFailed, quote};
use crate::claims::{Facts, read_signed};
use crate::flow::KeyQuery;
use crate::identity::{Identity, IdentityKind, Via};
use crate::jose::{Alg, JwkSet, JwsError, Members, UnverifiedJws};
use crate::time::UnixTime;
use crate::url::Issuer;
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
    pub fn read<'a>(&'a self, token: &'a str) -> Result<Candidate<'a>, CheckFailed> {
        let jws = UnverifiedJws::parse(token).map_err(|error| untrue(&error))?;
        let iss = jws.unverified_text("iss").ok_or_else(|| {
            CheckFailed::new(Check::BearerIssuer, "`iss` is missing or is not text")
        })?;
        let of_issuer = || self.0.iter().filter(|rules| rules.issuer.as_str() == &*iss);
        let Some(issuer) = of_issuer().next().map(|rules| &rules.issuer) else {
            return Err(CheckFailed::new(
                Check::BearerIssuer,
                format!("expected a configured issuer, got {}", quote(&iss)),
            ));
        };
        let mut failed = Furthest::default();
        let rules: Vec<_> = of_issuer()
            .filter(|rules| failed.unless_failed(may_be(rules, &jws)).is_some())
            .collect();
        if rules.is_empty() {
            return Err(failed.reason());
        }
        Ok(Candidate { issuer, rules, jws })
    }
}

/// A token whose issuer is known, and which is not believed yet.
pub struct Candidate<'a> {
    issuer: &'a Issuer,
    rules: Vec<&'a TokenRules>,
    jws: UnverifiedJws<'a>,
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

    /// Which keys to look for where these have not confirmed a signature that names none, as `failed` says: see
    /// [`UnverifiedIdToken::other_keys`](crate::token::UnverifiedIdToken::other_keys).
    pub fn other_keys(&self, failed: &CheckFailed, tried: &Arc<JwkSet>) -> Option<KeyQuery> {
        let wrong = self.jws.kid().is_none() && failed.check() == Check::BearerSignature;
        wrong.then(|| self.jws.key_query().besides(tried.clone()))
    }

    /// Whose token it is, if one of the issuer's rules lets it in. `keys` have to be those of [`issuer`](Self::issuer).
    ///
    /// # Errors
    ///
    /// The check that failed; where there are several rules, of the one that got furthest.
    pub fn verify(&self, keys: &JwkSet, now: UnixTime) -> Result<Verified, CheckFailed> {
        let alg = self.jws.alg();
        let claims = (self.jws.verify(keys)).map_err(|error| match (error, self.jws.kid()) {
            (JwsError::NoKey, Some(kid)) => CheckFailed::new(
                Check::BearerKey,
                format!("no published key is named {} and fit for {alg}", quote(kid)),
            ),
            (JwsError::NoKey, None) => CheckFailed::new(
                Check::BearerKey,
                format!("no published key is fit for {alg}"),
            ),
            (error, _) => untrue(&error),
        })?;
        let mut failed = Furthest::default();
        let verified = self.rules.iter().find_map(|rules| {
            failed.unless_failed(match rules.kind {
                BearerKind::AccessToken => by_access_token(rules, &claims, now),
                BearerKind::IdToken => by_id_token(rules, &claims, alg, now),
            })
        });
        verified.ok_or_else(|| failed.reason())
    }
}

/// Whether a token can be one of those that these rules are about.
fn may_be(rules: &TokenRules, jws: &UnverifiedJws<'_>) -> Result<(), CheckFailed> {
    match rules.kind {
        BearerKind::AccessToken => access_token::check_type(rules, jws.typ())?,
        BearerKind::IdToken => id_token::check_type(jws.typ())?,
    }
    match rules.algs.contains(jws.alg()) && !jws.alg().is_symmetric() {
        true => Ok(()),
        false => Err(CheckFailed::new(
            Check::BearerAlg,
            format!("expected one of {:?}, got {}", rules.algs, jws.alg()),
        )),
    }
}

fn by_access_token(
    rules: &TokenRules,
    claims: &Members<'_>,
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
        identity: read_signed(&rules.claims, claims.clone(), facts)?,
        expires_at: token.expires_at,
    })
}

fn by_id_token(
    rules: &TokenRules,
    claims: &Members<'_>,
    alg: Alg,
    now: UnixTime,
) -> Result<Verified, CheckFailed> {
    // Read by the rules of a login, which has them as values.
    let values = (claims.to_map())
        .map_err(|_| CheckFailed::new(Check::BearerMalformed, "the payload is not JSON"))?;
    let times = id_token::check(rules, &values, alg, now)?;
    let facts = Facts {
        provider: &rules.provider,
        scopes: "",
        auth_time: times.auth_time,
        via: Via::Bearer,
        kind: IdentityKind::User,
        client_id: None,
    };
    Ok(Verified {
        identity: read_signed(&rules.claims, claims.clone(), facts)?,
        expires_at: times.expires_at,
    })
}

/// Of the reasons why rules did not let a token in, the most telling.
#[derive(Default)]
struct Furthest(Option<CheckFailed>);

impl Furthest {
    /// What came of it, if it did not fail.
    fn unless_failed<T>(&mut self, result: Result<T, CheckFailed>) -> Option<T> {
        let failed = match result {
            Ok(fit) => return Some(fit),
            Err(failed) => failed,
        };
        let further = |before: &CheckFailed| rank(failed.check()) > rank(before.check());
        if self.0.as_ref().is_none_or(further) {
            self.0 = Some(failed);
        }
        None
    }

    fn reason(self) -> CheckFailed {
        self.0
            .unwrap_or_else(|| CheckFailed::new(Check::Misuse, "a token without rules"))
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
