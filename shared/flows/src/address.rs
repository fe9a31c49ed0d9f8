//! The limits of one address, on every route that has some.

use ipnet::IpNet;
use palisade_cloud::Counters;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::{self, IpCounts, IpWindow, Places, RateStatus};
use palisade_core::policy::IpLimits;
use palisade_core::{ClientIp, Fault, RateLimited, Settings, Timestamp};

/// What judging an address takes.
#[derive(Debug)]
pub(crate) struct Gate {
    counters: Counters,
    limits: IpLimits,
    allowlist: Vec<IpNet>,
}

impl Gate {
    pub(crate) fn new(counters: &Counters, settings: &Settings) -> Self {
        Self { counters: counters.clone(), limits: settings.policy.ip.clone(), allowlist: settings.ip_allowlist.clone() }
    }
}

impl Gate {
    pub(crate) async fn warm_up(&self) -> Result<(), Fault> {
        self.counters.warm_up().await
    }
}

/// A request's places in the window of its address.
pub(crate) struct Address {
    window: IpWindow,
    counts: IpCounts,
    places: Places,
    limits: IpLimits,
    now: Timestamp,
    /// Whether its limits do not refuse.
    pub(crate) allowlisted: bool,
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
        let counts = gate.counters.take_places(&window, places, name_tag).await?;
        // Told once in the window, by whichever route it happens on, before anything else of the request can fail.
        if counts.names_filled {
            trail.note(EventKind::UsernameEnumeration);
        }
        let allowlisted = ip.is_in(&gate.allowlist);
        Ok(Self { window, counts, places, limits: gate.limits.clone(), now, allowlisted })
    }

    /// The limit that is passed, whether or not it refuses.
    pub(crate) fn passed_limit(&self) -> Option<RateLimited> {
        ip_window::assess(&self.window, &self.counts, self.places, &self.limits, self.now).refusal
    }

    /// The limit that refuses, with what there is to log of it.
    pub(crate) fn refusal(&self, trail: &mut Trail) -> Option<RateLimited> {
        let limit = self.passed_limit()?;
        let kind = if self.allowlisted { EventKind::RateLimitExempted } else { EventKind::ExcessRateLimitExceeded };
        trail.record(Event::new(kind).reason(limit.reason.as_str()));
        (!self.allowlisted).then_some(limit)
    }

    /// The limits as they stand, for the headers.
    pub(crate) fn status(&self) -> RateStatus {
        ip_window::assess(&self.window, &self.counts, self.places, &self.limits, self.now).status
    }

    /// The same once the failure's place is given back.
    pub(crate) fn refunded_status(&self) -> RateStatus {
        let counts = self.counts.clone().without_failure(&self.window);
        ip_window::assess(&self.window, &counts, self.places, &self.limits, self.now).status
    }

    /// Gives the failure's place back, where one was taken.
    pub(crate) async fn give_back(&self, counters: &Counters) -> Result<(), Fault> {
        if self.counts.are_unreadable() { Ok(()) } else { counters.refund_failure(&self.window).await }
    }
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
