//! The configuration that comes from the environment.

use crate::{
    ClientAuth, ClientCert,
    core::{
        jose::{Alg, SigningKey},
        login::ResponseMode,
        secret::ClientSecret,
        session::SameSite,
    },
};

/// What the environment says, each value as it stands there.
/// [`GateBuilder::env`](crate::GateBuilder::env) lists the variables.
#[derive(Default)]
pub(crate) struct Env {
    pub(crate) issuer: Option<String>,
    /// Or what is wrong with it.
    pub(crate) client: Option<Result<(String, ClientAuth), String>>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) base_url: Option<String>,
    pub(crate) cookie_secret: Option<String>,
    pub(crate) ca_file: Option<String>,
    pub(crate) response_mode: Option<ResponseMode>,
    pub(crate) same_site: Option<SameSite>,
    /// What stands in the others and cannot be meant.
    pub(crate) problems: Vec<String>,
}

impl Env {
    /// Reads the variables through `var`. An empty one counts as absent, as in a compose file with a blank.
    pub(crate) fn read(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.trim().is_empty());
        let issuer = var("OIDC_GATE_ISSUER_URL");
        let (id, secret, auth) = (
            var("OIDC_GATE_CLIENT_ID"),
            var("OIDC_GATE_CLIENT_SECRET"),
            var("OIDC_GATE_CLIENT_AUTH"),
        );
        let client = match id {
            Some(id) => Some(client_auth(secret, auth.as_deref(), var).map(|auth| (id, auth))),
            None if secret.is_some() => Some(Err(
                "OIDC_GATE_CLIENT_ID: missing; OIDC_GATE_CLIENT_SECRET is set, so say whose secret it is".to_owned(),
            )),
            None => None,
        };
        let mut problems = Vec::new();
        let response_modes = [
            ("query", ResponseMode::Query),
            ("form_post", ResponseMode::FormPost),
        ];
        let response_mode = choice(
            "OIDC_GATE_RESPONSE_MODE",
            var,
            response_modes,
            &mut problems,
        );
        let sites = [("lax", SameSite::Lax), ("strict", SameSite::Strict)];
        let same_site = choice("OIDC_GATE_SAME_SITE", var, sites, &mut problems);
        Self {
            response_mode,
            same_site,
            problems,
            issuer,
            client,
            scopes: var("OIDC_GATE_SCOPES")
                .map(|scopes| scopes.split_whitespace().map(String::from).collect()),
            base_url: var("OIDC_GATE_BASE_URL"),
            cookie_secret: var("OIDC_GATE_COOKIE_SECRET"),
            ca_file: var("OIDC_GATE_CA_FILE"),
        }
    }
}

/// One of two words.
fn choice<T>(
    name: &str,
    var: impl Fn(&str) -> Option<String>,
    choices: [(&str, T); 2],
    problems: &mut Vec<String>,
) -> Option<T> {
    let said = var(name)?;
    let [one, other] = choices.each_ref().map(|(word, _)| *word);
    let problem = format!("{name}: {said:?} is unknown; use {one} or {other}");
    let chosen = choices.into_iter().find(|(word, _)| *word == said);
    if chosen.is_none() {
        problems.push(problem);
    }
    chosen.map(|(_, choice)| choice)
}

