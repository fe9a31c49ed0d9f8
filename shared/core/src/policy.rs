//! The two policy profiles and every number in them.
//!
//! `seed` has the numbers of the article Palisade rebuilds; `nist` those of NIST SP 800-63B-4 for a single factor. Each number can be
//! overridden alone by the setting named at it.

use std::time::Duration;

use crate::anomaly::AnomalyRules;
use crate::assess::Binding;
use crate::breach::{BreachRules, Unavailable};
use crate::hashing::{Argon2Params, Cost, Scheme};
use crate::password::PasswordRules;
use crate::throttle::LaneRules;
use crate::timestamp::Timestamp;
use crate::user_rate::UserLimits;

/// Which set of numbers is the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The article's numbers, its bugs fixed.
    Seed,
    /// NIST SP 800-63B-4, single factor.
    Nist,
}

impl Profile {
    /// The word in `PALISADE_POLICY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Nist => "nist",
        }
    }
}

/// Over how long an address's failed logins are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureWindow {
    /// The current quarter of an hour.
    Quarter,
    /// The current hour.
    Hour,
}

/// What one address prefix may do in a fixed window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpLimits {
    /// `PALISADE_REQUESTS_PER_IP`, an hour: the article's 1000 in both profiles (requirement r34).
    pub requests_per_hour: u64,
    /// `PALISADE_AUTH_REQUESTS_PER_IP`, an hour: the article's 20 (r36); `nist` 1000, so that an office behind one address is not
    /// refused.
    pub auth_requests_per_hour: u64,
    /// `PALISADE_BREACH_CHECKS_PER_IP`, an hour: 60 in both.
    pub breach_checks_per_hour: u64,
    /// `PALISADE_LOGIN_FAILURES_PER_IP`, in [`IpLimits::failure_window`]: the article's 5 (r35); `nist` 100.
    pub failures: u64,
    /// A quarter of an hour in `seed`, an hour in `nist`.
    pub failure_window: FailureWindow,
}

/// How long a session lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRules {
    /// `PALISADE_SESSION_IDLE_S`: the article's hour (r21); NIST SP 800-63B-4, 2.2.3 allows it for AAL2.
    pub idle: Duration,
    /// `PALISADE_SESSION_MAX_S`: 24 hours from login, never extended (r27; NIST SP 800-63B-4, 2.2.3).
    pub absolute: Duration,
    /// What a session is bound to (r25, r26): the article's network and browser each, `nist` the two together.
    pub binding: Binding,
    /// `PALISADE_SESSIONS_NOT_BEFORE`: sessions of logins before this are dead, everybody's.
    pub not_before: Option<Timestamp>,
    /// `PALISADE_MAX_SESSIONS`: the oldest ends when an account has more; `None` for any number.
    pub most: Option<u64>,
}

/// All numbers in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where they started from.
    pub profile: Profile,
    /// `PALISADE_LIMITS`: whether limits refuse, or are only told of.
    pub enforced: bool,
    /// Limits of one address.
    pub ip: IpLimits,
    /// Limits of one account with a session.
    pub user: UserLimits,
    /// What is unusual about a login.
    pub anomaly: AnomalyRules,
    /// The throttle of an account as strangers see it.
    pub common_lane: LaneRules,
    /// The throttle of an account from one known device.
    pub device_lane: LaneRules,
    /// The throttle of wrong current passwords given within one session: the fifth ends it (CASES A31).
    pub session_lane: LaneRules,
    /// Sessions.
    pub session: SessionRules,
    /// How long a device stays known: 90 days.
    pub device_lifetime: Duration,
    /// `PALISADE_PASSWORD_MAX_AGE_DAYS`: the article's 90 days (r14); `nist` never (3.1.1.2: no periodic change).
    pub password_max_age: Option<Duration>,
    /// The cost of new password hashes.
    pub argon2: Argon2Params,
    /// `PALISADE_DUMMY_SCHEME`: how imported accounts' passwords are hashed, while there are any.
    pub dummy_scheme: Option<Scheme>,
    /// What a new password has to be.
    pub password: PasswordRules,
    /// What breaches mean.
    pub breach: BreachRules,
}

const DAY: Duration = Duration::from_hours(24);
const DEVICE_LIFETIME: Duration = Duration::from_hours(90 * 24);

impl Policy {
    /// The article's numbers.
    pub fn seed() -> Self {
        let lane = LaneRules {
            delay_cap: Duration::from_mins(1),
            memory: Duration::from_hours(1),
            lease: Duration::from_secs(5),
            leases: 3,
            closes_at: None,
            kept: None,
        };
        Self {
            profile: Profile::Seed,
            enforced: true,
            user: UserLimits { regular: 2_000, staff: 5_000, superuser: 10_000 },
            anomaly: AnomalyRules::default(),
            ip: IpLimits {
                requests_per_hour: 1_000,
                auth_requests_per_hour: 20,
                breach_checks_per_hour: 60,
                failures: 5,
                failure_window: FailureWindow::Quarter,
            },
            device_lane: LaneRules { closes_at: Some(10), kept: Some(DEVICE_LIFETIME), ..lane.clone() },
            session_lane: LaneRules { closes_at: Some(5), kept: Some(DAY), ..lane.clone() },
            common_lane: lane,
            session: SessionRules {
                idle: Duration::from_hours(1),
                absolute: DAY,
                binding: Binding::Either,
                not_before: None,
                most: None,
            },
            device_lifetime: DEVICE_LIFETIME,
            password_max_age: Some(DAY * 90),
            argon2: Argon2Params::OWASP_FLOOR,
            dummy_scheme: None,
            password: PasswordRules::seed(),
            breach: BreachRules { block_over: 100, warn_over: 10, unavailable: Unavailable::Allow },
        }
    }

    /// NIST SP 800-63B-4.
    pub fn nist() -> Self {
        let seed = Self::seed();
        Self {
            profile: Profile::Nist,
            ip: IpLimits { auth_requests_per_hour: 1_000, failures: 100, failure_window: FailureWindow::Hour, ..seed.ip },
            // SP 800-63B-4, 3.2.2: no more than 100 consecutive failed attempts on one account.
            common_lane: LaneRules { closes_at: Some(100), ..seed.common_lane },
            session: SessionRules { binding: Binding::Both, ..seed.session },
            password_max_age: None,
            password: PasswordRules::nist(),
            // 3.1.1.2: no value known from breaches.
            breach: BreachRules { block_over: 0, warn_over: 0, ..seed.breach },
            ..seed
        }
    }

    /// What a check of a password costs.
    pub fn hash_cost(&self) -> Cost {
        Cost { params: self.argon2, dummy: self.dummy_scheme }
    }
}
