//! The provider and its client, and where it says what of a user.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Said, Value},
    },
    Options,
    said::{Done, is_said, is_set, texts},
};

pub(super) fn provider(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    let name = parse::text(said.value.clone())?;
    let issuer = match name.as_str() {
        "google" => Some("https://accounts.google.com"),
        "gitlab" => Some("https://gitlab.com"),
        _ => None,
    };
    match name.as_str() {
        "keycloak-oidc" => reader.changed(
            &said,
            "is `oidc`; roles are not read out of access tokens, which are not the client's to read: let the provider put \
             them into a claim of the ID token",
        ),
        "google" | "gitlab" | "entra-id" | "adfs" | "cidaas" => {
            reader.changed(&said, "is `oidc`; what is particular to this company is left out");
        }
        "azure" => {
            return Err("\"azure\" is none of OpenID Connect; use oidc with the issuer https://login.microsoftonline.com/<tenant>/v2.0".to_owned());
        }
        "keycloak" => return Err("\"keycloak\" is none of OpenID Connect; use oidc with the issuer of the realm".to_owned()),
        "login.gov" => {
            return Err("\"login.gov\" is oidc with client_auth = \"private_key_jwt\" and client_key_file of our own names".to_owned());
        }
        other => {
            return Err(format!("{other:?} is no OpenID provider that is known; use oidc, or put a provider in between that speaks OpenID Connect"));
        }
    }
    if let (Some(issuer), false) = (issuer, is_said(options, "oidc-issuer-url")) {
        reader.take_text("issuer_url", issuer, &said);
    }
    Ok(())
}

const ENDPOINTS: [(&str, &str); 3] = [
    ("login-url", "authorization_endpoint"),
    ("redeem-url", "token_endpoint"),
    ("oidc-jwks-url", "jwks_uri"),
];

pub(super) fn skip_discovery(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !parse::flag(said.value.clone())? {
        return Ok(());
    }
    let missing = ENDPOINTS.iter().filter(|(flag, _)| !is_said(options, flag));
    let missing: Vec<_> = missing.map(|(flag, _)| flag.replace('-', "_")).collect();
    if !missing.is_empty() {
        return Err(format!(
            "without {}; say where everything is, or let the provider say it",
            missing.join(" and ")
        ));
    }
    reader.changed(
        &said,
        "the provider is not asked where it is; what it publishes otherwise is not known either",
    );
    Ok(())
}

/// Which of them it is, the place says.
pub(super) fn endpoint(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !is_set(options, "skip-oidc-discovery") {
        return Err("without skip_oidc_discovery the provider itself says where that is; remove one, or set the other".to_owned());
    }
    let all = ENDPOINTS
        .into_iter()
        .chain([("profile-url", "userinfo_endpoint")]);
    for (flag, key) in all {
        if options
            .get(flag)
            .is_some_and(|other| other.place == said.place)
        {
            reader.take(key, said.clone());
        }
    }
    Ok(())
}

pub(super) fn signing_alg(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    match texts(&said)?.as_slice() {
        [one] => reader.take_text("id_token_alg", one, &said),
        _ => return Err("names several; name the one that the provider uses for this client, or leave it to what the provider announces".to_owned()),
    }
    Ok(())
}

/// As it stands, and where it has dots as a path.
fn claim(key: &'static str, reader: &mut Reader, said: Said<Value>) -> Done {
    let places = claim_places(parse::text(said.value)?)?;
    reader.take(key, Said::new(places, said.place));
    Ok(())
}

pub(super) fn claim_places(name: String) -> Result<Value, String> {
    let mut places = vec![Value::Text(name.clone())];
    if name.contains('.') {
        places.push(Value::List(
            name.split('.')
                .map(|part| Value::Text(part.to_owned()))
                .collect(),
        ));
    }
    Ok(Value::List(places))
}

pub(super) fn email_claim(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    claim("email_at", reader, said)
}

pub(super) fn groups_claim(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    claim("groups_at", reader, said)
}

pub(super) fn user_id_claim(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if let Some(email) = options.get("oidc-email-claim") {
        return Err(format!("{} says it too; keep that one", email.place));
    }
    reader.changed(
        &said,
        "says where the address is, as there; the user is always `sub`",
    );
    claim("email_at", reader, said)
}

pub(super) fn skip_profile(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    if parse::flag(said.value.clone())? {
        reader.take_text("claims_from", "id_token", &said);
    }
    Ok(())
}

pub(super) fn ca_files(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    reader.take("ca_file", said.clone());
    if !is_set(options, "use-system-trust-store") {
        reader.changed(
            &said,
            "is trusted beside the authorities of the system, and not in their place",
        );
    }
    Ok(())
}
