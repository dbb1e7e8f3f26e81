//! What a theme can change, and what it cannot.

use super::*;
use http::{StatusCode, header::CONTENT_SECURITY_POLICY};

fn page(pages: &dyn Pages, content: &PageContent<'_>) -> (String, String) {
    let response = respond(pages, content);
    let policy = response.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    (
        String::from_utf8(response.into_body().into()).unwrap(),
        policy,
    )
}

fn forbidden() -> PageContent<'static> {
    let way_on = WayOn::link("/oauth2/start?rd=%2F&prompt=login");
    PageContent::new(Message::Forbidden, StatusCode::FORBIDDEN, way_on).referring_to(Some("abcde"))
}

#[test]
fn a_brand_is_text_and_its_pictures_stand_in_the_page() {
    let brand = Branding::new("<Acme> & Co")
        .logo(Logo::svg("<svg/>"))
        .footer("<Acme Ltd.>")
        .link("<Privacy>", "/privacy?a&b");
    assert_eq!(brand.problems(), [""; 0]);
    let (html, policy) = page(&brand, &forbidden());
    let body = html
        .split_once("<body>\n")
        .unwrap()
        .1
        .split_once("\n</body>")
        .unwrap()
        .0;
    assert_eq!(
        body,
        "<main><p class=\"brand\"><img class=\"logo\" src=\"data:image/svg+xml;base64,PHN2Zy8+\" alt=\"\">&lt;Acme&gt; &amp; Co</p>\
         <h1>You cannot open this page</h1>\
         <p>You are signed in, but your account does not have access to it.</p>\
         <div class=\"way\"><a href=\"/oauth2/start?rd=%2F&amp;prompt=login\" class=\"primary\">Sign in as someone else</a></div>\
         <p class=\"soft\">If it happens again, tell whoever runs this application the reference <code>abcde</code>.</p></main>\
         <footer><span>&lt;Acme Ltd.&gt;</span> <a href=\"/privacy?a&amp;b\">&lt;Privacy&gt;</a></footer>"
    );
    assert!(
        html.contains("<title>You cannot open this page · &lt;Acme&gt; &amp; Co</title>"),
        "{html}"
    );
    assert!(
        policy.contains("; img-src data:; form-action 'self';"),
        "{policy}"
    );
    let (_, policy) = page(&Branding::new("Acme"), &forbidden());
    assert!(!policy.contains("img-src"), "{policy}");
}

#[test]
fn an_accent_is_a_colour_in_both_schemes_and_nothing_else() {
    let (html, _) = page(&Branding::new("Acme").accent("#0a7"), &forbidden());
    let style = html
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let rules: Vec<_> = style.lines().rev().take(2).collect();
    assert_eq!(
        rules,
        [
            "@media (prefers-color-scheme: dark) { :root { --accent: #00aa77; --on-accent: #0d1b2e; } }",
            ":root { --accent: #00865e; --on-accent: #ffffff; }",
        ]
    );
    let brand = Branding::new("Acme").accent("red; } body { display: none");
    assert_eq!(
        brand.problems(),
        ["accent \"red; } body { display: none\" is no colour of the form #rgb or #rrggbb"]
    );
}

#[test]
fn a_link_that_would_run_something_is_a_problem_and_not_on_the_page() {
    let brand = Branding::new("Acme").link("Imprint", "javascript:alert(1)");
    assert_eq!(
        brand.problems(),
        [
            "link \"Imprint\" leads to \"javascript:alert(1)\"; expected a path that begins with one slash, or https://, \
             http:// or mailto:"
        ]
    );
    let (html, _) = page(&brand, &forbidden());
    assert!(!html.contains("javascript:"), "{html}");
}

#[test]
fn the_words_can_be_of_another_language_and_values_are_text_in_it() {
    let danish = Language::new("da", |message| match message {
        Message::SignOut => Words::new("Log ud?", "{name}, vil du logge ud?", "Log ud"),
        other => other.english(),
    })
    .reference("Referencen er {reference}.");
    let way_on = WayOn::form("/oauth2/sign_out");
    let content = PageContent::new(Message::SignOut, StatusCode::OK, way_on)
        .about("<b>Dagny</b>")
        .referring_to(Some("abcde"));
    let (html, _) = page(&Branding::default().language(danish), &content);
    for part in [
        "<html lang=\"da\">",
        "<title>Log ud?</title>",
        "<h1>Log ud?</h1><p><strong>&lt;b&gt;Dagny&lt;/b&gt;</strong>, vil du logge ud?</p>",
        "<button class=\"primary\">Log ud</button>",
        "Referencen er <code>abcde</code>.",
    ] {
        assert!(html.contains(part), "{part} {html}");
    }
}

#[test]
fn where_a_page_leads_is_not_the_themes_to_say() {
    struct Bare;
    impl Pages for Bare {
        fn render(&self, _: &PageContent<'_>) -> Document {
            let style = Stylesheet::new("").unwrap();
            Document::new("en", "Bare", &style, Html::new())
        }
    }
    let content = PageContent::new(Message::OneMoment, StatusCode::OK, WayOn::link("/a?b&c"))
        .leading_to("/a?b&c");
    let (html, _) = page(&Bare, &content);
    assert!(
        html.contains("<meta http-equiv=\"refresh\" content=\"0;url=/a?b&amp;c\">"),
        "{html}"
    );
}
