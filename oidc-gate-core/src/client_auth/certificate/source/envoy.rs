//! `X-Forwarded-Client-Cert`, as [Envoy](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert)
//! writes it: elements separated by commas, each of pairs `Key=value` separated by semicolons, values in quotes where
//! they hold one of these.

use super::{header::unescape, misshapen};
use crate::{check::CheckFailed, client_auth::certificate::ClientCertificate};
use aws_lc_rs::digest;

pub(super) fn forwarded_client_cert(value: &str) -> Result<ClientCertificate, CheckFailed> {
    let element = Element::parse(value)?;
    let certificate = match (element.cert, element.chain) {
        (Some(cert), None) => ClientCertificate::from_pem(&cert)?,
        (None, Some(chain)) => ClientCertificate::from_pem(&chain)?,
        (Some(cert), Some(chain)) => {
            let cert = ClientCertificate::from_pem(&cert)?;
            let chain = ClientCertificate::from_pem(&chain)?;
            if cert.chain().len() > 0 || cert.der() != chain.der() {
                return Err(misshapen("Chain does not begin with Cert"));
            }
            chain
        }
        (None, None) => {
            return Err(misshapen(
                "expected Cert or Chain in X-Forwarded-Client-Cert",
            ));
        }
    };
    let hash = digest::digest(&digest::SHA256, certificate.der());
    match element.hash {
        Some(said) if said != hash.as_ref() => {
            Err(misshapen("Hash is not that of the certificate"))
        }
        _ => Ok(certificate),
    }
}

/// What is used of the one element.
#[derive(Default)]
struct Element {
    /// In PEM.
    cert: Option<Vec<u8>>,
    /// In PEM, beginning with the client's own.
    chain: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

impl Element {
    fn parse(value: &str) -> Result<Self, CheckFailed> {
        let mut this = Self::default();
        let mut rest = value;
        loop {
            let expected = || misshapen("expected `Key=value` in X-Forwarded-Client-Cert");
            let (key, after) = rest.split_once('=').ok_or_else(expected)?;
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(expected());
            }
            let (value, after) = pair_value(after)?;
            this.take(key, value)?;
            match after.as_bytes().first() {
                None => return Ok(this),
                Some(b';') => rest = &after[1..],
                Some(b',') => {
                    return Err(misshapen(
                        "X-Forwarded-Client-Cert has more than one element",
                    ));
                }
                Some(_) => return Err(misshapen("something follows a closing quote")),
            }
        }
    }

    /// Keys have no case. What is used must not stand twice: the second could be the client's.
    fn take(&mut self, key: &str, value: &str) -> Result<(), CheckFailed> {
        let (place, read): (_, Option<Vec<u8>>) = match &*key.to_ascii_lowercase() {
            "cert" => (&mut self.cert, unescape(value)),
            "chain" => (&mut self.chain, unescape(value)),
            "hash" => (&mut self.hash, from_hex(value)),
            _ => return Ok(()),
        };
        let read =
            read.ok_or_else(|| misshapen("a value of X-Forwarded-Client-Cert is misshapen"))?;
        match place.replace(read) {
            None => Ok(()),
            Some(_) => Err(misshapen("a key of X-Forwarded-Client-Cert occurs twice")),
        }
    }
}

/// A value and what follows it. Escapes stay as they are: what is used of an element needs none, and fails where it has
/// one.
fn pair_value(text: &str) -> Result<(&str, &str), CheckFailed> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return match value.contains('"') {
            true => Err(misshapen("a quote stands inside of a value")),
            false => Ok((value, rest)),
        };
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    let (value, rest) = end
        .and_then(|end| quoted.split_at_checked(end))
        .ok_or_else(|| misshapen("a quoted value has no end"))?;
    Ok((value, rest.strip_prefix('"').unwrap_or(rest)))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[a, b]| u8::try_from(digit(*a)? << 4 | digit(*b)?).ok());
    bytes.collect::<Option<_>>().filter(|_| rest.is_empty())
}