/// How the client proves itself, from what is said of its secret and its key.
fn client_auth(
    secret: Option<String>,
    method: Option<&str>,
    var: impl Fn(&str) -> Option<String>,
) -> Result<ClientAuth, String> {
    let secret = secret.map(ClientSecret::new);
    let needed = || {
        "OIDC_GATE_CLIENT_SECRET: missing; set it, or OIDC_GATE_CLIENT_AUTH=none for a public client".to_owned()
    };
    match (method, secret) {
        (None | Some("client_secret_basic"), secret) => secret
            .map(ClientAuth::client_secret_basic)
            .ok_or_else(needed),
        (Some("client_secret_post"), secret) => secret
            .map(ClientAuth::client_secret_post)
            .ok_or_else(needed),
        (Some("client_secret_jwt"), secret) => {
            let alg = key_alg(&var)?.unwrap_or(Alg::HS256);
            secret
                .map(|secret| ClientAuth::client_secret_jwt(alg, secret))
                .ok_or_else(needed)
        }
        (Some("automatic"), secret) => automatic(secret, var),
        (Some("none"), None) => Ok(ClientAuth::none()),
        (Some("tls_client_auth"), None) => client_cert(&var).map(ClientAuth::tls_client_auth),
        (Some("self_signed_tls_client_auth"), None) => {
            client_cert(&var).map(ClientAuth::self_signed_tls_client_auth)
        }
        (Some("private_key_jwt"), None) => client_key(&var).map(ClientAuth::private_key_jwt),
        (
            Some(
                method @ ("none"
                | "private_key_jwt"
                | "tls_client_auth"
                | "self_signed_tls_client_auth"),
            ),
            Some(_),
        ) => Err(format!(
            "OIDC_GATE_CLIENT_AUTH: {method}, but OIDC_GATE_CLIENT_SECRET is set; remove one of them"
        )),
        (Some(other), _) => Err(format!(
            "OIDC_GATE_CLIENT_AUTH: {other:?} is unknown; use client_secret_basic, client_secret_post, \
             client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none or automatic"
        )),
    }
}

/// Everything that the environment names. Where there is a certificate, the key is the certificate's and signs nothing
/// else.
fn automatic(
    secret: Option<ClientSecret>,
    var: impl Fn(&str) -> Option<String>,
) -> Result<ClientAuth, String> {
    let mut auth = ClientAuth::automatic();
    if let Some(secret) = secret {
        auth = auth.with_secret(secret);
    }
    if var("OIDC_GATE_CLIENT_CERT_FILE").is_some() {
        auth = auth.with_certificate(client_cert(&var)?);
    } else if var("OIDC_GATE_CLIENT_KEY_FILE").is_some() {
        auth = auth.with_key(client_key(&var)?);
    }
    Ok(auth.into())
}

/// The client's certificate and its key, from two files.
fn client_cert(var: impl Fn(&str) -> Option<String>) -> Result<ClientCert, String> {
    let file = |name: &str, what: &str| {
        var(name).ok_or_else(|| format!("{name}: missing; name the file with {what}, in PEM form"))
    };
    Ok(ClientCert::pem_files(
        file("OIDC_GATE_CLIENT_CERT_FILE", "the client's certificate")?,
        file("OIDC_GATE_CLIENT_KEY_FILE", "its private key")?,
    ))
}

/// The client's key, from a file in PEM or JWK form.
fn client_key(var: impl Fn(&str) -> Option<String>) -> Result<SigningKey, String> {
    let path = var("OIDC_GATE_CLIENT_KEY_FILE").ok_or(
        "OIDC_GATE_CLIENT_KEY_FILE: missing; name the file with the client's private key, in PEM or JWK form",
    )?;
    let wrong = |problem: String| format!("OIDC_GATE_CLIENT_KEY_FILE: {path:?} {problem}");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let read = match text.trim_start().starts_with('{') {
        true => SigningKey::from_jwk(text.trim().as_bytes()),
        false => SigningKey::from_pem(&text),
    };
    let mut key = read.map_err(|problem| wrong(problem.to_string()))?;
    if let Some(alg) = key_alg(&var)? {
        key = key
            .with_alg(alg)
            .map_err(|_| format!("OIDC_GATE_CLIENT_KEY_ALG: {alg} takes another kind of key"))?;
    }
    Ok(match var("OIDC_GATE_CLIENT_KEY_ID") {
        Some(kid) => key.named(kid),
        None => key,
    })
}

