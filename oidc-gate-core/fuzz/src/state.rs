use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{login::Lead, secret::State, session::CookieKeys, time::UnixTime};
use std::sync::LazyLock;

/// What the state below was sealed with.
static KEYS: LazyLock<CookieKeys> = LazyLock::new(|| {
    CookieKeys::parse("dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=").expect("a key")
});

/// The state of a login that led to `/me`. It is a seed too.
const OURS: &str = "sZ0gLAQtP14zWt208rx_aGDqK2dpwmn721jUntuKcIc.AYID_TZsid_3ozFje33hnWJs_jHW43n6n44DlmDqXZ7TW11UI6uw6MEO\
                    CiwnzOTYgBHMz4RKhQzXIneWHC-Fwm4OIcmVO-FofPX_k6LVaSiD";

/// A state: the one that was sealed here leads where its login did, in no other spelling, and every other one nowhere.
pub fn state(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Lead::open(&KEYS, &State::new(text)) {
        Some(lead) => {
            assert_eq!(text, OURS);
            assert_eq!(lead.created(), UnixTime::from_secs(1_700_000_060));
            let place = lead.return_to().map(|place| place.as_str());
            assert_eq!((place, lead.otherwise().is_none()), (Some("/me"), true));
        }
        None => assert_ne!(text, OURS),
    }
    // Whatever else is sealed in the place of that.
    let made_up = format!("made-up.{}", URL_SAFE_NO_PAD.encode(data));
    assert!(Lead::open(&KEYS, &State::new(made_up)).is_none());
}
