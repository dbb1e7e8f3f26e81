//! The pages of the documentation, held to the tables that they are made from.

use super::{
    bearers,
    oauth2_proxy::{Means, OPTIONS, Opt},
    rules,
    server::ServerSettings,
    settings::{Setting, Settings},
    value::variable_of,
};
use std::fmt::Write as _;

fn held_to(name: &str, page: &str, written: &str) {
    if std::env::var_os("OIDC_GATE_WRITE_PAGES").is_some() {
        std::fs::write(
            format!("{}/src/config/{name}", env!("CARGO_MANIFEST_DIR")),
            page,
        )
        .unwrap();
    }
    assert!(
        page == written,
        "{name} is stale: run `OIDC_GATE_WRITE_PAGES=1 cargo test -p oidc-gate-core -p oidc-gate-tower --all-features --lib pages`"
    );
}

fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

fn variables() -> String {
    let mut page = String::from("| variable | is |\n|---|---|\n");
    for setting in Settings::ALL {
        let name = variable_of(setting.key);
        let file = if setting.secret {
            format!(", or the file that `{name}_FILE` names")
        } else {
            String::new()
        };
        writeln!(page, "| `{name}` | {}{file} |", cell(setting.doc)).unwrap();
    }
    page
}

fn rows<S>(page: &mut String, table: &[Setting<S>]) {
    for setting in table {
        let file = if setting.secret {
            format!("; `{}_file` names a file with it", setting.key)
        } else {
            String::new()
        };
        writeln!(page, "| `{}` | {}{file} |", setting.key, cell(setting.doc)).unwrap();
    }
}

fn reference() -> String {
    let mut page = String::from(
        "Each setting stands in a file in TOML under its name, or in the environment as `OIDC_GATE_` and its name in capitals: \
         `base_url`, `OIDC_GATE_BASE_URL`. The environment wins over the file, which `OIDC_GATE_CONFIG` names. A name that is \
         unknown is an error in both. Lists are separated by commas in the environment; durations are written `15m`, \
         `1h30m`, `7d`.\n\n# The gate\n\n| name | is |\n|---|---|\n",
    );
    rows(&mut page, Settings::ALL);
    page.push_str("\n# The process around it\n\n[`Server`](crate::config::Server) has them; a gate inside an application has no use for them.\n\n| name | is |\n|---|---|\n");
    rows(&mut page, ServerSettings::ALL);
    let rules = RULES
        .replace("$RULE_KEYS", &listed(rules::KEYS))
        .replace("$REQUIREMENTS", &listed(rules::REQUIREMENTS))
        .replace("$BEARER_KEYS", &listed(bearers::KEYS));
    page.push_str(&rules);
    page
}

fn listed(keys: &[&str]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    keys.join(", ")
}

const RULES: &str = r#"
# Rules

`open`, `bypass`, `protect`, `json` and `polling` are lists of places: `/health`, `GET /health`, `/assets/**` for everything below,
`^/v[12]/.*$` for a regular expression of the whole path. A file has room for more:

```toml
[[rule]]
prefix = "/admin"                     # or path = "/teams/{team}", or regex = "^/v[12]/.*$"
method = "POST"                       # every method without it
require = { group = "admins", max_age = "15m" }

[[rule]]
path = "/reports"
require = { any_of = [{ role = "auditor" }, { group = ["board", "staff"] }] }

[[rule]]
prefix = "/api"
access = "protect"                    # or "open", or "bypass"
json = true                           # answers are JSON there, and none a redirect
```

A rule has one of `path`, `prefix` and `regex`. All that it may say: $RULE_KEYS.

What a table of `require` names has to be met at once, and of a list one: $REQUIREMENTS. `email`, `email_in` and `email_domain` are
about verified addresses, `claim` is a table of claims with their values (`{ department = "research" }`), `user = true` demands a person
and no client that acts for itself; `any_of` and `all_of` take lists of such tables.

# Bearer tokens

`bearer_audiences` are audiences of the provider's own access tokens. A table for each issuer has room for more, with the names
that [`Bearer`](crate::Bearer) has:

```toml
[[bearer]]
audience = "https://shop.example.com/api"
issuer = "https://ci.example.com"     # the provider without it
kind = "access_token"                 # or "id_token"
untyped = { token_use = "access" }    # tokens without `typ`, that have this claim; or untyped = "scp"
algs = ["ES256"]
groups_at = [["realm_access", "roles"]]
```

All that it may say: $BEARER_KEYS.
"#;

/// What the options are about, each from the first of them on.
const TOPICS: &[(&str, &str)] = &[
    ("provider", "The provider and its client"),
    ("cookie-secret", "Cookies and sessions"),
    ("redirect-url", "Who passes where"),
    ("pass-user-headers", "Headers"),
    ("http-address", "The process and what stands behind it"),
    ("request-id-header", "The log"),
    ("banner", "Pages"),
    ("config", "The configuration itself"),
];

fn guide() -> String {
    let mut page = String::from(include_str!("moving.md"));
    page.push_str(
        "\n# Every option\n\nAn option that may be given several times has an `s` at its end in a file and in the environment, as \
         there: `email_domains`, `OAUTH2_PROXY_EMAIL_DOMAINS`; without the `s` it is understood too. What is *refused* is an error; \
         what is *not here* is told and left out.\n",
    );
    for option in OPTIONS {
        if let Some((_, topic)) = TOPICS.iter().find(|(first, _)| *first == option.flag) {
            writeln!(
                page,
                "\n## {topic}\n\n| option | here | more |\n|---|---|---|"
            )
            .unwrap();
        }
        let here = match option.means {
            Means::Same(key) => format!("`{key}`"),
            Means::Changed(Some(key)) => format!("`{key}`, with a difference"),
            Means::Changed(None) => "always so".to_owned(),
            Means::By(_) | Means::Part => "understood".to_owned(),
            Means::Absent => "not here".to_owned(),
            Means::Refused => "refused".to_owned(),
        };
        // What Markdown would take for links stands as code.
        let words =
            option
                .text
                .split(' ')
                .map(|word| match word.trim_end_matches([',', ';', ':']) {
                    code if code.starts_with("https://") || code.starts_with("[[") => {
                        word.replacen(code, &format!("`{code}`"), 1)
                    }
                    _ => word.to_owned(),
                });
        let text = cell(&words.collect::<Vec<_>>().join(" "));
        writeln!(page, "| `{}` | {here} | {text} |", option.name()).unwrap();
    }
    page
}

#[test]
fn the_variables_are_those_of_the_table() {
    held_to("env.md", &variables(), include_str!("env.md"));
}

#[test]
fn the_reference_is_the_table() {
    held_to("reference.md", &reference(), include_str!("reference.md"));
}

#[test]
fn the_guide_has_every_option() {
    held_to(
        "from_oauth2_proxy.md",
        &guide(),
        include_str!("from_oauth2_proxy.md"),
    );
}

#[test]
fn every_topic_begins_with_an_option_that_is_there() {
    for (first, topic) in TOPICS {
        assert!(
            OPTIONS.iter().any(|option| option.flag == *first),
            "{topic}"
        );
    }
    let first = OPTIONS.first().map(|option| option.flag);
    assert_eq!(first, TOPICS.first().map(|(first, _)| *first));
}

#[test]
fn no_name_is_two_options() {
    let names = |option: &Opt| [option.name(), option.flag.replace('-', "_")];
    for (at, option) in OPTIONS.iter().enumerate() {
        for other in OPTIONS.iter().skip(at + 1) {
            assert!(
                !names(option).iter().any(|name| names(other).contains(name)),
                "{}",
                option.flag
            );
        }
    }
}
