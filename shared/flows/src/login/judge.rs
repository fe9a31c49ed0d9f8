//! What is unusual about a login that succeeded, and who is told.

use palisade_cloud::Transacted;
use palisade_core::anomaly::{self, Action, AddressFacts, Anomaly, LoginFacts};
use palisade_core::baseline::Baseline;
use palisade_core::decision::Decision;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::{Account, ClientIp, Fault, Timestamp};

use super::Deps;
use super::admit::Held;
use crate::address::{Address, note_fault};

/// What is known of a login before it is settled.
pub(super) struct Known {
    address: Option<AddressFacts>,
    failures_in_a_row: u64,
    has_device: bool,
}

impl Known {
    pub(super) fn of(address: Option<&Address>, held: &Held<'_>) -> Self {
        Self {
            address: address.and_then(Address::facts),
            failures_in_a_row: held.item.lane.failures(),
            has_device: held.device.is_some(),
        }
    }
}

/// What decided that the password is tried.
pub(super) fn decision(deps: &Deps, address: Option<&Address>, held: &Held<'_>) -> Decision {
    let rules = held.this_try.rules_of(&held.item.lane);
    match address {
        Some(address) => address.decision(rules),
        None => Decision::by(&deps.policy, held.this_try.now, rules),
    }
}

/// The anomalies of a login of `account`, logged with what decided; its owner and operators are told as the table says. Nothing of it
/// decides, and nothing of it fails the login.
pub(super) async fn judge(
    deps: &Deps,
    account: &Account,
    (known, baseline, decision): (Known, Result<Baseline, Fault>, Decision),
    (ip, now): (ClientIp, Timestamp),
    trail: &mut Trail,
) -> Vec<Anomaly> {
    let zone = account.time_zone.as_ref().unwrap_or(&deps.policy.anomaly.zone);
    let Known { address, failures_in_a_row, has_device: known_device } = known;
    let baseline = baseline.map_err(|fault| note_fault(Err(fault), trail)).ok();
    let facts = LoginFacts { now, zone, baseline: baseline.as_ref(), address, failures_in_a_row, known_device };
    let anomalies = anomaly::detect(&facts, &deps.policy.anomaly);
    trail.record(Event::new(EventKind::AuthnLoginSuccess).decision(decision.with(&anomalies, zone.clock(now))));
    let action = anomaly::action(anomaly::score(&anomalies));
    if action > Action::Allow {
        let words: Vec<&str> = anomalies.iter().map(|anomaly| anomaly.as_str()).collect();
        trail.record(Event::new(EventKind::AnomalousLogin).reason(words.join(" ")));
        note_fault(deps.aside.run("notice of a login", tell(deps, account, (action, &anomalies), (ip, now))).await, trail);
    }
    anomalies
}

/// A notice to the owner, and with it the incident where the table says so, in one transaction.
async fn tell(
    deps: &Deps,
    account: &Account,
    (action, anomalies): (Action, &[Anomaly]),
    (ip, now): (ClientIp, Timestamp),
) -> Result<(), Fault> {
    let notice = Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::AnomalousLogin, account, now);
    if action < Action::Incident {
        return deps.notices.send(&notice).await;
    }
    let worst = anomalies.iter().max_by_key(|anomaly| anomaly.weight()).map_or("", |anomaly| anomaly.as_str());
    let occurrence = Occurrence::about(account, IncidentKind::AnomalousLogin, worst, ip.to_string(), now);
    let writes = vec![deps.incidents.upsert(&occurrence)?, deps.notices.put(&notice)?];
    match deps.transactions.write(writes).await? {
        Transacted::Done => Ok(()),
        Transacted::Refused(_) => Err(Fault::internal("a write without a condition was refused")),
    }
}
