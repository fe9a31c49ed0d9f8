//! `palisade incidents`: what the incidents' routes do, from a terminal, and what only operators do.

use std::fmt::Write as _;
use std::time::Duration;

use palisade_cloud::incidents::Found;
use palisade_cloud::notices::NoticeChannel;
use palisade_core::Fault;
use palisade_core::incident::record::{Action, Text};
use palisade_core::incident::{Incident, IncidentId};
use palisade_flows::incidents::{Filter, change, page};
use serde_json::json;

use crate::operator::Operator;
use crate::table::Table;

pub(crate) async fn list(operator: &Operator, filter: &Filter, most: usize) -> Result<String, String> {
    let mut table = Table::new(["opened", "severity", "type", "status", "subject", "id"]);
    let (mut before, mut listed) = (None, 0);
    while listed < most {
        let (found, next) =
            page(&operator.incidents, filter, before.as_ref(), operator.now()).await.map_err(|fault| fault.chain())?;
        for summary in found.into_iter().take(most - listed) {
            listed += 1;
            let words = [summary.severity.as_str(), summary.kind.as_str(), summary.status.as_str()].map(str::to_owned);
            let [severity, kind, status] = words;
            let (opened, id) = (summary.created_at.to_string(), summary.id.as_str().to_owned());
            table.row([opened, severity, kind, status, summary.subject, id]);
        }
        before = next;
        if before.is_none() {
            break;
        }
    }
    Ok(if listed == 0 { "there are no such incidents".to_owned() } else { table.to_string() })
}

pub(crate) async fn show(operator: &Operator, id: &IncidentId) -> Result<String, String> {
    let incident = find(operator, id).await?;
    let facts = [
        ("id", incident.id.as_str().to_owned()),
        ("type", incident.kind.as_str().to_owned()),
        ("severity", incident.severity.as_str().to_owned()),
        ("status", incident.status.as_str().to_owned()),
        ("subject", incident.subject.clone()),
        ("reason", incident.reason.clone()),
        ("address", incident.ip.clone()),
        ("occurrences", incident.occurrences.to_string()),
        ("first", incident.created_at.to_string()),
        ("last", incident.last_occurred_at.to_string()),
        ("assigned to", incident.assigned_to.as_ref().map_or("nobody", Text::as_str).to_owned()),
        ("told", format!("topic {}, webhook {}", incident.told.alerts, incident.told.webhook)),
    ];
    let mut table = Table::new(["", ""]);
    for (name, value) in facts {
        table.row([name.to_owned(), value]);
    }
    let mut timeline = Table::new(["at", "by", "action", "text"]);
    for entry in incident.timeline {
        let text = entry.text.as_ref().map_or("", Text::as_str).replace(['\n', '\t'], " ");
        timeline.row([entry.at.to_string(), entry.by, entry.action, text]);
    }
    let mut shown = table.to_string();
    // Writing to a string never fails.
    let _ = write!(shown, "\n\n{timeline}");
    Ok(shown.trim_start().to_owned())
}

pub(crate) async fn act(operator: &Operator, id: &IncidentId, action: Action) -> Result<String, String> {
    let incident = find(operator, id).await?;
    let by = format!("operator {}", operator.name);
    match change(&operator.incidents, &incident, &action, &by, operator.now()).await.map_err(|fault| fault.chain())? {
        Ok(incident) => Ok(format!("{} is {}", id.as_str(), incident.status.as_str())),
        Err(palisade_core::Denial::StaleVersion) => Err("somebody else changed it at that moment; try again".to_owned()),
        Err(_) => Err(format!("an incident that is {} is not where this begins", incident.status.as_str())),
    }
}

async fn find(operator: &Operator, id: &IncidentId) -> Result<Incident, String> {
    match operator.incidents.get(id, operator.now()).await.map_err(|fault| fault.chain())? {
        Found::Incident(incident) => Ok(*incident),
        Found::Nothing => Err("there is no such incident".to_owned()),
        Found::Corrupt => Err("the incident's item cannot be read".to_owned()),
    }
}

/// Everything goes the way it went the first time, so that nothing that was marked is sent again.
pub(crate) async fn redrive(operator: &Operator, since: Duration, mail: bool) -> Result<String, String> {
    if mail && !operator.has_mail {
        return Err("nothing is mailed without PALISADE_MAIL_FROM; set it as notice-mailer has it".to_owned());
    }
    let now = operator.now();
    let told = |fault: Fault| fault.chain();
    let (mut incidents, mut notices) = (0, 0);
    for id in operator.incidents.untold(operator.has_webhook, now.minus(since)).await.map_err(told)? {
        incidents += usize::from(operator.incidents.redrive(&id, now).await.map_err(told)?);
    }
    let unpublished = operator.notices.untold(NoticeChannel::Topic, now).await.map_err(told)?;
    let unmailed = if mail { operator.notices.untold(NoticeChannel::Mail, now).await.map_err(told)? } else { Vec::new() };
    for id in &unpublished {
        notices += usize::from(operator.notices.redrive(id, false, now).await.map_err(told)?);
    }
    for id in unmailed.iter().filter(|id| !unpublished.contains(id)) {
        notices += usize::from(operator.notices.redrive(id, true, now).await.map_err(told)?);
    }
    let aside = operator.counters.all_set_aside().await.map_err(told)?.len();
    Ok(format!("{incidents} incidents and {notices} notices are on the stream once more; {aside} records are set aside"))
}

pub(crate) async fn set_aside(operator: &Operator) -> Result<String, String> {
    let records = operator.counters.all_set_aside().await.map_err(|fault| fault.chain())?;
    let lines: Vec<String> = records
        .into_iter()
        .map(|record| {
            let (at, table, number) = (record.at.to_string(), record.table, record.sequence_number);
            json!({ "at": at, "table": table, "sequence_number": number, "content": record.content }).to_string()
        })
        .collect();
    Ok(if lines.is_empty() { "nothing is set aside".to_owned() } else { lines.join("\n") })
}
