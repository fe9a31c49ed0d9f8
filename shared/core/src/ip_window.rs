//! Whether an address may go on, from what its counters say.
//!
//! Windows are fixed: one counter item per (prefix, hour) holds all requests, those on the sign-in routes, four quarter-hour counters
//! of failed logins, and a set of at most [`MAX_NAMES`] short tags of the names tried. One atomic addition takes a place in each
//! before anything is decided, so two requests can never share a place. A failure's place is given back when the login succeeds or
//! was refused by the account's delay.
//!
//! Fixed windows let through up to twice a limit around their edge; that is the price of one write per request.

mod signals;

use std::time::Duration;

use crate::client_ip::IpPrefix;
use crate::denial::{LimitReason, RateLimited};
use crate::policy::{FailureWindow, IpLimits};
use crate::timestamp::Timestamp;

pub use signals::{Signal, facts, signals};

/// How many distinct names are told apart: the eleventh is enumeration (requirement r48: more than 10).
pub const MAX_NAMES: usize = 11;

const HOUR_S: i64 = 3_600;
const QUARTER_S: i64 = 900;

/// Which counter item, and which quarter in it, a request falls into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpWindow {
    prefix: IpPrefix,
    hour: i64,
    quarter: usize,
}

impl IpWindow {
    /// The window of `prefix` at `now`.
    pub fn at(prefix: IpPrefix, now: Timestamp) -> Self {
        let seconds = now.seconds();
        let quarter = seconds.rem_euclid(HOUR_S) / QUARTER_S;
        Self { prefix, hour: seconds.div_euclid(HOUR_S), quarter: usize::try_from(quarter).unwrap_or(0) }
    }

    /// Of which addresses.
    pub fn prefix(&self) -> &IpPrefix {
        &self.prefix
    }

    /// The counter's key: `ip#<prefix>#<hours since the epoch>`.
    pub fn counter(&self) -> String {
        format!("ip#{}#{}", self.prefix.as_str(), self.hour)
    }

    /// The current quarter of the hour, 0 to 3.
    pub fn quarter(&self) -> usize {
        self.quarter
    }

    /// When the item is garbage: an hour after its window, so that a clock somewhat behind still finds it.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds((self.hour + 2) * HOUR_S)
    }

    fn hour_end(&self) -> Timestamp {
        Timestamp::from_seconds((self.hour + 1) * HOUR_S)
    }

    fn quarter_end(&self) -> Timestamp {
        let quarter = i64::try_from(self.quarter).unwrap_or(0);
        Timestamp::from_seconds(self.hour * HOUR_S + (quarter + 1) * QUARTER_S)
    }
}

/// What a request takes places of at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a counter of its own")]
pub struct Places {
    /// Among all requests (r34): every request does.
    pub request: bool,
    /// Among sign-in requests (r36).
    pub auth: bool,
    /// Among failed logins (r35), given back when it was none.
    pub failure: bool,
    /// Among breach checks.
    pub breach_check: bool,
}

/// What the counters say after this request took its places. A counter that can't be read counts as full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpCounts {
    /// All requests without a session.
    pub requests: u64,
    /// Those on sign-in routes.
    pub auth_requests: u64,
    /// Logins, whatever became of them.
    pub logins: u64,
    /// Breach checks.
    pub breach_checks: u64,
    /// Failed logins (and open places) per quarter.
    pub failures: [u64; 4],
    /// Distinct names seen, at most [`MAX_NAMES`].
    pub names: usize,
    /// Whether this request's name was the one that made the set full.
    pub names_filled: bool,
    /// What operators were told of in this window.
    pub reported: Vec<String>,
}

impl IpCounts {
    /// What stands for counters that can't be read: over every limit.
    pub const UNREADABLE: Self = Self {
        requests: u64::MAX,
        auth_requests: u64::MAX,
        logins: u64::MAX,
        breach_checks: u64::MAX,
        failures: [u64::MAX; 4],
        names: MAX_NAMES,
        names_filled: false,
        reported: Vec::new(),
    };

    /// Whether no place was taken, since a counter could not be added to.
    pub fn are_unreadable(&self) -> bool {
        *self == Self::UNREADABLE
    }

