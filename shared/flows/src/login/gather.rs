//! The first step of a login: everything the decision needs, read at once.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::{LaneItem, LaneKey};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::{self, IpCounts, IpVerdict, IpWindow, RateStatus};
use palisade_core::throttle::{LaneRules, Refusal};
use palisade_core::{Account, AccountKey, Fault, RateLimited, Timestamp};

use super::{Attempt, Deps};

/// What the decision rests on.
pub(super) struct Gathered {
    /// The address's window, for the refund.
    pub(super) window: IpWindow,
    /// What the address's counters say.
    pub(super) address: IpVerdict,
    counts: IpCounts,
    /// Whether the address is allowlisted.
    allowlisted: bool,
    /// The account, where there is one.
    pub(super) account: Option<Account>,
    /// The device, where it is known to the account.
    pub(super) device: Option<KnownDevice>,
    common: Lane,
}

/// A known device and its lane.
pub(super) struct KnownDevice {
    pub(super) device: Device,
    lane: LaneItem,
}

struct Lane {
    key: LaneKey,
    item: LaneItem,
}

/// The lane this attempt is made on.
pub(super) struct ChosenLane<'a> {
    pub(super) key: LaneKey,
    pub(super) item: LaneItem,
    pub(super) rules: &'a LaneRules,
}

pub(super) async fn gather(
    deps: &Deps,
    attempt: &Attempt,
    account_key: &AccountKey,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Gathered, Fault> {
    let window = IpWindow::at(attempt.ip.prefix(), now);
    let name_tag = deps.identity_key.name_tag(&attempt.identifier);
    let claimed = attempt
        .device_token
        .as_ref()
        .and_then(|token| Device::verify(token.expose(), &deps.keys, account_key, now, deps.policy.device_lifetime));
    let common_key = LaneKey::common(account_key);
    let (counts, common, device_lane, found) = tokio::join!(
        deps.counters.take_places(&window, &name_tag),
        deps.counters.lane(&common_key, now, &deps.policy.common_lane),
        device_lane(deps, account_key, claimed.as_ref(), now),
        deps.accounts.get(account_key),
    );
    let counts = counts?;
    // Told once in the window: before anything else of this request can fail.
    if counts.names_filled {
        trail.note(EventKind::UsernameEnumeration);
    }
    let (common, device_lane, found) = (common?, device_lane?, found?);
    let account = account_of(found, trail);
    let device = claimed
        .zip(device_lane)
        .map(|(device, lane)| KnownDevice { device, lane })
        .filter(|known| account.as_ref().is_some_and(|account| known.device.known_since(account.devices_not_before)));
    if common.repaired || device.as_ref().is_some_and(|known| known.lane.repaired) {
        trail.record(Event::new(EventKind::CorruptItem).reason("counters"));
    }
    Ok(Gathered {
        address: ip_window::assess(&window, &counts, &deps.policy.ip, now),
        allowlisted: attempt.ip.is_in(&deps.ip_allowlist),
        counts,
        window,
        account,
        device,
        common: Lane { key: common_key, item: common },
    })
}

async fn device_lane(
    deps: &Deps,
    account_key: &AccountKey,
    claimed: Option<&Device>,
    now: Timestamp,
) -> Result<Option<LaneItem>, Fault> {
    match claimed {
        None => Ok(None),
        Some(device) => {
            let key = LaneKey::device(account_key, device.id());
            deps.counters.lane(&key, now, &deps.policy.device_lane).await.map(Some)
        }
    }
}

fn account_of(found: Found, trail: &mut Trail) -> Option<Account> {
    match found {
        Found::Account(account) => Some(*account),
        Found::Nothing => None,
        Found::Corrupt => {
            trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
            None
        }
    }
}

impl Gathered {
    /// The limit of the address that refuses this attempt, unless the address is allowlisted or the device known and its lane open.
    pub(super) fn refusal_of_address(&self, deps: &Deps, trail: &mut Trail) -> Option<RateLimited> {
        let limit = self.address.refusal?;
        let exempt = self.allowlisted || self.surviving_device(deps).is_some();
        let kind = if exempt { EventKind::RateLimitExempted } else { EventKind::ExcessRateLimitExceeded };
        trail.record(Event::new(kind).reason(limit.reason.as_str()));
        (!exempt).then_some(limit)
    }

    /// The limits of the address once the failure's place is given back.
    pub(super) fn refunded_status(&self, deps: &Deps, now: Timestamp) -> RateStatus {
        let counts = self.counts.clone().without_failure(&self.window);
        ip_window::assess(&self.window, &counts, &deps.policy.ip, now).status
    }

    /// The device's own lane, unless there is none or it is closed: then everybody's.
    pub(super) fn lane<'a>(&self, deps: &'a Deps, nonce: &str, now: Timestamp) -> ChosenLane<'a> {
        if let (Some(known), Some(account)) = (&self.device, &self.account) {
            let rules = &deps.policy.device_lane;
            if known.lane.lane.reserve(nonce, now, rules) != Err(Refusal::Closed) {
                let key = LaneKey::device(&account.key, known.device.id());
                return ChosenLane { key, item: known.lane.clone(), rules };
            }
        }
        ChosenLane { key: self.common.key.clone(), item: self.common.item.clone(), rules: &deps.policy.common_lane }
    }

    /// The device to go on with after a success: the known one, unless its lane is closed.
    pub(super) fn surviving_device(&self, deps: &Deps) -> Option<&Device> {
        let open = |known: &&KnownDevice| !known.lane.lane.is_closed(&deps.policy.device_lane);
        self.device.as_ref().filter(open).map(|known| &known.device)
    }
}
