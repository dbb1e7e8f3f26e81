//! The pages of the quickstart: plain HTML, no script, a strict content security policy.

use axum::{
    http::{HeaderName, header},
    response::{Html, IntoResponse, Response},
};
use oidc_gate_axum::{AuthenticatedUser, Identity};
use std::fmt::Write as _;

/// Says on the terminal who can sign in.
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
pub(crate) fn say_who(users: impl IntoIterator<Item = impl std::borrow::Borrow<Identity>>) {
    println!("\n  Demo users (no password):");
    for user in users {
        let user = user.borrow();
        let groups: Vec<_> = user.groups().collect();
        println!(
            "    {:<8} {:<14} {}",
            user.subject(),
            user.display_name(),
            groups.join(", ")
        );
    }
}

/// Says on the terminal what to open.
#[expect(clippy::print_stdout, reason = "a program talks to its user")]
pub(crate) fn say_where(port: u16) {
    println!("\n  Open http://localhost:{port}/ in a browser. Ctrl-C stops it.\n");
}

/// Anyone sees this one.
pub(crate) fn home(user: Option<&AuthenticatedUser>) -> Response {
    let (greeting, links) = match user {
        Some(user) => (
            format!("<p class=\"lead\">You are signed in as <strong>{}</strong>.</p>", escape(user.display_name())),
            "<p><a class=\"button\" href=\"/me\">Your account</a></p>",
        ),
        None => (
            "<p class=\"lead\">You are not signed in. This page is open to everybody; your account is not.</p>".to_owned(),
            "<p><a class=\"button\" href=\"/me\">Sign in to your account</a></p>",
        ),
    };
    page("Welcome", &format!("{greeting}\n{links}"))
}

/// Only a signed-in user sees this one.
pub(crate) fn me(user: &AuthenticatedUser) -> Response {
    let mut body = String::from("<dl>\n");
    let email = user.email().map(|address| {
        let state = if user.email_verified() {
            "verified"
        } else {
            "not verified"
        };
        format!("{} <small>{state}</small>", escape(address))
    });
    let groups = user
        .groups()
        .map(|group| format!("<li>{}</li>", escape(group)))
        .collect::<String>();
    for (term, html) in [
        ("Name", user.name().map(escape)),
        ("Email", email),
        (
            "Groups",
            Some(format!("<ul>{groups}</ul>")).filter(|_| !groups.is_empty()),
        ),
        (
            "Subject",
            Some(format!("<code>{}</code>", escape(user.subject()))),
        ),
        (
            "Issuer",
            Some(format!("<code>{}</code>", escape(user.issuer()))),
        ),
    ] {
        let html = html.unwrap_or_else(|| "<em>none</em>".to_owned());
        // Writing to a String cannot fail.
        let _ = writeln!(body, "<dt>{term}</dt><dd>{html}</dd>");
    }
    let claims = user
        .claims()
        .iter()
        .fold(String::new(), |mut rows, (name, value)| {
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>",
                escape(name),
                escape(&value.to_string())
            );
            rows
        });
    let _ = write!(
        body,
        "</dl>\n<h2 id=\"claims\">Claims</h2>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"claims\" \
         tabindex=\"0\">\n<table><tbody>\n{claims}</tbody></table>\n</div>\n\
         <form method=\"post\" action=\"/oauth2/sign_out\"><button>Sign out</button></form>"
    );
    page(&format!("Hello, {}", user.display_name()), &body)
}

/// The look of both pages.
pub(crate) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css")],
        include_str!("style.css"),
    )
}

fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    (
        [
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
        ],
        Html(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <link rel=\"stylesheet\" href=\"/style.css\">\n<link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n\
             <header><nav aria-label=\"Main\"><a href=\"/\">Home</a> <a href=\"/me\">Account</a></nav></header>\n\
             <main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
        )),
    )
        .into_response()
}

/// Text, fit to stand in an element or a quoted attribute.
fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut html, c| {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                _ => html.push(c),
            }
            html
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use oidc_gate_axum::testing;

    async fn html(response: Response) -> String {
        let body = response.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    /// What providers let their users choose.
    fn hostile() -> AuthenticatedUser {
        let evil = "<script>alert(1)</script>\"'&";
        AuthenticatedUser::fake(
            testing::user(evil)
                .name(evil)
                .email(evil)
                .preferred_username(evil)
                .group(evil)
                .claim(evil, evil)
                .build(),
        )
    }

    #[tokio::test]
    async fn nothing_that_a_user_chose_is_markup() {
        let user = hostile();
        for page in [home(Some(&user)), me(&user)] {
            let html = html(page).await;
            let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;";
            assert!(html.contains(escaped), "{html}");
            assert!(!html.contains("<script"), "{html}");
            // Neither does it end an attribute: every quote is one of the page's own.
            assert!(
                !html.contains("script>\"") && !html.contains("\"'"),
                "{html}"
            );
        }
    }

    #[tokio::test]
    async fn pages_run_no_script_and_cannot_be_framed() {
        let page = me(&hostile());
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(
            !policy.contains("script-src") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}
