//! Who a presented session belongs to, and whether it still is where it belongs (requirements r25 to r30).
//!
//! ```text
//! 1  read session and account in one strongly consistent batch
//! 2  a minute since its last use:      write that
//!    elsewhere:                        end it
//!    in two hands, or replaced:        one transaction: end all sessions and devices, incident, notice
//! ```
//!
//! One round trip and two read units; a write at most once a minute and session. What becomes of the second step never lets anybody in.

use std::sync::Arc;

use palisade_cloud::accounts::Found;
use palisade_cloud::sessions::{Pair, SessionsWithAccounts};
use palisade_cloud::{Accounts, Entropy, Incidents, Notices, Parts, Sessions, Store, Transactions};
use palisade_core::assess::{Seen, Verdict, assess, assess_replaced};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::policy::SessionRules;
use palisade_core::session::{Session, SessionKey, Stored};
use palisade_core::settings::{Settings, Table};
use palisade_core::{Account, Denial, Fault, KeyRing, Timestamp};

use crate::address::note_fault;

/// The tables that validating reads and writes.
pub(crate) const TABLES: [Table; 4] = [Table::Accounts, Table::Sessions, Table::Incidents, Table::Notices];

/// Validates sessions.
#[derive(Debug)]
pub(crate) struct Validator {
    pairs: SessionsWithAccounts,
    sessions: Sessions,
    accounts: Accounts,
    incidents: Incidents,
    notices: Notices,
    transactions: Transactions,
    rules: SessionRules,
    keys: Arc<KeyRing>,
    entropy: Entropy,
}

/// A session that is alive, and its account.
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) account: Account,
}

/// Whether a valid session's last use is written: not where the session is replaced in the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    WhenDue,
    Never,
}

impl Validator {
    pub(crate) fn new(store: &Store, settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        Ok(Self {
            pairs: SessionsWithAccounts::new(store, settings)?,
            sessions: Sessions::new(store, settings)?,
            accounts: Accounts::new(store, settings)?,
            incidents: Incidents::new(store, settings)?,
            notices: Notices::new(store, settings)?,
            transactions: Transactions::new(store, parts),
            rules: settings.policy.session.clone(),
            keys: Arc::clone(&settings.keys),
            entropy: parts.entropy.clone(),
        })
    }

    /// Opens the connection to the store. A failure shows at the first request.
    pub(crate) async fn warm_up(&self) {
        drop(self.sessions.warm_up().await);
    }

    /// The session under `key` and its account, if `seen` may use it. Unknown, replaced, expired and revoked ones, those of disabled
    /// accounts and those that are not where they belong are refused alike.
    ///
    /// # Errors
    /// A fault when the read failed: nothing is known then.
    pub(crate) async fn validate(
        &self,
        key: &SessionKey,
        seen: &Seen,
        touch: Touch,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Result<Live, Denial>, Fault> {
        trail.about(self.keys.pseudonym(key.account_key.as_str()));
        let Pair { session, account } = self.pairs.get(key).await?;
        let account = match account {
            Found::Account(account) => *account,
            Found::Nothing => return Ok(self.reject(key, trail)),
            Found::Corrupt => {
                trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
                return Ok(self.reject(key, trail));
            }
        };
        trail.identified(account.subject.as_str().to_owned());
        match session {
            None => Ok(self.reject(key, trail)),
            Some(Stored::Tombstone { replaced_at, auth_version }) => {
                if assess_replaced(replaced_at, auth_version, &account, now) == Verdict::Hijacking {
                    trail.record_session(EventKind::AuthnTokenReuse, self.keys.pseudonym(&key.secret_hash));
                    self.end_all(&account, "replaced_session", seen, now, trail).await;
                }
                Ok(self.reject(key, trail))
            }
            Some(Stored::Session(session)) => {
                let verdict = assess(&session, &account, seen, now, &self.rules);
                Ok(self.act(verdict, Live { session, account }, (seen, touch), now, trail).await)
            }
        }
    }

    fn reject(&self, key: &SessionKey, trail: &mut Trail) -> Result<Live, Denial> {
        trail.record_session(EventKind::SessionRejected, self.keys.pseudonym(&key.secret_hash));
        Err(Denial::Unauthenticated)
    }

    async fn act(
        &self,
        verdict: Verdict,
        live: Live,
        (seen, touch): (&Seen, Touch),
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Live, Denial> {
        let session = self.keys.pseudonym(&live.session.key.secret_hash);
        match verdict {
            Verdict::Valid { touch: due, moved } => {
                if due && touch == Touch::WhenDue {
                    let rebound = moved.then_some(seen);
                    note_fault(self.sessions.touch(&live.session, rebound, now, &self.rules).await, trail);
                    if moved {
                        trail.record_session(EventKind::SessionMoved, session);
                    }
                }
                Ok(live)
            }
            Verdict::Ended => self.reject(&live.session.key, trail),
            Verdict::IntegrityViolation => {
                trail.record_session(EventKind::SessionIntegrityViolation, session);
                note_fault(self.sessions.delete(&live.session.key).await.map(drop), trail);
                Err(Denial::Unauthenticated)
            }
            Verdict::Hijacking => {
                trail.record_session(EventKind::SessionHijacking, session);
                self.end_all(&live.account, "elsewhere", seen, now, trail).await;
                Err(Denial::Unauthenticated)
            }
        }
    }

    /// Ends all sessions and devices of `account`, with an incident and a notice, all at once. Repeated by the next use of the token
    /// when it fails: the request is refused either way.
    async fn end_all(&self, account: &Account, reason: &'static str, seen: &Seen, now: Timestamp, trail: &mut Trail) {
        let occurrence = Occurrence::about(account, IncidentKind::SessionHijacking, reason, seen.ip.to_string(), now);
        let notice = Notice::to_account(NoticeId::new(self.entropy.bytes()), NoticeKind::SessionHijacking, account, now);
        let writes =
            [self.accounts.end_sessions(account, true, now), self.incidents.upsert(&occurrence), self.notices.put(&notice)];
        match writes.into_iter().collect::<Result<Vec<_>, Fault>>() {
            // Refused: somebody else ended them meanwhile.
            Ok(writes) => note_fault(self.transactions.write(writes).await.map(drop), trail),
            Err(fault) => note_fault(Err(fault), trail),
        }
    }
}
