//! The notices table: messages on their way to a person, and the grants that some carry, never their tokens.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put};
use palisade_core::hashing::{Normalization, StoredPassword};
use palisade_core::notice::{Notice, NoticeId, NoticeKind, Pending};
use palisade_core::settings::{Settings, Table};
use palisade_core::{AccountKey, Fault, Subject};

use crate::call::fault;
use crate::item::{Item, millis, n, number, owned, s, text, time, ttl};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

/// The notices table.
#[derive(Debug, Clone)]
pub struct Notices(TableHandle);

impl Notices {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Notices).map(Self)
    }

    /// The notice `id`, by a strongly consistent read; `None` when there is none that can be read.
    pub async fn get(&self, id: &NoticeId) -> Result<Option<Notice>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("notice_id", s(id.as_str())).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of notices", &error))?;
        Ok(reply.item.as_ref().and_then(decode))
    }

    /// Every notice that is not void, oldest first: what a mailbox shows. A scan, for the local stack only.
    pub async fn all(&self) -> Result<Vec<Notice>, Fault> {
        let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true);
        let reply = scan.send().await.map_err(|error| fault("scan of notices", &error))?;
        let mut notices: Vec<Notice> = reply.items().iter().filter_map(decode).filter(|notice| !notice.void).collect();
        notices.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
        Ok(notices)
    }

    /// Adds `notice` alone.
    pub async fn send(&self, notice: &Notice) -> Result<(), Fault> {
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(encode(notice)));
        put.send().await.map(drop).map_err(|error| fault("write of notices", &error))
    }

    /// Adds `notice`.
    pub fn put(&self, notice: &Notice) -> Result<Write, Fault> {
        Write::put(Put::builder().table_name(&self.0.name).set_item(Some(encode(notice))))
    }

    /// Uses up the grant of `notice`: only once.
    pub fn consume(&self, notice: &Notice) -> Result<Write, Fault> {
        let delete = Delete::builder().table_name(&self.0.name).key("notice_id", s(notice.id.as_str()));
        Write::delete(delete.condition_expression("attribute_exists(notice_id)"))
    }
}

fn encode(notice: &Notice) -> Item {
    let mut item = HashMap::from([
        ("notice_id".to_owned(), s(notice.id.as_str())),
        ("kind".to_owned(), s(notice.kind.as_str())),
        ("account_key".to_owned(), s(notice.account_key.as_str())),
        ("created_at".to_owned(), millis(notice.created_at)),
        ("ends_at".to_owned(), millis(notice.expires_at)),
        ("expires_at".to_owned(), ttl(notice.expires_at)),
        ("void".to_owned(), AttributeValue::Bool(notice.void)),
        ("auth_version".to_owned(), n(notice.auth_version)),
    ]);
    item.extend(notice.account_id.as_ref().map(|id| ("account_id".to_owned(), s(id.as_str()))));
    item.extend(notice.to.as_ref().map(|to| ("to".to_owned(), s(to))));
    if let Some(pending) = &notice.pending {
        let names = [
            ("identifier", Some(&pending.identifier)),
            ("email", pending.email.as_ref()),
            ("username", pending.username.as_ref()),
            ("first_name", pending.first_name.as_ref()),
            ("last_name", pending.last_name.as_ref()),
        ];
        item.extend(names.into_iter().filter_map(|(name, value)| Some((name.to_owned(), s(value?)))));
        item.insert("password".to_owned(), s(&pending.password.encoded));
        item.insert("breach_unchecked".to_owned(), AttributeValue::Bool(pending.breach_unchecked));
    }
    item
}

fn decode(item: &Item) -> Option<Notice> {
    let flag = |name: &str| item.get(name).and_then(|value| value.as_bool().ok()).copied();
    let pending = match text(item, "identifier") {
        None => None,
        Some(identifier) => Some(Pending {
            identifier: identifier.to_owned(),
            email: owned(item, "email"),
            username: owned(item, "username"),
            first_name: owned(item, "first_name"),
            last_name: owned(item, "last_name"),
            password: StoredPassword { encoded: owned(item, "password")?, normalization: Normalization::Nfc },
            breach_unchecked: flag("breach_unchecked")?,
        }),
    };
    Some(Notice {
        id: NoticeId::parse(text(item, "notice_id")?)?,
        kind: NoticeKind::parse(text(item, "kind")?)?,
        account_key: AccountKey::parse(text(item, "account_key")?)?,
        account_id: text(item, "account_id").and_then(Subject::parse),
        to: owned(item, "to"),
        created_at: time(item, "created_at")?,
        expires_at: time(item, "ends_at")?,
        void: flag("void")?,
        auth_version: number(item, "auth_version")?,
        pending,
    })
}
