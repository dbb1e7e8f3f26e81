//! A token for another.

use super::{
    Asked, Granted, ScopeSet,
    request::{check_targets, need, take, take_all},
};
use crate::{
    check::{Check, quote},
    client_auth::{Owed, Refusal, TokenBinding},
    form::Form,
    registered::registered_names,
    secret::AccessToken,
    time::UnixTime,
};

/// How many actors may stand in a row ([RFC 8693 § 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)).
const ACTORS: usize = 4;

registered_names! {
    /// A kind of token by its identifier ([RFC 8693 § 3](https://www.rfc-editor.org/rfc/rfc8693#section-3)).
    TokenType {
        /// An access token of this server's.
        AccessToken = "urn:ietf:params:oauth:token-type:access_token",
        /// A refresh token of this server's.
        RefreshToken = "urn:ietf:params:oauth:token-type:refresh_token",
        /// An ID token.
        IdToken = "urn:ietf:params:oauth:token-type:id_token",
        /// Any JWT.
        Jwt = "urn:ietf:params:oauth:token-type:jwt",
    }
}

/// A token that came to be exchanged: what it is said to be, and nothing of it believed.
#[derive(Debug)]
#[non_exhaustive]
pub struct PresentedToken {
    /// The token itself.
    pub token: AccessToken,
    /// What it is said to be.
    pub kind: TokenType,
}

/// What the server found out about a token that is valid: its signature or its entry in a store is right, and it was not
/// revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever looks has to say all of it"
)]
pub struct ValidToken {
    /// Whom it is about.
    pub subject: String,
    /// Who may use it: the client it was issued to, and its audience.
    pub parties: Vec<String>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// From when on it is worthless.
    pub expires: UnixTime,
    /// Who may act for its subject, clients by their ids and others by their subjects; keep the two apart where somebody can
    /// choose a name ([RFC 9700 § 4.15](https://www.rfc-editor.org/rfc/rfc9700#section-4.15)). ([RFC 8693 § 4.4](https://www.rfc-editor.org/rfc/rfc8693#section-4.4), `may_act`).
    pub may_act: Vec<String>,
    /// How many actors stand in it already ([RFC 8693 § 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1), `act`).
    pub actors: usize,
    /// The certificate it is bound to, by its `x5t#S256`.
    pub certificate: Option<String>,
}

/// `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`
/// ([RFC 8693 § 2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
#[derive(Debug)]
#[must_use]
pub struct ExchangeRequest {
    asked: Asked,
    subject: PresentedToken,
    actor: Option<PresentedToken>,
    requested: TokenType,
    audiences: Vec<String>,
}

impl ExchangeRequest {
    pub(super) fn read(asked: Asked, form: &mut Form) -> Result<Self, Refusal> {
        let subject = PresentedToken {
            token: AccessToken::new(need(form, "subject_token")?),
            kind: kind("subject_token_type", &need(form, "subject_token_type")?)?,
        };
        let actor = match (take(form, "actor_token"), take(form, "actor_token_type")) {
            (None, None) => None,
            (Some(token), Some(name)) => Some(PresentedToken {
                token: AccessToken::new(token),
                kind: kind("actor_token_type", &name)?,
            }),
            (token, _) => {
                let there = if token.is_some() {
                    "actor_token"
                } else {
                    "actor_token_type"
                };
                let cause = format!("`{there}` is alone");
                return Err(Refusal::new(Check::GrantActorHalf, cause));
            }
        };
        let requested = match take(form, "requested_token_type") {
            None => TokenType::AccessToken,
            Some(name) => match kind("requested_token_type", &name)? {
                kind @ (TokenType::AccessToken | TokenType::Jwt) => kind,
                other => {
                    let cause = format!("`requested_token_type` is {other}");
                    return Err(Refusal::new(Check::GrantTokenType, cause));
                }
            },
        };
        Ok(Self {
            subject,
            actor,
            requested,
            audiences: take_all(form, "audience"),
            asked,
        })
    }

    /// The token that says on whose behalf.
    pub fn subject(&self) -> &PresentedToken {
        &self.subject
    }

    /// What is asked for; an access token where nothing is said. Refuse what is not made here.
    pub fn requested(&self) -> TokenType {
        self.requested
    }

