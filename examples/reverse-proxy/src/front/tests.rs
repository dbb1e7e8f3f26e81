use super::*;
use oidc_gate_tower::Peers;

/// What the gate sees, and then an upstream.
fn receive(
    trusted: Option<TrustedProxies>,
    lines: &[(&'static str, &str)],
) -> Result<(HeaderMap, HeaderMap), &'static str> {
    let scheme = Scheme::Http;
    let mut request = Request::new(());
    for (name, value) in lines {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let peer = "[::ffff:192.0.2.7]:4711".parse().unwrap();
    Front { scheme, trusted }.receive(&mut request, peer)?;
    let origin = request.extensions_mut().remove::<Origin>().unwrap();
    let gate = request.headers().clone();
    origin.write(request.headers_mut());
    Ok((gate, std::mem::take(request.headers_mut())))
}

fn proxies(network: &str) -> Option<TrustedProxies> {
    Some(TrustedProxies::from(Peers::new([network]).unwrap()))
}

const CLAIMS: &[(&str, &str)] = &[
    ("host", "app.example"),
    ("x-forwarded-for", "198.51.100.1"),
    ("x-forwarded-for", "198.51.100.2"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "public.example"),
    ("x-forwarded-prefix", "/admin"),
    ("x_forwarded_for", "127.0.0.1"),
    ("x-real-ip", "198.51.100.3"),
    ("forwarded", "for=127.0.0.1"),
    ("connection", "x-forwarded-for, x-forwarded-proto"),
];

#[test]
fn where_a_request_came_from_is_nobodys_word_but_a_trusted_proxys() {
    for trusted in [None, proxies("10.0.0.0/8")] {
        let (gate, upstream) = receive(trusted, CLAIMS).unwrap();
        assert_eq!(gate.len(), 1, "{gate:?}");
        assert_eq!(upstream.len(), 4, "{upstream:?}");
        assert_eq!(upstream["x-forwarded-for"], "192.0.2.7");
        assert_eq!(upstream["x-forwarded-proto"], "http");
        assert_eq!(upstream["x-forwarded-host"], "app.example");
    }
    let (gate, upstream) = receive(proxies("192.0.2.0/24"), CLAIMS).unwrap();
    // As the proxy wrote it: the gate looks for the last that is no proxy's.
    let lines: Vec<_> = gate.get_all("x-forwarded-for").iter().collect();
    assert_eq!(lines, ["198.51.100.1", "198.51.100.2"]);
    assert_eq!(upstream.len(), 4, "{upstream:?}");
    assert_eq!(
        upstream["x-forwarded-for"],
        "198.51.100.1, 198.51.100.2, 192.0.2.7"
    );
    assert_eq!(upstream["x-forwarded-proto"], "https");
    assert_eq!(upstream["x-forwarded-host"], "public.example");

    let real = proxies("192.0.2.7").unwrap().header(AddressHeader::XRealIp);
    let (gate, upstream) = receive(Some(real), CLAIMS).unwrap();
    assert_eq!(gate["x-real-ip"], "198.51.100.3");
    assert_eq!(upstream["x-forwarded-for"], "198.51.100.3, 192.0.2.7");

    let odd = &[("host", "a"), ("x-forwarded-proto", "javascript")];
    let (_, upstream) = receive(proxies("192.0.2.7"), odd).unwrap();
    assert_eq!(upstream["x-forwarded-proto"], "http");
}

#[test]
fn a_proxy_that_says_nothing_is_not_taken_for_its_client() {
    let (gate, _) = receive(proxies("192.0.2.7"), &[("host", "a")]).unwrap();
    assert!(!gate.contains_key("x-forwarded-for"), "{gate:?}");
}

#[test]
fn a_request_is_for_one_host() {
    for hosts in [
        &[][..],
        &[("host", "a"), ("host", "b")],
        &[("host", "a"), ("host", "a")],
        &[("host", "a/b")],
        &[("host", "")],
    ] {
        let refused = receive(None, hosts).unwrap_err();
        assert_eq!(refused, "the request has to name one host", "{hosts:?}");
    }
    for host in ["app.example", "app.example:8080", "[::1]:80"] {
        assert!(receive(None, &[("host", host)]).is_ok());
    }
}
