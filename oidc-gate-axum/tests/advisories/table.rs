//! The table beside these tests, which is made from their names.

const AREAS: [(&str, &str); 7] = [
    ("routing", include_str!("routing.rs")),
    ("headers", include_str!("headers.rs")),
    ("redirects", include_str!("redirects.rs")),
    ("login", include_str!("login.rs")),
    ("sessions", include_str!("sessions.rs")),
    ("tokens", include_str!("tokens.rs")),
    ("robustness", include_str!("robustness.rs")),
];

const BEGIN: &str = "\
# Published weaknesses, tried

Weaknesses of gates, proxies and libraries like this one, and what holds here instead. Each line is a test that does to a gate
around a real axum router what the advisory describes; it is named after its line. Lines without a number are weaknesses that
nobody has numbered. What cannot apply here, and why, stands at the top of `main.rs`. How paths are read is tried with tens of
thousands of spellings in `../path_confusion`.

This page is made from the tests: `OIDC_GATE_WRITE_ADVISORIES=1 cargo test -p oidc-gate-axum --all-features --test advisories`.
";

/// One test: which advisories it is about, and what it claims.
struct Row {
    ids: Vec<String>,
    claim: String,
}

fn rows(source: &str) -> Vec<Row> {
    let (mut rows, mut doc, mut is_test) = (vec![], String::new(), false);
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if line == "#[tokio::test]" {
            is_test = true;
        } else {
            let name = line
                .strip_prefix("async fn ")
                .and_then(|line| line.split('(').next());
            if let Some(name) = name.filter(|_| is_test) {
                rows.push(row(name, &doc));
            }
            is_test = false;
            doc.clear();
        }
    }
    rows
}

fn row(name: &str, doc: &str) -> Row {
    let mut words = name.split('_').peekable();
    let mut ids = vec![];
    match words.peek() {
        Some(&"cve") => {
            let id: Vec<_> = words.by_ref().take(3).collect();
            ids.push(id.join("-").to_uppercase());
        }
        Some(&"ghsa") => {
            let id: Vec<_> = words.by_ref().take(2).collect();
            ids.push(format!("GHSA-{}", id[1]));
        }
        _ => {}
    }
    let others = doc.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let others = others.filter(|word| word.starts_with("CVE-") || word.starts_with("GHSA-"));
    ids.extend(others.map(str::to_owned));
    Row {
        ids,
        claim: words.collect::<Vec<_>>().join(" "),
    }
}

fn page() -> String {
    let mut page = BEGIN.to_owned();
    for (area, source) in AREAS {
        let what = source.lines().next().unwrap().trim_start_matches("//! ");
        page.push_str(&format!(
            "\n## `{area}`\n\n{what}\n\n| what holds | published as |\n|---|---|\n"
        ));
        for row in rows(source) {
            page.push_str(&format!("| {} | {} |\n", row.claim, row.ids.join(", ")));
        }
    }
    page
}

#[test]
fn the_table_is_what_the_tests_say() {
    let page = page();
    if std::env::var_os("OIDC_GATE_WRITE_ADVISORIES").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/advisories/README.md");
        std::fs::write(file, &page).unwrap();
        return;
    }
    assert!(
        page == include_str!("README.md"),
        "README.md is out of date: see there how it is made"
    );
}

#[test]
fn no_advisory_stands_in_the_table_twice() {
    let mut ids: Vec<_> = AREAS
        .iter()
        .flat_map(|(_, source)| rows(source))
        .flat_map(|row| row.ids)
        .collect();
    assert!(ids.len() >= 150, "{}", ids.len());
    ids.sort();
    for pair in ids.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}
