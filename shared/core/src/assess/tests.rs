//! Each line of the table, in both profiles.

use super::*;
use crate::keys::AccountKey;
use crate::policy::Policy;
use crate::session::SessionKey;
use proptest::prelude::*;

const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const FIREFOX_NEXT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0";
const CURL: &str = "curl/8.5.0";

fn after(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

fn account() -> Account {
    Account { key: AccountKey::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap(), auth_version: 7, ..crate::account::tests::account() }
}

fn session() -> Session {
    let token = format!("AAAAAAAAAAAAAAAAAAAAAA.{}", "A".repeat(43));
    Session {
        key: SessionKey::of_token(&token).unwrap(),
        auth_version: 7,
        auth_time: NOON,
        created_at: NOON,
        last_seen: NOON,
        moved_at: None,
        ip: "203.0.113.7".into(),
        user_agent: UserAgent::new(FIREFOX),
        expires_at: after(3_600),
    }
}

fn seen(ip: &str, user_agent: &str) -> Seen {
    Seen { ip: ClientIp::stored_as(ip), user_agent: UserAgent::new(user_agent) }
}

fn judge(seen: &Seen, now: Timestamp) -> [Verdict; 2] {
    [Policy::seed(), Policy::nist()].map(|policy| assess(&session(), &account(), Some(seen), now, &policy.session))
}

const FINE: Verdict = Verdict::Valid(None);

#[test]
fn r25_r26_what_changed_and_when_decides() {
    use Verdict::{Ended, Hijacking, IntegrityViolation};
    let moved = Verdict::Valid(Some(Touch::Elsewhere));
    let (here, there) = ("203.0.113.7", "198.51.100.1");
    let table = [
        (here, FIREFOX, 30, [FINE, FINE]),
        (there, FIREFOX, 30, [Hijacking, moved]),
        (there, FIREFOX, 119, [Hijacking, moved]),
        (there, FIREFOX, 120, [IntegrityViolation, moved]),
        (here, FIREFOX_NEXT, 30, [IntegrityViolation, moved]),
        (here, FIREFOX_NEXT, 60, [IntegrityViolation, moved]),
        (here, CURL, 600, [Hijacking, moved]),
        (there, FIREFOX_NEXT, 600, [IntegrityViolation, IntegrityViolation]),
        (there, CURL, 600, [Hijacking, IntegrityViolation]),
        (there, CURL, 119, [Hijacking, Hijacking]),
        ("unknown", FIREFOX, 30, [Ended, Ended]),
        ("unknown", CURL, 600, [Ended, Ended]),
    ];
    for (ip, user_agent, seconds, expected) in table {
        assert_eq!(judge(&seen(ip, user_agent), after(seconds)), expected, "{ip} {user_agent} {seconds}");
    }
}

#[test]
fn se10_whoever_goes_to_and_fro_is_told_once_a_minute() {
    let rules = Policy::nist().session;
    let elsewhere = seen("198.51.100.1", FIREFOX);
    let at = |moved_at, last_seen, seconds| {
        let session = Session { moved_at: Some(after(moved_at)), last_seen: after(last_seen), ..session() };
        assess(&session, &account(), Some(&elsewhere), after(seconds), &rules)
    };
    assert_eq!(at(5, 5, 10), FINE);
    assert_eq!(at(5, 5, 64), FINE);
    assert_eq!(at(5, 5, 65), Verdict::Valid(Some(Touch::Elsewhere)));
    assert_eq!(at(5, 60, 65), Verdict::Valid(Some(Touch::Elsewhere)), "between two of the owner's touches as well");
}

#[test]
fn r61_what_carries_no_place_is_bound_to_none() {
    for policy in [Policy::seed(), Policy::nist()] {
        let at = |seconds| assess(&session(), &account(), None, after(seconds), &policy.session);
        assert_eq!([at(30), at(60), at(3_600)], [FINE, Verdict::Valid(Some(Touch::Here)), Verdict::Ended]);
    }
}

#[test]
fn r25_the_host_part_of_ipv6_may_rotate() {
    let session = Session { ip: "2001:db8:1:2::1".into(), ..session() };
    let rules = Policy::seed().session;
    let same = assess(&session, &account(), Some(&seen("2001:db8:1:2:ffff::9", FIREFOX)), after(30), &rules);
    let next = assess(&session, &account(), Some(&seen("2001:db8:1:3::1", FIREFOX)), after(30), &rules);
    assert_eq!((same, next), (FINE, Verdict::Hijacking));
}

#[test]
fn a_client_without_a_browsers_name_is_like_itself() {
    let session = Session { user_agent: UserAgent::new(""), ..session() };
    assert_eq!(assess(&session, &account(), Some(&seen("203.0.113.7", "")), after(30), &Policy::seed().session), FINE);
}

#[test]
fn se19_idle_and_absolute_ends_are_exact_and_a_touch_is_due_each_minute() {
    let rules = Policy::seed().session;
    let here = seen("203.0.113.7", FIREFOX);
    let at = |session: &Session, seconds| assess(session, &account(), Some(&here), after(seconds), &rules);
    assert_eq!(at(&session(), 59), FINE);
    assert_eq!(at(&session(), 60), Verdict::Valid(Some(Touch::Here)));
    assert!(matches!(at(&session(), 3_599), Verdict::Valid(_)));
    assert_eq!(at(&session(), 3_600), Verdict::Ended);
    let used = Session { last_seen: after(86_390), expires_at: after(90_000), ..session() };
    assert!(matches!(at(&used, 86_399), Verdict::Valid(_)));
    assert_eq!(at(&used, 86_400), Verdict::Ended);
}

#[test]
fn versions_status_and_the_marks_of_operators_end_it() {
    let here = seen("203.0.113.7", FIREFOX);
    let rules = Policy::seed().session;
    let ends =
        |account: Account, rules: &SessionRules| assess(&session(), &account, Some(&here), after(1), rules) == Verdict::Ended;
    assert!(!ends(account(), &rules));
    assert!(ends(Account { auth_version: 8, ..account() }, &rules));
    assert!(ends(Account { status: Status::Disabled, ..account() }, &rules));
    assert!(ends(account(), &SessionRules { not_before: Some(after(1)), ..rules.clone() }));
    assert!(!ends(account(), &SessionRules { not_before: Some(NOON), ..rules }));
}

#[test]
fn se14_se15_a_replaced_session_is_hijacking_after_ten_seconds_while_its_version_stands() {
    let judge = |seconds, under| assess_replaced((NOON, under), &account(), after(seconds), &Policy::seed().session);
    assert_eq!([judge(9, 7), judge(10, 7), judge(86_399, 7)], [Verdict::Ended, Verdict::Hijacking, Verdict::Hijacking]);
    assert_eq!(judge(86_400, 7), Verdict::Ended, "swept or not");
    assert_eq!(judge(10, 6), Verdict::Ended, "everything ended since");
}

proptest! {
    #[test]
    fn se19_no_session_outlives_its_ends(last in 0_u64..90_000, now in 0_u64..200_000, idle in 60_u64..86_400, most in 60_u64..100_000) {
        let rules = SessionRules { idle: Duration::from_secs(idle), absolute: Duration::from_secs(most), ..Policy::nist().session };
        let session = Session { last_seen: after(last), expires_at: after(1_000_000), ..session() };
        let verdict = assess(&session, &account(), Some(&seen("203.0.113.7", FIREFOX)), after(now), &rules);
        if now >= most || now >= last + idle {
            prop_assert_eq!(verdict, Verdict::Ended);
        } else {
            prop_assert!(matches!(verdict, Verdict::Valid(_)), "{:?}", verdict);
        }
    }
}
