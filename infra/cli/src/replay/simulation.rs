//! The login's limits over recorded attempts: the same pure rules as in the functions, one attempt after another, under the time of the log.
//!
//! What the log does not tell is not played: sign-ups and resets that share an address's limits, and attempts that overlapped.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use ipnet::IpNet;
use palisade_core::ip_window::{self, IpCounts, IpWindow, MAX_NAMES};
use palisade_core::throttle::{Lane, LaneRules, Refusal, Verdict};
use palisade_core::user_rate::hour_of;
use palisade_core::{LimitReason, Policy, Timestamp, route};

use super::attempt::Attempt;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// Its password was tried.
    Tried,
    /// It was refused.
    Refused(LimitReason),
}

/// What an attempt cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Password hashes.
    pub hashes: u64,
    /// DynamoDB read units.
    pub reads: u64,
    /// DynamoDB write units.
    pub writes: u64,
}

impl Cost {
    /// Of an attempt with a known device or without, from an address past its eleventh name or not, by the budgets that the acceptance
    /// suite counts.
    pub fn of(played: Played, right: bool, known_device: bool, past_names: bool) -> Self {
        let (hashes, writes) = match played {
            Played::Tried if right => (1, 6),
            Played::Tried => (1, 3),
            Played::Refused(LimitReason::LoginDelay) => (0, 2),
            Played::Refused(_) => (0, 1),
        };
        Self { hashes, reads: 2 + u64::from(known_device), writes: writes + u64::from(past_names) }
    }

    /// With another's.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { hashes: self.hashes + other.hashes, reads: self.reads + other.reads, writes: self.writes + other.writes }
    }
}

/// The bit that tells a device's lane from everybody's.
const DEVICE: u64 = 1 << 63;

/// Addresses and accounts as one policy sees them.
#[derive(Debug)]
pub struct Simulation<'a> {
    policy: &'a Policy,
    allowlist: &'a [IpNet],
    windows: HashMap<String, Window>,
    /// By the hash of their names: fixed, so that a run can be repeated.
    lanes: HashMap<u64, Lane>,
    /// Failures in a row of lanes at rest, which still count towards closing: two words for a name that nobody tries any more.
    at_rest: HashMap<u64, u8>,
    hasher: BuildHasherDefault<DefaultHasher>,
    hour: i64,
}

#[derive(Debug)]
struct Window {
    of: IpWindow,
    counts: IpCounts,
    names: HashSet<u64>,
}

impl<'a> Simulation<'a> {
    /// Nothing has happened yet.
    pub fn new(policy: &'a Policy, allowlist: &'a [IpNet]) -> Self {
        Self {
            policy,
            allowlist,
            windows: HashMap::new(),
            lanes: HashMap::new(),
            at_rest: HashMap::new(),
            hasher: BuildHasherDefault::default(),
            hour: i64::MIN,
        }
    }

    /// Plays `attempt`; where limits are only monitored everything is tried.
    pub fn play(&mut self, attempt: &Attempt) -> Played {
        let played = self.judge(attempt);
        if self.policy.enforced { played } else { Played::Tried }
    }

    /// Whether the address of `attempt`, which comes next, has tried eleven names and not this one: then counting it takes a write more.
    pub fn is_past_names(&self, attempt: &Attempt) -> bool {
        let window = IpWindow::at(attempt.ip.prefix(), attempt.at);
        let known = self.windows.get(window.prefix().as_str()).filter(|known| known.of.counter() == window.counter());
        let name = self.hasher.hash_one(&attempt.account) & !DEVICE;
        known.is_some_and(|known| known.names.len() >= MAX_NAMES && !known.names.contains(&name))
    }

