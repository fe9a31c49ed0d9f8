//! What a table's stream says, as far as the fan-out needs it: which item changed, and what was told of it already.
//!
//! A record is only a reason to look: what is sent is read from the item itself, so that records that come twice, late or out of order do
//! no harm.

use crate::incident::record::Told;
use crate::settings::Table;

/// One record of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// By which the stream's reader says that it is not done; empty where there is none.
    pub sequence_number: String,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An incident was opened, counted up or worked on.
    Incident {
        /// Its id.
        id: String,
        /// How often it had happened.
        occurrences: u64,
        /// The last milestones told.
        told: Told,
    },
    /// A notice was written or marked.
    Notice {
        /// Its id.
        id: String,
        /// Written for nobody.
        void: bool,
        /// Whether it was published.
        told: bool,
    },
    /// Nothing to tell: an item that was removed, by its age or because it was used, or a mark, an operator's action, an occurrence below the
    /// next milestone. Marks above all: whoever reacted to those would never end.
    NoNews,
    /// Nobody can say what it is.
    Unreadable {
        /// From which table, as far as that is known.
        table: Option<Table>,
        /// What it held, without stored passwords.
        content: String,
    },
}
