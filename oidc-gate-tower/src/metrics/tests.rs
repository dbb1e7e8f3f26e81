//! That what is written can be read, and that the documentation says what is written.

use super::*;
use crate::core::gate::{AnswerForm, Endpoint, Refusal};
use std::collections::BTreeSet;

/// The names of the series, buckets as one.
fn series(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
        .collect()
}

fn value(metrics: &Metrics, series: &str) -> String {
    let text = metrics.text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap().to_owned()
}

#[test]
fn the_documentation_names_every_metric_and_no_other() {
    let documented: Vec<_> = include_str!("../observability.md")
        .lines()
        .filter(|line| line.starts_with("| `oidc_gate_"))
        .map(str::to_owned)
        .collect();
    let there: Vec<_> = FAMILIES
        .iter()
        .map(|family| {
            let labels: Vec<_> = family
                .labels
                .split_whitespace()
                .map(|label| format!("`{label}`"))
                .collect();
            let (name, kind) = (family.name, family.kind.name());
            format!(
                "| `{name}` | {kind} | {} | {} |",
                labels.join(", "),
                family.help
            )
        })
        .collect();
    assert_eq!(documented, there, "\n{}", there.join("\n"));
    let said: Vec<_> = include_str!("../observability.md")
        .lines()
        .filter_map(|line| line.strip_prefix("- `"))
        .filter_map(|line| line.split_once("`: "))
        .map(|(label, values)| (label, values.replace('`', "")))
        .collect();
    let list = |names: &[&str]| names.join(", ");
    assert_eq!(
        said,
        [
            (
                "verdict` of `oidc_gate_requests_total",
                list(&Outcome::ALL.map(|(_, name)| name))
            ),
            (
                "verdict` of `oidc_gate_bearer_total",
                list(&TokenOutcome::ALL.map(|(_, name)| name))
            ),
            ("by", list(&EndedBy::ALL.map(|(_, name)| name))),
            ("outcome` of `oidc_gate_refreshes_total", list(&REFRESHED)),
            (
                "endpoint",
                list(&Purpose::ALL.iter().map(|p| p.name()).collect::<Vec<_>>())
            ),
            (
                "outcome` of `oidc_gate_provider_requests_total",
                list(&Asked::NAMES)
            ),
        ]
    );
}

#[test]
fn every_family_is_written_once_with_its_help_and_kind_and_each_series_once() {
    let text = Metrics::default().text();
    let mut expected = FAMILIES.iter();
    let mut current = None;
    let mut seen = BTreeSet::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let family = expected.next().unwrap();
            assert_eq!(rest, format!("{} {}", family.name, family.help));
            let kind = lines.next().unwrap();
            assert_eq!(
                kind,
                format!("# TYPE {} {}", family.name, family.kind.name())
            );
            current = Some(family);
            continue;
        }
        let family = current.unwrap();
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value == "0" || value == "0.000000", "{line}");
        assert!(seen.insert(series.to_owned()), "{line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name.strip_prefix(family.name).unwrap();
        let suffixes = match family.kind {
            Kind::Counter => &[""][..],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
        };
        assert!(suffixes.contains(&suffix), "{line}");
        let mut names: Vec<_> = family.labels.split_whitespace().collect();
        if suffix == "_bucket" {
            names.push("le");
        }
        let labels = labels.strip_suffix('}').unwrap();
        let there: Vec<_> = labels
            .split_terminator(',')
            .map(|label| {
                let (name, value) = label.split_once('=').unwrap();
                let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
                let plain = |c: char| c.is_ascii_alphanumeric() || "_.+".contains(c);
                assert!(!value.is_empty() && value.chars().all(plain), "{line}");
                name
            })
            .collect();
        assert_eq!(there, names, "{line}");
    }
    assert!(expected.next().is_none());
    assert!(text.ends_with('\n'));
}

#[test]
fn what_is_counted_makes_no_new_series() {
    let metrics = Metrics::default();
    let before = series(&metrics.text());
    for verdict in [
        Verdict::Admit(Caller::Identified),
        Verdict::Admit(Caller::Anonymous),
        Verdict::Admit(Caller::Bypassed),
        Verdict::Serve(Endpoint::Callback(Some("\"}\n".into()))),
        Verdict::Refuse(Refusal::new(
            Check::Forbidden,
            "\"}\nevil 1",
            StatusCode::FORBIDDEN,
            AnswerForm::Page,
        )),
    ] {
        metrics.decided(&verdict);
    }
    for check in Check::ALL.iter().copied() {
        metrics.login_failed(check);
    }
    for purpose in Purpose::ALL.iter().copied() {
        for came in [
            Asked::Answered(StatusCode::OK),
            Asked::Answered(StatusCode::IM_A_TEAPOT),
            Asked::Unanswered(Failure::Unknown),
        ] {
            metrics.asked_provider(purpose, came, Duration::from_millis(700));
        }
    }
    metrics.session_ended(EndedBy::SignOut);
    metrics.token_came_to(TokenOutcome::Cached);
    metrics.answered(Duration::from_secs(20));
    assert_eq!(series(&metrics.text()), before);
    for (series, is) in [
        ("oidc_gate_requests_total{verdict=\"identified\"}", "1"),
        ("oidc_gate_requests_total{verdict=\"endpoint\"}", "1"),
        ("oidc_gate_requests_total{verdict=\"refused\"}", "1"),
        ("oidc_gate_requests_total{verdict=\"log_in\"}", "0"),
        ("oidc_gate_bearer_total{verdict=\"cached\"}", "1"),
        ("oidc_gate_bearer_total{verdict=\"valid\"}", "0"),
        ("oidc_gate_refusals_total{check=\"request.forbidden\"}", "1"),
        ("oidc_gate_sessions_ended_total{by=\"sign_out\"}", "1"),
        ("oidc_gate_sessions_ended_total{by=\"another_user\"}", "0"),
        (
            "oidc_gate_provider_requests_total{endpoint=\"keys\",outcome=\"error\"}",
            "1",
        ),
        (
            "oidc_gate_provider_request_duration_seconds_bucket{endpoint=\"token\",le=\"0.5\"}",
            "0",
        ),
        (
            "oidc_gate_provider_request_duration_seconds_bucket{endpoint=\"token\",le=\"1\"}",
            "3",
        ),
        (
            "oidc_gate_provider_request_duration_seconds_sum{endpoint=\"token\"}",
            "2.100000",
        ),
        ("oidc_gate_answer_duration_seconds_bucket{le=\"10\"}", "0"),
        ("oidc_gate_answer_duration_seconds_bucket{le=\"+Inf\"}", "1"),
    ] {
        assert_eq!(value(&metrics, series), is, "{series}");
    }
    let failed = value(&metrics, "oidc_gate_logins_failed_total");
    assert_eq!(failed, Check::ALL.len().to_string());
}

#[test]
fn every_case_has_a_place_of_its_own() {
    for (at, (outcome, _)) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome as usize, at);
    }
    for (at, (outcome, _)) in TokenOutcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome as usize, at);
    }
    for (at, (by, _)) in EndedBy::ALL.into_iter().enumerate() {
        assert_eq!(by as usize, at);
    }
    for (at, purpose) in Purpose::ALL.iter().enumerate() {
        assert_eq!(*purpose as usize, at);
    }
    assert!(Check::ALL.is_sorted());
}
