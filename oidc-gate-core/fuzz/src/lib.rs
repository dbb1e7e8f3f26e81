//! What comes from outside, made up at random. Each target is a function that takes any bytes and panics where
//! `oidc-gate-core` breaks a promise: it panics itself, or another implementation reads the same text otherwise.

mod basic;
mod callback;
mod certificate;
mod certificate_header;
mod cookies;
mod distinguished_name;
mod form;
mod id_token;
mod jwks;
mod jws;
mod logout_request;
mod logout_token;
mod metadata;
mod path;
mod return_to;
mod state;
mod token_request;
mod token_response;
mod userinfo;

pub use basic::basic;
pub use callback::callback;
pub use certificate::certificate;
pub use certificate_header::certificate_header;
pub use cookies::cookies;
pub use distinguished_name::distinguished_name;
pub use form::form;
pub use id_token::id_token;
pub use jwks::jwks;
pub use jws::jws;
pub use logout_request::logout_request;
pub use logout_token::logout_token;
pub use metadata::metadata;
pub use path::path;
pub use return_to::return_to;
pub use state::state;
pub use token_request::token_request;
pub use token_response::token_response;
pub use userinfo::userinfo;

/// A target: any bytes go in, and nothing comes out but a panic.
pub type Target = fn(&[u8]);

/// Every target and its name, which is also that of its program and of the directory of its seeds.
pub const TARGETS: [(&str, Target); 19] = [
    ("basic", basic),
    ("callback", callback),
    ("certificate", certificate),
    ("certificate_header", certificate_header),
    ("cookies", cookies),
    ("distinguished_name", distinguished_name),
    ("form", form),
    ("id_token", id_token),
    ("jwks", jwks),
    ("jws", jws),
    ("logout_request", logout_request),
    ("logout_token", logout_token),
    ("metadata", metadata),
    ("path", path),
    ("return_to", return_to),
    ("state", state),
    ("token_request", token_request),
    ("token_response", token_response),
    ("userinfo", userinfo),
];

#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// The program of a target, for libFuzzer.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name(data));
    };
}

/// The program of a target without libFuzzer: runs the files that it is given, such as an input that was found.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$name(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}

/// The first line and what follows it.
fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
