//! What Cognito's triggers keep of an account.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use palisade_core::account::{Migration, MigrationOutcome, MustChange, PoolUser};
use palisade_core::hashing::{Normalization, StoredPassword};
use palisade_core::{Account, AccountKey, Fault, Status, Timestamp};

use super::{Accounts, decode, encode};
use crate::call::fault;
use crate::item::{Item, millis, n, number, optional, owned, s, text, time};
use crate::transact::Write;

/// A scanned account: what is kept under a key, `None` where it cannot be read.
pub type Scanned = (AccountKey, Option<Account>);

impl Accounts {
    /// Notes that `user` signed in to the pool at `now`, in one write: an account that nobody told of is made as `user` says, of one that is
    /// there only that is written. The password that somebody moved with is removed: they came in. Whether
    /// it was noted: not of an item that is no account.
    pub async fn signed_in_to_pool(&self, user: &Account, now: Timestamp) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(user.key.as_str()));
        let mut set = vec!["pool_authenticated_at = :now".to_owned()];
        let mut update = update.expression_attribute_values(":now", millis(now));
        if let Some(spelling) = &user.pool.spelling {
            set.push("pool_spelling = :spelling".to_owned());
            update = update.expression_attribute_values(":spelling", s(spelling));
        }
        for (name, value) in encode(user).into_iter().filter(|(name, _)| name != "account_key" && !name.starts_with("pool_")) {
            set.push(format!("#{name} = if_not_exists(#{name}, :{name})"));
            update =
                update.expression_attribute_names(format!("#{name}"), &name).expression_attribute_values(format!(":{name}"), value);
        }
        set.push("pool_authenticated_under = if_not_exists(#auth_version, :auth_version)".to_owned());
        let update = update
            .update_expression(format!("SET {} REMOVE legacy_password, legacy_normalization", set.join(", ")))
            // What lacks one of these is no account that could be read, and is not made one.
            .condition_expression(
                "attribute_not_exists(account_key) OR (attribute_exists(#subject) AND attribute_exists(#status) AND \
                 attribute_exists(#role) AND attribute_exists(#auth_version))",
            );
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("update of accounts", &error)),
        }
    }

    /// Notes that a password was chosen in the pool in the place of an administrator's.
    pub async fn chose_pool_password(&self, account: &Account, now: Timestamp) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .update_expression("SET password_changed_at = :now REMOVE must_change, breach_unchecked")
            .condition_expression("auth_version = :version AND attribute_not_exists(password)")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":version", n(account.auth_version));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(())
            }
            Err(error) => Err(fault("update of accounts", &error)),
        }
    }

    /// A new password was set in the pool at `now`: everything of `account` ends, also in the pool, and the password it moved with goes.
    /// Refused when it changed since it was read.
    pub fn pool_password_set(&self, account: &Account, now: Timestamp) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        // A password of its own stays, with what is known of it, unless it moved: Palisade's own login may be in use beside the pool.
        let is_the_only_one = account.password.is_none() || account.pool.migration.is_some();
        let (set, gone) = if is_the_only_one {
            (", password_changed_at = :now", ", password, password_normalization, current_digest, must_change, breach_unchecked")
        } else {
            ("", "")
        };
        let spelled = if account.pool.spelling.is_some() { ", pool_spelling = :spelling" } else { "" };
        let mut update = update
            .update_expression(format!(
                "SET auth_version = :next, devices_not_before = :now, pool_password_set_at = :now{set}{spelled} \
                 REMOVE legacy_password, legacy_normalization{gone}"
            ))
            .condition_expression("auth_version = :version")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":version", n(account.auth_version))
            .expression_attribute_values(":next", n(account.auth_version.wrapping_add(1)));
        if let Some(spelling) = &account.pool.spelling {
            update = update.expression_attribute_values(":spelling", s(spelling));
        }
        Write::update(update)
    }

    /// Lets `account` move into the pool with its password, or to choose another one; `breach_unchecked` when the breach service did not
    /// answer. Whether it did: not when the account changed since it was read.
    pub async fn migrate(
        &self,
        account: &Account,
        password: &StoredPassword,
        outcome: MigrationOutcome,
        at: Migrating,
    ) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let mut set = "migration_started_at = if_not_exists(migration_started_at, :now), migration_outcome = :outcome, legacy_password = :password, \
                       legacy_normalization = :scheme"
            .to_owned();
        let mut update = update
            .expression_attribute_values(":now", millis(at.now))
            .expression_attribute_values(":outcome", s(outcome.as_str()))
            .expression_attribute_values(":password", s(&password.encoded))
            .expression_attribute_values(":scheme", s(password.normalization.as_str()));
        if outcome == MigrationOutcome::Breached {
            set.push_str(", must_change = :breached");
            update = update.expression_attribute_values(":breached", s(MustChange::Breached.as_str()));
        }
        if at.breach_unchecked {
            set.push_str(", breach_unchecked = :yes");
            update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        }
        let update = update
            .update_expression(format!("SET {set} REMOVE password, password_normalization, current_digest"))
            .condition_expression("auth_version = :version AND (password = :password OR legacy_password = :password)")
            .expression_attribute_values(":version", n(account.auth_version));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("update of accounts", &error)),
        }
    }

    /// Lets the account under `key` in to choose a new password, if there is an active one with a password; that stays until the new one is
    /// set, since anybody can ask for it. Whether there is.
    pub async fn migrate_to_reset(&self, key: &AccountKey, now: Timestamp) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(key.as_str()));
        let update = update
            // The week of a move that has begun goes on. Without an address nobody could choose a new password.
            .update_expression(
                "SET migration_started_at = if_not_exists(migration_started_at, :now), \
                 migration_outcome = if_not_exists(migration_outcome, :weak)",
            )
            .condition_expression(
                "#status = :active AND (attribute_exists(email) OR contains(identifier, :at)) AND \
                 (attribute_exists(password) OR attribute_exists(migration_started_at))",
            )
            .expression_attribute_values(":at", s("@"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":active", s(Status::Active.as_str()))
            .expression_attribute_values(":weak", s(MigrationOutcome::Weak.as_str()));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("update of accounts", &error)),
        }
    }

    /// Removes the password that `account` was to move with.
    pub fn forget_legacy_password(&self, account: &Account) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .update_expression("REMOVE legacy_password, legacy_normalization")
            .condition_expression("auth_version = :version")
            .expression_attribute_values(":version", n(account.auth_version));
        Write::update(update)
    }

    /// A page of all accounts from `from` on, by a scan: for operators, not for requests.
    pub async fn page(&self, from: Option<&AccountKey>) -> Result<(Vec<Scanned>, Option<AccountKey>), Fault> {
        let start = from.map(|key| HashMap::from([("account_key".to_owned(), s(key.as_str()))]));
        let scan = self.0.client.scan().table_name(&self.0.name).set_exclusive_start_key(start);
        let reply = scan.send().await.map_err(|error| fault("scan of accounts", &error))?;
        let key = |item: &Item| AccountKey::parse(text(item, "account_key")?);
        let accounts = reply.items().iter().filter_map(|item| key(item).map(|key| (key.clone(), decode(&key, item))));
        Ok((accounts.collect(), reply.last_evaluated_key().and_then(key)))
    }
}

