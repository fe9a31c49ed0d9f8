//! Whether a password may be tried on a lane right now: the account throttle (requirement r42) as a pure state machine.
//!
//! A lane is a sequence of attempts that share one count of failures. An account has a common lane for everybody and one lane for
//! each known device. A try takes a lease before the password is checked and settles it afterwards:
//!
//! ```text
//!             reserve: now ≥ not_before, a lease free, not closed
//!   ┌────────┐ ───────────────────────────────────────────────► ┌──────────┐
//!   │  open  │                                                  │ in flight│ at most `leases` at once
//!   └────────┘ ◄─────────────────────────────────────────────── └──────────┘
//!     ▲    ▲     settle success: failures settled before its      │      │
//!     │    │     own reservation are forgotten                    │      │ not settled within `lease`:
//!     │    │                                                      │      │ a failure made at that moment
//!     │    └── now ≥ not_before ── ┌─────────┐ ◄─ settle failure ─┘      │
//!     │                            │ delayed │ ◄─────────────────────────┘
//!     │                            └─────────┘   not_before = max(old, now + min(2^(n−1), cap))
//!     │ a reset                         │ `closes_at` failures in a row
//!     └──────────── ┌────────┐ ◄────────┘
//!                   │ closed │   no password is tried, not even the right one
//!                   └────────┘
//! ```
//!
//! What holds, however requests interleave, as long as each change is one compare-and-set:
//! 1. at most `leases` hashes run per lane and delay step;
//! 2. two right passwords at once both succeed, as long as neither could be the failure that closes the lane;
//! 3. a try during the delay changes nothing: it neither counts nor extends;
//! 4. a success never forgets a failure settled after its own reservation;
//! 5. the state depends on attempts alone, never on whether the account exists.
//!
//! Failures are forgotten after `memory` without one (the delay starts again at one second); failures in a row, which close a lane,
//! only by a success. Numbers that cannot be (a hand-edited item, a clock far ahead) are read as the longest delay's count.

mod stored;

use std::time::Duration;

use crate::denial::{LimitReason, RateLimited};
use crate::ip_window::whole_seconds;
use crate::timestamp::Timestamp;

pub use stored::{Stored, StoredLane};

/// How far two environments' clocks may differ before a stored time counts as damaged.
pub const CLOCK_SKEW: Duration = Duration::from_mins(10);

/// For how long Cognito repeats a call: it waits 5 seconds for an answer, three times.
pub const REPEATED_WITHIN: Duration = Duration::from_secs(15);

/// What a closed lane tells the client to wait, in seconds; only a reset really opens it.
const CLOSED_RETRY_AFTER_S: u64 = 3_600;

/// The numbers of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRules {
    /// `PALISADE_LOGIN_DELAY_CAP_S`: the article's 60 seconds.
    pub delay_cap: Duration,
    /// `PALISADE_LOGIN_DELAY_MEMORY_S`: the article's hour.
    pub memory: Duration,
    /// How long a try may take before it counts as a failure: 5 seconds, or a second more than a deadline above 4, so that no hash
    /// of a request that is still answered is without its lease.
    pub lease: Duration,
    /// Tries at once: 3, so that a slow client's repeated click is not refused.
    pub leases: usize,
    /// Failures in a row that close the lane; `None` for never.
    pub closes_at: Option<u64>,
    /// How long the state of a lane that counts towards closing is kept: a device's as long as the device could be known, an
    /// account's for ever (`None`).
    pub kept: Option<Duration>,
}

/// A try under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Drawn once per request: how a request knows its own lease again.
    pub nonce: String,
    /// When it was taken.
    pub reserved_at: Timestamp,
    /// [`Lane::settled`] at that moment: what a success of this try may forget.
    pub settled_before: u64,
}

