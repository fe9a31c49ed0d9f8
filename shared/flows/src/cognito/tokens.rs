//! Before tokens are made: what they say, or that there are none.

use palisade_cloud::accounts::Found;
use palisade_core::cognito::challenge::USED_GRACE;
use palisade_core::cognito::token::{Claims, Known, NoTokens, claims};
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
    let found = match (led.user, led.person, found?) {
        // They are called otherwise by now, and are who they were.
        (Some(other), _, _) if other != key => deps.accounts.get(&other).await?,
        (None, Some(other), Found::Nothing) => deps.accounts.get(&other).await?,
        (_, _, found) => found,
    };
    let account = match found {
        Found::Account(account) => Some(*account),
        // There was one.
        Found::Nothing if is_linked && made_for == TokenFor::Refresh => return Ok(Err(refused(NoTokens::Ended, trail))),
        Found::Nothing => None,
        Found::Corrupt => {
            trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
            return Ok(Err(Refusal::Tokens));
        }
    };
    if let Some(account) = &account {
        trail.identified(account.subject.as_str().to_owned());
    }
    // A client that asks for no code says nothing of one that does.
    let code_given_at = code?.and_then(|code| code.given).filter(|(_, client)| *client == user.client).map(|(at, _)| at);
    let known = Known { account: account.as_ref(), code_given_at, external: user.external };
    let said = claims(made_for, &known, now, &deps.tokens);
    if said.is_ok() {
        let account = account.unwrap_or_else(|| deps.account_of(user, key, now));
        note_fault(keep(deps, user, &account, (is_linked, made_for), now).await, trail);
    }
    Ok(said.map_err(|none| refused(none, trail)))
}

fn refused(none: NoTokens, trail: &mut Trail) -> Refusal {
    trail.record(Event::new(EventKind::TokenRefused).reason(none.as_str()));
    Refusal::Tokens
}

/// Keeps what no trigger before has: a sign-in of which none told, or that somebody is seen for the first time, whose account it is, and that
/// a password was chosen.
async fn keep(
    deps: &Deps,
    user: &User,
    account: &Account,
    (is_linked, made_for): (bool, TokenFor),
    now: Timestamp,
) -> Result<(), Fault> {
    let signed_in_at = account.pool.authenticated_at;
    let is_told =
        signed_in_at.is_some_and(|at| now.since(at) < USED_GRACE) && account.pool.authenticated_under == Some(account.auth_version);
    let is_kept = if made_for == TokenFor::Refresh { signed_in_at.is_some() } else { is_told };
    if !is_kept {
        deps.accounts.signed_in_to_pool(&deps.account_of(user, account.key.clone(), now), now).await?;
    }
    if !is_linked && user.sub.is_some() {
        let links = deps.links(user, &account.key);
        deps.transactions.write(deps.keep(user, &links, &account.key)?).await?;
    }
    if made_for == TokenFor::FirstPassword {
        deps.accounts.chose_pool_password(account, now).await?;
    }
    Ok(())
}
