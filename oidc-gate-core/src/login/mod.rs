//! The conversations of a relying party.

mod return_to;

pub use return_to::ReturnTo;
