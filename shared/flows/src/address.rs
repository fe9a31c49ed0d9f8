//! The limits of one address, on every route that has some.

use std::sync::Arc;

use futures_util::future::try_join_all;
use ipnet::IpNet;
use palisade_cloud::{Counters, Incidents};
use palisade_core::anomaly::AddressFacts;
use palisade_core::decision::{Decision, Rule};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::ip_window::{self, IpCounts, IpWindow, Places, RateStatus, Signal};
use palisade_core::{ClientIp, Denial, Fault, Policy, RateLimited, Settings, Timestamp};

use crate::aside::Aside;
use crate::blocked::BlockList;

/// What judging an address takes.
#[derive(Debug)]
pub(crate) struct Gate {
    counters: Counters,
    policy: Arc<Policy>,
    allowlist: Vec<IpNet>,
    blocks: BlockList,
    /// Where operators are told of an address; `None` on routes that tell nothing of it.
    incidents: Option<Incidents>,
    aside: Aside,
}

impl Gate {
    pub(crate) fn new(counters: &Counters, incidents: Option<Incidents>, settings: &Settings) -> Self {
        Self {
            counters: counters.clone(),
            policy: Arc::new(settings.policy.clone()),
            allowlist: settings.ip_allowlist.clone(),
            blocks: BlockList::new(counters, settings),
            incidents,
            aside: Aside::new(settings),
        }
    }

    pub(crate) async fn warm_up(&self, now: Timestamp) {
        self.blocks.warm_up(now).await;
    }
}

/// A request's places in the window of its address.
pub(crate) struct Address {
    window: IpWindow,
    counts: IpCounts,
    places: Places,
    policy: Arc<Policy>,
    now: Timestamp,
    /// Whether its limits do not refuse.
    pub(crate) allowlisted: bool,
    /// Whether an operator blocked it.
    blocked: bool,
}

impl Address {
    /// Takes `places` for a request from `ip`, on the name that `name_tag` stands for.
    pub(crate) async fn take(
        gate: &Gate,
        ip: ClientIp,
        places: Places,
        name_tag: Option<&str>,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Self, Fault> {
        let window = IpWindow::at(ip.prefix(), now);
        let (counts, (blocked, read)) =
            tokio::join!(gate.counters.take_places(&window, places, name_tag), gate.blocks.holds(ip, now));
        note_fault(read, trail);
        let counts = counts?;
        // Told once in the window, by whichever route it happens on, before anything else of the request can fail.
        if counts.names_filled {
            trail.note(EventKind::UsernameEnumeration);
        }
        if let Some(incidents) = &gate.incidents {
            let signals = ip_window::signals(&window, &counts, places, &gate.policy.ip);
            if !signals.is_empty() {
                let told = gate.aside.run("incidents of an address", tell(gate, incidents, &window, &signals, (ip, now))).await;
                if told.is_ok() && signals.iter().any(|signal| matches!(signal, Signal::Failures(_))) {
                    trail.record(Event::new(EventKind::BruteForce).reason("one_address"));
                }
                note_fault(told, trail);
            }
        }
        let allowlisted = ip.is_in(&gate.allowlist);
        Ok(Self { window, counts, places, policy: Arc::clone(&gate.policy), now, allowlisted, blocked })
    }

    /// Whether an operator blocked the address: then nothing of the request is looked at, whoever it is.
    pub(crate) fn block(&self, trail: &mut Trail) -> Option<Denial> {
        self.blocked.then(|| {
            trail.record(Event::new(EventKind::AddressBlocked).decision(self.decision(Vec::new())));
            Denial::Forbidden
        })
    }

    /// The limit that is passed, whether or not it refuses.
    pub(crate) fn passed_limit(&self) -> Option<RateLimited> {
        ip_window::assess(&self.window, &self.counts, self.places, &self.policy.ip, self.now).refusal
    }

    /// Why the address may not go on, with what there is to log of it.
    pub(crate) fn refusal(&self, trail: &mut Trail) -> Option<Denial> {
        if let Some(denial) = self.block(trail) {
            return Some(denial);
        }
        let limit = self.passed_limit()?;
        let kind = match (self.allowlisted, self.policy.enforced) {
            (true, _) => EventKind::RateLimitExempted,
            (false, true) => EventKind::ExcessRateLimitExceeded,
            (false, false) => EventKind::LimitMonitored,
        };
        trail.record(Event::new(kind).reason(limit.reason.as_str()).decision(self.decision(Vec::new())));
        (kind == EventKind::ExcessRateLimitExceeded).then_some(Denial::RateLimited(limit))
    }

    /// What decided: the limits of the address, and `more`.
    pub(crate) fn decision(&self, more: Vec<Rule>) -> Decision {
        let rules = ip_window::rules(&self.window, &self.counts, self.places, &self.policy.ip);
        Decision::by(&self.policy, self.now, rules.iter().map(Rule::from).chain(more).collect())
    }

    /// What the detectors get to know of it.
    pub(crate) fn facts(&self) -> Option<AddressFacts> {
        ip_window::facts(&self.window, &self.counts, &self.policy.ip)
    }

    /// The limits as they stand, for the headers.
    pub(crate) fn status(&self) -> RateStatus {
        ip_window::assess(&self.window, &self.counts, self.places, &self.policy.ip, self.now).status
    }

    /// The same once the failure's place is given back.
    pub(crate) fn refunded_status(&self) -> RateStatus {
        let counts = self.counts.clone().without_failure(&self.window);
        ip_window::assess(&self.window, &counts, self.places, &self.policy.ip, self.now).status
    }

    /// Gives the failure's place back, where one was taken.
    pub(crate) async fn give_back(&self, counters: &Counters) -> Result<(), Fault> {
        if self.counts.are_unreadable() { Ok(()) } else { counters.refund_failure(&self.window).await }
    }
}

/// Tells operators of `signals`, and only then marks that they were told: what fails is told by the next request.
async fn tell(
    gate: &Gate,
    incidents: &Incidents,
    window: &IpWindow,
    signals: &[Signal],
    (ip, now): (ClientIp, Timestamp),
) -> Result<(), Fault> {
    let record = async |signal: &Signal| {
        let (kind, reason) = match signal {
            Signal::Names => (IncidentKind::UsernameEnumeration, "many_names"),
            Signal::Failures(_) => (IncidentKind::BruteForce, "one_address"),
            Signal::Requests => (IncidentKind::RateLimitAbuse, "global_rate_limit"),
        };
        incidents.record(&Occurrence::of(ip.prefix().as_str(), kind, reason, ip.to_string(), now)).await
    };
    try_join_all(signals.iter().map(record)).await?;
    gate.counters.mark_reported(window, signals.iter().map(|signal| signal.mark()).collect()).await
}

/// Gives the failure's place back for an attempt that ends without a password having been tried. It decides nothing any more: a place
/// not given back is one too many.
pub(crate) async fn give_back(counters: &Counters, address: &Result<Address, Fault>, trail: &mut Trail) {
    if let Ok(address) = address {
        note_fault(address.give_back(counters).await, trail);
    }
}

/// A failed call that decides nothing is logged and changes nothing.
pub(crate) fn note_fault(result: Result<(), Fault>, trail: &mut Trail) {
    if let Err(fault) = result {
        trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
    }
}
