//! After something was confirmed: a new user, or a new password.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::LaneKey;
use palisade_cloud::{Transacted, Write};
use palisade_core::event::{EventKind, Trail};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::throttle::REPEATED_WITHIN;
use palisade_core::{Account, AccountKey, Fault, Timestamp};
use serde_json::json;

use super::{Deps, User};

/// How often a write that met another is made again.
const RETRIES: usize = 2;

/// Keeps `user`, whose sign-up was confirmed. An account that is there stays as it is, whoever it came from, and is theirs: they have its
/// address. A second call changes nothing.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn signed_up(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let links = deps.links(user, &key);
    for _ in 0..=RETRIES {
        let (led, found) = tokio::join!(deps.counters.links(&links), deps.accounts.get(&key));
        let led = led?;
        if led.user.is_some() {
            return Ok(());
        }
        let is_nobodys = matches!(found?, Found::Nothing);
        let account = led.person.filter(|_| is_nobodys).unwrap_or_else(|| key.clone());
        let mut writes = deps.keep(user, &links, &account)?;
        let mut new = deps.account_of(user, key.clone(), now);
        new.password_changed_at = Some(now).filter(|_| !user.external);
        let is_new = is_nobodys && account == key;
        if is_new {
            writes.push(deps.accounts.put_new(&new)?);
        }
        if deps.transactions.write(writes).await? == Transacted::Done {
            if is_new {
                trail.identified(new.subject.as_str().to_owned());
                trail.note(EventKind::UserCreated);
            }
            return Ok(());
        }
    }
    Err(Fault::unavailable("accounts", "somebody else kept changing the account"))
}

/// Ends everything of `user`, who set a new password with a code: sessions, known devices, delays, and with Cognito's help every token that
/// could be refreshed. They are told. A second call within a quarter of a minute tells nobody again.
///
/// # Errors
/// A fault when the store or Cognito did not do its part: something of before goes on.
pub async fn password_set(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    // One that fails keeps the other from nothing.
    let (ended, signed_out) = tokio::join!(end(deps, user, &key, now), sign_out(deps, user, now));
    if let Some(subject) = ended? {
        trail.identified(subject);
        trail.note(EventKind::AuthnPasswordReset);
    }
    signed_out
}

/// The account's id; `None` where that was done already.
async fn end(deps: &Deps, user: &User, key: &AccountKey, now: Timestamp) -> Result<Option<String>, Fault> {
    let links = deps.links(user, key);
    let (led, own) = tokio::join!(deps.counters.links(&links), deps.accounts.get(key));
    let led = led?;
    let is_linked = led.user.is_some();
    let by_address = led.person.filter(|_| matches!(own, Ok(Found::Nothing)));
    let account_key = led.user.or(by_address).unwrap_or_else(|| key.clone());
    for _ in 0..=RETRIES {
        let (account, write) = match deps.accounts.get(&account_key).await? {
            Found::Account(account) if account.pool.password_set_at.is_some_and(|at| now < at.plus(REPEATED_WITHIN)) => {
                return Ok(None);
            }
            Found::Account(mut account) => {
                account.pool.spelling = Some(user.person.spelling().to_owned()).filter(|_| account_key == *key);
                let write = deps.accounts.pool_password_set(&account, now)?;
                (*account, write)
            }
            Found::Nothing => {
                let mut new = deps.account_of(user, account_key.clone(), now);
                (new.password_changed_at, new.pool.password_set_at) = (Some(now), Some(now));
                new.devices_not_before = now;
                let write = deps.accounts.put_new(&new)?;
                (new, write)
            }
            Found::Corrupt => return Err(Fault::internal("the account's item cannot be read")),
        };
        let mut writes = writes(deps, &account, (user, key), write, now)?;
        if !is_linked {
            writes.extend(deps.keep(user, &links, &account_key)?);
        }
        if deps.transactions.write(writes).await? == Transacted::Done {
            return Ok(Some(account.subject.as_str().to_owned()));
        }
    }
    Err(Fault::unavailable("accounts", "somebody else kept changing the account"))
}

fn writes(
    deps: &Deps,
    account: &Account,
    (user, key): (&User, &AccountKey),
    write: Write,
    now: Timestamp,
) -> Result<Vec<Write>, Fault> {
    // To where the code went, and to where the account is known to be, should that be elsewhere.
    let mut to: Vec<&String> = user.email.iter().chain(&account.email).collect();
    to.dedup();
    let mut writes = vec![write, deps.counters.clear_lane(&LaneKey::common(key))?];
    for address in to {
        let notice = Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::PasswordReset, account, now);
        writes.push(deps.notices.put(&Notice { to: Some(address.clone()), ..notice })?);
    }
    Ok(writes)
}

/// Ends the sessions that Cognito keeps: no trigger could tell them apart from those that come.
async fn sign_out(deps: &Deps, user: &User, now: Timestamp) -> Result<(), Fault> {
    let Some(pools) = &deps.pools else {
        return Ok(());
    };
    let input = json!({ "UserPoolId": user.pool, "Username": user.name.spelling() });
    // Before the whole call is late, so that what became of the rest is told.
    let most = deps.settings.deadline.mul_f32(0.8);
    let asked = tokio::time::timeout(most, pools.call("AdminUserGlobalSignOut", &input, now)).await;
    asked.unwrap_or_else(|_| Err(Fault::unavailable("user pools", "it took too long"))).map(drop)
}
