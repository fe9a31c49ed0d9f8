//! The lane's rules by example, then its invariants over random interleavings against a plain model.

use super::stored::BELIEVABLE;
use super::*;
use crate::policy::Policy;
use proptest::prelude::*;

fn seed() -> LaneRules {
    Policy::seed().common_lane
}

fn nist() -> LaneRules {
    Policy::nist().common_lane
}

const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn after(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

fn failed(lane: &Lane, at: Timestamp, rules: &LaneRules) -> Lane {
    lane.reserve("f", at, rules).unwrap().settle("f", Verdict::Failure, at, rules).unwrap()
}

#[test]
fn r42_the_delay_doubles_to_its_cap() {
    let cap = Duration::from_mins(1);
    let vectors: [(u64, u64); 13] = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 4),
        (4, 8),
        (5, 16),
        (6, 32),
        (7, 60),
        (8, 60),
        (64, 60),
        (65, 60),
        (1_000, 60),
        (u64::MAX, 60),
    ];
    for (failures, seconds) in vectors {
        assert_eq!(delay_after(failures, cap), Duration::from_secs(seconds), "{failures}");
    }
}

#[test]
fn a22_a_try_during_the_delay_changes_nothing() {
    let lane = failed(&Lane::default(), NOON, &seed());
    assert_eq!(lane.reserve("n", NOON, &seed()), Err(Refusal::Delayed(after(1))));
    assert!(lane.reserve("n", after(1), &seed()).is_ok());
}

#[test]
fn a01_a_fourth_try_at_once_gets_no_lease() {
    let mut lane = Lane::default();
    for nonce in ["a", "b", "c"] {
        lane = lane.reserve(nonce, NOON, &seed()).unwrap();
    }
    // All three would run out at 5 s into failures of 1, 2 and 4 s.
    assert_eq!(lane.reserve("d", NOON, &seed()), Err(Refusal::Delayed(after(9))));
}

#[test]
fn a03_a_success_forgets_what_came_before_it_and_nothing_later() {
    let rules = seed();
    let lane = failed(&failed(&Lane::default(), NOON, &rules), after(1), &rules);
    let both = lane.reserve("right", after(3), &rules).unwrap().reserve("wrong", after(3), &rules).unwrap();
    let wrong_first = both.settle("wrong", Verdict::Failure, after(3), &rules).unwrap();
    let end = wrong_first.settle("right", Verdict::Success, after(3), &rules).unwrap();
    assert_eq!((end.failures(), end.not_before), (1, after(3).plus(Duration::from_secs(4))));
    let right_first = both.settle("right", Verdict::Success, after(3), &rules).unwrap();
    let end = right_first.settle("wrong", Verdict::Failure, after(3), &rules).unwrap();
    assert_eq!((end.failures(), end.not_before), (1, after(4)));
}

#[test]
fn a03_an_older_success_does_not_erase_a_failure_after_a_newer_one() {
    let rules = seed();
    let lane = failed(&Lane::default(), NOON, &rules);
    let lane = lane.reserve("a", after(1), &rules).unwrap().reserve("b", after(1), &rules).unwrap();
    let lane = lane.reserve("c", after(1), &rules).unwrap();
    let lane = lane.settle("b", Verdict::Success, after(1), &rules).unwrap();
    let lane = lane.settle("c", Verdict::Failure, after(1), &rules).unwrap();
    let lane = lane.settle("a", Verdict::Success, after(1), &rules).unwrap();
    assert_eq!(lane.failures(), 1);
}

#[test]
fn a03_two_right_passwords_at_once_both_settle() {
    let rules = seed();
    let lane = Lane::default().reserve("a", NOON, &rules).unwrap().reserve("b", NOON, &rules).unwrap();
    let lane = lane.settle("a", Verdict::Success, NOON, &rules).unwrap();
    let lane = lane.settle("b", Verdict::Success, NOON, &rules).unwrap();
    assert_eq!(lane, Lane::default());
}

