//! The cases as they stand in the files, and what they say of an answer.

use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fs, path::Path};

/// Which files have cases: an area each.
pub(crate) const AREAS: [&str; 12] = [
    "rules",
    "answers",
    "bearer",
    "endpoints",
    "headers",
    "skip_auth",
    "cors",
    "csrf",
    "sessions",
    "redirects",
    "authorization",
    "proxies",
];

/// One request, and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Where the behaviour comes from, and what oauth2-proxy does where it does otherwise.
    #[serde(default)]
    #[expect(dead_code, reason = "for readers of the file")]
    pub(crate) why: String,
    /// What of oauth2-proxy's tables the case is about.
    #[serde(default)]
    pub(crate) row: Vec<String>,
    /// Sentences of its documentation and of a guide to it that the case is about.
    #[serde(default)]
    pub(crate) sentence: Vec<String>,
    pub(crate) config: String,
    /// `GET /me`, byte by byte.
    pub(crate) request: String,
    /// Whose session comes along: a place holder without its braces.
    #[serde(default)]
    pub(crate) session: String,
    /// What sends it: the headers of that name in `senders.toml`.
    #[serde(default)]
    pub(crate) by: String,
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    #[serde(default)]
    pub(crate) body: String,
    /// The address it comes from.
    #[serde(default = "here")]
    pub(crate) from: String,

    pub(crate) status: u16,
    /// `name: value`, `name: beginning…`, `name ~ part`, or `name` alone.
    #[serde(default)]
    pub(crate) answer: Vec<String>,
    /// Headers that the answer does not have.
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// Which of the gate's cookies are set, and which removed; no others are.
    #[serde(default)]
    pub(crate) sets: Vec<String>,
    #[serde(default)]
    pub(crate) clears: Vec<String>,
    /// `page`, `page with …`, `json …`, `text …` or `empty`.
    #[serde(default)]
    pub(crate) says: String,
    /// As whom the inner service is called: a subject, `nobody`, or `unseen` where the gate stays out of it. Not at all
    /// unless given.
    #[serde(default)]
    pub(crate) inner: String,
    /// What the inner service sees, written as `answer`.
    #[serde(default)]
    pub(crate) sees: Vec<String>,
    #[serde(default)]
    pub(crate) sees_no: Vec<String>,
    /// The status at a proxy, if it is another one because the proxy passes nothing on that could be read in two ways.
    pub(crate) at_a_proxy: Option<u16>,
}

impl Case {
    /// What is wrong with it, below its name and what it is about.
    pub(crate) fn told(&self, area: &str, forged: bool, found: &[String]) -> String {
        let with = if forged { " (with forged headers)" } else { "" };
        let about = [self.row.as_slice(), &self.sentence].concat().join(", ");
        format!(
            "{area}: {}{with} [{about}]\n    {}",
            self.name,
            found.join("\n    ")
        )
    }
}

fn here() -> String {
    "127.0.0.1".to_owned()
}

/// What a gate is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    pub(crate) name: String,
    #[expect(dead_code, reason = "for readers of the file")]
    pub(crate) why: String,
    /// What is said in our own names, beside what all of them say.
    pub(crate) own: Option<String>,
    /// Variables of oauth2-proxy.
    pub(crate) variables: Option<BTreeMap<String, String>>,
    /// oauth2-proxy's configuration file.
    pub(crate) file: Option<String>,
    /// The header that tells the inner service who the caller is; none for none.
    #[serde(default = "forwarded_user")]
    pub(crate) named_in: String,
}

fn forwarded_user() -> String {
    "x-forwarded-user".to_owned()
}

impl Configuration {
    /// Without a base URL it is this machine's.
    pub(crate) fn is_over_https(&self) -> bool {
        !self
            .variables
            .as_ref()
            .is_some_and(|variables| variables.contains_key("# all"))
    }
}

/// What a request is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Lines,
    pub(crate) body: String,
}

/// What the inner service was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Whom the gate names to a service in this process; nothing is known behind a socket.
    pub(crate) who: Option<String>,
    pub(crate) target: String,
    pub(crate) headers: Lines,
}

/// Headers, in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(pub(crate) Vec<(String, String)>);

impl Lines {
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.all(name).collect();
        (!values.is_empty()).then(|| values.join(" + "))
    }

    /// Whether the line is met, and what is there instead.
    fn meets(&self, line: &str) -> Result<(), String> {
        let (name, rest) = match line.find([' ', ':']) {
            Some(at) => line.split_at(at),
            None => (line, ""),
        };
        let is = self.one(name);
        let met = match (&is, rest.split_at_checked(2)) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(is), Some((": ", value))) => match value.strip_suffix('…') {
                Some(beginning) => is.starts_with(beginning),
                None => is == value,
            },
            (Some(is), Some(_)) => is.contains(rest.trim_start_matches(" ~ ")),
        };
        match met {
            true => Ok(()),
            false => Err(format!("expected {line:?}, {name} is {is:?}")),
        }
    }
}

