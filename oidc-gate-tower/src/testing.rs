//! For applications of their own tests.
