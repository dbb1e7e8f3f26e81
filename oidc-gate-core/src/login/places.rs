//! Which places a login may lead to.

use super::ReturnTo;
use crate::url::{BaseUrl, Origin};

/// The places a login may lead to: those of the application, and those at origins that it names.
///
/// ```
/// use oidc_gate_core::{login::Places, url::{BaseUrl, Origin}};
/// let base = BaseUrl::parse("https://app.example.com")?;
/// let places = Places::new(base, "/oauth2").allow(Origin::parse("https://wiki.example.com")?);
/// let read = |text| places.read(text).map(|place| place.as_str().to_owned());
/// assert_eq!(read("/me#tab").as_deref(), Some("/me#tab"));
/// assert_eq!(read("https://app.example.com/me").as_deref(), Some("/me"));
/// assert_eq!(read("https://wiki.example.com/Start").as_deref(), Some("https://wiki.example.com/Start"));
/// assert_eq!(read("https://evil.example/"), None);
/// # Ok::<_, oidc_gate_core::url::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Places {
    base: BaseUrl,
    /// Base path and prefix: below it is the gate's own.
    own: Box<str>,
    others: Vec<Origin>,
}

impl Places {
    /// Those of the application at `base`, whose gate has its endpoints under `prefix` there.
    pub fn new(base: BaseUrl, prefix: &str) -> Self {
        Self {
            own: format!("{}{prefix}", base.path()).into(),
            base,
            others: vec![],
        }
    }

    /// And every place at this origin. Where it is the application's own, what lies beside the base URL's path is allowed
    /// too.
    #[must_use]
    pub fn allow(mut self, origin: Origin) -> Self {
        self.others.push(origin);
        self
    }

    /// The application's first page.
    pub fn home(&self) -> ReturnTo {
        ReturnTo::parse(&format!("{}/", self.base.path())).unwrap_or_else(ReturnTo::root)
    }

    /// The place that `text` names, if it is one of these.
    ///
    /// 1. A path is read as a browser resolves it, and refused if it could be read in another way: see [`ReturnTo`].
    /// 2. An absolute URL begins with `https://` or `http://` and a host in plain ASCII, without a user name. At the
    ///    application's own origin it becomes the path; elsewhere its origin has to be exactly one that is allowed
    ///    ([RFC 9700 § 4.11.1](https://www.rfc-editor.org/rfc/rfc9700#section-4.11.1)). There are no wildcards.
    /// 3. In the application it lies under the path of the base URL, and not under the gate's prefix: after a login
    ///    nobody is led to a sign-out or another callback.
    pub fn read(&self, text: &str) -> Option<ReturnTo> {
        let Some((origin, rest)) = Origin::split(text) else {
            return ReturnTo::parse(text).filter(|place| self.is_ours(place));
        };
        let place = ReturnTo::parse(&rest)?;
        if origin.as_str() == self.base.origin() {
            return Some(place).filter(|place| self.is_ours(place));
        }
        self.others
            .contains(&origin)
            .then(|| place.at(&origin))
            .flatten()
    }

