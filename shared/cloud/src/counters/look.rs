//! The counters as they stand, for people who ask why: nothing is counted.

use aws_sdk_dynamodb::types::Delete;
use palisade_core::baseline::Baseline;
use palisade_core::ip_window::{IpCounts, IpWindow, Places};
use palisade_core::{AccountKey, Fault};

use super::Counters;
use super::overall::Overall;
use crate::call::fault;
use crate::item::{Item, number, s};
use crate::transact::Write;

impl Counters {
    /// The counts of an address in `window`.
    pub async fn window(&self, window: &IpWindow) -> Result<IpCounts, Fault> {
        let none = Places { request: false, auth: false, failure: false, breach_check: false };
        Ok(super::ip::counts(window, none, self.look(&window.counter()).await?.as_ref(), None))
    }

    /// How many requests of `account` were written down in `hour`, in hours since the epoch.
    pub async fn requests(&self, account: &AccountKey, hour: i64) -> Result<u64, Fault> {
        let item = self.look(&super::users::key(account, hour)).await?;
        Ok(item.and_then(|item| number(&item, "requests")).unwrap_or(0))
    }

    /// What `hour` came to so far for all accounts.
    pub async fn overall(&self, hour: i64) -> Result<Overall, Fault> {
        Ok(super::overall::decode(&self.look(&super::overall::key(hour)).await?.unwrap_or_default()))
    }

    /// The last logins of `account`.
    pub async fn logins(&self, account: &AccountKey) -> Result<Baseline, Fault> {
        Ok(super::baseline::decode(self.look(&super::baseline::key(account)).await?.as_ref()))
    }

    /// Forgets the last logins of `account`.
    pub fn forget_logins(&self, account: &AccountKey) -> Result<Write, Fault> {
        Write::delete(Delete::builder().table_name(&self.0.name).key("counter", s(super::baseline::key(account))))
    }

    async fn look(&self, key: &str) -> Result<Option<Item>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(key)).consistent_read(true);
        Ok(get.send().await.map_err(|error| fault("read of counters", &error))?.item)
    }
}