/// The state of one lane. `Default` is a lane nobody has failed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Failures ever settled; only grows.
    pub settled: u64,
    /// Of those, how many no longer count for the delay.
    pub forgotten: u64,
    /// Of those, how many came before a success.
    pub cleared: u64,
    /// No try before this.
    pub not_before: Timestamp,
    /// When the last failure was settled.
    pub last_failure: Option<Timestamp>,
    /// Tries under way.
    pub leases: Vec<Lease>,
    /// When a success was settled that did not know its own lease ([`Lane::settle_unknown_success`]).
    pub unknown_success: Option<Timestamp>,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            settled: 0,
            forgotten: 0,
            cleared: 0,
            not_before: Timestamp::EPOCH,
            last_failure: None,
            leases: Vec::new(),
            unknown_success: None,
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password was right and the account may sign in.
    Success,
    /// Anything else.
    Failure,
}

/// Why no lease is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Come back at this time.
    Delayed(Timestamp),
    /// The tries under way could close the lane; by this time it is decided.
    Closing(Timestamp),
    /// Closed until a reset.
    Closed,
}

impl Refusal {
    /// As the client is told: always `login_delay`, one try per wait.
    pub fn rate_limited(self, now: Timestamp) -> RateLimited {
        let retry_after = match self {
            Self::Delayed(until) | Self::Closing(until) => whole_seconds(until.since(now)),
            Self::Closed => CLOSED_RETRY_AFTER_S,
        };
        RateLimited { reason: LimitReason::LoginDelay, limit: 1, retry_after }
    }
}

/// The delay after the `failures`th failure: min(2^(n−1), cap) seconds, none for none.
pub fn delay_after(failures: u64, cap: Duration) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        return Duration::ZERO;
    };
    let seconds = u32::try_from(doublings).ok().and_then(|n| 1_u64.checked_shl(n)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(cap)
}

impl Lane {
    /// Takes a lease for `nonce`, or says why not. A refusal changes nothing.
    pub fn reserve(&self, nonce: &str, now: Timestamp, rules: &LaneRules) -> Result<Self, Refusal> {
        let mut lane = self.aged(now, rules);
        if lane.is_closed(rules) {
            return Err(Refusal::Closed);
        }
        if lane.is_full(rules) || now < lane.not_before {
            return Err(lane.wait(rules));
        }
        let settled_before = lane.settled;
        lane.leases.push(Lease { nonce: nonce.to_owned(), reserved_at: now, settled_before });
        Ok(lane)
    }

    /// Settles the lease of `nonce`; `None` when there is nothing left to settle: it was settled before, or timed out into a failure.
    pub fn settle(&self, nonce: &str, verdict: Verdict, now: Timestamp, rules: &LaneRules) -> Option<Self> {
        let mut lane = self.aged(now, rules);
        let place = lane.leases.iter().position(|lease| lease.nonce == nonce)?;
        let lease = lane.leases.remove(place);
        match verdict {
            Verdict::Success => {
                lane.cleared = lane.cleared.max(lease.settled_before);
                lane.forgotten = lane.forgotten.max(lane.cleared);
            }
            Verdict::Failure => lane.fail(now, rules),
        }
        Some(lane)
    }

    /// Settles a success of which is not known whose lease it had: nothing passes between Cognito's triggers before and after a sign-in. The
    /// oldest lease is taken for it, so that of all tries as many count as failures as did fail; the others stay. What failed before that
    /// lease was taken is forgotten; without one, which is how a sign-in with a second factor ends, what failed so far.
    ///
    /// `None` within [`REPEATED_WITHIN`] of the last such success: Cognito calls again where it waited too long, and a second call for one
    /// success forgets nothing more.
    pub fn settle_unknown_success(&self, now: Timestamp, rules: &LaneRules) -> Option<Self> {
        if self.is_repeated(now) {
            return None;
        }
        let mut lane = self.aged(now, rules);
        let oldest = (!lane.leases.is_empty()).then(|| lane.leases.remove(0));
        lane.cleared = lane.cleared.max(oldest.map_or(lane.settled, |lease| lease.settled_before));
        lane.forgotten = lane.forgotten.max(lane.cleared);
        lane.unknown_success = Some(now);
        Some(lane)
    }

    /// Whether a success of an unknown try at `now` is taken for one that was settled already.
    pub fn is_repeated(&self, now: Timestamp) -> bool {
        self.unknown_success.is_some_and(|last| now < last.plus(REPEATED_WITHIN))
    }

