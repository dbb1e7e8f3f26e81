//! What a page has to say, and the words for it.

use crate::core::check::Check;
use http::StatusCode;
use std::borrow::Cow;

macro_rules! messages {
    ($($(#[doc = $doc:literal])* $name:ident { $title:literal, $text:literal, $action:literal $(,)? })*) => {
        /// What a page has to say. Closed: nothing of a request or of the provider's answer becomes one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Message { $($(#[doc = $doc])* $name),* }

        impl Message {
            /// Every one there is.
            pub const ALL: &[Message] = &[$(Message::$name),*];

            /// The words for it in English.
            pub fn english(self) -> Words {
                match self { $(Self::$name => Words::new($title, $text, $action)),* }
            }
        }
    };
}

messages! {
    /// The sign-in page: how to sign in.
    SignIn { "Sign in", "You are led to the sign-in service and back.", "Sign in" }
    /// Whether to sign out. `{name}` is who is signed in.
    SignOut { "Sign out?", "You are signed in as {name}.", "Sign out" }
    /// The session has ended.
    SignedOut {
        "You are signed out",
        "You may still be signed in at the sign-in service, so signing in again can be quick.",
        "Sign in again",
    }
    /// The session has ended, and the provider could not be asked to end the one there.
    SignedOutHere {
        "You are signed out here",
        "The sign-in service does not answer, so you may still be signed in there.",
        "Try again",
    }
    /// The browser goes on by itself.
    OneMoment { "One moment", "You are being led on.", "Go on" }
    /// Who is signed in may not open the page.
    Forbidden {
        "You cannot open this page",
        "You are signed in, but your account does not have access to it.",
        "Sign in as someone else",
    }
    /// Another site has sent the request.
    CrossSite {
        "This request was stopped",
        "It did not come from this application’s own pages, so it was not carried out.",
        "Go to the application",
    }
    /// The user or the provider said no.
    Declined {
        "You were not signed in",
        "The sign-in was cancelled, or your account may not use this application.",
        "Try again",
    }
    /// A login that was to ask nothing would have to.
    NotSilently {
        "You were not signed in",
        "The sign-in service would have to ask you something first, and did not.",
        "Sign in",
    }
    /// The sign-in was weaker or older than asked for.
    TooWeak {
        "You were not signed in",
        "This page asks for a stronger or a more recent sign-in than the sign-in service has given.",
        "Try again",
    }
    /// A form was sent that asks for a stronger or a more recent sign-in.
    SignInAgain {
        "Sign in again to go on",
        "What you were about to do asks for a stronger or a more recent sign-in. It was not done. Sign in, then repeat it.",
        "Sign in again",
    }
    /// Who is signed in was asked for a stronger or a more recent sign-in, which did not come about.
    NotProven {
        "Nothing has changed",
        "The page asks for a stronger or a more recent sign-in. It was cancelled, or the sign-in service has given less.",
        "Go to the application",
    }
    /// Who is signed in was asked to sign in again, and somebody else has.
    AnotherUser {
        "You signed in as someone else",
        "The one who is signed in here was asked to sign in again. Nothing has changed.",
        "Go to the application",
    }
    /// A login from outside means another provider.
    OtherProvider {
        "This link does not work here",
        "It is meant for another sign-in service than the one that this application uses.",
        "Go to the application",
    }
    /// The login has expired, was finished before, or began in another browser.
    SignInOver {
        "This sign-in is over",
        "It took too long, was finished already, or began in another browser. Cookies have to be on.",
        "Sign in again",
    }
    /// The provider has ended the user's session while the login was under way.
    SignedOutMeanwhile {
        "You have been signed out",
        "Your sign-in service signed you out while you were signing in here.",
        "Sign in again",
    }
    /// Logins end well again and again, and no session is there.
    Circle {
        "Signing in leads round in circles",
        "You were signed in several times within a minute, and each time the application asked again. Cookies have to be on.",
        "Try again",
    }
    /// What is known of the user does not fit into cookies.
    TooLarge {
        "You were not signed in",
        "Your account carries more than this application can keep.",
        "Try again",
    }
    /// The account has no email address.
    EmailMissing {
        "You were not signed in",
        "This application needs your email address, and your account has none. Add one to your account, then try again.",
        "Try again",
    }
    /// The account's email address is not confirmed.
    EmailUnverified {
        "You were not signed in",
        "This application needs an email address that is confirmed. Confirm the one of your account, then try again.",
        "Try again",
    }
    /// There is nothing at this address.
    NotFound { "There is no such page", "The address does not exist.", "Go to the application" }
    /// The address takes no such request.
    NotTaken {
        "This does not work",
        "The address does not take this kind of request.",
        "Go to the application",
    }
    /// What a request says of who has sent it cannot be read.
    Unreadable {
        "This request cannot be read",
        "What it says about who has sent it has no form that this application knows.",
        "Go to the application",
    }
    /// Nobody is signed in, and this is no place to begin a login.
    NotSignedIn {
        "You are not signed in",
        "Your sign-in may have ended. Sign in, then try again.",
        "Sign in",
    }
    /// Application and provider do not fit together.
    Misfit {
        "Signing in is not set up right",
        "This application and the sign-in service do not fit together. Whoever runs the application has to look at it.",
        "Try again",
    }
    /// The provider does not answer.
    Unavailable {
        "Signing in is not possible right now",
        "The sign-in service does not answer. Please try again in a moment.",
        "Try again",
    }
    /// The account does not fulfil what is asked for at every sign-in.
    NotEntitled {
        "You were not signed in",
        "Your account does not fulfil what this application asks for.",
        "Try again",
    }
    /// Something else went wrong.
    Failed {
        "Signing in did not work",
        "Something went wrong between this application and the sign-in service.",
        "Try again",
    }
}

impl Message {
    /// What is said of a check that failed, in an answer of this status.
    pub(crate) fn of(check: Check, status: StatusCode) -> Self {
        match (check, status) {
            (Check::Forbidden, _) => Self::Forbidden,
            (Check::StepUp, _) => Self::SignInAgain,
            (Check::AnotherUser, _) => Self::AnotherUser,
            (Check::CrossSite, _) => Self::CrossSite,
            (Check::AccessDenied, _) => Self::Declined,
            (Check::LoginRequired, _) => Self::NotSilently,
            (Check::IdTokenAcr | Check::IdTokenAuthTime, _) => Self::TooWeak,
            (Check::InitiatorIssuer, _) => Self::OtherProvider,
            (
                Check::StateMissing
                | Check::StateUnknown
                | Check::StateReplayed
                | Check::TransactionExpired,
                _,
            ) => Self::SignInOver,
            (Check::LoginLoop, _) => Self::Circle,
            (Check::SignedOutMeanwhile, _) => Self::SignedOutMeanwhile,
            (Check::SessionTooLarge, _) => Self::TooLarge,
            (Check::EmailMissing, _) => Self::EmailMissing,
            (Check::EmailUnverified, _) => Self::EmailUnverified,
            (Check::UnknownEndpoint, _) => Self::NotFound,
            (Check::BearerHeader, _) => Self::Unreadable,
            (
                _,
                StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ) => Self::NotTaken,
            (_, StatusCode::UNAUTHORIZED) => Self::NotSignedIn,
            (
                Check::ProviderIssuer
                | Check::CodeFlowUnsupported
                | Check::PkceUnsupported
                | Check::ClaimsUnsupported
                | Check::ClientAuthUnsupported
                | Check::NoCommonAlgorithm
                | Check::ResponseModeUnsupported
                | Check::UserinfoUnsupported,
                _,
            ) => Self::Misfit,
            (_, StatusCode::SERVICE_UNAVAILABLE) => Self::Unavailable,
            (_, StatusCode::FORBIDDEN) => Self::NotEntitled,
            _ => Self::Failed,
        }
    }
}

/// The words of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Words {
    /// Title and heading.
    pub title: Cow<'static, str>,
    /// The sentence below. `{name}` stands for who is signed in, where the page knows somebody.
    pub text: Cow<'static, str>,
    /// What is on the button.
    pub action: Cow<'static, str>,
}

impl Words {
    /// These words.
    pub fn new(
        title: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
        action: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            action: action.into(),
        }
    }
}

