//! What operators change of an account, each as part of a transaction with its record.

use aws_sdk_dynamodb::types::{Delete, Update};
use palisade_core::account::MustChange;
use palisade_core::{Account, Fault, Role, Status, Zone};

use super::Accounts;
use crate::item::{n, s};
use crate::transact::Write;

impl Accounts {
    /// Gives `account` another role; its sessions end, so that none goes on with the old one. Refused when it changed since it was read.
    pub fn set_role(&self, account: &Account, role: Role) -> Result<Write, Fault> {
        self.set(account, "role", role.as_str())
    }

    /// Switches `account` on or off; its sessions end. Refused when it changed since it was read.
    pub fn set_status(&self, account: &Account, status: Status) -> Result<Write, Fault> {
        self.set(account, "status", status.as_str())
    }

    /// Says where the owner of `account` lives; nothing ends for that. Refused when the account changed since it was read.
    pub fn set_time_zone(&self, account: &Account, zone: &Zone) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .update_expression("SET time_zone = :zone")
            .condition_expression("auth_version = :version")
            .expression_attribute_values(":zone", s(zone.as_str()))
            .expression_attribute_values(":version", n(account.auth_version));
        Write::update(update)
    }

    /// Lets `account` do nothing but change its password; nothing ends for that. Refused when it changed since it was read.
    pub fn require_change(&self, account: &Account) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .update_expression("SET must_change = :required")
            .condition_expression("auth_version = :version")
            .expression_attribute_values(":required", s(MustChange::Required.as_str()))
            .expression_attribute_values(":version", n(account.auth_version));
        Write::update(update)
    }

    /// Removes `account`, unless it changed since it was read.
    pub fn remove(&self, account: &Account) -> Result<Write, Fault> {
        let delete = Delete::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let delete =
            delete.condition_expression("auth_version = :version").expression_attribute_values(":version", n(account.auth_version));
        Write::delete(delete)
    }

    fn set(&self, account: &Account, attribute: &str, value: &str) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("account_key", s(account.key.as_str()));
        let update = update
            .update_expression("SET #attribute = :value, auth_version = :next")
            .condition_expression("auth_version = :version")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", s(value))
            .expression_attribute_values(":version", n(account.auth_version))
            .expression_attribute_values(":next", n(account.auth_version.wrapping_add(1)));
        Write::update(update)
    }
}
