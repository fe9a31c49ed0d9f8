//! A user whom the pool does not have: one of those that were imported moves in with the password they have.

use std::sync::Arc;

use palisade_cloud::Transacted;
use palisade_cloud::accounts::{Found, Migrating};
use palisade_cloud::counters::{LaneItem, LaneKey, LinkKey};
use palisade_core::account::MigrationOutcome;
use palisade_core::breach::Breach;
use palisade_core::cognito::{Person, migration};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::hashing::{Checked, StoredPassword};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::password::Candidate;
use palisade_core::throttle::Verdict;
use palisade_core::{Account, ClientIp, Denial, Fault, Password, Status, Timestamp};

use super::Deps;
use crate::address::note_fault;
use crate::choose;
use crate::lane::Try;

/// Somebody who moves in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// Whether with the password they gave; else they choose another one first.
    pub confirmed: bool,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The name they sign in with.
    pub name: String,
}

impl Migrated {
    fn of(account: &Account, confirmed: bool) -> Self {
        let identifier = Some(&account.identifier).filter(|identifier| identifier.contains('@'));
        Self {
            confirmed,
            email: account.email.as_ref().or(identifier).cloned(),
            first_name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            name: account.identifier.clone(),
        }
    }
}

/// Lets `person` move in if `password` is theirs: as they are, or to choose another one where it breaks a rule or is known from breaches.
/// Nobody else is told apart from anybody: an unknown name makes the same calls and one hash.
///
/// # Errors
/// A fault when the store, the hash or, by setting, the breach service did not do its part.
pub async fn sign_in(
    deps: &Deps,
    person: &Person,
    password: &Arc<Password>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Option<Migrated>, Fault> {
    let (key, name) = deps.known_as(person, trail);
    let nonce = deps.nonce();
    let rules = &deps.policy.common_lane;
    let this_try = Try { counters: &deps.counters, key: LaneKey::common(&key), rules, nonce: &nonce, now };
    let (item, found) = tokio::join!(deps.counters.lane(&this_try.key, now, rules), deps.accounts.get(&key));
    let account = match found? {
        Found::Account(account) => Some(*account),
        Found::Nothing => None,
        Found::Corrupt => {
            trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
            None
        }
    };
    let item = match this_try.reserve(item?).await? {
        Ok(item) => item,
        Err(refused) if deps.policy.enforced => {
            trail.record(Event::new(EventKind::ExcessRateLimitExceeded).reason(refused.refusal.rate_limited(now).reason.as_str()));
            return Ok(None);
        }
        Err(refused) => {
            trail.record(Event::new(EventKind::LimitMonitored).reason(refused.refusal.rate_limited(now).reason.as_str()));
            refused.item
        }
    };
    let stored = account.as_ref().and_then(|account| migration::password(account, now)).cloned();
    let verified = deps.hasher.verify(password, stored.clone(), deps.entropy.bytes()).await?;
    match account.zip(stored) {
        Some((account, stored)) if verified.checked == Checked::Right && account.status == Status::Active => {
            let moved = move_in(deps, (&account, &stored), password, now, trail);
            let (settled, moved) = tokio::join!(this_try.settle(item, Verdict::Success), moved);
            note_fault(settled.map(drop), trail);
            moved
        }
        account => {
            fail(deps, (this_try, item), (account.map(|(account, _)| account), verified.checked, &name), trail).await?;
            Ok(None)
        }
    }
}

async fn move_in(
    deps: &Deps,
    (account, stored): (&Account, &StoredPassword),
    password: &Arc<Password>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Option<Migrated>, Fault> {
    trail.identified(account.subject.as_str().to_owned());
    let breach = deps.hibp.check(password, now).await;
    let candidate = Candidate { password, attributes: account.attributes(), reused: false, breach: Some(breach) };
    let judged = choose::judge(&deps.policy, &candidate, trail)?;
    let breached = matches!(breach, Breach::Breached(count) if count > deps.policy.breach.block_over);
    let weak = matches!(judged, Err(Denial::PasswordRejected(_)));
    let outcome = migration::outcome(account, breached, weak);
    let migrated = Migrated::of(account, outcome == MigrationOutcome::Confirmed);
    if !migrated.confirmed && migrated.email.is_none() {
        // Nobody could send them the code with which another password is chosen.
        trail.record(Event::new(EventKind::UserMigrationFail).reason("no_address"));
        return Ok(None);
    }
    if !link(deps, account, &migrated).await? {
        trail.record(Event::new(EventKind::UserMigrationFail).reason("address_taken"));
        return Ok(None);
    }
    let at = Migrating { now, breach_unchecked: judged.unwrap_or(matches!(breach, Breach::Unknown(_))) };
    if !deps.accounts.migrate(account, stored, outcome, at).await? {
        trail.record(Event::new(EventKind::UserMigrationFail).reason("changed_meanwhile"));
        return Ok(None);
    }
    trail.record(Event::new(EventKind::UserMigrated).reason(outcome.as_str()));
    Ok(Some(migrated))
}

/// The pool's later calls go by the address: it is made to lead to the account, where that goes by a user name. Not where it leads to somebody
/// else's: two accounts with one address cannot be told apart by it.
async fn link(deps: &Deps, account: &Account, migrated: &Migrated) -> Result<bool, Fault> {
    let Some(email) = &migrated.email else {
        return Ok(true);
    };
    let key = Person::spelled(email).key(&deps.identity_key);
    if key == account.key {
        return Ok(true);
    }
    let write = deps.counters.link(&LinkKey::person(&key), &account.key)?;
    deps.transactions.write(vec![write]).await.map(|done| done == Transacted::Done)
}

/// Settles a failure as a login does, for known and unknown names with the same calls.
async fn fail(
    deps: &Deps,
    (this_try, item): (Try<'_>, LaneItem),
    (account, checked, name): (Option<Account>, Checked, &str),
    trail: &mut Trail,
) -> Result<(), Fault> {
    let now = this_try.now;
    let reason = match (&account, &checked) {
        (None, _) => "unknown_account",
        (Some(account), Checked::Right) if account.status == Status::Disabled => "disabled",
        (Some(_), Checked::Corrupt(_)) => "corrupt_credential",
        (Some(_), _) => "wrong_password",
    };
    trail.record(Event::new(EventKind::UserMigrationFail).reason(reason));
    let guessed = item.lane.failures().saturating_add(1) >= deps.policy.anomaly.failures_in_a_row;
    let tell = async {
        let unknown = ClientIp::Unknown.to_string();
        let occurrence = match &account {
            Some(account) => Occurrence::about(account, IncidentKind::BruteForce, "one_account", unknown, now),
            None => Occurrence::of(name, IncidentKind::BruteForce, "one_account", unknown, now),
        };
        if guessed { deps.incidents.record(&occurrence).await } else { Ok(()) }
    };
    let count = deps.overall.failure((&deps.counters, &deps.incidents), &deps.policy.anomaly, ClientIp::Unknown, now);
    let (settled, told, counted) = tokio::join!(
        this_try.settle(item, Verdict::Failure),
        deps.aside.run("write of incidents", tell),
        deps.aside.run("overall count in counters", count)
    );
    if guessed {
        trail.record(Event::new(EventKind::BruteForce).reason("one_account"));
    }
    note_fault(told, trail);
    note_fault(counted.map(drop), trail);
    settled.map(drop)
}

/// Lets `person` move in to choose a new password, if there is such an account. Both calls are made at once, whoever it is.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn forgot_password(deps: &Deps, person: &Person, now: Timestamp, trail: &mut Trail) -> Result<Option<Migrated>, Fault> {
    let (key, _) = deps.known_as(person, trail);
    let (found, moved) = tokio::join!(deps.accounts.get(&key), deps.accounts.migrate_to_reset(&key, now));
    match found? {
        Found::Account(account) if moved? => {
            trail.identified(account.subject.as_str().to_owned());
            let migrated = Migrated::of(&account, false);
            let is_theirs = link(deps, &account, &migrated).await?;
            let (event, reason) = if is_theirs {
                (EventKind::UserMigrated, "forgot_password")
            } else {
                (EventKind::UserMigrationFail, "address_taken")
            };
            trail.record(Event::new(event).reason(reason));
            Ok(is_theirs.then_some(migrated))
        }
        Found::Account(_) | Found::Nothing | Found::Corrupt => {
            trail.record(Event::new(EventKind::UserMigrationFail).reason("unknown_account"));
            Ok(None)
        }
    }
}
