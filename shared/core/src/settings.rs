//! Settings from name and value pairs, all problems reported at once, none with its value.
//!
//! Every setting is a row of [`SETTINGS`]; a `PALISADE_` name that is no row is a problem too, so that a misspelt one never passes for
//! unset.

mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ipnet::IpNet;

use crate::hashing::Argon2Params;
use crate::keys::{IdentityKey, KeyRing};
use crate::policy::{FailureWindow, Policy};
use read::Reader;

/// The start of secrets that only the local stack may use; refused wherever the store is not on this machine.
pub const LOCAL_ONLY_PREFIX: &str = "local-only-";

/// One setting, for the reference and for telling known names from unknown ones.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds when it is not set; `required` when it must be.
    pub default: &'static str,
    /// What it does, with unit and range.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    setting("PALISADE_POLICY", "`seed`", "The base of all numbers: `seed` (the article's) or `nist` (SP 800-63B-4)."),
    setting(
        "PALISADE_SECRET",
        "required",
        "Signs CSRF and device tokens and makes log pseudonyms. One or more strings of at least 32 printable characters, separated by commas; the first signs, all verify.",
    ),
    setting(
        "PALISADE_IDENTITY_KEY",
        "required",
        "Turns identifiers into storage keys. At least 32 printable characters; never change it, or every account is lost.",
    ),
    setting("PALISADE_TABLE_ACCOUNTS", "required by `login`", "Name of the accounts table."),
    setting("PALISADE_TABLE_SESSIONS", "required by `login`", "Name of the sessions table."),
    setting("PALISADE_TABLE_HISTORY", "–", "Name of the password history table."),
    setting("PALISADE_TABLE_COUNTERS", "required by `login`", "Name of the counters table."),
    setting("PALISADE_TABLE_INCIDENTS", "–", "Name of the incidents table."),
    setting("PALISADE_TABLE_NOTICES", "–", "Name of the notices table."),
    setting(
        "PALISADE_BASE_URL",
        "–",
        "Origin that people see, such as `https://auth.example.com`: a request with this `Origin` is not cross-site.",
    ),
    setting("PALISADE_ALLOWED_ORIGINS", "none", "Further origins that may call, separated by commas, compared exactly."),
    setting(
        "PALISADE_TRUSTED_PROXIES",
        "none",
        "Networks (CIDR, commas) whose `X-Forwarded-For` is believed. Empty: the gateway's source address is the client.",
    ),
    setting(
        "PALISADE_IP_ALLOWLIST",
        "none",
        "Networks (CIDR, commas) that the limits per address do not refuse; those per account hold all the same.",
    ),
    setting("PALISADE_HSTS_PRELOAD", "`false`", "Adds `preload` to `Strict-Transport-Security`."),
    setting(
        "PALISADE_LOG",
        "`info`",
        "Level of Palisade's own lines: `error`, `warn`, `info`, `debug` or `trace`. Security events are always written.",
    ),
    setting("PALISADE_REQUESTS_PER_IP", "1000", "Requests without a session per address and hour, 1 to 1000000."),
    setting("PALISADE_AUTH_REQUESTS_PER_IP", "20 (`nist` 1000)", "Sign-in requests per address and hour, 1 to 1000000."),
    setting("PALISADE_LOGIN_FAILURES_PER_IP", "5 (`nist` 100)", "Failed logins per address and window, 1 to 1000000."),
    setting("PALISADE_LOGIN_FAILURE_WINDOW_S", "900 (`nist` 3600)", "That window in seconds: 900 or 3600."),
    setting("PALISADE_LOGIN_DELAY_CAP_S", "60", "The longest delay after failed logins of an account, in seconds, 1 to 3600."),
    setting(
        "PALISADE_LOGIN_DELAY_MEMORY_S",
        "3600",
        "After so many seconds without a failure the delay starts again at one second, 60 to 86400.",
    ),
    setting(
        "PALISADE_LOGIN_CLOSES_AT",
        "never (`nist` 100)",
        "Failed logins in a row after which only known devices or a reset get in, 10 to 100; `never`.",
    ),
    setting(
        "PALISADE_DEVICE_CLOSES_AT",
        "10",
        "Failed logins in a row after which a known device is treated as unknown, 1 to 100.",
    ),
    setting("PALISADE_SESSION_IDLE_S", "3600", "Seconds without use after which a session ends, 60 to 86400."),
    setting("PALISADE_SESSION_MAX_S", "86400", "Seconds after which a session ends in any case, 60 to 2592000."),
    setting(
        "PALISADE_PASSWORD_MAX_AGE_DAYS",
        "90 (`nist` never)",
        "Days after which a password must be changed, 1 to 3650; `never`.",
    ),
    setting("PALISADE_ARGON2_MEMORY_KIB", "19456", "Memory of one password hash in KiB, up to 131072."),
    setting("PALISADE_ARGON2_PASSES", "2", "Passes of one password hash, up to 10."),
    setting("PALISADE_ARGON2_LANES", "1", "Lanes of one password hash, up to 16."),
    setting("PALISADE_ALLOW_WEAK_ARGON2", "`false`", "Accepts hash costs below the OWASP floor. For tests only."),
    setting("PALISADE_DEADLINE_MS", "4000", "Milliseconds a request may take before the answer is 503, 50 to 29000."),
    setting("PALISADE_CONNECT_TIMEOUT_MS", "500", "Milliseconds to connect to DynamoDB, 10 to 10000."),
    setting("PALISADE_ATTEMPT_TIMEOUT_MS", "1000", "Milliseconds one attempt at a DynamoDB call may take, 10 to 10000."),
    setting("PALISADE_OPERATION_TIMEOUT_MS", "2000", "Milliseconds a DynamoDB call may take with its retry, 10 to 20000."),
];

