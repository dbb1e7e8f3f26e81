//! Fetching metadata and keys.

use super::{Metadata, ServerMetadata};
use crate::check::{Check, CheckFailed, quote};
use crate::flow::{Env, Exchange, Failure, Flow, Input, Purpose, Step};
use crate::jose::JwkSet;
use crate::url::{EndpointUrl, Issuer};
use http::{Request, Response, StatusCode, header};
use std::time::Duration;

/// Something fetched, and how long it may be used without asking again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched<T> {
    /// What was fetched.
    pub value: T,
    /// What the provider's `Cache-Control` allows, between 5 minutes and 24 hours; where it says nothing, an hour for
    /// keys and a day for metadata.
    pub fresh_for: Duration,
}

impl<T> Fetched<T> {
    /// A value that was obtained in another way.
    pub fn new(value: T, fresh_for: Duration) -> Self {
        Self { value, fresh_for }
    }

    /// The same, used for no longer than `most` without asking again, whatever the provider allows.
    #[must_use]
    pub fn at_most(mut self, most: Duration) -> Self {
        self.fresh_for = self.fresh_for.min(most);
        self
    }
}

/// Fetches a provider's metadata
/// ([OpenID Connect Discovery § 4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig)).
///
/// No redirect, status 200. The issuer comes from the configuration and is compared with what the answer says, wherever
/// the answer comes from.
#[derive(Debug)]
pub struct Discovery<M = Metadata> {
    issuer: Issuer,
    parse: fn(&[u8], &Issuer) -> Result<M, CheckFailed>,
    get: Get,
    /// Where to ask next, if nothing is published there.
    otherwise: Option<EndpointUrl>,
    /// Where nothing was published.
    in_vain: Option<EndpointUrl>,
}

/// No document comes near it.
const MAX_METADATA_BYTES: usize = 256 * 1024;
const MAX_KEYS_BYTES: usize = 512 * 1024;

impl Discovery<ServerMetadata> {
    /// What a client without a browser is told of `issuer`, in the places where [`new`](Discovery::new) looks.
    pub fn of_server(issuer: Issuer) -> Self {
        Self::first(issuer, ServerMetadata::parse)
    }
}

impl Discovery {
    /// The metadata of `issuer`, where OpenID Connect puts it. If that place answers 404, and only then, it is looked for
    /// where [RFC 8414 § 3](https://www.rfc-editor.org/rfc/rfc8414#section-3) puts it.
    pub fn new(issuer: Issuer) -> Self {
        Self::first(issuer, Metadata::parse)
    }

    /// The metadata of `issuer` at this address and nowhere else: for a provider that publishes it elsewhere.
    pub fn at(issuer: Issuer, url: EndpointUrl) -> Self {
        Self::only(issuer, url, Metadata::parse)
    }
}

impl<M> Discovery<M> {
    pub(super) fn only(
        issuer: Issuer,
        url: EndpointUrl,
        parse: fn(&[u8], &Issuer) -> Result<M, CheckFailed>,
    ) -> Self {
        Self {
            get: Get::new(url, Purpose::Metadata),
            parse,
            otherwise: None,
            in_vain: None,
            issuer,
        }
    }

    pub(super) fn first(
        issuer: Issuer,
        parse: fn(&[u8], &Issuer) -> Result<M, CheckFailed>,
    ) -> Self {
        Self {
            get: Get::new(issuer.discovery_url(), Purpose::Metadata),
            parse,
            otherwise: Some(issuer.oauth_discovery_url()),
            in_vain: None,
            issuer,
        }
    }

    /// Goes on to the next place if this one has nothing.
    fn turn_to_next_place(&mut self, input: Input) -> Input {
        match input {
            Input::Response(response)
                if self.get.is_waiting() && response.status() == StatusCode::NOT_FOUND =>
            {
                let Some(next) = self.otherwise.take() else {
                    return Input::Response(response);
                };
                let before = std::mem::replace(&mut self.get, Get::new(next, Purpose::Metadata));
                self.in_vain = Some(before.url);
                Input::Start
            }
            other => other,
        }
    }
}

impl<M> Flow for Discovery<M> {
    type Output = Result<Fetched<M>, CheckFailed>;