    /// The token that says who acts, where there is one.
    pub fn actor(&self) -> Option<&PresentedToken> {
        self.actor.as_ref()
    }

    /// Whether the client gets the other token. `subject` and `actor` are what the server found out about the tokens of
    /// those names, `None` where a token is not valid.
    ///
    /// 1. Both are valid now, and the client may use them: it is among their parties.
    /// 2. A token that is bound to a certificate comes with it.
    /// 3. With an actor, the subject's token names it in `may_act`; without one, a `may_act` names the client. No more than
    ///    four actors stand in a row.
    /// 4. Audiences and resources are among the resources of the client, which are absolute URIs; scopes among those of the token **and** of the client.
    /// 5. The new token outlives neither the subject's nor the actor's.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check. To the client a bad token is `invalid_request`
    /// ([RFC 8693 § 2.2.2](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.2)).
    pub fn check(
        self,
        subject: Option<&ValidToken>,
        actor: Option<&ValidToken>,
        now: UnixTime,
    ) -> Result<Owed<Granted>, Refusal> {
        let asked = self.asked;
        let subject = usable("subject_token", subject, &asked, now)?;
        let actor = match &self.actor {
            None => None,
            Some(_) => Some(usable("actor_token", actor, &asked, now)?),
        };
        let acting = actor.map_or(asked.client.id(), |actor| &actor.subject);
        let named = subject.may_act.iter().any(|name| name == acting);
        if !named && (actor.is_some() || !subject.may_act.is_empty()) {
            let cause = format!("{} may not act for the subject", quote(acting));
            return Err(Refusal::new(Check::GrantDelegation, cause));
        }
        if subject.actors.saturating_add(actor.is_some().into()) > ACTORS {
            return Err(Refusal::new(
                Check::GrantDelegation,
                "more than 4 actors in a row",
            ));
        }
        check_targets(&self.audiences, asked.registered.resource_list())?;
        check_targets(&asked.resources, asked.registered.resource_list())?;
        let within: Vec<&str> = subject
            .scopes
            .iter()
            .filter(|scope| asked.registered.scopes().contains(scope))
            .collect();
        let within = ScopeSet::parse(&within.join(" ")).unwrap_or_default();
        let scopes = asked.scopes(&within, &within)?;
        let resources = asked
            .resources
            .iter()
            .chain(&self.audiences)
            .cloned()
            .collect();
        let replay = asked.replay.clone();
        let mut granted = asked.granted(scopes, resources);
        granted.subject = Some(subject.subject.as_str().into());
        granted.actor = actor.map(|actor| actor.subject.as_str().into());
        granted.issued = Some(self.requested);
        let actor_expires = actor.map_or(subject.expires, |actor| actor.expires);
        granted.not_beyond = Some(subject.expires.min(actor_expires));
        Ok(Owed::new(replay, granted))
    }
}

fn usable<'a>(
    name: &str,
    token: Option<&'a ValidToken>,
    asked: &Asked,
    now: UnixTime,
) -> Result<&'a ValidToken, Refusal> {
    let refused = |cause: String| Err(Refusal::new(Check::GrantTokenInvalid, cause));
    let Some(token) = token else {
        return refused(format!("`{name}` is not valid"));
    };
    if now >= token.expires {
        return refused(format!("`{name}` has expired"));
    }
    let client = asked.client.id();
    if !token.parties.iter().any(|party| party == client) {
        return refused(format!("`{name}` is not for {}", quote(client)));
    }
    if token.certificate.is_some() && token.certificate.as_deref() != asked.client.certificate() {
        return refused(format!("`{name}` is bound to another certificate"));
    }
    // What is bound must not become what anybody can use.
    if token.certificate.is_some() && asked.client.tokens() == TokenBinding::Bearer {
        return refused(format!(
            "`{name}` is bound to a certificate, and the client's tokens are not"
        ));
    }
    Ok(token)
}

fn kind(parameter: &str, name: &str) -> Result<TokenType, Refusal> {
    TokenType::from_name(name).ok_or_else(|| {
        let cause = format!("`{parameter}` is {}", quote(name));
        Refusal::new(Check::GrantTokenType, cause)
    })
}