#[test]
fn a_lease_never_settled_counts_as_a_failure_when_it_runs_out() {
    let rules = seed();
    let lane = Lane::default().reserve("lost", NOON, &rules).unwrap();
    assert_eq!(lane.reserve("n", after(5), &rules), Err(Refusal::Delayed(after(6))));
    assert_eq!(lane.settle("lost", Verdict::Success, after(5), &rules), None, "too late to be a success");
}

#[test]
fn failures_are_forgotten_after_an_hour_without_one() {
    let rules = seed();
    let lane = (0..3).fold(Lane::default(), |lane, n| failed(&lane, after(n * 10), &rules));
    assert_eq!(failed(&lane, after(20 + 3_599), &rules).failures(), 4);
    assert_eq!(failed(&lane, after(20 + 3_600), &rules).failures(), 1);
}

#[test]
fn a05_nist_closes_at_100_in_a_row_even_for_the_right_password_and_never_forgets() {
    let rules = nist();
    let mut lane = Lane::default();
    let mut at = NOON;
    for _ in 0..100 {
        at = lane.not_before.max(at);
        lane = failed(&lane, at, &rules);
        at = at.plus(Duration::from_hours(1));
    }
    assert_eq!(lane.failures(), 1, "the delay is forgotten each hour");
    let years_later = at.plus(Duration::from_hours(96000));
    assert_eq!(lane.reserve("right", years_later, &rules), Err(Refusal::Closed));
    assert_eq!(lane.expires_at(&rules), None);
    assert_eq!(Refusal::Closed.rate_limited(at).retry_after, 3_600);
}

#[test]
fn a05_a_try_that_could_close_the_lane_is_waited_for() {
    let rules = LaneRules { closes_at: Some(2), ..nist() };
    let one_left = failed(&Lane::default(), NOON, &rules).reserve("a", after(1), &rules).unwrap();
    assert_eq!(one_left.reserve("b", after(1), &rules), Err(Refusal::Closing(after(6))));
    let open = one_left.settle("a", Verdict::Success, after(1), &rules).unwrap();
    assert!(open.reserve("b", after(1), &rules).is_ok(), "the right password was right");
    let closed = one_left.settle("a", Verdict::Failure, after(1), &rules).unwrap();
    assert_eq!(closed.reserve("b", after(1), &rules), Err(Refusal::Closed));
    assert_eq!(one_left.reserve("b", after(6), &rules), Err(Refusal::Closed), "it ran out");
}

#[test]
fn a_lane_that_counts_towards_closing_is_kept_as_long_as_it_could_matter() {
    let device = Policy::seed().device_lane;
    let fresh = Lane::default();
    let leased = fresh.reserve("a", NOON, &device).unwrap();
    let once = leased.settle("a", Verdict::Failure, NOON, &device).unwrap();
    let ninety_days = Duration::from_hours(90 * 24);
    assert!(leased.expires_at(&device).unwrap() > NOON.plus(ninety_days));
    assert!(once.expires_at(&device).unwrap() > NOON.plus(ninety_days));
    let leased = fresh.reserve("a", NOON, &nist()).unwrap();
    assert_eq!(leased.expires_at(&nist()), None, "it may end as the hundredth failure");
    assert_eq!(failed(&fresh, NOON, &nist()).expires_at(&nist()), None);
    let two_hours = Duration::from_hours(2);
    assert!(failed(&fresh, NOON, &seed()).expires_at(&seed()).unwrap() < NOON.plus(two_hours));
    let cleared = leased.settle("a", Verdict::Success, NOON, &nist()).unwrap();
    assert!(cleared.expires_at(&nist()).is_some());
}

