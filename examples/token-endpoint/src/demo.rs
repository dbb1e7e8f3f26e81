//! Keys and certificates for trying it out. No server makes those of its clients: here they are in one folder so that
//! `curl` can play every client.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oidc_gate_core::jose::SigningKey;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;
use std::{error::Error, fs, path::Path};

/// Makes what is missing, which is everything or nothing: the authority's certificate is written last.
pub(crate) fn make(folder: &Path) -> Result<(), Box<dyn Error>> {
    if folder.join("ca.pem").exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let write = |name: &str, text: &str| fs::write(folder.join(name), text);

    let mut params = named("token endpoint demonstration", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let ca = params.self_signed(&key)?;
    let authority = Issuer::new(params, key);

    for (name, names, purpose) in [
        (
            "server",
            &["localhost", "127.0.0.1"][..],
            Purpose::ServerAuth,
        ),
        ("issued", &[], Purpose::ClientAuth),
        // By the same authority and for another client.
        ("another", &[], Purpose::ClientAuth),
    ] {
        let mut params = named(name, names)?;
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        write(&format!("{name}.pem"), &certificate.pem())?;
        write(&format!("{name}.key"), &key.serialize_pem())?;
    }

    let key = KeyPair::generate()?;
    let own = named("own", &[])?.self_signed(&key)?;
    write("own.pem", &own.pem())?;
    write("own.key", &key.serialize_pem())?;
    // Of a client with a certificate its own, this is what it registers (RFC 8705 § 2.2.2).
    let x5c = STANDARD.encode(own.der());
    let jwks = json!({"keys": [{"kty": "EC", "x5c": [x5c]}]});
    write("own.jwks", &jwks.to_string())?;

    let pem = KeyPair::generate()?.serialize_pem();
    let public = SigningKey::from_pem(&pem)?.public_jwk();
    write("signer.key", &pem)?;
    write("signer.jwks", &json!({"keys": [public]}).to_string())?;

    write("ca.pem", &ca.pem())?;
    Ok(())
}

fn named(name: &str, names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
