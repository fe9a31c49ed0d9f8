//! Before tokens are made: what they say, or that there are none.

use palisade_cloud::accounts::Found;
use palisade_core::cognito::token::{Claims, Known, claims};
use palisade_core::cognito::{Refusal, TokenFor};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::{Fault, Timestamp};

use super::{Deps, User};

/// What the tokens of `user` say; `external` when another provider vouches for them.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn tokens(
    deps: &Deps,
    (made_for, external): (TokenFor, bool),
    user: &User,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<Claims, Refusal>, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let (found, code) = tokio::join!(deps.accounts.get(&key), deps.counters.code(&key));
    let account = match found? {
        Found::Account(account) => Some(account),
        Found::Nothing => None,
        Found::Corrupt => {
            trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
            return Ok(Err(Refusal::Tokens));
        }
    };
    let code_given_at = code?.and_then(|code| code.given_at);
    if let Some(account) = &account {
        trail.identified(account.subject.as_str().to_owned());
    }
    let known = Known { account: account.as_deref(), code_given_at, external };
    Ok(claims(made_for, &known, now, &deps.tokens).map_err(|none| {
        trail.record(Event::new(EventKind::TokenRefused).reason(none.as_str()));
        Refusal::Tokens
    }))
}
