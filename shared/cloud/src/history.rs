//! The history table: an account's old passwords, one item each, under the time they were replaced.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, Put};
use palisade_core::hashing::{Normalization, StoredPassword};
use palisade_core::history::{Digest, Entry, Old};
use palisade_core::settings::{Settings, Table};
use palisade_core::{AccountKey, Fault};

use crate::call::fault;
use crate::item::{Item, millis, s, text, time};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

/// The history table.
#[derive(Debug, Clone)]
pub struct History(TableHandle);

/// An account's entries.
#[derive(Debug, Default)]
pub struct Found {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Whether one could not be read; it is left out.
    pub corrupt: bool,
}

/// The most entries that are read: those kept, and some that were left behind.
const MOST: i32 = 32;

impl History {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::History).map(Self)
    }

    /// The entries of `account`, by a strongly consistent query.
    pub async fn of(&self, account: &AccountKey) -> Result<Found, Fault> {
        let query = self.0.client.query().table_name(&self.0.name).consistent_read(true).scan_index_forward(false).limit(MOST);
        let query =
            query.key_condition_expression("account_key = :account").expression_attribute_values(":account", s(account.as_str()));
        let reply = query.send().await.map_err(|error| fault("query of history", &error))?;
        let mut found = Found::default();
        for item in reply.items() {
            match decode(item) {
                Some(entry) => found.entries.push(entry),
                None => found.corrupt = true,
            }
        }
        Ok(found)
    }

    /// Adds `entry` of `account`.
    pub fn put(&self, account: &AccountKey, entry: &Entry) -> Result<Write, Fault> {
        let mut item =
            HashMap::from([("account_key".to_owned(), s(account.as_str())), ("changed_at".to_owned(), millis(entry.changed_at))]);
        match &entry.old {
            Old::Digest(digest) => {
                item.insert("digest".to_owned(), s(digest.encode()));
            }
            Old::Encoded(password) => {
                item.insert("password".to_owned(), s(&password.encoded));
                item.insert("password_normalization".to_owned(), s(password.normalization.as_str()));
            }
        }
        Write::put(Put::builder().table_name(&self.0.name).set_item(Some(item)))
    }

    /// Removes `entry` of `account`.
    pub fn delete(&self, account: &AccountKey, entry: &Entry) -> Result<Write, Fault> {
        let delete = Delete::builder().table_name(&self.0.name).key("account_key", s(account.as_str()));
        Write::delete(delete.key("changed_at", millis(entry.changed_at)))
    }
}

fn decode(item: &Item) -> Option<Entry> {
    let old = match text(item, "digest") {
        Some(digest) => Old::Digest(Digest::parse(digest)?),
        None => Old::Encoded(StoredPassword {
            encoded: text(item, "password")?.to_owned(),
            normalization: Normalization::parse(text(item, "password_normalization")?)?,
        }),
    };
    Some(Entry { changed_at: time(item, "changed_at")?, old })
}
