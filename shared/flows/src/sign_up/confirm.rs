//! The second half of a sign-up: its confirmation, and its notice once more.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::Transacted;
use palisade_cloud::counters::{LaneItem, LaneKey, Pace, PacedBy};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::history::{Compared, Past};
use palisade_core::notice::{Notice, NoticeId, NoticeKind, Pending, Presented};
use palisade_core::throttle::{Refusal, Verdict};
use palisade_core::{Account, AccountKey, ClientIp, Denial, Fault, Identifier, Password, Role, Status, Subject, Timestamp, route};

use super::{BETWEEN_NOTICES, Deps};
use crate::Outcome;
use crate::address::{Address, note_fault};
use crate::lane::{NoLease, Try};
use crate::own_lane::NoWord;
use crate::reset;

/// Makes the account of the sign-up whose grant `token` is and whose password `password` is; its public id.
///
/// # Errors
/// A fault when the store or the hash did not do its part.
pub async fn confirm(
    deps: &Deps,
    token: &str,
    password: &Arc<Password>,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<String>, Fault> {
    let presented = Presented::parse(token);
    let (address, notice, lane) = tokio::join!(
        Address::take(&deps.gate, ip, route::SIGN_UP, None, now, trail),
        reset::notice(&deps.notices, presented.as_ref()),
        lane(deps, presented.as_ref(), now),
    );
    let address = address?;
    let rate = Some(address.status());
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate, result: Err(denial) });
    }
    let granted =
        presented.zip(notice?).filter(|(presented, notice)| presented.proves(notice, NoticeKind::ConfirmSignUp, &deps.keys, now));
    let waiting = granted.and_then(|(_, notice)| Some((notice.pending.clone()?, notice))).zip(lane?);
    let result = match waiting {
        None => Err(Denial::InvalidGrant),
        Some(((pending, notice), lane)) => make(deps, (&notice, lane), pending, password, now, trail).await?,
    };
    match &result {
        Ok(_) => trail.note(EventKind::UserCreated),
        Err(_) => trail.record(Event::new(EventKind::AuthnGrantFail).reason("confirm_sign_up")),
    }
    Ok(Outcome { rate, result })
}

/// The lane of wrong passwords given with the token.
async fn lane(deps: &Deps, presented: Option<&Presented>, now: Timestamp) -> Result<Option<LaneItem>, Fault> {
    match presented {
        None => Ok(None),
        Some(presented) => {
            let key = LaneKey::notice(&presented.notice_id);
            deps.counters.lane(&key, now, &deps.policy.session_lane).await.map(Some)
        }
    }
}

async fn make(
    deps: &Deps,
    (notice, lane): (&Notice, LaneItem),
    pending: Pending,
    password: &Arc<Password>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<String, Denial>, Fault> {
    trail.about(deps.keys.pseudonym(notice.account_key.as_str()));
    // Whoever holds the token may be a stranger whom the notice reached by a mistyped address: not to guess the password with.
    let rules = &deps.policy.session_lane;
    let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<16>());
    let this_try = Try { counters: &deps.counters, key: LaneKey::notice(&notice.id), rules, nonce: &nonce, now };
    let item = match this_try.reserve(lane).await? {
        Ok(item) => item,
        Err(NoLease { refusal: Refusal::Closed, .. }) => return Ok(Err(Denial::InvalidGrant)),
        Err(NoLease { refusal, item }) => {
            let rules = this_try.rules_of(&item.lane);
            return Ok(Err(NoWord { refusal, rules }.denial(&deps.policy, now, trail)));
        }
    };
    let right = deps.hasher.matches(password, pending.password.clone()).await?;
    if !right {
        this_try.settle(item, Verdict::Failure).await?;
        return Ok(Err(Denial::InvalidGrant));
    }
    let account = account(deps, &notice.account_key, pending, password, now).await?;
    let writes = vec![deps.notices.consume(notice)?, deps.accounts.put_new(&account)?];
    let (written, settled) = tokio::join!(deps.transactions.write(writes), this_try.settle(item, Verdict::Success));
    note_fault(settled.map(drop), trail);
    Ok(match written? {
        Transacted::Done => {
            trail.identified(account.subject.as_str().to_owned());
            Ok(account.subject.as_str().to_owned())
        }
        // The grant was used meanwhile, or, with the grant still there, somebody else has the name now.
        Transacted::Refused(places) if places.contains(&0) => Err(Denial::InvalidGrant),
        Transacted::Refused(_) => Err(Denial::Conflict),
    })
}

/// The account that `pending` becomes, with the digest of its `password` for the history.
pub(super) async fn account(
    deps: &Deps,
    key: &AccountKey,
    pending: Pending,
    password: &Arc<Password>,
    now: Timestamp,
) -> Result<Account, Fault> {
    let Compared { digest, salt, .. } = deps.hasher.compare(password, Past::nothing(), deps.entropy.bytes()).await?;
    Ok(Account {
        key: key.clone(),
        subject: Subject::from_random(deps.entropy.bytes()),
        identifier: pending.identifier,
        email: pending.email,
        username: pending.username,
        first_name: pending.first_name,
        last_name: pending.last_name,
        time_zone: None,
        role: Role::Regular,
        status: Status::Active,
        created_at: now,
        password: Some(pending.password),
        password_changed_at: Some(now),
        current_digest: Some(digest),
        history_salt: Some(salt),
        breach_unchecked: pending.breach_unchecked,
        must_change: None,
        // Random, so that a recycled name never revives old sessions.
        auth_version: u64::from_be_bytes(deps.entropy.bytes()) >> 1,
        // A device known to somebody who had the name before is none of its new owner's.
        devices_not_before: now,
        pool: palisade_core::account::PoolUser::default(),
    })
}

/// Sends the latest notice of a sign-up under `identifier` once more, if one waits; it does not wait longer for that.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn resend(
    deps: &Deps,
    identifier: &Identifier,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<()>, Fault> {
    let key = deps.identity_key.account_key(identifier);
    trail.about(deps.keys.pseudonym(key.as_str()));
    let name_tag = deps.identity_key.name_tag(identifier);
    let (address, latest) = tokio::join!(
        Address::take(&deps.gate, ip, route::SIGN_UP, Some(&name_tag), now, trail),
        deps.counters.latest_grant(PacedBy::SignUp, &key),
    );
    let address = address?;
    let rate = Some(address.status());
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate, result: Err(denial) });
    }
    // Where there is none, one that cannot be is read, so that the calls are the same.
    let latest = latest?.unwrap_or_else(|| NoticeId::new(deps.entropy.bytes()));
    let id = NoticeId::new(deps.entropy.bytes());
    let waiting = deps.notices.get(&latest).await?.filter(|notice| notice.pending.is_some() && now < notice.expires_at);
    let notice = match waiting {
        Some(waiting) => Notice { id, created_at: now, again: true, ..waiting },
        None => Notice::void(id, NoticeKind::ConfirmSignUp, &key, now),
    };
    // A pace of its own: whoever asks for other people's notices does not keep them from signing up.
    let pace = Pace { between: BETWEEN_NOTICES, remembered: BETWEEN_NOTICES };
    let writes = vec![deps.counters.pace(PacedBy::Resend, &key, &notice.id, now, pace)?, deps.notices.put(&notice)?];
    let reason = match deps.transactions.write(writes).await? {
        Transacted::Done => "resent",
        Transacted::Refused(_) => "too_soon",
    };
    trail.record(Event::new(EventKind::UserSignedUp).reason(reason));
    Ok(Outcome { rate, result: Ok(()) })
}
