//! The command line of `palisade incidents`.

use std::time::Duration;

use clap::Subcommand;
use palisade_core::incident::record::Text;
use palisade_core::incident::{IncidentId, IncidentKind, IncidentSeverity, IncidentStatus};

use super::span;

/// What to do with incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// Lists incidents, newest first: those that are open or being looked at, unless it is said which.
    List {
        /// Those that stand so: `open`, `investigating`, `resolved` or `false_positive`; several separated by commas.
        #[arg(long, value_parser = status, value_delimiter = ',', default_values = ["open", "investigating"])]
        status: Vec<IncidentStatus>,
        /// Those that are so bad: `low`, `medium`, `high` or `critical`; several separated by commas.
        #[arg(long, value_parser = severity, value_delimiter = ',')]
        severity: Vec<IncidentSeverity>,
        /// Those of this type, such as `brute_force`.
        #[arg(long = "type", value_parser = kind)]
        kind: Option<IncidentKind>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        most: usize,
    },
    /// Shows one incident with all that was done about it.
    Show {
        /// Its id.
        #[arg(value_parser = id)]
        id: IncidentId,
    },
    /// Gives an incident to somebody.
    Assign {
        /// Its id.
        #[arg(value_parser = id)]
        id: IncidentId,
        /// To whom.
        #[arg(value_parser = text)]
        to: Text,
    },
    /// Writes something down.
    Note {
        /// Its id.
        #[arg(value_parser = id)]
        id: IncidentId,
        /// What.
        #[arg(value_parser = text)]
        note: Text,
    },
    /// Closes an incident as dealt with, or as none.
    Resolve {
        /// Its id.
        #[arg(value_parser = id)]
        id: IncidentId,
        /// What was done.
        #[arg(value_parser = text)]
        resolution: Text,
        /// It was none.
        #[arg(long)]
        false_positive: bool,
    },
    /// Sends what was not sent: every incident that is not closed, and every notice, that did not reach its channels is put on the stream once
    /// more.
    Redrive {
        /// Of incidents those that happened within this time.
        #[arg(long, value_parser = span, default_value = "7d")]
        since: Duration,
        /// Also publishes notices once more that were published and not mailed: other subscribers of the topic get those twice.
        #[arg(long)]
        mail: bool,
    },
    /// Lists the records of streams that could not be read, with their content.
    SetAside,
}

fn id(text: &str) -> Result<IncidentId, String> {
    IncidentId::parse(text).ok_or_else(|| "is no incident's id".to_owned())
}

fn text(text: &str) -> Result<Text, String> {
    Text::new(text).ok_or_else(|| format!("must be 1 to {} bytes without control characters", Text::MAX_BYTES))
}

fn status(word: &str) -> Result<IncidentStatus, String> {
    IncidentStatus::parse(word).ok_or_else(|| "must be open, investigating, resolved or false_positive".to_owned())
}

fn severity(word: &str) -> Result<IncidentSeverity, String> {
    IncidentSeverity::parse(word).ok_or_else(|| "must be low, medium, high or critical".to_owned())
}

fn kind(word: &str) -> Result<IncidentKind, String> {
    let known = || IncidentKind::ALL.map(IncidentKind::as_str).join(", ");
    IncidentKind::parse(word).ok_or_else(|| format!("must be one of {}", known()))
}
