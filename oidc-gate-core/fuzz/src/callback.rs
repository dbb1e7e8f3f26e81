use oidc_gate_core::login::Callback;

/// The query of a callback. What is taken, the `url` crate reads alike, and its state is the only one.
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
    let _ = format!("{callback:?}");
}
