//! Login: who may try, whether the password is right, and what a success leaves behind.
//!
//! ```text
//! 1  take places of the address ‖ read the lane (and the device's) ‖ read the account
//! 2  reserve a try on the lane                 refused, or a fault so far: give the failure's place back
//! 3  one hash, whether or not there is an account
//!    a password the breach service had not answered for when it was set: ask now
//! 4  settle the try ‖ on success: store the session ‖ give the failure's place back ‖ end a presented session ‖ note the login
//!                   ‖ on failure: count it with all accounts' ‖ brute force: tell operators
//! 5  much is unusual about a success: tell its owner, or operators too
//! ```
//!
//! Depth 3; 2 read and 6 write units for a success, 2 and 3 for a failure, 2 and 1 when the address is refused, 2 and 2 when the delay
//! refuses; one write and one round trip more once the address has tried its eleventh name. A known device costs one read more.

mod admit;
mod gather;
mod judge;
mod settle;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::counters::Counters;
use palisade_cloud::{Accounts, Clock, Entropy, Hibp, Incidents, Notices, Parts, Sessions, Store, Transactions};
use palisade_core::breach::Breach;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::hashing::{Checked, Verified};
use palisade_core::secret::SecretText;
use palisade_core::session::{Granted, SessionKey};
use palisade_core::settings::{Settings, Table};
use palisade_core::{ClientIp, Fault, Identifier, IdentityKey, KeyRing, Password, Policy, Status, Timestamp, UserAgent};
use std::sync::Arc;

use crate::address::Gate;
use crate::aside::Aside;
use crate::hasher::Hasher;
use crate::overall::OverallCount;

/// The tables login cannot do without; its IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Sessions, Table::Counters, Table::Incidents, Table::Notices];

/// What login works with.
#[derive(Debug)]
pub struct Deps {
    accounts: Accounts,
    sessions: Sessions,
    counters: Counters,
    keys: Arc<KeyRing>,
    identity_key: Arc<IdentityKey>,
    policy: Policy,
    gate: Gate,
    incidents: Incidents,
    notices: Notices,
    transactions: Transactions,
    overall: OverallCount,
    aside: Aside,
    hibp: Arc<Hibp>,
    hasher: Hasher,
    entropy: Entropy,
    clock: Clock,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        let counters = Counters::new(&store, settings)?;
        let incidents = Incidents::new(&store, settings)?;
        Ok(Self {
            gate: Gate::new(&counters, Some(incidents.clone()), settings),
            incidents,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            overall: OverallCount::default(),
            aside: Aside::new(settings),
            accounts: Accounts::new(&store, settings)?,
            sessions: Sessions::new(&store, settings)?,
            counters,
            keys: Arc::clone(&settings.keys),
            identity_key: Arc::clone(&settings.identity_key),
            policy: settings.policy.clone(),
            hibp: Arc::new(Hibp::new(settings)),
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
        self.gate.warm_up(self.now()).await;
    }
}

/// One attempt to log in.
#[derive(Debug)]
pub struct Attempt {
    /// The name.
    pub identifier: Identifier,
    /// The password as sent.
    pub password: Arc<Password>,
    /// Where from.
    pub ip: ClientIp,
    /// With what.
    pub user_agent: UserAgent,
    /// A device token sent along, not yet verified.
    pub device_token: Option<SecretText>,
    /// Sessions sent along: they end when the login succeeds.
    pub presented: Vec<SessionKey>,
}

/// What an attempt came to.
pub type Outcome = crate::Outcome<Granted>;

/// Judges `attempt` and, when it is right, issues a session.
///
/// # Errors
/// A fault when the store or the hash did not do its part; nothing is known of the password then.
pub async fn login(deps: &Deps, attempt: Attempt, now: Timestamp, trail: &mut Trail) -> Result<Outcome, Fault> {
    let account_key = deps.identity_key.account_key(&attempt.identifier);
    let name = deps.keys.pseudonym(account_key.as_str());
    trail.about(name.clone());
    let gathered = gather::gather(deps, &attempt, &account_key, now, trail).await?;
    let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<16>());
    let request = admit::Request { account_key: &account_key, nonce: &nonce, now };
    let admitted = match admit::admit(deps, gathered, request, trail).await? {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    let stored = admitted.account.as_ref().and_then(|account| account.password.clone());
    let verified = deps.hasher.verify(&attempt.password, stored, deps.entropy.bytes()).await?;
    let breach = recheck(deps, &admitted, &attempt.password, &verified, now, trail).await;
    let client = settle::Client { name, ip: attempt.ip, user_agent: attempt.user_agent, presented: attempt.presented };
    settle::settle(deps, admitted, client, (verified, breach), trail).await
}

/// Asks about a right password that the breach service had not answered for when it was set (requirement r18). Only after the hash, so
/// that nobody learns of the flag by guessing.
async fn recheck(
    deps: &Deps,
    admitted: &admit::Admitted<'_>,
    password: &Password,
    verified: &Verified,
    now: Timestamp,
    trail: &mut Trail,
) -> Option<Breach> {
    let is_flagged = admitted.account.as_ref().is_some_and(|account| account.breach_unchecked && account.status == Status::Active);
    if !is_flagged || verified.checked != Checked::Right {
        return None;
    }
    let breach = deps.hibp.check(password, now).await;
    if let Breach::Unknown(reason) = breach {
        trail.record(Event::new(EventKind::BreachUnknown).reason(reason.as_str()));
    }
    Some(breach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use zeroize::Zeroizing;

    #[test]
    fn sc02_attempts_and_outcomes_print_redacted() {
        let canary = || SecretText::new("canary-4711".to_owned());
        let attempt = Attempt {
            identifier: Identifier::parse("alice").expect("a name"),
            password: Arc::new(Password::of(Zeroizing::new("canary-4711".to_owned())).expect("a password")),
            ip: ClientIp::Unknown,
            user_agent: UserAgent::new("agent"),
            device_token: Some(canary()),
            presented: SessionKey::of_token(&format!("{}.{}", "A".repeat(22), "A".repeat(43))).into_iter().collect(),
        };
        let logged_in = Granted {
            account_id: "id".to_owned(),
            token: canary(),
            csrf_token: canary(),
            device_token: canary(),
            expires_at: Timestamp::EPOCH,
            idle_timeout: Duration::ZERO,
            device_lifetime: Duration::ZERO,
            password_change_required: false,
            anomalies: Vec::new(),
        };
        assert_eq!(attempt.presented.len(), 1);
        let shown = format!("{attempt:?} {:?}", Outcome { rate: None, result: Ok(logged_in) });
        assert!(!shown.contains("canary") && !shown.contains(&"A".repeat(43)), "{shown}");
    }
}
