//! How often an account may ask within an hour (requirement r37), counted after its session was found valid.
//!
//! A write per request would double what a request costs. So each warm environment counts for itself and adds what it counted to the
//! account's hour in batches of [`BATCH`], and learns then what the others counted:
//!
//! ```text
//! known    what the account's hour held after the last batch, everybody's
//! pending  counted here since
//! refuse   known + pending ≥ limit
//! ```
//!
//! An environment lets through at most a batch before it knows of the others': never more than the limit and one batch for each. An
//! account that asks less than a batch in an hour is never written down.

use std::time::Duration;

use crate::account::Role;
use crate::denial::{LimitReason, RateLimited};
use crate::ip_window::{RuleState, whole_seconds};
use crate::timestamp::Timestamp;

/// How many requests an environment counts before it writes: one write for twenty requests.
pub const BATCH: u64 = 20;

const HOUR_S: i64 = 3_600;

/// Requests with a session per account and hour (r37).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLimits {
    /// `PALISADE_USER_REQUESTS_REGULAR`: the article's 2000.
    pub regular: u64,
    /// `PALISADE_USER_REQUESTS_STAFF`: the article's 5000.
    pub staff: u64,
    /// `PALISADE_USER_REQUESTS_SUPERUSER`: the article's 10000.
    pub superuser: u64,
}

impl UserLimits {
    /// That of `role`.
    pub fn of(&self, role: Role) -> u64 {
        match role {
            Role::Regular => self.regular,
            Role::Staff => self.staff,
            Role::Superuser => self.superuser,
        }
    }
}

/// The hour of `at`, in hours since the epoch.
pub fn hour_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(HOUR_S)
}

/// When `hour` ends.
pub fn end_of(hour: i64) -> Timestamp {
    Timestamp::from_seconds(hour.saturating_add(1).saturating_mul(HOUR_S))
}

/// What one environment knows of one account's hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    hour: i64,
    known: u64,
    pending: u64,
    /// Being written.
    under_way: u64,
    /// How many pending are written next.
    next_batch: u64,
    /// Whether operators were told that it was refused.
    told: bool,
}

/// What counting one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The limit as it stands, this request among the count.
    pub state: RuleState,
    /// The refusal.
    pub refusal: Option<RateLimited>,
}

impl Tally {
    /// Nothing counted in the hour of `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { hour: hour_of(now), known: 0, pending: 0, under_way: 0, next_batch: BATCH, told: false }
    }

    /// The hour it is of, in hours since the epoch.
    pub fn hour(&self) -> i64 {
        self.hour
    }

    /// How many it knows of.
    pub fn counted(&self) -> u64 {
        self.known.saturating_add(self.pending).saturating_add(self.under_way)
    }

    /// Counts a request at `now`. One that is refused is not counted.
    pub fn count(&mut self, limit: u64, now: Timestamp) -> Counted {
        if hour_of(now) > self.hour {
            *self = Self::new(now);
        }
        let before = self.counted();
        let until = end_of(self.hour);
        let state = RuleState { rule: LimitReason::UserRateLimit, count: before.saturating_add(1), limit, until };
        if before >= limit {
            let retry_after = whole_seconds(until.since(now).max(Duration::from_secs(1)));
            let refusal = Some(RateLimited { reason: state.rule, limit, retry_after });
            return Counted { state, refusal };
        }
        self.pending += 1;
        Counted { state, refusal: None }
    }

    /// Whether operators were told in this hour that it was refused.
    pub fn is_told(&self) -> bool {
        self.told
    }

    /// They were.
    pub fn mark_told(&mut self) {
        self.told = true;
    }

    /// How many are to be added to the account's hour now; [`Tally::written`] or [`Tally::not_written`] follows.
    pub fn take_batch(&mut self) -> Option<u64> {
        (self.pending >= self.next_batch).then(|| {
            self.under_way += self.pending;
            std::mem::take(&mut self.pending)
        })
    }

    /// `batch` was added to `hour`, which holds `total` now.
    pub fn written(&mut self, hour: i64, batch: u64, total: u64) {
        if hour == self.hour {
            self.under_way = self.under_way.saturating_sub(batch);
            self.known = self.known.max(total);
            self.next_batch = BATCH;
        }
    }

    /// `batch` could not be added to `hour`: it is counted here, and tried again with the next.
    pub fn not_written(&mut self, hour: i64, batch: u64) {
        if hour == self.hour {
            self.under_way = self.under_way.saturating_sub(batch);
            self.pending = self.pending.saturating_add(batch);
            self.next_batch = self.pending.saturating_add(BATCH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn r37_the_roles_have_the_articles_numbers() {
        let limits = crate::Policy::seed().user;
        assert_eq!([Role::Regular, Role::Staff, Role::Superuser].map(|role| limits.of(role)), [2_000, 5_000, 10_000]);
    }

    #[test]
    fn r37_the_request_over_the_limit_waits_for_the_next_hour() {
        let mut tally = Tally::new(NOON);
        let mut total = 0;
        for n in 1..=50 {
            let counted = tally.count(50, NOON);
            assert_eq!((counted.refusal, counted.state.count), (None, n));
            if let Some(batch) = tally.take_batch() {
                total += batch;
                tally.written(tally.hour(), batch, total);
            }
        }
        let refused = tally.count(50, NOON);
        assert_eq!(refused.refusal, Some(RateLimited { reason: LimitReason::UserRateLimit, limit: 50, retry_after: 3_600 }));
        assert_eq!((tally.take_batch(), total), (None, 40), "two writes for fifty requests, none for a refusal");
        assert_eq!(tally.count(50, NOON.plus(Duration::from_hours(1))).refusal, None);
    }

    #[test]
    fn a_batch_that_could_not_be_written_is_kept_and_tried_again_with_the_next() {
        let mut tally = Tally::new(NOON);
        let batches: Vec<u64> = (0..60)
            .filter_map(|_| {
                tally.count(1_000, NOON);
                let batch = tally.take_batch()?;
                tally.not_written(tally.hour(), batch);
                Some(batch)
            })
            .collect();
        assert_eq!(batches, [20, 40, 60]);
        assert_eq!(tally.count(60, NOON).refusal.map(|refusal| refusal.limit), Some(60), "and counts all the same");
    }

    proptest! {
        #[test]
        fn no_more_than_the_limit_and_a_batch_for_each_environment_get_through(
            who in prop::collection::vec(0_usize..4, 0..600), limit in 1_u64..300
        ) {
            let mut environments = vec![Tally::new(NOON); 4];
            let (mut stored, mut through, mut writes) = (0, 0, 0);
            for one in who {
                let counted = environments[one].count(limit, NOON);
                through += u64::from(counted.refusal.is_none());
                if let Some(batch) = environments[one].take_batch() {
                    stored += batch;
                    writes += 1;
                    environments[one].written(hour_of(NOON), batch, stored);
                }
            }
            prop_assert!(through <= limit + 4 * BATCH, "{through} of {limit}");
            prop_assert!(writes <= through / BATCH);
        }
    }
}
