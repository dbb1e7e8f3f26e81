//! The way from the provider to its clients
//! ([Back-Channel Logout § 2.5](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest)): one request for each
//! logout token, and no second try.

use super::{
    DevProvider, LogoutHabit,
    logout::{Ended, Letter},
};
use crate::{
    HttpClient,
    core::{flow::Exchange, form::encode},
    ports::{Boxed, DynHttpClient},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use std::{convert::Infallible, fmt, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tower_service::Service;
use url::{Origin, Position, Url};

/// How long a client has for its answer, and how much of it is read.
const DEADLINE: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 16 * 1024;
/// How many clients are told at the same time.
const AT_ONCE: usize = 16;
/// How many deliveries are remembered.
const REMEMBERED: usize = 100;

/// What became of one logout token.
#[derive(Clone)]
pub struct LogoutDelivery {
    client_id: String,
    uri: String,
    token: String,
    outcome: LogoutOutcome,
}

/// The answer to a logout token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "there is an answer, or there is none"
)]
pub enum LogoutOutcome {
    /// The client answered.
    Answered {
        /// With this status.
        status: StatusCode,
        /// And this body, as far as it is text.
        body: String,
    },
    /// There was no answer: why.
    Lost(String),
}

impl LogoutDelivery {
    /// Who was told.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Where.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The logout token, for a test that sends it once more.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What came of it.
    pub fn outcome(&self) -> &LogoutOutcome {
        &self.outcome
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.outcome {
            LogoutOutcome::Answered { status, .. } => Some(*status),
            LogoutOutcome::Lost(_) => None,
        }
    }

    /// Whether the client says that it has ended the session: 200, or 204 as some frameworks answer for it
    /// ([Back-Channel Logout § 2.8](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse)).
    pub fn was_taken(&self) -> bool {
        matches!(self.status(), Some(StatusCode::OK | StatusCode::NO_CONTENT))
    }
}

impl fmt::Debug for LogoutDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutDelivery")
            .field("client_id", &self.client_id)
            .field("uri", &self.uri)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

type Site =
    Box<dyn Fn(Request<Full<Bytes>>) -> Boxed<'static, Result<Response<Bytes>, String>> + Send>;

/// How clients are reached.
#[derive(Default)]
pub(super) struct Sites {
    in_process: Vec<(Origin, Site)>,
    pub(super) client: Option<Arc<dyn DynHttpClient>>,
    /// Whether the provider listens on a port, and its clients may then as well.
    pub(super) on_a_port: bool,
}

