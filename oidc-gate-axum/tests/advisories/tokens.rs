//! Tokens that are forged, meant for others, or made to break whoever reads them.

use crate::world::{API, ISSUER, START, World, api, base64url, claims, claims_of, world, world_of};
use oidc_gate_axum::{
    Alg, Bearer, ClientSecret, Marker, Pattern, SigningKey, dev::Fault, scope, testing,
};
use serde_json::{Map, Value, json};

fn with(edits: Value) -> Map<String, Value> {
    let mut claims = claims();
    for (name, value) in edits.as_object().unwrap() {
        match value {
            Value::String(absent) if absent == "(absent)" => claims.remove(name),
            value => claims.insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn token(w: &World, edits: Value) -> String {
    w.provider.sign(Some("at+jwt"), &with(edits))
}

async fn refused(w: &World, token: &str, what: &str) {
    let answer = w.bearer("/me", token).await;
    assert_eq!(answer.calls, 0, "{what}");
    assert!(
        [400, 401].contains(&answer.status),
        "{what}: {}",
        answer.status
    );
}

async fn accepted(w: &World) {
    let answer = w.bearer("/me", &token(w, json!({}))).await;
    assert_eq!((answer.status, &*answer.body), (200, "/me alice"));
}

/// A token of these two parts and no signature, or this one.
fn raw(header: &Value, claims: &Map<String, Value>, signature: &str) -> String {
    let claims = serde_json::to_vec(claims).unwrap();
    format!(
        "{}.{}.{signature}",
        base64url(header.to_string()),
        base64url(claims)
    )
}

/// A login whose ID token is replaced on its way. Nobody is signed in.
async fn login_refused(what: &str, forge: impl Fn(&str) -> String + Send + 'static) {
    let mut w = world(|gate| gate);
    w.wire.forge(forge);
    let page = w.sign_in("alice", "/me").await;
    assert_eq!(page.status, 502, "{what}: {page:?}");
    assert_eq!(w.session(), None, "{what}");
    assert_eq!(w.handlers.take_calls(), 0, "{what}");
}

async fn login_refused_by(fault: Fault) {
    let mut w = world(|gate| gate);
    w.provider.fault(fault);
    let page = w.sign_in("alice", "/me").await;
    assert_eq!(page.status, 502, "{fault:?}: {page:?}");
    assert_eq!(w.session(), None, "{fault:?}");
}

#[tokio::test]
async fn cve_2026_25537_a_time_of_another_type_is_not_an_absent_one() {
    let w = api(|gate| gate);
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1"),
            json!(format!("{}", START + 600)),
            json!(null),
            json!([START]),
            json!({}),
            json!(true),
            json!("NaN"),
            json!(""),
            json!(-1e300),
        ] {
            // What begins long ago has begun; `null` is how some write what is absent, and nothing has to be said of it.
            if value.is_number() && name != "exp" || value.is_null() && name == "nbf" {
                continue;
            }
            refused(
                &w,
                &token(&w, json!({ name: value.clone() })),
                &format!("{name} {value}"),
            )
            .await;
        }
    }
    refused(&w, &token(&w, json!({"exp": -1})), "exp -1").await;
    refused(&w, &token(&w, json!({"nbf": START + 3600})), "nbf").await;
    refused(&w, &token(&w, json!({"nbf": 1e300})), "nbf 1e300").await;
    accepted(&w).await;
    login_refused_by(Fault::InvalidIssuedAt).await;
}

/// Also CVE-2026-28802.
#[tokio::test]
async fn cve_2022_23540_a_token_without_a_signature_is_none() {
    let w = api(|gate| gate);
    let signed = token(&w, json!({}));
    let (rest, signature) = signed.rsplit_once('.').unwrap();
    for alg in ["none", "None", "NONE", "nOnE", "", "null"] {
        for signature in ["", signature] {
            let forged = raw(&json!({"alg": alg, "typ": "at+jwt"}), &claims(), signature);
            refused(&w, &forged, alg).await;
        }
    }
    refused(&w, &format!("{rest}."), "no signature").await;
    refused(&w, rest, "two parts").await;
    login_refused_by(Fault::UnsignedToken).await;
    for alg in ["None", "NONE"] {
        login_refused(alg, move |good| {
            raw(&json!({"alg": alg}), &claims_of(good), "")
        })
        .await;
    }
}

/// Also CVE-2024-48238. What everybody knows is no secret.
#[tokio::test]
async fn cve_2024_37568_a_public_key_is_no_secret() {
    let w = api(|gate| gate);
    accepted(&w).await;
    // The key set as it is published, and what its keys are made of.
    let published = w.ask_provider("/jwks").await;
    let keys: Value = serde_json::from_str(&published).unwrap();
    let key = &keys["keys"][0];
    let kid = key["kid"].as_str().unwrap();
    let secrets = [
        published.clone(),
        key.to_string(),
        key["x"].as_str().unwrap().to_owned(),
        kid.to_owned(),
        "x".repeat(64),
    ];
    for secret in secrets {
        for alg in [Alg::HS256, Alg::HS512] {
            let Ok(forger) = SigningKey::from_secret(alg, &ClientSecret::new(&*secret)) else {
                continue;
            };
            let header = json!({"typ": "at+jwt"});
            let forged = forger
                .named(kid)
                .sign_compact(header.as_object().unwrap(), &claims())
                .unwrap();
            refused(&w, &forged, &secret).await;
        }
    }
    login_refused_by(Fault::PublicKeyAsSecret).await;
}

#[tokio::test]
async fn cve_2026_27962_a_key_in_the_token_verifies_nothing() {
    let w = api(|gate| gate);
    accepted(&w).await;
    let before = w.wire.all();
    let own = SigningKey::generate(Alg::ES256).unwrap();
    for extra in [
        json!({"jwk": own.public_jwk()}),
        json!({"jku": "https://evil.test/jwks"}),
        json!({"x5u": "https://evil.test/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"jwk": own.public_jwk(), "kid": ""}),
    ] {
        let mut header = extra.as_object().unwrap().clone();
        header.insert("typ".into(), "at+jwt".into());
        let forged = own.sign_compact(&header, &claims()).unwrap();
        refused(&w, &forged, &extra.to_string()).await;
    }
    // Unknown keys are looked for at the issuer's own address, once; nothing is fetched from where a token says.
    assert!(w.wire.all() <= before + 2);
    let foreign = own.public_jwk();
    login_refused("jwk", move |good| {
        let header = json!({ "jwk": foreign });
        own.sign_compact(header.as_object().unwrap(), &claims_of(good))
            .unwrap()
    })
    .await;
}

#[tokio::test]
async fn cve_2026_49852_an_empty_secret_signs_nothing() {
    assert!(SigningKey::from_secret(Alg::HS256, &ClientSecret::new("")).is_err());
    // The HMAC with an empty key, by whoever does not mind.
    let w = api(|gate| gate);
    let unsigned = raw(&json!({"alg": "HS256", "typ": "at+jwt"}), &claims(), "");
    for signature in [
        "",
        "AAAA",
        &base64url([0; 32]),
        "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0",
    ] {
        refused(&w, &format!("{unsigned}{signature}"), signature).await;
    }
}

/// Also CVE-2026-34986: none is taken apart, so none breaks anything.
#[tokio::test]
async fn cve_2026_29000_an_encrypted_token_hides_no_unsigned_one() {
    let w = api(|gate| gate);
    let inner = raw(&json!({"alg": "none"}), &claims(), "");
    for header in [
        json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}),
        json!({"alg": "RSA-OAEP", "enc": "A128CBC-HS256"}),
        json!({"alg": "RSA1_5", "enc": "A128CBC-HS256"}),
        json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_000_000_000, "p2s": "AA"}),
        json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
        json!({}),
    ] {
        for (key, iv, text, tag) in [
            ("", "AA", &*base64url(&inner), "AA"),
            ("", "", "", ""),
            ("AA", "!", "A", "%"),
        ] {
            let forged = format!("{}.{key}.{iv}.{text}.{tag}", base64url(header.to_string()));
            refused(&w, &forged, &header.to_string()).await;
        }
    }
    login_refused("five parts", |good| {
        format!("{}.a.b.c.d", good.split('.').next().unwrap())
    })
    .await;
}

