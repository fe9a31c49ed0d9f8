//! A password forgotten: a grant by notice, and a new password for it.
//!
//! ```text
//! request   1  take places of the address ‖ read the account                       over a limit: 429
//!           2  one transaction: notice (void for nobody) ‖ one in five minutes     too soon: 202 all the same, nothing sent
//! reset     1  take places of the address ‖ read the notice                        no grant: 401
//!           2  read the account ‖ its history ‖ ask the breach service, compare    not met: 422, the grant stays
//!           3  one transaction: grant used up, account, history, lane, notice      used meanwhile: 401
//! ```
//!
//! A request makes the same calls whether or not the name exists. A reset works while the account is delayed or closed, and opens it.

use std::sync::Arc;
use std::time::Duration;

use palisade_cloud::accounts::{Found, NewPassword};
use palisade_cloud::counters::{LaneKey, Pace, PacedBy};
use palisade_cloud::{
    Accounts, Clock, Counters, Entropy, Hibp, History, Incidents, Notices, Parts, Store, Transacted, Transactions,
};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::history::{Compared, KEPT, Past, change_limit};
use palisade_core::notice::{Notice, NoticeId, NoticeKind, Presented, RESET_LIFETIME};
use palisade_core::password::Candidate;
use palisade_core::settings::{Settings, Table};
use palisade_core::{
    Account, ClientIp, Denial, Fault, Identifier, IdentityKey, KeyRing, Password, Policy, Status, Timestamp, route,
};

use crate::Outcome;
use crate::address::{Address, Gate};
use crate::choose;
use crate::hasher::Hasher;

/// The tables a reset cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::History, Table::Counters, Table::Incidents, Table::Notices];

/// One reset grant per account in this time.
const BETWEEN_REQUESTS: Duration = Duration::from_mins(5);

/// What a reset works with.
#[derive(Debug)]
pub struct Deps {
    gate: Gate,
    accounts: Accounts,
    history: History,
    counters: Counters,
    notices: Notices,
    transactions: Transactions,
    hibp: Arc<Hibp>,
    keys: Arc<KeyRing>,
    identity_key: Arc<IdentityKey>,
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
    pub fn new(settings: &Settings, parts: &Parts, hasher: Hasher, hibp: Arc<Hibp>) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        let counters = Counters::new(&store, settings)?;
        Ok(Self {
            gate: Gate::new(&counters, Some(Incidents::new(&store, settings)?), settings),
            accounts: Accounts::new(&store, settings)?,
            history: History::new(&store, settings)?,
            counters,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            hibp,
            keys: Arc::clone(&settings.keys),
            identity_key: Arc::clone(&settings.identity_key),
            policy: settings.policy.clone(),
            hasher,
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.gate.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Sends the owner of `identifier` a grant, if there is an active account with a password under it.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn request(
    deps: &Deps,
    identifier: &Identifier,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<()>, Fault> {
    let key = deps.identity_key.account_key(identifier);
    trail.about(deps.keys.pseudonym(key.as_str()));
    let name_tag = deps.identity_key.name_tag(identifier);
    let (address, found) =
        tokio::join!(Address::take(&deps.gate, ip, route::SIGN_UP, Some(&name_tag), now, trail), deps.accounts.get(&key));
    let address = address?;
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate: Some(address.status()), result: Err(denial) });
    }
    let id = NoticeId::new(deps.entropy.bytes());
    let notice = match found? {
        Found::Account(account) if account.status == Status::Active && account.has_password() => {
            trail.identified(account.subject.as_str().to_owned());
            Notice::to_account(id, NoticeKind::ResetPassword, &account, now)
        }
        Found::Account(_) | Found::Nothing | Found::Corrupt => Notice::void(id, NoticeKind::ResetPassword, &key, now),
    };
    let pace = Pace { between: BETWEEN_REQUESTS, remembered: RESET_LIFETIME };
    let writes = vec![deps.counters.pace(PacedBy::Reset, &key, &notice.id, now, pace)?, deps.notices.put(&notice)?];
    let reason = match deps.transactions.write(writes).await? {
        Transacted::Done => "sent",
        Transacted::Refused(_) => "too_soon",
    };
    trail.record(Event::new(EventKind::AuthnPasswordResetRequest).reason(reason));
    Ok(Outcome { rate: Some(address.status()), result: Ok(()) })
}

/// Sets `new` for the account whose grant `token` is.
///
/// # Errors
/// A fault when a dependency did not do its part.
pub async fn reset(
    deps: &Deps,
    token: &str,
    new: &Arc<Password>,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<()>, Fault> {
    let presented = Presented::parse(token);
    let (address, notice) =
        tokio::join!(Address::take(&deps.gate, ip, route::SIGN_UP, None, now, trail), notice(&deps.notices, presented.as_ref()));
    let address = address?;
    let rate = Some(address.status());
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate, result: Err(denial) });
    }
    let granted =
        presented.zip(notice?).filter(|(presented, notice)| presented.proves(notice, NoticeKind::ResetPassword, &deps.keys, now));
    let result = match granted {
        None => Err(Denial::InvalidGrant),
        Some((_, notice)) => set(deps, &notice, new, now, trail).await?,
    };
    match &result {
        Ok(()) => trail.note(EventKind::AuthnPasswordReset),
        Err(Denial::PasswordRejected(_)) => trail.record(Event::new(EventKind::AuthnGrantFail).reason("password_rejected")),
        Err(_) => trail.record(Event::new(EventKind::AuthnGrantFail).reason("reset_password")),
    }
    Ok(Outcome { rate, result })
}

