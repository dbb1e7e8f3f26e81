//! The token endpoint, from both sides: what it costs to build a request, to verify who sent it, and to redeem a code.

use crate::measure::Operation;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use oidc_gate_axum::core::{
    backchannel::Question as _,
    client_auth::{
        AssertionKey, Authenticator, ClientKeys, Expires, HashedSecret, Inserted, JwtSecrets,
        Method, MethodName, Proven, Proving, RegisteredClient, RegisteredMethod, Registration,
        SecretPlace, Secrets, Verifying,
        certificate::{ClientCertificate, RegisteredCertificates, TlsSubject, TrustAnchors},
    },
    flow::{Entropy, EntropyUnavailable, Env},
    grant::{GrantRequest, GrantType, IssuedCode, ScopeSet, Spent, Standing},
    jose::{Alg, JwkSet, SigningKey},
    secret::{AccessToken, AuthorizationCode, ClientSecret, CodeVerifier},
    time::UnixTime,
    token::TokenRequest,
    url::{EndpointUrl, Issuer},
};
use std::{hint::black_box, sync::Arc};

/// 2030-01-01, within the time of the certificates.
const NOW: UnixTime = UnixTime::from_secs(1_893_456_000);
const ROOT: &[u8] = include_bytes!("../../oidc-gate-core/testdata/certificates/root.pem");
const ISSUED: &[u8] = include_bytes!("../../oidc-gate-core/testdata/certificates/client.pem");
const SELF_SIGNED: &[u8] =
    include_bytes!("../../oidc-gate-core/testdata/certificates/self-signed.pem");
// RFC 7636 Appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// One way to authenticate, at both ends.
struct Pair {
    name: String,
    method: Method,
    registered: RegisteredMethod,
    /// What the connection shows.
    shown: Option<ClientCertificate>,
}

/// Every row of the table: its name, and what is done once.
///
/// Each is tried once: a request that is refused panics.
pub fn rows() -> Vec<(String, Operation)> {
    let mut rows = Vec::new();
    let server = Authenticator::new(issuer(), MethodName::ALL.iter().copied());
    let server = Arc::new(server.anchors(TrustAnchors::from_pem(ROOT).expect("an authority")));
    for pair in pairs() {
        let registration = Registration::new("app", pair.registered.clone());
        let client = server
            .register(registration)
            .expect("a fitting registration");
        let (method, name) = (pair.method.clone(), &pair.name);
        rows.push((
            format!("build a request, {name}"),
            Operation::new(move || drop(black_box(request(&method)))),
        ));
        let (sent, at, shown) = (request(&pair.method), server.clone(), pair.shown.clone());
        drop(verify(&at, &sent, &client, shown.as_ref()));
        rows.push((
            format!("read and verify it, {name}"),
            Operation::new(move || drop(black_box(verify(&at, &sent, &client, shown.as_ref())))),
        ));
        if name == "client_secret_basic" {
            rows.push(redeem(&server, &pair));
        }
    }
    rows
}

fn redeem(server: &Arc<Authenticator>, pair: &Pair) -> (String, Operation) {
    let registration = Registration::new("app", pair.registered.clone());
    let client = server
        .register(registration)
        .expect("a fitting registration");
    let (server, sent) = (server.clone(), request(&pair.method));
    let issued = IssuedCode {
        client_id: "app".into(),
        redirect_uri: Some("https://app.example/cb".into()),
        challenge: Some(CHALLENGE.into()),
        scopes: ScopeSet::parse("openid profile").expect("a scope"),
        resources: Vec::new(),
        expires: UnixTime::from_secs(u64::MAX),
        used: false,
        failures: 0,
        standing: Standing::Alive,
    };
    let token = AccessToken::new("x".repeat(43));
    let once = move || {
        let proven = verify(&server, &sent, &client, None);
        let Ok(GrantRequest::AuthorizationCode(asked)) = GrantRequest::read(proven, GrantType::ALL)
        else {
            panic!("the request is for a code")
        };
        black_box(asked.handle());
        let spend = asked.check(Some(&issued), NOW).expect("the code is alive");
        let owed = spend.resolve(Spent::Now).expect("and is used now");
        let granted = owed
            .resolve_with(|_, _| Inserted::First)
            .expect("there is no assertion");
        black_box(granted.answer(&token).respond());
    };
    (
        "redeem a code, from the request to the answer, client_secret_basic and PKCE".into(),
        Operation::new(once),
    )
}

