//! A change of the password by its owner.
//!
//! ```text
//! 1  read session and account in one batch                                       not alive: 401
//! 2  read the history ‖ the lane of this session (‖ the device's)                four changes today: 429
//! 3  reserve a try on the lane                                                   delayed: 429
//! 4  check the current password ‖ ask the breach service                         wrong: settle, 401
//!    compare with the history, check every rule                                  not met: 422
//!    hash the new one
//! 5  one transaction: account, history, sessions, notice ‖ settle the try        somebody was faster: 409
//! ```
//!
//! Depth 4 (the breach service is no store); three hashes whatever the history, one more for each other parameter set and each imported
//! entry in it. All other sessions and all devices end with the account's next version; this session gets a successor.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::accounts::NewPassword;
use palisade_cloud::{
    Accounts, Clock, Counters, Entropy, Hibp, History, Notices, Parts, Sessions, Store, Transacted, Transactions, Write,
};
use palisade_core::assess::Seen;
use palisade_core::breach::Breach;
use palisade_core::decision::{Decision, Rule};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::history::{Compared, Entry, Past, change_limit, change_status};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::password::Candidate;
use palisade_core::secret::{SecretBytes, SecretText};
use palisade_core::session::{self, Granted, SessionKey};
use palisade_core::settings::{Settings, Table};
use palisade_core::throttle::{Refusal, Verdict};
use palisade_core::{Denial, Fault, KeyRing, Password, Policy, RateLimited, Timestamp, csrf};

use crate::Outcome;
use crate::address::note_fault;
use crate::choose;
use crate::hasher::Hasher;
use crate::own_lane::{Enders, NoWord, OwnLanes, settle_wrong};
use crate::validate::{Live, Validator};

/// The tables a change cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Sessions, Table::History, Table::Counters, Table::Incidents, Table::Notices];

