//! What tokens say of a user, and when there are none.
//!
//! The events of a user pool name no session: what is refused at a refresh is refused for all sessions of a user, until they sign in anew.

use std::time::Duration;

use crate::account::{Account, MustChange, Status};
use crate::cognito::TokenFor;
use crate::cognito::challenge::USED_GRACE;
use crate::timestamp::Timestamp;

/// The numbers of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRules {
    /// `PALISADE_COGNITO_MAX_AUTH_AGE_S`: how long after a sign-in tokens are refreshed; `None` for as long as the pool lets them.
    pub max_auth_age: Option<Duration>,
    /// `PALISADE_PASSWORD_MAX_AGE_DAYS`.
    pub password_max_age: Option<Duration>,
    /// `PALISADE_SESSIONS_NOT_BEFORE`.
    pub not_before: Option<Timestamp>,
}

/// What is known of a user whose tokens are to be made.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Their account; `None` for a user whom no trigger told of yet.
    pub account: Option<&'a Account>,
    /// When they last gave a code, by the same client of the pool.
    pub code_given_at: Option<Timestamp>,
    /// Whether another provider vouches for them.
    pub external: bool,
}

/// What their tokens say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// How they signed in, at least (RFC 8176): `pwd`, which is the pool's own first factor, whichever it was, `pwd otp mfa` with a code of ours, `fed` by another provider. A refresh does not say
    /// of which sign-in it is, so it never tells of a code.
    pub amr: &'static str,
    /// When; `None` at a refresh, for the same reason.
    pub auth_time: Option<Timestamp>,
    /// Whether the password must be changed.
    pub change_required: bool,
    /// Whether they carry no groups, roles and scopes until then: the password is known to others, or an operator asked.
    pub restricted: bool,
}

/// Why there are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTokens {
    /// The account is switched off.
    Disabled,
    /// Everything of the account was ended since its last sign-in.
    Ended,
    /// That sign-in is too long ago.
    TooOld,
}

impl NoTokens {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Ended => "ended",
            Self::TooOld => "sign_in_too_old",
        }
    }
}

/// The claims of tokens made at `now`, or why there are none.
///
/// # Errors
/// Why there are none.
pub fn claims(made_for: TokenFor, known: &Known<'_>, now: Timestamp, rules: &TokenRules) -> Result<Claims, NoTokens> {
    let auth_time = match made_for {
        TokenFor::SignIn | TokenFor::HostedSignIn | TokenFor::FirstPassword => Some(now),
        TokenFor::Refresh | TokenFor::Client => None,
    };
    if let Some(account) = known.account {
        if account.status == Status::Disabled {
            return Err(NoTokens::Disabled);
        }
        if made_for == TokenFor::Refresh {
            refresh(account, now, rules)?;
        }
    }
    // Another provider's password is its own affair.
    let max_age = rules.password_max_age.filter(|_| !known.external);
    let must_change = known.account.and_then(|account| account.must_change(now, max_age));
    let must_change = must_change.filter(|_| made_for != TokenFor::FirstPassword);
    let given_at = known.code_given_at.filter(|_| made_for == TokenFor::SignIn);
    let with_code = given_at.is_some_and(|given_at| is_one_sign_in(now, given_at));
    Ok(Claims {
        amr: match (known.external, with_code) {
            (true, _) => "fed",
            (false, true) => "pwd otp mfa",
            (false, false) => "pwd",
        },
        auth_time,
        change_required: must_change.is_some(),
        restricted: matches!(must_change, Some(MustChange::Breached | MustChange::Required)),
    })
}

fn refresh(account: &Account, now: Timestamp, rules: &TokenRules) -> Result<(), NoTokens> {
    let Some(signed_in_at) = account.pool.authenticated_at else {
        // Attached after that sign-in: nothing can be said of it, unless a new password was set by code since, or everybody's sessions end.
        let is_ended = account.pool.password_set_at.is_some() || rules.not_before.is_some();
        return if is_ended { Err(NoTokens::Ended) } else { Ok(()) };
    };
    let is_ended = account.pool.authenticated_under != Some(account.auth_version);
    if is_ended || rules.not_before.is_some_and(|not_before| signed_in_at < not_before) {
        return Err(NoTokens::Ended);
    }
    match rules.max_auth_age {
        Some(max_age) if now >= signed_in_at.plus(max_age) => Err(NoTokens::TooOld),
        _ => Ok(()),
    }
}