    /// Whether a place on this origin is the application's, and not the gate's.
    fn is_ours(&self, place: &ReturnTo) -> bool {
        let whole_origin = || self.others.iter().any(|o| o.as_str() == self.base.origin());
        (is_below(place.path(), self.base.path()) || whole_origin())
            && !is_below(place.path(), &self.own)
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::url::{Position, Url};
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::sync::LazyLock;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cases {
        base: String,
        base_below_a_path: String,
        prefix: String,
        allowed: Vec<String>,
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        text: String,
        /// Letters to append.
        #[serde(default)]
        longer: usize,
        /// What comes of it; refused if absent.
        to: Option<String>,
        #[serde(default)]
        below_a_path: bool,
        #[expect(dead_code, reason = "for who reads the table")]
        why: Option<String>,
    }

    static CASES: LazyLock<Cases> =
        LazyLock::new(|| toml::from_str(include_str!("../../testdata/return_to.toml")).unwrap());
    static AT_ROOT: LazyLock<Places> = LazyLock::new(|| places(&CASES.base));
    static BELOW: LazyLock<Places> = LazyLock::new(|| places(&CASES.base_below_a_path));

    fn places(base: &str) -> Places {
        let places = Places::new(BaseUrl::parse(base).unwrap(), &CASES.prefix);
        let allowed = CASES.allowed.iter();
        allowed.fold(places, |places, origin| {
            places.allow(Origin::parse(origin).unwrap())
        })
    }

    /// Whatever is accepted, a browser keeps at the application or an allowed origin, where it reads the same as we do.
    fn assert_safe(places: &Places, text: &str) {
        let Some(place) = places.read(text) else {
            return;
        };
        let from = Url::parse(&places.base.join("/oauth2/callback?code=x")).unwrap();
        let meant = from.join(text).unwrap();
        let there = from.join(place.as_str()).unwrap();
        assert_eq!(there, meant, "{text:?}");
        if place.as_str().starts_with('/') {
            assert_eq!(there.origin(), from.origin(), "{text:?}");
            assert_eq!(&there[Position::BeforePath..], place.as_str(), "{text:?}");
        } else {
            let origin = there.origin().ascii_serialization();
            assert!(
                places.others.iter().any(|o| o.as_str() == origin),
                "{text:?}"
            );
            assert_eq!(there.as_str(), place.as_str(), "{text:?}");
        }
        assert_eq!((there.username(), there.password()), ("", None), "{text:?}");
        assert_eq!(places.read(place.as_str()), Some(place), "{text:?}");
    }

    #[test]
    fn each_text_is_read_as_the_table_says() {
        for case in &CASES.case {
            let places = if case.below_a_path {
                &*BELOW
            } else {
                &*AT_ROOT
            };
            let text = format!("{}{}", case.text, "a".repeat(case.longer));
            let read = places.read(&text);
            let read = read.as_ref().map(ReturnTo::as_str);
            assert_eq!(read, case.to.as_deref(), "{}: {:?}", case.name, case.text);
            assert_safe(places, &text);
        }
    }

    #[test]
    fn the_first_page_is_that_of_the_application() {
        assert_eq!(AT_ROOT.home().as_str(), "/");
        assert_eq!(BELOW.home().as_str(), "/tools/");
        assert_eq!(BELOW.read("/tools/"), Some(BELOW.home()));
    }

    #[test]
    fn the_whole_origin_can_be_allowed_to_an_application_below_a_path() {
        let base = BaseUrl::parse("https://app.example.com/tools").unwrap();
        let places = Places::new(base, "/oauth2");
        assert_eq!(places.read("/wiki"), None);
        let places = places.allow(Origin::parse("https://app.example.com").unwrap());
        assert_eq!(places.read("/wiki"), ReturnTo::parse("/wiki"));
        assert_eq!(places.read("/tools/oauth2/callback"), None);
    }

    const PIECES: &[&str] = &[
        "/",
        "/",
        "//",
        "\\",
        ".",
        "..",
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "%25",
        "%09",
        "%00",
        "%c0%af",
        "%",
        "@",
        ":",
        ":443",
        "?",
        "#",
        "&",
        ";",
        "'",
        "\"",
        "<",
        "{",
        "^",
        "|",
        "[",
        "]",
        "`",
        "\t",
        "\n",
        " ",
        "\u{0}",
        "\u{ff0f}",
        "\u{ff0e}",
        "\u{3000}",
        "ü",
        "\u{1f600}",
        "a",
        "e",
        "x=1",
        "https:",
        "https://",
        "HTTPS://",
        "http://",
        "javascript:",
        "app.example.com",
        "other.example.com",
        "evil.example",
        "oauth2",
        "tools",
        "xn--",
        "127.1",
        "[::1]",
        "8443",
    ];

    fn made_up() -> impl Strategy<Value = String> {
        let begin = prop::sample::select(vec![
            "",
            "/",
            "/tools/",
            "https://app.example.com",
            "https://other.example.com",
        ]);
        let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..8);
        (begin, pieces).prop_map(|(begin, pieces)| format!("{begin}{}", pieces.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_accepted_a_browser_reads_alike(text in made_up()) {
            assert_safe(&AT_ROOT, &text);
            assert_safe(&BELOW, &text);
        }

        #[test]
        fn any_text_at_all_is_safe(text in "[ -~\\t\\n]{0,24}|\\PC{0,16}") {
            assert_safe(&AT_ROOT, &text);
            assert_safe(&AT_ROOT, &format!("/{text}"));
        }
    }
}