/// What a change works with.
#[derive(Debug)]
pub struct Deps {
    validator: Validator,
    sessions: Sessions,
    accounts: Accounts,
    history: History,
    counters: Counters,
    notices: Notices,
    transactions: Transactions,
    hibp: Arc<Hibp>,
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
    pub fn new(settings: &Settings, parts: &Parts, hasher: Hasher, hibp: Arc<Hibp>) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        Ok(Self {
            validator: Validator::new(&store, settings, parts)?,
            sessions: Sessions::new(&store, settings)?,
            accounts: Accounts::new(&store, settings)?,
            history: History::new(&store, settings)?,
            counters: Counters::new(&store, settings)?,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            hibp,
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
}

/// A change that somebody asks for.
#[derive(Debug)]
pub struct Change {
    /// The session it is asked in, not yet known to be one.
    pub session: SessionKey,
    /// Where from.
    pub seen: Seen,
    /// The password there is.
    pub current: Arc<Password>,
    /// The one there should be.
    pub new: Arc<Password>,
    /// A device token sent along, not yet verified.
    pub device_token: Option<SecretText>,
}

/// Judges `change` and makes it.
///
/// # Errors
/// A fault when a dependency did not do its part. Then either nothing is changed or, where only the answer was lost, everything is.
pub async fn change(deps: &Deps, change: &Change, now: Timestamp, trail: &mut Trail) -> Result<Outcome<Granted>, Fault> {
    let live = match deps.validator.look(&change.session, Some(&change.seen), now, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let (found, lanes, touched) = tokio::join!(
        deps.history.of(&live.account.key),
        OwnLanes::read((&deps.counters, &deps.policy), &deps.keys, &change.session, change.device_token.as_ref(), now),
        deps.validator.touch(&live, Some(&change.seen), now),
    );
    touched.tell(trail);
    let (found, lanes) = (found?, lanes?.of(&live.account));
    if found.corrupt {
        trail.record(Event::new(EventKind::CorruptItem).reason("history"));
    }
    let result = if let Some(limit) = change_limit(&found.entries, now) {
        Err(limited(deps, limit, now, trail))
    } else {
        attempt(deps, &live, (lanes, &found.entries), change, now, trail).await?
    };
    let mut rate = change_status(&found.entries, now);
    if result.is_ok() {
        rate.remaining = rate.remaining.saturating_sub(1);
    }
    Ok(Outcome { rate: Some(rate), result })
}

/// Tries the current password and, when it is right, the new one.
async fn attempt(
    deps: &Deps,
    live: &Live,
    (lanes, entries): (OwnLanes, &[Entry]),
    change: &Change,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<Granted, Denial>, Fault> {
    let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<16>());
    let (this_try, item) = match lanes.reserve((&deps.counters, &deps.policy), live, &nonce, now).await? {
        Ok(held) => held,
        Err(NoWord { refusal: Refusal::Closed, .. }) => {
            enders(deps).end(live, now, trail).await?;
            return Ok(Err(Denial::Unauthenticated));
        }
        Err(refused) => return Ok(Err(refused.denial(&deps.policy, now, trail))),
    };
    let (current_is_right, breach) = tokio::join!(
        deps.validator.prove(&deps.hasher, live, &change.current, (&change.seen, now), trail),
        deps.hibp.check(&change.new, now)
    );
    if !current_is_right? {
        trail.record(Event::new(EventKind::AuthnPasswordChangeFail).reason("wrong_password"));
        return settle_wrong(enders(deps), live, (this_try, item), trail).await.map(Err);
    }
    // The current password is right, so the try is a success whatever comes of the new one.
    let chosen = choose_new(deps, live, change, entries, breach, trail).await;
    let Ok(Ok(chosen)) = chosen else {
        note_fault(this_try.settle(item, Verdict::Success).await.map(drop), trail);
        return chosen.map(|chosen| Err(chosen.err().unwrap_or(Denial::Conflict)));
    };
    let (writes, granted) = prepare(deps, live, entries, chosen, (&change.seen, lanes.device.as_ref()), now).await?;
    let (written, settled) = tokio::join!(deps.transactions.write(writes), this_try.settle(item, Verdict::Success));
    note_fault(settled.map(drop), trail);
    if written? != Transacted::Done {
        trail.record(Event::new(EventKind::AuthnPasswordChangeFail).reason("conflict"));
        return Ok(Err(Denial::Conflict));
    }
    trail.note(EventKind::AuthnPasswordChange);
    Ok(Ok(granted))
}

fn enders(deps: &Deps) -> Enders<'_> {
    Enders { sessions: &deps.sessions, notices: &deps.notices, entropy: &deps.entropy, keys: &deps.keys }
}

fn limited(deps: &Deps, limit: RateLimited, now: Timestamp, trail: &mut Trail) -> Denial {
    let until = now.plus(Duration::from_secs(limit.retry_after)).seconds();
    let rule = Rule { rule: limit.reason.as_str(), count: limit.limit.saturating_add(1), limit: limit.limit, until };
    let decision = Decision::by(&deps.policy, now, vec![rule]);
    trail.record(Event::new(EventKind::ExcessRateLimitExceeded).reason(limit.reason.as_str()).decision(decision));
    Denial::RateLimited(limit)
}

/// A new password that meets every rule, and what is kept of it.
struct Chosen {
    new: Arc<Password>,
    compared: Compared,
    breach_unchecked: bool,
}

async fn choose_new(
    deps: &Deps,
    live: &Live,
    change: &Change,
    entries: &[Entry],
    breach: Breach,
    trail: &mut Trail,
) -> Result<Result<Chosen, Denial>, Fault> {
    let reuse = usize::try_from(deps.policy.password.reuse).unwrap_or(usize::MAX);
    let past = Past::without_current(&live.account, entries, reuse);
    let compared = deps.hasher.compare(&change.new, past, deps.entropy.bytes()).await?;
    let candidate = Candidate {
        password: &change.new,
        attributes: live.account.attributes(),
        reused: compared.reused || change.new.is_same_as(&change.current),
        breach: Some(breach),
    };
    let judged = choose::judge(&deps.policy, &candidate, trail)?;
    if judged.is_err() {
        trail.record(Event::new(EventKind::AuthnPasswordChangeFail).reason("password_rejected"));
    }
    Ok(judged.map(|breach_unchecked| Chosen { new: Arc::clone(&change.new), compared, breach_unchecked }))
}

/// Hashes the new password; everything that is to be written at once, and what the owner gets once it is.
async fn prepare(
    deps: &Deps,
    live: &Live,
    entries: &[Entry],
    chosen: Chosen,
    (seen, own_device): (&Seen, Option<&Device>),
    now: Timestamp,
) -> Result<(Vec<Write>, Granted), Fault> {
    let Live { session, account, .. } = live;
    let auth_version = account.auth_version.wrapping_add(1);
    let password = deps.hasher.hash(&chosen.new, deps.entropy.bytes()).await?;
    let Compared { digest, salt, .. } = chosen.compared;
    let new =
        NewPassword { password, digest, history_salt: salt, auth_version, at: now, breach_unchecked: chosen.breach_unchecked };
    let secret = SecretBytes::new(deps.entropy.bytes());
    let issued = session::rotate(session, seen, auth_version, &secret, now, &deps.policy.session);
    let notice = Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::PasswordChanged, account, now);
    let mut writes = choose::replace((&deps.accounts, &deps.history), account, entries, &new)?;
    writes.push(deps.sessions.put_new(&issued.session)?);
    writes.push(deps.sessions.bury(session, auth_version, now, &deps.policy.session)?);
    writes.push(deps.notices.put(&notice)?);
    let device = own_device.map_or_else(|| Device::new(deps.entropy.bytes(), now), |device| device.renewed(now));
    let granted = Granted {
        account_id: account.subject.as_str().to_owned(),
        csrf_token: csrf::token(&deps.keys, &issued.session.key),
        token: issued.token,
        device_token: device.token(&deps.keys, &account.key),
        expires_at: issued.ends_at,
        idle_timeout: deps.policy.session.idle,
        device_lifetime: deps.policy.device_lifetime,
        password_change_required: false,
        anomalies: Vec::new(),
    };
    Ok((writes, granted))
}
