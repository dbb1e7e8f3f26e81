//! A WebSocket and a stream of events that end with the session they belong to, wherever that is ended.
use axum::{
    Router,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    response::{
        Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures_util::{Stream, StreamExt as _, stream};
use oidc_gate_axum::{
    AuthenticatedUser, ConfigError, CookieKeys, Gate, GateBuilder, GateExt as _, SessionEnd, Store,
    dev::DevProvider,
};
use std::{convert::Infallible, env, time::Duration};
use tokio::{net::TcpListener, time};

mod page;

const SECOND: Duration = Duration::from_secs(1);

/// Sessions are where all processes see them, so that a logout that reaches one closes the connections of all.
fn gate(gate: GateBuilder, redis: Option<&str>) -> Result<Gate, ConfigError> {
    let store = redis.map_or_else(Store::memory, Store::redis);
    gate.store(store).backchannel_logout().build()
}

fn app() -> Router {
    Router::new()
        .route("/ws", get(socket))
        .route("/events", get(events))
        .merge(page::routes())
}

async fn socket(user: AuthenticatedUser, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        // Beside the whole conversation, not between its messages: a browser that reads nothing holds up none of it.
        let end = tokio::select! {
            end = user.session_end() => end,
            () = talk(&mut socket, &user) => return,
        };
        let close = async {
            let _ = socket.send(Message::Close(Some(goodbye(end)))).await;
            while let Some(Ok(_)) = socket.recv().await {} // until the browser has closed it, too
        };
        let _ = time::timeout(SECOND, close).await;
    })
}

/// Whatever the application says to its users, until the browser goes away.
async fn talk(socket: &mut WebSocket, user: &AuthenticatedUser) {
    let mut clock = time::interval(SECOND);
    for count in 1_u64.. {
        let text = format!("{count}, {}", user.display_name());
        let next = tokio::select! {
            _ = clock.tick() => socket.send(Message::text(text)).await.is_ok(),
            said = socket.recv() => matches!(said, Some(Ok(_))),
        };
        if !next {
            return;
        }
    }
}

/// What a browser is told: 1008, and it does not come again by itself; 1012, and it does, with the session it has now.
fn goodbye(end: SessionEnd) -> CloseFrame {
    let (code, reason) = match end {
        SessionEnd::Replaced => (close_code::RESTART, "signed in again"),
        SessionEnd::Limit => (close_code::POLICY, "session over"),
        _ => (close_code::POLICY, "signed out"),
    };
    let reason = reason.into();
    CloseFrame { code, reason }
}

async fn events(user: AuthenticatedUser) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let name = user.display_name().to_owned();
    let messages = stream::unfold((time::interval(SECOND), 1), move |(mut clock, count)| {
        let text = format!("{count}, {name}");
        async move {
            clock.tick().await;
            Some((Event::default().data(text), (clock, count + 1)))
        }
    });
    let ends = user.clone();
    let last = stream::once(async move { last_event(ends.session_end().await) });
    let messages = messages.take_until(async move { user.session_ended().await });
    Sse::new(messages.chain(last).map(Ok)).keep_alive(KeepAlive::default())
}

/// `signed-out`, after which a page does not come again. After anything else an `EventSource` does by itself.
fn last_event(end: SessionEnd) -> Event {
    match end {
        SessionEnd::Replaced => Event::default().comment("signed in again").retry(SECOND),
        _ => Event::default()
            .event("signed-out")
            .data(goodbye(end).reason.as_str()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let port = |name, default| env::var(name).map_or(Ok(default), |port| port.parse());
    let listen: u16 = port("PORT", 3000)?;
    let mut settings = Gate::builder()
        .base_url(format!("http://localhost:{listen}"))
        .cookie_keys(CookieKeys::ephemeral());
    if env::var_os("OIDC_GATE_ISSUER_URL").is_none() {
        let provider = DevProvider::demo();
        provider.listen(port("PROVIDER_PORT", 3001)?).await?;
        settings = settings.dev_provider(&provider);
    }
    let gate = gate(settings.env(), env::var("REDIS").ok().as_deref())?;
    let listener = TcpListener::bind(("127.0.0.1", listen)).await?;
    page::say_where(listen);
    Ok(axum::serve(listener, gate.protect(app())).await?)
}

#[cfg(test)]
mod tests;
