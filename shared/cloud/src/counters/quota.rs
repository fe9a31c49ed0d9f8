//! How many messages go out: to a user in a day, and of one kind of incident in a quarter of an hour.
//!
//! The first ones of a window stand in a bounded set by their ids, so that whoever tries again takes no second place.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use palisade_core::alert::Channel;
use palisade_core::incident::IncidentKind;
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::delivery::{Claim, Delivery, Terms};
use crate::item::{Item, n, number, s, ttl};

/// How long a window is remembered: longer than what belongs to it is kept (notices a week) or redriven by default (incidents a week).
const KEPT: Duration = Duration::from_hours(9 * 24);

/// A day in seconds.
const DAY_S: i64 = 86_400;

/// A window of messages.
#[derive(Debug, Clone)]
pub struct Quota {
    counter: String,
    most: usize,
    expires_at: Timestamp,
}

impl Quota {
    /// Of the notices of a class to one account that were made on the day of `made_at` in UTC: `most`. Their day, not that of the try: what is
    /// told late takes no place of others.
    pub fn of_user(account: &AccountKey, class: &str, most: usize, made_at: Timestamp) -> Self {
        let day = made_at.seconds().div_euclid(DAY_S);
        let counter = format!("delivery#{}#{class}#{day}", account.as_str());
        Self { counter, most, expires_at: made_at.plus(KEPT) }
    }

    /// Of incidents of `kind` on `channel` that were opened in `window`: `most`. Theirs, not that of `now`: what is told late is summed up
    /// with those it happened with.
    pub fn of_kind(kind: IncidentKind, channel: Channel, (window, most): (i64, usize), now: Timestamp) -> Self {
        let counter = format!("delivery#{}#{}#{window}", channel.as_str(), kind.as_str());
        Self { counter, most, expires_at: now.plus(KEPT) }
    }
}

/// How many were held back in a window, and what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack {
    /// So many, this one among them.
    pub count: u64,
    /// What the last summary said.
    pub told: u64,
}

impl Counters {
    /// Takes a place for `id` in `quota`; whether there was one, or `id` had it already.
    pub async fn take_part(&self, quota: &Quota, id: &str) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(&quota.counter));
        let update = update
            .update_expression("SET expires_at = :ttl ADD #ids :ids")
            .condition_expression("attribute_not_exists(#ids) OR size(#ids) < :most OR contains(#ids, :id)")
            .expression_attribute_names("#ids", "ids")
            .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_owned()]))
            .expression_attribute_values(":id", s(id))
            .expression_attribute_values(":most", n(quota.most))
            .expression_attribute_values(":ttl", ttl(quota.expires_at));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("quota in counters", &error)),
        }
    }

    /// Counts a message of `quota` that was held back.
    pub async fn hold_back(&self, quota: &Quota) -> Result<HeldBack, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(&quota.counter));
        let update = update
            .update_expression("SET expires_at = :ttl ADD held_back :one")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":ttl", ttl(quota.expires_at))
            .return_values(ReturnValue::AllNew);
        let reply = update.send().await.map_err(|error| fault("quota in counters", &error))?;
        let item = reply.attributes.unwrap_or_else(Item::new);
        Ok(HeldBack { count: number(&item, "held_back").unwrap_or(1), told: number(&item, "told_summary").unwrap_or(0) })
    }

    /// Takes it upon itself to send the summary that so many were held back. Whoever fails at it [releases](Counters::not_summed_up) it.
    pub async fn sum_up(&self, quota: &Quota, count: u64, terms: Terms<'_>) -> Result<Claim<()>, Fault> {
        self.summary(quota).claim(count, terms, |_| Some(())).await
    }

    /// Marks that it was sent.
    pub async fn summed_up(&self, quota: &Quota, count: u64, nonce: &str) -> Result<(), Fault> {
        self.summary(quota).told(count, nonce).await
    }

    /// Leaves it to the next.
    pub async fn not_summed_up(&self, quota: &Quota, nonce: &str) -> Result<(), Fault> {
        self.summary(quota).release(nonce).await
    }

    fn summary<'a>(&'a self, quota: &'a Quota) -> Delivery<'a> {
        Delivery { table: &self.0, key: ("counter", &quota.counter), channel: "summary" }
    }
}
