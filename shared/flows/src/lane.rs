//! Takes and settles a try on a throttle lane by compare-and-set, losing a bounded number of times.

use std::time::Duration;

use palisade_cloud::counters::{Counters, LaneItem, LaneKey, Swap};
use palisade_core::throttle::{Lane, LaneRules, Refusal, Verdict};
use palisade_core::{Fault, Timestamp};

/// How often a reservation that lost is made again from what won.
const RESERVE_RETRIES: usize = 2;

/// How often a settlement is: with three leases it can lose to two reservations and two settlements of the others, and twice that leaves
/// room for the tries that a success lets in.
const SETTLE_RETRIES: usize = 8;

/// What a client is told to wait when its writes keep losing.
const CONTENDED: Duration = Duration::from_secs(1);

/// One request's try on one lane.
pub(crate) struct Try<'a> {
    pub(crate) counters: &'a Counters,
    pub(crate) key: LaneKey,
    pub(crate) rules: &'a LaneRules,
    /// Drawn once per request.
    pub(crate) nonce: &'a str,
    pub(crate) now: Timestamp,
}

impl Try<'_> {
    /// Takes a lease before the password is checked; the lane with it, or the refusal.
    pub(crate) async fn reserve(&self, mut item: LaneItem) -> Result<Result<LaneItem, Refusal>, Fault> {
        for round in 0..=RESERVE_RETRIES {
            // A lost reply: our write happened, and somebody has written on top of it.
            if item.lane.holds(self.nonce) {
                return Ok(Ok(item));
            }
            let lane = match item.lane.reserve(self.nonce, self.now, self.rules) {
                Ok(lane) => lane,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let revision = format!("{}.r{round}", self.nonce);
            match self.counters.swap_lane(&self.key, &item, lane, &revision, (self.now, self.rules)).await? {
                Swap::Written(written) => return Ok(Ok(written)),
                Swap::Overtaken(found) => item = found,
            }
        }
        if item.lane.holds(self.nonce) {
            return Ok(Ok(item));
        }
        Ok(Err(Refusal::Delayed(self.now.plus(CONTENDED))))
    }

    /// Settles the lease; the lane as it stands then. When the writes keep losing the lease is left to run out, which counts as a
    /// failure.
    pub(crate) async fn settle(&self, mut item: LaneItem, verdict: Verdict) -> Result<Option<Lane>, Fault> {
        for round in 0..=SETTLE_RETRIES {
            let Some(lane) = item.lane.settle(self.nonce, verdict, self.now, self.rules) else {
                return Ok(None);
            };
            let revision = format!("{}.s{round}", self.nonce);
            match self.counters.swap_lane(&self.key, &item, lane, &revision, (self.now, self.rules)).await? {
                Swap::Written(written) => return Ok(Some(written.lane)),
                Swap::Overtaken(found) => item = found,
            }
        }
        Ok(None)
    }
}
