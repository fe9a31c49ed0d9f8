//! What counts as reused, and what comparing costs.

use super::*;
use crate::hashing::Normalization;

const CHEAP: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
const OTHER: Argon2Params = Argon2Params { memory_kib: 16, passes: 1, lanes: 1 };
const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn digest(text: &str, params: Argon2Params) -> Digest {
    Digest { bytes: hashing::digest(&password(text), &SALT, &params).unwrap(), params }
}

fn entry(at: i64, old: Old) -> Entry {
    Entry { changed_at: Timestamp::from_seconds(at), old }
}

fn imported(text: &str) -> StoredPassword {
    StoredPassword { normalization: Normalization::Raw, ..hashing::hash(&password(text), &[3; SALT_BYTES], &OTHER).unwrap() }
}

fn account(current: Option<Digest>) -> Account {
    Account {
        password: Some(imported("imported current")),
        history_salt: current.is_some().then_some(SALT),
        current_digest: current,
        ..crate::account::tests::account()
    }
}

fn reused(past: &Past, candidate: &str) -> bool {
    past.compare(&password(candidate), [9; SALT_BYTES], &CHEAP).unwrap().reused
}

#[test]
fn r11_the_current_and_the_newest_five_are_refused_and_the_sixth_is_free() {
    let account = account(Some(digest("current", CHEAP)));
    let entries: Vec<Entry> = (1..=7).map(|n| entry(100 - n, Old::Digest(digest(&format!("old-{n}"), CHEAP)))).collect();
    let past = Past::of(&account, &entries, 5);
    assert_eq!(past.runs(&CHEAP), 1, "at any depth");
    for refused in ["current", "old-1", "old-2", "old-3", "old-4", "old-5"] {
        assert!(reused(&past, refused), "{refused}");
    }
    for free in ["old-6", "old-7", "never"] {
        assert!(!reused(&past, free), "{free}");
    }
    assert!(!reused(&Past::without_current(&account, &entries, 5), "current"));
    assert!(reused(&Past::without_current(&account, &entries, 5), "old-5"));
}

#[test]
fn other_parameters_and_imported_hashes_cost_a_run_each_and_count_all_the_same() {
    let account = account(None);
    let entries = [
        entry(3, Old::Digest(digest("same cost", CHEAP))),
        entry(2, Old::Digest(digest("other cost", OTHER))),
        entry(1, Old::Encoded(imported("imported old"))),
    ];
    let without_salt = Past::of(&account, &entries[2..], 5);
    assert_eq!(without_salt.runs(&CHEAP), 3, "its own digest, the current imported hash, the old one");
    for refused in ["imported current", "imported old"] {
        assert!(reused(&without_salt, refused), "{refused}");
    }
    let account = Account { history_salt: Some(SALT), current_digest: Some(digest("current", CHEAP)), ..account };
    let past = Past::of(&account, &entries, 5);
    assert_eq!(past.runs(&CHEAP), 3);
    for refused in ["current", "same cost", "other cost", "imported old"] {
        assert!(reused(&past, refused), "{refused}");
    }
}

#[test]
fn history_compares_the_normal_form() {
    let past = Past::of(&account(Some(digest("caf\u{e9}", CHEAP))), &[], 5);
    assert!(reused(&past, "cafe\u{301}"));
}

#[test]
fn p21_the_fifth_change_of_a_day_waits() {
    let at = |hours: i64| entry(hours * 3_600, Old::Digest(digest("x", CHEAP)));
    let four = [at(10), at(5), at(3), at(1)];
    let now = Timestamp::from_seconds(11 * 3_600);
    assert_eq!(change_limit(&four[..3], now), None);
    let refusal = change_limit(&four, now).unwrap();
    assert_eq!((refusal.reason, refusal.limit, refusal.retry_after), (LimitReason::ChangeLimit, 4, 14 * 3_600));
    assert_eq!(change_limit(&four, Timestamp::from_seconds(25 * 3_600)), None);
}

#[test]
fn a_digest_is_read_as_it_was_written_and_within_the_ceilings() {
    let digest = digest("x", OTHER);
    assert_eq!(Digest::parse(&digest.encode()), Some(digest.clone()));
    for bad in ["", "m=16,t=1,p=1", "m=16,t=1,p=1$AAAA", &digest.encode().replace("m=16", "m=999999999")] {
        assert_eq!(Digest::parse(bad), None, "{bad}");
    }
}
