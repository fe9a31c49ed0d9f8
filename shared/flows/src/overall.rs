//! The logins of all accounts together: counted in the warm environment, added up in batches, so that no item is written by every
//! request (CASES A07).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use palisade_cloud::{Counters, Incidents};
use palisade_core::anomaly::{AnomalyRules, is_under_attack};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::{ClientIp, Fault, Timestamp, user_rate};

/// How many failures an environment counts before it writes them down.
const BATCH: u64 = 10;

/// Counts the logins of this environment, by the hour: the current one, and the one before until it is written down.
#[derive(Debug, Default)]
pub(crate) struct OverallCount(Mutex<BTreeMap<i64, Pending>>);

#[derive(Debug, Default, Clone, Copy)]
struct Pending {
    failures: u64,
    successes: u64,
}

/// The most hours that wait: while nothing can be written, the oldest is forgotten.
const MOST_HOURS: usize = 3;

impl OverallCount {
    /// Counts a success. It is written down with the failures.
    pub(crate) fn success(&self, now: Timestamp) {
        self.add(user_rate::hour_of(now), Pending { failures: 0, successes: 1 });
    }

    /// Counts a failure, and writes down a full batch and whatever is left of an hour that has ended. When an hour is an attack, operators
    /// are told once. What cannot be written is counted on.
    pub(crate) async fn failure(
        &self,
        (counters, incidents): (&Counters, &Incidents),
        rules: &AnomalyRules,
        ip: ClientIp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.add(user_rate::hour_of(now), Pending { failures: 1, successes: 0 });
        // All of them are put back unless written, also when this future is dropped half-way: the time for such writes is short.
        let due: Vec<PutBack<'_>> = self
            .take_due(user_rate::hour_of(now))
            .into_iter()
            .map(|(hour, pending)| PutBack { count: self, hour, pending })
            .collect();
        let mut told = Ok(false);
        for back in due {
            match write_down(back, (counters, incidents), rules, ip, now).await {
                Ok(is_told) => told = told.map(|told| told || is_told),
                Err(fault) => told = Err(fault),
            }
        }
        told
    }

    fn take_due(&self, now: i64) -> Vec<(i64, Pending)> {
        let mut hours = self.lock();
        let is_due = |hour: &i64, pending: &Pending| pending.failures >= BATCH || (*hour < now && pending.failures > 0);
        let due: Vec<(i64, Pending)> =
            hours.iter().filter(|(hour, pending)| is_due(hour, pending)).map(|(hour, pending)| (*hour, *pending)).collect();
        hours.retain(|hour, pending| !is_due(hour, pending) && *hour >= now);
        due
    }

    fn add(&self, hour: i64, more: Pending) {
        let mut hours = self.lock();
        let pending = hours.entry(hour).or_default();
        pending.failures += more.failures;
        pending.successes += more.successes;
        while hours.len() > MOST_HOURS {
            hours.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds one hour's logins to everybody's; whether operators were told of it.
async fn write_down(
    mut back: PutBack<'_>,
    (counters, incidents): (&Counters, &Incidents),
    rules: &AnomalyRules,
    ip: ClientIp,
    now: Timestamp,
) -> Result<bool, Fault> {
    let (hour, pending) = (back.hour, back.pending);
    let overall = counters.add_overall(hour, pending.failures, pending.successes).await?;
    back.pending = Pending::default();
    if overall.reported || !is_under_attack(overall.failures, overall.successes, rules) {
        return Ok(false);
    }
    let occurrence = Occurrence::of("all", IncidentKind::BruteForce, "all_accounts", ip.to_string(), now);
    incidents.record(&occurrence).await?;
    counters.mark_overall(hour).await?;
    Ok(true)
}

/// What was taken to be written, and was not yet.
struct PutBack<'a> {
    count: &'a OverallCount,
    hour: i64,
    pending: Pending,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        if self.pending.failures > 0 {
            self.count.add(self.hour, self.pending);
        }
    }
}
