use std::io::Cursor;

use super::*;

/// The log of `scenario` as `today` recorded it, under `candidate`.
fn replayed(scenario: Scenario, today: &Policy, candidate: impl Into<Candidate>) -> Comparison {
    let mut log = String::new();
    scenario::play(scenario, today, scenario.usual_size(), 1, |attempt| {
        log.push_str(&attempt.line());
        log.push('\n');
    });
    compare(Cursor::new(log), &candidate.into(), &ProgressBar::hidden()).unwrap()
}

/// What a policy does to a scenario.
fn played(scenario: Scenario, policy: &Policy) -> Side {
    let comparison = replayed(scenario, policy, policy.clone());
    assert_eq!(comparison.today.refused, comparison.candidate.refused, "{scenario:?}: a policy is what it is");
    comparison.candidate
}

const ALL: [Scenario; 6] = [
    Scenario::Stuffing,
    Scenario::Spray,
    Scenario::LowAndSlow,
    Scenario::LockTheBoss,
    Scenario::NatOffice,
    Scenario::MobileHopping,
];

#[test]
fn todays_policy_replayed_is_todays_outcome_attempt_by_attempt() {
    for policy in [Policy::seed(), Policy::nist()] {
        for scenario in ALL {
            let comparison = replayed(scenario, &policy, policy.clone());
            assert_eq!(comparison.today, comparison.candidate, "{scenario:?}: to the last unit");
            assert!(comparison.newly_refused().is_empty(), "{scenario:?}");
        }
    }
}

#[test]
fn nobody_with_a_known_device_is_ever_refused() {
    for policy in [Policy::seed(), Policy::nist()] {
        for scenario in ALL {
            assert_eq!(played(scenario, &policy).refused_known_devices, 0, "{scenario:?}");
        }
        for scenario in [Scenario::LockTheBoss, Scenario::MobileHopping] {
            let mut known = 0;
            scenario::play(scenario, &policy, scenario.usual_size(), 1, |attempt| known += u32::from(attempt.device.is_some()));
            assert!(known > 40, "{scenario:?} has known devices: {known}");
        }
    }
}

#[test]
fn a_candidate_that_only_monitors_or_allows_an_office_refuses_it_nothing() {
    let monitored = candidate("limits = \"monitor\"").unwrap();
    assert_eq!(replayed(Scenario::NatOffice, &Policy::seed(), monitored).candidate.refused, 0);
    let allowed = candidate("ip_allowlist = \"10.0.0.0/24, 192.0.2.1\"").unwrap();
    assert_eq!(allowed.allowlist.len(), 2);
    let office = replayed(Scenario::NatOffice, &Policy::seed(), allowed);
    assert_eq!(office.today.refused, 500);
    // Whoever was refused with a typo came back at once: recorded so, and delayed now.
    assert_eq!(office.reasons, [("login_delay", 19)].into());
}

/// Tried, refused, let in of the attack, hashes.
fn numbers(scenario: Scenario, policy: &Policy) -> (u64, u64, u64, u64) {
    let side = played(scenario, policy);
    (side.tried, side.refused, side.broken_in, side.cost.hashes)
}

#[test]
fn stuffing_from_two_hundred_addresses_meets_the_limits_of_each() {
    assert_eq!(numbers(Scenario::Stuffing, &Policy::seed()), (2_035, 7_965, 35, 2_035));
    // 50 an hour from each address are within its limits: seen (an incident for each success), not stopped.
    assert_eq!(numbers(Scenario::Stuffing, &Policy::nist()), (10_000, 0, 183, 10_000));
}

#[test]
fn a_spray_from_one_address_ends_at_its_failures() {
    assert_eq!(numbers(Scenario::Spray, &Policy::seed()), (5, 495, 0, 5));
    assert_eq!(numbers(Scenario::Spray, &Policy::nist()), (101, 399, 1, 101));
}

#[test]
fn low_and_slow_passes_every_limit_and_lets_nobody_in() {
    for policy in [Policy::seed(), Policy::nist()] {
        assert_eq!(numbers(Scenario::LowAndSlow, &policy), (4_800, 0, 0, 4_800));
    }
}

