//! The certificate that a client shows, and its replacement while the program runs.

use super::{ReqwestClient, root};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::SystemTime,
};

/// A certificate and its key in two files, and a client that shows it.
pub(super) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    authorities: Vec<reqwest::Certificate>,
    loaded: RwLock<Loaded>,
}

struct Loaded {
    of: Stamps,
    client: reqwest::Client,
}

/// When the files were written, and how long they are: what tells a new one.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    pub(super) fn load(
        cert: PathBuf,
        key: PathBuf,
        authorities: Vec<reqwest::Certificate>,
    ) -> Result<Self, String> {
        let loaded = Loaded {
            of: stamps(&cert, &key),
            client: client(&cert, &key, &authorities)?,
        };
        Ok(Self {
            cert,
            key,
            authorities,
            loaded: RwLock::new(loaded),
        })
    }

    /// A client that shows the certificate that is in the files now. What cannot be read keeps the one before: a file that
    /// is being written is half a file.
    pub(super) fn client(&self) -> reqwest::Client {
        let now = stamps(&self.cert, &self.key);
        {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if loaded.of == now {
                return loaded.client.clone();
            }
        }
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read them while we waited.
        if loaded.of == now {
            return loaded.client.clone();
        }
        match client(&self.cert, &self.key, &self.authorities) {
            Ok(client) => {
                tracing::info!(cert = ?self.cert, "the client's certificate has changed");
                *loaded = Loaded { of: now, client };
            }
            Err(problem) => {
                tracing::error!(
                    problem,
                    "the client's new certificate is not usable; the one before is shown"
                );
                loaded.of = now;
            }
        }
        loaded.client.clone()
    }
}

fn stamps(cert: &Path, key: &Path) -> Stamps {
    [cert, key].map(|path| {
        let about = fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
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

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
