//! The policy's numbers: a profile, and every override of one alone.

use std::time::Duration;

use super::read::Reader;
use crate::anomaly::AnomalyRules;
use crate::breach::{BreachRules, Unavailable};
use crate::hashing::Argon2Params;
use crate::password::PasswordRules;
use crate::policy::{FailureWindow, Policy};
use crate::timestamp::Timestamp;
use crate::zone::Zone;

pub(super) fn policy(read: &mut Reader) -> Policy {
    let base = read.optional("PALISADE_POLICY", |word| match word {
        "seed" => Ok(Policy::seed()),
        "nist" => Ok(Policy::nist()),
        _ => Err("must be seed or nist".into()),
    });
    let mut policy = base.unwrap_or_else(Policy::seed);
    let million = 1..=1_000_000;
    read.number("PALISADE_REQUESTS_PER_IP", &million, &mut policy.ip.requests_per_hour);
    read.number("PALISADE_AUTH_REQUESTS_PER_IP", &million, &mut policy.ip.auth_requests_per_hour);
    read.number("PALISADE_BREACH_CHECKS_PER_IP", &million, &mut policy.ip.breach_checks_per_hour);
    read.number("PALISADE_LOGIN_FAILURES_PER_IP", &million, &mut policy.ip.failures);
    let window = read.optional("PALISADE_LOGIN_FAILURE_WINDOW_S", |seconds| match seconds {
        "900" => Ok(FailureWindow::Quarter),
        "3600" => Ok(FailureWindow::Hour),
        _ => Err("must be 900 or 3600".into()),
    });
    policy.ip.failure_window = window.unwrap_or(policy.ip.failure_window);
    user(read, &mut policy);
    anomaly(read, &mut policy.anomaly);
    for lane in [&mut policy.common_lane, &mut policy.device_lane, &mut policy.session_lane] {
        read.seconds("PALISADE_LOGIN_DELAY_CAP_S", &(1..=3_600), &mut lane.delay_cap);
        read.seconds("PALISADE_LOGIN_DELAY_MEMORY_S", &(60..=86_400), &mut lane.memory);
    }
    read.number_or_never("PALISADE_LOGIN_CLOSES_AT", &(10..=100), &mut policy.common_lane.closes_at);
    let mut device_closes_at = policy.device_lane.closes_at.unwrap_or(10);
    read.number("PALISADE_DEVICE_CLOSES_AT", &(1..=100), &mut device_closes_at);
    policy.device_lane.closes_at = Some(device_closes_at);
    read.seconds("PALISADE_SESSION_IDLE_S", &(60..=86_400), &mut policy.session.idle);
    read.seconds("PALISADE_SESSION_MAX_S", &(60..=2_592_000), &mut policy.session.absolute);
    policy.session_lane.kept = Some(policy.session.absolute);
    policy.session.not_before = read.optional("PALISADE_SESSIONS_NOT_BEFORE", |seconds| {
        seconds.parse().map(Timestamp::from_seconds).map_err(|_| "must be seconds since the epoch".into())
    });
    read.number_or_never("PALISADE_MAX_SESSIONS", &(1..=100), &mut policy.session.most);
    let mut days = policy.password_max_age.map(|age| age.as_secs() / 86_400);
    read.number_or_never("PALISADE_PASSWORD_MAX_AGE_DAYS", &(1..=3_650), &mut days);
    policy.password_max_age = days.map(|days| Duration::from_secs(days * 86_400));
    policy.argon2 = argon2(read, policy.argon2);
    policy.dummy_scheme = read.optional("PALISADE_DUMMY_SCHEME", |text| text.parse().map_err(|error| format!("is {error}")));
    password(read, &mut policy.password);
    breach(read, &mut policy.breach);
    policy
}

fn user(read: &mut Reader, policy: &mut Policy) {
    policy.enforced = !read.one_of("PALISADE_LIMITS", &[("enforce", false), ("monitor", true)]);
    let million = 1..=1_000_000;
    read.number("PALISADE_USER_REQUESTS_REGULAR", &million, &mut policy.user.regular);
    read.number("PALISADE_USER_REQUESTS_STAFF", &million, &mut policy.user.staff);
    read.number("PALISADE_USER_REQUESTS_SUPERUSER", &million, &mut policy.user.superuser);
}

