//! Whether an address may go on, from what its counters say.
//!
//! Windows are fixed: one counter item per (prefix, hour) holds all requests, those on the sign-in routes, four quarter-hour counters
//! of failed logins, and a set of at most [`MAX_NAMES`] short tags of the names tried. One atomic addition takes a place in each
//! before anything is decided, so two requests can never share a place. A failure's place is given back when the login succeeds or
//! was refused by the account's delay.
//!
//! Fixed windows let through up to twice a limit around their edge; that is the price of one write per request.

use std::time::Duration;

use crate::client_ip::IpPrefix;
use crate::denial::{LimitReason, RateLimited};
use crate::policy::{FailureWindow, IpLimits};
use crate::timestamp::Timestamp;

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

/// What a request takes places of at its address, beside the one among all requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Among sign-in requests (r36).
    pub auth: bool,
    /// Among failed logins (r35), given back when it was none.
    pub failure: bool,
    /// Among breach checks.
    pub breach_check: bool,
}

/// What the counters say after this request took its places. A counter that can't be read counts as full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpCounts {
    /// All requests without a session.
    pub requests: u64,
    /// Those on sign-in routes.
    pub auth_requests: u64,
    /// Breach checks.
    pub breach_checks: u64,
    /// Failed logins (and open places) per quarter.
    pub failures: [u64; 4],
    /// Distinct names seen, at most [`MAX_NAMES`].
    pub names: usize,
    /// Whether this request's name was the one that made the set full.
    pub names_filled: bool,
}

impl IpCounts {
    /// What stands for counters that can't be read: over every limit.
    pub const UNREADABLE: Self = Self {
        requests: u64::MAX,
        auth_requests: u64::MAX,
        breach_checks: u64::MAX,
        failures: [u64::MAX; 4],
        names: MAX_NAMES,
        names_filled: false,
    };

    /// The counts once the failure's place taken in `window` is given back.
    /// Whether no place was taken, since a counter could not be added to.
    pub fn are_unreadable(&self) -> bool {
        *self == Self::UNREADABLE
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

/// What follows from the counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpVerdict {
    /// The limit with the least left, for the headers; the refusing one where there is one.
    pub status: RateStatus,
    /// The refusal, where a limit is passed; of several, the one that lasts longest.
    pub refusal: Option<RateLimited>,
}

/// Judges `counts` at `now`, as far as a request that takes `places` is concerned.
pub fn assess(window: &IpWindow, counts: &IpCounts, places: Places, limits: &IpLimits, now: Timestamp) -> IpVerdict {
    let (failures, failures_end) = match limits.failure_window {
        FailureWindow::Quarter => (counts.failures.get(window.quarter).copied().unwrap_or(u64::MAX), window.quarter_end()),
        FailureWindow::Hour => {
            (counts.failures.iter().fold(0, |sum: u64, quarter| sum.saturating_add(*quarter)), window.hour_end())
        }
    };
    let hour_end = window.hour_end();
    let mut rows = vec![(LimitReason::GlobalRateLimit, counts.requests, limits.requests_per_hour, hour_end)];
    rows.extend(places.auth.then_some((LimitReason::AuthRateLimit, counts.auth_requests, limits.auth_requests_per_hour, hour_end)));
    rows.extend(places.failure.then_some((LimitReason::FailedLogins, failures, limits.failures, failures_end)));
    let breach_checks = (LimitReason::BreachCheckLimit, counts.breach_checks, limits.breach_checks_per_hour, hour_end);
    rows.extend(places.breach_check.then_some(breach_checks));
    let status = |(_, used, limit, end): &(LimitReason, u64, u64, Timestamp)| RateStatus {
        limit: *limit,
        remaining: limit.saturating_sub(*used),
        resets_at: *end,
    };
    // `max_by_key` keeps the last of equals: reversed, the first row wins a tie.
    let refused = rows.iter().rev().filter(|(_, used, limit, _)| used > limit).max_by_key(|(_, _, _, end)| *end);
    let tightest = rows.iter().min_by_key(|(_, used, limit, _)| limit.saturating_sub(*used));
    IpVerdict {
        status: refused.or(tightest).map_or(RateStatus { limit: 0, remaining: 0, resets_at: window.hour_end() }, status),
        refusal: refused.map(|(reason, _, limit, end)| RateLimited {
            reason: *reason,
            limit: *limit,
            retry_after: whole_seconds(end.since(now)),
        }),
    }
}

/// `wait` in whole seconds, rounded up, at least one: the unit of `Retry-After` (RFC 9110, 10.2.3).
pub fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_ip::ClientIp;
    use crate::policy::Policy;
    use proptest::prelude::*;

