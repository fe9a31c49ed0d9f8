//! Before and after a sign-in: on the same throttle as Palisade's own login.
//!
//! Nothing passes between the two triggers, and there is none for a wrong password: the trigger before takes a try, which counts as a failure
//! unless the trigger after a success settles one. So a wrong password counts once it can no longer turn out right, 5 seconds later; until
//! then at most three are tried at once.

use palisade_cloud::counters::LaneKey;
use palisade_core::anomaly::{self, Action, LoginFacts};
use palisade_core::baseline::{Baseline, Login};
use palisade_core::cognito::Refusal;
use palisade_core::decision::Decision;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::throttle::Lane;
use palisade_core::{Account, AccountKey, ClientIp, Fault, Timestamp};

use super::{Deps, User};
use crate::address::note_fault;
use crate::lane::Try;

/// Whether a password may be tried for `user`, there or not.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn before(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<Result<(), Refusal>, Fault> {
    let (key, name) = deps.known_as(&user.person, trail);
    if user.external {
        // No password of ours is tried; who guesses at the one of the same person here does not keep them out there.
        return Ok(Ok(()));
    }
    let nonce = deps.nonce();
    let this_try = on_the_common_lane(deps, &key, &nonce, now);
    let item = deps.counters.lane(&this_try.key, now, this_try.rules).await?;
    let settled_before = item.lane.settled;
    let refused = match this_try.reserve(item).await? {
        Ok(item) => {
            let ran_out = item.lane.settled.saturating_sub(settled_before);
            let decision = Decision::by(&deps.policy, now, this_try.rules_of(&item.lane));
            trail.record(Event::new(EventKind::LoginAttempted).decision(decision));
            count(deps, ran_out, now, trail).await;
            tell_of_guesses(deps, &item.lane, &name, now, trail).await;
            return Ok(Ok(()));
        }
        Err(refused) => refused,
    };
    let reason = refused.refusal.rate_limited(now).reason.as_str();
    let decision = Decision::by(&deps.policy, now, this_try.rules_of(&refused.item.lane));
    let event = if deps.policy.enforced { EventKind::ExcessRateLimitExceeded } else { EventKind::LimitMonitored };
    trail.record(Event::new(event).reason(reason).decision(decision));
    Ok(if deps.policy.enforced { Err(Refusal::SignIn) } else { Ok(()) })
}

/// Counts tries that ran out, which are failures, with those of all accounts.
async fn count(deps: &Deps, failures: u64, now: Timestamp, trail: &mut Trail) {
    for _ in 0..failures {
        let counted = deps.overall.failure((&deps.counters, &deps.incidents), &deps.policy.anomaly, ClientIp::Unknown, now);
        match deps.aside.run("overall count in counters", counted).await {
            Ok(true) => trail.record(Event::new(EventKind::BruteForce).reason("all_accounts")),
            Ok(false) => {}
            Err(fault) => note_fault(Err(fault), trail),
        }
    }
}

/// Tells operators of a name that somebody guesses at, whether or not it exists.
async fn tell_of_guesses(deps: &Deps, lane: &Lane, name: &str, now: Timestamp, trail: &mut Trail) {
    if lane.failures() >= deps.policy.anomaly.failures_in_a_row {
        trail.record(Event::new(EventKind::BruteForce).reason("one_account"));
        let occurrence = Occurrence::of(name, IncidentKind::BruteForce, "one_account", ClientIp::Unknown.to_string(), now);
        note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
    }
}

fn on_the_common_lane<'a>(deps: &'a Deps, key: &AccountKey, nonce: &'a str, now: Timestamp) -> Try<'a> {
    Try { counters: &deps.counters, key: LaneKey::common(key), rules: &deps.policy.common_lane, nonce, now }
}

