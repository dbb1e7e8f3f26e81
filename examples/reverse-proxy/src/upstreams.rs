//! What stands behind the proxy, and which of it a path leads to.

use http::{StatusCode, Uri};
use std::path::PathBuf;

/// A part of the paths, and what answers there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is these two")]
pub struct Upstream {
    /// The path. One that ends with `/` is for all paths below it, another for itself alone.
    pub path: String,
    /// What answers.
    pub target: Target,
}

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the proxy has to know each")]
pub enum Target {
    /// Another server: `http://127.0.0.1:8080` or `https://…`, without a path. It gets the path as it came.
    Server(Uri),
    /// The files below a directory, under the upstream's path.
    Directory(PathBuf),
    /// This status and nothing else.
    Status(StatusCode),
}

/// All that stands behind the proxy.
#[derive(Clone, Debug, Default)]
pub struct Upstreams(Vec<Upstream>);

impl Upstreams {
    /// These; the first of two with the same path counts.
    pub fn new(upstreams: impl IntoIterator<Item = Upstream>) -> Self {
        let mut upstreams: Vec<_> = upstreams.into_iter().collect();
        // The sort keeps the order of those that are as long.
        upstreams.sort_by_key(|upstream| std::cmp::Reverse(upstream.path.len()));
        Self(upstreams)
    }

    /// One server for every path.
    pub fn server(origin: Uri) -> Self {
        Self::new([Upstream {
            path: "/".to_owned(),
            target: Target::Server(origin),
        }])
    }

    /// Where a path leads: to the longest that it lies below.
    pub(crate) fn find(&self, path: &str) -> Option<&Upstream> {
        self.0.iter().find(|upstream| {
            path == upstream.path
                || upstream.path.ends_with('/') && path.starts_with(&upstream.path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_wins_by_whole_segments() {
        let status = |path: &str, status| Upstream {
            path: path.to_owned(),
            target: Target::Status(StatusCode::from_u16(status).unwrap()),
        };
        let upstreams = Upstreams::new([
            status("/", 200),
            status("/api/", 201),
            status("/api/v2/", 202),
            status("/health", 203),
            status("/health", 204),
        ]);
        for (path, leads_to) in [
            ("/", "/"),
            ("/apiary", "/"),
            ("/api", "/"),
            ("/api/", "/api/"),
            ("/api/v1", "/api/"),
            ("/api/v2/x/y", "/api/v2/"),
            ("/api/v22/x", "/api/"),
            ("/health", "/health"),
            ("/health/x", "/"),
            ("/API/", "/"),
        ] {
            assert_eq!(upstreams.find(path).unwrap().path, leads_to, "{path}");
        }
        let first = upstreams.find("/health").unwrap();
        assert_eq!(
            first.target,
            Target::Status(StatusCode::from_u16(203).unwrap())
        );
        assert_eq!(Upstreams::new([status("/a/", 200)]).find("/b"), None);
    }
}