#[test]
fn a25_a_clock_behind_never_resets_a_count_and_one_ahead_ends_a_delay_by_its_skew_at_most() {
    let rules = seed();
    for skew in [2, 300] {
        let lane = failed(&failed(&Lane::default(), after(400), &rules), after(401), &rules);
        let behind = after(401 - skew);
        assert_eq!(lane.reserve("n", behind, &rules), Err(Refusal::Delayed(after(403))));
        let ahead = after(403 + skew);
        assert_eq!(failed(&lane, ahead, &rules).failures(), 3);
    }
}

fn stored(settled: Stored, not_before: Stored) -> StoredLane {
    StoredLane {
        settled,
        forgotten: Stored::Number(0),
        cleared: Stored::Number(0),
        not_before,
        last_failure: Stored::Number(i128::from(NOON.millis())),
        leases: Vec::new(),
        unknown_success: Stored::Missing,
    }
}

#[test]
fn a26_a_damaged_count_is_read_as_the_longest_delays() {
    let rules = seed();
    for bad in [Stored::Number(-1), Stored::Number(1 << 53), Stored::Number(10_i128.pow(30)), Stored::Unreadable, Stored::Missing] {
        let (lane, repaired) = stored(bad, Stored::Number(0)).read(NOON, &rules);
        assert!(repaired, "{bad:?}");
        let next = failed(&lane, NOON, &rules);
        assert_eq!(next.not_before, after(60), "{bad:?}");
    }
}

#[test]
fn a26_an_absurd_not_before_is_worked_out_anew() {
    let rules = seed();
    for bad in [Stored::Number(10_i128.pow(30)), Stored::Number(-5), Stored::Unreadable, Stored::Missing] {
        let (lane, repaired) = stored(Stored::Number(3), bad).read(NOON, &rules);
        assert!(repaired);
        assert_eq!(lane.not_before, after(4), "{bad:?}");
    }
}

#[test]
fn a26_a_damaged_lease_is_a_failure() {
    let rules = seed();
    let mut item = stored(Stored::Number(0), Stored::Number(0));
    item.leases.push(("x".into(), Stored::Unreadable, Stored::Number(0)));
    let (lane, repaired) = item.read(NOON, &rules);
    assert!(repaired);
    assert_eq!(failed(&lane, NOON, &rules).not_before, after(2), "one failure already counts");
}

/// A step of the random story: advance the clock, start a try, or end the oldest one.
#[derive(Debug, Clone)]
enum Step {
    Advance(u64),
    Start,
    End(usize, Verdict),
    Abandon(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u64..9_000).prop_map(Step::Advance),
        1 => (60_000_u64..5_000_000).prop_map(Step::Advance),
        6 => Just(Step::Start),
        3 => (0_usize..3).prop_map(|n| Step::End(n, Verdict::Failure)),
        1 => (0_usize..3).prop_map(|n| Step::End(n, Verdict::Success)),
        1 => (0_usize..3).prop_map(Step::Abandon),
    ]
}

/// What a plain observer of the story knows.
#[derive(Default)]
struct Model {
    /// Nonces of tries under way, with how many failures had been seen when they started.
    running: Vec<(String, usize)>,
    failures: usize,
    /// Failures seen before the reservation of the latest success, at most.
    forgiven: usize,
}

fn run(steps: &[Step], rules: &LaneRules) -> Result<(), TestCaseError> {
    let (mut lane, mut now, mut model, mut count) = (Lane::default(), NOON, Model::default(), 0);
    for step in steps {
        let before = lane.not_before;
        match step {
            Step::Advance(millis) => now = now.plus(Duration::from_millis(*millis)),
            Step::Start => {
                count += 1;
                start(&mut lane, now, rules, &mut model, format!("n{count}"))?;
            }
            Step::End(place, verdict) if *place < model.running.len() => {
                let (nonce, seen) = model.running.remove(*place);
                if let Some(next) = lane.settle(&nonce, *verdict, now, rules) {
                    lane = next;
                    match verdict {
                        Verdict::Failure => model.failures += 1,
                        Verdict::Success => model.forgiven = model.forgiven.max(seen),
                    }
                } else {
                    prop_assert!(!lane.aged(now, rules).holds(&nonce), "a lease is only lost by running out");
                }
            }
            Step::Abandon(place) if *place < model.running.len() => drop(model.running.remove(*place)),
            Step::End(..) | Step::Abandon(_) => {}
        }
        let in_a_row = lane.aged(now, rules).in_a_row();
        prop_assert!(rules.closes_at.is_none_or(|at| in_a_row <= at), "no failure after the one that closes");
        prop_assert!(
            in_a_row >= u64::try_from(model.failures - model.forgiven).unwrap(),
            "a stored count is never lower than the real failures"
        );
        prop_assert!(lane.not_before >= before, "no delay is ever taken back");
        prop_assert!(lane.not_before <= now.plus(rules.delay_cap));
    }
    Ok(())
}