#[tokio::test]
async fn cve_2026_28498_a_hash_that_does_not_fit_is_never_skipped() {
    login_refused_by(Fault::WrongAccessTokenHash).await;
}

#[tokio::test]
async fn cve_2025_59420_an_unknown_demand_in_the_header_is_refused() {
    login_refused_by(Fault::UnknownExtension).await;
    let w = api(|gate| gate);
    let good = token(&w, json!({}));
    let signature = good.rsplit_once('.').unwrap().1;
    for crit in [
        json!(["x"]),
        json!([]),
        json!("x"),
        json!(null),
        json!(["b64"]),
        json!(["exp"]),
    ] {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "crit": crit, "b64": false, "x": 1});
        refused(&w, &raw(&header, &claims(), signature), &crit.to_string()).await;
    }
}

/// Also CVE-2024-28180, CVE-2024-28176, CVE-2024-27932, CVE-2023-49290, CVE-2025-30204, CVE-2025-27144, CVE-2025-22868 and
/// CVE-2025-62706.
#[tokio::test]
async fn cve_2025_61920_a_huge_token_costs_nothing() {
    let w = api(|gate| gate);
    for huge in [
        ".".repeat(1 << 20),
        format!("{}.a.b", "A".repeat(1 << 20)),
        "a.".repeat(1 << 19),
        format!("{}.{}.{}", base64url("{}"), "A".repeat(1 << 20), "A"),
    ] {
        let before = std::time::Instant::now();
        refused(&w, &huge, "huge").await;
        assert!(before.elapsed().as_secs() < 2);
    }
    assert_eq!(w.wire.all(), 0);
}