/// The notice that a token claims to come from.
pub(crate) async fn notice(notices: &Notices, presented: Option<&Presented>) -> Result<Option<Notice>, Fault> {
    match presented {
        None => Ok(None),
        Some(presented) => notices.get(&presented.notice_id).await,
    }
}

async fn set(
    deps: &Deps,
    notice: &Notice,
    new: &Arc<Password>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<(), Denial>, Fault> {
    let key = &notice.account_key;
    trail.about(deps.keys.pseudonym(key.as_str()));
    let (found, history) = tokio::join!(deps.accounts.get(key), deps.history.of(key));
    let Found::Account(account) = found? else {
        return Ok(Err(Denial::InvalidGrant));
    };
    if account.auth_version != notice.auth_version || account.status != Status::Active {
        return Ok(Err(Denial::InvalidGrant));
    }
    trail.identified(account.subject.as_str().to_owned());
    let history = history?;
    if history.corrupt {
        trail.record(Event::new(EventKind::CorruptItem).reason("history"));
    }
    // Resets work always, so whoever changes often is held to all that is kept instead of to a wait.
    let often = change_limit(&history.entries, now).is_some();
    let reuse = if often { KEPT } else { usize::try_from(deps.policy.password.reuse).unwrap_or(KEPT) };
    let past = Past::of(&account, &history.entries, reuse);
    let (breach, compared) = tokio::join!(deps.hibp.check(new, now), deps.hasher.compare(new, past, deps.entropy.bytes()));
    let Compared { reused, digest, salt } = compared?;
    let candidate = Candidate { password: new, attributes: account.attributes(), reused, breach: Some(breach) };
    let breach_unchecked = match choose::judge(&deps.policy, &candidate, trail)? {
        Ok(unchecked) => unchecked,
        Err(denial) => return Ok(Err(denial)),
    };
    let password = deps.hasher.hash(new, deps.entropy.bytes()).await?;
    let auth_version = account.auth_version.wrapping_add(1);
    let new = NewPassword { password, digest, history_salt: salt, auth_version, at: now, breach_unchecked };
    let mut writes = choose::replace((&deps.accounts, &deps.history), &account, &history.entries, &new)?;
    let consumed = writes.len();
    writes.push(deps.notices.consume(notice)?);
    writes.push(deps.counters.clear_lane(&LaneKey::common(key))?);
    writes.push(deps.notices.put(&told(deps, &account, now))?);
    Ok(match deps.transactions.write(writes).await? {
        Transacted::Done => Ok(()),
        Transacted::Refused(places) if places.contains(&consumed) => Err(Denial::InvalidGrant),
        // The account changed meanwhile; the grant may still stand.
        Transacted::Refused(_) => Err(Denial::Conflict),
    })
}

fn told(deps: &Deps, account: &Account, now: Timestamp) -> Notice {
    Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::PasswordReset, account, now)
}
