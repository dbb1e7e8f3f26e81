//! Two replicas, one Redis; and a store of one's own. Issuer, client and cookie keys come from `OIDC_GATE_…`, alike for both.
use axum::{Router, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, ConfigError, Gate, GateExt as _, SessionBackend, Store, StoreError,
};
use std::{collections::HashMap, env::var, sync::Mutex, time::Duration};
use tokio::net::TcpListener;

type Versioned = (Vec<u8>, u64);

#[derive(Default)]
struct Mine(Mutex<HashMap<[u8; 32], Versioned>>);
impl SessionBackend for Mine {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<Versioned>, StoreError> {
        let all = self.0.lock().map_err(|_| StoreError::unavailable("lost"))?;
        Ok(all.get(key).cloned())
    }
    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        _keep: Duration, // nothing is cleared up here
    ) -> Result<bool, StoreError> {
        let mut all = self.0.lock().map_err(|_| StoreError::unavailable("lost"))?;
        if all.get(key).map_or(0, |(_, version)| *version) != seen {
            return Ok(false);
        }
        all.insert(*key, (value, seen + 1));
        Ok(true)
    }
}
fn gate(store: Store) -> Result<Gate, ConfigError> {
    Gate::builder().env().store(store).build()
}
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::redis(var("REDIS")?).local_cache(Duration::from_secs(2));
    let (a, b) = (gate(store.clone())?, gate(Store::custom(Mine::default()))?);
    let app = |g: &Gate| {
        g.protect(Router::new().route(
            "/",
            get(|u: AuthenticatedUser| async move { u.display_name().to_owned() }),
        ))
    };
    let (la, lb) = (var("LISTEN_A")?, var("LISTEN_B")?);
    let (la, lb) = (TcpListener::bind(la).await?, TcpListener::bind(lb).await?);
    tokio::try_join!(async { axum::serve(la, app(&a)).await }, async {
        axum::serve(lb, app(&b)).await
    })?;
    Ok(())
}
