//! What is unusual about a login, and what follows from it (requirements r44 to r49).
//!
//! Each detector is one line of [`detect`] with a limit of [`AnomalyRules`]. Every anomaly has a weight; the sum picks a row of
//! [`ACTIONS`]. Nothing here refuses anybody: a right password is let in, and somebody is told.

use serde::Serialize;

use crate::baseline::Baseline;
use crate::timestamp::Timestamp;
use crate::zone::Zone;

/// Something unusual about a login that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// More logins in an hour than people make (r44).
    HighFrequencyLogins,
    /// At night, where the person lives (r45).
    UnusualTimeLogin,
    /// From more addresses in a day than people have (r46).
    MultipleIpAddresses,
    /// From an address with failed logins (r47).
    MultipleFailedLogins,
    /// From an address that tried many names (r48).
    UsernameEnumeration,
    /// From an address that tries many names and mostly fails (CASES A08).
    CredentialStuffing,
    /// After many failures in a row on this account.
    SuccessAfterFailures,
    /// From a device that is not known.
    NewDevice,
}

impl Anomaly {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::HighFrequencyLogins,
        Self::UnusualTimeLogin,
        Self::MultipleIpAddresses,
        Self::MultipleFailedLogins,
        Self::UsernameEnumeration,
        Self::CredentialStuffing,
        Self::SuccessAfterFailures,
        Self::NewDevice,
    ];

    /// The public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HighFrequencyLogins => "high_frequency_logins",
            Self::UnusualTimeLogin => "unusual_time_login",
            Self::MultipleIpAddresses => "multiple_ip_addresses",
            Self::MultipleFailedLogins => "multiple_failed_logins",
            Self::UsernameEnumeration => "username_enumeration",
            Self::CredentialStuffing => "credential_stuffing",
            Self::SuccessAfterFailures => "success_after_failures",
            Self::NewDevice => "new_device",
        }
    }

    /// How much it says of whether somebody else signed in. What colleagues behind one address do to one another weighs little, what an
    /// attack leaves behind is an incident by itself or with a new device.
    pub fn weight(self) -> u32 {
        match self {
            Self::MultipleFailedLogins | Self::UsernameEnumeration => 5,
            Self::NewDevice | Self::UnusualTimeLogin => 10,
            Self::HighFrequencyLogins | Self::MultipleIpAddresses => 20,
            Self::SuccessAfterFailures => 40,
            Self::CredentialStuffing => 50,
        }
    }
}

/// What follows from a login's anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They are told in the answer and in the log.
    Allow,
    /// The account's owner gets a notice as well.
    Notice,
    /// An operator gets an incident as well.
    Incident,
}

/// From which score on what follows, highest first.
pub const ACTIONS: [(u32, Action); 3] = [(50, Action::Incident), (30, Action::Notice), (0, Action::Allow)];

/// The numbers of the detectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnomalyRules {
    /// `PALISADE_ANOMALY_LOGINS_PER_HOUR`: more is unusual; the article's 10 (r44).
    pub logins_per_hour: u64,
    /// `PALISADE_ANOMALY_ADDRESSES_PER_DAY`: more is unusual; the article's 5 (r46).
    pub addresses_per_day: u64,
    /// `PALISADE_ANOMALY_FAILURES_PER_IP`: more at one address, in the window of failed logins, is unusual; the article's 3 (r47).
    pub failures_per_address: u64,
    /// `PALISADE_ANOMALY_FAILURES_IN_A_ROW`: as many on one account are brute force, and a success after them is unusual; an hour without
    /// one forgets them. 10, as a known device closes at.
    pub failures_in_a_row: u64,
    /// `PALISADE_ANOMALY_FAILURES_PER_HOUR`: as many failed logins of all accounts together, when they are a fifth of all logins, are an
    /// attack that no address and no account shows (CASES A07). People mistype one time in ten to twenty-five.
    pub failures_per_hour: u64,
    /// The hours of the day: from 6 to 22 logins are usual (r45).
    pub day: std::ops::Range<u8>,
    /// `PALISADE_TIME_ZONE`, for accounts that have none of their own.
    pub zone: Zone,
}

