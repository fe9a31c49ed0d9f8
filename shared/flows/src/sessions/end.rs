//! Ends sessions: the one that asks, another, or all.

use palisade_cloud::Transacted;
use palisade_core::assess::Seen;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::session::SessionKey;
use palisade_core::{Denial, Fault, Timestamp};

use super::{Deps, alive, in_full};
use crate::validate::{Live, Touch};

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All but the one that asks.
    Others,
    /// That one as well.
    All,
}

/// Ends the session under `key`, whatever it is: one write, never refused.
///
/// # Errors
/// A fault when the store failed: the session may go on.
pub async fn log_out(deps: &Deps, key: &SessionKey, trail: &mut Trail) -> Result<(), Fault> {
    trail.about(deps.keys.pseudonym(key.account_key.as_str()));
    if deps.sessions.delete(key).await? {
        trail.record_session(EventKind::SessionRevoked, deps.keys.pseudonym(&key.secret_hash));
    }
    Ok(())
}

/// Ends the session with the public `id`; whether there was one. Ending the one that asks is as well.
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
) -> Result<Result<(), Denial>, Fault> {
    let live = match in_full(deps, key, seen, Touch::WhenDue, now, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Err(denial)),
    };
    let named = alive(deps, &live.account, now).await?.into_iter().find(|session| deps.public_id(&session.key) == id);
    let Some(session) = named else {
        return Ok(Err(Denial::NotFound));
    };
    deps.sessions.delete(&session.key).await?;
    trail.record_session(EventKind::SessionRevoked, deps.keys.pseudonym(&session.key.secret_hash));
    Ok(Ok(()))
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
) -> Result<Result<(), Denial>, Fault> {
    let Live { session, account } = match in_full(deps, key, seen, Touch::Never, now, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Err(denial)),
    };
    let mut writes = vec![deps.accounts.end_sessions(&account, false, now)?];
    if scope == Scope::Others {
        writes.push(deps.sessions.follow(&session, account.auth_version.wrapping_add(1))?);
    }
    if deps.transactions.write(writes).await? != Transacted::Done {
        return Ok(Err(Denial::Conflict));
    }
    let reason = if scope == Scope::All { "all" } else { "others" };
    trail.record(Event::new(EventKind::SessionRevoked).reason(reason));
    Ok(Ok(()))
}