fn key_alg(var: impl Fn(&str) -> Option<String>) -> Result<Option<Alg>, String> {
    let Some(name) = var("OIDC_GATE_CLIENT_KEY_ALG") else {
        return Ok(None);
    };
    Alg::from_name(&name).map(Some).ok_or_else(|| {
        let known: Vec<_> = Alg::ALL.iter().map(|alg| alg.name()).collect();
        let known = known.join(", ");
        format!("OIDC_GATE_CLIENT_KEY_ALG: {name:?} is unknown; the algorithms are {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::client_auth::{Choice, Held};

    fn read(vars: &[(&str, &str)]) -> Env {
        Env::read(|name| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_says_nothing() {
        let env = read(&[("OIDC_GATE_ISSUER_URL", ""), ("OIDC_GATE_CLIENT_ID", " ")]);
        assert!(env.issuer.is_none() && env.client.is_none());
    }

    #[test]
    fn what_is_missing_or_contradicts_is_named() {
        let issuer = ("OIDC_GATE_ISSUER_URL", "https://id.example");
        let id = ("OIDC_GATE_CLIENT_ID", "app");
        let secret = ("OIDC_GATE_CLIENT_SECRET", "hush");
        for (vars, begins) in [
            (&[secret][..], "OIDC_GATE_CLIENT_ID: missing"),
            (&[issuer, id], "OIDC_GATE_CLIENT_SECRET: missing"),
            (
                &[issuer, id, secret, ("OIDC_GATE_CLIENT_AUTH", "none")],
                "OIDC_GATE_CLIENT_AUTH: none, but",
            ),
            (
                &[issuer, id, secret, ("OIDC_GATE_CLIENT_AUTH", "magic")],
                "OIDC_GATE_CLIENT_AUTH: \"magic\" is unknown",
            ),
        ] {
            let problem = read(vars).client.unwrap().unwrap_err();
            assert!(problem.starts_with(begins), "{problem:?}");
            assert!(!problem.contains("hush"));
        }
    }

    #[test]
    fn a_word_that_is_unknown_is_named_with_those_that_are_known() {
        let env = read(&[
            ("OIDC_GATE_RESPONSE_MODE", "form_post"),
            ("OIDC_GATE_SAME_SITE", "strict"),
        ]);
        assert_eq!(env.response_mode, Some(ResponseMode::FormPost));
        assert_eq!(env.same_site, Some(SameSite::Strict));
        assert_eq!(env.problems, [""; 0]);
        let env = read(&[
            ("OIDC_GATE_RESPONSE_MODE", "fragment"),
            ("OIDC_GATE_SAME_SITE", "None"),
        ]);
        assert_eq!((env.response_mode, env.same_site), (None, None));
        assert_eq!(
            env.problems,
            [
                "OIDC_GATE_RESPONSE_MODE: \"fragment\" is unknown; use query or form_post",
                "OIDC_GATE_SAME_SITE: \"None\" is unknown; use lax or strict"
            ]
        );
    }

    fn key(vars: &[(&str, &str)]) -> Result<ClientAuth, String> {
        let mut all = vec![
            ("OIDC_GATE_CLIENT_ID", "app"),
            ("OIDC_GATE_CLIENT_AUTH", "private_key_jwt"),
        ];
        all.extend(vars);
        read(&all).client.unwrap().map(|(_, auth)| auth)
    }

    #[test]
    fn a_key_is_read_from_its_file_and_named() {
        let keys = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../oidc-gate-core/testdata/keys"
        );
        let file = |name: &str| format!("{keys}/{name}.pem");
        let rsa = file("rsa-pkcs1");
        let auth = key(&[
            ("OIDC_GATE_CLIENT_KEY_FILE", &rsa),
            ("OIDC_GATE_CLIENT_KEY_ID", "2026-11"),
            ("OIDC_GATE_CLIENT_KEY_ALG", "PS256"),
        ])
        .unwrap();
        assert_eq!(auth.method().unwrap().name(), "private_key_jwt");
        assert_eq!(auth.method().unwrap().assertion_alg(), Some(Alg::PS256));
        assert!(format!("{auth:?}").contains("Kid(\"2026-11\")"), "{auth:?}");
        for (vars, problem) in [
            (
                &[][..],
                "OIDC_GATE_CLIENT_KEY_FILE: missing; name the file with the client's private key, in PEM or JWK form"
                    .to_owned(),
            ),
            (
                &[("OIDC_GATE_CLIENT_KEY_FILE", "/nowhere/key.pem")],
                "OIDC_GATE_CLIENT_KEY_FILE: \"/nowhere/key.pem\" cannot be read: No such file or directory (os error 2)"
                    .to_owned(),
            ),
            (
                &[("OIDC_GATE_CLIENT_KEY_FILE", &file("public"))],
                format!(
                    "OIDC_GATE_CLIENT_KEY_FILE: {:?} is a public key; the private half signs",
                    file("public")
                ),
            ),
            (
                &[
                    ("OIDC_GATE_CLIENT_KEY_FILE", &*rsa),
                    ("OIDC_GATE_CLIENT_KEY_ALG", "ES256"),
                ],
                "OIDC_GATE_CLIENT_KEY_ALG: ES256 takes another kind of key".to_owned(),
            ),
            (
                &[("OIDC_GATE_CLIENT_SECRET", "hush")],
                "OIDC_GATE_CLIENT_AUTH: private_key_jwt, but OIDC_GATE_CLIENT_SECRET is set; remove one of them"
                    .to_owned(),
            ),
        ] {
            assert_eq!(key(vars).unwrap_err(), problem);
        }
    }

    #[test]
    fn automatic_takes_everything_and_the_key_of_a_certificate_signs_nothing() {
        let key = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../oidc-gate-core/testdata/keys/ec-prime256v1-pkcs8.pem"
        );
        let held = |more: &[(&str, &str)]| {
            let mut vars = vec![
                ("OIDC_GATE_CLIENT_ID", "app"),
                ("OIDC_GATE_CLIENT_AUTH", "automatic"),
                ("OIDC_GATE_CLIENT_SECRET", "hush"),
                ("OIDC_GATE_CLIENT_KEY_FILE", key),
            ];
            vars.extend(more);
            match read(&vars).client.unwrap().unwrap().1.choice {
                Choice::Strongest(held) => held,
                other => panic!("{other:?}"),
            }
        };
        let among = |held: &Held, taken: &str| held.choose(&[taken], None).is_some();
        let by_key = held(&[]);
        assert!(among(&by_key, "private_key_jwt") && among(&by_key, "client_secret_basic"));
        let by_certificate = held(&[("OIDC_GATE_CLIENT_CERT_FILE", "cert.pem")]);
        assert!(among(&by_certificate, "tls_client_auth"));
        assert!(!among(&by_certificate, "private_key_jwt"));
    }

    #[test]
    fn the_method_follows_what_is_said() {
        for (auth, name) in [
            (None, "client_secret_basic"),
            (Some("client_secret_post"), "client_secret_post"),
        ] {
            let mut vars = vec![
                ("OIDC_GATE_CLIENT_ID", "app"),
                ("OIDC_GATE_CLIENT_SECRET", "hush"),
            ];
            vars.extend(auth.map(|auth| ("OIDC_GATE_CLIENT_AUTH", auth)));
            assert_eq!(
                read(&vars)
                    .client
                    .unwrap()
                    .unwrap()
                    .1
                    .method()
                    .unwrap()
                    .name(),
                name
            );
        }
        let vars = [
            ("OIDC_GATE_CLIENT_ID", "app"),
            ("OIDC_GATE_CLIENT_AUTH", "none"),
        ];
        assert_eq!(
            read(&vars)
                .client
                .unwrap()
                .unwrap()
                .1
                .method()
                .unwrap()
                .name(),
            "none"
        );
    }
}
