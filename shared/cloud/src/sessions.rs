//! The sessions table: one item per session under its account, the secret only as a hash.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, Put, ReturnValue, Update};
use palisade_core::assess::Seen;
use palisade_core::policy::SessionRules;
use palisade_core::session::{Session, SessionKey, Stored, tombstone_lifetime};
use palisade_core::settings::{Settings, Table};
use palisade_core::{AccountKey, Fault, Timestamp, UserAgent};

use crate::accounts::{self, Found};
use crate::call::fault;
use crate::item::{Item, millis, n, number, optional, s, text, time, ttl};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

/// The most pages of 1 MB that a listing reads: some tens of thousands of sessions.
const MOST_PAGES: usize = 16;

/// The sessions table.
#[derive(Debug, Clone)]
pub struct Sessions(TableHandle);

impl Sessions {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Sessions).map(Self)
    }

    /// Stores `session`. Its key is random, so a repeated attempt writes the same item again.
    pub async fn put(&self, session: &Session) -> Result<(), Fault> {
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(encode(session)));
        put.send().await.map(drop).map_err(|error| fault("write of sessions", &error))
    }

    /// Every session of `account`, by a strongly consistent query; tombstones and what cannot be read are left out.
    pub async fn of(&self, account: &AccountKey) -> Result<Vec<Session>, Fault> {
        let mut sessions = Vec::new();
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let query = self.0.client.query().table_name(&self.0.name).consistent_read(true).set_exclusive_start_key(from);
            let query = query
                .key_condition_expression("account_key = :account")
                .expression_attribute_values(":account", s(account.as_str()));
            let reply = query.send().await.map_err(|error| fault("query of sessions", &error))?;
            sessions.extend(reply.items().iter().filter_map(|item| {
                let key = SessionKey { account_key: account.clone(), secret_hash: text(item, "secret_hash")?.to_owned() };
                match decode(&key, item)? {
                    Stored::Session(session) => Some(session),
                    Stored::Tombstone { .. } => None,
                }
            }));
            from = reply.last_evaluated_key;
            if from.is_none() {
                return Ok(sessions);
            }
        }
        Err(Fault::unavailable("query of sessions", "more pages than are read"))
    }

    /// Lets `session`, used at `now` and with `moved` elsewhere, go along with its account to the version `to`, unless it was ended
    /// meanwhile.
    pub fn follow(
        &self,
        (session, moved): (&Session, Option<&Seen>),
        to: u64,
        now: Timestamp,
        rules: &SessionRules,
    ) -> Result<Write, Fault> {
        let mut set = "SET auth_version = :to, last_seen = :now, expires_at = :ends".to_owned();
        let mut update = Update::builder();
        if let Some(seen) = moved {
            set.push_str(MOVED);
            update = update
                .expression_attribute_values(":ip", s(seen.ip.to_string()))
                .expression_attribute_values(":agent", s(seen.user_agent.stored()))
                .expression_attribute_values(":hash", s(seen.user_agent.hash()));
        }
        let update = update
            .table_name(&self.0.name)
            .key("account_key", s(session.key.account_key.as_str()))
            .key("secret_hash", s(&session.key.secret_hash))
            .update_expression(set)
            .condition_expression("auth_version = :from AND attribute_not_exists(replaced_at)")
            .expression_attribute_values(":to", n(to))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":ends", ttl(ends_at(session, now, rules)))
            .expression_attribute_values(":from", n(session.auth_version));
        Write::update(update)
    }

    /// Stores `session`, as part of a transaction.
    pub fn put_new(&self, session: &Session) -> Result<Write, Fault> {
        Write::put(Put::builder().table_name(&self.0.name).set_item(Some(encode(session))))
    }

    /// Writes that `session` was used at `now`, and with `moved` where; whether it was written. It is not for one that is no longer there,
    /// was replaced, has run out, or was used by somebody else since it was read: then that use is as good.
    pub async fn touch(
        &self,
        session: &Session,
        moved: Option<&Seen>,
        now: Timestamp,
        rules: &SessionRules,
    ) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update
            .key("account_key", s(session.key.account_key.as_str()))
            .key("secret_hash", s(&session.key.secret_hash))
            .condition_expression("last_seen = :read AND attribute_not_exists(replaced_at) AND expires_at > :now_s")
            .expression_attribute_values(":read", millis(session.last_seen))
            .expression_attribute_values(":now_s", ttl(now))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":ends", ttl(ends_at(session, now, rules)));
        let update = match moved {
            None => update.update_expression("SET last_seen = :now, expires_at = :ends"),
            Some(seen) => update
                .update_expression(format!("SET last_seen = :now, expires_at = :ends{MOVED}"))
                .expression_attribute_values(":ip", s(seen.ip.to_string()))
                .expression_attribute_values(":agent", s(seen.user_agent.stored()))
                .expression_attribute_values(":hash", s(seen.user_agent.hash())),
        };
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("touch of sessions", &error)),
        }
    }

    /// Leaves a tombstone in the place of `session`, unless it is no longer what was read: it carries the account's version after the rotation.
    pub fn bury(&self, session: &Session, auth_version: u64, now: Timestamp, rules: &SessionRules) -> Result<Write, Fault> {
        let key = &session.key;
        let item = HashMap::from([
            ("account_key".to_owned(), s(key.account_key.as_str())),
            ("secret_hash".to_owned(), s(&key.secret_hash)),
            ("auth_version".to_owned(), n(auth_version)),
            ("replaced_at".to_owned(), millis(now)),
            ("expires_at".to_owned(), ttl(now.plus(tombstone_lifetime(rules)))),
        ]);
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item));
        Write::put(
            put.condition_expression("auth_version = :from AND attribute_not_exists(replaced_at)")
                .expression_attribute_values(":from", n(session.auth_version)),
        )
    }

    /// Removes the session under `key`. A tombstone stays: the use of what it replaced has to be recognised for a day.
    pub async fn delete(&self, key: &SessionKey) -> Result<Deleted, Fault> {
        let delete = self.0.client.delete_item().table_name(&self.0.name).return_values(ReturnValue::AllOld);
        let delete = delete
            .key("account_key", s(key.account_key.as_str()))
            .key("secret_hash", s(&key.secret_hash))
            .condition_expression("attribute_not_exists(replaced_at)");
        match delete.send().await {
            Ok(reply) if reply.attributes.is_some() => Ok(Deleted::Session),
            Ok(_) => Ok(Deleted::Nothing),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), DeleteItemError::ConditionalCheckFailedException(_)) => {
                Ok(Deleted::Replaced)
            }
            Err(error) => Err(fault("delete of sessions", &error)),
        }
    }
}

