use super::*;

fn asked(grant: &str, vars: &[(&str, &str)]) -> Result<String, String> {
    let var = |name: &str| {
        let found = vars.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    request(grant, &var)
        .map(|request| format!("{request:?}"))
        .map_err(|error| error.to_string())
}

#[test]
fn each_grant_takes_what_the_environment_names_and_says_what_is_missing() {
    for (grant, name) in [
        ("refresh_token", "REFRESH_TOKEN"),
        ("jwt_bearer", "ASSERTION"),
        ("token_exchange", "SUBJECT_TOKEN"),
    ] {
        assert_eq!(asked(grant, &[]), Err(format!("{name} is missing")));
        let request = asked(grant, &[(name, "hush"), ("SCOPE", "a")]).unwrap();
        assert!(
            request.contains("scope") && !request.contains("hush"),
            "{request}"
        );
    }
    assert!(asked("client_credentials", &[]).is_ok());
    assert!(asked("urn:example:grant", &[]).is_ok());
    assert!(asked("password", &[]).unwrap_err().contains("absolute URI"));
}

#[test]
fn a_scope_that_is_none_is_refused() {
    let refused = asked("client_credentials", &[("SCOPE", "a\"b")]).unwrap_err();
    assert!(refused.starts_with("a scope is"), "{refused}");
}
