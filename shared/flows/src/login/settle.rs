//! The last step of a login: what the verdict writes.

use futures_util::future::join_all;
use palisade_cloud::sessions::Deleted;
use palisade_core::baseline::Login;
use palisade_core::breach::Breach;
use palisade_core::decision::Decision;
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::hashing::{Checked, StoredPassword, Verified};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::secret::SecretBytes;
use palisade_core::session::{self, Granted, Session, SessionKey};
use palisade_core::throttle::Verdict;
use palisade_core::{Account, ClientIp, Denial, Fault, Policy, Status, Timestamp, UserAgent, csrf};

use super::admit::{Admitted, Held};
use super::{Deps, Outcome, judge};
use crate::address::{Address, note_fault};

/// The client as far as the last step needs it.
pub(super) struct Client {
    /// The pseudonym of the name.
    pub(super) name: String,
    pub(super) ip: ClientIp,
    pub(super) user_agent: UserAgent,
    pub(super) presented: Vec<SessionKey>,
}

pub(super) async fn settle(
    deps: &Deps,
    admitted: Admitted<'_>,
    client: Client,
    (verified, breach): (Verified, Option<Breach>),
    trail: &mut Trail,
) -> Result<Outcome, Fault> {
    let Admitted { address, account, held } = admitted;
    let Verified { checked, rehashed } = verified;
    match account {
        Some(account) if checked == Checked::Right && account.status == Status::Active => {
            succeed(deps, address, &account, held, (client, rehashed, breach), trail).await
        }
        account => {
            let decision = judge::decision(deps, address.as_ref(), &held);
            record_failure(account.as_ref(), checked, decision, trail);
            let is_corrupt = matches!(checked, Checked::Corrupt(_));
            fail(deps, (account.as_ref(), is_corrupt), held, &client, trail).await?;
            Ok(Outcome { rate: address.map(|address| address.status()), result: Err(Denial::InvalidCredentials) })
        }
    }
}

/// Settles a failure, counts it with those of all accounts, and tells operators of an account that somebody guesses at, whether or not it
/// exists: known and unknown names make the same calls. A stored password that cannot be used is told as well.
async fn fail(
    deps: &Deps,
    (account, is_corrupt): (Option<&Account>, bool),
    held: Held<'_>,
    client: &Client,
    trail: &mut Trail,
) -> Result<(), Fault> {
    let now = held.this_try.now;
    let rules = &deps.policy.anomaly;
    let is_brute_force = held.item.lane.failures().saturating_add(1) >= rules.failures_in_a_row;
    let occurrence = |kind, reason| match account {
        Some(account) => Occurrence::about(account, kind, reason, client.ip.to_string(), now),
        None => Occurrence::of(&client.name, kind, reason, client.ip.to_string(), now),
    };
    let guessed = is_brute_force.then(|| occurrence(IncidentKind::BruteForce, "one_account"));
    let corrupt = is_corrupt.then(|| occurrence(IncidentKind::CorruptCredential, "stored_password"));
    if is_brute_force {
        trail.record(Event::new(EventKind::BruteForce).reason("one_account"));
    }
    let tell = async {
        // One that fails keeps the other from nothing.
        let told = join_all(guessed.iter().chain(&corrupt).map(|occurrence| deps.incidents.record(occurrence))).await;
        told.into_iter().collect::<Result<(), Fault>>()
    };
    let tell = deps.aside.run("write of incidents", tell);
    let count = deps.overall.failure((&deps.counters, &deps.incidents), rules, client.ip, now);
    let count = deps.aside.run("overall count in counters", count);
    let (settled, told, counted) = tokio::join!(held.this_try.settle(held.item, Verdict::Failure), tell, count);
    note_fault(told, trail);
    match counted {
        Ok(true) => trail.record(Event::new(EventKind::BruteForce).reason("all_accounts")),
        Ok(false) => {}
        Err(fault) => note_fault(Err(fault), trail),
    }
    settled.map(drop)
}

