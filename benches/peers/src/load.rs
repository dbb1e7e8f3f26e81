//! Over the loopback interface: wrk on one core, the server on another.

use crate::{contender::What, peers::BARE};
use oidc_gate_benches::setting::Setting;
use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// Kept alive, all the time.
const CONNECTIONS: &str = "-c16";

struct Target {
    port: String,
    who: String,
    what: String,
    path: String,
    header: String,
}

/// The server on the first core. It ends with the value.
struct Server(Child);

impl Server {
    fn start() -> (Self, Vec<Target>) {
        let program = env::current_exe().expect("this program is a file");
        let child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("taskset is installed (util-linux)");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let lines = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty());
        let target = |line: String| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Target {
                port: next(),
                who: next(),
                what: next(),
                path: next(),
                header: next(),
            }
        };
        let targets: Vec<Target> = lines.map(target).collect();
        assert!(!targets.is_empty(), "the server serves nothing");
        (Self(child), targets)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Rounds in which each has its turn, right after the bare application with the same request: a machine that others use too is
/// twice as fast in one minute as in the next.
pub(crate) fn run(quick: bool) {
    let (rounds, seconds) = if quick { (1, "1s") } else { (9, "1s") };
    let (server, targets) = Server::start();
    let (bare, rest): (Vec<_>, Vec<_>) = (targets.into_iter())
        .filter(|target| target.what != What::FirstSight.to_string())
        .partition(|target| target.who.starts_with(BARE));
    let bare_of = |target: &Target| {
        let same = bare.iter().find(|bare| bare.what == target.what);
        // A token is looked at in a request for the same page as a session.
        let same = same.or_else(|| bare.iter().find(|bare| bare.path == target.path));
        same.expect("the bare application answers each of them")
    };
    let all: Vec<Vec<[f64; 2]>> = (0..rounds)
        .map(|round| {
            // Each round begins with another one.
            let mut rates = vec![[0.0; 2]; rest.len()];
            for n in 0..rest.len() {
                let n = (n + round) % rest.len();
                rates[n] = [rate(bare_of(&rest[n]), seconds), rate(&rest[n], seconds)];
            }
            rates
        })
        .collect();
    drop(server);
    let median = |of: &dyn Fn(&[[f64; 2]]) -> f64| {
        let mut values: Vec<f64> = all.iter().map(|rates| of(rates)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "\n{}, {rounds} rounds of {seconds} each\n",
        Setting::here_and_now()
    );
    println!(
        "| over the loopback interface | request | requests per second | bare, next to it | of bare |"
    );
    println!("|---|---|--:|--:|--:|");
    for (n, target) in rest.iter().enumerate() {
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} |",
            target.who,
            target.what,
            median(&|rates| rates[n][1]),
            median(&|rates| rates[n][0]),
            median(&|rates| rates[n][1] / rates[n][0]),
        );
    }
}

/// Requests in a second.
fn rate(target: &Target, seconds: &str) -> f64 {
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", CONNECTIONS, "-d", seconds])
        .args(["-H", "User-Agent: bench/1.0", "-H", "Accept: */*"])
        .args(["-H", "Host: localhost", "-H", &target.header])
        .arg(format!("http://127.0.0.1:{}{}", target.port, target.path))
        .output();
    let output = output.expect("wrk is installed (on Debian `apt-get install wrk`)");
    let text = String::from_utf8_lossy(&output.stdout);
    let fine = output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket err");
    assert!(fine, "{}, {}: {text}", target.who, target.what);
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"));
    let rate = rate.and_then(|rate| rate.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("wrk says no rate: {text}"))
}
