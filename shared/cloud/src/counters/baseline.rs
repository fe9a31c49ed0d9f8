//! The last logins of an account: one set in one item, added to with one write that also tells what is in it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use palisade_core::baseline::{ADDRESSES_WITHIN, Baseline, Login, MOST_ENTRIES};
use palisade_core::throttle::CLOCK_SKEW;
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{Item, n, s, ttl};

impl Counters {
    /// Adds `login` to what is known of `account`, and returns it all. One write; a second one about every thirtieth time, when the set is
    /// full and is cut to what can still matter, and once for a set that is none.
    pub async fn note_login(&self, account: &AccountKey, login: &Login, now: Timestamp) -> Result<Baseline, Fault> {
        let set = AttributeValue::Ss(vec![login.encode()]);
        let added = self.baseline(account, now, "SET expires_at = :ttl ADD logins :logins", set);
        let added = added
            .condition_expression("attribute_not_exists(logins) OR size(logins) < :most")
            .expression_attribute_values(":most", n(MOST_ENTRIES))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let found = match added.send().await {
            Ok(reply) => return Ok(decode(reply.attributes.as_ref())),
            Err(SdkError::ServiceError(error)) => match error.err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => decode(failed.item()),
                _ if error.err().meta().code() == Some("ValidationException") => Baseline::default(),
                _ => return Err(fault("baseline in counters", &SdkError::ServiceError(error))),
            },
            Err(error) => return Err(fault("baseline in counters", &error)),
        };
        let cut = found.cut(login);
        let set = AttributeValue::Ss(cut.iter().map(Login::encode).collect());
        let cut_down = self.baseline(account, now, "SET expires_at = :ttl, logins = :logins", set);
        // Two that cut at once may each lose the other's login: one less to be unusual by.
        cut_down.send().await.map_err(|error| fault("baseline in counters", &error))?;
        Ok(cut)
    }

    fn baseline(&self, account: &AccountKey, now: Timestamp, change: &str, logins: AttributeValue) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(key(account)));
        update
            .update_expression(change)
            .expression_attribute_values(":logins", logins)
            .expression_attribute_values(":ttl", ttl(now.plus(ADDRESSES_WITHIN).plus(CLOCK_SKEW)))
    }
}

pub(super) fn key(account: &AccountKey) -> String {
    format!("account#{}#baseline", account.as_str())
}

/// Entries that are none are left out.
pub(super) fn decode(item: Option<&Item>) -> Baseline {
    let logins = item.and_then(|item| item.get("logins")?.as_ss().ok());
    logins.into_iter().flatten().filter_map(|login| Login::decode(login)).collect()
}
