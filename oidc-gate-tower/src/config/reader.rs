//! From sources to settings.

use super::{
    bearers,
    nearest::nearest,
    oauth2_proxy,
    report::Report,
    rules,
    server::ServerSettings,
    settings::{Setting, Settings, secret_file},
    sources::Sources,
    value::{Family, Place, Said, Value},
};

/// What has been read so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) server: ServerSettings,
    pub(super) report: Report,
    pub(super) problems: Vec<String>,
}

impl Reader {
    pub(super) fn read(sources: &Sources) -> Self {
        let mut reader = Self::default();
        let mut unread = sources.problems().to_vec();
        let ours = sources.said(Family::Own, &mut unread);
        let theirs = sources.said(Family::OAuth2Proxy, &mut unread);
        reader.settings.unread = !unread.is_empty();
        reader.problems = unread;
        for said in ours {
            reader.own(said);
        }
        reader.settings.asked_by = Some(match theirs.is_empty() {
            true => Family::Own,
            false => Family::OAuth2Proxy,
        });
        if !theirs.is_empty() {
            oauth2_proxy::read(theirs, &mut reader);
        } else {
            reader.what_is_silent();
        }
        reader
    }

    /// What holds where none of our own names says otherwise, and whoever sets up a login should know.
    fn what_is_silent(&mut self) {
        let mut assumed = |text: &str| self.report.assumed.push(text.to_owned());
        if self.settings.client_id.is_some() && !self.settings.is_restricted() {
            assumed(
                "allowed_groups: none, so every user is let in who signs in at the provider, where no rule demands more; \
                 name groups or allowed_email_domains to let in fewer",
            );
        }
        if self.server.address.is_some() && self.server.upstreams.is_none() {
            assumed(
                "upstreams: none, so that a proxy has nothing behind it and answers every page with 404",
            );
        }
    }

    /// One of our own names.
    fn own(&mut self, said: Said<(String, Value)>) {
        let Said {
            value: (key, value),
            place,
        } = said;
        if key == "rule" && place.line.is_some() {
            return rules::read(value, &place, self);
        }
        if key == "bearer" && place.line.is_some() {
            return bearers::read(value, &place, self);
        }
        if !self.take(&key, Said::new(value, place.clone())) {
            let near = nearest(&key, names()).map(|near| match place.line {
                Some(_) => near.to_owned(),
                None => super::value::variable_of(near),
            });
            self.problems.push(match near {
                Some(near) => format!("{place}: is unknown; did you mean {near}?"),
                None => format!(
                    "{place}: is unknown; nothing is called like it: `config::reference` has the names of all settings"
                ),
            });
        }
    }

    /// Takes over a setting of ours, whoever said it. False if there is no such setting.
    pub(super) fn take(&mut self, key: &str, said: Said<Value>) -> bool {
        let mut log = Log {
            report: &mut self.report,
            problems: &mut self.problems,
            failed: None,
        };
        let is_ours = take(
            Settings::ALL,
            &mut self.settings,
            key,
            said.clone(),
            &mut log,
        ) || take(ServerSettings::ALL, &mut self.server, key, said, &mut log);
        self.settings.failed.extend(log.failed);
        is_ours
    }
}

struct Log<'a> {
    report: &'a mut Report,
    problems: &'a mut Vec<String>,
    failed: Option<&'static str>,
}

fn take<S>(
    table: &[Setting<S>],
    settings: &mut S,
    key: &str,
    said: Said<Value>,
    log: &mut Log<'_>,
) -> bool {
    let plain = table.iter().find(|setting| setting.key == key);
    let filed = || {
        let key = key.strip_suffix("_file")?;
        table
            .iter()
            .find(|setting| setting.key == key && setting.secret)
    };
    let (setting, is_file) = match (plain, filed()) {
        (Some(setting), _) => (setting, false),
        (None, Some(setting)) => (setting, true),
        (None, None) => return false,
    };
    let place = said.place.clone();
    let earlier = (setting.place)(settings).cloned();
    if let Some(earlier) = &earlier
        && let Some(problem) = contradiction(earlier, &place)
    {
        log.problems.push(problem);
        log.failed = Some(setting.key);
        return true;
    }
    let shown = match setting.secret {
        true => String::new(),
        false => format!(" = {}", said.value.shown()),
    };
    let said = match is_file {
        true => said.read(|path| secret_file(&super::parse::text(path)?)),
        false => Ok(said),
    };
    match said.and_then(|said| (setting.read)(settings, said)) {
        Ok(()) => {
            let over = earlier
                .map(|earlier| format!(", over {earlier}"))
                .unwrap_or_default();
            log.report
                .understood
                .push(format!("{}{shown} from {place}{over}", setting.key));
        }
        Err(problem) => {
            log.problems.push(problem);
            log.failed = Some(setting.key);
        }
    }
    true
}

/// Two places that say one setting, unless the environment says it over a file.
fn contradiction(earlier: &Place, later: &Place) -> Option<String> {
    let layered = earlier.line.is_some() && later.line.is_none();
    if earlier.family != later.family {
        return Some(format!(
            "{later}: {earlier} says it too, in other names; keep one of the two"
        ));
    }
    (!layered).then(|| format!("{later}: {earlier} says it too; keep one of the two"))
}

/// Everything that may stand in a file.
fn names() -> impl Iterator<Item = &'static str> {
    let own = Settings::ALL.iter().map(|setting| setting.key);
    own.chain(ServerSettings::ALL.iter().map(|setting| setting.key))
        .chain(["rule", "bearer"])
}
