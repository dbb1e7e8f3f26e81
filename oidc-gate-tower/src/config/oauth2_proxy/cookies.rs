//! Cookies, and how long a session lives in them.

use super::{
    super::{
        parse,
        reader::Reader,
        settings::secret_file,
        value::{Said, Value},
    },
    Options, redis,
    said::{Done, is_set, texts},
};
use crate::core::session::CookieKeys;
use std::time::Duration;

pub(super) fn cookie_secret(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let secret = parse::secret(said.value.clone())?;
    if let Some(own) = &reader.settings.cookie_secret {
        return Err(format!(
            "{} says it too, in other names; keep one of the two",
            own.place
        ));
    }
    let (keys, bytes) = CookieKeys::stretched(secret.expose()).map_err(|problem| {
        reader.settings.failed.push("cookie_secret");
        problem.to_string()
    })?;
    reader
        .report
        .understood
        .push(format!("cookie_secret from {}", said.place));
    if bytes < 32 {
        reader.changed(
            &said,
            &format!(
                "{bytes} bytes, from which keys are derived that are no harder to guess; better make one with `openssl rand -base64 32`"
            ),
        );
    }
    reader.settings.cookie_secret = Some(Said::new(keys, said.place));
    Ok(())
}

pub(super) fn cookie_secret_file(
    reader: &mut Reader,
    said: Said<Value>,
    options: &Options,
) -> Done {
    if let Some(plain) = options.get("cookie-secret") {
        return Err(format!("{} says it too; keep one of the two", plain.place));
    }
    let path = parse::text(said.value.clone())?;
    let read = secret_file(&path).inspect_err(|_| reader.settings.failed.push("cookie_secret"));
    cookie_secret(reader, Said::new(read?, said.place), options)
}

pub(super) fn cookie_domain(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    match texts(&said)?.as_slice() {
        [one] => reader.take_text("cookie_domain", one.trim_start_matches('.'), &said),
        _ => return Err("names several domains, and which of them counts would be the request's to say; name one".to_owned()),
    }
    Ok(())
}

pub(super) const WEEK: &str = "168h";

pub(super) fn cookie_expire(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    let mut value = said.value.clone();
    if parse::duration(value.clone())? == Duration::ZERO {
        reader.changed(
            &said,
            "0 is taken for 168h, and the browser forgets the session when it is closed: it ends at some time, whatever the \
             browser does",
        );
        value = Value::Text(WEEK.to_owned());
        let forgotten = Value::Text("browser_session".to_owned());
        reader.take("cookie_lifetime", Said::new(forgotten, said.place.clone()));
    }
    let value = Said::new(value, said.place);
    if reader.settings.session_idle.is_none() {
        reader.take("session_idle", value.clone());
    }
    reader.take("session_lifetime", value);
    Ok(())
}

pub(super) fn cookie_refresh(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if parse::duration(said.value.clone())? == Duration::ZERO {
        return Ok(());
    }
    if is_set(options, "session-cookie-minimal") && !redis::is_chosen(options) {
        return Err(
            "needs refresh tokens, and session_cookie_minimal keeps none; remove one of the two"
                .to_owned(),
        );
    }
    reader.take("refresh_every", said.clone());
    let dropped = match redis::is_chosen(options) || reader.settings.coordinator.is_some() {
        true => "",
        false => {
            "; with sessions in cookies alone a user whom the provider has dropped stays until cookie_expire, because another \
             process could have used the token up: with session_store_type = \"redis\", or `coordinator` of our own names, the \
             session ends"
        }
    };
    reader.changed(
        &said,
        &format!(
            "tokens are renewed before an access token ends, too, and an outage of the provider ends no session{dropped}"
        ),
    );
    Ok(())
}

/// Without tokens a session is small, and nothing is there to be renewed or passed on.
pub(super) fn minimal(reader: &mut Reader, said: Said<Value>, options: &Options) -> Done {
    if !parse::flag(said.value.clone())? {
        return Ok(());
    }
    if redis::is_chosen(options) {
        reader.report.absent.push(format!(
            "{}: is about sessions in cookies, as there",
            said.place
        ));
        return Ok(());
    }
    let wants = [
        "pass-access-token",
        "pass-authorization-header",
        "set-authorization-header",
    ];
    if let Some(flag) = wants.into_iter().find(|flag| is_set(options, flag)) {
        return Err(format!(
            "leaves out the tokens that {} is to pass on; remove one of the two",
            flag.replace('-', "_")
        ));
    }
    reader.take_text("keep_tokens", "none", &said);
    Ok(())
}

pub(super) fn same_site(reader: &mut Reader, said: Said<Value>, _: &Options) -> Done {
    if parse::text(said.value.clone())? == "none" {
        reader.changed(
            &said,
            "none is taken for lax: with it any site could act for the user",
        );
        return Ok(());
    }
    reader.take("same_site", said);
    Ok(())
}
