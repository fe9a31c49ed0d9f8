//! The requests of an account's sessions in one hour, added up in batches.

use aws_sdk_dynamodb::types::ReturnValue;
use palisade_core::{AccountKey, Fault, user_rate};

use super::Counters;
use crate::call::fault;
use crate::item::{n, number, s, ttl};

impl Counters {
    /// Adds `batch` requests of `account` to `hour`, in hours since the epoch, and returns how many they are now. One write.
    pub async fn add_requests(&self, account: &AccountKey, hour: i64, batch: u64) -> Result<u64, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update
            .key("counter", s(key(account, hour)))
            .update_expression("SET expires_at = :ttl ADD requests :batch")
            .expression_attribute_values(":ttl", ttl(user_rate::end_of(hour + 1)))
            .expression_attribute_values(":batch", n(batch))
            .return_values(ReturnValue::UpdatedNew);
        let reply = update.send().await.map_err(|error| fault("count of requests in counters", &error))?;
        let total = reply.attributes.as_ref().and_then(|item| number(item, "requests"));
        total.ok_or_else(|| Fault::internal("a count of requests is no number"))
    }
}

pub(super) fn key(account: &AccountKey, hour: i64) -> String {
    format!("user#{}#{hour}", account.as_str())
}
