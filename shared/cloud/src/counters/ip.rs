//! The window of one address: places are taken with one atomic addition, which also tells what the counts were.

use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use palisade_core::Fault;
use palisade_core::ip_window::{IpCounts, IpWindow, MAX_NAMES, Places};
use palisade_core::throttle::Stored;

use super::Counters;
use crate::call::fault;
use crate::item::{Item, n, s, stored, ttl};

const FAILURES: [&str; 4] = ["failures_0", "failures_1", "failures_2", "failures_3"];

impl Counters {
    /// Takes `places` in `window`, and one among all requests, and returns the counts with them. `name_tag` stands for the name that was
    /// tried, where the route has one. One write; a second one once the set of names is full and lacks this one. A counter that is no
    /// number counts as full.
    pub async fn take_places(&self, window: &IpWindow, places: Places, name_tag: Option<&str>) -> Result<IpCounts, Fault> {
        if let Some(name_tag) = name_tag {
            let named = self.addition(window, places, ", #names :tag");
            let named = named
                .condition_expression("attribute_not_exists(#names) OR size(#names) < :most OR contains(#names, :name)")
                .expression_attribute_names("#names", "names")
                .expression_attribute_values(":tag", AttributeValue::Ss(vec![name_tag.to_owned()]))
                .expression_attribute_values(":name", s(name_tag))
                .expression_attribute_values(":most", n(MAX_NAMES));
            match named.send().await {
                Ok(reply) => return Ok(counts(window, places, reply.attributes.as_ref(), Some(name_tag))),
                Err(SdkError::ServiceError(error)) if is_condition(error.err()) => {}
                Err(error) => return unreadable_or_fault(&error),
            }
        }
        match self.addition(window, places, "").send().await {
            Ok(reply) => Ok(counts(window, places, reply.attributes.as_ref(), None)),
            Err(error) => unreadable_or_fault(&error),
        }
    }

    /// Gives the failure's place back. Never repeated: a doubled refund would make the count too low, a lost one only too high.
    pub async fn refund_failure(&self, window: &IpWindow) -> Result<(), Fault> {
        let failures = FAILURES.get(window.quarter()).copied().unwrap_or_default();
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(window.counter()));
        let update = update
            .update_expression("ADD #failures :back")
            .condition_expression("#failures > :none")
            .expression_attribute_names("#failures", failures)
            .expression_attribute_values(":back", n(-1))
            .expression_attribute_values(":none", n(0));
        let once = Config::builder().retry_config(RetryConfig::disabled());
        match update.customize().config_override(once).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if is_condition(error.err()) => Ok(()),
            Err(error) => Err(fault("refund in counters", &error)),
        }
    }

    /// Marks in `window` that operators were told, so that they are told once.
    pub async fn mark_reported(&self, window: &IpWindow, marks: Vec<String>) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(window.counter()));
        let update = update
            .update_expression("SET expires_at = :ttl ADD reported :marks")
            .expression_attribute_values(":ttl", ttl(window.expires_at()))
            .expression_attribute_values(":marks", AttributeValue::Ss(marks));
        update.send().await.map(drop).map_err(|error| fault("mark in counters", &error))
    }

    fn addition(&self, window: &IpWindow, places: Places, and_names: &str) -> UpdateItemFluentBuilder {
        let failures = FAILURES.get(window.quarter()).copied().unwrap_or_default();
        let taken = [
            ("auth_requests", places.auth),
            ("logins", places.failure),
            ("breach_checks", places.breach_check),
            (failures, places.failure),
        ];
        let taken = taken.iter().filter(|(_, taken)| *taken).fold(String::new(), |all, (name, _)| all + ", " + name + " :one");
        let update = self.0.client.update_item().table_name(&self.0.name).key("counter", s(window.counter()));
        update
            .update_expression(format!("SET expires_at = :ttl ADD requests :one{taken}{and_names}"))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":ttl", ttl(window.expires_at()))
            .return_values(ReturnValue::AllOld)
    }
}

fn is_condition(error: &UpdateItemError) -> bool {
    matches!(error, UpdateItemError::ConditionalCheckFailedException(_))
}

/// A counter of another type makes the addition invalid: the address is treated as over its limits until the window ends.
fn unreadable_or_fault<R>(error: &SdkError<UpdateItemError, R>) -> Result<IpCounts, Fault> {
    if error.code() == Some("ValidationException") {
        return Ok(IpCounts::UNREADABLE);
    }
    Err(fault("count in counters", error))
}

/// The counts with this request's places, from the item before them.
pub(super) fn counts(window: &IpWindow, places: Places, before: Option<&Item>, name_tag: Option<&str>) -> IpCounts {
    let empty = Item::new();
    let before = before.unwrap_or(&empty);
    let with = |name: &str, taken: bool| count(before, name).saturating_add(u64::from(taken));
    let mut failures = FAILURES.map(|name| count(before, name));
    if let Some(quarter) = failures.get_mut(window.quarter()) {
        *quarter = quarter.saturating_add(u64::from(places.failure));
    }
    let no_names = Vec::new();
    let names = before.get("names").and_then(|names| names.as_ss().ok()).unwrap_or(&no_names);
    let is_new = name_tag.is_some_and(|tag| !names.iter().any(|known| known == tag));
    let distinct = names.len() + usize::from(is_new);
    IpCounts {
        requests: with("requests", places.request),
        auth_requests: with("auth_requests", places.auth),
        logins: with("logins", places.failure),
        breach_checks: with("breach_checks", places.breach_check),
        failures,
        names: distinct,
        names_filled: is_new && distinct == MAX_NAMES,
        reported: before.get("reported").and_then(|marks| marks.as_ss().ok()).cloned().unwrap_or_default(),
    }
}

fn count(item: &Item, name: &str) -> u64 {
    match stored(item, name) {
        Stored::Missing => 0,
        Stored::Number(number) => u64::try_from(number).unwrap_or(u64::MAX),
        Stored::Unreadable => u64::MAX,
    }
}
