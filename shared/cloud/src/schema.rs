//! The six tables as data: the local stack creates them from it, and the template must equal it.
//!
//! All are on demand. TTL removes garbage only: every read compares with `now`, and every condition treats an expired item as absent.

use palisade_core::settings::Table;

/// The TTL attribute of every table that has one, in seconds since the epoch.
pub const TTL_ATTRIBUTE: &str = "expires_at";

/// What an attribute of a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// `S`.
    Text,
    /// `N`.
    Number,
}

impl KeyType {
    /// DynamoDB's letter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
        }
    }
}

/// An attribute of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: KeyType,
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Partition key.
    pub partition: KeyAttribute,
    /// Sort key.
    pub sort: KeyAttribute,
    /// The attributes it carries beside the keys.
    pub projected: &'static [&'static str],
}

/// One table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSchema {
    /// Which.
    pub table: Table,
    /// Partition key.
    pub partition: KeyAttribute,
    /// Sort key.
    pub sort: Option<KeyAttribute>,
    /// Whether items age.
    pub ttl: bool,
    /// Whether changes are streamed, with old and new images.
    pub stream: bool,
    /// Its indexes.
    pub indexes: &'static [Index],
}

const fn text(name: &'static str) -> KeyAttribute {
    KeyAttribute { name, of: KeyType::Text }
}

const fn number(name: &'static str) -> KeyAttribute {
    KeyAttribute { name, of: KeyType::Number }
}

const fn plain(table: Table, partition: &'static str) -> TableSchema {
    TableSchema { table, partition: text(partition), sort: None, ttl: true, stream: false, indexes: &[] }
}

/// What an incident's listing shows: nothing that an occurrence changes, so that counting does not rewrite the indexes.
const INCIDENT_SUMMARY: &[&str] = &["type", "severity", "status", "subject", "created_at", "updated_at", "version", "expires_at"];

/// All six tables.
pub const TABLES: [TableSchema; 6] = [
    TableSchema { ttl: false, ..plain(Table::Accounts, "account_key") },
    TableSchema { sort: Some(text("secret_hash")), ..plain(Table::Sessions, "account_key") },
    TableSchema { sort: Some(number("changed_at")), ..plain(Table::History, "account_key") },
    plain(Table::Counters, "counter"),
    TableSchema {
        stream: true,
        indexes: &[
            Index {
                name: "by_status_severity",
                partition: text("status_severity"),
                sort: text("listed_at"),
                projected: INCIDENT_SUMMARY,
            },
            Index { name: "by_type", partition: text("type"), sort: text("listed_at"), projected: INCIDENT_SUMMARY },
        ],
        ..plain(Table::Incidents, "incident_id")
    },
    TableSchema { stream: true, ..plain(Table::Notices, "notice_id") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_schema_for_each_table() {
        assert_eq!(TABLES.map(|schema| schema.table), Table::ALL);
    }
}
