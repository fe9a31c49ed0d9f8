//! The record of an incident, and what operators do with it (requirements r53 and r56).
//!
//! ```text
//!          investigate
//!   open ──────────────► investigating
//!    │ ▲                      │
//!    │ │ reopen               │
//!    │ └──────────┐           │
//!    └────────► resolved, false_positive ◄────┘
//! ```
//!
//! Assigning is for incidents that are not closed; a note goes anywhere. Each action moves `version` on by one and is condition of none but
//! the next: an operator says which version they saw. Occurrences move `occurrences` only, whatever the status.
//!
//! A record stays small: texts are at most [`Text::MAX_BYTES`], the timeline keeps its newest [`MAX_ENTRIES`] entries and counts those it
//! left out, so that no item comes near DynamoDB's 400 KB.

use std::time::Duration;

use serde::Serialize;

pub use super::action::{Action, Verb};
use super::{IncidentId, IncidentKind, IncidentSeverity};
use crate::keys::AccountKey;
use crate::timestamp::Timestamp;

/// How many entries of a timeline are kept.
pub const MAX_ENTRIES: usize = 100;

/// How long an incident is kept after it was opened or last changed where it stands: 400 days, a year and a month to compare with.
/// One that nobody looked at for so long is garbage too: whoever guesses at made-up names could fill the table with them.
pub const KEPT: Duration = Duration::from_hours(400 * 24);

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Nobody looked yet.
    Open,
    /// Somebody is looking.
    Investigating,
    /// It is dealt with.
    Resolved,
    /// It was none.
    FalsePositive,
}

impl IncidentStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Open, Self::Investigating, Self::Resolved, Self::FalsePositive];

    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Investigating => "investigating",
            Self::Resolved => "resolved",
            Self::FalsePositive => "false_positive",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::FalsePositive)
    }
}

/// What somebody wrote: trimmed, not empty, at most [`Text::MAX_BYTES`], without control characters but line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The longest, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 2_000;

    /// `None` for what is none.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
        let is_one = !text.is_empty() && text.len() <= Self::MAX_BYTES && !text.contains(is_control);
        is_one.then(|| Self(text.to_owned()))
    }

    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One thing that an operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, as a stable word.
    pub action: String,
    /// What they wrote, or whom they chose.
    pub text: Option<Text>,
}

/// What was done about an incident, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What.
    pub text: Text,
    /// Who closed it; who it is assigned to stands apart.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An incident as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What.
    pub kind: IncidentKind,
    /// How bad.
    pub severity: IncidentSeverity,
    /// Of whom or what.
    pub subject: String,
    /// The account, where it is about one. Never shown.
    pub account_key: Option<AccountKey>,
    /// Why, at the latest occurrence.
    pub reason: String,
    /// Where from, at the latest occurrence.
    pub ip: String,
    /// Where it stands.
    pub status: IncidentStatus,
    /// How often it happened.
    pub occurrences: u64,
    /// When first.
    pub created_at: Timestamp,
    /// When last.
    pub last_occurred_at: Timestamp,
    /// When somebody last did something with it, or when it was opened.
    pub updated_at: Timestamp,
    /// How often somebody did.
    pub version: u64,
    /// Whose it is.
    pub assigned_to: Option<Text>,
    /// How it was closed.
    pub resolution: Option<Resolution>,
    /// What was done, oldest first.
    pub timeline: Vec<Entry>,
    /// How many older entries are not kept.
    pub timeline_cut: u64,
    /// The last milestone told on each channel.
    pub told: Told,
    /// When it is garbage.
    pub expires_at: Option<Timestamp>,
}

/// The last milestone that was told on each channel; 0 for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The alerts topic.
    pub alerts: u64,
    /// The webhook.
    pub webhook: u64,
}

/// The action does not fit where the incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the incident is not where this action begins")]
pub struct IllegalTransition;

impl Incident {
    /// After `action` by `by`.
    ///
    /// # Errors
    /// When the action does not fit where the incident stands.
    pub fn apply(&self, action: &Action, by: &str, now: Timestamp) -> Result<Self, IllegalTransition> {
        if !action.verb().is_legal(self.status) {
            return Err(IllegalTransition);
        }
        let mut next = self.noted(action.verb().as_str(), action.text(), by, now);
        let closed = |text: &Text| Some(Resolution { text: text.clone(), by: by.to_owned(), at: now });
        match action {
            Action::Note(_) => {}
            Action::Assign(to) => next.assigned_to.clone_from(to),
            Action::Investigate => next.status = IncidentStatus::Investigating,
            Action::Resolve(text) => (next.status, next.resolution) = (IncidentStatus::Resolved, closed(text)),
            Action::FalsePositive(text) => (next.status, next.resolution) = (IncidentStatus::FalsePositive, closed(text)),
            Action::Reopen(_) => (next.status, next.resolution) = (IncidentStatus::Open, None),
        }
        if next.status != self.status {
            next.expires_at = Some(now.plus(KEPT));
        }
        Ok(next)
    }

    /// With one more entry in its timeline and the next version: what a containment leaves behind.
    #[must_use]
    pub fn noted(&self, action: &str, text: Option<Text>, by: &str, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.timeline.push(Entry { at: now, by: by.to_owned(), action: action.to_owned(), text });
        let over = next.timeline.len().saturating_sub(MAX_ENTRIES);
        next.timeline.drain(..over);
        next.timeline_cut = next.timeline_cut.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        (next.version, next.updated_at) = (next.version.saturating_add(1), now);
        next
    }

    /// The words of the actions that are allowed where it stands.
    pub fn legal_actions(&self) -> Vec<&'static str> {
        Verb::ALL.into_iter().filter(|verb| verb.is_legal(self.status)).map(Verb::as_str).collect()
    }

    /// Whether it is garbage at `now`, whatever of it is still there.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
