//! The program on a port of its own, in a folder of its own.
#![expect(unreachable_pub, reason = "every test file has this module as its own")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

pub struct Running {
    pub folder: PathBuf,
    pub issuer: String,
    program: Child,
}

impl Running {
    /// Starts it with this package's `clients.toml`, which `change` may change.
    pub fn start(name: &str, change: impl FnOnce(String) -> String) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let text = include_str!("../../clients.toml").replace("8443", &port);
        fs::write(folder.join("clients.toml"), change(text)).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_token-endpoint"))
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(program.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let issuer = format!("https://localhost:{port}");
        assert_eq!(line.trim(), format!("listening on {issuer}"));
        Self {
            folder,
            issuer,
            program,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