/// A code is followed at once by the trigger after the sign-in.
fn is_one_sign_in(auth_time: Timestamp, given_at: Timestamp) -> bool {
    auth_time.since(given_at) < USED_GRACE && given_at.since(auth_time) < USED_GRACE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::PoolUser;
    use crate::account::tests::account;

    const RULES: TokenRules =
        TokenRules { max_auth_age: Some(Duration::from_secs(1_000)), password_max_age: None, not_before: None };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn user() -> Account {
        let mut user = account();
        user.auth_version = 7;
        user.pool = PoolUser {
            spelling: Some("Alice".into()),
            authenticated_at: Some(at(0)),
            authenticated_under: Some(7),
            ..PoolUser::default()
        };
        user
    }

    fn refreshed(user: &Account, now: Timestamp, rules: &TokenRules) -> Result<Claims, NoTokens> {
        claims(TokenFor::Refresh, &Known { account: Some(user), code_given_at: None, external: false }, now, rules)
    }

    #[test]
    fn tokens_are_refreshed_until_the_sign_in_is_too_old_or_was_ended() {
        let mut user = user();
        assert_eq!(refreshed(&user, at(999), &RULES).map(|claims| claims.auth_time), Ok(None), "nobody knows of which sign-in");
        assert_eq!(refreshed(&user, at(1_000), &RULES), Err(NoTokens::TooOld));
        assert!(refreshed(&user, at(1_000), &TokenRules { max_auth_age: None, ..RULES }).is_ok());
        assert_eq!(refreshed(&user, at(5), &TokenRules { not_before: Some(at(1)), ..RULES }), Err(NoTokens::Ended));
        user.auth_version = 8;
        assert_eq!(refreshed(&user, at(5), &RULES), Err(NoTokens::Ended));
        user.status = Status::Disabled;
        assert_eq!(refreshed(&user, at(5), &RULES), Err(NoTokens::Disabled));
        let known = Known { account: Some(&user), code_given_at: None, external: false };
        assert_eq!(claims(TokenFor::SignIn, &known, at(5), &RULES), Err(NoTokens::Disabled));
    }

    #[test]
    fn whoever_signed_in_before_the_triggers_were_attached_goes_on_until_a_reset() {
        let mut user = user();
        user.pool = PoolUser::default();
        user.devices_not_before = at(0);
        assert_eq!(refreshed(&user, at(5), &RULES).map(|claims| claims.auth_time), Ok(None), "an import is no reset");
        assert_eq!(refreshed(&user, at(5), &TokenRules { not_before: Some(at(1)), ..RULES }), Err(NoTokens::Ended), "everybody's");
        user.pool.password_set_at = Some(at(0));
        assert_eq!(refreshed(&user, at(5), &RULES), Err(NoTokens::Ended));
        let nobody = Known { account: None, code_given_at: None, external: false };
        assert!(claims(TokenFor::Refresh, &nobody, at(5), &RULES).is_ok());
        assert_eq!(claims(TokenFor::SignIn, &nobody, at(5), &RULES).map(|claims| claims.auth_time), Ok(Some(at(5))));
    }

    #[test]
    fn only_a_code_of_this_very_sign_in_is_told_of_and_never_at_a_refresh() {
        let user = user();
        let amr = |made_for, code_given_at, external| {
            claims(made_for, &Known { account: Some(&user), code_given_at, external }, at(50), &RULES).expect("claims").amr
        };
        assert_eq!(amr(TokenFor::SignIn, None, false), "pwd");
        assert_eq!(amr(TokenFor::SignIn, Some(at(49)), false), "pwd otp mfa");
        assert_eq!(amr(TokenFor::SignIn, Some(at(40)), false), "pwd");
        assert_eq!(amr(TokenFor::HostedSignIn, Some(at(49)), false), "pwd", "no code is part of that");
        assert_eq!(amr(TokenFor::SignIn, Some(at(49)), true), "fed");
        assert_eq!(amr(TokenFor::Refresh, Some(at(49)), false), "pwd", "it may be another sign-in's token");
    }

    #[test]
    fn a_password_known_to_others_takes_away_what_tokens_are_for_and_an_old_one_only_says_so() {
        let mut user = user();
        let said = |user: &Account, max_age| {
            let claims = refreshed(user, at(500), &TokenRules { password_max_age: max_age, ..RULES }).expect("claims");
            (claims.change_required, claims.restricted)
        };
        user.password_changed_at = Some(at(0));
        assert_eq!(said(&user, None), (false, false));
        assert_eq!(said(&user, Some(Duration::from_secs(500))), (true, false));
        for why in [MustChange::Breached, MustChange::Required] {
            user.must_change = Some(why);
            assert_eq!(said(&user, None), (true, true), "{why:?}");
            let known = Known { account: Some(&user), code_given_at: None, external: false };
            let first = claims(TokenFor::FirstPassword, &known, at(500), &RULES).expect("claims");
            assert!(!first.change_required && !first.restricted, "they just did");
        }
        user.must_change = None;
        let external = Known { account: Some(&user), code_given_at: None, external: true };
        let rules = TokenRules { password_max_age: Some(Duration::from_secs(1)), ..RULES };
        assert!(!claims(TokenFor::Refresh, &external, at(500), &rules).expect("claims").change_required, "no password of ours");
    }
}