    /// Failed logins of the whole hour.
    pub fn failures_in_hour(&self) -> u64 {
        self.failures.iter().fold(0, |sum: u64, quarter| sum.saturating_add(*quarter))
    }

    /// The counts without this request's failure.
    #[must_use]
    pub fn without_failure(mut self, window: &IpWindow) -> Self {
        if let Some(failures) = self.failures.get_mut(window.quarter) {
            *failures = failures.saturating_sub(1);
        }
        self
    }
}

/// One limit as the client is told of it (requirement r39).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStatus {
    /// Requests allowed in the window.
    pub limit: u64,
    /// Requests left in it.
    pub remaining: u64,
    /// When the window ends.
    pub resets_at: Timestamp,
}

/// One limit as it stands: what decides, for the log and for whoever asks why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleState {
    /// Which.
    pub rule: LimitReason,
    /// How many, this request among them.
    pub count: u64,
    /// How many are allowed.
    pub limit: u64,
    /// Until when.
    pub until: Timestamp,
}

impl RuleState {
    /// How many are left.
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.count)
    }

    /// As the client is told.
    pub fn status(&self) -> RateStatus {
        RateStatus { limit: self.limit, remaining: self.remaining(), resets_at: self.until }
    }
}

/// What follows from the counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpVerdict {
    /// The limit with the least left, for the headers; the refusing one where there is one.
    pub status: RateStatus,
    /// The refusal, where a limit is passed; of several, the one that lasts longest.
    pub refusal: Option<RateLimited>,
}

/// Failed logins in the window that their limit is counted in, and when that ends.
fn failures(window: &IpWindow, counts: &IpCounts, limits: &IpLimits) -> (u64, Timestamp) {
    match limits.failure_window {
        FailureWindow::Quarter => (counts.failures.get(window.quarter).copied().unwrap_or(u64::MAX), window.quarter_end()),
        FailureWindow::Hour => (counts.failures_in_hour(), window.hour_end()),
    }
}

/// Every limit that a request which takes `places` meets, as it stands.
pub fn rules(window: &IpWindow, counts: &IpCounts, places: Places, limits: &IpLimits) -> Vec<RuleState> {
    let (failures, failures_end) = failures(window, counts, limits);
    let rule = |rule, count, limit, until| RuleState { rule, count, limit, until };
    let hour_end = window.hour_end();
    let mut rules = vec![rule(LimitReason::GlobalRateLimit, counts.requests, limits.requests_per_hour, hour_end)];
    let auth = rule(LimitReason::AuthRateLimit, counts.auth_requests, limits.auth_requests_per_hour, hour_end);
    rules.extend(places.auth.then_some(auth));
    rules.extend(places.failure.then_some(rule(LimitReason::FailedLogins, failures, limits.failures, failures_end)));
    let breach_checks = rule(LimitReason::BreachCheckLimit, counts.breach_checks, limits.breach_checks_per_hour, hour_end);
    rules.extend(places.breach_check.then_some(breach_checks));
    rules
}

/// Judges `counts` at `now`, as far as a request that takes `places` is concerned.
pub fn assess(window: &IpWindow, counts: &IpCounts, places: Places, limits: &IpLimits, now: Timestamp) -> IpVerdict {
    let rules = rules(window, counts, places, limits);
    // `max_by_key` keeps the last of equals: reversed, the first row wins a tie.
    let refused = rules.iter().rev().filter(|rule| rule.count > rule.limit).max_by_key(|rule| rule.until);
    let tightest = rules.iter().min_by_key(|rule| rule.remaining());
    let none = RateStatus { limit: 0, remaining: 0, resets_at: window.hour_end() };
    IpVerdict {
        status: refused.or(tightest).map_or(none, RuleState::status),
        refusal: refused.map(|rule| RateLimited {
            reason: rule.rule,
            limit: rule.limit,
            retry_after: whole_seconds(rule.until.since(now)),
        }),
    }
}

/// `wait` in whole seconds, rounded up, at least one: the unit of `Retry-After` (RFC 9110, 10.2.3).
pub fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
#[path = "ip_window/tests.rs"]
mod tests;
