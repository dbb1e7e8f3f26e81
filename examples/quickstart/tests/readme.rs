//! The README shows the program that `cargo run` starts, word for word.

const PROGRAM: &str = include_str!("../src/main.rs");

#[test]
fn the_program_stands_in_the_readme_word_for_word() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let shown: Vec<_> = readme
        .split("\n```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block)
        .collect();
    assert!(
        shown.contains(&PROGRAM.trim_end()),
        "no ```rust block of README.md is exactly examples/quickstart/src/main.rs"
    );
}

#[test]
fn the_program_is_short() {
    let lines = PROGRAM.lines().count();
    assert!(lines < 60, "{lines} lines");
}