    /// Whether `nonce` holds a lease.
    pub fn holds(&self, nonce: &str) -> bool {
        self.leases.iter().any(|lease| lease.nonce == nonce)
    }

    /// Whether failures in a row have closed the lane.
    pub fn is_closed(&self, rules: &LaneRules) -> bool {
        rules.closes_at.is_some_and(|closes_at| self.in_a_row() >= closes_at)
    }

    /// Failures that count for the delay.
    pub fn failures(&self) -> u64 {
        self.settled.saturating_sub(self.forgotten)
    }

    /// Failures since the last success.
    pub fn in_a_row(&self) -> u64 {
        self.settled.saturating_sub(self.cleared)
    }

    /// When the lane's state may be forgotten and its item is garbage; `None` for never.
    pub fn expires_at(&self, rules: &LaneRules) -> Option<Timestamp> {
        let lease_ends = self.leases.iter().map(|lease| lease.reserved_at.plus(rules.lease)).max();
        let last = self.last_failure.max(lease_ends).max(Some(self.not_before))?;
        let counts_towards_closing = rules.closes_at.is_some() && (self.in_a_row() > 0 || lease_ends.is_some());
        let kept = if counts_towards_closing { rules.kept? } else { rules.memory.saturating_add(rules.delay_cap) };
        Some(last.plus(kept).plus(CLOCK_SKEW))
    }

    /// The lane at `now`: leases that ran out are failures, and failures long past no longer count.
    #[must_use]
    pub fn aged(&self, now: Timestamp, rules: &LaneRules) -> Self {
        let mut lane = self.clone();
        lane.leases.sort_by_key(|lease| lease.reserved_at);
        while let Some(ran_out) = lane.leases.first().map(|lease| lease.reserved_at.plus(rules.lease)) {
            if now < ran_out {
                break;
            }
            lane.leases.remove(0);
            lane.fail(ran_out, rules);
        }
        lane.forget(now, rules);
        lane
    }

    fn fail(&mut self, at: Timestamp, rules: &LaneRules) {
        self.forget(at, rules);
        self.settled = self.settled.saturating_add(1);
        self.not_before = self.not_before.max(at.plus(delay_after(self.failures(), rules.delay_cap)));
        self.last_failure = self.last_failure.max(Some(at));
    }

    fn forget(&mut self, now: Timestamp, rules: &LaneRules) {
        if self.last_failure.is_some_and(|last| now >= last.plus(rules.memory)) {
            self.forgotten = self.settled;
        }
    }

    /// No lease is free, or those in flight could close the lane.
    fn is_full(&self, rules: &LaneRules) -> bool {
        self.leases.len() >= rules.leases || self.may_close(rules)
    }

    fn may_close(&self, rules: &LaneRules) -> bool {
        let in_flight = u64::try_from(self.leases.len()).unwrap_or(u64::MAX);
        rules.closes_at.is_some_and(|closes_at| self.in_a_row().saturating_add(in_flight) >= closes_at)
    }

    /// How long a refused try waits if nobody settles. Leases run out one by one, each into a failure with its delay: until one is free,
    /// or until the last has closed the lane. One that runs out within the second after the wait counts too, since a client waits
    /// whole seconds.
    fn wait(mut self, rules: &LaneRules) -> Refusal {
        let end = |lease: &Lease| lease.reserved_at.plus(rules.lease);
        if self.may_close(rules) {
            let last = self.leases.last().map(end);
            return Refusal::Closing(last.max(Some(self.not_before)).unwrap_or(self.not_before));
        }
        while let Some(ran_out) = self.leases.first().map(end) {
            if !self.is_full(rules) && ran_out >= self.not_before.plus(Duration::from_secs(1)) {
                break;
            }
            self.leases.remove(0);
            self.fail(ran_out, rules);
        }
        Refusal::Delayed(self.not_before)
    }
}

#[cfg(test)]
#[path = "throttle/tests.rs"]
mod tests;
