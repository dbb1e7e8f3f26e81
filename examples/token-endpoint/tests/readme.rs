//! What README.md shows is what happens.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use common::Running;
use std::process::Command;

/// The commands of the `console` blocks, each with what it answers.
fn shown(readme: &str) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => inside = line == "```console",
            _ if !inside => {}
            Some(command) => shown.push((command.to_owned(), String::new())),
            None => {
                let (command, answer) = shown.last_mut().unwrap();
                let goes_on = command.ends_with('\\');
                let place = if goes_on { command } else { answer };
                place.push('\n');
                place.push_str(line);
            }
        }
    }
    shown
}

/// Whether `text` is `pattern`, whose `…` stands for anything.
fn fits(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    for (at, part) in pattern.split('…').enumerate() {
        match rest.find(part) {
            Some(0) => rest = &rest[part.len()..],
            Some(found) if at > 0 => rest = &rest[found + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}

#[test]
fn every_line_answers_as_it_says() {
    let readme = include_str!("../README.md");
    let shown = shown(readme);
    let in_blocks = shown
        .iter()
        .filter(|(command, _)| command.contains("curl -s"))
        .count();
    assert_eq!(
        in_blocks,
        readme.matches("curl -s").count(),
        "a line that nobody runs"
    );
    assert!(in_blocks >= 15, "{in_blocks}");
    if Command::new("curl").arg("--version").output().is_err() {
        return; // `./test.sh` installs it.
    }

    let server = Running::start("readme", |text| text);
    let port = server.issuer.rsplit(':').next().unwrap();
    let assertion = env!("CARGO_BIN_EXE_assertion");
    let here = |text: &str| {
        text.replace("cargo run -q --bin assertion --", assertion)
            .replace("8443", port)
    };
    // All in one shell, since they leave each other variables.
    let mark = '\u{1e}';
    let mut script = String::new();
    for (command, _) in &shown {
        script.push_str(&format!("{}\nprintf '{mark}'\n", here(command)));
    }
    let done = Command::new("bash")
        .args(["-euc", &script])
        .current_dir(&server.folder)
        .output()
        .unwrap();
    let output = String::from_utf8(done.stdout).unwrap();
    let answers: Vec<&str> = output.split(mark).collect();
    for ((command, expected), answer) in shown.iter().zip(&answers) {
        let (answer, expected) = (answer.trim(), here(expected));
        assert!(
            fits(answer, expected.trim()),
            "{command}\nsays {expected}\ngot  {answer}"
        );
    }
    assert_eq!(
        answers.len(),
        shown.len() + 1,
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (text, pattern, expected) in [
        ("abc", "abc", true),
        ("abc", "a…c", true),
        ("abc", "…", true),
        ("abc", "ab", false),
        ("abc", "bc", false),
        ("abc", "a…b", false),
        ("", "a", false),
    ] {
        assert_eq!(fits(text, pattern), expected, "{text} {pattern}");
    }
}
