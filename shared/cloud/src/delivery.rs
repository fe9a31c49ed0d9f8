//! Marks on an item of what was told of it on a channel, so that every message is sent, and none twice.
//!
//! ```text
//! claim    telling_<channel>_until = now + 15 s, by whom: only where it was not told, and nobody else is at it
//! send
//! told     told_<channel> = the milestone, the claim goes
//! ```
//!
//! Whoever is killed between sending and marking leaves a claim that runs out, and the message is sent once more: the one repeat that
//! cannot be avoided.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use palisade_core::{Fault, Timestamp};

use crate::call::fault;
use crate::item::{Item, millis, n, number, s, text};
use crate::store::TableHandle;

/// How long a claim keeps others away: longer than sending and marking may take, so that nobody begins beside a slow one.
pub const CLAIMED_FOR: Duration = Duration::from_secs(15);

/// What became of a claim.
#[derive(Debug)]
pub enum Claim<T> {
    /// It is ours to tell; the item as it stands now.
    Ours(T),
    /// It was told already.
    Told,
    /// Somebody else is telling it, or was killed while at it.
    Held,
    /// There is no such item any more.
    Gone,
    /// The item cannot be read.
    Unreadable,
}

/// The marks of one item and channel.
pub(crate) struct Delivery<'a> {
    pub(crate) table: &'a TableHandle,
    pub(crate) key: (&'static str, &'a str),
    pub(crate) channel: &'static str,
}

impl Delivery<'_> {
    /// A claim of ours whose reply was lost is known by `nonce`.
    pub(crate) async fn claim<T>(
        &self,
        milestone: u64,
        nonce: &str,
        now: Timestamp,
        decode: impl Fn(&Item) -> Option<T>,
    ) -> Result<Claim<T>, Fault> {
        let ours = |item: Option<&Item>| item.and_then(&decode).map_or(Claim::Unreadable, Claim::Ours);
        let update = self
            .update("attribute_exists(#key) AND (attribute_not_exists(#told) OR #told < :milestone) AND (attribute_not_exists(#until) OR #until <= :now)")
            .update_expression("SET #until = :until, #by = :by")
            .expression_attribute_names("#told", self.name("told"))
            .expression_attribute_values(":milestone", n(milestone))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":until", millis(now.plus(CLAIMED_FOR)))
            .expression_attribute_values(":by", s(nonce))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let refused = match update.send().await {
            Ok(reply) => return Ok(ours(reply.attributes.as_ref())),
            Err(SdkError::ServiceError(error)) => match error.err() {
                UpdateItemError::ConditionalCheckFailedException(refused) => refused.item.clone(),
                _ => return Err(fault("claim of a message", &SdkError::ServiceError(error))),
            },
            Err(error) => return Err(fault("claim of a message", &error)),
        };
        let Some(item) = refused else {
            return Ok(Claim::Gone);
        };
        Ok(match number::<u64>(&item, &self.name("told")) {
            Some(told) if told >= milestone => Claim::Told,
            _ if text(&item, &self.name("telling_by")) == Some(nonce) => ours(Some(&item)),
            _ => Claim::Held,
        })
    }

    pub(crate) async fn told(&self, milestone: u64) -> Result<(), Fault> {
        let update = self
            .update("attribute_exists(#key) AND (attribute_not_exists(#told) OR #told < :milestone)")
            .update_expression("SET #told = :milestone REMOVE #until, #by")
            .expression_attribute_names("#told", self.name("told"))
            .expression_attribute_values(":milestone", n(milestone));
        unless_refused("mark of a message", update).await
    }

    pub(crate) async fn release(&self, nonce: &str) -> Result<(), Fault> {
        let update = self.update("attribute_exists(#key) AND #by = :by").update_expression("REMOVE #until, #by");
        unless_refused("release of a message", update.expression_attribute_values(":by", s(nonce))).await
    }

    fn update(&self, condition: &str) -> UpdateItemFluentBuilder {
        let (name, value) = self.key;
        let update = self.table.client.update_item().table_name(&self.table.name).key(name, s(value));
        update
            .condition_expression(condition)
            .expression_attribute_names("#key", name)
            .expression_attribute_names("#until", self.name("telling_until"))
            .expression_attribute_names("#by", self.name("telling_by"))
    }

    fn name(&self, what: &str) -> String {
        format!("{what}_{}", self.channel)
    }
}

/// A condition that does not hold means that there is nothing to do.
async fn unless_refused(what: &'static str, update: UpdateItemFluentBuilder) -> Result<(), Fault> {
    match update.send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
        Err(error) => Err(fault(what, &error)),
    }
}
