//! What is said in, and what becomes of it out: `testdata/config.toml` has a row for every option and every message.

use super::{
    Config, Report, Sources, oauth2_proxy::OPTIONS, settings::Settings, value::variable_of,
};
use crate::{ConfigError, Identity, config::TlsVersion, core::identity::IdentityBuilder};
use http::Method;
use proptest::prelude::*;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

#[derive(Deserialize)]
struct File {
    /// What every case says beside its own, unless it is `bare`.
    ours: BTreeMap<String, String>,
    theirs: BTreeMap<String, String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// `ours`, `theirs` or `bare`: what is said beside.
    base: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// A file with our own names.
    #[serde(default)]
    toml: String,
    /// A file of oauth2-proxy.
    #[serde(default)]
    cfg: String,
    #[serde(default)]
    understood: Vec<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    assumed: Vec<String>,
    /// What is wrong with it, or with the gate that comes of it.
    #[serde(default)]
    problems: Vec<String>,
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/config.toml");
/// What stands in every secret of the table.
const SECRET: &str = "hush-hush-9f3a";

fn file() -> File {
    toml::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap()
}

/// Files in the table stand beside it.
fn placed(text: &str) -> String {
    text.replace(
        "$TESTDATA",
        concat!(env!("CARGO_MANIFEST_DIR"), "/testdata"),
    )
}

fn shown(text: &str) -> String {
    text.replace(
        concat!(env!("CARGO_MANIFEST_DIR"), "/testdata"),
        "$TESTDATA",
    )
}

fn read(file: &File, case: &Case) -> Result<Report, ConfigError> {
    let base = match case.base.as_str() {
        "ours" => file.ours.clone(),
        "theirs" => file.theirs.clone(),
        "bare" => BTreeMap::new(),
        other => panic!("{other}"),
    };
    let mut variables = base;
    variables.extend(
        case.env
            .iter()
            .map(|(name, value)| (name.clone(), placed(value))),
    );
    let mut sources = Sources::new().env(variables);
    if !case.toml.is_empty() {
        sources = sources.toml(placed(&case.toml), "gate.toml");
    }
    if !case.cfg.is_empty() {
        sources = sources.oauth2_proxy_cfg(placed(&case.cfg), "oauth2-proxy.cfg");
    }
    let config = Config::read(sources)?;
    let gate = config.gate().build()?;
    let shown = format!("{config:?} {} {gate:?}", config.report());
    assert!(!shown.contains(SECRET), "{}: {shown}", case.name);
    Ok(config.report().clone())
}

/// What becomes of the case, beside what becomes of its base alone.
fn outcome(file: &File, case: &Case) -> Case {
    let base = Case {
        name: String::new(),
        base: case.base.clone(),
        env: BTreeMap::new(),
        toml: String::new(),
        cfg: String::new(),
        understood: vec![],
        changed: vec![],
        absent: vec![],
        assumed: vec![],
        problems: vec![],
    };
    let before = read(file, &base).unwrap_or_default();
    let mut out = Case {
        name: case.name.clone(),
        env: case.env.clone(),
        toml: case.toml.clone(),
        cfg: case.cfg.clone(),
        ..base
    };
    match read(file, case) {
        Ok(report) => {
            let news = |lines: &[String], before: &[String]| -> Vec<String> {
                lines
                    .iter()
                    .filter(|line| !before.contains(line))
                    .map(|line| shown(line))
                    .collect()
            };
            out.understood = news(&report.understood, &before.understood);
            out.changed = news(&report.changed, &before.changed);
            out.absent = news(&report.absent, &before.absent);
            out.assumed = news(&report.assumed, &before.assumed);
        }
        Err(error) => {
            assert!(
                !format!("{error} {error:?}").contains(SECRET),
                "{}: {error}",
                case.name
            );
            out.problems = error.problems().map(shown).collect();
        }
    }
    out
}

fn written(file: &File, cases: &[Case]) -> String {
    let mut text = String::from(
        "# What is said, and what becomes of it. `ours` and `theirs` are said beside in the cases whose `base` they are; of the\n\
         # report a case has what it adds to that of its base. Every secret is hush-hush-9f3a in some form.\n\
         # `OIDC_GATE_WRITE_PAGES=1` writes what becomes of it anew: read the difference before it is committed.\n",
    );
    for (name, table) in [("ours", &file.ours), ("theirs", &file.theirs)] {
        writeln!(text, "\n[{name}]").unwrap();
        table
            .iter()
            .for_each(|(key, value)| writeln!(text, "{key} = {value:?}").unwrap());
    }
    for case in cases {
        writeln!(
            text,
            "\n[[case]]\nname = {:?}\nbase = {:?}",
            case.name, case.base
        )
        .unwrap();
        if !case.env.is_empty() {
            let pairs: Vec<_> = case
                .env
                .iter()
                .map(|(key, value)| format!("{key} = {value:?}"))
                .collect();
            writeln!(text, "env = {{ {} }}", pairs.join(", ")).unwrap();
        }
        for (name, value) in [("toml", &case.toml), ("cfg", &case.cfg)] {
            if !value.is_empty() {
                writeln!(text, "{name} = '''\n{}'''", value.trim_start_matches('\n')).unwrap();
            }
        }
        let lists = [
            ("understood", &case.understood),
            ("changed", &case.changed),
            ("absent", &case.absent),
            ("assumed", &case.assumed),
            ("problems", &case.problems),
        ];
        for (name, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            let lines: String = lines
                .iter()
                .map(|line| format!("    {line:?},\n"))
                .collect();
            writeln!(text, "{name} = [\n{lines}]").unwrap();
        }
    }
    text
}

#[test]
fn every_case_of_the_table_comes_to_what_stands_there() {
    let file = file();
    let outcomes: Vec<_> = file.case.iter().map(|case| outcome(&file, case)).collect();
    if std::env::var_os("OIDC_GATE_WRITE_PAGES").is_some() {
        std::fs::write(FILE, written(&file, &outcomes)).unwrap();
        return;
    }
    assert!(file.case.len() >= 200, "{}", file.case.len());
    for (case, out) in file.case.iter().zip(&outcomes) {
        let lines = |case: &Case| {
            [
                &case.understood,
                &case.changed,
                &case.absent,
                &case.assumed,
                &case.problems,
            ]
            .map(Clone::clone)
        };
        assert_eq!(lines(out), lines(case), "{}", case.name);
    }
}

#[test]
fn no_option_and_no_setting_is_without_a_case() {
    let file = file();
    let mut said: Vec<String> = file
        .case
        .iter()
        .flat_map(|case| case.env.keys().cloned())
        .collect();
    for case in &file.case {
        for (text, prefix) in [(&case.toml, "OIDC_GATE_"), (&case.cfg, "OAUTH2_PROXY_")] {
            let keys = text.lines().filter_map(|line| line.split_once('='));
            said.extend(keys.map(|(key, _)| format!("{prefix}{}", key.trim().to_uppercase())));
        }
    }
    for option in OPTIONS.iter().filter(|option| option.flag != "config") {
        let name = format!("OAUTH2_PROXY_{}", option.name().to_uppercase());
        assert!(said.contains(&name), "{name}");
    }
    let server = super::server::ServerSettings::ALL
        .iter()
        .map(|setting| setting.key);
    for key in Settings::ALL
        .iter()
        .map(|setting| setting.key)
        .chain(server)
    {
        assert!(said.contains(&variable_of(key)), "{key}");
    }
}

#[test]
fn a_file_that_the_environment_names_is_read_and_the_environment_wins() {
    let file = file();
    let path = format!("{}/testdata/config/gate.toml", env!("CARGO_MANIFEST_DIR"));
    let mut variables = file.ours.clone();
    variables.insert("OIDC_GATE_CONFIG".to_owned(), path.clone());
    let config = Config::read(Sources::new().env(variables)).unwrap();
    let line = format!("client_id = \"app\" from OIDC_GATE_CLIENT_ID, over client_id ({path}:2)");
    assert!(
        config
            .report()
            .understood()
            .any(|understood| understood == line),
        "{}",
        config.report()
    );
    let nowhere = Sources::new().env([("OIDC_GATE_CONFIG", "/nowhere/gate.toml")]);
    assert_eq!(
        Config::read(nowhere)
            .unwrap_err()
            .problems()
            .collect::<Vec<_>>(),
        [
            "OIDC_GATE_CONFIG: \"/nowhere/gate.toml\" cannot be read: No such file or directory (os error 2)"
        ]
    );
}

#[test]
fn what_is_missing_is_told_in_the_names_that_are_spoken() {
    let problems = |sources| {
        let error = Config::read(sources).unwrap().gate().build().unwrap_err();
        error.problems().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(
        problems(Sources::new()),
        [
            "issuer_url: missing; set it, or OIDC_GATE_ISSUER_URL, to the provider's address",
            "client_id: missing; set it, or OIDC_GATE_CLIENT_ID, as registered at the provider",
            "base_url: missing; set it, or OIDC_GATE_BASE_URL, to where browsers find the application",
            "cookie_secret: missing; make one with `openssl rand -base64 32` and set it, or OIDC_GATE_COOKIE_SECRET",
        ]
    );
    assert_eq!(
        problems(Sources::new().env([("OAUTH2_PROXY_PROVIDER", "oidc")])),
        [
            "oidc_issuer_url: missing; set it, or OAUTH2_PROXY_OIDC_ISSUER_URL, to the provider's address",
            "client_id: missing; set it, or OAUTH2_PROXY_CLIENT_ID, as registered at the provider",
            "cookie_secret: missing; make one with `openssl rand -base64 32` and set it, or OAUTH2_PROXY_COOKIE_SECRET",
        ]
    );
}

/// What becomes of a request, as the gate that comes of these variables decides.
fn outcome_of(more: &[(&str, &str)], path: &str, who: Option<&Identity>) -> String {
    let mut variables = file().theirs;
    variables.extend(
        more.iter()
            .map(|(name, value)| (format!("OAUTH2_PROXY_{name}"), placed(value))),
    );
    let gate = Config::read(Sources::new().env(variables))
        .unwrap()
        .gate()
        .build()
        .unwrap();
    gate.explain(&Method::GET, path, who).outcome
}

#[test]
fn who_is_let_in_is_what_the_variables_say() {
    let alice = |builder: IdentityBuilder| builder.build();
    let user = || Identity::builder("https://tenant.example.com", "1");
    let verified = |address: &str| alice(user().email(address));
    let in_group = |group: &str| alice(user().email("alice@example.com").group(group));
    let (domains, emails) = (
        ("EMAIL_DOMAINS", "example.com,.example.org"),
        ("AUTHENTICATED_EMAILS_FILE", "$TESTDATA/config/emails"),
    );
    let groups = ("ALLOWED_GROUPS", "staff,guests");
    for (more, who, passes) in [
        // Without domains, everybody.
        (&[][..], alice(user()), true),
        (&[domains], verified("alice@example.com"), true),
        (&[domains], verified("Alice@EXAMPLE.com"), true),
        (&[domains], verified("alice@sub.example.org"), true),
        (&[domains], verified("alice@example.org"), false),
        (&[domains], verified("alice@evilexample.com"), false),
        (&[domains], alice(user()), false),
        (&[domains, emails], verified("carol@example.org"), true),
        (&[emails], verified("alice@example.com"), true),
        (&[emails], verified("bob@example.com"), false),
        (&[("EMAIL_DOMAINS", "*"), emails], alice(user()), true),
        (&[groups], in_group("guests"), true),
        (&[groups], in_group("others"), false),
        (&[domains, groups], in_group("staff"), true),
        (&[domains, groups], alice(user().group("staff")), false),
    ] {
        let outcome = outcome_of(more, "/", Some(&who));
        assert_eq!(
            outcome.ends_with("may pass"),
            passes,
            "{more:?} {who:?}: {outcome}"
        );
    }
}

#[test]
fn what_needs_no_login_is_what_the_variables_say() {
    for (more, path, passes) in [
        (&[][..], "/", false),
        (&[("SKIP_AUTH_ROUTES", "^/public/")], "/public/x", true),
        (
            &[("SKIP_AUTH_ROUTES", "^/public/")],
            "/secret/public/x",
            false,
        ),
        (&[("SKIP_AUTH_ROUTES", "/public")], "/secret/public/x", true),
        (
            &[("SKIP_AUTH_ROUTES", "^/public/")],
            "/public/%2e%2e/admin",
            false,
        ),
        (
            &[("SKIP_AUTH_ROUTES", "POST=^/public/")],
            "/public/x",
            false,
        ),
        (&[("SKIP_AUTH_ROUTES", "GET!=^/api/")], "/api/x", false),
        (&[("SKIP_AUTH_ROUTES", "GET!=^/api/")], "/x", true),
        (&[("SKIP_AUTH_REGEX", "^/x=1$")], "/x=1", true),
    ] {
        let outcome = outcome_of(more, path, None);
        assert_eq!(
            outcome.ends_with("may pass"),
            passes,
            "{more:?} {path}: {outcome}"
        );
    }
}

#[test]
fn a_session_lives_as_long_as_it_did_there_and_as_the_file_says() {
    let hours = |count: u64| Duration::from_secs(count * 3600);
    for (toml, cfg, idle, absolute) in [
        ("", "", hours(168), hours(168)),
        ("", "cookie_expire = \"8h\"", hours(8), hours(8)),
        (
            "session_idle = \"1h\"",
            "cookie_expire = \"8h\"",
            hours(1),
            hours(8),
        ),
    ] {
        let sources = Sources::new()
            .env(file().theirs)
            .toml(toml, "gate.toml")
            .oauth2_proxy_cfg(cfg, "oauth2-proxy.cfg");
        let gate = Config::read(sources).unwrap().gate().build().unwrap();
        let limits = gate.0.sessions.as_ref().unwrap().keeping.limits;
        assert_eq!(
            (limits.idle(), limits.absolute()),
            (idle, absolute),
            "{cfg}"
        );
    }
}

#[test]
fn the_server_is_what_the_files_say() {
    let config = Config::read(Sources::new().env(file().theirs)).unwrap();
    let server = config.server();
    assert_eq!((server.host(), server.port()), ("127.0.0.1", 4180));
    assert_eq!(server.upstream_timeout(), Duration::from_secs(30));
    assert!(
        server.passes_host()
            && server.passes_websockets()
            && !server.danger_upstream_any_certificate()
    );
    assert!(server.upstreams().is_empty() && server.tls().is_none());
    // Probes are where they were there.
    assert_eq!(
        (server.ping_path(), server.ready_path()),
        (Some("/ping"), Some("/ready"))
    );
    assert_eq!(server.metrics_address(), None);

    let text = "address = \":8443\"\ntls_cert_file = \"/c\"\ntls_key_file = \"/k\"\ntls_min_version = \"1.3\"\n\
                upstreams = [\"http://127.0.0.1:8080/\", \"static://204\"]\npass_host_header = false\n";
    let text = text.replace("static://204", "file:///srv#/files/");
    let config = Config::read(Sources::new().env(file().ours).toml(text, "gate.toml")).unwrap();
    let server = config.server();
    assert_eq!((server.host(), server.port()), ("::", 8443));
    assert_eq!(server.tls(), Some((Path::new("/c"), Path::new("/k"))));
    assert_eq!(server.tls_min_version(), TlsVersion::Tls13);
    assert!(!server.passes_host());
    assert_eq!((server.ping_path(), server.ready_path()), (None, None));
    let said = [
        ("OIDC_GATE_PING_PATH", "/up"),
        ("OIDC_GATE_METRICS_ADDRESS", "[::1]:9090"),
    ];
    let said = Sources::new().env(file().ours).env(said);
    let config = Config::read(said).unwrap();
    let of_ours = config.server();
    assert_eq!(
        (of_ours.ping_path(), of_ours.ready_path()),
        (Some("/up"), None)
    );
    assert_eq!(of_ours.metrics_address(), Some(("::1", 9090)));
    let paths: Vec<_> = server
        .upstreams()
        .iter()
        .map(|upstream| upstream.path.as_str())
        .collect();
    assert_eq!(paths, ["/", "/files/"]);
}

#[test]
fn the_gates_own_cookies_are_kept_from_the_application_unless_it_is_said() {
    for (said, keeps) in [(None, true), (Some("false"), true), (Some("true"), false)] {
        let said = said.map(|said| ("OIDC_GATE_PASS_OWN_COOKIES", said));
        let sources = Sources::new().env(file().ours).env(said);
        let gate = Config::read(sources).unwrap().gate().build().unwrap();
        assert_eq!(gate.0.common.passing.keeps_own_cookies(), keeps, "{said:?}");
    }
}

#[test]
fn a_sign_out_goes_to_the_provider_but_where_oauth2_proxy_was_before() {
    use crate::SignOut::{AtProvider, Here};
    let file = file();
    for (base, said, how) in [
        (&file.ours, None, AtProvider),
        (&file.theirs, None, Here),
        (&file.theirs, Some("provider"), AtProvider),
        (&file.ours, Some("here"), Here),
    ] {
        let said = said.map(|said| ("OIDC_GATE_SIGN_OUT", said));
        let sources = Sources::new().env(base.clone()).env(said);
        let gate = Config::read(sources).unwrap().gate().build().unwrap();
        let sessions = gate.0.sessions.as_ref().unwrap();
        assert_eq!(sessions.sign_out.how, how, "{said:?}");
    }
}

/// The names that may stand in a file.
fn names() -> Vec<String> {
    let ours = Settings::ALL.iter().map(|setting| setting.key.to_owned());
    let theirs = OPTIONS.iter().map(super::oauth2_proxy::Opt::name);
    ours.chain(theirs)
        .chain(["rule".to_owned(), "client_secret_file".to_owned()])
        .collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}".prop_map(|text| format!("{text:?}")),
        Just("true".to_owned()),
        Just("-17".to_owned()),
        Just("1.5".to_owned()),
        Just("[[\"a\", 1], {}]".to_owned()),
        Just("[{ path = \"/x\", require = { any_of = [] } }]".to_owned()),
        Just("{ a = { b = [] } }".to_owned()),
        ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_source_panics(entries in prop::collection::vec((prop::sample::select(names()), value()), 0..6), more in ".{0,60}") {
        let mut text: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let env = entries.iter().flat_map(|(key, value)| {
            let key = key.to_uppercase();
            [(format!("OIDC_GATE_{key}"), value.clone()), (format!("OAUTH2_PROXY_{key}"), value.clone())]
        });
        let _ = Config::read(Sources::new().env(env));
        text.push_str(&more);
        let _ = Config::read(Sources::new().toml(text.clone(), "gate.toml"));
        let _ = Config::read(Sources::new().oauth2_proxy_cfg(text, "oauth2-proxy.cfg"));
    }

    #[test]
    fn no_secret_is_in_a_message(key in prop::sample::select(vec![
        "client_secret", "cookie_secret", "basic_auth_password", "redis_password", "redis_sentinel_password", "github_token",
        "jwt_key", "signature_key", "clientsecret", "cookie_sekret",
    ]), form in prop::sample::select(vec!["{}", "= {}", "\"{}", "[{}]", "'{}", "\"{}\"", "{{ x = \"{}\" }}", "[\"{}\"]"])) {
        let line = format!("{key} = {}", form.replace("{}", SECRET).replace("{{", "{").replace("}}", "}"));
        let upper = key.to_uppercase();
        for sources in [
            Sources::new().toml(&line, "gate.toml"),
            Sources::new().oauth2_proxy_cfg(&line, "oauth2-proxy.cfg"),
            Sources::new().env([(format!("OIDC_GATE_{upper}"), SECRET), (format!("OAUTH2_PROXY_{upper}"), SECRET)]),
        ] {
            let mut said = format!("{sources:?}");
            match Config::read(sources) {
                Ok(config) => {
                    write!(said, "{config:?} {}", config.report()).unwrap();
                    let error = config.gate().build().err().map(|error| error.to_string());
                    said.push_str(&error.unwrap_or_default());
                }
                Err(error) => said.push_str(&error.to_string()),
            }
            prop_assert!(!said.contains(SECRET), "{}", said);
        }
    }
}