    fn resume(&mut self, input: Input, _: &mut Env<'_>) -> Step<Self::Output> {
        let input = self.turn_to_next_place(input);
        let Self {
            issuer, get, parse, ..
        } = self;
        let step = get.resume(input, |response| {
            Ok(Fetched {
                value: parse(response.body(), issuer)?,
                fresh_for: fresh_for(&response).unwrap_or(DAY),
            })
        });
        match (step, &self.in_vain) {
            (Step::Done(Err(failed)), Some(first)) => {
                let cause = format!(
                    "{}, after {} answered 404",
                    failed.cause(),
                    quote(first.as_str())
                );
                Step::Done(Err(CheckFailed::new(failed.check(), cause)))
            }
            (step, _) => step,
        }
    }
}

/// Fetches a provider's keys.
#[derive(Debug)]
pub struct FetchKeys {
    get: Get,
}

impl FetchKeys {
    /// The keys at `jwks_uri`.
    pub fn new(jwks_uri: EndpointUrl) -> Self {
        Self {
            get: Get::new(jwks_uri, Purpose::Keys),
        }
    }
}

impl Flow for FetchKeys {
    type Output = Result<Fetched<JwkSet>, CheckFailed>;

    fn resume(&mut self, input: Input, _: &mut Env<'_>) -> Step<Self::Output> {
        self.get.resume(input, |response| {
            Ok(Fetched {
                value: JwkSet::parse(response.body())?,
                fresh_for: fresh_for(&response).unwrap_or(HOUR),
            })
        })
    }
}

/// One GET of a JSON document.
#[derive(Debug)]
struct Get {
    url: EndpointUrl,
    purpose: Purpose,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Begin,
    Sent,
    Over,
}

impl Get {
    fn new(url: EndpointUrl, purpose: Purpose) -> Self {
        Self {
            url,
            purpose,
            state: State::Begin,
        }
    }

    fn max_body_bytes(&self) -> usize {
        match self.purpose {
            Purpose::Metadata => MAX_METADATA_BYTES,
            _ => MAX_KEYS_BYTES,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state, State::Sent)
    }

    fn resume<T>(
        &mut self,
        input: Input,
        read: impl FnOnce(Response<Vec<u8>>) -> Result<T, CheckFailed>,
    ) -> Step<Result<T, CheckFailed>> {
        let state = std::mem::replace(&mut self.state, State::Over);
        Step::Done(match (state, input) {
            (State::Begin, Input::Start) => match self.exchange() {
                Ok(exchange) => {
                    self.state = State::Sent;
                    return Step::Send(exchange);
                }
                Err(failed) => Err(failed),
            },
            (State::Sent, Input::Response(response)) => {
                self.check(&response).and_then(|()| read(response))
            }
            (State::Sent, Input::Failed(failure)) => Err(self.failed(failure)),
            _ => Err(CheckFailed::new(
                Check::Misuse,
                "a fetch takes a start, then the response or a failure, and nothing after that",
            )),
        })
    }

    fn exchange(&self) -> Result<Exchange, CheckFailed> {
        let request = Request::get(self.url.as_str())
            .header(header::ACCEPT, "application/json")
            .body(vec![])
            .map_err(|_| {
                self.at_fault(
                    Check::ProviderUnreachable,
                    "is no address to send a request to",
                )
            })?;
        let mut exchange = Exchange::new(request);
        exchange.purpose = self.purpose;
        exchange.max_body_bytes = self.max_body_bytes();
        Ok(exchange)
    }

    fn check(&self, response: &Response<Vec<u8>>) -> Result<(), CheckFailed> {
        let status = response.status();
        if status.is_redirection() {
            let what = format!(
                "answered {} with a redirect, which is not followed",
                status.as_u16()
            );
            return Err(self.at_fault(Check::ProviderStatus, &what));
        }
        if status != StatusCode::OK {
            let what = format!("answered {} instead of 200", status.as_u16());
            return Err(self.at_fault(Check::ProviderStatus, &what));
        }
        // Some providers serve JSON under other names, so a name is not demanded; but a page is a page: of a proxy, of a
        // captive portal, of an application that answers every path.
        if is_page(response) {
            return Err(self.at_fault(Check::ProviderStatus, "answered with a web page"));
        }
        Ok(())
    }

