//! Before tokens are made: what they say, or that there are none.

use palisade_cloud::accounts::Found;
use palisade_core::cognito::token::{Claims, Known, claims};
use palisade_core::cognito::{Refusal, TokenFor};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::{Account, Fault, Timestamp};

use super::{Deps, User};
use crate::address::note_fault;

/// What the tokens of `user` say.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn tokens(
    deps: &Deps,
    made_for: TokenFor,
    user: &User,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<Claims, Refusal>, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let links = deps.links(user, &key);
    let (led, found, code) = tokio::join!(deps.counters.links(&links), deps.accounts.get(&key), deps.counters.code(&key));
    let led = led?;
    let is_linked = led.user.is_some();
    let found = match led.user.or(led.person) {
        // They are called otherwise by now, and are who they were.
        Some(other) if other != key => deps.accounts.get(&other).await?,
        _ => found?,
    };
    let account = match found {
        Found::Account(account) => Some(*account),
        Found::Nothing => None,
        Found::Corrupt => {
            trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
            return Ok(Err(Refusal::Tokens));
        }
    };
    if let Some(account) = &account {
        trail.identified(account.subject.as_str().to_owned());
        note_fault(keep(deps, user, account, (is_linked, made_for), now).await, trail);
    }
    // A client that asks for no code says nothing of one that does.
    let code_given_at = code?.and_then(|code| code.given).filter(|(_, client)| *client == user.client).map(|(at, _)| at);
    let known = Known { account: account.as_ref(), code_given_at, external: user.external };
    Ok(claims(made_for, &known, now, &deps.tokens).map_err(|none| {
        trail.record(Event::new(EventKind::TokenRefused).reason(none.as_str()));
        Refusal::Tokens
    }))
}

/// Keeps whose account it is, the first time, and that a password was chosen.
async fn keep(
    deps: &Deps,
    user: &User,
    account: &Account,
    (is_linked, made_for): (bool, TokenFor),
    now: Timestamp,
) -> Result<(), Fault> {
    if !is_linked && user.sub.is_some() {
        let links = deps.links(user, &account.key);
        deps.transactions.write(deps.keep(user, &links, &account.key)?).await?;
    }
    if made_for == TokenFor::FirstPassword {
        deps.accounts.chose_pool_password(account, now).await?;
    }
    Ok(())
}
