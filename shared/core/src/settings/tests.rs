//! Good settings, and what is said about bad ones.

use super::*;

const SECRET: &str = "a-marked-fake-secret-for-tests-0001";
const LOGIN: &[Table] = &[Table::Accounts, Table::Sessions, Table::Counters];

fn pairs(changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = [
        ("PALISADE_SECRET", SECRET),
        ("PALISADE_IDENTITY_KEY", SECRET),
        ("PALISADE_TABLE_ACCOUNTS", "accounts"),
        ("PALISADE_TABLE_SESSIONS", "sessions"),
        ("PALISADE_TABLE_COUNTERS", "counters"),
        ("AWS_REGION", "eu-central-1"),
        ("PATH", "/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in changes {
        match value {
            Some(value) => all.insert((*name).to_owned(), (*value).to_owned()),
            None => all.remove(*name),
        };
    }
    all.into_iter().collect()
}

fn error(changes: &[(&str, Option<&str>)]) -> String {
    Settings::parse(pairs(changes), LOGIN).unwrap_err().to_string()
}

#[test]
fn defaults_are_the_seed_profile() {
    let settings = Settings::parse(pairs(&[]), LOGIN).unwrap();
    assert_eq!(settings.policy, Policy::seed());
    assert_eq!(settings.table(Table::Accounts), Some("accounts"));
    assert_eq!(settings.table(Table::Notices), None);
}

#[test]
fn one_number_can_be_overridden_alone() {
    let settings =
        Settings::parse(pairs(&[("PALISADE_POLICY", Some("nist")), ("PALISADE_LOGIN_FAILURES_PER_IP", Some("7"))]), LOGIN);
    let mut expected = Policy::nist();
    expected.ip.failures = 7;
    assert_eq!(settings.unwrap().policy, expected);
}

#[test]
fn d22_one_message_names_every_bad_variable_and_no_value() {
    let message = error(&[
        ("PALISADE_POLICY", Some("canary-policy")),
        ("PALISADE_SECRET", Some("canary-short")),
        ("PALISADE_IDENTITY_KEY", Some(" ")),
        ("PALISADE_TABLE_ACCOUNTS", None),
        ("PALISADE_TABLE_SESSIONS", Some("canary table")),
        ("PALISADE_TABEL_COUNTERS", Some("canary")),
        ("PALISADE_ARGON2_MEMORY_KIB", Some("1024")),
        ("PALISADE_LOGIN_FAILURES_PER_IP", Some("-1")),
        ("PALISADE_TRUSTED_PROXIES", Some("10.0.0.0/8,canary")),
        ("PALISADE_ALLOWED_ORIGINS", Some("https://canary.example/path")),
        ("AWS_REGION", None),
    ]);
    for name in [
        "PALISADE_POLICY",
        "PALISADE_SECRET",
        "PALISADE_IDENTITY_KEY",
        "PALISADE_TABLE_ACCOUNTS",
        "PALISADE_TABLE_SESSIONS",
        "PALISADE_TABEL_COUNTERS",
        "PALISADE_ARGON2_*",
        "PALISADE_LOGIN_FAILURES_PER_IP",
        "PALISADE_TRUSTED_PROXIES",
        "PALISADE_ALLOWED_ORIGINS",
        "AWS_REGION",
    ] {
        assert_eq!(message.matches(name).count(), 1, "{name} in {message}");
    }
    assert!(message.starts_with("11 bad settings: "), "{message}");
    assert!(!message.contains("canary"), "{message}");
}

#[test]
fn p17_argon2_below_the_floor_needs_the_switch_and_nothing_passes_the_ceiling() {
    for weak in [("PALISADE_ARGON2_MEMORY_KIB", "19455"), ("PALISADE_ARGON2_PASSES", "1")] {
        assert!(error(&[(weak.0, Some(weak.1))]).contains("weaker"));
        let allowed = pairs(&[(weak.0, Some(weak.1)), ("PALISADE_ALLOW_WEAK_ARGON2", Some("true"))]);
        assert!(Settings::parse(allowed, LOGIN).is_ok());
    }
    assert!(error(&[("PALISADE_ARGON2_MEMORY_KIB", Some("131073"))]).contains("from 1 to 131072"));
    let tiny = [("PALISADE_ARGON2_MEMORY_KIB", Some("7")), ("PALISADE_ALLOW_WEAK_ARGON2", Some("true"))];
    assert!(error(&tiny).contains("at least 8"));
}

#[test]
fn d20_secrets_are_required() {
    let message = error(&[("PALISADE_SECRET", None), ("PALISADE_IDENTITY_KEY", None)]);
    assert_eq!(message, "2 bad settings: PALISADE_SECRET is missing; PALISADE_IDENTITY_KEY is missing");
}

#[test]
fn the_local_stacks_secrets_work_on_loopback_only() {
    let local = "local-only-secret-of-the-local-stack-00";
    let with = |endpoint: Option<&str>| {
        Settings::parse(pairs(&[("PALISADE_SECRET", Some(local)), ("AWS_ENDPOINT_URL_DYNAMODB", endpoint)]), LOGIN)
    };
    for loopback in ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000"] {
        assert!(with(Some(loopback)).is_ok(), "{loopback}");
    }
    for elsewhere in [
        None,
        Some("https://dynamodb.eu-central-1.amazonaws.com"),
        Some("http://localhost@evil.example"),
        Some("http://127.0.0.1.evil.example"),
    ] {
        assert!(with(elsewhere).unwrap_err().to_string().contains("PALISADE_SECRET is the local stack's"));
    }
}

#[test]
fn a_lease_outlasts_the_deadline() {
    for (deadline_ms, lease_s) in [("50", 5), ("4000", 5), ("4001", 6), ("29000", 30)] {
        let policy = Settings::parse(pairs(&[("PALISADE_DEADLINE_MS", Some(deadline_ms))]), LOGIN).unwrap().policy;
        for lane in [policy.common_lane, policy.device_lane] {
            assert_eq!(lane.lease.as_millis().div_ceil(1_000), lease_s, "{deadline_ms}");
        }
    }
}

#[test]
fn one_bad_setting_is_told_as_one() {
    assert_eq!(error(&[("PALISADE_POLICY", Some("strict"))]), "1 bad setting: PALISADE_POLICY must be seed or nist");
}

#[test]
fn sc02_settings_print_redacted() {
    let printed = format!("{:?}", Settings::parse(pairs(&[]), LOGIN).unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
}

#[test]
fn names_are_unique() {
    let names: std::collections::BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), SETTINGS.len());
}