    fn failed(&self, failure: Failure) -> CheckFailed {
        match failure {
            Failure::NotSent => self.at_fault(Check::ProviderUnreachable, "could not be reached"),
            Failure::Unknown => self.at_fault(Check::ProviderUnreachable, "did not answer"),
            Failure::TooLarge => {
                let what = format!(
                    "answered with more than {} KiB",
                    self.max_body_bytes() / 1024
                );
                self.at_fault(Check::ProviderTooLarge, &what)
            }
        }
    }

    fn at_fault(&self, check: Check, what: &str) -> CheckFailed {
        CheckFailed::new(check, format!("{} {what}", quote(self.url.as_str())))
    }
}

fn is_page(response: &Response<Vec<u8>>) -> bool {
    let media_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    media_type.eq_ignore_ascii_case("text/html")
        || media_type.eq_ignore_ascii_case("application/xhtml+xml")
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What `Cache-Control` says, if it says anything ([RFC 9111 § 5.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2)).
/// Never under 5 minutes, so that no answer makes the gate ask all the time; never over a day, so that a withdrawn key
/// goes away.
fn fresh_for<T>(response: &Response<T>) -> Option<Duration> {
    let mut max_age = None;
    for value in response.headers().get_all(header::CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(5 * MINUTE),
                "max-age" => {
                    // Of two that disagree the shorter one holds.
                    let digits = argument.trim().trim_matches('"');
                    let secs = digits.parse().ok().map(Duration::from_secs);
                    max_age = max_age.into_iter().chain(secs).min();
                }
                _ => {}
            }
        }
    }
    max_age.map(|age: Duration| age.clamp(5 * MINUTE, DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Entropy, EntropyUnavailable};
    use crate::time::UnixTime;

    /// A fetch needs no randomness, and has none.
    #[derive(Debug)]
    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
            Err(EntropyUnavailable)
        }
    }

    fn resume<F: Flow>(flow: &mut F, input: Input) -> Step<F::Output> {
        let env = &mut Env {
            now: UnixTime::from_secs(0),
            entropy: &mut NoEntropy,
        };
        flow.resume(input, env)
    }

    fn started<F: Flow>(mut flow: F) -> (F, Exchange) {
        match resume(&mut flow, Input::Start) {
            Step::Send(exchange) => (flow, exchange),
            _ => panic!("expected an exchange"),
        }
    }

    fn done<F: Flow>(flow: &mut F, input: Input) -> F::Output {
        match resume(flow, input) {
            Step::Done(output) => output,
            _ => panic!("expected an end"),
        }
    }

    fn keys() -> FetchKeys {
        FetchKeys::new(EndpointUrl::parse("https://id.example/keys").unwrap())
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Input {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Input::Response(response.body(body.into()).unwrap())
    }

    fn check(input: Input) -> Check {
        let (mut flow, _) = started(keys());
        done(&mut flow, input).unwrap_err().check()
    }

    const METADATA: &str = r#"{"issuer":"https://id.example/t","authorization_endpoint":"https://id.example/a",
        "token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k"}"#;

    #[test]
    fn metadata_is_asked_for_once_at_its_well_known_place() {
        let issuer = Issuer::parse("https://id.example/t").unwrap();
        let (mut flow, exchange) = started(Discovery::new(issuer));
        assert_eq!(exchange.request.method(), "GET");
        assert_eq!(
            exchange.request.uri(),
            "https://id.example/t/.well-known/openid-configuration"
        );
        assert_eq!(exchange.request.headers()["accept"], "application/json");
        assert_eq!(exchange.max_body_bytes, 256 * 1024);
        let fetched = done(&mut flow, answer(200, &[], METADATA)).unwrap();
        assert_eq!(fetched.value.jwks_uri().as_str(), "https://id.example/k");
        assert_eq!(fetched.fresh_for, DAY);
    }

    #[test]
    fn where_openid_connect_has_nothing_oauth_may_have_it() {
        let issuer = Issuer::parse("https://id.example/t").unwrap();
        let (mut flow, _) = started(Discovery::new(issuer));
        let Step::Send(exchange) = resume(&mut flow, answer(404, &[], "")) else {
            panic!("expected an exchange")
        };
        assert_eq!(
            exchange.request.uri(),
            "https://id.example/.well-known/oauth-authorization-server/t"
        );
        assert_eq!(exchange.max_body_bytes, 256 * 1024);
        let fetched = done(&mut flow, answer(200, &[], METADATA)).unwrap();
        assert_eq!(fetched.value.jwks_uri().as_str(), "https://id.example/k");
    }

    #[test]
    fn if_neither_place_has_it_the_error_names_both() {
        let both = |second: Input| {
            let (mut flow, _) = started(Discovery::new(
                Issuer::parse("https://id.example/t").unwrap(),
            ));
            let _ = resume(&mut flow, answer(404, &[], ""));
            let failed = done(&mut flow, second).unwrap_err();
            (failed.check(), failed.cause().to_owned())
        };
        assert_eq!(
            both(answer(404, &[], "")),
            (
                Check::ProviderStatus,
                "\"https://id.example/.well-known/oauth-authorization-server/t\" answered 404 instead of 200, after \
                 \"https://id.example/t/.well-known/openid-configuration\" answered 404"
                    .to_owned()
            )
        );
        let another = METADATA.replace("id.example/t\"", "evil.example\"");
        assert_eq!(both(answer(200, &[], &another)).0, Check::ProviderIssuer);
        assert_eq!(
            both(Input::Failed(Failure::NotSent)).0,
            Check::ProviderUnreachable
        );
    }

    #[test]
    fn only_a_404_leads_to_the_second_place() {
        for status in [204, 301, 400, 401, 403, 410, 500, 503] {
            let (mut flow, _) = started(Discovery::new(
                Issuer::parse("https://id.example/t").unwrap(),
            ));
            let failed = done(&mut flow, answer(status, &[], "")).unwrap_err();
            assert_eq!(failed.check(), Check::ProviderStatus, "{status}");
        }
        for (input, expected) in [
            (answer(200, &[], "{}"), Check::MetadataMalformed),
            (Input::Failed(Failure::Unknown), Check::ProviderUnreachable),
            (Input::Failed(Failure::TooLarge), Check::ProviderTooLarge),
        ] {
            let (mut flow, _) = started(Discovery::new(
                Issuer::parse("https://id.example/t").unwrap(),
            ));
            assert_eq!(done(&mut flow, input).unwrap_err().check(), expected);
        }
        // Nor does one that nobody has asked for.
        let mut flow = Discovery::new(Issuer::parse("https://id.example/t").unwrap());
        let failed = done(&mut flow, answer(404, &[], "")).unwrap_err();
        assert_eq!(failed.check(), Check::Misuse);
    }

    #[test]
    fn an_address_that_is_given_is_the_only_one() {
        let issuer = Issuer::parse("https://id.example/t").unwrap();
        let url = EndpointUrl::parse("https://inner.example/metadata?tenant=t").unwrap();
        let (mut flow, exchange) = started(Discovery::at(issuer.clone(), url.clone()));
        assert_eq!(
            exchange.request.uri(),
            "https://inner.example/metadata?tenant=t"
        );
        let failed = done(&mut flow, answer(404, &[], "")).unwrap_err();
        assert_eq!(
            (failed.check(), failed.cause()),
            (
                Check::ProviderStatus,
                "\"https://inner.example/metadata?tenant=t\" answered 404 instead of 200"
            )
        );
        let (mut flow, _) = started(Discovery::at(issuer, url.clone()));
        assert!(done(&mut flow, answer(200, &[], METADATA)).is_ok());
        let another = Issuer::parse("https://inner.example").unwrap();
        let (mut flow, _) = started(Discovery::at(another, url));
        let failed = done(&mut flow, answer(200, &[], METADATA)).unwrap_err();
        assert_eq!(failed.check(), Check::ProviderIssuer);
    }

    #[test]
    fn a_fetch_has_a_deadline() {
        let issuer = Issuer::parse("https://id.example/t").unwrap();
        let (_, metadata) = started(Discovery::new(issuer));
        let (_, keys) = started(keys());
        assert_eq!(
            [metadata.deadline, keys.deadline],
            [Duration::from_secs(10); 2]
        );
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let issuer = Issuer::parse("https://id.example/t/").unwrap();
        let (mut flow, _) = started(Discovery::new(issuer));
        let failed = done(&mut flow, answer(200, &[], METADATA)).unwrap_err();
        assert_eq!(failed.check(), Check::ProviderIssuer);
    }

    #[test]
    fn keys_are_fetched() {
        let (mut flow, exchange) = started(keys());
        assert_eq!(exchange.request.uri(), "https://id.example/keys");
        assert_eq!(exchange.max_body_bytes, 512 * 1024);
        let input = answer(
            200,
            &[("content-type", "application/octet-stream")],
            r#"{"keys":[]}"#,
        );
        let fetched = done(&mut flow, input).unwrap();
        assert!(fetched.value.is_empty());
        assert_eq!(fetched.fresh_for, HOUR);
    }

    #[test]
    fn only_a_plain_200_is_an_answer() {
        let set = r#"{"keys":[]}"#;
        for status in [201, 204, 206, 301, 302, 304, 307, 401, 404, 500, 503] {
            let headers = [("location", "https://evil.example/")];
            assert_eq!(
                check(answer(status, &headers, set)),
                Check::ProviderStatus,
                "{status}"
            );
        }
        for media_type in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "application/xhtml+xml",
        ] {
            let headers = [("content-type", media_type)];
            assert_eq!(
                check(answer(200, &headers, set)),
                Check::ProviderStatus,
                "{media_type}"
            );
        }
        assert_eq!(check(answer(200, &[], "<html>")), Check::KeysMalformed);
    }

    #[test]
    fn a_failure_says_what_it_was() {
        for (failure, expected) in [
            (Failure::NotSent, Check::ProviderUnreachable),
            (Failure::Unknown, Check::ProviderUnreachable),
            (Failure::TooLarge, Check::ProviderTooLarge),
        ] {
            assert_eq!(check(Input::Failed(failure)), expected);
        }
        let (mut flow, _) = started(keys());
        let failed = done(&mut flow, Input::Failed(Failure::NotSent)).unwrap_err();
        assert_eq!(
            failed.cause(),
            "\"https://id.example/keys\" could not be reached"
        );
    }

    #[test]
    fn an_input_that_answers_no_step_is_misuse() {
        for input in [
            answer(200, &[], "{}"),
            Input::Elapsed,
            Input::Failed(Failure::NotSent),
        ] {
            assert_eq!(done(&mut keys(), input).unwrap_err().check(), Check::Misuse);
        }
        for input in [Input::Start, Input::Elapsed, Input::Signature(vec![])] {
            assert_eq!(check(input), Check::Misuse);
        }
        let (mut flow, _) = started(keys());
        assert!(done(&mut flow, answer(200, &[], r#"{"keys":[]}"#)).is_ok());
        for input in [Input::Start, answer(200, &[], r#"{"keys":[]}"#)] {
            assert_eq!(done(&mut flow, input).unwrap_err().check(), Check::Misuse);
        }
    }

    #[test]
    fn an_address_that_cannot_be_requested_is_an_error() {
        // An issuer is kept as written, and this one is no URI.
        let mut flow = Discovery::new(Issuer::parse("https://id.example/<x>").unwrap());
        let failed = done(&mut flow, Input::Start).unwrap_err();
        assert_eq!(failed.check(), Check::ProviderUnreachable);
    }

    #[test]
    fn freshness_is_what_the_provider_says_within_limits() {
        let minutes = |n| Some(n * MINUTE);
        for (values, expected) in [
            (&[][..], None),
            (&["public"], None),
            (&["max-age=600"], minutes(10)),
            (&["Public, Max-Age = \"600\""], minutes(10)),
            (&["max-age=600", "max-age=900"], minutes(10)),
            (&["max-age=0"], minutes(5)),
            (&["max-age=299"], minutes(5)),
            (&["max-age=999999999999"], Some(DAY)),
            (&["max-age=-1"], None),
            (&["max-age=99999999999999999999999"], None),
            (&["s-maxage=600"], None),
            (&["no-store, max-age=600"], minutes(5)),
            (&["max-age=600", "no-cache"], minutes(5)),
        ] {
            let mut response = Response::new(());
            for value in values {
                let value = http::HeaderValue::from_static(value);
                response.headers_mut().append(header::CACHE_CONTROL, value);
            }
            assert_eq!(fresh_for(&response), expected, "{values:?}");
        }
    }
}
