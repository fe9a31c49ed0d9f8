//! The accounts table: one item per account under its storage key.

mod operate;
mod pool;

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, Update};
use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_core::account::MustChange;
use palisade_core::hashing::{Normalization, SALT_BYTES, StoredPassword};
use palisade_core::history::Digest;
use palisade_core::settings::{Settings, Table};
use palisade_core::{Account, AccountKey, Fault, Role, Status, Subject, Timestamp, Zone};

use crate::call::fault;
use crate::item::{Item, millis, n, number, optional, owned, s, text, time};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

pub use pool::{Migrating, Scanned};

/// What stands under a key.
#[derive(Debug)]
pub enum Found {
    /// An account.
    Account(Box<Account>),
    /// Nothing.
    Nothing,
    /// Something that is no account: nobody signs in with it, and an operator should look.
    Corrupt,
}

/// A password to be set.
#[derive(Debug)]
pub struct NewPassword {
    /// Its hash.
    pub password: StoredPassword,
    /// Its digest under `history_salt`.
    pub digest: Digest,
    /// The account's history salt, kept or new.
    pub history_salt: [u8; SALT_BYTES],
    /// The version from now on.
    pub auth_version: u64,
    /// When.
    pub at: Timestamp,
    /// Whether the breach service did not answer.
    pub breach_unchecked: bool,
}

/// What became of a new account.
#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    New,
    /// There was one already; it is untouched.
    Exists,
}

/// The accounts table.
#[derive(Debug, Clone)]
pub struct Accounts(TableHandle);

impl Accounts {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Accounts).map(Self)
    }

    /// What stands under `key`, by a strongly consistent read.
    pub async fn get(&self, key: &AccountKey) -> Result<Found, Fault> {
        let request = self.0.client.get_item().table_name(&self.0.name).key("account_key", s(key.as_str()));
        let reply = request.consistent_read(true).send().await.map_err(|error| fault("read of accounts", &error))?;
        Ok(match reply.item {
            None => Found::Nothing,
            Some(item) => decode(key, &item).map_or(Found::Corrupt, |account| Found::Account(Box::new(account))),
        })
    }

    /// Replaces the hash `old` under `key` by `new`, a hash of the same password; nothing happens when `old` is no longer there.
    pub async fn rehash(&self, key: &AccountKey, old: &StoredPassword, new: &StoredPassword) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(key.as_str()));
        let update = update
            // A digest at another cost would be the cheaper way to guess the same password.
            .update_expression("SET password = :new, password_normalization = :scheme REMOVE current_digest")
            .condition_expression("password = :old")
            .expression_attribute_values(":new", s(&new.encoded))
            .expression_attribute_values(":scheme", s(new.normalization.as_str()))
            .expression_attribute_values(":old", s(&old.encoded));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(())
            }
            Err(error) => Err(fault("rehash in accounts", &error)),
        }
    }

    /// Says what the breach service answered about a password it had not been asked of: clears the flag, and with `breached` asks for a
    /// change. Nothing happens when the password is no longer `old`.
    pub async fn breach_answered(&self, key: &AccountKey, old: &StoredPassword, breached: bool) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(key.as_str()));
        let update = if breached {
            update
                .update_expression("SET must_change = :breached REMOVE breach_unchecked")
                .expression_attribute_values(":breached", s(MustChange::Breached.as_str()))
        } else {
            update.update_expression("REMOVE breach_unchecked")
        };
        let update = update.condition_expression("breach_unchecked = :yes AND password = :set");
        let update = update
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":set", s(&old.encoded));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(())
            }
            Err(error) => Err(fault("breach flag in accounts", &error)),
        }
    }

    /// Replaces the password of `account` by `new` and ends all its sessions and devices, unless the password or the version changed
    /// since it was read.
    pub fn set_password(&self, account: &Account, new: &NewPassword) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let mut set = "password = :new, password_normalization = :scheme, current_digest = :digest, history_salt = :salt, \
                       password_changed_at = :now, auth_version = :next, devices_not_before = :now"
            .to_owned();
        let mut remove = vec!["must_change"];
        if new.breach_unchecked {
            set.push_str(", breach_unchecked = :yes");
        } else {
            remove.push("breach_unchecked");
        }
        let unchanged = match &account.password {
            Some(_) => "auth_version = :version AND password = :old",
            None => "auth_version = :version AND attribute_not_exists(password)",
        };
        let mut update = update
            .update_expression(format!("SET {set} REMOVE {}", remove.join(", ")))
            .condition_expression(unchanged)
            .expression_attribute_values(":new", s(&new.password.encoded))
            .expression_attribute_values(":scheme", s(new.password.normalization.as_str()))
            .expression_attribute_values(":digest", s(new.digest.encode()))
            .expression_attribute_values(":salt", s(Base64UrlUnpadded::encode_string(&new.history_salt)))
            .expression_attribute_values(":now", millis(new.at))
            .expression_attribute_values(":next", n(new.auth_version))
            .expression_attribute_values(":version", n(account.auth_version));
        if let Some(old) = &account.password {
            update = update.expression_attribute_values(":old", s(&old.encoded));
        }
        if new.breach_unchecked {
            update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        }
        Write::update(update)
    }

    /// Ends all sessions of `account`, and all its devices with `devices`, unless somebody raised its version since it was read.
    pub fn end_sessions(&self, account: &Account, devices: bool, now: Timestamp) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let mut update = update
            .condition_expression("auth_version = :version")
            .expression_attribute_values(":version", n(account.auth_version))
            .expression_attribute_values(":next", n(account.auth_version.wrapping_add(1)));
        update = if devices {
            update
                .update_expression("SET auth_version = :next, devices_not_before = :now")
                .expression_attribute_values(":now", millis(now))
        } else {
            update.update_expression("SET auth_version = :next")
        };
        Write::update(update)
    }

    /// The same for the sessions alone, at once and whatever became of the account since it was read: one write whatever their number. An
    /// addition, so that somebody who ends only the others at that moment keeps nothing alive; one that is repeated ends them twice.
    pub async fn end_sessions_now(&self, account: &Account) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .condition_expression("subject = :subject")
            .update_expression("SET auth_version = auth_version + :one")
            .expression_attribute_values(":subject", s(account.subject.as_str()))
            .expression_attribute_values(":one", n(1));
        match update.send().await {
            Ok(_) => Ok(()),
            // Gone, or somebody else's by now: so are the sessions.
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(())
            }
            Err(error) => Err(fault("update of accounts", &error)),
        }
    }

    /// Adds `account` unless its key is taken, as part of a transaction.
    pub fn put_new(&self, account: &Account) -> Result<Write, Fault> {
        let put = Put::builder().table_name(&self.0.name).set_item(Some(encode(account)));
        Write::put(put.condition_expression("attribute_not_exists(account_key)"))
    }

    /// Adds `account` unless its key is taken.
    pub async fn create(&self, account: &Account) -> Result<Created, Fault> {
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(encode(account)));
        match put.condition_expression("attribute_not_exists(account_key)").send().await {
            Ok(_) => Ok(Created::New),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), PutItemError::ConditionalCheckFailedException(_)) => {
                Ok(Created::Exists)
            }
            Err(error) => Err(fault("write of accounts", &error)),
        }
    }
}

