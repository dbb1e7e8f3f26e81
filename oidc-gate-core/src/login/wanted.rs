//! What is asked of the provider: at every login, and at one.

use super::{Anew, ClaimsRequest, Demand, Locales, LoginHint, Params, ReturnTo, SameUser};
use crate::check::{Check, CheckFailed, quote};
use crate::session::Predecessor;
use std::time::Duration;

/// What every login at a provider asks for, beside what the protocol needs. Nothing, by default.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Wishes {
    /// What the user is asked for, unless a login says so itself.
    pub prompt: Vec<Prompt>,
    /// In which languages, unless a login says so itself.
    pub ui_locales: Locales,
    /// Authentication context classes that would be welcome, the best first. Asked for and not enforced: see
    /// [`Demand::acr_values`] for those that are.
    pub acr_values: Vec<String>,
    /// How old the sign-in at the provider may be. Enforced; of this and a login's own the smaller counts.
    pub max_age: Option<Duration>,
    /// Where the access token is to be used: absolute URIs without a fragment
    /// ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
    pub resource: Vec<String>,
    /// Single claims. The provider has to say that it takes such a request.
    pub claims: Option<ClaimsRequest>,
    /// Parameters of the provider's own. A login's of the same name come before them.
    pub params: Params,
}

impl Wishes {
    /// What one login is held to, with what every login is held to.
    ///
    /// # Errors
    ///
    /// [`Check::IdTokenAcr`] where no class would meet all of it.
    pub(super) fn demand(
        &self,
        login: Demand,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Demand, CheckFailed> {
        // A login's own claims take the place of those of every login, and not of what is demanded of every login.
        let acr_values = [claims, self.claims.as_ref()]
            .into_iter()
            .flatten()
            .map(ClaimsRequest::essential_acr)
            .try_fold(login.acr_values, both)?;
        let max_age = match (login.max_age, self.max_age) {
            (Some(login), Some(always)) => Some(login.min(always)),
            (login, always) => login.or(always),
        };
        Ok(Demand {
            acr_values,
            max_age,
        })
    }
}

/// The classes that meet two demands, each of which may be none.
fn both(login: Vec<String>, always: &[String]) -> Result<Vec<String>, CheckFailed> {
    if always.is_empty() {
        return Ok(login);
    }
    if login.is_empty() {
        return Ok(always.to_vec());
    }
    let of_both = |class: &&String| always.contains(class);
    let both: Vec<_> = login.iter().filter(of_both).cloned().collect();
    // An empty list demands nothing, which is the opposite of what was said twice.
    if both.is_empty() {
        let cause = format!(
            "the login demands {}, and `request_claims` demands {}: no sign-in is both",
            quote(&login.join(" ")),
            quote(&always.join(" "))
        );
        return Err(CheckFailed::new(Check::IdTokenAcr, cause));
    }
    Ok(both)
}

/// A login that somebody wants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// Where the user goes afterwards.
    pub return_to: ReturnTo,
    /// What the sign-in must be to be good enough.
    pub demand: Demand,
    /// Whether the provider may ask the user anything.
    pub manner: Manner,
    /// Who is probably going to sign in.
    pub login_hint: Option<LoginHint>,
    /// The languages to ask in; empty for those of [`Wishes`].
    pub ui_locales: Locales,
    /// Scopes beside those of every login.
    pub scopes: Vec<String>,
    /// Where the access token is to be used; empty for what [`Wishes`] say.
    pub resource: Vec<String>,
    /// Single claims, in the place of those of [`Wishes`]. What is essential there is demanded of this login too.
    pub claims: Option<ClaimsRequest>,
    /// Parameters of the provider's own.
    pub params: Params,
    /// The session that is there, where it will not come along with the provider's answer.
    pub predecessor: Option<Predecessor>,
    /// How often in a row it has been begun anew by the gate itself.
    pub anew: Anew,
    /// Who has to sign in, where the login is demanded of somebody: nobody else does what is asked.
    pub same_user: Option<SameUser>,
}

impl Wanted {
    /// A login that leads to `return_to` and leaves everything else to the provider.
    pub fn to(return_to: ReturnTo) -> Self {
        Self {
            return_to,
            demand: Demand::default(),
            manner: Manner::Asking(Vec::new()),
            login_hint: None,
            ui_locales: Locales::default(),
            scopes: Vec::new(),
            resource: Vec::new(),
            claims: None,
            params: Params::default(),
            predecessor: None,
            anew: Anew::default(),
            same_user: None,
        }
    }

    /// The same login, held to a demand.
    #[must_use]
    pub fn demand(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    /// Whether more is demanded than that somebody signs in: by this login itself, whatever is asked of every login.
    pub fn demands_more(&self) -> bool {
        let by_claims = |claims: &ClaimsRequest| {
            claims.demands_auth_time() || !claims.essential_acr().is_empty()
        };
        self.demand != Demand::default() || self.claims.as_ref().is_some_and(by_claims)
    }

    /// Whether it is the user's to say who signs in: the provider is to offer a choice.
    pub fn offers_a_choice(&self) -> bool {
        match &self.manner {
            Manner::Asking(prompts) => prompts
                .iter()
                .any(|prompt| matches!(prompt, Prompt::SelectAccount | Prompt::Create)),
            Manner::Silent { .. } => false,
        }
    }

    /// The same login, with something to ask the user for.
    #[must_use]
    pub fn prompt(self, prompt: Prompt) -> Self {
        Self {
            manner: Manner::Asking(vec![prompt]),
            ..self
        }
    }
}

/// Whether the provider may ask the user anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a provider asks or it does not")]
pub enum Manner {
    /// It asks what it has to, and these in any case; those of [`Wishes`] where there are none.
    Asking(Vec<Prompt>),
    /// It asks nothing: `prompt=none`. Whoever is not signed in there already comes back without a login, to a place that
    /// does not demand one.
    Silent {
        /// That place.
        otherwise: ReturnTo,
    },
}

/// What a provider is to ask the user for
/// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
///
/// `none` is not among them, because it cannot stand beside any: see [`Manner::Silent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// To sign in again, as the same user or another.
    Login,
    /// To choose among the accounts that are signed in.
    SelectAccount,
    /// To agree again.
    Consent,
    /// To make an account
    /// ([Initiating User Registration 1.0](https://openid.net/specs/openid-connect-prompt-create-1_0.html)).
    Create,
}

impl Prompt {
    /// The registered value.
    pub const fn value(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::Create => "create",
        }
    }
}
