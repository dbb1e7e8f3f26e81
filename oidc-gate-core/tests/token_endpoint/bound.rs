//! Tokens that are bound to the certificate of a connection ([RFC 8705 § 3](https://www.rfc-editor.org/rfc/rfc8705#section-3)):
//! what the tables have no connection for.

use crate::{Counting, NOW, at, issuer};
use http::Request;
use oidc_gate_core::{
    check::Check,
    client_auth::{
        Authenticator, HashedSecret, Inserted, MethodName, Proven, Refusal, RegisteredMethod,
        Registration, SecretPlace, Secrets, TokenBinding, Verifying,
        certificate::ClientCertificate,
    },
    form::encode,
    grant::{
        GrantRequest, GrantType, Granted, IssuedRefreshToken, RefreshPolicy, RefreshState,
        Refreshing, Replaced, Rotated, ScopeSet, Standing, ValidToken,
    },
    secret::ClientSecret,
};

fn certificate(text: &str) -> ClientCertificate {
    ClientCertificate::from_pem(text.as_bytes()).unwrap()
}

fn mine() -> ClientCertificate {
    certificate(include_str!("../../testdata/certificates/self-signed.pem"))
}

fn other() -> ClientCertificate {
    certificate(include_str!("../../testdata/certificates/client.pem"))
}

/// A client with a secret, over a connection that shows a certificate or none.
fn proven(
    tokens: TokenBinding,
    shown: Option<&ClientCertificate>,
    fields: &[(&str, &str)],
) -> Proven {
    let server = Authenticator::new(issuer(), [MethodName::SecretPost]);
    let hashed = HashedSecret::new(&ClientSecret::new("hush"), &mut Counting(0)).unwrap();
    let method = RegisteredMethod::Secret(SecretPlace::Post, Secrets::one(hashed));
    let client = Registration::new("app", method)
        .grants(GrantType::ALL.iter().copied())
        .scopes(ScopeSet::parse("read").unwrap())
        .tokens(tokens);
    let client = server.register(client).unwrap();
    let own = [("client_id", "app"), ("client_secret", "hush")];
    let body: Vec<_> = own
        .iter()
        .chain(fields)
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"))
        .unwrap();
    let presented = server.read(&request).unwrap();
    match server.verify(presented, Some(&client), shown, at(NOW)) {
        Ok(Verifying::Proven(proven)) => proven,
        other => panic!("{other:?}"),
    }
}

fn own_name(tokens: TokenBinding, shown: Option<&ClientCertificate>) -> Result<Granted, Refusal> {
    let proven = proven(tokens, shown, &[("grant_type", "client_credentials")]);
    match GrantRequest::read(proven, GrantType::ALL)? {
        GrantRequest::ClientCredentials(asked) => {
            asked.check()?.resolve_with(|_, _| Inserted::First)
        }
        other => panic!("{other:?}"),
    }
}

fn check<T>(result: Result<T, Refusal>) -> Result<T, Check> {
    result.map_err(|refusal| refusal.check())
}

#[test]
fn a_token_says_which_certificate_it_is_bound_to_and_is_not_issued_without_one() {
    let granted = own_name(TokenBinding::Certificate, Some(&mine())).unwrap();
    assert_eq!(granted.confirmation(), Some(&*mine().x5t_s256()));
    let refused = check(own_name(TokenBinding::Certificate, None).map(drop));
    assert_eq!(refused, Err(Check::GrantCertificateMissing));
    let granted = own_name(TokenBinding::Bearer, Some(&mine())).unwrap();
    assert_eq!(granted.confirmation(), None);
    assert_eq!(granted.client().certificate(), Some(&*mine().x5t_s256()));
}

#[test]
fn a_bound_refresh_token_is_used_with_its_certificate_and_stays_bound() {
    let issued = IssuedRefreshToken {
        client_id: "app".into(),
        scopes: ScopeSet::parse("read").unwrap(),
        resources: Vec::new(),
        idle_until: at(NOW + 60),
        expires: at(NOW + 60),
        state: RefreshState::Current,
        standing: Standing::Alive,
        certificate: Some(mine().x5t_s256()),
    };
    let refresh = |shown: Option<&ClientCertificate>| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let proven = proven(TokenBinding::Bearer, shown, &fields);
        let Ok(GrantRequest::RefreshToken(asked)) = GrantRequest::read(proven, GrantType::ALL)
        else {
            panic!("it is a refresh")
        };
        let refreshing = asked.check(Some(&issued), RefreshPolicy::default(), at(NOW));
        refreshing.map_err(|declined| declined.refusal.check())
    };
    let Ok(Refreshing::Rotate(rotate)) = refresh(Some(&mine())) else {
        panic!("it is the right one")
    };
    assert!(matches!(rotate.resolve(Replaced::Now), Ok(Rotated::New(_))));
    for shown in [None, Some(&other())] {
        assert_eq!(refresh(shown).map(drop), Err(Check::RefreshSender));
    }
}

#[test]
fn what_is_bound_is_exchanged_with_its_certificate_for_what_is_bound() {
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let subject = ValidToken {
        subject: "alice".into(),
        parties: vec!["app".into()],
        scopes: ScopeSet::parse("read").unwrap(),
        expires: at(NOW + 60),
        may_act: Vec::new(),
        actors: 0,
        certificate: Some(mine().x5t_s256()),
    };
    let exchange = |tokens, shown: &ClientCertificate| {
        let fields = [
            ("grant_type", GrantType::TokenExchange.as_str()),
            ("subject_token", "x"),
            ("subject_token_type", ACCESS),
        ];
        let proven = proven(tokens, Some(shown), &fields);
        let Ok(GrantRequest::TokenExchange(asked)) = GrantRequest::read(proven, GrantType::ALL)
        else {
            panic!("it is an exchange")
        };
        let owed = asked.check(Some(&subject), None, at(NOW));
        check(owed.and_then(|owed| owed.resolve_with(|_, _| Inserted::First)))
    };
    let granted = exchange(TokenBinding::Certificate, &mine()).unwrap();
    assert_eq!(granted.confirmation(), Some(&*mine().x5t_s256()));
    let refused = exchange(TokenBinding::Certificate, &other()).map(drop);
    assert_eq!(refused, Err(Check::GrantTokenInvalid));
    let refused = exchange(TokenBinding::Bearer, &mine()).map(drop);
    assert_eq!(refused, Err(Check::GrantTokenInvalid));
}
