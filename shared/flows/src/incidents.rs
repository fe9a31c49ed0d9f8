//! What staff do with incidents: see them, work on them, act on what they are about (requirements r54 and r56).
//!
//! Whoever asks needs a session of a staff member or superuser; a containment needs one whose password was given within
//! [`SIGNED_IN_WITHIN`]. Each action is one conditional write; a containment is one transaction with its record.

mod act;
mod contain;
mod list;

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use palisade_cloud::incidents::Found;
use palisade_cloud::{Accounts, Clock, Counters, Entropy, Incidents, Parts, Store, Transactions};
use palisade_core::assess::Seen;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{Incident, IncidentId};
use palisade_core::session::SessionKey;
use palisade_core::settings::{Settings, Table};
use palisade_core::{Denial, Fault, KeyRing, Role, Timestamp};

use crate::Outcome;
use crate::validate::{Live, Validator};

pub use act::{act, change};
pub use contain::{Containment, blocked, contain, containments, network};
pub use list::{Filter, Listing, list, page};

/// The tables these routes cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Sessions, Table::Counters, Table::Incidents, Table::Notices];

/// How lately the password must have been given for a containment: a quarter of an hour.
pub const SIGNED_IN_WITHIN: Duration = Duration::from_mins(15);

/// What these routes work with.
#[derive(Debug)]
pub struct Deps {
    validator: Validator,
    incidents: Incidents,
    accounts: Accounts,
    counters: Counters,
    transactions: Transactions,
    keys: Arc<KeyRing>,
    entropy: Entropy,
    clock: Clock,
    trusted_proxies: Vec<IpNet>,
}

/// Who asks, and what they are allowed to see of it.
pub struct Asked<'a> {
    /// The session presented.
    pub key: &'a SessionKey,
    /// Where from.
    pub seen: &'a Seen,
    /// When.
    pub now: Timestamp,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        Ok(Self {
            validator: Validator::new(&store, settings, parts)?,
            incidents: Incidents::new(&store, settings)?,
            accounts: Accounts::new(&store, settings)?,
            counters: Counters::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            keys: Arc::clone(&settings.keys),
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
        })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.validator.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The session of somebody who may see incidents.
    async fn staff(&self, asked: &Asked<'_>, trail: &mut Trail) -> Result<Result<Live, Denial>, Fault> {
        let live = self.validator.validate(asked.key, Some(asked.seen), asked.now, trail).await?;
        Ok(live.and_then(|live| self.validator.in_full(live, asked.now)).and_then(|live| match live.account.role {
            Role::Staff | Role::Superuser => Ok(live),
            Role::Regular => {
                trail.record(Event::new(EventKind::AuthzFail).reason("incidents"));
                Err(Denial::Forbidden)
            }
        }))
    }

    async fn find(&self, id: &str, now: Timestamp) -> Result<Result<Incident, Denial>, Fault> {
        let Some(id) = IncidentId::parse(id) else {
            return Ok(Err(Denial::NotFound));
        };
        match self.incidents.get(&id, now).await? {
            Found::Incident(incident) => Ok(Ok(*incident)),
            Found::Nothing => Ok(Err(Denial::NotFound)),
            Found::Corrupt => Err(Fault::internal("an incident cannot be read")),
        }
    }
}

/// The incident `id`.
///
/// # Errors
/// A fault when the store failed, or holds something else under that id.
pub async fn get(deps: &Deps, asked: &Asked<'_>, id: &str, trail: &mut Trail) -> Result<Outcome<Incident>, Fault> {
    match deps.staff(asked, trail).await? {
        Err(denial) => Ok(Outcome::denied(denial, asked.now)),
        Ok(live) => Ok(live.outcome(deps.find(id, asked.now).await?)),
    }
}
