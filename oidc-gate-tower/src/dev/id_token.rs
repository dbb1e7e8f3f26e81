//! What the provider says about a user
//! ([OpenID Connect Core § 2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)).

use super::{
    DevProvider, Fault, Habit,
    bad_signature::sign,
    state::Login,
    token::{Occasion, TOKEN_LIFE},
};
use crate::{
    Identity,
    core::{grant::ScopeSet, jose::SigningError},
};
use serde_json::{Map, Value, json};

impl DevProvider {
    pub(super) fn id_token(
        &self,
        login: &Login,
        occasion: Occasion,
        client_id: &str,
        scope: &ScopeSet,
        access_token: &str,
    ) -> Result<String, SigningError> {
        if self.has(Fault::RotatedKey) {
            self.keys().rotate_and_forget();
        }
        let user = &login.session.user;
        let mut claims = user_claims(user, scope);
        if self.shared.claims_in_userinfo_only {
            claims.retain(|name, _| name == "sub");
        }
        let now = self.now();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iss", self.issuer().into());
        set("aud", client_id.into());
        set("iat", now.as_secs().into());
        set("exp", (now + TOKEN_LIFE).as_secs().into());
        set("auth_time", login.session.auth_time.as_secs().into());
        let sid = match occasion == Occasion::Refresh && self.does(Habit::SidAtRefresh) {
            true => format!("{}-anew", login.session.sid),
            false => login.session.sid.clone(),
        };
        set("sid", sid.into());
        let methods: Vec<&str> = user.amr().collect();
        set(
            "amr",
            // Somebody was there and pressed a button (RFC 8176 § 2); no password was asked for.
            if methods.is_empty() {
                json!(["user"])
            } else {
                json!(methods)
            },
        );
        if let Some(acr) = login.acr.as_deref().or(user.acr()) {
            set("acr", acr.into());
        }
        // A refresh should not repeat it (OpenID Connect Core § 12.2).
        if let Some(nonce) = &login.nonce
            && (occasion == Occasion::Grant || self.does(Habit::NonceAtRefresh))
        {
            set("nonce", nonce.as_str().into());
        }

        let alg = self.keys().signing().alg();
        set("at_hash", alg.half_hash(access_token).into());
        self.spell_claims(&mut claims);
        self.spoil_claims(&mut claims);
        if occasion == Occasion::Refresh {
            self.spoil_refreshed_claims(&mut claims);
        }
        let faults = self.state().faults.clone();
        sign(self.keys().signing(), &claims, &faults)
    }
}

/// The user's claims that `scope` lets out: `name` and its like with `profile`, the address with `email`, everything else
/// always. What the protocol itself says about a token is not the user's to set.
pub(super) fn user_claims(user: &Identity, scope: &ScopeSet) -> Map<String, Value> {
    const PROTOCOL: &[&str] = &[
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "nonce",
        "at_hash",
        "c_hash",
        "s_hash",
        "azp",
        "sid",
        "auth_time",
        "acr",
        "amr",
        "cnf",
        "events",
    ];
    const PROFILE: &[&str] = &["name", "preferred_username", "picture", "profile", "locale"];
    const EMAIL: &[&str] = &["email", "email_verified"];
    let (profile, email) = (scope.contains("profile"), scope.contains("email"));
    user.claims()
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            !PROTOCOL.contains(&name)
                && (profile || !PROFILE.contains(&name))
                && (email || !EMAIL.contains(&name))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_set_what_the_protocol_says() {
        let sly = Identity::builder("i", "sub")
            .claim("aud", "x")
            .claim("nonce", "x")
            .claim("department", "y")
            .build();
        let claims = user_claims(&sly, &ScopeSet::parse("openid").unwrap());
        assert_eq!(
            Value::Object(claims),
            json!({"sub": "sub", "department": "y"})
        );
    }

    #[test]
    fn scopes_let_name_and_address_out() {
        let zoe = Identity::builder("i", "zoe")
            .name("Zoë")
            .email("zoe@example.com")
            .build();
        let names = |scope| {
            user_claims(&zoe, &ScopeSet::parse(scope).unwrap())
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names("openid"), "sub");
        assert_eq!(names("openid profile"), "name sub");
        assert_eq!(names("openid email"), "email email_verified sub");
    }
}
