//! What an issuer's tokens have to be to be accepted here.

use super::Marker;
use crate::{claims::ClaimRules, jose::AlgSet, url::Issuer};
use std::time::Duration;

/// Which tokens of an issuer are accepted, and what their claims mean. All of it is configuration; nothing of it comes from
/// a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenRules {
    /// Who has to have issued them, exactly.
    pub issuer: Issuer,
    /// What they are: access tokens unless said.
    pub kind: BearerKind,
    /// How access tokens are told from everything else that the issuer signs.
    pub profile: Profile,
    /// With which algorithms they may be signed. A symmetric one never: whoever verifies could forge.
    pub algs: AlgSet,
    /// How far the clocks of both sides may be apart.
    pub leeway: Duration,
    /// What their claims mean: as for the ID tokens of a login, so that the same identity comes out.
    pub claims: ClaimRules,
    /// The configured provider's id, empty for the unnamed.
    pub provider: Box<str>,
    /// The claims that hold scopes; `scope` if empty.
    pub scopes_at: Vec<String>,
    /// How scopes may be written.
    pub scope_form: ScopeForm,
    /// What beside `sub` being the client's id marks a token that a client got for itself.
    pub client_tokens: Vec<Marker>,
    /// Whether a token without `aud` is meant for the client that its `client_id` names.
    pub client_id_is_audience: bool,
    audiences: Vec<String>,
}

/// What kind of token is presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "each has rules of its own")]
pub enum BearerKind {
    /// Access tokens in the form of JWTs ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).
    #[default]
    AccessToken,
    /// ID tokens, for clients that have nothing else: meant to tell a client who signed in, and not made for this. By the
    /// rules of a login but for the nonce; the audience stands in the place of the client id.
    IdToken,
}

/// How access tokens are told from everything else that an issuer signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "there is no third way that is safe"
)]
pub enum Profile {
    /// By `typ`, and they have all that [RFC 9068 § 2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2) demands.
    #[default]
    Rfc9068,
    /// By at least one of these markers, where the issuer writes another `typ` or none.
    Marked(Vec<Marker>),
}

/// How scopes may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these two are all there is")]
pub enum ScopeForm {
    /// One text, divided by spaces ([RFC 8693 § 4.2](https://www.rfc-editor.org/rfc/rfc8693#section-4.2)).
    #[default]
    Text,
    /// That, or a list of texts, as some issuers write it.
    TextOrList,
}

impl TokenRules {
    /// The access tokens of `issuer` that are meant for `audience`. A token for nobody in particular is accepted nowhere, so
    /// there are no rules without an audience.
    ///
    /// # Defaults
    ///
    /// The strict profile, every asymmetric algorithm, 30 seconds of leeway, scopes as one text in `scope`.
    pub fn new(issuer: Issuer, audience: impl Into<String>) -> Self {
        Self {
            issuer,
            kind: BearerKind::default(),
            profile: Profile::default(),
            algs: AlgSet::asymmetric(),
            leeway: Duration::from_secs(30),
            claims: ClaimRules::default(),
            provider: Box::default(),
            scopes_at: Vec::new(),
            scope_form: ScopeForm::default(),
            client_tokens: Vec::new(),
            client_id_is_audience: false,
            audiences: vec![audience.into()],
        }
    }

    /// One more audience: a name that this service goes by as well.
    #[must_use]
    pub fn or_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// For whom tokens may be meant. At least one.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// What cannot be meant, each as `setting: problem`.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.claims.problems();
        if self.audiences.iter().any(String::is_empty) {
            problems.push("audience: empty; name what the issuer writes into `aud`".to_owned());
        }
        if self.algs.is_empty() || self.algs.iter().any(|alg| alg.is_symmetric()) {
            problems.push("algs: expected asymmetric algorithms, at least one".to_owned());
        }
        if self.scopes_at.iter().any(String::is_empty) {
            problems.push("scopes_at: empty; give the name of a claim".to_owned());
        }
        match &self.profile {
            Profile::Marked(_) if self.kind == BearerKind::IdToken => problems.push(
                "untyped: ID tokens are told apart by their own rules; leave it out".to_owned(),
            ),
            Profile::Marked(markers) if markers.is_empty() => problems
                .push("untyped: give a marker, so that an ID token does not pass".to_owned()),
            Profile::Marked(markers) => problems.extend(
                markers
                    .iter()
                    .filter_map(|marker| Some(format!("untyped: {}", marker.problem()?))),
            ),
            Profile::Rfc9068 => {}
        }
        if self.client_id_is_audience && !matches!(self.profile, Profile::Marked(_)) {
            problems.push(
                "client_id_is_audience: tokens of the profile have `aud`; leave it out, or say by `untyped` what marks them"
                    .to_owned(),
            );
        }
        problems
    }
}
