//! The accounts table: one item per account under its storage key.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use palisade_core::hashing::{Normalization, StoredPassword};
use palisade_core::settings::{Settings, Table};
use palisade_core::{Account, AccountKey, Fault, Role, Status, Subject};

use crate::call::fault;
use crate::item::{Item, millis, n, number, owned, s, text, time};
use crate::store::{Store, TableHandle};

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
            .update_expression("SET password = :new, password_normalization = :scheme")
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
    ];
    for (name, value) in names {
        item.extend(value.as_ref().map(|value| (name.to_owned(), s(value))));
    }
    item.extend(account.password_changed_at.map(|at| ("password_changed_at".to_owned(), millis(at))));
    if let Some(password) = &account.password {
        item.insert("password".to_owned(), s(&password.encoded));
        item.insert("password_normalization".to_owned(), s(password.normalization.as_str()));
    }
    item
}

/// `None` when something that signing in relies on is missing or of the wrong type. Attributes not known here are ignored.
fn decode(key: &AccountKey, item: &Item) -> Option<Account> {
    let password = match item.get("password") {
        None => None,
        Some(encoded) => Some(StoredPassword {
            encoded: encoded.as_s().ok()?.clone(),
            normalization: Normalization::parse(text(item, "password_normalization")?)?,
        }),
    };
    let password_changed_at = match item.get("password_changed_at") {
        None => None,
        Some(_) => Some(time(item, "password_changed_at")?),
    };
    Some(Account {
        key: key.clone(),
        subject: Subject::parse(text(item, "subject")?)?,
        identifier: owned(item, "identifier")?,
        email: owned(item, "email"),
        username: owned(item, "username"),
        first_name: owned(item, "first_name"),
        last_name: owned(item, "last_name"),
        role: Role::parse(text(item, "role")?)?,
        status: Status::parse(text(item, "status")?)?,
        created_at: time(item, "created_at")?,
        password,
        password_changed_at,
        auth_version: number(item, "auth_version")?,
        devices_not_before: time(item, "devices_not_before")?,
    })
}
