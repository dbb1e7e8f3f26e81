//! How the client proves itself, from what is said of its secret, its key and its certificate.

use super::{
    settings::Settings,
    value::{Place, Said},
};
use crate::{
    ClientAuth, ClientCert,
    core::{
        jose::{Alg, SigningKey},
        secret::ClientSecret,
    },
};

impl Settings {
    /// Who the client is and how it proves so, or what is wrong with what was said of it; nothing if nothing was said.
    pub(crate) fn client(&self) -> Option<Result<(String, ClientAuth), String>> {
        match (&self.client_id, &self.client_secret) {
            (Some(id), _) => {
                let auth = Proof(self, &id.place).auth();
                Some(auth.map(|auth| (id.value.clone(), auth)))
            }
            (None, Some(secret)) => Some(Err(format!(
                "{}: missing; {} is set, so say whose secret it is",
                secret.place.beside("client_id"),
                secret.place,
            ))),
            (None, None) => None,
        }
    }
}

/// What the client has been given, and where its id was said: what is missing is named as it would stand there.
struct Proof<'a>(&'a Settings, &'a Place);

impl Proof<'_> {
    fn auth(&self) -> Result<ClientAuth, String> {
        let secret = self.0.client_secret.as_ref();
        let held = secret.map(|said| said.value.clone());
        let (method, place) = match &self.0.client_auth {
            Some(said) => (Some(said.value.as_str()), said.place.to_string()),
            None => (None, String::new()),
        };
        match (method, held) {
            (None | Some("client_secret_basic"), Some(secret)) => {
                Ok(ClientAuth::client_secret_basic(secret))
            }
            (Some("client_secret_post"), Some(secret)) => {
                Ok(ClientAuth::client_secret_post(secret))
            }
            (Some("client_secret_jwt"), Some(secret)) => {
                let alg = self.key_alg()?.unwrap_or(Alg::HS256);
                Ok(ClientAuth::client_secret_jwt(alg, secret))
            }
            (
                None | Some("client_secret_basic" | "client_secret_post" | "client_secret_jwt"),
                None,
            ) => {
                let auth = match self.1.line {
                    None => "OIDC_GATE_CLIENT_AUTH=none",
                    Some(_) => "client_auth = \"none\"",
                };
                Err(format!(
                    "{}: missing; set it, or {auth} for a public client",
                    self.1.beside("client_secret")
                ))
            }
            (Some("automatic"), secret) => self.automatic(secret),
            (Some("none"), None) => Ok(ClientAuth::none()),
            (Some("tls_client_auth"), None) => self.cert().map(ClientAuth::tls_client_auth),
            (Some("self_signed_tls_client_auth"), None) => {
                self.cert().map(ClientAuth::self_signed_tls_client_auth)
            }
            (Some("private_key_jwt"), None) => self.key().map(ClientAuth::private_key_jwt),
            (
                Some(
                    method @ ("none"
                    | "private_key_jwt"
                    | "tls_client_auth"
                    | "self_signed_tls_client_auth"),
                ),
                Some(_),
            ) => {
                let secret = secret
                    .map(|said| said.place.to_string())
                    .unwrap_or_default();
                Err(format!(
                    "{place}: {method}, but {secret} is set; remove one of them"
                ))
            }
            (Some(other), _) => Err(format!(
                "{place}: {other:?} is unknown; use client_secret_basic, client_secret_post, client_secret_jwt, \
                 private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none or automatic"
            )),
        }
    }

    /// Everything that was said. Where there is a certificate, the key is the certificate's and signs nothing else.
    fn automatic(&self, secret: Option<ClientSecret>) -> Result<ClientAuth, String> {
        let mut auth = ClientAuth::automatic();
        if let Some(secret) = secret {
            auth = auth.with_secret(secret);
        }
        if self.0.client_cert_file.is_some() {
            auth = auth.with_certificate(self.cert()?);
        } else if self.0.client_key_file.is_some() {
            auth = auth.with_key(self.key()?);
        }
        Ok(auth.into())
    }

    fn file<'s>(
        &'s self,
        said: Option<&'s Said<String>>,
        key: &str,
        what: &str,
    ) -> Result<&'s Said<String>, String> {
        said.ok_or_else(|| format!("{}: missing; name the file with {what}", self.named(key)))
    }

    /// What oauth2-proxy has no name for is called by ours.
    fn named(&self, key: &str) -> String {
        match self.0.client_auth.as_ref() {
            Some(said) => said.place.beside(key),
            None => self.1.beside(key),
        }
    }

    /// The client's certificate and its key, from two files.
    fn cert(&self) -> Result<ClientCert, String> {
        let settings = self.0;
        let cert = self.file(
            settings.client_cert_file.as_ref(),
            "client_cert_file",
            "the client's certificate, in PEM form",
        )?;
        let key = self.file(
            settings.client_key_file.as_ref(),
            "client_key_file",
            "its private key, in PEM form",
        )?;
        Ok(ClientCert::pem_files(&cert.value, &key.value))
    }

    /// The client's key, from a file in PEM or JWK form.
    fn key(&self) -> Result<SigningKey, String> {
        let file = self.file(
            self.0.client_key_file.as_ref(),
            "client_key_file",
            "the client's private key, in PEM or JWK form",
        )?;
        let Said { value: path, place } = file;
        let wrong = |problem: String| format!("{place}: {path:?} {problem}");
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let read = match text.trim_start().starts_with('{') {
            true => SigningKey::from_jwk(text.trim().as_bytes()),
            false => SigningKey::from_pem(&text),
        };
        let mut key = read.map_err(|problem| wrong(problem.to_string()))?;
        if let (Some(alg), Some(said)) = (self.key_alg()?, &self.0.client_key_alg) {
            key = key
                .with_alg(alg)
                .map_err(|_| format!("{}: {alg} takes another kind of key", said.place))?;
        }
        Ok(match &self.0.client_key_id {
            Some(kid) => key.named(kid.value.clone()),
            None => key,
        })
    }

    fn key_alg(&self) -> Result<Option<Alg>, String> {
        let Some(Said { value: name, place }) = &self.0.client_key_alg else {
            return Ok(None);
        };
        Alg::from_name(name).map(Some).ok_or_else(|| {
            let known: Vec<_> = Alg::ALL.iter().map(|alg| alg.name()).collect();
            format!(
                "{place}: {name:?} is unknown; the algorithms are {}",
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        client_auth::{Choice, Held},
        login::ResponseMode,
        session::SameSite,
    };

    fn read(vars: &[(&str, &str)]) -> Settings {
        Settings::from_variables(|name| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_says_nothing() {
        let env = read(&[("OIDC_GATE_ISSUER_URL", ""), ("OIDC_GATE_CLIENT_ID", " ")]);
        assert!(env.issuer_url.is_none() && env.client().is_none());
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
            let problem = read(vars).client().unwrap().unwrap_err();
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
        assert_eq!(
            env.response_mode.as_ref().map(|said| said.value),
            Some(ResponseMode::FormPost)
        );
        assert_eq!(
            env.same_site.as_ref().map(|said| said.value),
            Some(SameSite::Strict)
        );
        assert_eq!(env.problems, [""; 0]);
        let env = read(&[
            ("OIDC_GATE_RESPONSE_MODE", "fragment"),
            ("OIDC_GATE_SAME_SITE", "None"),
        ]);
        assert!(env.response_mode.is_none() && env.same_site.is_none());
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
        read(&all).client().unwrap().map(|(_, auth)| auth)
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
            match read(&vars).client().unwrap().unwrap().1.choice {
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
                    .client()
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
                .client()
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