fn record_failure(account: Option<&Account>, checked: Checked, decision: Decision, trail: &mut Trail) {
    let reason = match (account, checked) {
        (None, _) => "unknown_account",
        (Some(account), Checked::Right) if account.status == Status::Disabled => "disabled",
        (Some(account), _) if account.password.is_none() => "no_password",
        (Some(_), Checked::Corrupt(_)) => "corrupt_credential",
        (Some(_), Checked::Right | Checked::Wrong) => "wrong_password",
    };
    if let Some(account) = account {
        trail.identified(account.subject.as_str().to_owned());
    }
    if let Checked::Corrupt(error) = checked {
        trail.record(Event::new(EventKind::CorruptCredential).reason(error.to_string()));
    }
    trail.record(Event::new(EventKind::AuthnLoginFail).reason(reason).decision(decision));
}

async fn succeed(
    deps: &Deps,
    address: Option<Address>,
    account: &Account,
    held: Held<'_>,
    (client, rehashed, breach): (Client, Option<StoredPassword>, Option<Breach>),
    trail: &mut Trail,
) -> Result<Outcome, Fault> {
    let now = held.this_try.now;
    let secret = SecretBytes::new(deps.entropy.bytes());
    let login = Login::new(now, &client.ip.prefix(), deps.entropy.bytes());
    let (decision, facts) = (judge::decision(deps, address.as_ref(), &held), judge::Known::of(address.as_ref(), &held));
    deps.overall.success(now);
    let issued = session::issue(account, client.ip, client.user_agent, &secret, now, &deps.policy.session);
    let noted = deps.aside.run("baseline in counters", deps.counters.note_login(&account.key, &login, now));
    let (stored, settled, refunded, replaced, renewed, breached, baseline) = tokio::join!(
        deps.sessions.put(&issued.session),
        held.this_try.settle(held.item, Verdict::Success),
        refund(deps, address.as_ref()),
        end_presented(deps, &client.presented),
        renew(deps, account, (rehashed, breach), (client.ip, now)),
        keep_breached(deps, account, breach),
        noted,
    );
    trail.identified(account.subject.as_str().to_owned());
    stored?;
    breached?;
    // None of these decides: a lease left behind runs out as a failure, a place not given back is one too many, both on the safe side.
    note_fault(settled.map(drop), trail);
    note_fault(refunded, trail);
    note_fault(renewed, trail);
    if replaced? {
        trail.note(EventKind::SessionReplaced);
    }
    if let Some(most) = deps.policy.session.most {
        note_fault(end_oldest(deps, (account, &issued.session.key), most, now, trail).await, trail);
    }
    let anomalies = judge::judge(deps, account, (facts, baseline, decision), (client.ip, now), trail).await;
    trail.record_session(EventKind::SessionCreated, deps.keys.pseudonym(&issued.session.key.secret_hash));
    let is_breached = tell_breach(breach, &deps.policy, trail);
    let password_change_required = is_breached || account.must_change(now, deps.policy.password_max_age).is_some();
    // A device whose lane is closed, or could not take this try, is not worth keeping.
    let device = held.device.map_or_else(|| Device::new(deps.entropy.bytes(), now), |device| device.renewed(now));
    Ok(Outcome {
        rate: address.map(|address| address.refunded_status()),
        result: Ok(Granted {
            account_id: account.subject.as_str().to_owned(),
            csrf_token: csrf::token(&deps.keys, &issued.session.key),
            token: issued.token,
            device_token: device.token(&deps.keys, &account.key),
            expires_at: issued.ends_at,
            idle_timeout: deps.policy.session.idle,
            device_lifetime: deps.policy.device_lifetime,
            password_change_required,
            anomalies,
        }),
    })
}

