//! Ends sessions: the one that asks, another, or all.

use futures_util::future::join_all;
use palisade_cloud::Transacted;
use palisade_cloud::sessions::Deleted;
use palisade_core::assess::Seen;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::session::SessionKey;
use palisade_core::{Denial, Fault, Timestamp};

use super::{Deps, alive};
use crate::Outcome;
use crate::validate::Live;

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All but the one that asks.
    Others,
    /// That one as well.
    All,
}

/// Ends the sessions under `keys`, whatever they are: one write each, never refused.
///
/// # Errors
/// A fault when the store failed: a session may go on.
pub async fn log_out(deps: &Deps, keys: &[SessionKey], trail: &mut Trail) -> Result<(), Fault> {
    let deleted = join_all(keys.iter().map(|key| deps.sessions.delete(key))).await;
    let mut done = Ok(());
    for (key, deleted) in keys.iter().zip(deleted) {
        trail.about(deps.keys.pseudonym(key.account_key.as_str()));
        match deleted {
            Ok(Deleted::Session) => trail.record_session(EventKind::SessionRevoked, deps.keys.pseudonym(&key.secret_hash)),
            Ok(Deleted::Nothing | Deleted::Replaced) => {}
            Err(fault) => done = Err(fault),
        }
    }
    done
}

/// Ends the session with the public `id`; whether there was one. Ending the one that asks is as well. One that is being replaced at that
/// moment is a conflict: its successor has another id.
///
/// # Errors
/// A fault when the store failed.
pub async fn end_one(
    deps: &Deps,
    key: &SessionKey,
    id: &str,
    seen: &Seen,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<()>, Fault> {
    let live = match deps.validator.look(key, Some(seen), now, trail).await?.and_then(|live| deps.validator.in_full(live, now)) {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let (all, touched) = tokio::join!(alive(deps, &live.account, now), deps.validator.touch(&live, Some(seen), now));
    touched.tell(trail);
    let named = all?.into_iter().find(|session| deps.public_id(&session.key) == id);
    let Some(session) = named else {
        return Ok(live.outcome(Err(Denial::NotFound)));
    };
    if deps.sessions.delete(&session.key).await? == Deleted::Replaced {
        return Ok(live.outcome(Err(Denial::Conflict)));
    }
    trail.record_session(EventKind::SessionRevoked, deps.keys.pseudonym(&session.key.secret_hash));
    Ok(live.outcome(Ok(())))
}

/// Ends the sessions in `scope`, also those being issued meanwhile: the account's version moves on, and the session that asks goes along
/// when only the others end. One write, or one transaction of two, whatever their number.
///
/// # Errors
/// A fault when the store failed.
pub async fn end_all(
    deps: &Deps,
    key: &SessionKey,
    scope: Scope,
    seen: &Seen,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<()>, Fault> {
    let live = match deps.validator.look(key, Some(seen), now, trail).await?.and_then(|live| deps.validator.in_full(live, now)) {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let Live { session, account, .. } = &live;
    match scope {
        Scope::All => deps.accounts.end_sessions_now(account).await?,
        Scope::Others => {
            let next = account.auth_version.wrapping_add(1);
            let go_along = deps.sessions.follow((session, live.moved(seen)), next, now, &deps.policy.session)?;
            let writes = vec![deps.accounts.end_sessions(account, false, now)?, go_along];
            if deps.transactions.write(writes).await? != Transacted::Done {
                return Ok(live.outcome(Err(Denial::Conflict)));
            }
            if live.moved(seen).is_some() {
                trail.record_session(EventKind::SessionMoved, deps.keys.pseudonym(&session.key.secret_hash));
            }
        }
    }
    let reason = if scope == Scope::All { "all" } else { "others" };
    trail.record(Event::new(EventKind::SessionRevoked).reason(reason));
    Ok(live.outcome(Ok(())))
}