fn pairs() -> Vec<Pair> {
    let secret = || ClientSecret::new("b".repeat(43));
    let hashed = HashedSecret::new(&secret(), &mut Counting(0)).expect("there is entropy");
    let by_secret = |place| RegisteredMethod::Secret(place, Secrets::one(hashed.clone()));
    let mut pairs = vec![
        Pair {
            name: "none".into(),
            method: Method::None,
            registered: RegisteredMethod::None,
            shown: None,
        },
        Pair {
            name: "client_secret_basic".into(),
            method: Method::SecretBasic(secret()),
            registered: by_secret(SecretPlace::Basic),
            shown: None,
        },
        Pair {
            name: "client_secret_post".into(),
            method: Method::SecretPost(secret()),
            registered: by_secret(SecretPlace::Post),
            shown: None,
        },
        Pair {
            name: "client_secret_jwt HS256".into(),
            method: Method::secret_jwt(Alg::HS256, secret()).expect("a long secret"),
            registered: RegisteredMethod::SecretJwt(JwtSecrets::new(
                [(secret(), Expires::Never)],
                None,
            )),
            shown: None,
        },
    ];
    for alg in [Alg::ES256, Alg::EdDSA, Alg::RS256] {
        let key = SigningKey::generate(alg).expect("a key");
        let set = format!("{{\"keys\":[{}]}}", key.public_jwk());
        let keys = JwkSet::parse(set.as_bytes()).expect("a JWK set");
        pairs.push(Pair {
            name: format!("private_key_jwt {alg}"),
            method: Method::PrivateKeyJwt(AssertionKey::private(key).expect("a private key")),
            registered: RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(keys)), None),
            shown: None,
        });
    }
    let subject = TlsSubject::dn("CN=client,O=Example,C=DE").expect("a name");
    let own = ClientCertificate::from_pem(SELF_SIGNED).expect("a certificate");
    let x5c = STANDARD.encode(own.der());
    let jwks = format!("{{\"keys\":[{{\"kty\":\"EC\",\"x5c\":[\"{x5c}\"]}}]}}");
    let known = RegisteredCertificates::from_jwks(jwks.as_bytes()).expect("a JWK set");
    pairs.push(Pair {
        name: "tls_client_auth, ECDSA, no intermediate".into(),
        method: Method::Tls,
        registered: RegisteredMethod::Tls(subject),
        shown: ClientCertificate::from_pem(ISSUED).ok(),
    });
    pairs.push(Pair {
        name: "self_signed_tls_client_auth".into(),
        method: Method::SelfSignedTls,
        registered: RegisteredMethod::SelfSignedTls(known),
        shown: Some(own),
    });
    pairs
}

fn issuer() -> Issuer {
    Issuer::parse("https://id.example").expect("an issuer")
}

fn request(method: &Method) -> Request<Vec<u8>> {
    let env = &mut Env {
        now: NOW,
        entropy: &mut Counting(0),
    };
    let Ok(Proving::Done(credentials)) = method.prove(&"app".into(), &issuer(), env) else {
        panic!("every key is here")
    };
    let question = TokenRequest::authorization_code(
        &AuthorizationCode::new("SplxlOBeZQQYbYS6WxSbIA"),
        "https://app.example/cb",
        &CodeVerifier::new(VERIFIER),
        &[],
    );
    let endpoint = EndpointUrl::parse("https://id.example/token").expect("an address");
    question.request(&endpoint, credentials).expect("a request")
}

fn verify(
    server: &Authenticator,
    sent: &Request<Vec<u8>>,
    client: &RegisteredClient,
    shown: Option<&ClientCertificate>,
) -> Proven {
    let presented = server.read(sent).expect("a request");
    match server.verify(presented, Some(client), shown, NOW) {
        Ok(Verifying::Proven(proven)) => proven,
        other => panic!("{other:?}"),
    }
}

/// Costs nothing: randomness is not what is measured.
#[derive(Debug)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}