#[tokio::test]
async fn cve_2025_53864_nothing_nested_overflows_the_stack() {
    let w = api(|gate| gate);
    for open in ["[", "{\"a\":", "[[", "{\"a\":["] {
        let deep = base64url(open.repeat(2500));
        let good = token(&w, json!({}));
        let parts: Vec<_> = good.split('.').collect();
        refused(&w, &format!("{deep}.{}.{}", parts[1], parts[2]), "header").await;
        refused(&w, &format!("{}.{deep}.{}", parts[0], parts[2]), "claims").await;
        let deep = open.repeat(100_000);
        let mut w = world(|gate| gate);
        w.wire.tamper(move |path, answer| {
            if path == "/token" {
                *answer.body_mut() = deep.clone().into_bytes();
            }
        });
        let page = w.sign_in("alice", "/me").await;
        assert!(page.status == 502 || page.status == 503, "{page:?}");
    }
}

#[tokio::test]
async fn cve_2022_21449_a_signature_of_zeros_is_none() {
    let w = api(|gate| gate);
    let good = token(&w, json!({}));
    let rest = good.rsplit_once('.').unwrap().0;
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let one = [&[0; 31][..], &[1]].concat();
    for half in [[0; 32].to_vec(), order, one, [0xff; 32].to_vec()] {
        for forged in [
            [&half[..], &half].concat(),
            [&half[..], &[0; 32]].concat(),
            half.clone(),
            vec![],
        ] {
            refused(&w, &format!("{rest}.{}", base64url(forged)), "zeros").await;
        }
    }
    accepted(&w).await;
}

/// Also CVE-2023-22482, CVE-2024-47806, CVE-2024-47807, CVE-2026-40946, CVE-2026-55669 and CVE-2026-22748.
#[tokio::test]
async fn cve_2020_26160_a_token_is_for_its_audience_and_of_its_issuer() {
    let w = api(|gate| gate);
    for aud in [
        json!("(absent)"),
        json!("https://other.test/api"),
        json!([]),
        json!(["https://other.test"]),
        json!(""),
        json!([""]),
        json!(null),
        json!(1),
        json!([[API]]),
        json!({"0": API}),
        json!(format!("{API}/")),
        json!(API.to_uppercase()),
        json!(&API[..API.len() - 1]),
        json!([API, 1]),
    ] {
        refused(
            &w,
            &token(&w, json!({ "aud": aud.clone() })),
            &format!("aud {aud}"),
        )
        .await;
    }
    for iss in [
        json!("(absent)"),
        json!("https://evil.test"),
        json!(""),
        json!(null),
        json!([ISSUER]),
        json!(format!("{ISSUER}/")),
        json!("https://ID.test"),
        json!("http://id.test"),
        json!(1),
    ] {
        refused(
            &w,
            &token(&w, json!({ "iss": iss.clone() })),
            &format!("iss {iss}"),
        )
        .await;
    }
    accepted(&w).await;
    for fault in [
        Fault::WrongIssuer,
        Fault::MissingIssuer,
        Fault::WrongAudience,
        Fault::ForeignAudience,
        Fault::MissingAudience,
        Fault::WrongAuthorizedParty,
        Fault::WrongNonce,
        Fault::MissingNonce,
        Fault::MissingSubject,
    ] {
        login_refused_by(fault).await;
    }
}

#[tokio::test]
async fn a_token_that_never_ends_is_refused() {
    let w = api(|gate| gate);
    refused(&w, &token(&w, json!({"exp": "(absent)"})), "exp").await;
    refused(&w, &token(&w, json!({"iat": "(absent)"})), "iat").await;
    refused(&w, &token(&w, json!({"exp": START - 3600})), "expired").await;
    let good = token(&w, json!({}));
    assert_eq!(w.bearer("/me", &good).await.status, 200);
    w.advance(700);
    refused(&w, &good, "what was good once").await;
    for fault in [
        Fault::MissingExpiry,
        Fault::MissingIssuedAt,
        Fault::ExpiredToken,
        Fault::NotYetValid,
    ] {
        login_refused_by(fault).await;
    }
}

