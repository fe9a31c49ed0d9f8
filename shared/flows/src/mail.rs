//! Mails one notice to its reader.
//!
//! The message that asks for it is a reason to look, nothing more: who it goes to and what it says come from the notice itself, so that nobody
//! who can publish to the topic can write mail in our name.

use std::sync::Arc;
use std::time::Duration;

use palisade_cloud::delivery::Terms;
use palisade_cloud::notices::NoticeChannel;
use palisade_cloud::{Claim, Clock, Entropy, Mailer, Notices, Parts, Store};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::mail::{self, GrantText};
use palisade_core::notice::{Notice, NoticeId};
use palisade_core::settings::{Messages, Settings, Table};
use palisade_core::{Fault, KeyRing, Timestamp};

use crate::fan_out::{claimed_for, nonce};

/// The tables that mailing cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Notices];

/// What mailing works with.
#[derive(Debug)]
pub struct Deps {
    notices: Notices,
    mailer: Option<Mailer>,
    messages: Messages,
    keys: Arc<KeyRing>,
    entropy: Entropy,
    clock: Clock,
    claimed_for: Duration,
}

impl Deps {
    /// Handles to the table, sender and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts) -> Result<Self, Fault> {
        let store = Store::new(&settings, parts);
        Ok(Self {
            notices: Notices::new(&store, &settings)?,
            mailer: Mailer::new(&settings, parts),
            keys: Arc::clone(&settings.keys),
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
            claimed_for: claimed_for(&settings),
            messages: settings.messages,
        })
    }

    /// The time now. A call asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Mails the notice `id`, once; nothing where no sender is set, nobody's address is known, or it is used or too old.
///
/// # Errors
/// A fault when it is to be tried again.
pub async fn send(deps: &Deps, id: &NoticeId, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
    let Some(mailer) = &deps.mailer else {
        return Ok(());
    };
    let nonce = nonce(&deps.entropy);
    let marks = (id, NoticeChannel::Mail);
    let notice = match deps.notices.claim(marks, Terms { nonce: &nonce, now, span: deps.claimed_for }).await? {
        Claim::Ours(notice) => notice,
        Claim::Told | Claim::Gone => return Ok(()),
        Claim::Held => return Err(Fault::unavailable("mail", "somebody else is sending it, or was cut off while at it")),
        Claim::Unreadable => return Err(Fault::internal("a notice cannot be read")),
    };
    if let Some(account_id) = &notice.account_id {
        trail.identified(account_id.as_str().to_owned());
    }
    match &notice.to {
        Some(to) if !notice.void && now < notice.expires_at => {
            let Some(to) = mail::deliverable(to) else {
                trail.record(Event::new(EventKind::AlertFailed).reason("an address that mail cannot reach"));
                return deps.notices.told(marks, &nonce).await;
            };
            if let Err(fault) = mailer.send(&to, &mail_of(deps, &notice)).await {
                drop(deps.notices.release(marks, &nonce).await);
                return Err(fault);
            }
            trail.record(Event::new(EventKind::NoticeSent).reason(format!("mail {}", notice.kind.as_str())));
        }
        _ => {}
    }
    deps.notices.told(marks, &nonce).await
}

fn mail_of(deps: &Deps, notice: &Notice) -> mail::Mail {
    let token = notice.token(&deps.keys);
    let link = token.as_ref().and_then(|token| deps.messages.link(notice.kind, token));
    let grant = token.as_ref().map(|token| GrantText { token, link: link.as_ref(), expires_at: notice.expires_at });
    mail::mail(notice.kind, notice.created_at, grant)
}