/// The language of a [`Branding`](super::Branding): its tag, the words for every message, and the sentence that tells a
/// reference.
///
/// ```
/// use oidc_gate_tower::pages::{Language, Message, Words};
///
/// let german = Language::new("de", |message| match message {
///     Message::SignIn => Words::new("Anmelden", "Es geht weiter zum Anmeldedienst.", "Anmelden"),
///     other => other.english(),
/// })
/// .reference("Falls es wieder geschieht, nennen Sie dem Betreiber {reference}.");
/// assert_eq!(german.words(Message::SignIn).title, "Anmelden");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Language {
    tag: &'static str,
    words: fn(Message) -> Words,
    reference: &'static str,
}

impl Language {
    /// A language by its tag (`de`, `pt-BR`) and its words.
    pub fn new(tag: &'static str, words: fn(Message) -> Words) -> Self {
        Self {
            tag,
            words,
            ..Self::english()
        }
    }

    /// English.
    pub fn english() -> Self {
        Self {
            tag: "en",
            words: Message::english,
            reference: "If it happens again, tell whoever runs this application the reference {reference}.",
        }
    }

    /// The sentence that tells the reference of an event in the log; `{reference}` stands for it.
    #[must_use]
    pub fn reference(self, sentence: &'static str) -> Self {
        Self {
            reference: sentence,
            ..self
        }
    }

    /// The words for a message.
    pub fn words(&self, message: Message) -> Words {
        (self.words)(message)
    }

    pub(super) fn tag(&self) -> &'static str {
        self.tag
    }

    pub(super) fn sentence_of_reference(&self) -> &'static str {
        self.reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_words_of_its_own() {
        let mut seen = Vec::new();
        for message in Message::ALL {
            let words = message.english();
            for text in [&words.title, &words.text, &words.action] {
                assert!(!text.trim().is_empty(), "{message:?}");
            }
            assert!(!seen.contains(&words), "{message:?}");
            seen.push(words);
        }
        assert!(
            Language::english()
                .sentence_of_reference()
                .contains("{reference}")
        );
    }
}