/// Everything that is not as the case says.
pub(crate) fn problems(
    case: &Case,
    config: &Configuration,
    status: u16,
    answer: &Answer,
    seen: Option<&Seen>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.status != status {
        problems.push(format!("expected {status}, got {}", answer.status));
    }
    if status == case.status {
        let lines = case.answer.iter().map(|line| answer.headers.meets(line));
        problems.extend(lines.filter_map(Result::err));
        for name in &case.without {
            problems.extend(
                answer
                    .headers
                    .one(name)
                    .map(|value| format!("{name} is {value:?}")),
            );
        }
        problems.extend(body(&case.says, answer).err());
        problems.extend(cookies(case, config, answer));
    }
    let passes = status == case.status && !case.inner.is_empty();
    match (passes, seen) {
        (false, None) => problems.extend(own(answer, status == case.status)),
        (true, Some(seen)) => problems.extend(inner(case, config, seen)),
        (true, None) => problems.push("the inner service was not called".to_owned()),
        (false, Some(seen)) => problems.push(format!("the inner service was called: {seen:?}")),
    }
    problems
}

/// What holds for every answer of the gate's own.
fn own(answer: &Answer, of_the_gate: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let is = |name: &str| answer.headers.one(name).unwrap_or_default();
    if of_the_gate && is("cache-control") != "no-store" {
        problems.push("an answer of the gate's own may be stored".to_owned());
    }
    if of_the_gate && !answer.body.is_empty() && is("x-content-type-options") != "nosniff" {
        problems.push("a body may be taken for something else".to_owned());
    }
    let policy = is("content-security-policy");
    if of_the_gate
        && is("content-type").starts_with("text/html")
        && !policy.contains("frame-ancestors 'none'")
    {
        problems.push(format!("a page may be framed: {policy:?}"));
    }
    if answer.status == 401 && is("www-authenticate").is_empty() {
        problems.push("401 without a challenge".to_owned());
    }
    for (name, _) in &answer.headers.0 {
        let begins = |begin: &&str| name.starts_with(begin);
        if ["x-auth-request-", "x-forwarded-", "gap-auth"]
            .iter()
            .any(begins)
        {
            problems.push(format!("the answer names somebody: {name}"));
        }
    }
    if answer.body.contains("mallory") {
        problems.push("the body says what was forged".to_owned());
    }
    problems
}

/// What the inner service saw.
fn inner(case: &Case, config: &Configuration, seen: &Seen) -> Vec<String> {
    let mut problems = Vec::new();
    let target = case
        .request
        .split_once(' ')
        .map_or("", |(_, target)| target);
    if seen.target != target {
        problems.push(format!("the target has become {}", seen.target));
    }
    if let Some(who) = seen.who.as_ref().filter(|who| **who != case.inner) {
        problems.push(format!("the inner service sees {who}"));
    }
    let nobody = matches!(case.inner.as_str(), "nobody" | "unseen");
    // What names the caller names that one, and nobody else.
    if !config.named_in.is_empty() {
        let named = seen.headers.one(&config.named_in);
        let unnamed = nobody || case.sees_no.contains(&config.named_in);
        if named.is_none() != unnamed
            || named.as_ref().is_some_and(|named| {
                *named != case.inner
                    && !case
                        .sees
                        .iter()
                        .any(|line| line.starts_with(&config.named_in))
            })
        {
            problems.push(format!("{} is {named:?}", config.named_in));
        }
    }
    for (name, value) in &seen.headers.0 {
        let folded = name.replace('_', "-");
        if value.contains("mallory") || FORGED.contains(&(name, value)) {
            problems.push(format!("{name} has come through: {value}"));
        }
        if FORGED
            .iter()
            .any(|(forged, _)| folded == forged.replace('_', "-"))
            && (nobody || folded != *name)
        {
            problems.push(format!("{name} has come through: {value}"));
        }
    }
    // Another gate's are left alone.
    let own = if config.is_over_https() {
        "__Host-gate-"
    } else {
        "gate-"
    };
    let of_the_gate = |line: &&str| line.contains(own);
    problems.extend(
        seen.headers
            .all("cookie")
            .find(of_the_gate)
            .map(|line| format!("a cookie of the gate's: {line}")),
    );
    problems.extend(
        case.sees
            .iter()
            .filter_map(|line| seen.headers.meets(line).err()),
    );
    for name in &case.sees_no {
        problems.extend(
            seen.headers
                .one(name)
                .map(|value| format!("{name} is {value:?} at the inner service")),
        );
    }
    problems
}

