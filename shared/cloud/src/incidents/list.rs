//! Listings of incidents, newest first: one query per pair of status and severity, or one per kind.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use palisade_core::incident::{IncidentId, IncidentKind, IncidentSeverity, IncidentStatus, milestone};
use palisade_core::{Fault, Timestamp};

use super::{Incidents, KEY, item};
use crate::call::fault;
use crate::delivery::unless_refused;
use crate::item::{Item, millis, number, owned, s, text, time};

/// How many pages one query reads at most: what is left comes with the next cursor.
const MOST_PAGES: usize = 4;

/// How many incidents a page of a filtered query looks at: some 400 KB of them.
const FILTERED_PAGE: usize = 1_000;

/// Where an incident stands among all, newest last: its first occurrence in milliseconds, and its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// Of the incident `id`, opened at `at`.
    pub fn of(at: Timestamp, id: &IncidentId) -> Self {
        Self(format!("{:015}#{}", at.millis().max(0), id.as_str()))
    }

    /// `None` for what no incident has.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('#')?;
        let is_one = at.len() == 15 && at.bytes().all(|byte| byte.is_ascii_digit()) && IncidentId::parse(id).is_some();
        is_one.then(|| Self(text.to_owned()))
    }

    /// Its text; texts compare as places do.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One partition of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// Those that stand so and are so bad.
    StatusAndSeverity(IncidentStatus, IncidentSeverity),
    /// Those of a kind that stand so; an empty list means however they stand.
    Kind(IncidentKind, &'a [IncidentStatus]),
}

/// An incident in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its place.
    pub place: Place,
    /// Its id.
    pub id: IncidentId,
    /// What.
    pub kind: IncidentKind,
    /// How bad.
    pub severity: IncidentSeverity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// Of whom or what.
    pub subject: String,
    /// When first.
    pub created_at: Timestamp,
    /// When somebody last did something with it.
    pub updated_at: Timestamp,
    /// How often somebody did.
    pub version: u64,
}

/// What a query came to.
#[derive(Debug)]
pub struct Summaries {
    /// Newest first.
    pub found: Vec<Summary>,
    /// How far it looked, where there may be more.
    pub reached: Option<Place>,
}

impl Incidents {
    /// At least `wanted` incidents of `which` that are older than `before`, unless there are fewer or too many pages between them.
    pub async fn list(&self, which: Which<'_>, before: Option<&Place>, wanted: usize, now: Timestamp) -> Result<Summaries, Fault> {
        let (index, attribute, partition) = match which {
            Which::StatusAndSeverity(status, severity) => {
                ("by_status_severity", "status_severity", item::status_severity(status, severity))
            }
            Which::Kind(kind, _) => ("by_type", "type", kind.as_str().to_owned()),
        };
        let statuses = if let Which::Kind(_, statuses) = which { statuses } else { &[] };
        let mut values: HashMap<String, AttributeValue> = [(":of".to_owned(), s(partition))].into();
        values.extend(statuses.iter().map(|status| (format!(":{}", status.as_str()), s(status.as_str()))));
        let words: Vec<String> = statuses.iter().map(|status| format!(":{}", status.as_str())).collect();
        // What a filter leaves out is read all the same.
        let looked_at = if words.is_empty() { wanted } else { FILTERED_PAGE };
        values.extend(before.map(|before| (":before".to_owned(), s(before.as_str()))));
        let older = if before.is_some() { " AND listed_at < :before" } else { "" };
        let (mut found, mut from, mut reached) = (Vec::new(), None, None);
        for _ in 0..MOST_PAGES {
            let query = self.0.client.query().table_name(&self.0.name).index_name(index).scan_index_forward(false);
            let query = query
                .key_condition_expression(format!("#of = :of{older}"))
                .expression_attribute_names("#of", attribute)
                .set_expression_attribute_values(Some(values.clone()))
                .limit(i32::try_from(looked_at).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from);
            let query = if words.is_empty() {
                query
            } else {
                query
                    .filter_expression(format!("#status IN ({})", words.join(", ")))
                    .expression_attribute_names("#status", "status")
            };
            let reply = query.send().await.map_err(|error| fault("query of incidents", &error))?;
            found.extend(reply.items().iter().filter_map(|item| summary(item, now)));
            from = reply.last_evaluated_key;
            reached = from.as_ref().and_then(|key| text(key, "listed_at")).map(|at| Place(at.to_owned()));
            if from.is_none() || found.len() >= wanted {
                break;
            }
        }
        Ok(Summaries { found, reached })
    }

    /// The ids of incidents since `since` that are not closed and were not told of as far as they went, by a scan: for operators, not for
    /// requests.
    pub async fn untold(&self, webhook: bool, since: Timestamp) -> Result<Vec<IncidentId>, Fault> {
        let (mut untold, mut from) = (Vec::new(), None);
        loop {
            let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true).set_exclusive_start_key(from);
            let scan = scan
                .projection_expression("incident_id, occurrences, told_alerts, told_webhook")
                .filter_expression("last_occurred_at >= :since AND #status IN (:open, :investigating)")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":since", millis(since))
                .expression_attribute_values(":open", s(IncidentStatus::Open.as_str()))
                .expression_attribute_values(":investigating", s(IncidentStatus::Investigating.as_str()));
            let reply = scan.send().await.map_err(|error| fault("scan of incidents", &error))?;
            untold.extend(reply.items().iter().filter_map(|item| {
                let due = milestone(number(item, "occurrences")?)?;
                let is_behind = |told: &str| number(item, told).unwrap_or(0_u64) < due;
                let is_untold = is_behind("told_alerts") || (webhook && is_behind("told_webhook"));
                is_untold.then(|| text(item, KEY).and_then(IncidentId::parse)).flatten()
            }));
            from = reply.last_evaluated_key;
            if from.is_none() {
                return Ok(untold);
            }
        }
    }

    /// Puts `id` on the stream once more; whether it is still there.
    pub async fn redrive(&self, id: &IncidentId, now: Timestamp) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key(KEY, s(id.as_str()));
        let update = update
            .update_expression("SET redriven_at = :now")
            .condition_expression("attribute_exists(incident_id)")
            .expression_attribute_values(":now", millis(now));
        unless_refused("write of incidents", update).await
    }
}

fn summary(item: &Item, now: Timestamp) -> Option<Summary> {
    if number(item, "expires_at").is_some_and(|at| Timestamp::from_seconds(at) <= now) {
        return None;
    }
    Some(Summary {
        place: Place::parse(text(item, "listed_at")?)?,
        id: IncidentId::parse(text(item, KEY)?)?,
        kind: IncidentKind::parse(text(item, "type")?)?,
        severity: IncidentSeverity::parse(text(item, "severity")?)?,
        status: IncidentStatus::parse(text(item, "status")?)?,
        subject: owned(item, "subject")?,
        created_at: time(item, "created_at")?,
        updated_at: time(item, "updated_at")?,
        version: number(item, "version")?,
    })
}
