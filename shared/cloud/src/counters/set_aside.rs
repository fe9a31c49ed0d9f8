//! Records of a stream that nobody can read: kept with their content, so that the stream goes on and nothing is lost.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_core::settings::Table;
use palisade_core::{Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{millis, n, owned, s, time, ttl};

/// For how long: a month.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The most of a content that is kept, in bytes: an item holds 400 KB.
const MOST_BYTES: usize = 300_000;

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// When.
    pub at: Timestamp,
    /// From which table; `unknown` where that cannot be told either.
    pub table: String,
    /// Its number in the stream.
    pub sequence_number: String,
    /// What it held, without stored passwords.
    pub content: String,
}

impl SetAside {
    /// Of an item that cannot be read; it stays where it is, and here is its key.
    pub fn item(table: Table, key: &str, at: Timestamp) -> Self {
        Self { at, table: table.as_str().to_owned(), sequence_number: String::new(), content: key.to_owned() }
    }
}

impl Counters {
    /// Keeps `record`, and how long it was where it is cut; twice is once.
    pub async fn set_aside(&self, record: &SetAside) -> Result<(), Fault> {
        let digest = palisade_core::secret::sha256(record.content.as_bytes());
        let name = Base64UrlUnpadded::encode_string(digest.split_at(16).0);
        let end = (0..=MOST_BYTES.min(record.content.len())).rev().find(|end| record.content.is_char_boundary(*end)).unwrap_or(0);
        let put = self.0.client.put_item().table_name(&self.0.name);
        let put = put
            .item("counter", s(format!("set_aside#{name}")))
            .item("at", millis(record.at))
            .item("table", s(&record.table))
            .item("sequence_number", s(&record.sequence_number))
            .item("content", s(record.content.get(..end).unwrap_or_default()))
            .item("bytes", n(record.content.len()))
            .item("expires_at", ttl(record.at.plus(KEPT)));
        put.send().await.map(drop).map_err(|error| fault("write of a record set aside", &error))
    }

    /// Everything that was set aside, oldest first. A scan: for people, not for requests.
    pub async fn all_set_aside(&self) -> Result<Vec<SetAside>, Fault> {
        let (mut records, mut from) = (Vec::new(), None);
        loop {
            let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true).set_exclusive_start_key(from);
            let scan = scan
                .filter_expression("begins_with(#key, :aside)")
                .expression_attribute_names("#key", "counter")
                .expression_attribute_values(":aside", s("set_aside#"));
            let reply = scan.send().await.map_err(|error| fault("scan of counters", &error))?;
            records.extend(reply.items().iter().filter_map(|item| {
                let text = |name| owned(item, name);
                let (table, sequence_number, content) = (text("table")?, text("sequence_number")?, text("content")?);
                Some(SetAside { at: time(item, "at")?, table, sequence_number, content })
            }));
            from = reply.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        records.sort_by(|a, b| (a.at, &a.sequence_number).cmp(&(b.at, &b.sequence_number)));
        Ok(records)
    }
}
