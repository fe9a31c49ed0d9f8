//! What the counters of an address tell of it, beside whether it may go on.

use super::{IpCounts, IpWindow, MAX_NAMES, Places, failures};
use crate::anomaly::AddressFacts;
use crate::policy::IpLimits;

/// Something about an address that an operator should know, once in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It tried more names than are told apart: enumeration, or a spray of one password (requirement r48).
    Names,
    /// It failed more often than it may (r35), in the quarter or the hour that is counted.
    Failures(usize),
    /// It asked more often than it may (r34).
    Requests,
}

impl Signal {
    /// The mark in the window's item that operators were told.
    pub fn mark(self) -> String {
        match self {
            Self::Names => "names".to_owned(),
            Self::Failures(quarter) => format!("failures_{quarter}"),
            Self::Requests => "requests".to_owned(),
        }
    }
}

/// What operators are to be told of a request that took `places`, and were not told yet. It stays so until the mark is set, so that a
/// write that fails is made again by the next request. Counters that cannot be read tell nothing.
pub fn signals(window: &IpWindow, counts: &IpCounts, places: Places, limits: &IpLimits) -> Vec<Signal> {
    if counts.are_unreadable() {
        return Vec::new();
    }
    let is_over = places.failure && failures(window, counts, limits).0 > limits.failures;
    let found = [
        (counts.names >= MAX_NAMES).then_some(Signal::Names),
        is_over.then_some(Signal::Failures(window.quarter)),
        (counts.requests > limits.requests_per_hour).then_some(Signal::Requests),
    ];
    found.into_iter().flatten().filter(|signal| !counts.reported.contains(&signal.mark())).collect()
}

/// What the detectors get to know of the address of a login that took a place among its failures, the login itself left out; `None` where the
/// counters cannot be read.
pub fn facts(window: &IpWindow, counts: &IpCounts, limits: &IpLimits) -> Option<AddressFacts> {
    if counts.are_unreadable() {
        return None;
    }
    let others = counts.clone().without_failure(window);
    Some(AddressFacts {
        failures: failures(window, &others, limits).0,
        failures_in_hour: others.failures_in_hour(),
        logins: others.logins.saturating_sub(1),
        names_full: others.names >= MAX_NAMES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_ip::ClientIp;
    use crate::policy::Policy;
    use crate::route::{LOGIN, SIGN_UP};
    use crate::timestamp::Timestamp;

    fn window() -> IpWindow {
        IpWindow::at(ClientIp::Unknown.prefix(), Timestamp::from_seconds(1_800_000_000))
    }

    fn counts(failures: u64, names: usize, reported: &[&str]) -> IpCounts {
        let reported = reported.iter().map(|mark| (*mark).to_owned()).collect();
        let failures = [failures, 0, 0, 7];
        IpCounts { requests: 1, auth_requests: 1, logins: 3, breach_checks: 0, failures, names, names_filled: false, reported }
    }

    #[test]
    fn each_signal_is_told_until_its_mark_is_set() {
        let limits = Policy::seed().ip;
        let of = |counts: &IpCounts| signals(&window(), counts, LOGIN, &limits);
        assert_eq!(of(&counts(5, 10, &[])), []);
        assert_eq!(of(&counts(6, 11, &[])), [Signal::Names, Signal::Failures(0)]);
        assert_eq!(of(&counts(6, 11, &["names", "failures_0"])), []);
        assert_eq!(of(&counts(6, 1, &["failures_3"])), [Signal::Failures(0)], "each quarter is told of");
        assert_eq!(signals(&window(), &counts(6, 11, &[]), SIGN_UP, &limits), [Signal::Names]);
        assert_eq!(of(&IpCounts { requests: 1_001, ..counts(0, 0, &[]) }), [Signal::Requests]);
        assert_eq!(of(&IpCounts { requests: 1_001, ..counts(0, 0, &["requests"]) }), []);
        assert_eq!(of(&IpCounts::UNREADABLE), []);
    }

    #[test]
    fn the_facts_leave_the_login_itself_out() {
        let seed = facts(&window(), &counts(4, 11, &[]), &Policy::seed().ip).unwrap();
        assert_eq!((seed.failures, seed.failures_in_hour, seed.logins, seed.names_full), (3, 10, 2, true));
        assert_eq!(facts(&window(), &counts(4, 11, &[]), &Policy::nist().ip).unwrap().failures, 10);
        assert_eq!(facts(&window(), &IpCounts::UNREADABLE, &Policy::seed().ip), None);
    }
}
