//! From a code to a session.

use super::Failed;
use crate::{
    core::{
        login::{Asked, Grant, ReturnTo, SignIn},
        session::{Landings, Predecessor, SetCookie, coordinate::Changed},
    },
    metrics::EndedBy,
    report,
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

/// Redeems the code. Whatever comes of it, the code is used up then.
pub(super) async fn redeem(
    sessions: &Arc<Sessions>,
    grant: Box<Grant>,
    before: Vec<Predecessor>,
    headers: &HeaderMap,
) -> Result<(ReturnTo, Vec<SetCookie>), Failed> {
    // Before the code is sent: nothing is to come of a login that would take the place of somebody else's session.
    grant.beside(&before)?;
    let metadata = sessions.upstream.metadata().await?;
    let (registration, rules) = (
        sessions.upstream.registration().clone(),
        sessions.upstream.rules().clone(),
    );
    let signed_in = sessions
        .upstream
        .drive(SignIn::new(metadata, registration, rules, *grant))
        .await
        .inspect_err(|failed| sessions.upstream.failed(failed.check()))?;
    if let Asked::Declined(why) = &signed_in.userinfo {
        report::userinfo_declined(why, signed_in.identity.issuer());
    }
    let now = sessions.now();
    let return_to = signed_in.return_to.clone();
    // Before anything is changed: a session that does not fit into its cookies is a login that failed.
    let (session, mut cookies) = sessions.signed_in(signed_in, now, headers).await?;
    let keys = sessions.keys.now();
    let landings = Landings::of(headers, &keys, &sessions.names, now).and_now(now);
    cookies.push(landings.seal(&keys, &sessions.names)?);
    // Another user took over this browser: what is left of those before must not come back, nor stand beside the new
    // session and leave nobody recognised. The same user's other tabs may still be sending the old cookie, and lose
    // nothing by it.
    for before in &before {
        let (key, ends) = (before.key(), before.ends());
        // What cannot be written now is no reason to lose the login: without its cookie it does not come back by itself.
        let _ = if before.is_of(session.identity()) {
            sessions.outlive(key, ends).await
        } else {
            let ended = sessions.end(key, ends).await;
            if let Ok(Changed::Yes) = ended {
                sessions.common.metrics.session_ended(EndedBy::AnotherUser);
            }
            ended
        };
    }
    let (issuer, user) = (
        session.identity().issuer(),
        report::user(session.identity()),
    );
    sessions.common.metrics.login_succeeded();
    tracing::info!(issuer, user, ?return_to, "a user signed in");
    Ok((return_to, cookies))
}
