//! Something that is made of two files, and made again when they have changed.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::SystemTime,
};

/// What is made of a certificate and its key, as they lie in their files now.
pub(super) struct Renewed<T> {
    cert: PathBuf,
    key: PathBuf,
    held: RwLock<Held<T>>,
}

struct Held<T> {
    of: Stamps,
    value: T,
}

/// When the files were written, and how long they are: what tells a new one.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl<T: Clone> Renewed<T> {
    pub(super) fn new(
        cert: PathBuf,
        key: PathBuf,
        make: impl FnOnce(&Path, &Path) -> Result<T, String>,
    ) -> Result<Self, String> {
        // Before they are read: what is written meanwhile is then seen to have changed.
        let of = stamps(&cert, &key);
        let value = make(&cert, &key)?;
        Ok(Self {
            cert,
            key,
            held: RwLock::new(Held { of, value }),
        })
    }

    /// What the files make now. Where they make nothing, what was made before: a file that is being written is half a
    /// file, and a pair of which one file is replaced is no pair.
    pub(super) fn get(&self, make: impl FnOnce(&Path, &Path) -> Result<T, String>) -> T {
        let now = stamps(&self.cert, &self.key);
        {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            if held.of == now {
                return held.value.clone();
            }
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read them while we waited.
        if held.of == now {
            return held.value.clone();
        }
        match make(&self.cert, &self.key) {
            Ok(value) => {
                tracing::info!(cert = ?self.cert, "the client's certificate has changed");
                held.value = value;
            }
            Err(problem) => tracing::error!(
                problem,
                "the client's new certificate is not usable; the one before is shown"
            ),
        }
        // What is not usable is not read again before it changes.
        held.of = now;
        held.value.clone()
    }
}

fn stamps(cert: &Path, key: &Path) -> Stamps {
    [cert, key].map(|path| {
        let about = fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

impl<T> fmt::Debug for Renewed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        cell::Cell,
        time::{Duration, UNIX_EPOCH},
    };

    /// Two files of a test's own, gone with it.
    struct Pair {
        directory: PathBuf,
        /// How often they were read.
        read: Cell<u32>,
    }

    impl Pair {
        fn new(name: &str) -> Self {
            let name = format!("oidc-gate-{}-{name}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            fs::create_dir_all(&directory).unwrap();
            let read = Cell::new(0);
            Self { directory, read }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.join(name)
        }

        /// A file with this content, written at this second.
        fn write(&self, name: &str, content: &str, second: u64) {
            fs::write(self.path(name), content).unwrap();
            let file = fs::File::options()
                .write(true)
                .open(self.path(name))
                .unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(second))
                .unwrap();
        }

        fn renewed(&self) -> Result<Renewed<String>, String> {
            Renewed::new(self.path("cert"), self.path("key"), |cert, key| {
                self.make(cert, key)
            })
        }

        /// Both texts, where they belong together.
        fn make(&self, cert: &Path, key: &Path) -> Result<String, String> {
            self.read.set(self.read.get() + 1);
            let read = |path| fs::read_to_string(path).map_err(|_| "no file".to_owned());
            let (cert, key) = (read(cert)?, read(key)?);
            match cert == key {
                true => Ok(cert),
                false => Err(format!("{cert} is not of {key}")),
            }
        }

        /// What is held now, and how often the files have been read since.
        fn now(&self, renewed: &Renewed<String>) -> (String, u32) {
            let value = renewed.get(|cert, key| self.make(cert, key));
            (value, self.read.take())
        }
    }

    impl Drop for Pair {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.directory));
        }
    }

    fn held(value: &str, read: u32) -> (String, u32) {
        (value.to_owned(), read)
    }

    #[test]
    fn files_that_have_not_changed_are_not_read_again() {
        let files = Pair::new("unchanged");
        files.write("cert", "one", 1);
        files.write("key", "one", 1);
        let renewed = files.renewed().unwrap();
        assert_eq!(files.read.take(), 1);
        for _ in 0..3 {
            assert_eq!(files.now(&renewed), held("one", 0));
        }
    }

    #[test]
    fn a_file_that_was_written_later_or_is_longer_is_read_once() {
        for (what, content, second) in [("later", "two", 2), ("longer", "three", 1)] {
            let files = Pair::new(what);
            files.write("cert", "one", 1);
            files.write("key", "one", 1);
            let renewed = files.renewed().unwrap();
            files.read.take();
            files.write("cert", content, second);
            files.write("key", content, second);
            assert_eq!(files.now(&renewed), held(content, 1), "{what}");
            assert_eq!(files.now(&renewed), held(content, 0), "{what}");
        }
    }

    #[test]
    fn half_a_new_pair_keeps_the_one_before_and_the_other_half_ends_that() {
        for (first, second) in [("cert", "key"), ("key", "cert")] {
            let files = Pair::new(&format!("half-{first}"));
            files.write("cert", "one", 1);
            files.write("key", "one", 1);
            let renewed = files.renewed().unwrap();
            files.read.take();
            files.write(first, "two", 2);
            assert_eq!(files.now(&renewed), held("one", 1), "{first}");
            // Not read in vain at every login.
            assert_eq!(files.now(&renewed), held("one", 0), "{first}");
            files.write(second, "two", 2);
            assert_eq!(files.now(&renewed), held("two", 1), "{first}");
        }
    }

    #[test]
    fn a_file_that_is_gone_keeps_what_was_there_and_is_read_when_it_is_back() {
        let files = Pair::new("gone");
        files.write("cert", "one", 1);
        assert_eq!(files.renewed().unwrap_err(), "no file");
        files.write("key", "one", 1);
        let renewed = files.renewed().unwrap();
        files.read.take();
        fs::remove_file(files.path("key")).unwrap();
        assert_eq!(files.now(&renewed), held("one", 1));
        assert_eq!(files.now(&renewed), held("one", 0));
        // As it was: it still is another file than none.
        files.write("key", "one", 1);
        assert_eq!(files.now(&renewed), held("one", 1));
    }
}