#[test]
fn nobody_locks_the_boss_out() {
    for (policy, hashes) in [(Policy::seed(), 1_258), (Policy::nist(), 145)] {
        let side = played(Scenario::LockTheBoss, &policy);
        assert_eq!((side.refused_owners, side.refused_known_devices, side.broken_in, side.cost.hashes), (0, 0, 0, hashes));
    }
}

#[test]
fn a27_an_office_of_five_hundred_is_let_in_by_nist_and_refused_from_the_twenty_first_on_by_seed() {
    let nist = played(Scenario::NatOffice, &Policy::nist());
    assert_eq!((nist.tried, nist.refused_owners), (520, 0));
    let seed = played(Scenario::NatOffice, &Policy::seed());
    assert_eq!((seed.tried, seed.refused_owners), (20, 500));
}

#[test]
fn changing_addresses_refuses_nobody() {
    for policy in [Policy::seed(), Policy::nist()] {
        assert_eq!(numbers(Scenario::MobileHopping, &policy), (56, 0, 0, 56));
    }
}

#[test]
fn another_policy_shows_whom_it_would_refuse() {
    let strict = candidate("policy = \"nist\"\nauth_requests_per_ip = 100\n").unwrap();
    let comparison = replayed(Scenario::NatOffice, &Policy::nist(), strict);
    assert_eq!((comparison.today.refused, comparison.candidate.refused_owners), (0, 420));
    assert_eq!(comparison.reasons, [("auth_rate_limit", 420)].into());
    assert_eq!(comparison.newly_refused().len(), 20);
    let text = report(&comparison);
    assert!(text.contains("refused by the candidate: auth_rate_limit 420") && text.contains("+420"), "{text}");
}

#[test]
fn without_a_scenarios_truth_owners_are_told_by_what_follows() {
    let told_nothing = |scenario: Scenario, today: &Policy, candidate: &Policy| {
        let mut log = String::new();
        scenario::play(scenario, today, scenario.usual_size(), 1, |attempt| {
            log.push_str(&Attempt { truth: None, ..attempt.clone() }.line());
            log.push('\n');
        });
        compare(Cursor::new(log), &candidate.clone().into(), &ProgressBar::hidden()).unwrap()
    };
    let slow = told_nothing(Scenario::LowAndSlow, &Policy::seed(), &Policy::seed());
    assert_eq!((slow.attack, slow.candidate.refused_owners), (4_800, 0));
    let office = told_nothing(Scenario::NatOffice, &Policy::nist(), &Policy::seed());
    assert_eq!((office.attack, office.candidate.refused_owners), (0, 500), "all of them got in within the hour");
}

#[test]
fn a_candidate_is_a_policy_and_nothing_else() {
    assert_eq!(candidate("").unwrap(), Policy::seed().into());
    assert_eq!(candidate("policy = \"nist\"").unwrap(), Policy::nist().into());
    for (wrong, why) in [
        ("policy = \"other\"", "must be seed or nist"),
        ("auth_requests_per_ip = 0", "whole number"),
        ("auth_request_per_ip = 1", "is no setting"),
        ("secret = \"a-marked-fake-secret-for-tests-0001\"", "does not belong here"),
        ("policy", "not TOML"),
        ("policy = [1]", "must be"),
        ("ip_allowlist = \"office\"", "no network"),
    ] {
        let error = candidate(wrong).unwrap_err();
        assert!(error.contains(why) && !error.contains("marked-fake"), "{wrong}: {error}");
    }
}

#[test]
fn what_is_no_login_is_passed_over_whatever_it_is() {
    let mut log = b"\xff\xfe\n{\"event\":\"authn_login_fail\"}\n".to_vec();
    log.extend(vec![b'x'; 300_000]);
    log.push(b'\n');
    let mut line = Vec::new();
    scenario::play(Scenario::MobileHopping, &Policy::seed(), 1, 1, |attempt| line = attempt.line().into_bytes());
    log.extend(line);
    let comparison = compare(Cursor::new(log), &Policy::seed().into(), &ProgressBar::hidden()).unwrap();
    assert_eq!(comparison.attempts, 1);
}
