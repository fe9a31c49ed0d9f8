//! Login: who may try, whether the password is right, and what a success leaves behind.
//!
//! ```text
//! 1  take places of the address ‖ read the lane (and the device's) ‖ read the account
//! 2  reserve a try on the lane                                      refused: give the failure's place back
//! 3  one hash, whether or not there is an account
//! 4  settle the try ‖ on success: store the session ‖ give the failure's place back ‖ end a presented session
//! ```
//!
//! Depth 3; 2 read and 5 write units for a success, 2 and 3 for a failure, 2 and 1 when the address is refused, 2 and 2 when the delay
//! refuses. A known device costs one read more.

mod gather;
mod settle;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::counters::Counters;
use palisade_cloud::{Accounts, Clock, Entropy, Parts, Sessions, Store};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::RateStatus;
use palisade_core::secret::SecretText;
use palisade_core::session::SessionKey;
use palisade_core::settings::{Settings, Table};
use palisade_core::{
    ClientIp, Denial, Fault, Identifier, IdentityKey, KeyRing, Password, Policy, RateLimited, Timestamp, UserAgent,
};
use std::time::Duration;

use crate::hasher::Hasher;
use crate::lane::Try;

/// The tables login cannot do without; its IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Sessions, Table::Counters];

/// What login works with.
#[derive(Debug)]
pub struct Deps {
    accounts: Accounts,
    sessions: Sessions,
    counters: Counters,
    keys: KeyRing,
    identity_key: IdentityKey,
    policy: Policy,
    ip_allowlist: Vec<ipnet::IpNet>,
    hasher: Hasher,
    entropy: Entropy,
    clock: Clock,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        let store = Store::new(&settings, parts);
        Ok(Self {
            accounts: Accounts::new(&store, &settings)?,
            sessions: Sessions::new(&store, &settings)?,
            counters: Counters::new(&store, &settings)?,
            keys: settings.keys,
            identity_key: settings.identity_key,
            policy: settings.policy,
            ip_allowlist: settings.ip_allowlist,
            hasher,
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        drop(self.counters.warm_up().await);
    }
}

/// One attempt to log in.
#[derive(Debug)]
pub struct Attempt {
    /// The name.
    pub identifier: Identifier,
    /// The password as sent.
    pub password: Password,
    /// Where from.
    pub ip: ClientIp,
    /// With what.
    pub user_agent: UserAgent,
    /// A device token sent along, not yet verified.
    pub device_token: Option<SecretText>,
    /// A session sent along: it ends when the login succeeds.
    pub presented: Option<SessionKey>,
}

/// What an attempt came to.
#[derive(Debug)]
pub struct Outcome {
    /// The limits of the address after this attempt, for the headers.
    pub rate: RateStatus,
    /// The session, or the refusal.
    pub result: Result<LoggedIn, Denial>,
}

/// A success, with everything its owner gets.
#[derive(Debug)]
pub struct LoggedIn {
    /// The account's public id.
    pub account_id: String,
    /// The session's token.
    pub token: SecretText,
    /// The token for state-changing requests of a cookie session.
    pub csrf_token: String,
    /// The device's token.
    pub device_token: SecretText,
    /// The session's absolute end.
    pub expires_at: Timestamp,
    /// Without use for so long it ends earlier.
    pub idle_timeout: Duration,
    /// How long the device stays known.
    pub device_lifetime: Duration,
    /// Whether the session may do nothing but change the password.
    pub password_change_required: bool,
}

/// Judges `attempt` and, when it is right, issues a session.
///
/// # Errors
/// A fault when the store or the hash did not do its part; nothing is known of the password then.
pub async fn login(deps: &Deps, attempt: Attempt, now: Timestamp, trail: &mut Trail) -> Result<Outcome, Fault> {
    let account_key = deps.identity_key.account_key(&attempt.identifier);
    trail.about(deps.keys.pseudonym(account_key.as_str()));
    let gathered = gather::gather(deps, &attempt, &account_key, now, trail).await?;
    if let Some(limit) = gathered.refusal_of_address(deps, trail) {
        return Ok(refused(gathered.address.status, limit));
    }
    let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<16>());
    let lane = gathered.lane(deps, &nonce, now);
    let this_try = Try { counters: &deps.counters, key: &lane.key, rules: lane.rules, nonce: &nonce, now };
    let reserved = match this_try.reserve(lane.item).await? {
        Ok(reserved) => reserved,
        Err(refusal) => {
            settle::note_fault(deps.counters.refund_failure(&gathered.window).await, trail);
            let limit = refusal.rate_limited(now);
            trail.record(Event::new(EventKind::ExcessRateLimitExceeded).reason(limit.reason.as_str()));
            return Ok(refused(gathered.refunded_status(deps, now), limit));
        }
    };
    let stored = gathered.account.as_ref().and_then(|account| account.password.clone());
    let checked = deps.hasher.verify(attempt.password, stored).await?;
    let client = settle::Client { ip: attempt.ip, user_agent: attempt.user_agent, presented: attempt.presented };
    settle::settle(deps, gathered, client, checked, (this_try, reserved), trail).await
}

fn refused(rate: RateStatus, limit: RateLimited) -> Outcome {
    Outcome { rate, result: Err(Denial::RateLimited(limit)) }
}
