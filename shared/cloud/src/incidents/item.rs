//! The record of an incident as an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use palisade_core::incident::record::{Entry, Incident, Resolution, Text, Told};
use palisade_core::incident::{IncidentId, IncidentKind, IncidentSeverity, IncidentStatus};
use palisade_core::{AccountKey, Timestamp};

use crate::item::{Item, millis, n, number, owned, s, text, time, ttl};

/// `None` for an item that is none.
pub(super) fn decode(item: &Item) -> Option<Incident> {
    Some(Incident {
        id: IncidentId::parse(text(item, "incident_id")?)?,
        kind: IncidentKind::parse(text(item, "type")?)?,
        severity: IncidentSeverity::parse(text(item, "severity")?)?,
        subject: owned(item, "subject")?,
        account_key: text(item, "account_key").and_then(AccountKey::parse),
        reason: owned(item, "reason")?,
        ip: owned(item, "ip")?,
        status: IncidentStatus::parse(text(item, "status")?)?,
        occurrences: number(item, "occurrences")?,
        created_at: time(item, "created_at")?,
        last_occurred_at: time(item, "last_occurred_at")?,
        updated_at: time(item, "updated_at")?,
        version: number(item, "version")?,
        assigned_to: text(item, "assigned_to").and_then(Text::new),
        resolution: resolution(item),
        timeline: timeline(item),
        timeline_cut: number(item, "timeline_cut").unwrap_or(0),
        told: Told { alerts: number(item, "told_alerts").unwrap_or(0), webhook: number(item, "told_webhook").unwrap_or(0) },
        expires_at: number(item, "expires_at").map(Timestamp::from_seconds),
    })
}

fn resolution(item: &Item) -> Option<Resolution> {
    Some(Resolution {
        text: text(item, "resolution").and_then(Text::new)?,
        by: owned(item, "resolved_by")?,
        at: time(item, "resolved_at")?,
    })
}

fn timeline(item: &Item) -> Vec<Entry> {
    let entries = item.get("timeline").and_then(|entries| entries.as_l().ok());
    let entries = entries.into_iter().flatten().filter_map(|entry| entry.as_m().ok());
    entries
        .filter_map(|entry| {
            let (by, action) = (owned(entry, "by")?, owned(entry, "action")?);
            Some(Entry { at: time(entry, "at")?, by, action, text: text(entry, "text").and_then(Text::new) })
        })
        .collect()
}

fn entry(entry: &Entry) -> AttributeValue {
    let fields = [("at", millis(entry.at)), ("by", s(&entry.by)), ("action", s(&entry.action))];
    let text = entry.text.as_ref().map(|text| ("text", s(text.as_str())));
    AttributeValue::M(fields.into_iter().chain(text).map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What an attribute is called in the expression, its own name, and its value; `None` takes it away.
fn changed(to: &Incident) -> [(&'static str, Option<AttributeValue>); 11] {
    let resolution = to.resolution.as_ref();
    [
        ("status", Some(s(to.status.as_str()))),
        ("status_severity", Some(s(status_severity(to.status, to.severity)))),
        ("version", Some(n(to.version))),
        ("updated_at", Some(millis(to.updated_at))),
        ("timeline", Some(AttributeValue::L(to.timeline.iter().map(entry).collect()))),
        ("timeline_cut", Some(n(to.timeline_cut))),
        ("assigned_to", to.assigned_to.as_ref().map(|text| s(text.as_str()))),
        ("resolution", resolution.map(|resolution| s(resolution.text.as_str()))),
        ("resolved_by", resolution.map(|resolution| s(&resolution.by))),
        ("resolved_at", resolution.map(|resolution| millis(resolution.at))),
        ("expires_at", to.expires_at.map(ttl)),
    ]
}

/// The partition of the index of open, investigated and closed incidents.
pub(super) fn status_severity(status: IncidentStatus, severity: IncidentSeverity) -> String {
    format!("{}#{}", status.as_str(), severity.as_str())
}

pub(super) fn save_expression(to: &Incident) -> String {
    let (set, gone): (Vec<_>, Vec<_>) = changed(to).into_iter().partition(|(_, value)| value.is_some());
    let set: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    let gone: Vec<String> = gone.iter().map(|(name, _)| format!("#{name}")).collect();
    let remove = if gone.is_empty() { String::new() } else { format!(" REMOVE {}", gone.join(", ")) };
    format!("SET {}{remove}", set.join(", "))
}

pub(super) fn save_names(to: &Incident) -> HashMap<String, String> {
    changed(to).into_iter().map(|(name, _)| (format!("#{name}"), name.to_owned())).collect()
}

pub(super) fn save_values(from: &Incident, to: &Incident) -> HashMap<String, AttributeValue> {
    let values = changed(to).into_iter().filter_map(|(name, value)| Some((format!(":{name}"), value?)));
    values.chain([(":from".to_owned(), n(from.version))]).collect()
}
