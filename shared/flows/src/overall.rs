//! The logins of all accounts together: counted in the warm environment, added up in batches, so that no item is written by every
//! request (CASES A07).

use std::sync::{Mutex, PoisonError};

use palisade_cloud::{Counters, Incidents};
use palisade_core::anomaly::{AnomalyRules, is_under_attack};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::{ClientIp, Fault, Timestamp, user_rate};

/// How many failures an environment counts before it writes them down: a tenth of the number that is an attack.
const BATCH: u64 = 10;

/// Counts the logins of this environment.
#[derive(Debug, Default)]
pub(crate) struct OverallCount(Mutex<Pending>);

#[derive(Debug, Default, Clone, Copy)]
struct Pending {
    hour: i64,
    failures: u64,
    successes: u64,
}

impl OverallCount {
    /// Counts a success. It is written down with the failures.
    pub(crate) fn success(&self, now: Timestamp) {
        self.at(now, |pending| pending.successes += 1);
    }

    /// Counts a failure, and writes a full batch down. When the hour is an attack, operators are told once.
    pub(crate) async fn failure(
        &self,
        (counters, incidents): (&Counters, &Incidents),
        rules: &AnomalyRules,
        ip: ClientIp,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<(), Fault> {
        let full = self.at(now, |pending| {
            pending.failures += 1;
            let hour = pending.hour;
            (pending.failures >= BATCH).then(|| std::mem::replace(pending, Pending { hour, ..Pending::default() }))
        });
        let Some(Pending { hour, failures, successes }) = full else {
            return Ok(());
        };
        let overall = counters.add_overall(hour, failures, successes).await?;
        if overall.reported || !is_under_attack(overall.failures, overall.successes, rules) {
            return Ok(());
        }
        trail.record(Event::new(EventKind::BruteForce).reason("all_accounts"));
        let occurrence = Occurrence::of("all", IncidentKind::BruteForce, "all_accounts", ip.to_string(), now);
        incidents.record(&occurrence).await?;
        counters.mark_overall(hour).await
    }

    fn at<T>(&self, now: Timestamp, count: impl FnOnce(&mut Pending) -> T) -> T {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = user_rate::hour_of(now);
        if hour != pending.hour {
            *pending = Pending { hour, ..Pending::default() };
        }
        count(&mut pending)
    }
}
