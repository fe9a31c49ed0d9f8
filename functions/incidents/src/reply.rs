//! Incidents as their readers see them.

use palisade_core::incident::record::{Entry, Text, Told};
use palisade_core::incident::{Incident, IncidentKind, IncidentSeverity, IncidentStatus};
use palisade_flows::incidents::{Listing, blocked, containments, network};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct ListReply<'a> {
    incidents: Vec<SummaryReply<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct SummaryReply<'a> {
    id: &'a str,
    r#type: IncidentKind,
    severity: IncidentSeverity,
    status: IncidentStatus,
    subject: &'a str,
    created_at: String,
    updated_at: String,
    version: u64,
}

#[derive(Serialize)]
pub(crate) struct IncidentReply<'a> {
    #[serde(flatten)]
    summary: SummaryReply<'a>,
    reason: &'a str,
    ip: &'a str,
    occurrences: u64,
    last_occurred_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    timeline: Vec<EntryReply<'a>>,
    timeline_cut: u64,
    delivered: Told,
    actions: Vec<&'static str>,
    containments: Vec<&'static str>,
    /// What blocking the address blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// What letting it in again lets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_network: Option<String>,
}

#[derive(Serialize)]
struct EntryReply<'a> {
    at: String,
    by: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

pub(crate) fn list(listing: &Listing) -> ListReply<'_> {
    let incidents = listing.incidents.iter().map(|summary| SummaryReply {
        id: summary.id.as_str(),
        r#type: summary.kind,
        severity: summary.severity,
        status: summary.status,
        subject: &summary.subject,
        created_at: summary.created_at.to_string(),
        updated_at: summary.updated_at.to_string(),
        version: summary.version,
    });
    ListReply { incidents: incidents.collect(), cursor: listing.cursor.as_deref() }
}

pub(crate) fn incident(incident: &Incident) -> IncidentReply<'_> {
    let resolution = incident.resolution.as_ref();
    IncidentReply {
        summary: SummaryReply {
            id: incident.id.as_str(),
            r#type: incident.kind,
            severity: incident.severity,
            status: incident.status,
            subject: &incident.subject,
            created_at: incident.created_at.to_string(),
            updated_at: incident.updated_at.to_string(),
            version: incident.version,
        },
        reason: &incident.reason,
        ip: &incident.ip,
        occurrences: incident.occurrences,
        last_occurred_at: incident.last_occurred_at.to_string(),
        assigned_to: incident.assigned_to.as_ref().map(Text::as_str),
        resolution: resolution.map(|resolution| resolution.text.as_str()),
        resolved_by: resolution.map(|resolution| resolution.by.as_str()),
        resolved_at: resolution.map(|resolution| resolution.at.to_string()),
        timeline: incident.timeline.iter().map(entry).collect(),
        timeline_cut: incident.timeline_cut,
        delivered: incident.told,
        actions: incident.legal_actions(),
        containments: containments(incident),
        network: network(incident).map(|network| network.to_string()),
        blocked_network: blocked(incident).map(|network| network.to_string()),
    }
}

fn entry(entry: &Entry) -> EntryReply<'_> {
    EntryReply { at: entry.at.to_string(), by: &entry.by, action: &entry.action, text: entry.text.as_ref().map(Text::as_str) }
}
