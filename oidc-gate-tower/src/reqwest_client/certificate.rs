//! The certificate that a client shows, and its replacement while the program runs.

use super::{ReqwestClient, renewed::Renewed, root};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A certificate and its key in two files, and a client that shows it.
#[derive(Debug)]
pub(super) struct Certificate {
    authorities: Vec<reqwest::Certificate>,
    client: Renewed<reqwest::Client>,
}

impl Certificate {
    pub(super) fn load(
        cert: PathBuf,
        key: PathBuf,
        authorities: Vec<reqwest::Certificate>,
    ) -> Result<Self, String> {
        Ok(Self {
            client: Renewed::new(cert, key, |cert, key| client(cert, key, &authorities))?,
            authorities,
        })
    }

    /// A client that shows the certificate that is in the files now.
    pub(super) fn client(&self) -> reqwest::Client {
        self.client
            .get(|cert, key| client(cert, key, &self.authorities))
    }
}

fn client(
    cert: &Path,
    key: &Path,
    authorities: &[reqwest::Certificate],
) -> Result<reqwest::Client, String> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error: io::Error| format!("{path:?} cannot be read: {error}"))
    };
    let mut pem = read(cert)?;
    pem.push(b'\n');
    pem.extend_from_slice(&read(key)?);
    let unfit = |error: reqwest::Error| {
        format!(
            "{cert:?} and {key:?} are no certificate and its key: {}",
            root(&error)
        )
    };
    let identity = reqwest::Identity::from_pem(&pem).map_err(unfit)?;
    ReqwestClient::build(reqwest::Client::builder().identity(identity), authorities).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_and_its_own_key_make_a_client_and_nothing_else_does() {
        let at = |name: &str| {
            let data = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/");
            Path::new(data).join(name)
        };
        let made = |cert: &str, key: &str| client(&at(cert), &at(key), &[]).map(|_| ());
        let (one, two) = ("one.cert.pem", "two.cert.pem");
        let (one_key, two_key) = ("one.key.pem", "two.key.pem");
        assert_eq!(made(one, one_key), Ok(()));
        assert_eq!(made(two, two_key), Ok(()));
        for (cert, key) in [
            (one, two_key),
            (two, one_key),
            (one, one),
            (one_key, one_key),
        ] {
            let problem = made(cert, key).unwrap_err();
            assert!(
                problem.contains("are no certificate and its key: "),
                "{problem}"
            );
        }
        let problem = made(one, "certificates/none.pem").unwrap_err();
        assert!(problem.contains("none.pem\" cannot be read: "), "{problem}");
    }
}
