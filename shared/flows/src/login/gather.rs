//! The first step of a login: everything the decision needs, read at once.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::{Counters, LaneItem, LaneKey};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::{self, IpCounts, IpWindow, RateStatus};
use palisade_core::policy::IpLimits;
use palisade_core::{Account, AccountKey, Fault, RateLimited, Timestamp};

use super::settle::note_fault;
use super::{Attempt, Deps};

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

/// The attempt's places in the window of its address.
pub(super) struct Address {
    window: IpWindow,
    counts: IpCounts,
    limits: IpLimits,
    now: Timestamp,
    /// Whether its limits do not refuse.
    pub(super) allowlisted: bool,
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
    // Told once in the window: before anything else of this request can fail.
    if counts.as_ref().is_ok_and(|counts| counts.names_filled) {
        trail.note(EventKind::UsernameEnumeration);
    }
    let allowlisted = attempt.ip.is_in(&deps.ip_allowlist);
    let address = counts.map(|counts| Address { window, counts, limits: deps.policy.ip.clone(), now, allowlisted });
    let (account, device_lane) = match found.and_then(|found| Ok((account_of(found, trail), device_lane?))) {
        Ok(both) => both,
        Err(fault) => {
            give_back(&deps.counters, &address, trail).await;
            return Err(fault);
        }
    };
    let device = claimed
        .zip(device_lane)
        .map(|(device, lane)| KnownDevice { device, lane })
        .filter(|known| account.as_ref().is_some_and(|account| known.device.known_since(account.devices_not_before)));
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

/// Gives the failure's place back for an attempt that ends without a password having been tried. It decides nothing any more: a place
/// not given back is one too many.
pub(super) async fn give_back(counters: &Counters, address: &Result<Address, Fault>, trail: &mut Trail) {
    if let Ok(address) = address {
        note_fault(address.give_back(counters).await, trail);
    }
}

impl Address {
    /// The limit that is passed, whether or not it refuses.
    pub(super) fn passed_limit(&self) -> Option<RateLimited> {
        ip_window::assess(&self.window, &self.counts, &self.limits, self.now).refusal
    }

    /// The limits as they stand, for the headers.
    pub(super) fn status(&self) -> RateStatus {
        ip_window::assess(&self.window, &self.counts, &self.limits, self.now).status
    }

    /// The same once the failure's place is given back.
    pub(super) fn refunded_status(&self) -> RateStatus {
        let counts = self.counts.clone().without_failure(&self.window);
        ip_window::assess(&self.window, &counts, &self.limits, self.now).status
    }

    /// Gives the failure's place back, where one was taken.
    pub(super) async fn give_back(&self, counters: &Counters) -> Result<(), Fault> {
        if self.counts.are_unreadable() { Ok(()) } else { counters.refund_failure(&self.window).await }
    }
}