/// What is written of a session that goes along to another place.
const MOVED: &str = ", moved_at = :now, ip = :ip, user_agent = :agent, user_agent_hash = :hash";

/// What [`Sessions::delete`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// A session, gone now.
    Session,
    /// Nothing.
    Nothing,
    /// What a rotation left: the session goes on under another key.
    Replaced,
}

/// The earlier of the ends of `session`, used at `now`.
fn ends_at(session: &Session, now: Timestamp, rules: &SessionRules) -> Timestamp {
    session.created_at.plus(rules.absolute).min(now.plus(rules.idle))
}

fn encode(session: &Session) -> Item {
    let mut item = HashMap::from([
        ("account_key".to_owned(), s(session.key.account_key.as_str())),
        ("secret_hash".to_owned(), s(&session.key.secret_hash)),
        ("auth_version".to_owned(), n(session.auth_version)),
        ("auth_time".to_owned(), millis(session.auth_time)),
        ("created_at".to_owned(), millis(session.created_at)),
        ("last_seen".to_owned(), millis(session.last_seen)),
        ("ip".to_owned(), s(&session.ip)),
        ("user_agent".to_owned(), s(session.user_agent.stored())),
        ("user_agent_hash".to_owned(), s(session.user_agent.hash())),
        ("expires_at".to_owned(), ttl(session.expires_at)),
    ]);
    item.extend(session.moved_at.map(|at| ("moved_at".to_owned(), millis(at))));
    item
}