fn encode(account: &Account) -> Item {
    let mut item = HashMap::from([
        ("account_key".to_owned(), s(account.key.as_str())),
        ("subject".to_owned(), s(account.subject.as_str())),
        ("identifier".to_owned(), s(&account.identifier)),
        ("role".to_owned(), s(account.role.as_str())),
        ("status".to_owned(), s(account.status.as_str())),
        ("created_at".to_owned(), millis(account.created_at)),
        ("auth_version".to_owned(), n(account.auth_version)),
        ("devices_not_before".to_owned(), millis(account.devices_not_before)),
    ]);
    let names = [
        ("email", &account.email),
        ("username", &account.username),
        ("first_name", &account.first_name),
        ("last_name", &account.last_name),
        ("time_zone", &account.time_zone.as_ref().map(|zone| zone.as_str().to_owned())),
    ];
    for (name, value) in names {
        item.extend(value.as_ref().map(|value| (name.to_owned(), s(value))));
    }
    item.extend(account.current_digest.as_ref().map(|digest| ("current_digest".to_owned(), s(digest.encode()))));
    item.extend(account.history_salt.map(|salt| ("history_salt".to_owned(), s(Base64UrlUnpadded::encode_string(&salt)))));
    item.extend(account.breach_unchecked.then(|| ("breach_unchecked".to_owned(), AttributeValue::Bool(true))));
    item.extend(account.must_change.map(|why| ("must_change".to_owned(), s(why.as_str()))));
    item.extend(account.password_changed_at.map(|at| ("password_changed_at".to_owned(), millis(at))));
    item.extend(pool::encode_pool(&account.pool));
    if let Some(password) = &account.password {
        item.insert("password".to_owned(), s(&password.encoded));
        item.insert("password_normalization".to_owned(), s(password.normalization.as_str()));
    }
    item
}

/// `None` when something that signing in relies on is missing or of the wrong type. Attributes not known here are ignored.
pub(crate) fn decode(key: &AccountKey, item: &Item) -> Option<Account> {
    let password = match item.get("password") {
        None => None,
        Some(encoded) => Some(StoredPassword {
            encoded: encoded.as_s().ok()?.clone(),
            normalization: Normalization::parse(text(item, "password_normalization")?)?,
        }),
    };
    let password_changed_at = optional(item, "password_changed_at", |_| time(item, "password_changed_at"))?;
    Some(Account {
        key: key.clone(),
        subject: Subject::parse(text(item, "subject")?)?,
        identifier: owned(item, "identifier")?,
        email: owned(item, "email"),
        username: owned(item, "username"),
        first_name: owned(item, "first_name"),
        last_name: owned(item, "last_name"),
        time_zone: text(item, "time_zone").and_then(Zone::parse),
        role: Role::parse(text(item, "role")?)?,
        status: Status::parse(text(item, "status")?)?,
        created_at: time(item, "created_at")?,
        password,
        password_changed_at,
        current_digest: optional(item, "current_digest", |value| Digest::parse(value.as_s().ok()?))?,
        history_salt: optional(item, "history_salt", |value| {
            Base64UrlUnpadded::decode_vec(value.as_s().ok()?).ok()?.try_into().ok()
        })?,
        breach_unchecked: optional(item, "breach_unchecked", |value| value.as_bool().ok().copied())?.unwrap_or(false),
        must_change: optional(item, "must_change", |value| MustChange::parse(value.as_s().ok()?))?,
        auth_version: number(item, "auth_version")?,
        devices_not_before: time(item, "devices_not_before")?,
        pool: pool::decode_pool(item)?,
    })
}
