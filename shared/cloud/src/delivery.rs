//! Marks on an item of what was told of it on a channel, so that every message is sent, and none twice.
//!
//! ```text
//! claim    telling_until_<channel>, telling_by_<channel>: only where it was not told, and nobody else is at it
//! send
//! told     told_<channel> = the milestone, the own claim goes
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

/// On what terms something is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// By which the claimer knows its own again.
    pub nonce: &'a str,
    /// The time of the claim itself: a batch takes longer than its first moment.
    pub now: Timestamp,
    /// For how long it keeps others away: longer than sending and marking may take.
    pub span: Duration,
}

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
    /// A claim of ours whose reply was lost is known by its nonce.
    pub(crate) async fn claim<T>(
        &self,
        milestone: u64,
        Terms { nonce, now, span }: Terms<'_>,
        decode: impl Fn(&Item) -> Option<T>,
    ) -> Result<Claim<T>, Fault> {
        let ours = |item: Option<&Item>| item.and_then(&decode).map_or(Claim::Unreadable, Claim::Ours);
        let update = self
            .update("attribute_exists(#key) AND (attribute_not_exists(#told) OR #told < :milestone) AND (attribute_not_exists(#until) OR #until <= :now)")
            .update_expression("SET #until = :until, #by = :by")
            .expression_attribute_names("#told", self.name("told"))
            .expression_attribute_values(":milestone", n(milestone))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":until", millis(now.plus(span)))
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

    /// Marks what was told, and drops the claim of `nonce`; somebody else's, who began after it had run out, stays.
    pub(crate) async fn told(&self, milestone: u64, nonce: &str) -> Result<(), Fault> {
        const NOT_TOLD: &str = "attribute_exists(#key) AND (attribute_not_exists(#told) OR #told < :milestone)";
        let mark = |condition: &str, and_remove: &str| {
            self.update(condition)
                .update_expression(format!("SET #told = :milestone{and_remove}"))
                .expression_attribute_names("#told", self.name("told"))
                .expression_attribute_values(":milestone", n(milestone))
        };
        let own = mark(&format!("{NOT_TOLD} AND #by = :by"), " REMOVE #until, #by").expression_attribute_values(":by", s(nonce));
        if unless_refused("mark of a message", own).await? {
            return Ok(());
        }
        let others = mark(NOT_TOLD, "").set_expression_attribute_names(Some(
            [("#key", self.key.0.to_owned()), ("#told", self.name("told"))].map(|(short, name)| (short.to_owned(), name)).into(),
        ));
        unless_refused("mark of a message", others).await.map(drop)
    }

    pub(crate) async fn release(&self, nonce: &str) -> Result<(), Fault> {
        let update = self.update("attribute_exists(#key) AND #by = :by").update_expression("REMOVE #until, #by");
        unless_refused("release of a message", update.expression_attribute_values(":by", s(nonce))).await.map(drop)
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

/// Whether the condition held: where it does not, there is nothing to do.
pub(crate) async fn unless_refused(what: &'static str, update: UpdateItemFluentBuilder) -> Result<bool, Fault> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
            Ok(false)
        }
        Err(error) => Err(fault(what, &error)),
    }
}
