//! What the provider's claims mean.

use super::Provider;
use crate::core::claims::{ClaimMap, ClaimPath, ClaimsSource, EmailRule};
use serde_json::{Map, Value};

/// Each place is the name of a claim, or a list of names, one for each level, because names of claims hold dots and
/// slashes. The first call of a setting replaces its default, each further one adds a place.
impl Provider {
    /// Where claims come from; [`ClaimsSource::UserinfoWhenNeeded`] unless set.
    pub fn claims_from(mut self, source: ClaimsSource) -> Self {
        self.claims.source = source;
        self
    }

    /// Where the groups are: a list of texts, or one text; `groups` unless set. With several places, all that is found
    /// counts. Keycloak's realm roles are at `["realm_access", "roles"]`.
    ///
    /// Members of an object are no groups; [`map_claims`](Self::map_claims) can make some of them.
    pub fn groups_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.claims.groups_at.push(place.into());
        self
    }

    /// Where the roles are, as for [groups](Self::groups_at); nowhere unless set. Keycloak: `["realm_access", "roles"]` and
    /// `["resource_access", "my-app", "roles"]`. Microsoft Entra: `"roles"`. A dot is part of a name and leads nowhere:
    /// `"realm_access.roles"` is one claim.
    pub fn roles_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.claims.roles_at.push(place.into());
        self
    }

    /// Where the email address is; `email` unless set. With several places, the first counts whose text is not empty.
    ///
    /// An address from another claim is unverified: `email_verified` speaks of `email` alone.
    pub fn email_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.claims.email_at.push(place.into());
        self
    }

    /// Where the full name is; `name` unless set. With several places, the first counts whose text is not empty.
    pub fn name_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.claims.name_at.push(place.into());
        self
    }

    /// Where the short name is; `preferred_username` unless set. With several places, the first counts whose text is not
    /// empty.
    pub fn username_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.claims.username_at.push(place.into());
        self
    }

    /// Whether a user has to have an email address, and one that the provider has checked;
    /// [`EmailRule::Optional`] unless set. Who has none is not signed in and reads why.
    pub fn email(mut self, rule: EmailRule) -> Self {
        self.claims.email = rule;
        self
    }

    /// Takes an address for checked unless the provider says that it is not: for providers that never say so, or say it
    /// in a text (AD FS, Microsoft Entra, Amazon Cognito).
    ///
    /// # Security
    ///
    /// Where users can set their address themselves, this lets anybody be anybody: it is right only if every address comes
    /// from the organisation.
    pub fn danger_trust_unverified_email(mut self) -> Self {
        self.claims.danger_trust_unverified_email = true;
        self
    }

    /// Keeps these claims and no others in the session, beside what an identity has a field for (name, address, groups,
    /// roles, …). Further calls add names.
    pub fn keep_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let keep = self.claims.keep.get_or_insert_default();
        keep.extend(names.into_iter().map(Into::into));
        self
    }

    /// Does not keep these claims in the session. What was read from them stays: groups that lie in `realm_access` are
    /// known when that is dropped. Further calls add names.
    pub fn drop_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.claims.drop.extend(names.into_iter().map(Into::into));
        self
    }

    /// Changes a user's claims, those of the ID token and of userinfo together, before anything is read from them.
    ///
    /// It is called at a sign-in, in its task and not for a request: twice if userinfo turns out to be needed, first without
    /// it. It has to be quick, as the task waits for it. A panic refuses the sign-in and nothing else.
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, Provider};
    ///
    /// // Zitadel's roles are the members of an object.
    /// const ROLES: &str = "urn:zitadel:iam:org:project:roles";
    /// let provider = Provider::unnamed("https://id.example.com", "my-app", ClientAuth::none())
    ///     .roles_at("roles")
    ///     .map_claims(|claims| {
    ///         let roles = claims.get(ROLES).and_then(|roles| roles.as_object());
    ///         let names: Vec<_> = roles.into_iter().flatten().map(|(name, _)| name.clone()).collect();
    ///         claims.insert("roles".to_owned(), names.into());
    ///     });
    /// # let _ = provider;
    /// ```
    ///
    /// # Security
    ///
    /// What it writes decides like what the provider said: into the claim of the groups, it makes members of groups. What
    /// users can write themselves at the provider (`nickname`, `website`, …) is no ground for that. The claims that are
    /// about the token and the sign-in (`iss`, `sub`, `aud`, `acr`, …) are put back as they were signed.
    pub fn map_claims(
        mut self,
        change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static,
    ) -> Self {
        self.claims.map = Some(ClaimMap::new(change));
        self
    }
}
