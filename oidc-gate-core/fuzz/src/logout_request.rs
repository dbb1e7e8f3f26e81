use oidc_gate_core::{
    logout::{LoggedOut, front_channel_logout, logout_token},
    url::Issuer,
};

/// The body of a logout by the back channel, and the query of one through the browser. What is taken, the `url` crate reads
/// alike, and what counts is there once.
pub fn logout_request(data: &[u8]) {
    let once = |name: &str| {
        let mut all = url::form_urlencoded::parse(data).filter(|(other, _)| other == name);
        let value = all.next().map(|(_, value)| value.into_owned());
        assert!(all.next().is_none(), "{name} occurs twice");
        value.filter(|value| !value.is_empty())
    };
    if let Ok(token) = logout_token(data) {
        let other = once("logout_token").expect("a token");
        assert_eq!(token.expose(), other);
        assert!(!format!("{token:?}").contains(&other) || other.len() < 16);
    }
    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let Ok(query) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(of) = front_channel_logout(query, &issuer) {
        assert_eq!(once("iss").as_deref(), Some("https://id.example"));
        assert_eq!(&*of.issuer, "https://id.example");
        let LoggedOut::AtProvider(sid) = &of.who else {
            panic!("a user is logged out through the browser");
        };
        assert_eq!(once("sid").as_deref(), Some(&**sid));
    }
}
