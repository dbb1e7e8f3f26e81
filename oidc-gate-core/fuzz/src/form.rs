use oidc_gate_core::form::{Form, push_pair};
use std::collections::BTreeMap;

/// A form. What is taken, the `url` crate reads alike, and it comes back when it is written again.
pub fn form(data: &[u8]) {
    let Ok(form) = Form::parse(data) else {
        return;
    };
    let other: Vec<_> = url::form_urlencoded::parse(data).into_owned().collect();
    let count = other.len();
    let other: BTreeMap<String, String> = other.into_iter().collect();
    let ours: BTreeMap<String, String> = form
        .names()
        .map(|name| (name.into(), form.get(name).unwrap_or_default().into()))
        .collect();
    assert_eq!(ours, other);
    assert_eq!(count, ours.len(), "a name occurs twice");

    let mut written = String::new();
    for (name, value) in &ours {
        push_pair(&mut written, name, value);
    }
    // Escapes take more room, so what was just short enough may not be any more.
    if written.len() <= Form::MAX_BYTES {
        assert!(Form::parse(written.as_bytes()).is_ok_and(|again| {
            ours.iter()
                .all(|(name, value)| again.get(name) == Some(value))
                && again.names().count() == ours.len()
        }));
    }
}
