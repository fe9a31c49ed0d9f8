//! The logins of all accounts in one hour, added up in batches.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use palisade_core::throttle::Stored;
use palisade_core::{Fault, user_rate};

use super::Counters;
use crate::call::fault;
use crate::item::{Item, n, s, stored, ttl};

/// What an hour came to so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overall {
    /// Failed logins.
    pub failures: u64,
    /// Successful ones.
    pub successes: u64,
    /// Whether operators were told.
    pub reported: bool,
}

impl Counters {
    /// Adds to `hour`, in hours since the epoch, and returns what it came to. One write.
    pub async fn add_overall(&self, hour: i64, failures: u64, successes: u64) -> Result<Overall, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(key(hour)));
        let update = update
            .update_expression("SET expires_at = :ttl ADD failures :failures, successes :successes")
            .expression_attribute_values(":ttl", ttl(user_rate::end_of(hour + 1)))
            .expression_attribute_values(":failures", n(failures))
            .expression_attribute_values(":successes", n(successes))
            .return_values(ReturnValue::AllNew);
        let reply = update.send().await.map_err(|error| fault("overall count in counters", &error))?;
        Ok(decode(&reply.attributes.unwrap_or_default()))
    }

    /// Marks in `hour` that operators were told.
    pub async fn mark_overall(&self, hour: i64) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(key(hour)));
        let update = update
            .update_expression("SET expires_at = :ttl, reported = :yes")
            .expression_attribute_values(":ttl", ttl(user_rate::end_of(hour + 1)))
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        update.send().await.map(drop).map_err(|error| fault("mark in counters", &error))
    }
}

pub(super) fn key(hour: i64) -> String {
    format!("failures#{hour}")
}

pub(super) fn decode(item: &Item) -> Overall {
    let reported = item.contains_key("reported");
    Overall { failures: count(item, "failures"), successes: count(item, "successes"), reported }
}

fn count(item: &Item, name: &str) -> u64 {
    match stored(item, name) {
        Stored::Number(number) => u64::try_from(number).unwrap_or(0),
        Stored::Missing | Stored::Unreadable => 0,
    }
}
