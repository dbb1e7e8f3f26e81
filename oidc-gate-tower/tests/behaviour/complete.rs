//! Whether the table is about everything that it has to be about.

use crate::{
    table::{AREAS, cases, rows},
    world::data,
};
use oidc_gate_tower::core::gate::Clarity;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What has to be in the table, in our words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Demanded {
    id: String,
    #[expect(dead_code, reason = "for readers of the file")]
    says: String,
}

fn demanded(of: &str) -> BTreeSet<String> {
    rows::<Demanded>(&data(), "demanded", of)
        .into_iter()
        .map(|demanded| demanded.id)
        .collect()
}

#[test]
fn the_table_has_at_least_four_hundred_cases_with_names_of_their_own() {
    let cases = cases(&data());
    let names: BTreeSet<_> = cases.iter().map(|(_, case)| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    assert!(cases.len() >= 400, "{}", cases.len());
}

#[test]
fn every_area_and_every_configuration_has_cases() {
    let cases = cases(&data());
    let mut per_area = BTreeMap::new();
    for (area, _) in &cases {
        *per_area.entry(*area).or_insert(0) += 1;
    }
    for area in AREAS {
        assert!(
            per_area.get(area).is_some_and(|cases| *cases >= 10),
            "{area}: {per_area:?}"
        );
    }
    let used: BTreeSet<_> = cases.iter().map(|(_, case)| case.config.as_str()).collect();
    let configurations =
        rows::<crate::table::Configuration>(&data(), "configurations", "configuration");
    let there: BTreeSet<_> = configurations
        .iter()
        .map(|config| config.name.as_str())
        .collect();
    assert_eq!(used, there);
    assert!(there.len() >= 12);
}

/// A proxy passes nothing on that its upstream could read otherwise; a service in the process reads what the gate has read.
#[test]
fn a_proxy_answers_otherwise_where_a_path_could_be_read_in_two_ways_and_nowhere_else() {
    for (_, case) in cases(&data()) {
        let (_, target) = case.request.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap_or_default();
        let ambiguous = Clarity::of(path) != Clarity::Plain && !case.inner.is_empty();
        let at_a_proxy = ambiguous.then_some(400);
        assert_eq!(case.at_a_proxy, at_a_proxy, "{}", case.name);
    }
}

#[test]
fn every_row_of_the_decision_table_has_a_case() {
    let named = cases(&data()).into_iter().flat_map(|(_, case)| case.row);
    assert_eq!(named.collect::<BTreeSet<_>>(), demanded("row"));
}

#[test]
fn every_sentence_about_behaviour_has_a_case() {
    let named = cases(&data())
        .into_iter()
        .flat_map(|(_, case)| case.sentence);
    assert_eq!(named.collect::<BTreeSet<_>>(), demanded("sentence"));
}
