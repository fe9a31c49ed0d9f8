//! Tells operators of one incident, on each channel by itself.

use palisade_cloud::Claim;
use palisade_cloud::counters::{Quota, SetAside};
use palisade_cloud::topics::{Message, Topic};
use palisade_core::alert::{self, AlertMessage, Channel, ONE_BY_ONE, SummaryMessage, Tell};
use palisade_core::event::{Event, EventKind};
use palisade_core::incident::{Incident, IncidentId, IncidentKind, milestone};
use palisade_core::settings::Table;
use palisade_core::{Fault, Timestamp};
use serde::Serialize;

use super::batch::{Channels, Health};
use super::{Deps, set_aside};

/// Tells of the incident on every channel that was not told of `due` yet: what failed, and what there is to log.
pub(super) async fn tell(
    deps: &Deps,
    channels: &Channels,
    (id, due, told): (&IncidentId, u64, (u64, u64)),
    now: Timestamp,
) -> (Vec<Fault>, Vec<Event>) {
    let alerts =
        async { if told.0 >= due { Ok(None) } else { tell_on(deps, (Channel::Alerts, &channels.alerts), id, due, now).await } };
    let webhook = async {
        let is_due = deps.webhook.is_some() && told.1 < due;
        if is_due { tell_on(deps, (Channel::Webhook, &channels.webhook), id, due, now).await } else { Ok(None) }
    };
    let (alerts, webhook) = tokio::join!(alerts, webhook);
    let (mut faults, mut events) = (Vec::new(), Vec::new());
    for done in [alerts, webhook] {
        match done {
            Ok(event) => events.extend(event),
            Err(fault) => faults.push(fault),
        }
    }
    (faults, events)
}

async fn tell_on(
    deps: &Deps,
    (channel, health): (Channel, &Health),
    id: &IncidentId,
    due: u64,
    now: Timestamp,
) -> Result<Option<Event>, Fault> {
    health.check()?;
    let nonce = deps.nonce();
    let incident = match deps.incidents.claim((id, channel), due, &nonce, now).await? {
        Claim::Ours(incident) => incident,
        Claim::Told | Claim::Gone => return Ok(None),
        Claim::Held => return Err(Fault::unavailable("message", "somebody else is sending it, or was cut off while at it")),
        Claim::Unreadable => {
            // The item itself stays where it is.
            let record = SetAside {
                at: now,
                table: Table::Incidents.as_str().to_owned(),
                sequence_number: String::new(),
                content: id.as_str().to_owned(),
            };
            return set_aside(deps, record).await.map(Some);
        }
    };
    let milestone = milestone(incident.occurrences).unwrap_or(due);
    let sent = send(deps, channel, &incident, milestone, now).await;
    health.note(&sent);
    match sent {
        Ok(event) => {
            deps.incidents.told((id, channel), milestone).await?;
            Ok(event)
        }
        Err(fault) => {
            deps.incidents.release((id, channel), &nonce).await?;
            Err(fault)
        }
    }
}

/// Sends the message of `incident`, or the summary that stands for it, or nothing where one does already.
async fn send(deps: &Deps, channel: Channel, incident: &Incident, milestone: u64, now: Timestamp) -> Result<Option<Event>, Fault> {
    let quota = Quota::of_kind(incident.kind, channel, ONE_BY_ONE, now);
    let is_among_first = deps.counters.take_part(&quota, incident.id.as_str()).await?;
    let held_back = if is_among_first { None } else { Some(deps.counters.hold_back(&quota).await?) };
    match alert::tell(held_back.map(|held_back| held_back.count), held_back.map_or(0, |held_back| held_back.told)) {
        Tell::Nothing => Ok(None),
        Tell::Summary(held_back) => sum_up(deps, channel, (incident.kind, &quota), held_back, now).await,
        Tell::Itself => {
            let message = AlertMessage::of(incident, milestone, deps.messages.base_url.as_deref());
            let mail = (message.subject_line(), message.text());
            publish(deps, channel, (incident.kind, &message.id, &message), mail, now).await?;
            Ok(Some(sent(channel, &message.id)))
        }
    }
}

/// Sends that `held_back` messages were, unless somebody else does.
async fn sum_up(
    deps: &Deps,
    channel: Channel,
    (kind, quota): (IncidentKind, &Quota),
    held_back: u64,
    now: Timestamp,
) -> Result<Option<Event>, Fault> {
    let (nonce, due) = (deps.nonce(), alert::power_of_ten(held_back));
    if !deps.counters.sum_up(quota, due, &nonce, now).await? {
        return Ok(None);
    }
    let message = SummaryMessage::of(kind, held_back, now, deps.messages.base_url.as_deref());
    let mail = (message.subject_line(), message.text());
    if let Err(fault) = publish(deps, channel, (kind, &message.id, &message), mail, now).await {
        deps.counters.not_summed_up(quota, &nonce).await?;
        return Err(fault);
    }
    deps.counters.summed_up(quota, due).await?;
    Ok(Some(sent(channel, &message.id)))
}

fn sent(channel: Channel, id: &str) -> Event {
    Event::new(EventKind::AlertSent).reason(format!("{} {id}", channel.as_str()))
}

async fn publish<T: Serialize>(
    deps: &Deps,
    channel: Channel,
    (kind, id, message): (IncidentKind, &str, &T),
    (subject, text): (String, String),
    now: Timestamp,
) -> Result<(), Fault> {
    let body = serde_json::to_string(message).map_err(|_| Fault::internal("a message cannot be written"))?;
    match (channel, &deps.webhook) {
        (Channel::Webhook, Some(webhook)) => webhook.post(id, body, now).await,
        (Channel::Webhook, None) => Ok(()),
        (Channel::Alerts, _) => {
            let attributes = [("severity", kind.severity().as_str()), ("type", kind.as_str()), ("id", id)];
            let message = Message { body: &body, attributes: &attributes, mail: Some((&subject, &text)) };
            deps.topics.publish(Topic::Alerts, message).await
        }
    }
}
