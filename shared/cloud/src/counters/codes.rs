//! The codes of sign-ins to a user pool: one at a time for an account, with its tries, whatever the session.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure, Update};
use palisade_core::cognito::challenge::{LIFETIME, TRIES, USED_GRACE};
use palisade_core::notice::NoticeId;
use palisade_core::{AccountKey, Fault, Timestamp};
use std::time::Duration;

use super::Counters;
use crate::call::fault;
use crate::item::{millis, n, number, owned, s, text, time, ttl};
use crate::transact::Write;

/// The code of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeItem {
    /// Which notice it came with.
    pub notice_id: NoticeId,
    /// When the right code was last given, and through which client of the pool.
    pub given: Option<(Timestamp, String)>,
}

/// One answer to a code.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// Whose code.
    pub account: &'a AccountKey,
    /// Which notice it came with.
    pub notice: &'a NoticeId,
    /// The challenge that it answers: a right code is right again for this one alone.
    pub challenge: &'a str,
    /// Through which client of the pool.
    pub client: &'a str,
    /// When.
    pub now: Timestamp,
}

/// How long an item is kept: well over what is ever asked of it.
const REMEMBERED: Duration = Duration::from_hours(1);

impl Counters {
    /// Makes `notice` carry the account's code, unless there is one that still holds and was not given.
    pub fn new_code(&self, account: &AccountKey, notice: &NoticeId, now: Timestamp) -> Result<Write, Fault> {
        let update = Update::builder().table_name(&self.0.name).key("counter", s(key(account)));
        let update = update
            .update_expression("SET notice_id = :notice, ends_at = :ends_at, tries = :none, expires_at = :ttl")
            .condition_expression("attribute_not_exists(ends_at) OR ends_at <= :now OR given = notice_id")
            .expression_attribute_values(":notice", s(notice.as_str()))
            .expression_attribute_values(":ends_at", millis(now.plus(LIFETIME)))
            .expression_attribute_values(":none", n(0))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":ttl", ttl(now.plus(REMEMBERED)));
        Write::update(update)
    }

    /// The account's code, by a strongly consistent read, whether or not it still holds.
    pub async fn code(&self, account: &AccountKey) -> Result<Option<CodeItem>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(key(account))).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of counters", &error))?;
        Ok(reply.item.as_ref().and_then(|item| {
            let given = time(item, "given_at").zip(owned(item, "given_through"));
            Some(CodeItem { notice_id: NoticeId::parse(text(item, "notice_id")?)?, given })
        }))
    }

    /// Takes one of the tries of the code that came with the notice: which one it was, counted from one; `None` when none is left, or the code
    /// no longer holds. One that was given is still given to the challenge that it answered, for a while, whatever the tries.
    pub async fn try_code(&self, answer: Answering<'_>) -> Result<Option<u64>, Fault> {
        let update = self
            .answered(answer)
            .update_expression("ADD tries :one")
            .condition_expression(
                "notice_id = :notice AND ends_at > :now AND ((tries < :most AND (attribute_not_exists(given) OR given <> :notice)) \
                 OR (given = :notice AND given_to = :challenge))",
            )
            .expression_attribute_values(":challenge", s(answer.challenge))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":most", n(TRIES))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(reply) => Ok(reply.attributes.as_ref().and_then(|item| number(item, "tries"))),
            Err(SdkError::ServiceError(error)) if is_condition(error.err()) => Ok(None),
            Err(error) => Err(fault("write of counters", &error)),
        }
    }

    /// Uses up the code that came with the notice, for the challenge that it answers: it is over shortly, for good. Whether it is that
    /// challenge's: not when it was given to another one meanwhile.
    pub async fn code_given(&self, answer: Answering<'_>) -> Result<bool, Fault> {
        let update = self
            .answered(answer)
            .update_expression(
                "SET ends_at = :ends_at, given_at = :now, given = :notice, given_to = :challenge, given_through = :client",
            )
            .condition_expression("notice_id = :notice AND (attribute_not_exists(given) OR given <> :notice)")
            .expression_attribute_values(":ends_at", millis(answer.now.plus(USED_GRACE)))
            .expression_attribute_values(":challenge", s(answer.challenge))
            .expression_attribute_values(":client", s(answer.client))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) => match error.err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    let given_to = failed.item().and_then(|item| text(item, "given_to"));
                    Ok(given_to == Some(answer.challenge))
                }
                _ => Err(fault("write of counters", &SdkError::ServiceError(error))),
            },
            Err(error) => Err(fault("write of counters", &error)),
        }
    }

    fn answered(&self, answer: Answering<'_>) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(key(answer.account)));
        update
            .expression_attribute_values(":notice", s(answer.notice.as_str()))
            .expression_attribute_values(":now", millis(answer.now))
    }
}

fn is_condition(error: &UpdateItemError) -> bool {
    matches!(error, UpdateItemError::ConditionalCheckFailedException(_))
}

fn key(account: &AccountKey) -> String {
    format!("account#{}#code", account.as_str())
}
