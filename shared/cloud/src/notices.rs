//! The notices table: messages on their way to a person, and the grants that some carry, never their tokens.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put};
use palisade_core::hashing::{Normalization, StoredPassword};
use palisade_core::notice::{Notice, NoticeId, NoticeKind, Pending};
use palisade_core::settings::{Settings, Table};
use palisade_core::{AccountKey, Fault, Subject, Timestamp};

use crate::call::fault;
use crate::delivery::{Claim, Delivery, Terms, unless_refused};
use crate::item::{Item, millis, n, number, owned, s, text, time, ttl};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

/// What carries a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeChannel {
    /// The notices topic.
    Topic,
    /// Mail.
    Mail,
}

impl NoticeChannel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Mail => "mail",
        }
    }
}

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

    /// Takes it upon itself to publish or mail the notice `id`; see [`Claim`].
    pub async fn claim(&self, (id, channel): (&NoticeId, NoticeChannel), terms: Terms<'_>) -> Result<Claim<Notice>, Fault> {
        self.delivery(id, channel).claim(1, terms, decode).await
    }

    /// Marks that it was, by whoever claimed it as `nonce`.
    pub async fn told(&self, (id, channel): (&NoticeId, NoticeChannel), nonce: &str) -> Result<(), Fault> {
        self.delivery(id, channel).told(1, nonce).await
    }

    /// Lets others try at once what could not be.
    pub async fn release(&self, (id, channel): (&NoticeId, NoticeChannel), nonce: &str) -> Result<(), Fault> {
        self.delivery(id, channel).release(nonce).await
    }

    fn delivery<'a>(&'a self, id: &'a NoticeId, channel: NoticeChannel) -> Delivery<'a> {
        Delivery { table: &self.0, key: ("notice_id", id.as_str()), channel: channel.as_str() }
    }

    /// The ids of notices that should have reached `channel` by now and did not, by a scan: for operators, not for requests.
    pub async fn untold(&self, channel: NoticeChannel, now: Timestamp) -> Result<Vec<NoticeId>, Fault> {
        let (mut untold, mut from) = (Vec::new(), None);
        loop {
            let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true).set_exclusive_start_key(from);
            let scan = scan
                .projection_expression("notice_id")
                .filter_expression("attribute_not_exists(#told) AND #void = :no AND ends_at > :now")
                .expression_attribute_names("#told", format!("told_{}", channel.as_str()))
                .expression_attribute_names("#void", "void")
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .expression_attribute_values(":now", millis(now));
            let reply = scan.send().await.map_err(|error| fault("scan of notices", &error))?;
            untold.extend(reply.items().iter().filter_map(|item| NoticeId::parse(text(item, "notice_id")?)));
            from = reply.last_evaluated_key;
            if from.is_none() {
                return Ok(untold);
            }
        }
    }

    /// Puts `id` on the stream once more, also where it was published already with `again`; whether it is still there. A claim stays: whoever
    /// is sending it is not disturbed.
    pub async fn redrive(&self, id: &NoticeId, again: bool, now: Timestamp) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("notice_id", s(id.as_str()));
        let update = update
            .update_expression(if again { "SET redriven_at = :now REMOVE told_topic" } else { "SET redriven_at = :now" })
            .condition_expression("attribute_exists(notice_id)")
            .expression_attribute_values(":now", millis(now));
        unless_refused("write of notices", update).await
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
        ("again".to_owned(), AttributeValue::Bool(notice.again)),
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
        again: flag("again").unwrap_or(false),
        pending,
    })
}
