//! The command line of a user pool's triggers.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

use crate::cognito::TRIGGERS;

/// Which pool, and which function.
#[derive(Debug, Clone, Args)]
pub struct PoolArguments {
    /// The pool's id, such as `eu-central-1_ExaMPle01`; credentials are read from the same variables as the functions read them from.
    #[arg(long)]
    pub pool_id: String,
    /// The ARN of `cognito-triggers`.
    #[arg(long)]
    pub function: Option<String>,
}

/// What to do with a user pool.
#[derive(Debug, Subcommand)]
pub enum CognitoCommand {
    /// Makes a function the pool's triggers; no other setting of the pool changes.
    Attach {
        /// Which.
        #[command(flatten)]
        pool: PoolArguments,
        /// These triggers alone, separated by commas.
        #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(TRIGGERS))]
        only: Vec<String>,
        /// The version of the events before tokens are made: access tokens need the second, machines the third. Without it the one that is
        /// set, or the first.
        #[arg(long, value_enum)]
        token_version: Option<TokenVersion>,
        /// Puts other functions out of their place.
        #[arg(long)]
        replace: bool,
        /// Writes it; without this the difference is shown.
        #[arg(long)]
        yes: bool,
    },
    /// Takes a function out of the pool's triggers; no other setting of the pool changes.
    Detach {
        /// Which.
        #[command(flatten)]
        pool: PoolArguments,
        /// Writes it; without this the difference is shown.
        #[arg(long)]
        yes: bool,
    },
    /// Shows the pool's triggers and what it lacks for them; changes nothing.
    Check {
        /// Which.
        #[command(flatten)]
        pool: PoolArguments,
    },
}

/// The version of the events before tokens are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenVersion {
    /// Identity tokens.
    #[value(name = "1")]
    V1,
    /// Access tokens as well.
    #[value(name = "2")]
    V2,
    /// Machines' tokens as well.
    #[value(name = "3")]
    V3,
}

impl TokenVersion {
    /// The word of a pool's settings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "V1_0",
            Self::V2 => "V2_0",
            Self::V3 => "V3_0",
        }
    }
}