/// Also CVE-2025-46647: a key is trusted for the issuer that publishes it, whatever its name.
#[tokio::test]
async fn cve_2026_49998_a_key_belongs_to_its_issuer() {
    let w = world(|gate| {
        gate.bearer(Bearer::audience(API))
            .bearer(Bearer::audience(API).issuer("https://other.test"))
    });
    accepted(&w).await;
    let kid = w.provider.sign(None, &claims());
    let kid: Value =
        serde_json::from_slice(&crate::world::decoded(kid.split('.').next().unwrap())).unwrap();
    let forger = SigningKey::generate(Alg::ES256)
        .unwrap()
        .named(kid["kid"].as_str().unwrap());
    let header = json!({"typ": "at+jwt"});
    let header = header.as_object().unwrap();
    // The name of a known key on another one, and a known key under another issuer's name.
    refused(
        &w,
        &forger.sign_compact(header, &claims()).unwrap(),
        "same kid",
    )
    .await;
    let answer = w
        .bearer("/me", &token(&w, json!({"iss": "https://other.test"})))
        .await;
    assert!(
        answer.calls == 0 && answer.status >= 400,
        "{}",
        answer.status
    );
}

/// Also CVE-2026-33496: a token that was verified is known, and what it may do is asked each time.
#[tokio::test]
async fn cve_2021_32701_what_is_kept_of_a_token_is_no_permission() {
    let w = api(|gate| {
        gate.require(Pattern::prefix("/read"), scope("read"))
            .require(Pattern::prefix("/write"), scope("write"))
    });
    let good = token(&w, json!({}));
    for _ in 0..2 {
        for (path, status) in [("/read", 200), ("/write", 403), ("/me", 200)] {
            assert_eq!(w.bearer(path, &good).await.status, status, "{path}");
        }
    }
    // One character of it is another token.
    let mut other = good.clone();
    other.replace_range(
        good.len() - 10..good.len() - 9,
        if &good[good.len() - 10..good.len() - 9] == "A" {
            "B"
        } else {
            "A"
        },
    );
    refused(&w, &other, "changed").await;
}

#[tokio::test]
async fn cve_2022_31690_no_scope_is_not_every_scope() {
    let w = api(|gate| gate.require(Pattern::prefix("/read"), scope("read")));
    for scopes in [
        json!(""),
        json!("(absent)"),
        json!("READ"),
        json!("reader"),
        json!("write"),
        json!("read,write"),
        json!("read\twrite"),
    ] {
        let answer = w
            .bearer("/read", &token(&w, json!({ "scope": scopes.clone() })))
            .await;
        assert_eq!(answer.calls, 0, "{scopes}");
        assert!(
            [401, 403].contains(&answer.status),
            "{scopes}: {}",
            answer.status
        );
    }
    assert_eq!(
        w.bearer("/read", &token(&w, json!({"scope": "write read"})))
            .await
            .calls,
        1
    );
}

/// Nothing is fetched because a token says so.
#[tokio::test]
async fn cve_2026_41413_a_token_sends_the_gate_nowhere() {
    let w = api(|gate| gate);
    let own = SigningKey::generate(Alg::ES256).unwrap();
    for iss in [
        "http://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]",
        "https://localhost",
        "file:///etc/passwd",
        "https://evil.test",
        "https://id.test.evil.test",
    ] {
        let header = json!({"typ": "at+jwt", "jku": iss});
        let forged = own
            .sign_compact(header.as_object().unwrap(), &with(json!({ "iss": iss })))
            .unwrap();
        refused(&w, &forged, iss).await;
    }
    assert_eq!(w.wire.all(), 0);
}