/// The tables, by what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Accounts.
    Accounts,
    /// Sessions and tombstones.
    Sessions,
    /// Old passwords.
    History,
    /// Throttles and limits.
    Counters,
    /// Incidents.
    Incidents,
    /// Messages to users.
    Notices,
}

impl Table {
    /// All six.
    pub const ALL: [Self; 6] = [Self::Accounts, Self::Sessions, Self::History, Self::Counters, Self::Incidents, Self::Notices];

    /// The word for it, also its name in the local stack.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Sessions => "sessions",
            Self::History => "history",
            Self::Counters => "counters",
            Self::Incidents => "incidents",
            Self::Notices => "notices",
        }
    }

    /// The setting that names it.
    pub fn setting(self) -> String {
        format!("PALISADE_TABLE_{}", self.as_str().to_uppercase())
    }
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// A whole request.
    pub request: Duration,
    /// Connecting to DynamoDB.
    pub connect: Duration,
    /// One attempt of a call.
    pub attempt: Duration,
    /// A call with its retry.
    pub operation: Duration,
}

/// The level of Palisade's own log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `error`.
    Error,
    /// `warn`.
    Warn,
    /// `info`.
    Info,
    /// `debug`.
    Debug,
    /// `trace`.
    Trace,
}

/// Everything a function is configured with.
#[derive(Debug)]
pub struct Settings {
    /// The numbers in force.
    pub policy: Policy,
    /// Keys for tokens and pseudonyms.
    pub keys: KeyRing,
    /// The key behind storage keys.
    pub identity_key: IdentityKey,
    tables: BTreeMap<Table, String>,
    /// Origins that are not cross-site: the base URL's and those listed.
    pub own_origins: Vec<String>,
    /// Networks whose forwarded addresses are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that the limits per address do not refuse.
    pub ip_allowlist: Vec<IpNet>,
    /// Whether HSTS asks for preloading.
    pub hsts_preload: bool,
    /// The log level.
    pub log: LogLevel,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, where one is set.
    pub dynamodb_endpoint: Option<String>,
}

/// Everything that is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bad settings: {}", self.problems.len(), self.problems.join("; "))
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the settings out of `pairs`; a function names the tables it cannot do without in `required`.
    ///
    /// # Errors
    /// One error that names every bad, missing and unknown variable and no value.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>, required: &[Table]) -> Result<Self, SettingsError> {
        let mut read = Reader::new(pairs);
        let policy = policy(&mut read);
        let keys = read.required("PALISADE_SECRET", KeyRing::parse);
        let identity_key = read.required("PALISADE_IDENTITY_KEY", IdentityKey::parse);
        let tables = tables(&mut read, required);
        let mut own_origins = read.list("PALISADE_ALLOWED_ORIGINS", origin);
        own_origins.extend(read.optional("PALISADE_BASE_URL", origin));
        let trusted_proxies = read.list("PALISADE_TRUSTED_PROXIES", network);
        let ip_allowlist = read.list("PALISADE_IP_ALLOWLIST", network);
        let hsts_preload = read.switch("PALISADE_HSTS_PRELOAD");
        let log = read.optional("PALISADE_LOG", log_level).unwrap_or(LogLevel::Info);
        let timeouts = timeouts(&mut read);
        let region = read.required("AWS_REGION", |region| Ok(region.to_owned()));
        let dynamodb_endpoint = read.optional("AWS_ENDPOINT_URL_DYNAMODB", |url| Ok(url.to_owned()));
        keep_local_secrets_local(&mut read, dynamodb_endpoint.as_deref());
        read.finish(|| {
            Some(Self {
                policy,
                keys: keys?,
                identity_key: identity_key?,
                tables,
                own_origins,
                trusted_proxies,
                ip_allowlist,
                hsts_preload,
                log,
                timeouts,
                region: region?,
                dynamodb_endpoint,
            })
        })
    }

    /// The name of `table`; `None` when it was neither required nor set.
    pub fn table(&self, table: Table) -> Option<&str> {
        self.tables.get(&table).map(String::as_str)
    }
}