    fn window(now: Timestamp) -> IpWindow {
        IpWindow::at(ClientIp::Unknown.prefix(), now)
    }

    fn counts(requests: u64, auth_requests: u64, failures: [u64; 4]) -> IpCounts {
        IpCounts { requests, auth_requests, breach_checks: 0, failures, names: 1, names_filled: false }
    }

    const LOGIN: Places = Places { auth: true, failure: true, breach_check: false };
    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn r36_the_twenty_first_request_of_the_hour_is_refused() {
        let limits = Policy::seed().ip;
        assert_eq!(assess(&window(NOON), &counts(20, 20, [0; 4]), LOGIN, &limits, NOON).refusal, None);
        let refusal = assess(&window(NOON), &counts(21, 21, [0; 4]), LOGIN, &limits, NOON).refusal.unwrap();
        assert_eq!((refusal.reason, refusal.limit, refusal.retry_after), (LimitReason::AuthRateLimit, 20, 3_600));
    }

    #[test]
    fn r35_failures_count_by_the_quarter_in_seed_and_by_the_hour_in_nist() {
        let seed = assess(&window(NOON), &counts(1, 1, [6, 0, 0, 0]), LOGIN, &Policy::seed().ip, NOON).refusal.unwrap();
        assert_eq!((seed.reason, seed.retry_after), (LimitReason::FailedLogins, 900));
        let later = NOON.plus(Duration::from_mins(15));
        assert_eq!(assess(&window(later), &counts(1, 1, [6, 0, 0, 0]), LOGIN, &Policy::seed().ip, later).refusal, None);
        let nist = assess(&window(later), &counts(1, 1, [60, 41, 0, 0]), LOGIN, &Policy::nist().ip, later).refusal.unwrap();
        assert_eq!((nist.reason, nist.retry_after), (LimitReason::FailedLogins, 2_700));
    }

    #[test]
    fn r39_the_status_is_that_of_the_limit_with_the_least_left() {
        let status = assess(&window(NOON), &counts(990, 3, [1, 0, 0, 0]), LOGIN, &Policy::seed().ip, NOON).status;
        assert_eq!((status.limit, status.remaining), (5, 4));
        assert_eq!(status.resets_at, NOON.plus(Duration::from_mins(15)));
    }

    #[test]
    fn of_several_refusals_the_longest_is_told() {
        let refusal = assess(&window(NOON), &counts(1_001, 21, [6, 0, 0, 0]), LOGIN, &Policy::seed().ip, NOON).refusal.unwrap();
        assert_eq!(refusal.reason, LimitReason::GlobalRateLimit);
    }

    #[test]
    fn a26_unreadable_counters_refuse() {
        assert!(assess(&window(NOON), &IpCounts::UNREADABLE, LOGIN, &Policy::nist().ip, NOON).refusal.is_some());
    }

    proptest! {
        #[test]
        fn a32_a_request_after_exactly_retry_after_passes_and_the_wait_only_shrinks(
            start in 0_i64..4_000_000_000_000, wait in 0_u64..3_600_000, used in 0_u64..3_000
        ) {
            for limits in [Policy::seed().ip, Policy::nist().ip] {
                let now = Timestamp::from_millis(start);
                let mut failures = [0; 4];
                failures[window(now).quarter()] = used;
                let full = counts(used, used, failures);
                if let Some(first) = assess(&window(now), &full, LOGIN, &limits, now).refusal {
                    prop_assert!(first.retry_after >= 1);
                    let later = now.plus(Duration::from_secs(first.retry_after));
                    let fresh = window(later);
                    let used_then = if fresh.counter() == window(now).counter() { full.clone() } else { counts(1, 1, [0; 4]) };
                    prop_assert_ne!(assess(&fresh, &used_then, LOGIN, &limits, later).refusal.map(|r| r.reason), Some(first.reason));
                    let between = now.plus(Duration::from_millis(wait));
                    if window(between) == window(now) {
                        let second = assess(&window(between), &full, LOGIN, &limits, between).refusal.unwrap();
                        prop_assert!(second.retry_after <= first.retry_after);
                    }
                }
            }
        }
    }
}
