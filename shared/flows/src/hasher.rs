//! Runs password hashes off the async threads, counted.

use std::fmt;
use std::sync::Arc;

use palisade_core::hashing::{self, Argon2Params, Checked, StoredPassword};
use palisade_core::{Fault, Password};

/// Checks passwords at one cost.
#[derive(Clone)]
pub struct Hasher {
    params: Argon2Params,
    before_runs: Arc<dyn Fn(u32) + Send + Sync>,
}

impl Hasher {
    /// A hasher at today's `params`.
    pub fn new(params: Argon2Params) -> Self {
        Self { params, before_runs: Arc::new(|_| ()) }
    }

    /// Tells `observer` how many runs are about to be made, before each check: how tests count them.
    #[must_use]
    pub fn observed(self, observer: impl Fn(u32) + Send + Sync + 'static) -> Self {
        Self { before_runs: Arc::new(observer), ..self }
    }

    /// Checks `password` against what is stored; see [`hashing::verify`] for what it costs.
    pub async fn verify(&self, password: Password, stored: Option<StoredPassword>) -> Result<Checked, Fault> {
        let params = self.params;
        (self.before_runs)(hashing::runs(stored.as_ref(), &params));
        let checked = tokio::task::spawn_blocking(move || hashing::verify(&password, stored.as_ref(), &params)).await;
        match checked {
            Ok(Ok(checked)) => Ok(checked),
            Ok(Err(error)) => Err(Fault::unavailable("password hash", error)),
            Err(_) => Err(Fault::internal("the password hash panicked")),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}
