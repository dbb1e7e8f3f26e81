//! Servers of the tests' own: on free ports, in directories of their own, gone with the value that stands for them.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// A directory that is deleted with the value.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "oidc-gate-redis-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody had a moment ago, and below those that are given out by themselves: a cluster needs another,
/// 10 000 above.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 11_000 + u16::try_from((std::process::id() * 37 + n) % 9_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok()
        {
            return port;
        }
    }
}

pub(crate) struct Server {
    child: Option<Child>,
    args: Vec<String>,
    pub(crate) port: u16,
    dir: Dir,
}

impl Server {
    /// One with an append-only file that is written before it answers.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    pub(crate) fn start_on(port: u16, options: &[&str]) -> Self {
        let dir = Dir::new();
        let mut args: Vec<String> = ["--dir", dir.path().to_str().unwrap(), "--bind", "127.0.0.1"]
            .into_iter()
            .chain([
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])
            .chain(options.iter().copied())
            .map(str::to_owned)
            .collect();
        if !options.contains(&"--port") {
            args.extend(["--port".to_owned(), port.to_string()]);
        }
        Self::run(dir, port, args)
    }

    /// One that watches the master of that name.
    pub(crate) fn sentinel(master: u16) -> Self {
        let (dir, port) = (Dir::new(), free_port());
        let file = dir.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n"
        );
        fs::write(&file, text).unwrap();
        let args = vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        Self::run(dir, port, args)
    }

    fn run(dir: Dir, port: u16, args: Vec<String>) -> Self {
        let mut server = Self {
            child: None,
            args,
            port,
            dir,
        };
        server.restart();
        server
    }

    /// Starts it again, where it was and with what it has written.
    pub(crate) fn restart(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let child = Command::new("redis-server")
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        match child {
            Ok(child) => self.child = Some(child),
            Err(error) => panic!(
                "redis-server cannot be started ({error}): install it, on Debian with `apt-get install redis-server`"
            ),
        }
        let port = self.port;
        self.until("it listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops its process, with its connections open, or lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let child = self.child.as_ref().unwrap();
        let done = Command::new("kill")
            .args([format!("-{name}"), child.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Asks it something, past the store.
    pub(crate) fn ask(&self, args: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(args)
            .output()
            .expect("redis-cli comes with redis-server (Debian: redis-tools)");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits for something that this server does by itself.
    pub(crate) fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            if begun.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                panic!("{what}: not within 30 s\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
