//! Tells operators of one incident, on each channel by itself.

use palisade_cloud::counters::{Quota, SetAside};
use palisade_cloud::topics::{Message, Topic};
use palisade_cloud::{Claim, Webhook};
use palisade_core::alert::{self, AlertMessage, Channel, ONE_BY_ONE, SummaryMessage, Tell};
use palisade_core::event::{Event, EventKind};
use palisade_core::incident::{Incident, IncidentId, IncidentKind, milestone, record};
use palisade_core::settings::Table;
use palisade_core::{Fault, Timestamp};
use serde::Serialize;

use super::batch::{Channels, Health};
use super::{Deps, Told, Undone, set_aside};

/// An incident that reached a milestone.
pub(super) struct Due<'a> {
    pub(super) id: &'a IncidentId,
    pub(super) milestone: u64,
    pub(super) told: record::Told,
}

/// Where a message goes.
#[derive(Clone, Copy)]
enum To<'a> {
    Topic,
    Webhook(&'a Webhook),
}

impl To<'_> {
    fn channel(self) -> Channel {
        match self {
            Self::Topic => Channel::Alerts,
            Self::Webhook(_) => Channel::Webhook,
        }
    }
}

/// Tells of the incident on every channel that was not told of its milestone yet.
pub(super) async fn tell(deps: &Deps, channels: &Channels, due: &Due<'_>, now: Timestamp) -> [Told; 2] {
    let alerts = async {
        if due.told.alerts >= due.milestone { Ok(None) } else { tell_on(deps, (To::Topic, &channels.alerts), due, now).await }
    };
    let webhook = async {
        match &deps.webhook {
            Some(webhook) if due.told.webhook < due.milestone => {
                tell_on(deps, (To::Webhook(webhook), &channels.webhook), due, now).await
            }
            _ => Ok(None),
        }
    };
    tokio::join!(alerts, webhook).into()
}

async fn tell_on(deps: &Deps, (to, health): (To<'_>, &Health), due: &Due<'_>, now: Timestamp) -> Told {
    health.check()?;
    let (nonce, marks) = (deps.nonce(), (due.id, to.channel()));
    let incident = match deps.incidents.claim(marks, due.milestone, deps.terms(&nonce)).await? {
        Claim::Ours(incident) => incident,
        Claim::Told | Claim::Gone => return Ok(None),
        Claim::Held => return Err(Undone::Later),
        // The item itself stays where it is.
        Claim::Unreadable => return set_aside(deps, SetAside::item(Table::Incidents, due.id.as_str(), now)).await,
    };
    let milestone = milestone(incident.occurrences).unwrap_or(due.milestone);
    match send(deps, (to, health), &incident, milestone, now).await {
        Ok(event) => {
            deps.incidents.told(marks, milestone, &nonce).await?;
            Ok(event)
        }
        Err(undone) => {
            // What failed is the message; a claim that cannot be given back runs out.
            drop(deps.incidents.release(marks, &nonce).await);
            Err(undone)
        }
    }
}

/// Sends the message of `incident`, or the summary that stands for it, or nothing where one was sent already.
async fn send(deps: &Deps, (to, health): (To<'_>, &Health), incident: &Incident, milestone: u64, now: Timestamp) -> Told {
    let window = alert::window(incident.created_at);
    let quota = Quota::of_kind(incident.kind, to.channel(), (window, ONE_BY_ONE), now);
    let is_among_first = deps.counters.take_part(&quota, incident.id.as_str()).await?;
    let held_back = if is_among_first { None } else { Some(deps.counters.hold_back(&quota).await?) };
    let base_url = deps.messages.base_url.as_deref();
    match alert::tell(held_back.map(|held_back| held_back.count), held_back.map_or(0, |held_back| held_back.told)) {
        Tell::Nothing => Ok(None),
        Tell::Itself => {
            let message = AlertMessage::of(incident, milestone, base_url);
            let mail = (message.subject_line(), message.text());
            let sent = publish(deps, to, &Outgoing::new(&message.id, incident.kind, &message, mail)?, now).await;
            health.note(&sent);
            sent?;
            Ok(Some(event(to, &message.id)))
        }
        Tell::Summary(held_back) => {
            let message = SummaryMessage::of(incident.kind, (held_back, window), now, base_url);
            sum_up(deps, (to, health), (&quota, &message), now).await
        }
    }
}

/// Sends a summary, unless it was sent. While somebody else does, nobody knows whether it will be: what it stands for comes again.
async fn sum_up(deps: &Deps, (to, health): (To<'_>, &Health), (quota, message): (&Quota, &SummaryMessage), now: Timestamp) -> Told {
    let (nonce, due) = (deps.nonce(), alert::power_of_ten(message.held_back));
    match deps.counters.sum_up(quota, due, deps.terms(&nonce)).await? {
        Claim::Ours(()) => {}
        Claim::Told => return Ok(None),
        Claim::Held | Claim::Gone | Claim::Unreadable => return Err(Undone::Later),
    }
    let mail = (message.subject_line(), message.text());
    let sent = publish(deps, to, &Outgoing::new(&message.id, message.r#type, message, mail)?, now).await;
    health.note(&sent);
    if let Err(fault) = sent {
        drop(deps.counters.not_summed_up(quota, &nonce).await);
        return Err(fault.into());
    }
    deps.counters.summed_up(quota, due, &nonce).await?;
    Ok(Some(event(to, &message.id)))
}

fn event(to: To<'_>, id: &str) -> Event {
    Event::new(EventKind::AlertSent).reason(format!("{} {id}", to.channel().as_str()))
}

/// A message as it goes out.
struct Outgoing<'a> {
    id: &'a str,
    kind: IncidentKind,
    body: String,
    /// Subject and text of a mail.
    mail: (String, String),
}

impl<'a> Outgoing<'a> {
    fn new(id: &'a str, kind: IncidentKind, message: &impl Serialize, mail: (String, String)) -> Result<Self, Fault> {
        let body = serde_json::to_string(message).map_err(|_| Fault::internal("a message cannot be written"))?;
        Ok(Self { id, kind, body, mail })
    }
}

async fn publish(deps: &Deps, to: To<'_>, message: &Outgoing<'_>, now: Timestamp) -> Result<(), Fault> {
    match to {
        To::Webhook(webhook) => webhook.post(message.id, message.body.clone(), now).await,
        To::Topic => {
            let kind = message.kind;
            let attributes = [("severity", kind.severity().as_str()), ("type", kind.as_str()), ("id", message.id)];
            let (subject, text) = &message.mail;
            let message = Message { body: &message.body, attributes: &attributes, mail: Some((subject, text)) };
            deps.topics.publish(Topic::Alerts, message).await
        }
    }
}
