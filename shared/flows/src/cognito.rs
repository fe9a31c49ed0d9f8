//! What a Cognito user pool's triggers do: one file for each part of a user's way through the pool.
//!
//! ```text
//! sign up      look-alikes, domains, how many: all reads and counts at once                             depth 1
//! confirmed    a new user, or a new password that ends everything else, in the pool as well             depth 2
//! sign in      before: read the lane, take a try          1 read, 1 write                               depth 2
//!              after: read lane and links at once, settle ‖ note the user ‖ baseline, or new device     depth 2, 1 read, 3 writes
//! code         made: one transaction; judged: take one of its tries, then use it up                    depth 2
//! tokens       read the links ‖ the account ‖ its code; another account, where a link leads there       depth 1
//! migrate      read the lane ‖ the account, take a try, one hash, ask the breach service, settle ‖ move  depth 3
//! ```
//!
//! The throttle goes by a person's verified address, else their name. Their account is found by the pool's own id of them, since whoever
//! holds a token can change the address: see [`Links`].
//!
//! Cognito shows no address: only limits per account hold here. What comes before a decision refuses when it cannot be known; what comes after
//! one never does.

mod code;
mod confirmed;
mod migrate;
mod sign_in;
mod sign_up;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::counters::{LinkKey, Links};
use palisade_cloud::user_pools::UserPools;
use palisade_cloud::{Accounts, Clock, Counters, Entropy, Hibp, Incidents, Notices, Parts, Store, Transactions, Write};
use palisade_core::account::PoolUser;
use palisade_core::cognito::Person;
use palisade_core::cognito::token::TokenRules;
use palisade_core::event::Trail;
use palisade_core::settings::{Cognito, Settings, Table};
use palisade_core::{Account, AccountKey, Fault, IdentityKey, KeyRing, Policy, Role, Status, Subject, Timestamp};

use crate::aside::Aside;
use crate::hasher::Hasher;
use crate::overall::OverallCount;

pub use code::{Challenge, make as make_code, verify as verify_code};
pub use confirmed::{password_set, signed_up};
pub use migrate::{Migrated, forgot_password, sign_in as migrate};
pub use sign_in::{after as after_sign_in, before as before_sign_in};
pub use sign_up::{Applicant, sign_up};
pub use tokens::tokens;

/// The tables the triggers cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Counters, Table::Incidents, Table::Notices];

/// What the triggers work with.
#[derive(Debug)]
pub struct Deps {
    accounts: Accounts,
    counters: Counters,
    incidents: Incidents,
    notices: Notices,
    transactions: Transactions,
    hibp: Hibp,
    pools: Option<UserPools>,
    hasher: Hasher,
    overall: OverallCount,
    aside: Aside,
    keys: Arc<KeyRing>,
    identity_key: Arc<IdentityKey>,
    policy: Policy,
    settings: Cognito,
    tokens: TokenRules,
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
        let pools = || UserPools::new(&settings.region, settings.cognito.endpoint.as_deref(), parts);
        Ok(Self {
            accounts: Accounts::new(&store, settings)?,
            counters: Counters::new(&store, settings)?,
            incidents: Incidents::new(&store, settings)?,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            hibp: Hibp::within(settings.cognito.hibp, settings),
            pools: settings.cognito.sign_out.then(pools).transpose()?,
            hasher,
            overall: OverallCount::default(),
            aside: Aside::new(settings),
            keys: Arc::clone(&settings.keys),
            identity_key: Arc::clone(&settings.identity_key),
            policy: settings.policy.clone(),
            settings: settings.cognito.clone(),
            tokens: TokenRules {
                max_auth_age: settings.cognito.max_auth_age,
                password_max_age: settings.policy.password_max_age,
                not_before: settings.policy.session.not_before,
            },
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// The time now. A call asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long a call may take.
    pub fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    /// Who a pool's messages come from.
    pub fn service_name(&self) -> Option<&str> {
        self.settings.service_name.as_deref()
    }

    /// Opens the connection to the store, so that the first call does not wait for it. A failure shows at that call.
    pub async fn warm_up(&self) {
        drop(self.counters.blocks().await);
    }

    /// The key of `person`, told to `trail`, and the pseudonym that stands for it.
    fn known_as(&self, person: &Person, trail: &mut Trail) -> (AccountKey, String) {
        let key = person.key(&self.identity_key);
        let name = self.keys.pseudonym(key.as_str());
        trail.about(name.clone());
        (key, name)
    }

    /// What leads to the account of `user`, whose own key is `key`.
    fn links(&self, user: &User, key: &AccountKey) -> Links {
        let of_user = user.sub.as_deref().map(|sub| LinkKey::user(&self.identity_key, sub));
        Links { user: of_user, person: LinkKey::person(key) }
    }

    /// Makes them lead to `account`, and keeps how the user's name is written.
    fn keep(&self, user: &User, links: &Links, account: &AccountKey) -> Result<Vec<Write>, Fault> {
        let name = self.counters.keep_name(&user.name, &self.identity_key)?;
        let link = links.user.as_ref().map(|link| self.counters.link(link, account)).transpose()?;
        Ok(link.into_iter().chain([name]).collect())
    }

    fn nonce(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.entropy.bytes::<16>())
    }

    /// The account of `user` where there is none yet.
    fn account_of(&self, user: &User, key: AccountKey, now: Timestamp) -> Account {
        let subject = user.sub.as_deref().and_then(Subject::parse);
        // Of somebody who is called otherwise by now, the name is not the account's.
        let is_its_own = key == user.person.key(&self.identity_key);
        let spelling = is_its_own.then(|| user.person.spelling().to_owned());
        Account {
            key,
            subject: subject.unwrap_or_else(|| Subject::from_random(self.entropy.bytes())),
            identifier: user.person.identifier().map_or(user.person.spelling(), |identifier| identifier.as_str()).to_owned(),
            email: user.email.clone(),
            username: None,
            first_name: None,
            last_name: None,
            time_zone: None,
            role: Role::Regular,
            status: Status::Active,
            created_at: now,
            password: None,
            password_changed_at: None,
            current_digest: None,
            history_salt: None,
            breach_unchecked: false,
            must_change: None,
            // Random, so that a recycled name never revives old sessions.
            auth_version: u64::from_be_bytes(self.entropy.bytes()) >> 1,
            devices_not_before: Timestamp::EPOCH,
            pool: PoolUser { spelling, ..PoolUser::default() },
        }
    }
}

/// A user of the pool, as an event tells of them.
#[derive(Debug, Clone)]
pub struct User {
    /// Whom they are counted as.
    pub person: Person,
    /// Their name in the pool.
    pub name: Person,
    /// The pool.
    pub pool: String,
    /// The client of the pool through which they come.
    pub client: String,
    /// Whether another provider vouches for them: there is no password of theirs here.
    pub external: bool,
    /// The pool's own id of them.
    pub sub: Option<String>,
    /// Their e-mail address, where the pool has verified it.
    pub email: Option<String>,
    /// Whether there is no such user; the pool leads them the same way.
    pub not_found: bool,
}