fn policy(read: &mut Reader) -> Policy {
    let base = read.optional("PALISADE_POLICY", |word| match word {
        "seed" => Ok(Policy::seed()),
        "nist" => Ok(Policy::nist()),
        _ => Err("must be seed or nist".into()),
    });
    let mut policy = base.unwrap_or_else(Policy::seed);
    let million = 1..=1_000_000;
    read.number("PALISADE_REQUESTS_PER_IP", &million, &mut policy.ip.requests_per_hour);
    read.number("PALISADE_AUTH_REQUESTS_PER_IP", &million, &mut policy.ip.auth_requests_per_hour);
    read.number("PALISADE_LOGIN_FAILURES_PER_IP", &million, &mut policy.ip.failures);
    let window = read.optional("PALISADE_LOGIN_FAILURE_WINDOW_S", |seconds| match seconds {
        "900" => Ok(FailureWindow::Quarter),
        "3600" => Ok(FailureWindow::Hour),
        _ => Err("must be 900 or 3600".into()),
    });
    policy.ip.failure_window = window.unwrap_or(policy.ip.failure_window);
    for lane in [&mut policy.common_lane, &mut policy.device_lane] {
        read.seconds("PALISADE_LOGIN_DELAY_CAP_S", &(1..=3_600), &mut lane.delay_cap);
        read.seconds("PALISADE_LOGIN_DELAY_MEMORY_S", &(60..=86_400), &mut lane.memory);
    }
    read.number_or_never("PALISADE_LOGIN_CLOSES_AT", &(10..=100), &mut policy.common_lane.closes_at);
    let mut device_closes_at = policy.device_lane.closes_at.unwrap_or(10);
    read.number("PALISADE_DEVICE_CLOSES_AT", &(1..=100), &mut device_closes_at);
    policy.device_lane.closes_at = Some(device_closes_at);
    read.seconds("PALISADE_SESSION_IDLE_S", &(60..=86_400), &mut policy.session.idle);
    read.seconds("PALISADE_SESSION_MAX_S", &(60..=2_592_000), &mut policy.session.absolute);
    let mut days = policy.password_max_age.map(|age| age.as_secs() / 86_400);
    read.number_or_never("PALISADE_PASSWORD_MAX_AGE_DAYS", &(1..=3_650), &mut days);
    policy.password_max_age = days.map(|days| Duration::from_secs(days * 86_400));
    policy.argon2 = argon2(read, policy.argon2);
    policy
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

fn tables(read: &mut Reader, required: &[Table]) -> BTreeMap<Table, String> {
    let mut tables = BTreeMap::new();
    for table in Table::ALL {
        let name = table.setting();
        let found = if required.contains(&table) { read.required(&name, table_name) } else { read.optional(&name, table_name) };
        tables.extend(found.map(|found| (table, found)));
    }
    tables
}

/// DynamoDB's naming rule: 3 to 255 characters of `a-zA-Z0-9_.-`.
fn table_name(name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err("is no DynamoDB table name".into())
    }
}

/// `scheme://host[:port]`, as browsers write it.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => Ok(text.to_owned()),
        _ => Err("must be an origin such as https://auth.example.com, in lower case and without a path".into()),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    text.parse().map_err(|_| "must be networks such as 192.0.2.0/24".into())
}

fn log_level(word: &str) -> Result<LogLevel, String> {
    match word {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        _ => Err("must be error, warn, info, debug or trace".into()),
    }
}

fn timeouts(read: &mut Reader) -> Timeouts {
    let mut millis = |name: &str, range: &std::ops::RangeInclusive<u64>, default: u64| {
        let mut number = default;
        read.number(name, range, &mut number);
        Duration::from_millis(number)
    };
    Timeouts {
        request: millis("PALISADE_DEADLINE_MS", &(50..=29_000), 4_000),
        connect: millis("PALISADE_CONNECT_TIMEOUT_MS", &(10..=10_000), 500),
        attempt: millis("PALISADE_ATTEMPT_TIMEOUT_MS", &(10..=10_000), 1_000),
        operation: millis("PALISADE_OPERATION_TIMEOUT_MS", &(10..=20_000), 2_000),
    }
}

fn keep_local_secrets_local(read: &mut Reader, endpoint: Option<&str>) {
    if endpoint.is_some_and(is_loopback) {
        return;
    }
    for name in ["PALISADE_SECRET", "PALISADE_IDENTITY_KEY"] {
        if read.raw(name).is_some_and(|value| value.contains(LOCAL_ONLY_PREFIX)) {
            read.problem(format!("{name} is the local stack's and only works with a DynamoDB endpoint on this machine"));
        }
    }
}

/// Whether `url` names this machine by a loopback address or as `localhost`.
pub fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