/// What decides nothing about the password that was right: its hash replaced by one at today's cost, what the breach service said kept, unless
/// the password was changed meanwhile, and operators told.
async fn renew(
    deps: &Deps,
    account: &Account,
    (rehashed, breach): (Option<StoredPassword>, Option<Breach>),
    (ip, now): (ClientIp, Timestamp),
) -> Result<(), Fault> {
    let kept = async {
        let Some(old) = &account.password else {
            return Ok(());
        };
        if is_breached(breach, &deps.policy) == Some(false) {
            deps.accounts.breach_answered(&account.key, old, false).await?;
        }
        match rehashed {
            None => Ok(()),
            Some(new) => deps.accounts.rehash(&account.key, old, &new).await,
        }
    };
    let (kept, told) = tokio::join!(kept, tell_operators(deps, account, breach, ip, now));
    kept.and(told)
}

/// Keeps that a password was found in a breach: without it the session would not be limited to changing it.
async fn keep_breached(deps: &Deps, account: &Account, breach: Option<Breach>) -> Result<(), Fault> {
    match &account.password {
        Some(old) if is_breached(breach, &deps.policy) == Some(true) => {
            deps.accounts.breach_answered(&account.key, old, true).await
        }
        _ => Ok(()),
    }
}

/// Tells operators that somebody signed in with a password known from breaches.
async fn tell_operators(deps: &Deps, account: &Account, breach: Option<Breach>, ip: ClientIp, now: Timestamp) -> Result<(), Fault> {
    if is_breached(breach, &deps.policy) != Some(true) {
        return Ok(());
    }
    let occurrence = Occurrence::about(account, IncidentKind::BreachedPassword, "login", ip.to_string(), now);
    deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await
}

/// Whether the password must be changed for its breaches, told.
fn tell_breach(breach: Option<Breach>, policy: &Policy, trail: &mut Trail) -> bool {
    let is_breached = is_breached(breach, policy) == Some(true);
    if is_breached {
        trail.record(Event::new(EventKind::BreachedPassword).reason("change_required"));
    }
    is_breached
}

/// Whether the answer refuses the password; `None` without one.
fn is_breached(breach: Option<Breach>, policy: &Policy) -> Option<bool> {
    match breach? {
        Breach::Unknown(_) => None,
        Breach::Clean => Some(false),
        Breach::Breached(count) => Some(count > policy.breach.block_over),
    }
}

/// The most sessions that one login ends: what is over that is left to the next.
const MOST_ENDED: usize = 25;

/// Ends the oldest sessions of `account` over `most`, `own` counted, which is never one of them.
async fn end_oldest(
    deps: &Deps,
    (account, own): (&Account, &SessionKey),
    most: u64,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<(), Fault> {
    let all = deps.sessions.of(&account.key).await?;
    let mut alive: Vec<Session> = all.into_iter().filter(|session| session.is_alive(account, now, &deps.policy.session)).collect();
    // One order for everybody, so that of two logins at once both keep the same: by age, then by what nobody chooses.
    alive.sort_by(|a, b| (b.created_at, &b.key.secret_hash).cmp(&(a.created_at, &a.key.secret_hash)));
    let kept = usize::try_from(most).unwrap_or(usize::MAX);
    let is_over = |session: &&Session| session.key != *own;
    let over: Vec<&Session> = alive.iter().skip(kept).filter(is_over).rev().take(MOST_ENDED).collect();
    let deleted = join_all(over.iter().map(|session| deps.sessions.delete(&session.key))).await;
    for (session, deleted) in over.into_iter().zip(deleted) {
        if deleted? == Deleted::Session {
            trail.record_session(EventKind::SessionRevoked, deps.keys.pseudonym(&session.key.secret_hash));
        }
    }
    Ok(())
}

async fn refund(deps: &Deps, address: Option<&Address>) -> Result<(), Fault> {
    match address {
        None => Ok(()),
        Some(address) => address.give_back(&deps.counters).await,
    }
}

/// Whether there was a session to end.
async fn end_presented(deps: &Deps, presented: &[SessionKey]) -> Result<bool, Fault> {
    let mut ended = false;
    for deleted in join_all(presented.iter().map(|key| deps.sessions.delete(key))).await {
        ended |= deleted? == Deleted::Session;
    }
    Ok(ended)
}
