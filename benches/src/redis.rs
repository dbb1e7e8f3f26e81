//! A Redis of the benchmark's own, and how many commands it was sent.

use http::Request;
use redis::{Cmd, FromRedisValue, aio::MultiplexedConnection};
use std::{
    collections::BTreeMap,
    env, fmt, fs,
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    pin::Pin,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;
use tower_service::Service;

/// A server that listens on a Unix socket of its own and writes nothing to disk. It ends with the value.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    dir: PathBuf,
}

impl Redis {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If `redis-server` is not installed, and if it does not answer within ten seconds.
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("oidc-gate-benches-{}-{n}", process::id()));
        fs::create_dir_all(&dir).expect("a directory can be made");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(dir.join("socket"))
            .arg("--dir")
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => panic!(
                "redis-server cannot be started ({error}): install it, on Debian with `apt-get install redis-server`"
            ),
        };
        let server = Self { child, dir };
        let begun = Instant::now();
        while UnixStream::connect(server.dir.join("socket")).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "redis-server does not listen"
            );
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// Its address, for `Store::redis`.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.dir.join("socket").display())
    }

    /// In front of `inner`: a bare `GET` of the longest value that it keeps, by the same client as the gate's, of which nothing is
    /// made. The runtime is the one that it is asked in.
    ///
    /// # Panics
    ///
    /// If it keeps nothing.
    pub(crate) fn get_before<S>(&self, runtime: &Runtime, inner: S) -> GetBefore<S> {
        let client = redis::Client::open(self.url()).expect("the address is one");
        let connection = runtime.block_on(client.get_multiplexed_async_connection());
        let mut connection = connection.expect("the server listens");
        let longest = runtime.block_on(async {
            let keys: Vec<Vec<u8>> = ask(&mut connection, redis::cmd("KEYS").arg("*")).await;
            let mut longest = (0_u64, Vec::new());
            for key in keys {
                let bytes = ask(&mut connection, redis::cmd("STRLEN").arg(&key)).await;
                longest = longest.max((bytes, key));
            }
            longest.1
        });
        assert!(!longest.is_empty(), "it keeps nothing");
        GetBefore {
            connection,
            get: redis::cmd("GET").arg(&longest).to_owned(),
            inner,
        }
    }

    /// What it is sent while `work` goes on. The commands of a script are a part of it, and no round trips.
    pub fn during(&self, work: impl FnOnce()) -> Commands {
        self.ask("CONFIG RESETSTAT");
        work();
        let stats = self.ask("INFO commandstats");
        let calls = stats.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let (calls, _) = rest.split_once(',')?;
            Some((name.to_uppercase(), calls.parse().ok()?))
        });
        let is_ours = |name: &str| ["CONFIG|RESETSTAT", "INFO"].contains(&name);
        let in_script = |name: &str| ["GETRANGE", "SET"].contains(&name);
        Commands(
            calls
                .filter(|(name, _)| !is_ours(name) && !in_script(name))
                .collect(),
        )
    }

    fn ask(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.dir.join("socket")).expect("it listens");
        write!(stream, "{command}\r\n").expect("it reads");
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line).expect("it answers");
        let Some(length) = line.strip_prefix('$') else {
            assert!(line.starts_with('+'), "{command}: {line}");
            return line;
        };
        let mut text = vec![0; length.trim().parse().expect("a length")];
        answer.read_exact(&mut text).expect("as many bytes");
        String::from_utf8(text).expect("statistics are ASCII")
    }
}

/// A service whose requests wait for a bare `GET` first.
pub(crate) struct GetBefore<S> {
    connection: MultiplexedConnection,
    get: Cmd,
    inner: S,
}

impl<S, B> Service<Request<B>> for GetBefore<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut connection, get) = (self.connection.clone(), self.get.clone());
        let other = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, other);
        Box::pin(async move {
            black_box(ask::<Vec<u8>>(&mut connection, &get).await);
            inner.call(request).await
        })
    }
}

async fn ask<T: FromRedisValue>(connection: &mut MultiplexedConnection, command: &Cmd) -> T {
    command.query_async(connection).await.expect("it answers")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// How often each command was sent: as many round trips.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(BTreeMap<String, u64>);

/// As `2 EVALSHA, 1 GET`; no command is `none`.
impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (n, (name, calls)) in self.0.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}{calls} {name}")?;
        }
        Ok(())
    }
}
