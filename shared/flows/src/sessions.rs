//! What a person does with sessions: see them, end them, prove the password again (requirements r29 and r30).

mod end;
mod reauthenticate;

use std::sync::Arc;

use palisade_cloud::{Accounts, Clock, Counters, Entropy, Notices, Parts, Sessions, Store, Transactions};
use palisade_core::account::MustChange;
use palisade_core::assess::Seen;
use palisade_core::event::Trail;
use palisade_core::secret::SecretText;
use palisade_core::session::{Session, SessionKey};
use palisade_core::settings::{Settings, Table};
use palisade_core::{Account, Fault, KeyRing, Policy, Timestamp, csrf};

use crate::Outcome;
use crate::hasher::Hasher;
use crate::validate::{Live, Validator};

pub use end::{Scope, end_all, end_one, log_out};
pub use reauthenticate::{Reauthentication, reauthenticate};

/// The tables these routes cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Sessions, Table::Counters, Table::Incidents, Table::Notices];

/// What these routes work with.
#[derive(Debug)]
pub struct Deps {
    validator: Validator,
    sessions: Sessions,
    accounts: Accounts,
    counters: Counters,
    notices: Notices,
    transactions: Transactions,
    keys: Arc<KeyRing>,
    policy: Policy,
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
        Ok(Self {
            validator: Validator::new(&store, settings, parts)?,
            sessions: Sessions::new(&store, settings)?,
            accounts: Accounts::new(&store, settings)?,
            counters: Counters::new(&store, settings)?,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            keys: Arc::clone(&settings.keys),
            policy: settings.policy.clone(),
            hasher,
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.validator.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The id by which the owner names a session: says nothing of its token or of what is stored of it.
    fn public_id(&self, key: &SessionKey) -> String {
        self.keys.session_id(key.account_key.as_str(), &key.secret_hash)
    }
}

/// A session as its owner sees it.
#[derive(Debug)]
pub struct Listed {
    /// Its id for [`end_one`].
    pub id: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// Where from.
    pub ip: String,
    /// With what.
    pub user_agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The current session as its owner sees it.
#[derive(Debug)]
pub struct Current {
    /// The account's public id.
    pub account_id: String,
    /// What the account may do.
    pub role: &'static str,
    /// When the password was last given.
    pub auth_time: Timestamp,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// Its absolute end.
    pub expires_at: Timestamp,
    /// Why nothing but the password may be changed, if so.
    pub password_change_required: Option<&'static str>,
    /// The token for state-changing requests.
    pub csrf_token: SecretText,
}

/// The session under `key`. Also for one that must change its password first.
///
/// # Errors
/// A fault when the store failed.
pub async fn current(
    deps: &Deps,
    key: &SessionKey,
    seen: &Seen,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<Current>, Fault> {
    let live = match deps.validator.validate(key, Some(seen), now, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let Live { session, account, .. } = &live;
    Ok(live.outcome(Ok(Current {
        account_id: account.subject.as_str().to_owned(),
        role: account.role.as_str(),
        auth_time: session.auth_time,
        created_at: session.created_at,
        last_seen: session.last_seen,
        expires_at: session.created_at.plus(deps.policy.session.absolute),
        password_change_required: account.must_change(now, deps.policy.password_max_age).map(MustChange::as_str),
        csrf_token: csrf::token(&deps.keys, &session.key),
    })))
}

/// The sessions of the account of `key` that are alive, newest first, by a strongly consistent query.
///
/// # Errors
/// A fault when the store failed.
pub async fn list(
    deps: &Deps,
    key: &SessionKey,
    seen: &Seen,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<Vec<Listed>>, Fault> {
    let live = match deps.validator.validate(key, Some(seen), now, trail).await?.and_then(|live| deps.validator.in_full(live, now))
    {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let mut alive = alive(deps, &live.account, now).await?;
    alive.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let listed = alive.into_iter().map(|session| Listed {
        id: deps.public_id(&session.key),
        created_at: session.created_at,
        last_seen: session.last_seen,
        current: session.key == live.session.key,
        user_agent: session.user_agent.stored().to_owned(),
        ip: session.ip,
    });
    let listed = listed.collect();
    Ok(live.outcome(Ok(listed)))
}

async fn alive(deps: &Deps, account: &Account, now: Timestamp) -> Result<Vec<Session>, Fault> {
    let all = deps.sessions.of(&account.key).await?;
    Ok(all.into_iter().filter(|session| session.is_alive(account, now, &deps.policy.session)).collect())
}
