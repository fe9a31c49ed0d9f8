//! Who a presented session belongs to, and whether it still is where it belongs (requirements r25 to r30).
//!
//! ```text
//! 1  read session and account in one strongly consistent batch
//! 2  a minute since its last use:      write that, on condition that nobody else did
//!    every twentieth request:          add the twenty to the account's hour
//!    elsewhere:                        end it
//!    in two hands, or replaced:        one transaction: end all sessions and devices, incident, notice
//! ```
//!
//! One round trip and two read units; a write at most once a minute and session, and once more where it goes along to another place. What
//! becomes of the second step never lets anybody in, and a use that cannot be written keeps nobody out.

mod told;

use std::sync::Arc;

use palisade_cloud::accounts::Found;
use palisade_cloud::sessions::{Pair, SessionsWithAccounts};
use palisade_cloud::{Accounts, Counters, Entropy, Incidents, Notices, Parts, Sessions, Store, Transactions};
use palisade_core::assess::{Seen, Touch, Verdict, assess, assess_replaced};
use palisade_core::decision::{Decision, Rule};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::session::{Session, SessionKey, Stored};
use palisade_core::settings::{Settings, Table};
use palisade_core::user_rate::Counted;
use palisade_core::{Account, ClientIp, Denial, Fault, KeyRing, Policy, Timestamp};

use crate::Outcome;
use crate::address::note_fault;
use crate::aside::Aside;
use crate::blocked::BlockList;
use crate::users::Users;

/// The tables that validating reads and writes.
pub(crate) const TABLES: [Table; 5] = [Table::Accounts, Table::Sessions, Table::Counters, Table::Incidents, Table::Notices];

/// Validates sessions.
#[derive(Debug)]
pub(crate) struct Validator {
    pairs: SessionsWithAccounts,
    sessions: Sessions,
    accounts: Accounts,
    incidents: Incidents,
    notices: Notices,
    transactions: Transactions,
    users: Users,
    blocks: BlockList,
    policy: Policy,
    aside: Aside,
    keys: Arc<KeyRing>,
    entropy: Entropy,
}

/// A session that is alive, and its account.
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) account: Account,
    /// The limit of its account's requests, with this one counted.
    counted: Option<Counted>,
    /// Whether its use is to be written.
    due: Option<Touch>,
}

impl Live {
    /// What the request came to, with that limit.
    pub(crate) fn outcome<T>(&self, result: Result<T, Denial>) -> Outcome<T> {
        Outcome { rate: self.counted.as_ref().map(|counted| counted.state.status()), result }
    }

    /// Where it went along to, if that is to be written.
    pub(crate) fn moved<'a>(&self, seen: &'a Seen) -> Option<&'a Seen> {
        (self.due == Some(Touch::Elsewhere)).then_some(seen)
    }
}

/// What a look at a session came to; `None` where everything was to be ended and the account had moved on since it was read.
type Looked = Option<Result<Live, Denial>>;

impl Validator {
    pub(crate) fn new(store: &Store, settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let counters = Counters::new(store, settings)?;
        Ok(Self {
            pairs: SessionsWithAccounts::new(store, settings)?,
            sessions: Sessions::new(store, settings)?,
            accounts: Accounts::new(store, settings)?,
            incidents: Incidents::new(store, settings)?,
            notices: Notices::new(store, settings)?,
            transactions: Transactions::new(store, parts),
            users: Users::new(&counters, settings),
            blocks: BlockList::new(&counters, settings),
            policy: settings.policy.clone(),
            aside: Aside::new(settings),
            keys: Arc::clone(&settings.keys),
            entropy: parts.entropy.clone(),
        })
    }

    /// Opens the connection to the store. A failure shows at the first request.
    pub(crate) async fn warm_up(&self, now: Timestamp) {
        self.blocks.warm_up(now).await;
    }