/// What no client may say. Comes with every request a second time, and changes nothing.
pub(crate) const FORGED: &[(&str, &str)] = &[
    ("x-forwarded-user", "mallory"),
    ("x_forwarded_user", "mallory"),
    ("x-forwarded_email", "mallory@example.com"),
    ("x-forwarded-groups", "mallory,admins"),
    ("x-forwarded-preferred-username", "mallory"),
    ("x-forwarded-access-token", "mallory"),
    ("x-auth-request-user", "mallory"),
    ("x_auth_request_email", "mallory@example.com"),
    ("x-auth-request-redirect", "https://mallory.example/"),
    ("gap-auth", "mallory"),
    ("remote-user", "mallory"),
    ("x-forwarded-uri", "/open/mallory"),
    ("x-original-url", "/open/mallory"),
    ("x-rewrite-url", "/open/mallory"),
    ("x-http-method-override", "GET"),
];

fn cookies(case: &Case, config: &Configuration, answer: &Answer) -> Vec<String> {
    let (mut sets, mut clears) = (Vec::new(), Vec::new());
    let mut problems = Vec::new();
    let over_https = ["HttpOnly", "Path=/", "SameSite=", "Secure"];
    let kept = match config.is_over_https() {
        true => &over_https[..],
        false => &over_https[..3],
    };
    for line in answer.headers.all("set-cookie") {
        let name = line.split('=').next().unwrap_or_default();
        let kind = match name {
            name if name.contains("-login-") => "login",
            name if name.ends_with("-landed") => "landed",
            name if name.contains("gate-") => "session",
            other => other,
        };
        for attribute in kept.iter().filter(|attribute| !line.contains(**attribute)) {
            problems.push(format!("{attribute} is missing: {line}"));
        }
        if line.contains("SameSite=None") || line.contains("Domain=") {
            problems.push(format!("a cookie for other sites: {line}"));
        }
        match line.contains("Max-Age=0") {
            true => clears.push(kind.to_owned()),
            false => sets.push(kind.to_owned()),
        }
    }
    for (what, is, expected) in [
        ("sets", sets, &case.sets),
        ("removes", clears, &case.clears),
    ] {
        if is != *expected {
            problems.push(format!("the answer {what} {is:?}, expected {expected:?}"));
        }
    }
    problems
}

fn body(says: &str, answer: &Answer) -> Result<(), String> {
    let kind = answer.headers.one("content-type").unwrap_or_default();
    let (what, text) = says.split_once(' ').unwrap_or((says, ""));
    let is = match what {
        "" => true,
        "page" => {
            kind.starts_with("text/html")
                && answer.body.contains("<title>")
                && answer.body.contains(text.trim_start_matches("with "))
        }
        "json" => kind == "application/json" && json(text, &answer.body),
        "text" => kind.starts_with("text/plain") && answer.body.starts_with(text),
        "grpc" => kind == "application/grpc" && answer.body.is_empty(),
        "empty" => answer.body.is_empty(),
        other => return Err(format!("{other:?} is no kind of body")),
    };
    match is {
        true => Ok(()),
        false => Err(format!(
            "expected {says:?}, got {kind} {:?}",
            answer.body.split("</style>").last()
        )),
    }
}

/// Whether the members of `expected` are those of `body`, but for the reference that a refusal has.
fn json(expected: &str, body: &str) -> bool {
    let Ok(mut is) = serde_json::from_str::<serde_json::Value>(body) else {
        return false;
    };
    if let Some(members) = is.as_object_mut() {
        members.remove("reference");
    }
    expected.is_empty() || serde_json::from_str::<serde_json::Value>(expected).unwrap() == is
}

/// The rows of a file.
pub(crate) fn rows<Row: DeserializeOwned>(data: &Path, file: &str, rows: &str) -> Vec<Row> {
    let path = data.join(format!("{file}.toml"));
    let text = fs::read_to_string(&path).unwrap();
    let table: BTreeMap<String, Vec<Row>> =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    table.into_iter().find(|(name, _)| name == rows).unwrap().1
}

/// All cases, each with its area.
pub(crate) fn cases(data: &Path) -> Vec<(&'static str, Case)> {
    let of = |area| {
        rows::<Case>(data, area, "case")
            .into_iter()
            .map(move |case| (area, case))
    };
    AREAS.into_iter().flat_map(of).collect()
}
