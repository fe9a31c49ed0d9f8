//! Reads a lane out of an item in which no number can be trusted.

use std::time::Duration;

use super::{CLOCK_SKEW, Lane, LaneRules, Lease, delay_after};
use crate::timestamp::Timestamp;

/// The largest count that is believed.
pub(super) const BELIEVABLE: u64 = 1 << 40;

/// A number as an item held it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// The attribute is not there.
    Missing,
    /// It is no number, or none that fits.
    Unreadable,
    /// A number.
    Number(i128),
}

impl Stored {
    fn count(self) -> Option<u64> {
        match self {
            Self::Number(n) => u64::try_from(n).ok().filter(|n| *n <= BELIEVABLE),
            Self::Missing | Self::Unreadable => None,
        }
    }

    fn time(self, latest: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Number(n) => i64::try_from(n).ok().filter(|n| (0..=latest.millis()).contains(n)).map(Timestamp::from_millis),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

/// A lane's item as read, every number suspect.
#[derive(Debug, Clone)]
pub struct StoredLane {
    /// See [`Lane::settled`].
    pub settled: Stored,
    /// See [`Lane::forgotten`].
    pub forgotten: Stored,
    /// See [`Lane::cleared`].
    pub cleared: Stored,
    /// See [`Lane::not_before`].
    pub not_before: Stored,
    /// See [`Lane::last_failure`]; missing is fine while nothing has failed.
    pub last_failure: Stored,
    /// Nonce, [`Lease::reserved_at`] and [`Lease::settled_before`] of each lease.
    pub leases: Vec<(String, Stored, Stored)>,
    /// See [`Lane::unknown_success`]; missing is fine, and so is one that cannot be: it forgets failures once.
    pub unknown_success: Stored,
}

impl StoredLane {
    /// The lane, and whether something had to be repaired. Damage never makes a free pass: a count that can't be is read as the
    /// longest delay's, a lease that can't be as a failure long ago. No time is made up from `now`, which would be another at each read and
    /// refuse for ever, since a refusal writes nothing.
    pub fn read(self, now: Timestamp, rules: &LaneRules) -> (Lane, bool) {
        let latest = now.plus(rules.delay_cap).plus(CLOCK_SKEW);
        let counts = match (self.settled.count(), self.forgotten.count(), self.cleared.count()) {
            (Some(settled), Some(forgotten), Some(cleared)) if cleared <= forgotten && forgotten <= settled => {
                Some((settled, forgotten, cleared))
            }
            _ => None,
        };
        let last_failure = self.last_failure.time(latest);
        let no_failure_yet = self.last_failure == Stored::Missing && counts.is_some_and(|(settled, ..)| settled == 0);
        let not_before = self.not_before.time(latest);
        let (settled, forgotten, cleared) = counts.unwrap_or((failures_at_cap(rules.delay_cap), 0, 0));
        let mut lane = Lane {
            settled,
            forgotten,
            cleared,
            not_before: Timestamp::EPOCH,
            last_failure: last_failure.or((!no_failure_yet).then_some(now)),
            leases: Vec::new(),
            unknown_success: self.unknown_success.time(latest),
        };
        lane.not_before =
            not_before.unwrap_or_else(|| last_failure.map_or(now, |last| last.plus(delay_after(lane.failures(), rules.delay_cap))));
        let mut repaired = counts.is_none() || not_before.is_none() || (last_failure.is_none() && !no_failure_yet);
        for (nonce, reserved_at, settled_before) in self.leases {
            let whole = reserved_at.time(latest).zip(settled_before.count().filter(|before| *before <= lane.settled));
            repaired |= whole.is_none();
            let (reserved_at, settled_before) = whole.unwrap_or((Timestamp::EPOCH, 0));
            lane.leases.push(Lease { nonce, reserved_at, settled_before });
        }
        (lane, repaired)
    }
}

fn failures_at_cap(cap: Duration) -> u64 {
    (1..=64).find(|failures| delay_after(*failures, cap) == cap).unwrap_or(64)
}
