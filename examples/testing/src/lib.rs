//! A small application, and in `tests.rs` the ways to test it: without a provider, and with one, without ports.
use axum::{Router, routing::get};
use oidc_gate_axum::{AuthenticatedUser, Claims, Has, Permission, Requirement, group};
use serde::Deserialize;

#[derive(Deserialize)]
struct Staff {
    department: String,
}
async fn me(user: AuthenticatedUser, Claims(staff): Claims<Staff>) -> String {
    format!("{} of {}", user.display_name(), staff.department)
}
struct Admin;
impl Permission for Admin {
    fn requirement() -> Requirement {
        group("admins")
    }
}
async fn admin(user: Has<Admin>) -> String {
    user.subject().to_owned()
}
async fn home(user: Option<AuthenticatedUser>) -> &'static str {
    if user.is_some() { "in" } else { "out" }
}

/// The application. Its `main` puts the gate around it.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/admin", get(admin))
}

#[cfg(test)]
mod tests;