fn start(lane: &mut Lane, now: Timestamp, rules: &LaneRules, model: &mut Model, nonce: String) -> Result<(), TestCaseError> {
    match lane.reserve(&nonce, now, rules) {
        Ok(next) => {
            prop_assert!(now >= lane.not_before, "nothing is admitted during a delay");
            prop_assert!(next.leases.len() <= rules.leases, "at most three tries at once");
            model.running.push((nonce, model.failures));
            *lane = next;
        }
        Err(Refusal::Delayed(until)) => {
            let wait = Refusal::Delayed(until).rate_limited(now).retry_after;
            prop_assert!(wait >= 1);
            let later = now.plus(Duration::from_secs(wait));
            prop_assert!(lane.reserve("later", later, rules).is_ok(), "whoever waits as told is admitted");
            let halfway = now.plus(Duration::from_millis(wait * 500));
            if let Err(Refusal::Delayed(still)) = lane.reserve("halfway", halfway, rules) {
                prop_assert!(Refusal::Delayed(still).rate_limited(halfway).retry_after <= wait, "the wait never grows");
            }
        }
        Err(Refusal::Closing(until)) => {
            let decided = now.plus(Duration::from_secs(Refusal::Closing(until).rate_limited(now).retry_after));
            prop_assert_eq!(lane.reserve("later", decided, rules), Err(Refusal::Closed), "unless somebody settles it closes");
            let mut settled = lane.aged(now, rules);
            for lease in settled.leases.clone() {
                settled = settled.settle(&lease.nonce, Verdict::Success, now, rules).unwrap();
            }
            prop_assert!(settled.reserve("later", decided, rules).is_ok(), "after successes it is open by then");
        }
        Err(Refusal::Closed) => {
            prop_assert!(rules.closes_at.is_some_and(|at| lane.aged(now, rules).in_a_row() >= at));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a32_the_invariants_hold_over_random_interleavings(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps, &seed())?;
        run(&steps, &LaneRules { closes_at: Some(10), ..seed() })?;
    }

    #[test]
    fn a26_any_stored_numbers_are_read_without_panic_or_free_pass(
        settled in any::<i128>(), forgotten in any::<i128>(), not_before in any::<i128>(), last in any::<i128>()
    ) {
        let item = StoredLane {
            settled: Stored::Number(settled), forgotten: Stored::Number(forgotten), cleared: Stored::Number(0),
            not_before: Stored::Number(not_before), last_failure: Stored::Number(last),
            leases: vec![("x".into(), Stored::Number(last), Stored::Number(settled))],
            unknown_success: Stored::Number(last),
        };
        let (lane, _) = item.read(NOON, &seed());
        prop_assert!(lane.failures() <= BELIEVABLE);
        let believable = 0..=i128::from(BELIEVABLE);
        if !(believable.contains(&settled) && believable.contains(&forgotten) && forgotten <= settled) {
            prop_assert_eq!(lane.failures(), 7, "the first count with the longest delay");
        }
        prop_assert!(lane.not_before <= NOON.plus(seed().delay_cap).plus(CLOCK_SKEW));
    }
}

#[test]
fn a21_ten_thousand_failures_by_strangers_leave_the_devices_own_lane_open() {
    let rules = seed();
    let device = Policy::seed().device_lane;
    let (mut common, mut own, mut now, mut shut_out) = (Lane::default(), Lane::default(), NOON, 0);
    for n in 0..10_000 {
        if let Ok(lane) = common.reserve("s", now, &rules) {
            common = lane.settle("s", Verdict::Failure, now, &rules).unwrap();
        }
        now = now.plus(Duration::from_millis(500));
        shut_out += usize::from(common.reserve("owner", now, &rules).is_err());
        // The owner mistypes once in a while, waits as told, and gets in.
        if n % 100 == 0 {
            own = failed(&own, now, &device);
            now = own.not_before;
            own = own.reserve("owner", now, &device).unwrap().settle("owner", Verdict::Success, now, &device).unwrap();
        }
    }
    assert!(shut_out > 9_000, "without a device the owner would have been: {shut_out}");
    assert!(common.not_before <= now.plus(Duration::from_mins(1)));
}

#[test]
fn a33_a_success_of_an_unknown_try_is_taken_for_the_oldest_and_forgets_what_failed_before_it() {
    let rules = seed();
    let lane = failed(&Lane::default(), NOON, &rules);
    let lane = lane.reserve("owner", after(1), &rules).unwrap().reserve("thief", after(2), &rules).unwrap();
    let lane = lane.settle_unknown_success(after(3), &rules).unwrap();
    assert_eq!((lane.failures(), lane.in_a_row()), (0, 0));
    assert!(lane.holds("thief") && !lane.holds("owner"));
    assert_eq!(lane.aged(after(60), &rules).failures(), 1, "whoever is left has failed");
}

#[test]
fn a33_a_failure_after_the_oldest_try_was_taken_stays() {
    let rules = seed();
    let lane = Lane::default().reserve("owner", NOON, &rules).unwrap().reserve("thief", NOON, &rules).unwrap();
    let lane = lane.settle("thief", Verdict::Failure, NOON, &rules).unwrap().settle_unknown_success(after(1), &rules).unwrap();
    assert_eq!((lane.failures(), lane.leases.len(), lane.not_before), (1, 0, after(1)));
}

#[test]
fn a33_a_second_call_for_one_success_changes_nothing() {
    let rules = seed();
    let lane = Lane::default().reserve("owner", NOON, &rules).unwrap().settle_unknown_success(after(1), &rules).unwrap();
    let lane = failed(&lane, after(2), &rules).reserve("thief", after(4), &rules).unwrap();
    for seconds in [5, 15] {
        assert_eq!(lane.settle_unknown_success(after(seconds), &rules), None, "{seconds}");
    }
    assert!(lane.settle_unknown_success(after(16), &rules).is_some());
}

#[test]
fn a_sign_in_that_outlived_its_try_is_forgiven_it() {
    let rules = seed();
    let lane = Lane::default().reserve("owner", NOON, &rules).unwrap();
    let lane = lane.settle_unknown_success(after(60), &rules).unwrap();
    assert_eq!((lane.settled, lane.failures()), (1, 0), "a second factor takes its time");
}

proptest! {
    #[test]
    fn a33_as_many_tries_fail_as_did_not_succeed(successes in 0_usize..4, tries in 1_usize..4) {
        let rules = seed();
        let mut lane = Lane::default();
        for nonce in 0..tries {
            lane = lane.reserve(&nonce.to_string(), NOON, &rules).unwrap();
        }
        for n in 0..successes.min(tries) {
            lane.unknown_success = None;
            lane = lane.settle_unknown_success(after(1 + u64::try_from(n).unwrap()), &rules).unwrap();
        }
        let failed = u64::try_from(tries.saturating_sub(successes)).unwrap();
        prop_assert_eq!(lane.aged(after(30), &rules).settled, failed);
    }
}
