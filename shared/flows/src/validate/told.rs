//! What ends with a verdict, and who is told of it. Nothing about incidents and notices decides.

use std::sync::Arc;

use palisade_cloud::{Transacted, Write};
use palisade_core::assess::Seen;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::hashing;
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::session::SessionKey;
use palisade_core::{Account, ClientIp, Denial, Fault, Password, Timestamp};

use super::{Live, Looked, Validator};
use crate::address::note_fault;
use crate::hasher::Hasher;

impl Validator {
    /// Ends a session that is not where it belongs, and tells operators.
    pub(super) async fn end_one(&self, live: &Live, seen: Option<&Seen>, now: Timestamp, trail: &mut Trail) {
        let occurrence = occurrence(&live.account, IncidentKind::SessionIntegrityViolation, "elsewhere", seen, now);
        let told = self.aside.run("write of incidents", self.incidents.record(&occurrence));
        let (deleted, told) = tokio::join!(self.sessions.delete(&live.session.key), told);
        note_fault(deleted.map(drop), trail);
        note_fault(told, trail);
    }

    /// Whether `password` is that of the account of `live`. A stored one that cannot be used proves nothing, and operators are told.
    ///
    /// # Errors
    /// A fault when the hash could not be run.
    pub(crate) async fn prove(
        &self,
        hasher: &Hasher,
        live: &Live,
        password: &Arc<Password>,
        (seen, now): (&Seen, Timestamp),
        trail: &mut Trail,
    ) -> Result<bool, Fault> {
        let Some(stored) = &live.account.password else {
            return Ok(false);
        };
        if let Some(why) = hashing::corruption(stored) {
            trail.record(Event::new(EventKind::CorruptCredential).reason(why));
            let occurrence = occurrence(&live.account, IncidentKind::CorruptCredential, "stored_password", Some(seen), now);
            note_fault(self.aside.run("write of incidents", self.incidents.record(&occurrence)).await, trail);
        }
        hasher.matches(password, stored.clone()).await
    }

    /// Tells operators that an account asks more often than it may. What cannot be written is with its next refusal.
    pub(super) async fn tell_abuse(&self, account: &Account, seen: Option<&Seen>, now: Timestamp, trail: &mut Trail) {
        let occurrence = occurrence(account, IncidentKind::RateLimitAbuse, "user_rate_limit", seen, now);
        let told = self.aside.run("write of incidents", self.incidents.record(&occurrence)).await;
        if told.is_ok() {
            self.users.mark_told(&account.key);
        }
        note_fault(told, trail);
    }

    /// Ends all sessions and devices of `account`, with an incident and a notice, all at once. Where that fails the sessions end alone:
    /// nothing about incidents and notices decides. The request is refused either way. Its callers box it: it is rare, and large.
    pub(super) async fn end_all(
        &self,
        account: &Account,
        (kind, key): (EventKind, &SessionKey),
        seen: Option<&Seen>,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Looked {
        let reason = if kind == EventKind::AuthnTokenReuse { "replaced_session" } else { "elsewhere" };
        let occurrence = occurrence(account, IncidentKind::SessionHijacking, reason, seen, now);
        let notice = Notice::to_account(NoticeId::new(self.entropy.bytes()), NoticeKind::SessionHijacking, account, now);
        let at_once =
            [self.accounts.end_sessions(account, true, now), self.incidents.upsert(&occurrence), self.notices.put(&notice)];
        let mut written = self.write(at_once).await;
        if let Err(fault) = written {
            note_fault(Err(fault), trail);
            written = self.write([self.accounts.end_sessions(account, true, now)]).await;
            if matches!(written, Ok(Transacted::Done)) {
                note_fault(self.aside.run("incident of a hijack", self.incidents.record(&occurrence)).await, trail);
                note_fault(self.aside.run("notice of a hijack", self.notices.send(&notice)).await, trail);
            }
        }
        if matches!(written, Ok(Transacted::Refused(_))) {
            return None;
        }
        // Told once it has happened, so that of many uses at once one is told.
        trail.record_session(kind, self.keys.pseudonym(&key.secret_hash));
        note_fault(written.map(drop), trail);
        Some(Err(Denial::Unauthenticated))
    }

    async fn write<const WRITES: usize>(&self, writes: [Result<Write, Fault>; WRITES]) -> Result<Transacted, Fault> {
        self.transactions.write(writes.into_iter().collect::<Result<Vec<_>, Fault>>()?).await
    }
}

fn occurrence(account: &Account, kind: IncidentKind, reason: &'static str, seen: Option<&Seen>, now: Timestamp) -> Occurrence {
    let ip = seen.map_or(ClientIp::Unknown, |seen| seen.ip);
    Occurrence::about(account, kind, reason, ip.to_string(), now)
}
