//! Expected values taken from Django, argon2-cffi, bcrypt and CPython: every case of `tests/vectors`. Each file names its source.

use std::time::Duration;

use palisade_core::hashing::{self, Argon2Params, Checked, Cost, Normalization, StoredPassword};
use palisade_core::history::{self, Digest, Entry, Old, Past};
use palisade_core::password::{self, Attributes, Candidate, PasswordRules};
use palisade_core::{Password, Timestamp, throttle, user_agent};
use serde_json::Value;

fn cases(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert_eq!(Some(cases.len()), file["count"].as_u64().and_then(|count| usize::try_from(count).ok()));
    cases
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_else(|| panic!("{name} of {case}"))
}

fn number(case: &Value, name: &str) -> usize {
    case[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_else(|| panic!("{name} of {case}"))
}

/// Costs nothing, so that only the stored hash's own run counts.
const CHEAP: Cost = Cost { params: Argon2Params { memory_kib: 8, passes: 1, lanes: 1 }, dummy: None };

fn check(password: &str, encoded: &str) -> Checked {
    let stored = StoredPassword { encoded: encoded.to_owned(), normalization: Normalization::Raw };
    let password = Password::new(password).expect("short enough");
    hashing::verify(&password, Some(&stored), &[0; 16], &CHEAP).expect("it runs").checked
}

#[test]
fn r02_djangos_hashes_verify_as_django_verifies_them() {
    for case in cases(include_str!("../vectors/password_hashes.json")) {
        let encoded = text(&case, "encoded");
        let verifies = text(&case, "expected") == "verify";
        // Forms that Django verifies but never makes are not read.
        let is_read = hashing::Hash::parse(encoded).is_ok();
        if case["optional"] == true && !is_read {
            continue;
        }
        // The one difference: a plain PHC string is no encoding of Django's, but one of ours.
        if case["id"] == "r010" {
            assert!(encoded.starts_with("$argon2id$"));
            continue;
        }
        assert_eq!(is_read, verifies, "{}: nothing else may reach a hash: {encoded}", case["id"]);
        if text(&case, "cost") == "slow" && cfg!(debug_assertions) {
            continue;
        }
        for candidate in case["candidates"].as_array().expect("candidates") {
            let right = check(text(candidate, "password"), encoded) == Checked::Right;
            assert_eq!(Some(right), candidate["expected"].as_bool(), "{} {candidate}", case["id"]);
        }
    }
}

#[test]
fn p13_djangos_own_defaults_are_computed() {
    let slow = cases(include_str!("../vectors/password_hashes.json")).into_iter().filter(|case| case["cost"] == "slow");
    let mut seen = 0;
    for case in slow {
        let candidate = &case["candidates"][0];
        let right = check(text(candidate, "password"), text(&case, "encoded")) == Checked::Right;
        assert_eq!(Some(right), candidate["expected"].as_bool(), "{}", case["id"]);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn r04_to_r10_validators_answer_as_django_and_the_article_do() {
    let rules = PasswordRules::seed().rules(100);
    for case in cases(include_str!("../vectors/validators.json")) {
        // What is longer than 1024 bytes is no password at all.
        let Some(password) = Password::new(text(&case, "password")) else { continue };
        let user = &case["user"];
        let attribute = |name: &str| user.get(name).and_then(Value::as_str);
        let attributes = Attributes {
            username: attribute("username"),
            first_name: attribute("first_name"),
            last_name: attribute("last_name"),
            email: attribute("email"),
        };
        let candidate = Candidate { password: &password, attributes, reused: false, breach: None };
        let told = password::violations(&rules, &candidate);
        let has = |code: &str| told.iter().any(|violation| violation.code == code);
        let expected = &case["expected"];
        let id = &case["id"];
        for (validator, code) in
            [("similarity", "too_similar"), ("length", "too_short"), ("common", "too_common"), ("numeric", "entirely_numeric")]
        {
            assert_eq!(has(code), !expected[validator].is_null(), "{id} {code}");
        }
        let similar_to = told.iter().find(|violation| violation.code == "too_similar").map(|violation| {
            let attribute = serde_json::to_value(&violation.params).expect("JSON")["attribute"].clone();
            attribute.as_str().expect("a name").to_owned()
        });
        assert_eq!(similar_to.as_deref(), case["similar_to"].as_str(), "{id}");
        let custom: Vec<&str> = expected["custom"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        for code in ["too_many_consecutive", "contains_dictionary_word"] {
            assert_eq!(has(code), custom.contains(&code), "{id} {code}");
        }
        // The classes are wider than the article's: a letter, digit or sign outside ASCII satisfies them too, never the other way round.
        for code in ["too_few_uppercase", "too_few_lowercase", "too_few_digits", "too_few_special"] {
            assert!(!has(code) || custom.contains(&code), "{id} {code}");
            let is_ascii =
                text(&case, "password").chars().all(|c| c.is_ascii_alphanumeric() || "!@#$%^&*(),.?\":{}|<>".contains(c));
            assert!(!is_ascii || has(code) == custom.contains(&code), "{id} {code}");
        }
    }
}

#[test]
fn r04_quick_ratio_is_pythons() {
    for case in cases(include_str!("../vectors/quick_ratio.json")) {
        let (a, b) = (text(&case, "a"), text(&case, "b"));
        let (matches, length) = (number(&case, "matches"), number(&case, "length"));
        let expected = if length == 0 { (1, 1) } else { (2 * matches, length) };
        assert_eq!(password::quick_ratio(a, b), expected, "{}", case["id"]);
    }
}

#[test]
fn r26_user_agents_are_compared_word_by_word() {
    for case in cases(include_str!("../vectors/user_agent_similarity.json")) {
        let found = user_agent::words_in_common(text(&case, "ua1"), text(&case, "ua2"));
        assert_eq!(found, (number(&case, "intersection"), number(&case, "union")), "{}", case["id"]);
    }
}

#[test]
fn r42_the_delay_is_the_articles() {
    for case in cases(include_str!("../vectors/progressive_delay.json")) {
        let attempts = case["attempts"].as_u64().expect("a number");
        let seconds = case["seconds"].as_u64().expect("a number");
        let delay = throttle::delay_after(attempts, Duration::from_mins(1));
        assert_eq!(delay, Duration::from_secs(seconds), "{attempts}");
    }
}

/// An account whose passwords were `set` in this order: the digest of its current one, and its history, newest first.
fn past(set: &[&str], keep: usize) -> (Option<Digest>, Vec<Entry>) {
    let digest = |text: &str| {
        let password = Password::new(text).expect("short enough");
        Past::nothing().compare(&password, [7; 16], &CHEAP.params).expect("it runs").digest
    };
    let mut digests: Vec<Digest> = set.iter().map(|text| digest(text)).collect();
    let current = digests.pop();
    let entry = |(place, digest): (usize, Digest)| Entry {
        changed_at: Timestamp::from_seconds(i64::try_from(place).expect("few")),
        old: Old::Digest(digest),
    };
    (current, digests.into_iter().enumerate().map(entry).rev().take(keep).collect())
}

#[test]
fn r11_the_current_and_the_last_five_are_refused_as_the_article_means_it() {
    for case in cases(include_str!("../vectors/history.json")) {
        let set: Vec<&str> = case["set"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(number(&case, "keep"), history::KEPT);
        let (current, entries) = past(&set, history::KEPT);
        let kept: Vec<usize> = case["kept"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_u64)
            .map(|n| usize::try_from(n).expect("few"))
            .collect();
        let places: Vec<usize> = entries.iter().map(|entry| usize::try_from(entry.changed_at.seconds()).expect("few")).collect();
        assert_eq!(places, kept, "{}", case["id"]);
        let olds = current
            .into_iter()
            .map(Old::Digest)
            .chain(entries.into_iter().take(number(&case, "prevent_reuse")).map(|entry| entry.old));
        let past = Past::among([7; 16], olds);
        for candidate in case["candidates"].as_array().expect("candidates") {
            let password = Password::new(text(candidate, "password")).expect("short enough");
            let compared = past.compare(&password, [9; 16], &CHEAP.params).expect("it runs");
            assert_eq!(Some(compared.reused), candidate["refused_nfc"].as_bool(), "{} {candidate}", case["id"]);
        }
    }
}
