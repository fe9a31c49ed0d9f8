//! Settings from name and value pairs, all problems reported at once, none with its value.
//!
//! Every setting is a row of [`SETTINGS`]; a `PALISADE_` name that is no row is a problem too, so that a misspelt one never passes for
//! unset.

mod cognito;
mod messages;
mod numbers;
mod read;
mod reference;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::keys::{IdentityKey, KeyRing};
use crate::policy::Policy;
use read::Reader;
use values::{base_url, identifier_kind, log_level, network, origin, table_name};

pub use cognito::Cognito;
pub use messages::Messages;
pub use reference::{SETTINGS, Setting};
pub use values::is_loopback;

/// The start of secrets that only the local stack may use; refused wherever the store is not on this machine.
pub const LOCAL_ONLY_PREFIX: &str = "local-only-";

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
    /// The authorizer's whole request.
    pub validation: Duration,
    /// A write that a session's request does not depend on.
    pub touch: Duration,
    /// Connecting to DynamoDB.
    pub connect: Duration,
    /// One attempt of a call.
    pub attempt: Duration,
    /// A call with its retry.
    pub operation: Duration,
    /// Connecting to the breach service.
    pub hibp_connect: Duration,
    /// The breach service in all, a repetition included.
    pub hibp: Duration,
}

/// What the one identifier of an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierKind {
    /// Its e-mail address.
    Email,
    /// Its user name.
    Username,
}

/// How the authorizer answers what its events cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizerSettings {
    /// HTTP API events of payload 2.0 with a policy instead of simply.
    pub policies: bool,
    /// REST TOKEN events with a session that is bound to nothing, instead of never.
    pub allow_unbound: bool,
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
    pub keys: Arc<KeyRing>,
    /// The key behind storage keys.
    pub identity_key: Arc<IdentityKey>,
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
    /// What an account is named by.
    pub identifier: IdentifierKind,
    /// Whether a sign-up waits for its confirmation.
    pub require_confirmation: bool,
    /// How the authorizer answers.
    pub authorizer: AuthorizerSettings,
    /// Where breaches are looked up.
    pub hibp_url: String,
    /// Where messages go, and from whom.
    pub messages: Messages,
    /// Cognito's triggers.
    pub cognito: Cognito,
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
        let settings = if self.problems.len() == 1 { "setting" } else { "settings" };
        write!(f, "{} bad {settings}: {}", self.problems.len(), self.problems.join("; "))
    }
}

impl std::error::Error for SettingsError {}

/// The public range API.
const HIBP_URL: &str = "https://api.pwnedpasswords.com";

impl Settings {
    /// Reads the settings out of `pairs`; a function names the tables it cannot do without in `required`.
    ///
    /// # Errors
    /// One error that names every bad, missing and unknown variable and no value.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>, required: &[Table]) -> Result<Self, SettingsError> {
        let mut read = Reader::new(pairs);
        let mut policy = numbers::policy(&mut read);
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
        for lane in [&mut policy.common_lane, &mut policy.device_lane, &mut policy.session_lane] {
            lane.lease = lane.lease.max(timeouts.request.saturating_add(Duration::from_secs(1)));
        }
        let identifier = read.optional("PALISADE_IDENTIFIER", identifier_kind).unwrap_or(IdentifierKind::Email);
        let require_confirmation = read.switch_or("PALISADE_REQUIRE_CONFIRMATION", true);
        let authorizer = AuthorizerSettings {
            policies: read.one_of("PALISADE_AUTHORIZER_RESPONSE", &[("simple", false), ("policy", true)]),
            allow_unbound: read.one_of("PALISADE_TOKEN_AUTHORIZER", &[("deny", false), ("allow_unbound", true)]),
        };
        let hibp_url = read.optional("PALISADE_HIBP_URL", base_url).unwrap_or_else(|| HIBP_URL.to_owned());
        let region = read.required("AWS_REGION", |region| Ok(region.to_owned()));
        let dynamodb_endpoint = read.optional("AWS_ENDPOINT_URL_DYNAMODB", |url| Ok(url.to_owned()));
        let is_local = dynamodb_endpoint.as_deref().is_some_and(is_loopback);
        let messages = Messages::read(&mut read, is_local);
        let cognito = Cognito::read(&mut read, is_local);
        keep_local_secrets_local(&mut read, is_local);
        read.finish(|| {
            Some(Self {
                policy,
                keys: Arc::new(keys?),
                identity_key: Arc::new(identity_key?),
                tables,
                own_origins,
                trusted_proxies,
                ip_allowlist,
                hsts_preload,
                log,
                timeouts,
                identifier,
                require_confirmation,
                authorizer,
                hibp_url,
                messages,
                cognito,
                region: region?,
                dynamodb_endpoint,
            })
        })
    }

    /// The policy alone out of `pairs`, which may hold nothing but what a policy is made of.
    ///
    /// # Errors
    /// One error that names every bad and unknown variable and no value.
    pub fn policy_of(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Policy, SettingsError> {
        let mut read = Reader::new(pairs);
        let policy = numbers::policy(&mut read);
        read.refuse_unread();
        read.finish(|| Some(policy))
    }

    /// The name of `table`; `None` when it was neither required nor set.
    pub fn table(&self, table: Table) -> Option<&str> {
        self.tables.get(&table).map(String::as_str)
    }
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

fn timeouts(read: &mut Reader) -> Timeouts {
    let mut millis = |name: &str, range: &std::ops::RangeInclusive<u64>, default: u64| {
        let mut number = default;
        read.number(name, range, &mut number);
        Duration::from_millis(number)
    };
    Timeouts {
        request: millis("PALISADE_DEADLINE_MS", &(50..=29_000), 4_000),
        validation: millis("PALISADE_VALIDATION_DEADLINE_MS", &(50..=29_000), 1_800),
        touch: millis("PALISADE_TOUCH_TIMEOUT_MS", &(10..=29_000), 300),
        connect: millis("PALISADE_CONNECT_TIMEOUT_MS", &(10..=10_000), 500),
        attempt: millis("PALISADE_ATTEMPT_TIMEOUT_MS", &(10..=10_000), 1_000),
        operation: millis("PALISADE_OPERATION_TIMEOUT_MS", &(10..=20_000), 2_000),
        hibp_connect: millis("PALISADE_HIBP_CONNECT_TIMEOUT_MS", &(10..=10_000), 1_000),
        hibp: millis("PALISADE_HIBP_TIMEOUT_MS", &(10..=10_000), 2_000),
    }
}

fn keep_local_secrets_local(read: &mut Reader, is_local: bool) {
    if is_local {
        return;
    }
    for name in ["PALISADE_SECRET", "PALISADE_IDENTITY_KEY"] {
        if read.raw(name).is_some_and(|value| value.contains(LOCAL_ONLY_PREFIX)) {
            read.problem(format!("{name} is the local stack's and only works with a DynamoDB endpoint on this machine"));
        }
    }
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