#[tokio::test]
async fn cve_2025_3757_a_token_has_one_form() {
    let w = api(|gate| gate);
    let good = token(&w, json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let flattened = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let general = json!({"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]});
    for forged in [
        flattened.to_string(),
        general.to_string(),
        format!("{good}="),
        format!(" {good} "),
        format!("{good}."),
        format!("{good}.{good}"),
        good.replace('.', ". "),
        format!("{good},{good}"),
        good.replacen('.', "=.", 1),
    ] {
        let answer = w
            .ask(
                "GET",
                "/me",
                &[("authorization", &*format!("Bearer {forged}"))],
            )
            .await;
        // White space around it is none of the token's.
        assert!(answer.calls == 0 || forged.trim() == good, "{forged}");
    }
}

#[tokio::test]
async fn cve_2023_1387_a_token_in_an_address_is_none() {
    let w = api(|gate| gate);
    let good = token(&w, json!({}));
    for target in [
        format!("/me?access_token={good}"),
        format!("/me?auth_token={good}"),
        format!("/me?token={good}"),
        format!("/me?Authorization=Bearer%20{good}"),
    ] {
        let answer = w.get(&target).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{target}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = w
        .ask_with("POST", "/me", &form, format!("access_token={good}"))
        .await;
    assert_eq!((answer.status, answer.calls), (401, 0));
    for header in [
        "x-access-token",
        "x-forwarded-access-token",
        "x-auth-request-access-token",
        "proxy-authorization",
    ] {
        let answer = w
            .ask("GET", "/me", &[(header, &*format!("Bearer {good}"))])
            .await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{header}");
    }
}

#[tokio::test]
async fn cve_2022_29266_a_refusal_repeats_nothing_of_what_it_refuses() {
    let w = api(|gate| gate);
    for token in [
        token(&w, json!({"aud": "other"})),
        token(&w, json!({"exp": 1})),
        "marked-secret.b.c".to_owned(),
    ] {
        let answer = w.bearer("/me", &token).await;
        let told = format!("{} {:?}", answer.body, answer.headers);
        for part in token.split('.').filter(|part| part.len() > 5) {
            assert!(!told.contains(part), "{told}");
        }
        for word in [API, "audience", "expired", "signature"] {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }
}

#[tokio::test]
async fn a_thousand_unknown_keys_cost_the_provider_one_fetch() {
    let w = api(|gate| gate);
    accepted(&w).await;
    let before = w.wire.all();
    let own = SigningKey::generate(Alg::ES256).unwrap();
    let header = json!({"typ": "at+jwt"});
    let forged = own
        .named("0")
        .sign_compact(header.as_object().unwrap(), &claims())
        .unwrap();
    let rest = forged.split_once('.').unwrap().1;
    for number in 0..1000 {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": format!("unknown-{number}")});
        refused(
            &w,
            &format!("{}.{rest}", base64url(header.to_string())),
            "unknown key",
        )
        .await;
    }
    assert!(w.wire.all() <= before + 2, "{}", w.wire.all() - before);
}

/// What another kind of token says of a user lets nobody in: an ID token, a logout token, a proof.
#[tokio::test]
async fn a_token_of_another_kind_is_no_access_token() {
    let w = api(|gate| gate);
    for typ in [
        None,
        Some("JWT"),
        Some("logout+jwt"),
        Some("dpop+jwt"),
        Some("id_token"),
        Some("at+jwt+x"),
        Some("secevent+jwt"),
    ] {
        refused(&w, &w.provider.sign(typ, &claims()), &format!("{typ:?}")).await;
    }
    for edits in [
        json!({"cnf": {"jkt": "x"}}),
        json!({"cnf": {"x5t#S256": "x"}}),
    ] {
        refused(&w, &token(&w, edits.clone()), &edits.to_string()).await;
    }
    // Where the issuer marks its access tokens by something else than their type.
    let w = world(|gate| gate.bearer(Bearer::audience(API).untyped(Marker::present("gty"))));
    let marked = |edits| w.provider.sign(Some("JWT"), &with(edits));
    assert_eq!(w.bearer("/me", &marked(json!({"gty": "x"}))).await.calls, 1);
    for edits in [
        json!({}),
        json!({"gty": "x", "nonce": "x"}),
        json!({"gty": "x", "at_hash": "x"}),
        json!({"gty": "x", "events": {}}),
    ] {
        refused(&w, &marked(edits.clone()), &edits.to_string()).await;
    }
    // An ID token of a real login.
    let mut w = world_of(|p| p, |p| p, |gate| gate.bearer(Bearer::audience("app")));
    let (sender, receiver) = std::sync::mpsc::channel();
    w.wire.forge(move |good| {
        sender.send(good.to_owned()).unwrap();
        good.to_owned()
    });
    assert_eq!(w.sign_in("alice", "/me").await.body, "/me alice");
    refused(&w, &receiver.recv().unwrap(), "an ID token").await;
    let session = testing::session(&w.gate, testing::user("alice").build()).await;
    refused(
        &w,
        session.to_str().unwrap().split_once('=').unwrap().1,
        "a session",
    )
    .await;
}
