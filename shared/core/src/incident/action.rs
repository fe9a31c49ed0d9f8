//! What operators do with an incident, and where each begins.

use super::record::{IncidentStatus, Text};

/// What an operator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Gives it to somebody, or to nobody.
    Assign(Option<Text>),
    /// Writes something down.
    Note(Text),
    /// Begins to look.
    Investigate,
    /// Closes it as dealt with.
    Resolve(Text),
    /// Closes it as none.
    FalsePositive(Text),
    /// Opens it again.
    Reopen(Text),
}

/// What kind of action it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// See [`Action::Assign`].
    Assign,
    /// See [`Action::Note`].
    Note,
    /// See [`Action::Investigate`].
    Investigate,
    /// See [`Action::Resolve`].
    Resolve,
    /// See [`Action::FalsePositive`].
    FalsePositive,
    /// See [`Action::Reopen`].
    Reopen,
}

impl Verb {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Assign, Self::Note, Self::Investigate, Self::Resolve, Self::FalsePositive, Self::Reopen];

    /// The word, as its route names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Note => "note",
            Self::Investigate => "investigate",
            Self::Resolve => "resolve",
            Self::FalsePositive => "false-positive",
            Self::Reopen => "reopen",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == word)
    }

    /// Whether it is allowed where `status` says.
    pub(super) fn is_legal(self, status: IncidentStatus) -> bool {
        match self {
            Self::Note => true,
            Self::Investigate => status == IncidentStatus::Open,
            Self::Reopen => status.is_closed(),
            Self::Assign | Self::Resolve | Self::FalsePositive => !status.is_closed(),
        }
    }
}

impl Action {
    /// Its kind.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Assign(_) => Verb::Assign,
            Self::Note(_) => Verb::Note,
            Self::Investigate => Verb::Investigate,
            Self::Resolve(_) => Verb::Resolve,
            Self::FalsePositive(_) => Verb::FalsePositive,
            Self::Reopen(_) => Verb::Reopen,
        }
    }

    pub(super) fn text(&self) -> Option<Text> {
        match self {
            Self::Assign(text) => text.clone(),
            Self::Note(text) | Self::Resolve(text) | Self::FalsePositive(text) | Self::Reopen(text) => Some(text.clone()),
            Self::Investigate => None,
        }
    }
}