    fn judge(&mut self, attempt: &Attempt) -> Played {
        self.forget(attempt.at);
        let account = self.hasher.hash_one(&attempt.account) & !DEVICE;
        let device = attempt.device.as_ref().map(|device| self.hasher.hash_one((&attempt.account, device)) | DEVICE);
        let window = IpWindow::at(attempt.ip.prefix(), attempt.at);
        self.take_places(&window, account);
        if let Some(device) = device {
            match self.reserve(device, attempt, &self.policy.device_lane) {
                Ok(()) => return self.settle(device, attempt, &self.policy.device_lane, &window),
                Err(Refusal::Delayed(_)) => return self.delayed(&window),
                Err(Refusal::Closing(_) | Refusal::Closed) => {}
            }
        }
        let counts = self.windows.get(attempt.ip.prefix().as_str()).map(|window| &window.counts);
        let judged = counts.map(|counts| ip_window::assess(&window, counts, route::LOGIN, &self.policy.ip, attempt.at));
        let is_allowlisted = attempt.ip.is_in(self.allowlist);
        if let Some(limit) = judged.and_then(|verdict| verdict.refusal).filter(|_| !is_allowlisted) {
            return Played::Refused(limit.reason);
        }
        match self.reserve(account, attempt, &self.policy.common_lane) {
            Ok(()) => self.settle(account, attempt, &self.policy.common_lane, &window),
            Err(_) => self.delayed(&window),
        }
    }

    fn take_places(&mut self, window: &IpWindow, name: u64) {
        let key = window.prefix().as_str();
        if self.windows.get(key).is_none_or(|known| known.of.counter() != window.counter()) {
            let fresh = Window { of: window.clone(), counts: IpCounts::default(), names: HashSet::new() };
            self.windows.insert(key.to_owned(), fresh);
        }
        let Some(known) = self.windows.get_mut(key) else { return };
        if known.names.len() < MAX_NAMES {
            known.names.insert(name);
        }
        known.counts.names = known.names.len();
        known.counts.requests += 1;
        known.counts.auth_requests += 1;
        if let Some(failures) = known.counts.failures.get_mut(window.quarter()) {
            *failures += 1;
        }
    }

    fn give_back(&mut self, window: &IpWindow) {
        if let Some(known) = self.windows.get_mut(window.prefix().as_str()) {
            known.counts = std::mem::take(&mut known.counts).without_failure(window);
        }
    }

    fn delayed(&mut self, window: &IpWindow) -> Played {
        self.give_back(window);
        Played::Refused(LimitReason::LoginDelay)
    }

    fn reserve(&mut self, lane: u64, attempt: &Attempt, rules: &LaneRules) -> Result<(), Refusal> {
        let at_rest = &mut self.at_rest;
        let known = self.lanes.entry(lane).or_insert_with(|| {
            let settled = at_rest.remove(&lane).map_or(0, u64::from);
            Lane { settled, forgotten: settled, ..Lane::default() }
        });
        *known = known.reserve("", attempt.at, rules)?;
        Ok(())
    }

    fn settle(&mut self, lane: u64, attempt: &Attempt, rules: &LaneRules, window: &IpWindow) -> Played {
        let verdict = if attempt.is_right() { Verdict::Success } else { Verdict::Failure };
        if let Some(settled) = self.lanes.get(&lane).and_then(|held| held.settle("", verdict, attempt.at, rules)) {
            self.lanes.insert(lane, settled);
        }
        if verdict == Verdict::Success {
            self.give_back(window);
        }
        Played::Tried
    }

    /// Once an hour: what no longer matters.
    fn forget(&mut self, now: Timestamp) {
        let hour = hour_of(now);
        if hour <= self.hour {
            return;
        }
        self.hour = hour;
        self.windows.retain(|_, known| known.of.expires_at() > now);
        let Policy { common_lane, device_lane, .. } = self.policy;
        let at_rest = &mut self.at_rest;
        self.lanes.retain(|name, lane| {
            let rules = if name & DEVICE == 0 { common_lane } else { device_lane };
            let rests = lane.last_failure.is_none_or(|last| now >= last.plus(rules.memory).plus(rules.delay_cap));
            let in_a_row = u8::try_from(lane.in_a_row()).unwrap_or(u8::MAX);
            if rests && rules.closes_at.is_some() && in_a_row > 0 {
                at_rest.insert(*name, in_a_row);
            }
            !rests
        });
    }
}