    /// The session under `key` and its account, if `seen` may use it, and its use written where that is due. Unknown, replaced, expired and
    /// revoked ones, those of disabled accounts and those that are not where they belong are refused alike.
    ///
    /// # Errors
    /// A fault when the read failed: nothing is known then.
    pub(crate) async fn validate(
        &self,
        key: &SessionKey,
        seen: Option<&Seen>,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Result<Live, Denial>, Fault> {
        let looked = match self.look(key, seen, now, trail).await? {
            Ok(live) => self.within_limits(live, seen, now, trail).await,
            Err(denial) => Err(denial),
        };
        if let Ok(live) = &looked {
            self.touch(live, seen, now).await.tell(trail);
        }
        Ok(looked)
    }

    /// The same without writing its use, for whoever does something else meanwhile and calls [`Validator::touch`]; and never refused for
    /// how often the account asks: what ends sessions or changes the password must not be shut by whoever holds another of them.
    ///
    /// # Errors
    /// As [`Validator::validate`].
    pub(crate) async fn look(
        &self,
        key: &SessionKey,
        seen: Option<&Seen>,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Result<Live, Denial>, Fault> {
        trail.about(self.keys.pseudonym(key.account_key.as_str()));
        let ip = seen.map_or(ClientIp::Unknown, |seen| seen.ip);
        let (looked, (blocked, read)) = tokio::join!(self.look_once(key, seen, now, trail), self.blocks.holds(ip, now));
        note_fault(read, trail);
        if blocked {
            trail.record(Event::new(EventKind::AddressBlocked).decision(Decision::by(&self.policy, now, Vec::new())));
            return Ok(Err(Denial::Forbidden));
        }
        let looked = match looked? {
            Some(found) => found,
            // What moved the account on may have left this session alive, as the end of all others does: it is judged anew.
            None => self.look_once(key, seen, now, trail).await?.unwrap_or(Err(Denial::Unauthenticated)),
        };
        Ok(looked.map(|live| {
            let counted = self.users.count(&live.account, now);
            Live { counted: Some(counted), ..live }
        }))
    }

    /// `live`, if it may do more than change its password.
    pub(crate) fn in_full(&self, live: Live, now: Timestamp) -> Result<Live, Denial> {
        match live.account.must_change(now, self.policy.password_max_age) {
            Some(reason) => Err(Denial::PasswordChangeRequired(reason)),
            None => Ok(live),
        }
    }

    /// Over the limit of its account's requests (requirement r37) it is refused; operators are told once an hour.
    async fn within_limits(&self, live: Live, seen: Option<&Seen>, now: Timestamp, trail: &mut Trail) -> Result<Live, Denial> {
        let Some((counted, limit)) = live.counted.as_ref().and_then(|counted| Some((counted, counted.refusal?))) else {
            return Ok(live);
        };
        let kind = if self.policy.enforced { EventKind::ExcessRateLimitExceeded } else { EventKind::LimitMonitored };
        let decision = Decision::by(&self.policy, now, vec![Rule::from(&counted.state)]);
        trail.record(Event::new(kind).reason(limit.reason.as_str()).decision(decision));
        if !self.users.is_told(&live.account.key) {
            Box::pin(self.tell_abuse(&live.account, seen, now, trail)).await;
        }
        if self.policy.enforced { Err(Denial::RateLimited(limit)) } else { Ok(live) }
    }

    async fn look_once(&self, key: &SessionKey, seen: Option<&Seen>, now: Timestamp, trail: &mut Trail) -> Result<Looked, Fault> {
        let Pair { session, account } = self.pairs.get(key).await?;
        let account = match account {
            Found::Account(account) => *account,
            Found::Nothing => return Ok(Some(self.reject(key, trail))),
            Found::Corrupt => {
                trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
                return Ok(Some(self.reject(key, trail)));
            }
        };
        trail.identified(account.subject.as_str().to_owned());
        match session {
            None => Ok(Some(self.reject(key, trail))),
            Some(Stored::Tombstone { replaced_at, auth_version }) => {
                let replaced = (replaced_at, auth_version);
                if assess_replaced(replaced, &account, now, &self.policy.session) != Verdict::Hijacking {
                    return Ok(Some(self.reject(key, trail)));
                }
                Ok(Box::pin(self.end_all(&account, (EventKind::AuthnTokenReuse, key), seen, now, trail)).await)
            }
            Some(Stored::Session(session)) => {
                let verdict = assess(&session, &account, seen, now, &self.policy.session);
                Ok(self.act(verdict, Live { session, account, counted: None, due: None }, seen, now, trail).await)
            }
        }
    }

    fn reject(&self, key: &SessionKey, trail: &mut Trail) -> Result<Live, Denial> {
        trail.record_session(EventKind::SessionRejected, self.keys.pseudonym(&key.secret_hash));
        Err(Denial::Unauthenticated)
    }

    async fn act(&self, verdict: Verdict, live: Live, seen: Option<&Seen>, now: Timestamp, trail: &mut Trail) -> Looked {
        let session = self.keys.pseudonym(&live.session.key.secret_hash);
        match verdict {
            Verdict::Valid(due) => Some(Ok(Live { due, ..live })),
            Verdict::Ended => Some(self.reject(&live.session.key, trail)),
            Verdict::IntegrityViolation => {
                trail.record_session(EventKind::SessionIntegrityViolation, session);
                Box::pin(self.end_one(&live, seen, now, trail)).await;
                Some(Err(Denial::Unauthenticated))
            }
            Verdict::Hijacking => {
                let what = (EventKind::SessionHijacking, &live.session.key);
                Box::pin(self.end_all(&live.account, what, seen, now, trail)).await
            }
        }
    }

    /// Writes the use of `live` where that is due, and what was counted of its account's requests where a batch is full, within a short
    /// time of their own: the request goes on without them.
    pub(crate) async fn touch(&self, live: &Live, seen: Option<&Seen>, now: Timestamp) -> Touched {
        let (moved, counted) = tokio::join!(self.write_use(live, seen, now), self.users.write(&live.account.key));
        let is_moved = matches!(moved, Ok(true));
        let faults = moved.err().into_iter().chain(counted.err()).collect();
        Touched { faults, moved: is_moved.then(|| self.keys.pseudonym(&live.session.key.secret_hash)) }
    }

    /// Whether the session went along to another place.
    async fn write_use(&self, live: &Live, seen: Option<&Seen>, now: Timestamp) -> Result<bool, Fault> {
        let Some(due) = live.due else {
            return Ok(false);
        };
        let moved = seen.filter(|_| due == Touch::Elsewhere);
        let writing = self.sessions.touch(&live.session, moved, now, &self.policy.session);
        Ok(self.aside.run("touch of sessions", writing).await? && due == Touch::Elsewhere)
    }
}

/// What came of writing a use.
#[must_use]
pub(crate) struct Touched {
    faults: Vec<Fault>,
    /// The pseudonym of a session that went along to another place.
    moved: Option<String>,
}

impl Touched {
    /// Tells it to the log.
    pub(crate) fn tell(self, trail: &mut Trail) {
        for fault in self.faults {
            note_fault(Err(fault), trail);
        }
        if let Some(session) = self.moved {
            trail.record_session(EventKind::SessionMoved, session);
        }
    }
}
