//! The guard: what each row may cost, written down in `instructions.json`, and whether it still does.
//!
//! Time differs from one machine to the next and from one run to the next; the instructions of a request hardly do. They are
//! counted by callgrind, with the gate and without, and the difference is the gate's own. Whoever makes a request dearer has
//! to write that down; so does whoever makes it cheaper, or else the next one could spend what was saved and nobody would
//! see. Allocations and their bytes have to be exactly those that are written down.

#[cfg(doc)]
use crate::measure::Operation;
use crate::{
    allocations::Allocations, bearer, keeping::Way, requests, requests::Row, sessions::live,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    fmt::{self, Write as _},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// By how much instructions may differ from what is written down. See `README.md` for what was seen to vary.
pub const TOLERANCE: f64 = 0.02;
/// Whatever is not the request's own, such as a table that grows, is spread over so many.
const TIMES: u64 = 500;
/// The symbol in which callgrind counts.
const COUNTED: &str = "*Operation*counted*";

/// What is written down of a row.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The gate's own instructions.
    pub instructions: i64,
    /// The gate's own allocations.
    pub allocations: i64,
    /// And their bytes.
    pub bytes: i64,
}

/// All that is written down.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The compiler that it was counted with: another one makes other instructions of the same source.
    pub rustc: String,
    /// By the names of the rows.
    pub rows: BTreeMap<String, Cost>,
}

impl Record {
    /// Where it is written down.
    pub fn file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
    }

    /// What is written down.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn read() -> Self {
        let text = fs::read_to_string(Self::file()).expect("instructions.json can be read");
        serde_json::from_str(&text).expect("instructions.json is a record")
    }
}

/// As JSON, a row on each line.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\n  \"rustc\": {},\n  \"rows\": {{", json(&self.rustc))?;
        for (n, (name, cost)) in self.rows.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            write!(f, "{comma}\n    {}: {}", json(name), json(cost))?;
        }
        f.write_str("\n  }\n}\n")
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text and numbers can be written")
}

/// Where rows come from. Some take long to make where every instruction is counted.
const SOURCES: [fn() -> Vec<Row>; 3] = [requests::rows, bearer::rows, || {
    Way::IN_PROCESS.map(|way| live(way, None)).into()
}];

/// The rows that are held to.
fn rows() -> Vec<Row> {
    SOURCES.iter().flat_map(|source| source()).collect()
}

/// The row of this name, or else one whose name contains it. No more is made than has to be to find it.
pub fn row(name: &str) -> Option<Row> {
    SOURCES.iter().find_map(|source| pick(source(), name))
}

/// The row of this name, or else the first whose name contains it.
pub fn pick(mut rows: Vec<Row>, name: &str) -> Option<Row> {
    let at = (rows.iter().position(|row| row.name == name))
        .or_else(|| rows.iter().position(|row| row.name.contains(name)))?;
    Some(rows.swap_remove(at))
}

/// What each row costs now whose name contains `part`. The program that calls this has to [count](Operation::counted) a row that it is given by
/// `--only NAME --repeat TIMES`, without the gate where it is given `--bare`.
///
/// # Panics
///
/// If valgrind is missing or does not do what it is asked for.
pub fn measure(part: &str) -> Record {
    let cost = |row: &mut Row| {
        // Both at once: there are two cores at least.
        let children = [&[][..], &["--bare"]].map(|bare| callgrind(row.name, bare));
        let [gated, bare] = children.map(counted);
        let Allocations { count, bytes } = row.own_allocations();
        Cost {
            instructions: (gated - bare) / TIMES as i64,
            allocations: count,
            bytes,
        }
    };
    let mut rows = rows();
    let rows = (rows.iter_mut().filter(|row| row.name.contains(part)))
        .map(|row| (row.name.to_owned(), cost(row)));
    Record {
        rustc: rustc(),
        rows: rows.collect(),
    }
}

fn callgrind(row: &str, bare: &[&str]) -> Child {
    let child = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(env::current_exe().expect("this program is a file"))
        .args(["--only", row, "--repeat", &TIMES.to_string()])
        .args(bare)
        // How long the environment is decides where the stack begins.
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    child.expect("valgrind is installed (on Debian `apt-get install valgrind`)")
}

