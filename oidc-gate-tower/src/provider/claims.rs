//! What the provider's claims mean.

use super::Provider;
use crate::core::login::SignInRules;

/// Where in the claims things are.
#[derive(Clone, Debug)]
pub(crate) struct ClaimSettings {
    pub(crate) groups_path: Vec<String>,
}

impl Default for ClaimSettings {
    fn default() -> Self {
        Self {
            groups_path: vec!["groups".to_owned()],
        }
    }
}

impl Provider {
    /// Where the groups are in the claims: one name per level, because claim names hold dots and slashes. Keycloak's
    /// realm roles are at `["realm_access", "roles"]`.
    pub fn groups_at(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.claims.groups_path = path.into_iter().map(Into::into).collect();
        self
    }
}

impl ClaimSettings {
    /// What is wrong with them, each as `setting: problem`.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.groups_path.is_empty() || self.groups_path.iter().any(String::is_empty) {
            problems.push(
                "groups_at: empty; give the name of a claim, or leave the setting out for `groups`"
                    .to_owned(),
            );
        }
        problems
    }

    pub(super) fn apply(&self, rules: &mut SignInRules) {
        rules.groups_path.clone_from(&self.groups_path);
    }
}
