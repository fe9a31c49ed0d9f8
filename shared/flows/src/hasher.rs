//! Runs password hashes off the async threads, counted.

use std::fmt;
use std::sync::Arc;

use palisade_core::hashing::{self, Cost, HashError, SALT_BYTES, StoredPassword, Verified};
use palisade_core::history::{Compared, Past};
use palisade_core::{Fault, Password};

/// Hashes and checks passwords at one cost.
#[derive(Clone)]
pub struct Hasher {
    cost: Cost,
    before_runs: Arc<dyn Fn(u32) + Send + Sync>,
}

impl Hasher {
    /// A hasher at today's `cost`.
    pub fn new(cost: Cost) -> Self {
        Self { cost, before_runs: Arc::new(|_| ()) }
    }

    /// Tells `observer` how many runs are about to be made, before each check: how tests count them.
    #[must_use]
    pub fn observed(self, observer: impl Fn(u32) + Send + Sync + 'static) -> Self {
        Self { before_runs: Arc::new(observer), ..self }
    }

    /// Checks `password` against what is stored; see [`hashing::verify`] for what it costs.
    pub(crate) async fn verify(
        &self,
        password: &Arc<Password>,
        stored: Option<StoredPassword>,
        salt: [u8; SALT_BYTES],
    ) -> Result<Verified, Fault> {
        let (password, cost) = (Arc::clone(password), self.cost);
        let runs = hashing::runs(stored.as_ref(), &cost);
        self.run(runs, move || hashing::verify(&password, stored.as_ref(), &salt, &cost)).await
    }

    /// Whether `password` is the one that `stored` was made from, for somebody who is signed in already; see [`hashing::matches`].
    pub(crate) async fn matches(&self, password: &Arc<Password>, stored: StoredPassword) -> Result<bool, Fault> {
        let password = Arc::clone(password);
        self.run(1, move || hashing::matches(&password, &stored)).await
    }

    /// Hashes `password` with a new `salt`.
    pub(crate) async fn hash(&self, password: &Arc<Password>, salt: [u8; SALT_BYTES]) -> Result<StoredPassword, Fault> {
        let (password, params) = (Arc::clone(password), self.cost.params);
        self.run(1, move || hashing::hash(&password, &salt, &params)).await
    }

    /// Compares `candidate` with `past`; see [`Past::compare`].
    pub(crate) async fn compare(
        &self,
        candidate: &Arc<Password>,
        past: Past,
        fresh_salt: [u8; SALT_BYTES],
    ) -> Result<Compared, Fault> {
        let (candidate, params) = (Arc::clone(candidate), self.cost.params);
        self.run(past.runs(&params), move || past.compare(&candidate, fresh_salt, &params)).await
    }

    /// Does `work`, which makes so many `runs`.
    async fn run<T: Send + 'static>(
        &self,
        runs: u32,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Fault> {
        (self.before_runs)(runs);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Fault::unavailable("password hash", error)),
            Err(_) => Err(Fault::internal("the password hash panicked")),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}