impl DevProvider {
    /// Logout tokens for addresses of `origin`, such as `https://app.test`, are handed to this service, without a port. A
    /// second service of the same origin takes the place of the first.
    ///
    /// # Panics
    ///
    /// If `origin` is no http or https address.
    pub fn reach<S, R>(&self, origin: &str, service: S)
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        R: Body + Send + 'static,
        R::Data: Send,
        R::Error: fmt::Debug,
    {
        let origin = match Url::parse(origin).map(|url| url.origin()) {
            Ok(origin) if origin.is_tuple() => origin,
            _ => {
                panic!("{origin:?} must be the origin of an application, such as https://app.test")
            }
        };
        let answer = move |request| -> Boxed<'static, Result<Response<Bytes>, String>> {
            let mut service = service.clone();
            Box::pin(async move {
                let ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
                let response = match ready {
                    Ok(()) => service.call(request).await,
                    Err(never) => match never {},
                };
                let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
                let body = body.collect().await;
                let body = body.map_err(|error| format!("the answer broke off: {error:?}"))?;
                Ok(Response::from_parts(parts, body.to_bytes()))
            })
        };
        let mut state = self.state();
        let known = &mut state.logouts.sites.in_process;
        known.retain(|(other, _)| *other != origin);
        known.push((origin, Box::new(answer)));
    }

    /// What logout tokens are sent by, where no service [was named](Self::reach). On a port, and with the feature
    /// `reqwest`, that is a client which trusts the system's authorities.
    pub fn reach_by(&self, client: impl HttpClient) {
        self.state().logouts.sites.client = Some(Arc::new(client));
    }

    /// The latest logout tokens that were sent, and what was answered: a hundred at most, the oldest first.
    pub fn deliveries(&self) -> Vec<LogoutDelivery> {
        self.state().logouts.sent.iter().cloned().collect()
    }

    /// Tells everybody, in a task that ends by itself whoever waits for it.
    pub(super) async fn send(&self, ended: Ended) -> Vec<LogoutDelivery> {
        if ended.letters.is_empty() {
            return Vec::new();
        }
        let provider = self.clone();
        let all = tokio::spawn(async move { provider.send_all(ended.letters).await });
        all.await.unwrap_or_default()
    }

    async fn send_all(self, letters: Vec<Letter>) -> Vec<LogoutDelivery> {
        let mut letters = letters.into_iter().enumerate();
        let mut done = Vec::new();
        let mut going = JoinSet::new();
        loop {
            while going.len() < AT_ONCE
                && let Some((place, letter)) = letters.next()
            {
                let provider = self.clone();
                going.spawn(async move { (place, provider.send_one(letter).await) });
            }
            match going.join_next().await {
                Some(sent) => done.extend(sent.ok()),
                None => break,
            }
        }
        done.sort_by_key(|(place, _)| *place);
        done.into_iter()
            .flat_map(|(_, deliveries)| deliveries)
            .collect()
    }

    async fn send_one(&self, letter: Letter) -> Vec<LogoutDelivery> {
        let times = match self.does_at_logout(LogoutHabit::Twice) {
            true => 2,
            false => 1,
        };
        let mut deliveries = Vec::new();
        for _ in 0..times {
            let outcome = match self.post(&letter).await {
                Ok(response) => LogoutOutcome::Answered {
                    status: response.status(),
                    body: String::from_utf8_lossy(response.body()).into_owned(),
                },
                Err(why) => LogoutOutcome::Lost(why),
            };
            let delivery = LogoutDelivery {
                client_id: letter.client_id.clone(),
                uri: letter.uri.clone(),
                token: letter.token.clone(),
                outcome,
            };
            tracing::info!(
                client = delivery.client_id,
                uri = delivery.uri,
                outcome = ?delivery.outcome,
                "logout token sent"
            );
            let mut state = self.state();
            let sent = &mut state.logouts.sent;
            if sent.len() >= REMEMBERED {
                sent.pop_front();
            }
            sent.push_back(delivery.clone());
            drop(state);
            deliveries.push(delivery);
        }
        deliveries
    }

    async fn post(&self, letter: &Letter) -> Result<Response<Bytes>, String> {
        let url =
            Url::parse(&letter.uri).map_err(|error| format!("the address is none: {error}"))?;
        let form = match self.does_at_logout(LogoutHabit::Charset) {
            true => "application/x-www-form-urlencoded; charset=UTF-8",
            false => "application/x-www-form-urlencoded",
        };
        let body = format!("logout_token={}", encode(&letter.token));
        let request = |uri: &str| {
            Request::post(uri)
                .header(header::CONTENT_TYPE, form)
                .header(header::ACCEPT, "*/*")
        };
        let unfit = |error: http::Error| format!("the request cannot be made: {error}");
        // The future is made under the lock and runs without it.
        let in_process = {
            let state = self.state();
            let mut sites = state.logouts.sites.in_process.iter();
            match sites.find(|(origin, _)| *origin == url.origin()) {
                Some((_, answer)) => {
                    let request = request(&url[Position::BeforePath..Position::AfterQuery])
                        .header(
                            header::HOST,
                            &url[Position::BeforeHost..Position::AfterPort],
                        )
                        .body(Full::new(Bytes::from(body.clone())))
                        .map_err(unfit)?;
                    Some(answer(request))
                }
                None => None,
            }
        };
        if let Some(answer) = in_process {
            return match tokio::time::timeout(DEADLINE, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
            };
        }
        let client = self.client().ok_or_else(|| {
            format!(
                "nothing leads to {}: name its service with DevProvider::reach, or a client with reach_by",
                url.origin().ascii_serialization()
            )
        })?;
        let mut exchange = Exchange::new(
            request(url.as_str())
                .body(body.into_bytes())
                .map_err(unfit)?,
        );
        exchange.deadline = DEADLINE;
        exchange.max_body_bytes = MAX_ANSWER;
        match client.send(exchange).await {
            Ok(response) => Ok(response.map(Bytes::from)),
            Err(error) => Err(match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }

    fn client(&self) -> Option<Arc<dyn DynHttpClient>> {
        let mut state = self.state();
        let sites = &mut state.logouts.sites;
        #[cfg(feature = "reqwest")]
        if sites.client.is_none() && sites.on_a_port {
            sites.client = crate::ReqwestClient::new()
                .ok()
                .map(|client| Arc::new(client) as _);
        }
        sites.client.clone()
    }
}
