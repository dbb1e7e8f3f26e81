use http::{HeaderMap, HeaderValue, header::COOKIE};
use oidc_gate_core::{
    identity::Identity,
    login::Transaction,
    secret::State,
    session::{CookieKeys, CookieNames, Landings, Lifetimes, Other, Session, StoreKey},
    time::UnixTime,
    url::BaseUrl,
};
use std::sync::LazyLock;

static NAMES: LazyLock<CookieNames> = LazyLock::new(|| {
    CookieNames::derive(
        "app",
        &BaseUrl::parse("https://app.example").expect("a base URL"),
    )
});

static KEYS: LazyLock<CookieKeys> = LazyLock::new(|| {
    CookieKeys::parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("a key")
});

/// A session that opens.
static SEALED: LazyLock<String> = LazyLock::new(|| {
    let identity = Identity::builder("https://id.example", "alice").build();
    let id = StoreKey::from_bytes([9; 32]);
    let session = Session::begin(
        id,
        identity,
        None,
        &Lifetimes::default(),
        UnixTime::from_secs(1_700_000_000),
    );
    session.seal(&KEYS, &NAMES).expect("a sealed session")
});

/// `Cookie` headers, one per line. `{S}` stands for the name of the session cookie, `{L}` for that of a login, `{V}` for
/// a session that opens, `{A}` and `{B}` for its halves. Nobody but alice ever comes out; behind the gate nothing is left
/// of its cookies, and all of the others.
pub fn cookies(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in filled_in(data).split(|byte| *byte == b'\n') {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, line);
        }
    }

    let names = &*NAMES;
    let sealed: Vec<_> = names.sessions(&headers).collect();
    assert!(sealed.len() <= 16, "{} values are tried", sealed.len());
    for sealed in &sealed {
        let session = Session::open(&KEYS, names, sealed);
        assert_eq!(session.is_some(), **sealed == *SEALED.as_bytes());
        assert!(session.is_none_or(|(session, _)| session.identity().subject() == "alice"));
    }
    for other in names.others(&headers) {
        match other {
            Other::Login { name, .. } => {
                assert!(names.is_ours(name));
                for value in names.find(&headers, name) {
                    assert!(Transaction::open(&KEYS, name, value).is_none());
                }
            }
            Other::Landed(value) => {
                let landings = Landings::open([value], &KEYS, names, UnixTime::from_secs(0));
                assert!(landings == Landings::default());
            }
        }
    }
    for cookie in names.clear_session(&headers) {
        assert!(cookie.is_removal() && names.is_ours(cookie.name()));
    }

    let before = pairs(&headers);
    let carried = names.read(&headers).carried();
    names.strip(&mut headers, carried);
    let others = before.into_iter().filter(|(name, _)| !is_ours(name));
    assert_eq!(pairs(&headers), others.collect::<Vec<_>>());
    assert_eq!(
        names.sessions(&headers).count() + names.others(&headers).count(),
        0
    );
}

fn filled_in(data: &[u8]) -> Vec<u8> {
    let (first, second) = SEALED.split_at(SEALED.len() / 2);
    let login = NAMES.transaction(&State::new("s"));
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&byte, tail)) = rest.split_first() {
        // At most so much text, however often it is asked for.
        let known = match rest.get(..3) {
            _ if out.len() > 64 * 1024 => None,
            Some(b"{S}") => Some(NAMES.session()),
            Some(b"{L}") => Some(&*login),
            Some(b"{G}") => Some(NAMES.landed()),
            Some(b"{V}") => Some(&**SEALED),
            Some(b"{A}") => Some(first),
            Some(b"{B}") => Some(second),
            _ => None,
        };
        match known {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                rest = &rest[3..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

fn is_ours(name: &[u8]) -> bool {
    let session = NAMES.session().as_bytes();
    name == session || name.starts_with(&[session, b"-"].concat())
}

/// The pairs, read in the plainest way.
fn pairs(headers: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii);
    pairs
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((
                pair[..at].trim_ascii_end().to_vec(),
                pair[at + 1..].to_vec(),
            ))
        })
        .collect()
}
