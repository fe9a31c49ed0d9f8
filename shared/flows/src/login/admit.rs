//! The second step of a login: whether its password is tried, and on which lane.

use palisade_cloud::counters::{LaneItem, LaneKey};
use palisade_core::decision::{Decision, Rule};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::RateStatus;
use palisade_core::throttle::{Lane, Refusal};
use palisade_core::{Account, AccountKey, Denial, Fault, LimitReason, Timestamp};

use super::gather::{Gathered, KnownDevice};
use super::{Deps, Outcome};
use crate::address::{Address, give_back, note_fault};
use crate::lane::Try;

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
        lane: Lane,
        is_device: bool,
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
        Ok(Tried::Delayed { refusal, lane, is_device }) => {
            give_back(&deps.counters, &address, trail).await;
            let limit = refusal.rate_limited(request.now);
            let rules = vec![delay_rule(&lane, is_device)];
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
        match this_try.reserve(lane.clone()).await? {
            Ok(item) => {
                if let Ok(address) = address {
                    note_exemption(address, trail);
                }
                note_fault(common.map(drop), trail);
                return Ok(Tried::Held(Box::new(Held { this_try, item, device: Some(device) })));
            }
            Err(refusal @ Refusal::Delayed(_)) if deps.policy.enforced => {
                return Ok(Tried::Delayed { refusal, lane: lane.lane, is_device: true });
            }
            Err(refusal @ Refusal::Delayed(_)) => {
                note_monitored(deps, &lane.lane, true, (refusal, now), trail);
                return Ok(Tried::Held(Box::new(Held { this_try, item: lane, device: Some(device) })));
            }
            // Nobody's exemption: from here on it is a stranger.
            Err(Refusal::Closing(_) | Refusal::Closed) => {}
        }
    }
    let Ok(address) = address else {
        return Ok(Tried::AddressUnknown);
    };
    if let Some(denial) = address.refusal(trail) {
        return Ok(Tried::AddressRefuses(denial));
    }
    let this_try = on(LaneKey::common(account_key), &deps.policy.common_lane);
    let common = common?;
    Ok(match this_try.reserve(common.clone()).await? {
        Ok(item) => Tried::Held(Box::new(Held { this_try, item, device: None })),
        Err(refusal) if deps.policy.enforced => Tried::Delayed { refusal, lane: common.lane, is_device: false },
        Err(refusal) => {
            note_monitored(deps, &common.lane, false, (refusal, now), trail);
            // Without a lease: nothing is settled, as nothing would have been tried.
            Tried::Held(Box::new(Held { this_try, item: common, device: None }))
        }
    })
}

/// What the lane says, as a rule of the decision.
pub(super) fn delay_rule(lane: &Lane, is_device: bool) -> Rule {
    let rule = if is_device { "device_login_delay" } else { LimitReason::LoginDelay.as_str() };
    Rule { rule, count: lane.failures(), limit: 0, until: lane.not_before.seconds() }
}

fn note_monitored(deps: &Deps, lane: &Lane, is_device: bool, (refusal, now): (Refusal, Timestamp), trail: &mut Trail) {
    let decision = Decision::by(&deps.policy, now, vec![delay_rule(lane, is_device)]);
    let reason = refusal.rate_limited(now).reason.as_str();
    trail.record(Event::new(EventKind::LimitMonitored).reason(reason).decision(decision));
}

fn note_exemption(address: &Address, trail: &mut Trail) {
    if let Some(limit) = address.passed_limit() {
        trail.record(Event::new(EventKind::RateLimitExempted).reason(limit.reason.as_str()));
    }
}

fn refused(rate: Option<RateStatus>, denial: Denial) -> Outcome {
    Outcome { rate, result: Err(denial) }
}
