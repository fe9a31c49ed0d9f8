//! What another policy would have done, beside what was done.

use std::collections::{BTreeMap, HashMap};

use palisade_core::Timestamp;
use serde::Serialize;

use super::attempt::{Attempt, Recorded};
use super::simulation::{Cost, Played};

/// How soon a success from the same device or address shows that an attempt was its owner's: an hour.
const WITHIN_MS: i64 = 3_600_000;

/// How many of those newly refused are named.
const NAMED: usize = 20;

/// What one policy did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Attempts whose password was tried.
    pub tried: u64,
    /// Attempts that were refused.
    pub refused: u64,
    /// Of those, attempts of people who got in from the same device or address within the hour, or whose password was right.
    pub refused_owners: u64,
    /// Of those, attempts from known devices.
    pub refused_known_devices: u64,
    /// Attempts of attackers that were refused.
    pub stopped: u64,
    /// Attempts of attackers that were tried and right.
    pub broken_in: u64,
    /// What it cost.
    #[serde(skip)]
    pub cost: Cost,
}

/// Both sides.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Attempts.
    pub attempts: u64,
    /// Of those, attackers': by a scenario's truth, else everything that is no success and was followed by none.
    pub attack: u64,
    /// As recorded.
    pub today: Side,
    /// Under the candidate.
    pub candidate: Side,
    /// Refusals of the candidate by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Accounts that only the candidate refuses, with how often.
    newly: HashMap<String, u64>,
    /// Attempts that nobody knows yet whose they are, by account and source.
    open: HashMap<(String, String), Open>,
    /// Per five minutes: attempts, refused today, refused under the candidate.
    pub series: BTreeMap<i64, [u64; 3]>,
    swept_at: i64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Open {
    last_at: i64,
    attempts: u64,
    today_refused: u64,
    candidate_refused: u64,
}

impl Comparison {
    /// Adds `attempt`, which the candidate played; `past_names` tells whether its address had tried eleven others.
    pub fn add(&mut self, attempt: &Attempt, candidate: Played, past_names: bool) {
        self.attempts += 1;
        let known = attempt.device.is_some();
        let today = match attempt.recorded {
            Some(Recorded::Refused(reason)) => Played::Refused(reason),
            Some(Recorded::Success | Recorded::Failure) | None => Played::Tried,
        };
        for (side, played) in [(&mut self.today, today), (&mut self.candidate, candidate)] {
            let is_refused = played != Played::Tried;
            side.refused += u64::from(is_refused);
            side.tried += u64::from(!is_refused);
            side.refused_known_devices += u64::from(is_refused && known && attempt.truth.is_none_or(|truth| !truth.attacker));
            side.cost = side.cost.and(Cost::of(played, attempt.is_right(), known, past_names));
        }
        if let Played::Refused(reason) = candidate {
            *self.reasons.entry(reason.as_str()).or_default() += 1;
            if today == Played::Tried {
                self.name(&attempt.account);
            }
        }
        let at = self.series.entry(attempt.at.millis().div_euclid(300_000)).or_default();
        for (slot, counts) in at.iter_mut().zip([true, today != Played::Tried, candidate != Played::Tried]) {
            *slot += u64::from(counts);
        }
        self.whose(attempt, today, candidate);
    }

    /// Whether owner or attacker: told by the scenario, else by a success that follows.
    fn whose(&mut self, attempt: &Attempt, today: Played, candidate: Played) {
        let refused = [today, candidate].map(|played| u64::from(played != Played::Tried));
        if let Some(truth) = attempt.truth {
            self.attack += u64::from(truth.attacker);
            for (side, refused) in [&mut self.today, &mut self.candidate].into_iter().zip(refused) {
                side.stopped += u64::from(truth.attacker) * refused;
                side.refused_owners += u64::from(!truth.attacker) * refused;
                side.broken_in += u64::from(truth.attacker && truth.right) * (1 - refused);
            }
            return;
        }
        self.sweep(attempt.at);
        let sources = [Some(attempt.ip.to_string()), attempt.device.clone()].into_iter().flatten();
        if attempt.recorded == Some(Recorded::Success) {
            self.candidate.refused_owners += refused[1];
            for source in sources {
                if let Some(open) = self.open.remove(&(attempt.account.clone(), source)) {
                    self.today.refused_owners += open.today_refused;
                    self.candidate.refused_owners += open.candidate_refused;
                }
            }
        } else if let Some(source) = sources.last() {
            let open = self.open.entry((attempt.account.clone(), source)).or_default();
            open.last_at = attempt.at.millis();
            open.attempts += 1;
            open.today_refused += refused[0];
            open.candidate_refused += refused[1];
        }
    }

    /// Whatever has seen no success for an hour was an attack; every quarter of an hour, so that nothing piles up.
    fn sweep(&mut self, now: Timestamp) {
        if now.millis() - self.swept_at < WITHIN_MS / 4 {
            return;
        }
        self.swept_at = now.millis();
        let open = std::mem::take(&mut self.open);
        let (kept, attacks): (HashMap<_, _>, HashMap<_, _>) =
            open.into_iter().partition(|(_, open)| now.millis() - open.last_at < WITHIN_MS);
        self.open = kept;
        for open in attacks.into_values() {
            self.was_an_attack(open);
        }
    }

    fn was_an_attack(&mut self, open: Open) {
        self.attack += open.attempts;
        self.today.stopped += open.today_refused;
        self.candidate.stopped += open.candidate_refused;
    }

    /// Nothing follows any more.
    pub fn finish(&mut self) {
        for open in std::mem::take(&mut self.open).into_values() {
            self.was_an_attack(open);
        }
    }

    fn name(&mut self, account: &str) {
        // More than are shown, so that those refused most are among them; bounded, so that a spray does not fill the memory.
        if self.newly.len() < 10_000 || self.newly.contains_key(account) {
            *self.newly.entry(account.to_owned()).or_default() += 1;
        }
    }

    /// The accounts that only the candidate refuses, those refused most first.
    pub fn newly_refused(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self.newly.iter().map(|(account, count)| (account.as_str(), *count)).collect();
        all.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
        all.truncate(NAMED);
        all
    }
}
