//! From an identity to a newer one, by userinfo alone.

use super::{ClaimPath, ClaimRules, Facts, Userinfo, read};
use crate::{
    check::{Check, CheckFailed},
    identity::Identity,
};
use serde_json::{Map, Value};

/// The user who is known, as userinfo says now: what it says counts, what it does not say stays. It is what is left to do
/// where no ID token came with a refresh and userinfo is always to be asked.
///
/// # Errors
///
/// 1. [`Check::RefreshUserinfoAlone`] where `rules` have not kept what the identity was made of: a group would get lost.
/// 2. What `rules` demand.
pub(crate) fn renew(
    rules: &ClaimRules,
    known: &Identity,
    userinfo: Userinfo,
    scopes: &str,
) -> Result<Identity, CheckFailed> {
    let claims = rules.remake(known).ok_or_else(|| {
        CheckFailed::new(
            Check::RefreshUserinfoAlone,
            "no ID token came with the refresh, and the claims of the first are not all kept",
        )
    })?;
    read(rules, claims, Some(userinfo), Facts::of(known, scopes))
}

impl ClaimRules {
    /// The claims that would be read as this identity again; `None` if they are not to be had.
    fn remake(&self, known: &Identity) -> Option<Map<String, Value>> {
        let all_kept = self.keep.is_none() && self.drop.is_empty();
        // What the application's own changes are made of, nobody knows.
        if !all_kept && self.map.is_some() {
            return None;
        }
        let mut claims = known.other_claims();
        let mut elsewhere = Vec::new();
        for (own, places) in [
            ("name", &self.name_at),
            ("preferred_username", &self.username_at),
            ("email", &self.email_at),
            ("groups", &self.groups_at),
            ("roles", &self.roles_at),
        ] {
            match places.as_slice() {
                [] if own != "roles" => {}
                [one] if one.is(own) => {}
                // Whether the claim itself said it or another place, the identity does not tell.
                places if places.iter().any(|place| place.is(own)) => return None,
                places => {
                    let kept = |place: &ClaimPath| place.root().is_some_and(|r| self.keeps(r));
                    if !places.iter().all(kept) {
                        return None;
                    }
                    elsewhere.push(own);
                }
            }
        }
        if elsewhere.contains(&"email") {
            elsewhere.push("email_verified");
        }
        for (name, value) in known.standard_claims() {
            if !elsewhere.contains(&name) {
                claims.entry(name).or_insert(value);
            }
        }
        Some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::ClaimMap;
    use http::Response;
    use serde_json::json;

    fn rules(change: impl FnOnce(&mut ClaimRules)) -> ClaimRules {
        let mut rules = ClaimRules::default();
        change(&mut rules);
        rules
    }

    /// The identity of a sign-in that said `signed`, renewed by what userinfo says.
    fn renewed(rules: &ClaimRules, signed: &Value, told: &Value) -> Result<Identity, CheckFailed> {
        let mut claims = json!({"iss": "i", "sub": "alice"});
        let claims = claims.as_object_mut().unwrap();
        claims.extend(signed.as_object().unwrap().clone());
        let nobody = Identity::builder("i", "alice").provider("p").build();
        let first = read(rules, claims.clone(), None, Facts::of(&nobody, "openid"))?;
        let mut told = told.clone();
        told["sub"] = "alice".into();
        let told = Response::new(told.to_string().into_bytes());
        let userinfo = Userinfo::parse(&told, "alice")?;
        let second = renew(rules, &first, userinfo, "openid email")?;
        assert_eq!((second.provider(), second.subject()), ("p", "alice"));
        assert!(second.has_scope("email"));
        Ok(second)
    }

    #[test]
    fn what_userinfo_says_counts_and_what_it_does_not_say_stays() {
        let signed = json!({"name": "Alice", "groups": ["a", "b"], "acr": "phr", "amr": ["otp"], "auth_time": 5,
            "email": "a@x", "email_verified": true, "department": "R&D", "sid": "s1"});
        let alice = renewed(&ClaimRules::default(), &signed, &json!({})).unwrap();
        assert_eq!(
            Value::from(alice.claims().clone()),
            json!({"iss": "i", "sub": "alice", "name": "Alice", "groups": ["a", "b"], "acr": "phr", "amr": ["otp"],
                "auth_time": 5, "email": "a@x", "email_verified": true, "department": "R&D", "sid": "s1"})
        );
        let told = json!({"groups": ["c"], "email": "b@x", "department": "Law", "acr": "none", "sid": "s2"});
        let alice = renewed(&ClaimRules::default(), &signed, &told).unwrap();
        assert!(alice.in_group("c") && !alice.in_group("a"));
        assert_eq!(
            (alice.email(), alice.verified_email(), alice.acr()),
            (Some("b@x"), None, Some("phr"))
        );
        assert_eq!(
            (&alice.claims()["department"], &alice.claims()["sid"]),
            (&json!("Law"), &json!("s1"))
        );
    }

    #[test]
    fn what_stands_in_another_place_is_read_there_again() {
        let rules = rules(|rules| {
            rules.groups_at = vec!["teams".into()];
            rules.roles_at = vec![["realm", "roles"].into()];
            rules.email_at = vec!["mail".into()];
            rules.danger_trust_unverified_email = true;
        });
        let signed = json!({"teams": ["a"], "realm": {"roles": ["r"]}, "mail": "a@x"});
        let told = json!({"teams": ["b"], "mail": "b@x"});
        let alice = renewed(&rules, &signed, &told).unwrap();
        assert!(alice.in_group("b") && !alice.in_group("a") && alice.has_role("r"));
        assert_eq!(alice.verified_email(), Some("b@x"));
        // No view of it shows what was.
        assert_eq!(alice.claims()["groups"], json!(["b"]));
        assert_eq!(alice.claims()["email"], "b@x");
    }

    #[test]
    fn nothing_is_renewed_where_a_group_could_get_lost() {
        let lost = |change: fn(&mut ClaimRules)| {
            let signed = json!({"realm": {"roles": ["r"]}, "teams": ["a"], "groups": ["b"]});
            renewed(&rules(change), &signed, &json!({}))
                .map(drop)
                .map_err(|failed| failed.check())
        };
        let refused = Err(Check::RefreshUserinfoAlone);
        assert_eq!(lost(|r| r.keep = Some(["teams".to_owned()].into())), Ok(()));
        assert_eq!(
            lost(|r| {
                r.roles_at = vec![["realm", "roles"].into()];
                r.keep = Some(["teams".to_owned()].into());
            }),
            refused
        );
        assert_eq!(
            lost(|r| {
                r.roles_at = vec![["realm", "roles"].into()];
                r.drop = ["realm".to_owned()].into();
            }),
            refused
        );
        assert_eq!(
            lost(|r| r.groups_at = vec!["teams".into(), "groups".into()]),
            refused
        );
        assert_eq!(
            lost(|r| {
                r.map = Some(ClaimMap::new(|_| {}));
                r.drop = ["realm".to_owned()].into();
            }),
            refused
        );
        assert_eq!(lost(|r| r.map = Some(ClaimMap::new(|_| {}))), Ok(()));
    }
}
