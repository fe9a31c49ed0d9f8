//! The one clock of a stack whose time is moved by hand: the domain's and the emulator's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use palisade_cloud::Clock;
use palisade_core::Timestamp;

/// Where manual clocks start: a full hour, so that windows are easy to reason about, and far ahead, so that no other DynamoDB's own TTL
/// takes items away.
const START: Timestamp = Timestamp::from_seconds(1_999_998_000);

/// A clock that only moves when told to. Clones share it.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.millis())))
    }
}

impl ManualClock {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves on by `span`.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    /// Moves back by `span`: an environment whose clock is behind.
    pub fn rewind(&self, span: Duration) {
        self.0.fetch_sub(i64::try_from(span.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    pub(crate) fn domain(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}

impl dynoxide::storage_backend::Clock for ManualClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.now().seconds()).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_secs(self.now_unix_secs()).as_secs_f64()
    }
}
