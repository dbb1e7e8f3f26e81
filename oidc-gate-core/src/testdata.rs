//! The tables of cases, as tests read them.

use serde::{Deserialize, de::DeserializeOwned};

/// The rows of a table in `testdata/`: `[[case]]` each.
pub(crate) fn cases<Case: DeserializeOwned>(table: &str) -> Vec<Case> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table<Case> {
        case: Vec<Case>,
    }
    toml::from_str::<Table<Case>>(table).unwrap().case
}
