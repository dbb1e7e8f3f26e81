//! What signing out does, as settings say it.

use super::{
    parse::{choice, list},
    value::Value,
};
use crate::{SignOut, SiteData, TokensAtSignOut};

/// `provider` or `here`.
pub(crate) fn how(value: Value) -> Result<SignOut, String> {
    choice(
        value,
        &[("provider", SignOut::AtProvider), ("here", SignOut::Here)],
    )
}

/// `revoke` or `leave`.
pub(crate) fn tokens(value: Value) -> Result<TokensAtSignOut, String> {
    choice(
        value,
        &[
            ("revoke", TokensAtSignOut::Revoke),
            ("leave", TokensAtSignOut::Leave),
        ],
    )
}

/// Some of `cache`, `cookies`, `storage` and `execution_contexts`.
pub(crate) fn site_data(value: Value) -> Result<Vec<SiteData>, String> {
    let known = [
        ("cache", SiteData::Cache),
        ("cookies", SiteData::Cookies),
        ("storage", SiteData::Storage),
        ("execution_contexts", SiteData::ExecutionContexts),
    ];
    let said = list(value)?.into_iter();
    said.map(|word| choice(Value::Text(word), &known)).collect()
}
