//! The second step of a login: whether its password is tried, and on which lane.

use palisade_cloud::counters::{LaneItem, LaneKey};
use palisade_core::decision::{Decision, Rule};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::RateStatus;
use palisade_core::throttle::Refusal;
use palisade_core::{Account, AccountKey, Denial, Fault, Timestamp};

use super::gather::{Gathered, KnownDevice};
use super::{Deps, Outcome};
use crate::address::{Address, give_back, note_fault};
use crate::lane::{NoLease, Try};

/// An attempt whose password is tried.
pub(super) struct Admitted<'a> {
    /// Its places; `None` when the counters of the address failed and a device of its own let it in all the same.
    pub(super) address: Option<Address>,
    /// The account, where there is one.
    pub(super) account: Option<Account>,
    pub(super) held: Held<'a>,
}

/// A try under way.
pub(super) struct Held<'a> {
    pub(super) this_try: Try<'a>,
    pub(super) item: LaneItem,
    /// The device on whose own lane it is.
    pub(super) device: Option<Device>,
}

/// What became of the reservation.
enum Tried<'a> {
    Held(Box<Held<'a>>),
    Delayed {
        refusal: Refusal,
        rules: Vec<Rule>,
    },
    AddressRefuses(Denial),
    /// The address decides and could not be counted.
    AddressUnknown,
}

/// One request's word for its tries, and its time.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) account_key: &'a AccountKey,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// Reserves a try: on the lane of a known device, whatever the address has done and whether or not it could be counted; else, within the
/// limits of the address, on everybody's.
pub(super) async fn admit<'a>(
    deps: &'a Deps,
    gathered: Gathered,
    request: Request<'a>,
    trail: &mut Trail,
) -> Result<Result<Admitted<'a>, Outcome>, Fault> {
    let Gathered { address, account, device, common } = gathered;
    match reserve(deps, &address, device, common, request, trail).await {
        Ok(Tried::Held(held)) => {
            let address = address.map_err(|fault| note_fault(Err(fault), trail)).ok();
            Ok(Ok(Admitted { address, account, held: *held }))
        }
        Ok(Tried::Delayed { refusal, rules }) => {
            give_back(&deps.counters, &address, trail).await;
            let limit = refusal.rate_limited(request.now);
            let decision = match &address {
                Ok(address) => address.decision(rules),
                Err(_) => Decision::by(&deps.policy, request.now, rules),
            };
            trail.record(Event::new(EventKind::ExcessRateLimitExceeded).reason(limit.reason.as_str()).decision(decision));
            Ok(Err(refused(address.ok().map(|address| address.refunded_status()), Denial::RateLimited(limit))))
        }
        Ok(Tried::AddressRefuses(denial)) => Ok(Err(refused(address.ok().map(|address| address.status()), denial))),
        Ok(Tried::AddressUnknown) => Err(address.err().unwrap_or_else(|| Fault::internal("the address was counted"))),
        Err(fault) => {
            give_back(&deps.counters, &address, trail).await;
            Err(fault)
        }
    }
}

async fn reserve<'a>(
    deps: &'a Deps,
    address: &Result<Address, Fault>,
    device: Option<KnownDevice>,
    common: Result<LaneItem, Fault>,
    request: Request<'a>,
    trail: &mut Trail,
) -> Result<Tried<'a>, Fault> {
    let Request { account_key, nonce, now } = request;
    if let Ok(address) = address
        && let Some(denial) = address.block(trail)
    {
        return Ok(Tried::AddressRefuses(denial));
    }
    let on = |key, rules| Try { counters: &deps.counters, key, rules, nonce, now };
    if let Some(KnownDevice { device, lane }) = device {
        let this_try = on(LaneKey::device(account_key, device.id()), &deps.policy.device_lane);
        match this_try.reserve(lane).await? {
            Ok(item) => {
                if let Ok(address) = address {
                    note_exemption(address, this_try.rules_of(&item.lane), trail);
                }
                note_fault(common.map(drop), trail);
                return Ok(Tried::Held(Box::new(Held { this_try, item, device: Some(device) })));
            }
            Err(NoLease { refusal: refusal @ Refusal::Delayed(_), item }) => {
                return Ok(without_a_lease(deps, this_try, (refusal, item), Some(device), trail));
            }
            // Nobody's exemption: from here on it is a stranger.
            Err(NoLease { refusal: Refusal::Closing(_) | Refusal::Closed, .. }) => {}
        }
    }
    let Ok(address) = address else {
        return Ok(Tried::AddressUnknown);
    };
    if let Some(denial) = address.refusal(trail) {
        return Ok(Tried::AddressRefuses(denial));
    }
    let this_try = on(LaneKey::common(account_key), &deps.policy.common_lane);
    Ok(match this_try.reserve(common?).await? {
        Ok(item) => Tried::Held(Box::new(Held { this_try, item, device: None })),
        Err(NoLease { refusal, item }) => without_a_lease(deps, this_try, (refusal, item), None, trail),
    })
}

/// A try that the lane refuses. Where limits are only monitored it goes on without a lease: nothing is settled, as nothing would have been
/// tried.
fn without_a_lease<'a>(
    deps: &Deps,
    this_try: Try<'a>,
    (refusal, mut item): (Refusal, LaneItem),
    device: Option<Device>,
    trail: &mut Trail,
) -> Tried<'a> {
    let rules = this_try.rules_of(&item.lane);
    if deps.policy.enforced {
        return Tried::Delayed { refusal, rules };
    }
    let decision = Decision::by(&deps.policy, this_try.now, rules);
    let reason = refusal.rate_limited(this_try.now).reason.as_str();
    trail.record(Event::new(EventKind::LimitMonitored).reason(reason).decision(decision));
    item.lane = item.lane.aged(this_try.now, this_try.rules);
    Tried::Held(Box::new(Held { this_try, item, device }))
}

fn note_exemption(address: &Address, rules: Vec<Rule>, trail: &mut Trail) {
    if let Some(limit) = address.passed_limit() {
        let event = Event::new(EventKind::RateLimitExempted).reason(limit.reason.as_str());
        trail.record(event.decision(address.decision(rules)));
    }
}

fn refused(rate: Option<RateStatus>, denial: Denial) -> Outcome {
    Outcome { rate, result: Err(denial) }
}
