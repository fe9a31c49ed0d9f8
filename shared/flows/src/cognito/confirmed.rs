//! After something was confirmed: a new user, or a new password.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::LaneKey;
use palisade_cloud::{Transacted, Write};
use palisade_core::cognito::sign_up::is_look_alike;
use palisade_core::event::{EventKind, Trail};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::throttle::REPEATED_WITHIN;
use palisade_core::{Account, Fault, Timestamp};

use super::{Deps, User};

/// How often a write that met another is made again.
const RETRIES: usize = 2;

/// Keeps `user`, whose sign-up was confirmed. A second call changes nothing, nor does one for an account that is there already and did not
/// come from the pool.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn signed_up(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let mut new = deps.account_of(user, key, now);
    new.password_changed_at = Some(now);
    let old = match deps.accounts.get(&new.key).await? {
        Found::Nothing => None,
        Found::Account(old) if !is_look_alike(&user.person, &old) && old.subject != new.subject => Some(old),
        Found::Account(_) | Found::Corrupt => return Ok(()),
    };
    let mut writes = vec![deps.accounts.put_pool_user(&new, old.as_deref())?];
    if old.is_some() {
        // Nothing of whoever had the name before is theirs.
        writes.push(deps.counters.forget_logins(&new.key)?);
    }
    if deps.transactions.write(writes).await? == Transacted::Done {
        trail.identified(new.subject.as_str().to_owned());
        trail.note(EventKind::UserCreated);
    }
    Ok(())
}

/// Ends everything of `user`, who set a new password with a code: sessions, known devices, tokens that would be refreshed, delays. They are
/// told. A second call within a quarter of a minute changes nothing.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn password_set(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    for _ in 0..=RETRIES {
        let (account, write) = match deps.accounts.get(&key).await? {
            Found::Account(account) if account.password_changed_at.is_some_and(|at| now < at.plus(REPEATED_WITHIN)) => {
                return Ok(());
            }
            Found::Account(mut account) => {
                account.pool.spelling = Some(user.person.spelling().to_owned());
                let write = deps.accounts.pool_password_set(&account, now)?;
                (*account, write)
            }
            Found::Nothing => {
                let mut new = deps.account_of(user, key.clone(), now);
                new.password_changed_at = Some(now);
                new.devices_not_before = now;
                let write = deps.accounts.put_pool_user(&new, None)?;
                (new, write)
            }
            Found::Corrupt => return Err(Fault::internal("the account's item cannot be read")),
        };
        if deps.transactions.write(ended(deps, &account, user, write, now)?).await? == Transacted::Done {
            trail.identified(account.subject.as_str().to_owned());
            trail.note(EventKind::AuthnPasswordReset);
            return Ok(());
        }
    }
    Err(Fault::unavailable("accounts", "somebody else kept changing the account"))
}

fn ended(deps: &Deps, account: &Account, user: &User, write: Write, now: Timestamp) -> Result<Vec<Write>, Fault> {
    let mut notice = Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::PasswordReset, account, now);
    notice.to = notice.to.or_else(|| user.email.clone());
    Ok(vec![write, deps.counters.clear_lane(&LaneKey::common(&account.key))?, deps.notices.put(&notice)?])
}
