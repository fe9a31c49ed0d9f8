//! The first step of a login: everything the decision needs, read at once.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::{LaneItem, LaneKey};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::route;
use palisade_core::{Account, AccountKey, Fault, Timestamp};

use super::{Attempt, Deps};
use crate::address::{self, Address};

/// What the decision rests on.
pub(super) struct Gathered {
    /// The places taken, or why none were.
    pub(super) address: Result<Address, Fault>,
    /// The account, where there is one.
    pub(super) account: Option<Account>,
    /// The device, where it is known to the account.
    pub(super) device: Option<KnownDevice>,
    /// Everybody's lane.
    pub(super) common: Result<LaneItem, Fault>,
}

/// A known device and its lane.
pub(super) struct KnownDevice {
    pub(super) device: Device,
    pub(super) lane: LaneItem,
}

pub(super) async fn gather(
    deps: &Deps,
    attempt: &Attempt,
    account_key: &AccountKey,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Gathered, Fault> {
    let name_tag = deps.identity_key.name_tag(&attempt.identifier);
    let claimed = attempt
        .device_token
        .as_ref()
        .and_then(|token| Device::verify(token.expose(), &deps.keys, account_key, now, deps.policy.device_lifetime));
    let common_key = LaneKey::common(account_key);
    let (address, common, device_lane, found) = tokio::join!(
        Address::take(&deps.gate, attempt.ip, route::LOGIN, Some(&name_tag), now, trail),
        deps.counters.lane(&common_key, now, &deps.policy.common_lane),
        device_lane(deps, account_key, claimed.as_ref(), now),
        deps.accounts.get(account_key),
    );
    let (account, device_lane) = match found.and_then(|found| Ok((account_of(found, trail), device_lane?))) {
        Ok(both) => both,
        Err(fault) => {
            address::give_back(&deps.counters, &address, trail).await;
            return Err(fault);
        }
    };
    let device = claimed
        .zip(device_lane)
        .map(|(device, lane)| KnownDevice { device, lane })
        .filter(|known| account.as_ref().is_some_and(|account| known.device.known_since(account.devices_not_before)));
    if let Some(known) = &device {
        trail.from_device(deps.keys.pseudonym(known.device.id()));
    }
    if common.as_ref().is_ok_and(|lane| lane.repaired) || device.as_ref().is_some_and(|known| known.lane.repaired) {
        trail.record(Event::new(EventKind::CorruptItem).reason("counters"));
    }
    Ok(Gathered { address, account, device, common })
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