fn anomaly(read: &mut Reader, rules: &mut AnomalyRules) {
    // What is kept of an account's logins does not reach further than 11.
    read.number("PALISADE_ANOMALY_LOGINS_PER_HOUR", &(1..=11), &mut rules.logins_per_hour);
    read.number("PALISADE_ANOMALY_ADDRESSES_PER_DAY", &(1..=11), &mut rules.addresses_per_day);
    read.number("PALISADE_ANOMALY_FAILURES_PER_IP", &(1..=1_000_000), &mut rules.failures_per_address);
    read.number("PALISADE_ANOMALY_FAILURES_IN_A_ROW", &(3..=1_000), &mut rules.failures_in_a_row);
    read.number("PALISADE_ANOMALY_FAILURES_PER_HOUR", &(10..=1_000_000), &mut rules.failures_per_hour);
    let zone = read.optional("PALISADE_TIME_ZONE", |name| {
        Zone::parse(name).ok_or_else(|| "must be an IANA time zone such as Europe/Berlin".into())
    });
    rules.zone = zone.unwrap_or_default();
}

fn password(read: &mut Reader, rules: &mut PasswordRules) {
    read.number("PALISADE_PASSWORD_MIN_LENGTH", &(8..=64), &mut rules.min_chars);
    read.number("PALISADE_PASSWORD_MAX_SIMILARITY", &(10..=100), &mut rules.max_similarity_percent);
    let classes = [
        ("PALISADE_PASSWORD_MIN_UPPERCASE", &mut rules.min_of.uppercase),
        ("PALISADE_PASSWORD_MIN_LOWERCASE", &mut rules.min_of.lowercase),
        ("PALISADE_PASSWORD_MIN_DIGITS", &mut rules.min_of.digits),
        ("PALISADE_PASSWORD_MIN_SPECIAL", &mut rules.min_of.special),
    ];
    for (name, slot) in classes {
        read.number(name, &(0..=8), slot);
    }
    read.number_or_never("PALISADE_PASSWORD_MAX_CONSECUTIVE", &(1..=16), &mut rules.max_consecutive);
    read.number("PALISADE_PASSWORD_HISTORY", &(0..=10), &mut rules.reuse);
    rules.context_words = read.list("PALISADE_CONTEXT_WORDS", |word| match word.chars().count() {
        3..=64 => Ok(word.to_lowercase()),
        _ => Err("must be words of 3 to 64 characters".into()),
    });
}

fn breach(read: &mut Reader, rules: &mut BreachRules) {
    read.number("PALISADE_BREACH_BLOCK_OVER", &(0..=1_000_000), &mut rules.block_over);
    read.number("PALISADE_BREACH_WARN_OVER", &(0..=1_000_000), &mut rules.warn_over);
    let unavailable = read.optional("PALISADE_BREACH_UNAVAILABLE", |word| match word {
        "allow" => Ok(Unavailable::Allow),
        "refuse" => Ok(Unavailable::Refuse),
        _ => Err("must be allow or refuse".into()),
    });
    rules.unavailable = unavailable.unwrap_or(rules.unavailable);
}

fn argon2(read: &mut Reader, floor: Argon2Params) -> Argon2Params {
    let mut part = |name: &str, ceiling: u32, default: u32| {
        let mut number = u64::from(default);
        read.number(name, &(1..=u64::from(ceiling)), &mut number);
        u32::try_from(number).unwrap_or(default)
    };
    let ceiling = Argon2Params::CEILING;
    let params = Argon2Params {
        memory_kib: part("PALISADE_ARGON2_MEMORY_KIB", ceiling.memory_kib, floor.memory_kib),
        passes: part("PALISADE_ARGON2_PASSES", ceiling.passes, floor.passes),
        lanes: part("PALISADE_ARGON2_LANES", ceiling.lanes, floor.lanes),
    };
    let weak_allowed = read.switch("PALISADE_ALLOW_WEAK_ARGON2");
    if !params.is_usable() {
        read.problem("PALISADE_ARGON2_MEMORY_KIB must be at least 8 for each lane".into());
    } else if !params.at_least(&floor) && !weak_allowed {
        read.problem(format!(
            "PALISADE_ARGON2_* is weaker than m={},t={},p={} (PALISADE_ALLOW_WEAK_ARGON2 accepts it)",
            floor.memory_kib, floor.passes, floor.lanes
        ));
    }
    params
}
