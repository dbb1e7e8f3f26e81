//! The published weaknesses of this field, each tried on a gate around a real router. `README.md` lists them.
//!
//! What cannot apply to a relying party or a server of resources as it is here, and why:
//!
//! | published as | why |
//! |---|---|
//! | CVE-2015-9284 | nobody links accounts here |
//! | CVE-2023-29020 | there is no CSRF secret that could outlive a login: requests are judged by where they come from |
//! | CVE-2021-32785 | nothing is stored outside of the process and the browser, so nothing is formatted into a command |
//! | CVE-2026-71326 | no call is shared by requests with different credentials; tokens that were verified are known as a whole |
//! | CVE-2023-37464, CVE-2026-28490, RUSTSEC-2023-0071 | nothing encrypted for this side is ever decrypted |
//! | CVE-2024-21495 | randomness comes from the operating system and the cryptography library; there is no other to choose |
//! | CVE-2021-41230, GHSA-x883-2vmg-xwf7 | a session's claims are those of its sign-in, and its limits end it: nothing is re-evaluated on the way that could be forgotten |
//! | CVE-2022-24797 | no page shows the gate's own state |
//! | CVE-2025-24806, CVE-2026-47203 | nobody types a password here |
//! | CVE-2022-39222, CVE-2020-10770, CVE-2026-41479, CVE-2026-44681 | of a provider's own endpoints |
//! | CVE-2025-27370 | tried in `oidc-gate-tower`: a client's assertion is for the issuer and nobody else |
//! | CVE-2020-15222, CVE-2023-2422, CVE-2023-1664 and others of token endpoints | tried with the server's half, in `oidc-gate-core` |

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod headers;
mod login;
mod redirects;
mod robustness;
mod routing;
mod sessions;
mod table;
mod tokens;
mod world;
