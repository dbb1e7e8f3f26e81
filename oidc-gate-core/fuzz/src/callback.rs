use oidc_gate_core::{
    login::{Callback, Lead},
    session::CookieKeys,
};
use std::sync::LazyLock;

static KEYS: LazyLock<CookieKeys> = LazyLock::new(|| {
    CookieKeys::parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("a key")
});

/// The query of a callback. What is taken, the `url` crate reads alike, and its state is the only one. It says
/// where a login leads for who has sealed it alone.
pub fn callback(data: &[u8]) {
    let Ok(callback) = Callback::parse(data) else {
        return;
    };
    let states: Vec<_> = url::form_urlencoded::parse(data)
        .filter(|(name, _)| name == "state")
        .collect();
    assert_eq!(states.len(), 1, "one state");
    assert_eq!(states[0].1, callback.state().expose());
    assert_ne!(callback.state().expose(), "");
    assert!(Lead::open(&KEYS, callback.state()).is_none());
    let _ = format!("{callback:?}");
}