/// `None` when something that a decision relies on is missing or of the wrong type.
fn decode(key: &SessionKey, item: &Item) -> Option<Stored> {
    if item.contains_key("replaced_at") {
        return Some(Stored::Tombstone { replaced_at: time(item, "replaced_at")?, auth_version: number(item, "auth_version")? });
    }
    Some(Stored::Session(Session {
        key: key.clone(),
        auth_version: number(item, "auth_version")?,
        auth_time: time(item, "auth_time")?,
        created_at: time(item, "created_at")?,
        last_seen: time(item, "last_seen")?,
        moved_at: optional(item, "moved_at", |_| time(item, "moved_at"))?,
        ip: text(item, "ip")?.to_owned(),
        user_agent: UserAgent::stored_as(text(item, "user_agent")?, text(item, "user_agent_hash")?),
        expires_at: Timestamp::from_seconds(number(item, "expires_at")?),
    }))
}

/// A session and its account, read together.
#[derive(Debug)]
pub struct Pair {
    /// What stands under the session's key, where it can be read.
    pub session: Option<Stored>,
    /// The account.
    pub account: Found,
}

/// Reads sessions with their accounts.
#[derive(Debug, Clone)]
pub struct SessionsWithAccounts {
    sessions: TableHandle,
    accounts: TableHandle,
}

/// How often keys that were left over are asked for again.
const LEFT_OVER_RETRIES: usize = 1;

/// The wait before that, as before the SDK's own repetitions.
const LEFT_OVER_BACKOFF: Duration = Duration::from_millis(50);

impl SessionsWithAccounts {
    /// # Errors
    /// A fault when the settings do not name one of the tables.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        Ok(Self { sessions: store.table(settings, Table::Sessions)?, accounts: store.table(settings, Table::Accounts)? })
    }

    /// The session under `key` and its account, in one strongly consistent batch.
    ///
    /// # Errors
    /// A fault when the store did not answer, or left a key unanswered twice: then nothing is known.
    pub async fn get(&self, key: &SessionKey) -> Result<Pair, Fault> {
        let account = HashMap::from([("account_key".to_owned(), s(key.account_key.as_str()))]);
        let session = HashMap::from([
            ("account_key".to_owned(), s(key.account_key.as_str())),
            ("secret_hash".to_owned(), s(&key.secret_hash)),
        ]);
        let all = HashMap::from([(self.accounts.name.clone(), strong(account)?), (self.sessions.name.clone(), strong(session)?)]);
        let mut wanted = all.clone();
        let mut pair = Pair { session: None, account: Found::Nothing };
        for round in 0..=LEFT_OVER_RETRIES {
            if round > 0 {
                #[expect(clippy::disallowed_methods, reason = "a back-off within the request's deadline, as the SDK's own")]
                tokio::time::sleep(LEFT_OVER_BACKOFF).await;
            }
            let reply = self.accounts.client.batch_get_item().set_request_items(Some(wanted)).send().await;
            let reply = reply.map_err(|error| fault("read of sessions and accounts", &error))?;
            let first = |table: &TableHandle| reply.responses().and_then(|all| all.get(&table.name)?.first());
            if let Some(item) = first(&self.sessions) {
                pair.session = decode(key, item);
            }
            if let Some(item) = first(&self.accounts) {
                pair.account =
                    accounts::decode(&key.account_key, item).map_or(Found::Corrupt, |account| Found::Account(Box::new(account)));
            }
            // Asked for as before: the answer's own words are not trusted with the consistency of the read.
            let left_over = reply.unprocessed_keys.unwrap_or_default();
            wanted = all.iter().filter(|(table, _)| left_over.contains_key(*table)).map(|(t, k)| (t.clone(), k.clone())).collect();
            if wanted.is_empty() {
                return Ok(pair);
            }
        }
        Err(Fault::unavailable("read of sessions and accounts", "keys were left over"))
    }
}

fn strong(key: Item) -> Result<KeysAndAttributes, Fault> {
    let keys = KeysAndAttributes::builder().keys(key).consistent_read(true).build();
    keys.map_err(|_| Fault::internal("a batch lacks its keys"))
}
