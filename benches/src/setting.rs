//! Where and when something was measured.

use std::{env, fmt, fs, process::Command, thread};

/// The machine, the compiler and the day.
#[derive(Debug)]
pub struct Setting {
    processor: String,
    cores: usize,
    load: String,
    rustc: String,
    date: String,
}

impl Setting {
    /// Looks around.
    pub fn here_and_now() -> Self {
        Self {
            processor: processor(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            rustc: said(Command::new("rustc").arg("--version")),
            date: said(Command::new("date").args(["-u", "+%Y-%m-%d"])),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            cores,
            load,
            rustc,
            date,
        } = self;
        let (os, arch) = (env::consts::OS, env::consts::ARCH);
        write!(
            f,
            "{date}, {processor}, {cores} cores, {os} {arch}, load {load}, {rustc}, oidc-gate {}",
            env!("CARGO_PKG_VERSION")
        )
    }
}

fn processor() -> String {
    read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor".to_owned(), |(_, name)| {
            name.trim().to_owned()
        })
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn said(command: &mut Command) -> String {
    command
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or("unknown".to_owned(), |text| text.trim().to_owned())
}