impl Default for AnomalyRules {
    fn default() -> Self {
        Self {
            logins_per_hour: 10,
            addresses_per_day: 5,
            failures_per_address: 3,
            failures_in_a_row: 10,
            failures_per_hour: 100,
            day: 6..22,
            zone: Zone::default(),
        }
    }
}

/// What an address did in its window, this login left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressFacts {
    /// Failed logins in the window that its limit is counted in.
    pub failures: u64,
    /// Failed logins in the hour.
    pub failures_in_hour: u64,
    /// Logins in the hour. Not all sign-in requests: others cost nothing and would hide the failures.
    pub logins: u64,
    /// Whether it tried more names than are told apart.
    pub names_full: bool,
}

impl AddressFacts {
    /// How many failures make an address that tries many names one that stuffs credentials, as long as they are half of what it does:
    /// an office behind one address fails once in twenty-five (CASES A27), a list of stolen passwords nearly always (A08).
    const STUFFING_FAILURES: u64 = 10;

    fn stuffs(self) -> bool {
        self.names_full
            && self.failures_in_hour >= Self::STUFFING_FAILURES
            && self.failures_in_hour.saturating_mul(2) >= self.logins
    }
}

/// What is known of a login that succeeded. What could not be read is left out and not suspected.
#[derive(Debug, Clone)]
pub struct LoginFacts<'a> {
    /// When.
    pub now: Timestamp,
    /// Where the person lives.
    pub zone: &'a Zone,
    /// The account's logins, this one among them.
    pub baseline: Option<&'a Baseline>,
    /// The address.
    pub address: Option<AddressFacts>,
    /// Failures in a row on the lane before this success, without an hour between them.
    pub failures_in_a_row: u64,
    /// Whether the device is known.
    pub known_device: bool,
}

/// Every anomaly of a login, in the order of [`Anomaly::ALL`].
pub fn detect(login: &LoginFacts<'_>, rules: &AnomalyRules) -> Vec<Anomaly> {
    let over = |count: usize, limit: u64| u64::try_from(count).is_ok_and(|count| count > limit);
    let at_night = login.zone.hour_and_minute(login.now).is_some_and(|(hour, _)| !rules.day.contains(&hour));
    let is_unusual = |anomaly: &Anomaly| match anomaly {
        Anomaly::HighFrequencyLogins => login.baseline.is_some_and(|known| over(known.logins(login.now), rules.logins_per_hour)),
        Anomaly::UnusualTimeLogin => at_night,
        Anomaly::MultipleIpAddresses => {
            login.baseline.is_some_and(|known| over(known.addresses(login.now), rules.addresses_per_day))
        }
        Anomaly::MultipleFailedLogins => login.address.is_some_and(|address| address.failures > rules.failures_per_address),
        Anomaly::UsernameEnumeration => login.address.is_some_and(|address| address.names_full),
        Anomaly::CredentialStuffing => login.address.is_some_and(AddressFacts::stuffs),
        Anomaly::SuccessAfterFailures => login.failures_in_a_row >= rules.failures_in_a_row,
        Anomaly::NewDevice => !login.known_device,
    };
    Anomaly::ALL.into_iter().filter(is_unusual).collect()
}

/// The sum of the weights.
pub fn score(anomalies: &[Anomaly]) -> u32 {
    anomalies.iter().map(|anomaly| anomaly.weight()).sum()
}

/// What follows from `score`.
pub fn action(score: u32) -> Action {
    ACTIONS.iter().find(|(least, _)| score >= *least).map_or(Action::Allow, |(_, action)| *action)
}

/// Whether the logins of all accounts in one hour are an attack spread over addresses and accounts: many fail, and at least a fifth of all.
pub fn is_under_attack(failures: u64, successes: u64, rules: &AnomalyRules) -> bool {
    failures >= rules.failures_per_hour && failures.saturating_mul(4) >= successes
}

#[cfg(test)]
#[path = "anomaly/tests.rs"]
mod tests;