fn counted(child: Child) -> i64 {
    let output = child.wait_with_output().expect("valgrind ends");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, count)| count.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("valgrind says no number: {said}"))
}

/// What the compiler calls itself.
pub fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.expect("rustc is there");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What is not as it is written down, a line each; nothing if all is.
pub fn differences(stated: &Record, now: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    let same_compiler = stated.rustc == now.rustc;
    for (name, cost) in &now.rows {
        let Some(stated) = stated.rows.get(name) else {
            lines.push(format!("{name}: nothing is stated of it"));
            continue;
        };
        let mut line = String::new();
        let apart = (cost.instructions - stated.instructions) as f64 / stated.instructions as f64;
        if same_compiler && apart.abs() > TOLERANCE {
            let _ = write!(
                line,
                "{} instructions, {} are stated: {:+.1} %. ",
                cost.instructions,
                stated.instructions,
                apart * 100.0
            );
        }
        if (cost.allocations, cost.bytes) != (stated.allocations, stated.bytes) {
            let _ = write!(
                line,
                "{} allocations of {} bytes, {} of {} are stated. ",
                cost.allocations, cost.bytes, stated.allocations, stated.bytes
            );
        }
        if !line.is_empty() {
            lines.push(format!("{name}: {}", line.trim_end()));
        }
    }
    for name in stated
        .rows
        .keys()
        .filter(|name| !now.rows.contains_key(*name))
    {
        lines.push(format!("{name}: it is stated, and there is no such row"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rustc: &str, rows: &[(&str, i64, i64)]) -> Record {
        let row = |(name, instructions, allocations): &(&str, i64, i64)| {
            let cost = Cost {
                instructions: *instructions,
                allocations: *allocations,
                bytes: 100,
            };
            ((*name).to_owned(), cost)
        };
        Record {
            rustc: rustc.to_owned(),
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let written = record("rustc 1", &[("a row, of \"two\"", 1000, 3)]);
        let read: Record = serde_json::from_str(&written.to_string()).unwrap();
        assert_eq!((read.rustc, read.rows), (written.rustc, written.rows));
    }

    #[test]
    fn within_the_tolerance_nothing_is_said_and_outside_of_it_both_ways() {
        let stated = record("rustc 1", &[("row", 10_000, 3)]);
        for (now, said) in [
            (10_000, None),
            (10_200, None),
            (9_800, None),
            (
                10_201,
                Some("row: 10201 instructions, 10000 are stated: +2.0 %."),
            ),
            (
                9_700,
                Some("row: 9700 instructions, 10000 are stated: -3.0 %."),
            ),
        ] {
            let lines = differences(&stated, &record("rustc 1", &[("row", now, 3)]));
            assert_eq!(lines, Vec::from_iter(said), "{now}");
        }
    }

    #[test]
    fn one_allocation_fewer_has_to_be_written_down_too() {
        let stated = record("rustc 1", &[("row", 10_000, 3)]);
        let lines = differences(&stated, &record("rustc 1", &[("row", 10_000, 2)]));
        assert_eq!(
            lines,
            ["row: 2 allocations of 100 bytes, 3 of 100 are stated."]
        );
    }

    #[test]
    fn another_compiler_is_held_to_allocations_alone() {
        let stated = record("rustc 1", &[("row", 10_000, 3)]);
        let lines = differences(&stated, &record("rustc 2", &[("row", 90_000, 4)]));
        assert_eq!(
            lines,
            ["row: 4 allocations of 100 bytes, 3 of 100 are stated."]
        );
    }

    #[test]
    fn rows_come_and_go_in_writing_only() {
        let stated = record("rustc 1", &[("gone", 1, 1)]);
        let lines = differences(&stated, &record("rustc 1", &[("new", 1, 1)]));
        let said = [
            "new: nothing is stated of it",
            "gone: it is stated, and there is no such row",
        ];
        assert_eq!(lines, said);
    }
}
