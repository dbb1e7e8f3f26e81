//! What the gate allocates. Unlike time, this is the same on every machine, so it can be held to.

use oidc_gate_benches::{
    bearer,
    keeping::Way,
    requests::{Row, rows},
    sessions::live,
};

/// A change that allocates more has to say so here.
const MOST: &[(&str, i64)] = &[
    ("bypassed route, 1 rule", 0),
    ("bypassed route, 1,000 rules", 0),
    ("open route, no credentials", 0),
    ("open route, cookie session", 1),
    ("cookie session, identity only", 3),
    ("cookie session, recently opened", 1),
    (
        "cookie session among other cookies and a browser's headers",
        5,
    ),
    ("navigation, nobody signed in: redirect to the provider", 13),
    ("API call, nobody signed in: 401", 3),
];

/// The same of sessions that have tokens, in a browser that signed in a moment ago: what it keeps of that is set aside, which is
/// one of them.
const MOST_WITH_TOKENS: &[(&str, i64)] = &[
    ("cookie session with tokens", 3),
    ("session in the memory store", 2),
];

#[test]
fn no_request_allocates_more_than_stated() {
    hold(rows(), MOST);
}

#[test]
fn no_request_with_a_kept_session_allocates_more_than_stated() {
    let rows = Way::IN_PROCESS.map(|way| live(way, None));
    hold(rows.into(), MOST_WITH_TOKENS);
}

/// The same with a bearer token. What is seen for the first time and kept takes two more: a copy of the token, and now and then
/// a table's growth.
const MOST_WITH_A_BEARER_TOKEN: &[(&str, i64)] = &[
    (bearer::KNOWN, 2),
    (bearer::FIRST_RS256, 40),
    (bearer::FIRST_ES256, 40),
];

#[test]
fn no_request_with_a_bearer_token_allocates_more_than_stated() {
    hold(bearer::rows(), MOST_WITH_A_BEARER_TOKEN);
}

fn hold(mut rows: Vec<Row>, stated: &[(&'static str, i64)]) {
    let measured: Vec<_> = rows
        .iter_mut()
        .map(|row| (row.name, row.own_allocations().count))
        .collect();
    let names =
        |list: &[(&'static str, i64)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(names(&measured), names(stated));
    for ((name, count), (_, most)) in measured.iter().zip(stated) {
        assert!(
            count <= most,
            "{name}: {count} allocations, {most} are stated"
        );
    }
}
