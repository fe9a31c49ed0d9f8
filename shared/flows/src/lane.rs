//! Takes and settles a try on a throttle lane by compare-and-set, losing a bounded number of times.

use std::time::Duration;

use palisade_cloud::counters::{Counters, LaneItem, LaneKey, Swap};
use palisade_core::decision::Rule;
use palisade_core::throttle::{Lane, LaneRules, Refusal, Verdict};
use palisade_core::{Fault, Timestamp};

/// How often a reservation that lost is made again from what won.
const RESERVE_RETRIES: usize = 2;

/// How often a settlement is: with three leases it can lose to two reservations and two settlements of the others, and twice that leaves
/// room for the tries that a success lets in.
const SETTLE_RETRIES: usize = 8;

/// What a client is told to wait when its writes keep losing.
const CONTENDED: Duration = Duration::from_secs(1);

/// That no lease was given, by the lane as it stood then.
pub(crate) struct NoLease {
    pub(crate) refusal: Refusal,
    pub(crate) item: LaneItem,
}

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
    pub(crate) async fn reserve(&self, mut item: LaneItem) -> Result<Result<LaneItem, NoLease>, Fault> {
        for round in 0..=RESERVE_RETRIES {
            // A lost reply: our write happened, and somebody has written on top of it.
            if item.lane.holds(self.nonce) {
                return Ok(Ok(item));
            }
            let lane = match item.lane.reserve(self.nonce, self.now, self.rules) {
                Ok(lane) => lane,
                Err(refusal) => return Ok(Err(NoLease { refusal, item })),
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
        Ok(Err(NoLease { refusal: Refusal::Delayed(self.now.plus(CONTENDED)), item }))
    }

    /// What `lane` says, as rules of a decision: the failures that delay, the tries at once, and the failures in a row that close it.
    pub(crate) fn rules_of(&self, lane: &Lane) -> Vec<Rule> {
        let lane = lane.aged(self.now, self.rules);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let until = |at: Option<Timestamp>| at.filter(|at| *at > self.now).map_or(0, Timestamp::seconds);
        let lease_ends = lane.leases.iter().map(|lease| lease.reserved_at.plus(self.rules.lease)).min();
        let delay = Rule { rule: self.key.rule(), count: lane.failures(), limit: 0, until: until(Some(lane.not_before)) };
        let (in_flight, most) = (count(lane.leases.len()), count(self.rules.leases));
        let at_once = Rule { rule: "tries_at_once", count: in_flight, limit: most, until: until(lease_ends) };
        let in_a_row = |closes_at| Rule { rule: "failures_in_a_row", count: lane.in_a_row(), limit: closes_at, until: 0 };
        [Some(delay), Some(at_once), self.rules.closes_at.map(in_a_row)].into_iter().flatten().collect()
    }

    /// Settles a success of which is not known whose lease it had: the lane before and after. `None` when it was settled already, or the
    /// writes keep losing.
    pub(crate) async fn settle_unknown_success(&self, mut item: LaneItem) -> Result<Option<(Lane, Lane)>, Fault> {
        for round in 0..=SETTLE_RETRIES {
            let before = item.lane.clone();
            let Some(lane) = before.settle_unknown_success(self.now, self.rules) else {
                return Ok(None);
            };
            let revision = format!("{}.u{round}", self.nonce);
            match self.counters.swap_lane(&self.key, &item, lane, &revision, (self.now, self.rules)).await? {
                Swap::Written(written) => return Ok(Some((before, written.lane))),
                Swap::Overtaken(found) => item = found,
            }
        }
        Ok(None)
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