/// Settles a sign-in that succeeded, keeps what is known of `user`, and tells of what is unusual. What fails of it is logged, and the sign-in
/// goes on. Of a call that is repeated nothing is told again.
pub async fn after(deps: &Deps, user: &User, new_device: bool, now: Timestamp, trail: &mut Trail) {
    let (key, _) = deps.known_as(&user.person, trail);
    let nonce = deps.nonce();
    let this_try = on_the_common_lane(deps, &key, &nonce, now);
    let links = deps.links(user, &key);
    let (item, led) = match deps.counters.lane_and_links(&this_try.key, &links, (now, this_try.rules)).await {
        Ok((item, led)) => (Some(item), led.user.or(led.person)),
        Err(fault) => {
            note_fault(Err(fault), trail);
            (None, None)
        }
    };
    let is_known = item.is_some();
    let account = deps.account_of(user, led.unwrap_or(key), now);
    let is_repeated = item.as_ref().is_some_and(|item| item.lane.is_repeated(now));
    let settle = async {
        match item.filter(|_| !user.external) {
            None => Ok(None),
            Some(item) => this_try.settle_unknown_success(item).await,
        }
    };
    let noted = async {
        // Only sign-ins from a device that the pool knows make up what is usual.
        match (is_repeated, new_device) {
            (true, _) => Ok(None),
            (false, true) => notice(deps, &account, NoticeKind::NewDevice, now).await.map(|()| None),
            (false, false) => note(deps, &account, now).await,
        }
    };
    let keep = async {
        // It could be somebody else's.
        if is_known { deps.accounts.signed_in_to_pool(&account, now).await } else { Ok(true) }
    };
    let (settled, kept, noted) = tokio::join!(settle, keep, deps.aside.run("baseline in counters", noted));
    match kept {
        Ok(true) => {}
        Ok(false) => trail.record(Event::new(EventKind::CorruptItem).reason("accounts")),
        Err(fault) => note_fault(Err(fault), trail),
    }
    let baseline = noted.map_err(|fault| note_fault(Err(fault), trail)).ok().flatten();
    let failures_in_a_row = match settled {
        Ok(None) => 0,
        Ok(Some(lanes)) => settled_failures(deps, lanes, now, trail).await,
        Err(fault) => {
            note_fault(Err(fault), trail);
            0
        }
    };
    if !is_repeated {
        judge(deps, &account, (failures_in_a_row, baseline.as_ref(), new_device), now, trail).await;
    }
}

/// Counts the success, and what had run out by then, with those of all accounts; how many failures were forgotten for it.
async fn settled_failures(deps: &Deps, (before, after): (Lane, Lane), now: Timestamp, trail: &mut Trail) -> u64 {
    let ran_out = before.aged(now, &deps.policy.common_lane).settled.saturating_sub(before.settled);
    deps.overall.success(now);
    count(deps, ran_out, now, trail).await;
    before.failures().saturating_sub(after.failures())
}

async fn note(deps: &Deps, account: &Account, now: Timestamp) -> Result<Option<Baseline>, Fault> {
    let login = Login::new(now, &ClientIp::Unknown.prefix(), deps.entropy.bytes());
    deps.counters.note_login(&account.key, &login, now).await.map(Some)
}

async fn notice(deps: &Deps, account: &Account, kind: NoticeKind, now: Timestamp) -> Result<(), Fault> {
    deps.notices.send(&Notice::to_account(NoticeId::new(deps.entropy.bytes()), kind, account, now)).await
}

/// The anomalies of a sign-in, logged; its owner and operators are told as the table says.
async fn judge(
    deps: &Deps,
    account: &Account,
    (failures_in_a_row, baseline, new_device): (u64, Option<&Baseline>, bool),
    now: Timestamp,
    trail: &mut Trail,
) {
    let zone = &deps.policy.anomaly.zone;
    let facts = LoginFacts { now, zone, baseline, address: None, failures_in_a_row, known_device: !new_device };
    let anomalies = anomaly::detect(&facts, &deps.policy.anomaly);
    let decision = Decision::by(&deps.policy, now, Vec::new()).with(&anomalies, zone.clock(now));
    trail.record(Event::new(EventKind::AuthnLoginSuccess).decision(decision));
    let action = anomaly::action(anomaly::score(&anomalies));
    if action == Action::Allow {
        return;
    }
    let words: Vec<&str> = anomalies.iter().map(|anomaly| anomaly.as_str()).collect();
    trail.record(Event::new(EventKind::AnomalousLogin).reason(words.join(" ")));
    if action == Action::Incident {
        let worst = anomalies.iter().max_by_key(|anomaly| anomaly.weight()).map_or("", |anomaly| anomaly.as_str());
        let occurrence =
            Occurrence::about(account, IncidentKind::CognitoAccountTakeover, worst, ClientIp::Unknown.to_string(), now);
        trail.record(Event::new(EventKind::AccountTakeover).reason(worst));
        note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
    }
    // Whoever was told of a new device knows.
    if !new_device {
        note_fault(deps.aside.run("notice of a login", notice(deps, account, NoticeKind::AnomalousLogin, now)).await, trail);
    }
}
