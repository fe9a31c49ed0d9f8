//! How many sign-ups to a user pool there were: of all in an hour, of one mailbox in a day.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::ReturnValue;
use palisade_core::throttle::CLOCK_SKEW;
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{n, number, s, ttl};

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub enum SignUpsOf<'a> {
    /// Everybody's, in an hour.
    All,
    /// Those with the mailbox of this key, in a day.
    Mailbox(&'a AccountKey),
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Counters {
    /// Counts one sign-up at `now`: how many there are with it.
    pub async fn count_sign_up(&self, of: SignUpsOf<'_>, now: Timestamp) -> Result<u64, Fault> {
        let (name, span) = match of {
            SignUpsOf::All => ("pool_sign_ups".to_owned(), HOUR),
            SignUpsOf::Mailbox(key) => (format!("mailbox#{}", key.as_str()), DAY),
        };
        let window = now.seconds().div_euclid(i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(format!("{name}#{window}")));
        let update = update
            .update_expression("SET expires_at = :ttl ADD sign_ups :one")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":ttl", ttl(now.plus(span).plus(CLOCK_SKEW)))
            .return_values(ReturnValue::UpdatedNew);
        match update.send().await {
            // What is no number counts as too many until the window ends.
            Ok(reply) => Ok(reply.attributes.as_ref().and_then(|item| number(item, "sign_ups")).unwrap_or(u64::MAX)),
            Err(SdkError::ServiceError(error)) if error.err().code() == Some("ValidationException") => Ok(u64::MAX),
            Err(error) => Err(fault("count in counters", &error)),
        }
    }
}
