//! The breach check on its own (requirement r20): one write for the limits, nothing else of the store.

use std::sync::Arc;

use palisade_cloud::{Clock, Counters, Hibp, Parts, Store};
use palisade_core::breach::{Breach, BreachRules, Unavailable};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::settings::{Settings, Table};
use palisade_core::{ClientIp, Fault, Password, Timestamp, route};

use crate::Outcome;
use crate::address::{Address, Gate};

/// The tables it cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Counters];

/// What a breach check works with.
#[derive(Debug)]
pub struct Deps {
    gate: Gate,
    hibp: Arc<Hibp>,
    rules: BreachRules,
    clock: Clock,
}

impl Deps {
    /// Handles to the table that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts, hibp: Arc<Hibp>) -> Result<Self, Fault> {
        let counters = Counters::new(&Store::new(settings, parts), settings)?;
        let rules = settings.policy.breach.clone();
        Ok(Self { gate: Gate::new(&counters, None, settings), hibp, rules, clock: parts.clock.clone() })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.gate.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What is known of a password, and whether it would be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// What is known.
    pub breach: Breach,
    /// Whether the policy refuses it for that.
    pub blocked: bool,
}

/// Looks `password` up.
///
/// # Errors
/// A fault when the counters of the address failed.
pub async fn check(
    deps: &Deps,
    password: &Password,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<Checked>, Fault> {
    let address = Address::take(&deps.gate, ip, route::BREACH_CHECK, None, now, trail).await?;
    let rate = Some(address.status());
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate, result: Err(denial) });
    }
    let breach = deps.hibp.check(password, now).await;
    let blocked = match breach {
        Breach::Clean => false,
        Breach::Breached(count) => count > deps.rules.block_over,
        Breach::Unknown(reason) => {
            trail.record(Event::new(EventKind::BreachUnknown).reason(reason.as_str()));
            deps.rules.unavailable == Unavailable::Refuse
        }
    };
    Ok(Outcome { rate, result: Ok(Checked { breach, blocked }) })
}
