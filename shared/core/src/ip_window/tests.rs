use super::*;
use crate::client_ip::ClientIp;
use crate::policy::Policy;
use proptest::prelude::*;

fn window(now: Timestamp) -> IpWindow {
    IpWindow::at(ClientIp::Unknown.prefix(), now)
}

fn counts(requests: u64, auth_requests: u64, failures: [u64; 4]) -> IpCounts {
    IpCounts { requests, auth_requests, logins: 1, breach_checks: 0, failures, names: 1, names_filled: false, reported: Vec::new() }
}

const LOGIN: Places = Places { request: true, auth: true, failure: true, breach_check: false };
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
