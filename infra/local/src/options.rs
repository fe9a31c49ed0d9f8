//! How a stack is started.

use std::path::PathBuf;
use std::str::FromStr;

use crate::events::Payload;

/// Whose time a stack runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ClockMode {
    /// The system's.
    #[default]
    System,
    /// One that moves when told to.
    Manual,
}

/// When the streams are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PumpMode {
    /// All the time.
    #[default]
    Always,
    /// When [`crate::Stack::pump`] is called, or the mailbox or the webhooks are asked for.
    OnDemand,
}

/// Where breaches are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BreachService {
    /// In the stack's own service over the common-password list.
    #[default]
    Offline,
    /// In the public one.
    Live,
    /// At this URL.
    At(String),
}

impl BreachService {
    /// Its URL, where the stack's own is at `offline`; `None` for the public one.
    pub(crate) fn url<'a>(&'a self, offline: &'a str) -> Option<&'a str> {
        match self {
            Self::Offline => Some(offline),
            Self::At(url) => Some(url),
            Self::Live => None,
        }
    }
}

impl FromStr for BreachService {
    type Err = std::convert::Infallible;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(match word {
            "offline" => Self::Offline,
            "live" => Self::Live,
            url => Self::At(url.to_owned()),
        })
    }
}

/// How a stack is started. The default: free ports, in memory, the system's clock, the functions' default settings.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The gateway's port; 0 for a free one.
    pub port: u16,
    /// The embedded DynamoDB's port; 0 for a free one.
    pub dynamodb_port: u16,
    /// The offline breach service's port; 0 for a free one.
    pub hibp_port: u16,
    /// The topics' port; 0 for a free one.
    pub sns_port: u16,
    /// The mail service's port; 0 for a free one.
    pub ses_port: u16,
    /// The webhook receiver's port; 0 for a free one.
    pub webhook_port: u16,
    /// Where breaches are looked up.
    pub breach: BreachService,
    /// A file to add what the functions needed to be allowed to.
    pub permissions: Option<PathBuf>,
    /// A file to keep the data in.
    pub db: Option<PathBuf>,
    /// Whose time.
    pub clock: ClockMode,
    /// When the streams are read.
    pub pump: PumpMode,
    /// The form of events.
    pub payload: Payload,
    /// Settings of the functions, beside those that name keys, tables and endpoint.
    pub settings: Vec<(String, String)>,
    /// Another DynamoDB on this machine instead of the embedded one.
    pub dynamodb_url: Option<String>,
}
