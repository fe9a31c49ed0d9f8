//! How often an account's sessions may ask (requirement r37), counted in the warm environment and written down in batches.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use palisade_cloud::Counters;
use palisade_core::user_rate::{Counted, Tally, UserLimits, hour_of};
use palisade_core::{Account, AccountKey, Fault, Settings, Timestamp};

use crate::aside::Aside;

/// How many accounts an environment counts for: with the key below 1 MB.
const MOST: usize = 4_096;

/// Counts for every account that this environment sees.
#[derive(Debug)]
pub(crate) struct Users {
    counters: Counters,
    limits: UserLimits,
    aside: Aside,
    tallies: Mutex<HashMap<String, Tally>>,
}

impl Users {
    pub(crate) fn new(counters: &Counters, settings: &Settings) -> Self {
        let limits = settings.policy.user.clone();
        Self { counters: counters.clone(), limits, aside: Aside::new(settings), tallies: Mutex::default() }
    }

    /// Counts a request of `account` at `now`. [`Users::write`] follows, beside what else the request does.
    pub(crate) fn count(&self, account: &Account, now: Timestamp) -> Counted {
        let mut tallies = self.lock();
        if tallies.len() >= MOST && !tallies.contains_key(account.key.as_str()) {
            tallies.retain(|_, tally| tally.hour() >= hour_of(now));
            if tallies.len() >= MOST {
                // The one that asked least: up to a batch of it is forgotten, as if the environment had been replaced.
                let least = tallies.iter().min_by_key(|(_, tally)| tally.counted()).map(|(account, _)| account.clone());
                least.and_then(|account| tallies.remove(&account));
            }
        }
        let tally = tallies.entry(account.key.as_str().to_owned()).or_insert_with(|| Tally::new(now));
        tally.count(self.limits.of(account.role), now)
    }

    /// Whether operators were told in this hour that `account` was refused.
    pub(crate) fn is_told(&self, account: &AccountKey) -> bool {
        self.lock().get(account.as_str()).is_some_and(Tally::is_told)
    }

    /// They were.
    pub(crate) fn mark_told(&self, account: &AccountKey) {
        if let Some(tally) = self.lock().get_mut(account.as_str()) {
            tally.mark_told();
        }
    }

    /// Writes what was counted for `account`, where a batch is full, and learns what the others counted. A failure keeps nobody out: it is
    /// counted on here.
    pub(crate) async fn write(&self, account: &AccountKey) -> Result<(), Fault> {
        let full = self.lock().get_mut(account.as_str()).and_then(|tally| Some((tally.hour(), tally.take_batch()?)));
        let Some((hour, requests)) = full else {
            return Ok(());
        };
        let added = self.counters.add_requests(account, hour, requests);
        let written = self.aside.run("count of requests in counters", added).await;
        let mut tallies = self.lock();
        let Some(tally) = tallies.get_mut(account.as_str()) else {
            return written.map(drop);
        };
        match written {
            Ok(total) => {
                tally.written(hour, requests, total);
                Ok(())
            }
            Err(fault) => {
                tally.not_written(hour, requests);
                Err(fault)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