/// When somebody moves, and how surely.
#[derive(Debug, Clone, Copy)]
pub struct Migrating {
    /// When.
    pub now: Timestamp,
    /// Whether the breach service did not answer.
    pub breach_unchecked: bool,
}

pub(super) fn encode_pool(pool: &PoolUser) -> impl Iterator<Item = (String, AttributeValue)> {
    let attributes = [
        ("pool_spelling", pool.spelling.as_ref().map(s)),
        ("pool_authenticated_at", pool.authenticated_at.map(millis)),
        ("pool_authenticated_under", pool.authenticated_under.map(n)),
        ("pool_password_set_at", pool.password_set_at.map(millis)),
    ];
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// `None` when something is wrong with it.
pub(super) fn decode_pool(item: &Item) -> Option<PoolUser> {
    Some(PoolUser {
        spelling: owned(item, "pool_spelling"),
        authenticated_at: optional(item, "pool_authenticated_at", |_| time(item, "pool_authenticated_at"))?,
        authenticated_under: optional(item, "pool_authenticated_under", |_| number(item, "pool_authenticated_under"))?,
        password_set_at: optional(item, "pool_password_set_at", |_| time(item, "pool_password_set_at"))?,
        migration: optional(item, "migration_started_at", |_| decode_migration(item))?,
    })
}

fn decode_migration(item: &Item) -> Option<Migration> {
    let password = match item.get("legacy_password") {
        None => None,
        Some(encoded) => Some(StoredPassword {
            encoded: encoded.as_s().ok()?.clone(),
            normalization: Normalization::parse(text(item, "legacy_normalization")?)?,
        }),
    };
    Some(Migration {
        started_at: time(item, "migration_started_at")?,
        outcome: MigrationOutcome::parse(text(item, "migration_outcome")?)?,
        password,
    })
}
