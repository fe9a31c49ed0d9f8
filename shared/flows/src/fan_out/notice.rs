//! Publishes one notice to the users' topic. The token of a grant is made here, and stands nowhere else but in that message.

use palisade_cloud::Claim;
use palisade_cloud::counters::{Quota, SetAside};
use palisade_cloud::notices::NoticeChannel;
use palisade_cloud::topics::{Message, Topic};
use palisade_core::event::{Event, EventKind};
use palisade_core::notice::{Notice, NoticeId};
use palisade_core::secret::SecretText;
use palisade_core::settings::Table;
use palisade_core::{Fault, Subject, Timestamp};
use serde_json::json;
use zeroize::Zeroizing;

use super::batch::Channels;
use super::{Deps, Told, Undone, set_aside};

/// Publishes the notice `id`, unless its reader had their number of them for the day.
pub(super) async fn tell(deps: &Deps, channels: &Channels, id: &NoticeId, now: Timestamp) -> Told {
    channels.notices.check()?;
    let (nonce, marks) = (deps.nonce(), (id, NoticeChannel::Topic));
    let notice = match deps.notices.claim(marks, deps.terms(&nonce)).await? {
        Claim::Ours(notice) => notice,
        // Its grant may have been used meanwhile.
        Claim::Told | Claim::Gone => return Ok(None),
        Claim::Held => return Err(Undone::Later),
        Claim::Unreadable => return set_aside(deps, SetAside::item(Table::Notices, id.as_str(), now)).await,
    };
    if notice.void || notice.expires_at <= now {
        deps.notices.told(marks, &nonce).await?;
        return Ok(None);
    }
    if let Some((class, most)) = notice.most_a_day() {
        let quota = Quota::of_user(&notice.account_key, &class, most, notice.created_at);
        if !deps.counters.take_part(&quota, id.as_str()).await? {
            deps.notices.told(marks, &nonce).await?;
            // Nor is it to be mailed by a redrive.
            deps.notices.told((id, NoticeChannel::Mail), &nonce).await?;
            return Ok(Some(event(EventKind::NoticeHeldBack, &notice)));
        }
    }
    let sent = publish(deps, &notice).await;
    channels.notices.note(&sent);
    match sent {
        Ok(()) => {
            deps.notices.told(marks, &nonce).await?;
            Ok(Some(event(EventKind::NoticeSent, &notice)))
        }
        Err(fault) => {
            drop(deps.notices.release(marks, &nonce).await);
            Err(fault.into())
        }
    }
}

fn event(kind: EventKind, notice: &Notice) -> Event {
    let account_id = notice.account_id.as_ref().map(|id| id.as_str().to_owned());
    Event { account_id, ..Event::new(kind).reason(notice.kind.as_str()) }
}

async fn publish(deps: &Deps, notice: &Notice) -> Result<(), Fault> {
    let token = notice.token(&deps.keys);
    let link = token.as_ref().and_then(|token| deps.messages.link(notice.kind, token));
    let body = json!({
        "id": notice.id.as_str(),
        "kind": notice.kind.as_str(),
        "account_id": notice.account_id.as_ref().map(Subject::as_str),
        "to": notice.to,
        "created_at": notice.created_at.to_string(),
        "expires_at": notice.expires_at.to_string(),
        "token": token.as_ref().map(SecretText::expose),
        "link": link.as_ref().map(SecretText::expose),
    });
    let body = Zeroizing::new(body.to_string());
    let attributes = [("kind", notice.kind.as_str()), ("id", notice.id.as_str())];
    deps.topics.publish(Topic::Notices, Message { body: &body, attributes: &attributes, mail: None }).await
}
