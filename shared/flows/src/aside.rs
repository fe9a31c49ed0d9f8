//! Writes that decide nothing: they have a short time of their own, and whatever becomes of them the request goes on.

use std::future::Future;
use std::time::Duration;

use palisade_core::{Fault, Settings};

/// Runs such writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aside(Duration);

impl Aside {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self(settings.timeouts.touch)
    }

    /// What `write` comes to, within the time; `what` names it in the fault.
    pub(crate) async fn run<T>(self, what: &'static str, write: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::time::timeout(self.0, write).await.unwrap_or_else(|_| Err(Fault::unavailable(what, "it took too long")))
    }
}
