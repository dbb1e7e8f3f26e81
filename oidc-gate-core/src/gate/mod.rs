//! What happens to a request: which rules apply to it, who may pass, what the others are told.
//!
//! [`Policy::compile`] checks the rules once. [`Policy::route`] then says which of them apply to a request, and
//! [`Policy::decide`] what happens, given the credential that was found; both are pure. Around them:
//! [`strip_identity_headers`] is done to every request, and [`Policy::answer_demand`] answers a refusal from inside the
//! application the way the gate answers its own.
//!
//! ```
//! use http::{HeaderMap, Method, Uri};
//! use oidc_gate_core::gate::{
//!     Caller, Credential, Head, Pattern, Policy, PolicySettings, Route, Target, Verdict, group,
//! };
//! use oidc_gate_core::time::UnixTime;
//!
//! let policy = Policy::compile(
//!     PolicySettings::new()
//!         .open(Pattern::get("/"))
//!         .bypass(Pattern::prefix("/assets"))
//!         .require(Pattern::prefix("/admin"), group("admins")),
//! )
//! .unwrap();
//!
//! let (uri, headers) = (Uri::from_static("/assets/logo.svg"), HeaderMap::new());
//! let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
//! let route = policy.route(&head);
//! assert_eq!(route, Route::Bypass);
//! let decision = policy.decide(&head, &route, Credential::None, UnixTime::from_secs(0));
//! assert_eq!(decision.verdict, Verdict::Admit(Caller::Bypassed));
//! ```

mod asker;
mod client_address;
mod credential;
mod csrf;
mod decide;
mod decision;
mod email;
mod explain;
mod families;
mod forwarded;
mod head;
mod hygiene;
mod identity_headers;
mod matcher;
mod narrow;
mod path;
mod pattern;
mod policy;
mod polling;
mod preflight;
mod requirement;
mod route;
mod settings;
mod table;

pub use crate::session::Freshness;
pub use asker::{Asker, Asking, LedBy};
pub use client_address::{AddressHeader, TrustedProxies};
pub use credential::{BearerVerdict, Credential, Demand, LiveSession, SessionView};
pub use csrf::{CrossSite, cross_site};
pub use decision::{
    AnswerForm, Cache, Caller, Challenge, ChallengeError, Decision, Refusal, Scheme, SessionEffect,
    Verdict,
};
pub use explain::Explanation;
pub use head::{Head, Target};
pub use hygiene::{STRIPPED, Stripped, Stripping, is_stripped, strip_identity_headers};
pub use identity_headers::{
    CallerTokens, HeaderProblem, HeaderSource, HeaderWriter, IdentityHeaders,
};
pub use narrow::Narrow;
pub use path::{Ambiguity, Clarity};
pub use pattern::Pattern;
pub use policy::Policy;
pub use preflight::Preflights;
pub use requirement::{
    Requirement, StepUp, Unmet, acr, claim, email, email_domain, email_in, group, max_age,
    predicate, role, scope, signed_in, user,
};
pub use route::{Endpoint, Requirements, Route};
pub use settings::{Accepts, InvalidBearer, PolicySettings, Rule, RuleKind, RuleProblem};
pub use table::RuleTable;
