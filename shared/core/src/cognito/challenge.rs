//! A code after the password, with Cognito's custom challenges.
//!
//! ```text
//! SRP_A ──► PASSWORD_VERIFIER ──► CUSTOM_CHALLENGE ──► tokens
//!                 │ wrong              │ ▲ wrong, [`TRIES`] in all
//!                 ▼                    ▼ │
//!               fail ◄───────────────────┘
//! ```
//!
//! Cognito itself limits neither how often a code is guessed nor how often a challenge is begun anew, so the code and its tries are an
//! account's, not a session's. A code is derived from its notice under a key ([`code`]): it lies in no table, stream or dead letter.

use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::keys::{KeyRing, Use};
use crate::notice::{NoticeId, NoticeKind};
use crate::secret::SecretText;
use crate::{AccountKey, Password};

/// How long a code holds: 10 minutes (NIST SP 800-63B-4, 3.1.3.1: at most).
pub const LIFETIME: Duration = Duration::from_mins(10);

/// How many answers a code takes, whatever the session.
pub const TRIES: u64 = 5;

/// How long a code that was right is right again, so that a call which Cognito repeats is answered alike.
pub const USED_GRACE: Duration = Duration::from_secs(10);

/// How many digits a code has: with [`TRIES`] in each [`LIFETIME`], whoever has the password guesses one in 380 years.
pub const DIGITS: usize = 8;

/// One challenge of a session, as Cognito tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether it was met.
    pub met: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The challenge of this name.
    Challenge(&'static str),
    /// Tokens.
    Tokens,
    /// Nothing: the sign-in has failed.
    Fail,
}

/// What comes after `steps`. Nobody comes to a code without the password first, and nobody to tokens without both. An unknown user is led the
/// same way, on which the password already fails.
pub fn next(steps: &[Step], user_not_found: bool) -> Next {
    let Some((last, before)) = steps.split_last() else {
        // A sign-in that begins without a password.
        return Next::Fail;
    };
    let is_code = |step: &Step| step.name == "CUSTOM_CHALLENGE";
    if before.iter().any(|step| !step.met && !is_code(step)) || steps.first().is_none_or(|step| step.name != "SRP_A") {
        return Next::Fail;
    }
    let has_password = steps.iter().any(|step| step.met && step.name == "PASSWORD_VERIFIER");
    let given = u64::try_from(steps.iter().filter(|step| is_code(step)).count()).unwrap_or(u64::MAX);
    match (last.name.as_str(), last.met) {
        ("SRP_A", true) if before.is_empty() => Next::Challenge("PASSWORD_VERIFIER"),
        ("CUSTOM_CHALLENGE", true) if has_password && !user_not_found => Next::Tokens,
        ("CUSTOM_CHALLENGE", false) if has_password && given < TRIES => Next::Challenge("CUSTOM_CHALLENGE"),
        // The password, or what Cognito itself asks for after it: a device, another factor.
        (name, true) if has_password && name != "CUSTOM_CHALLENGE" && given == 0 => Next::Challenge("CUSTOM_CHALLENGE"),
        _ => Next::Fail,
    }
}

/// The code of the notice `id` to `account`, for its reader.
pub fn code(id: &NoticeId, account: &AccountKey, keys: &KeyRing) -> SecretText {
    digits(keys.sign(Use::Grant, &signed(id, account)))
}

/// Whether `answer` is that code, under any of the keys, in constant time. Spaces and hyphens between the digits are let pass.
pub fn is_right(answer: &Password, id: &NoticeId, account: &AccountKey, keys: &KeyRing) -> bool {
    let typed = SecretText::new(answer.text().chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).take(DIGITS + 1).collect());
    let mut right = subtle::Choice::from(0);
    for tag in keys.sign_with_all(Use::Grant, &signed(id, account)) {
        right |= digits(tag).expose().as_bytes().ct_eq(typed.expose().as_bytes());
    }
    right.into()
}

fn signed<'a>(id: &'a NoticeId, account: &'a AccountKey) -> [&'a [u8]; 3] {
    [id.as_str().as_bytes(), NoticeKind::SignInCode.as_str().as_bytes(), account.as_str().as_bytes()]
}

/// 128 bits as digits: the remainder is even to one part in 10^30.
fn digits(tag: [u8; 32]) -> SecretText {
    let number = tag.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    SecretText::new(format!("{:0width$}", number % 10_u128.pow(8), width = DIGITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IdentityKey;
    use crate::identifier::Identifier;
    use proptest::prelude::*;

    const OLD: &str = "an-old-secret-of-32-characters-xx";
    const NEW: &str = "a-new-secret-of-32-characters-yyy";

    fn account() -> AccountKey {
        let key = IdentityKey::parse("an-identity-key-of-32-characters").expect("a key");
        key.account_key(&Identifier::parse("alice").expect("a name"))
    }

    fn steps(all: &[(&str, bool)]) -> Vec<Step> {
        all.iter().map(|(name, met)| Step { name: (*name).to_owned(), met: *met }).collect()
    }

    const SRP: (&str, bool) = ("SRP_A", true);
    const PASSWORD: (&str, bool) = ("PASSWORD_VERIFIER", true);
    const WRONG: (&str, bool) = ("CUSTOM_CHALLENGE", false);
    const RIGHT: (&str, bool) = ("CUSTOM_CHALLENGE", true);

    #[test]
    fn the_password_comes_first_then_the_code_then_tokens() {
        let next = |all: &[(&str, bool)]| super::next(&steps(all), false);
        assert_eq!(next(&[SRP]), Next::Challenge("PASSWORD_VERIFIER"));
        assert_eq!(next(&[SRP, PASSWORD]), Next::Challenge("CUSTOM_CHALLENGE"));
        assert_eq!(next(&[SRP, PASSWORD, ("SOFTWARE_TOKEN_MFA", true)]), Next::Challenge("CUSTOM_CHALLENGE"));
        assert_eq!(next(&[SRP, PASSWORD, RIGHT]), Next::Tokens);
        assert_eq!(next(&[SRP, PASSWORD, WRONG]), Next::Challenge("CUSTOM_CHALLENGE"));
        assert_eq!(next(&[SRP, PASSWORD, WRONG, RIGHT]), Next::Tokens);
        assert_eq!(next(&[SRP, PASSWORD, WRONG, WRONG, WRONG, WRONG]), Next::Challenge("CUSTOM_CHALLENGE"));
        assert_eq!(next(&[SRP, PASSWORD, WRONG, WRONG, WRONG, WRONG, WRONG]), Next::Fail);
    }

    #[test]
    fn nobody_skips_a_step() {
        let next = |all: &[(&str, bool)]| super::next(&steps(all), false);
        for skipping in [
            [].as_slice(),
            &[RIGHT],
            &[PASSWORD],
            &[PASSWORD, RIGHT],
            &[SRP, RIGHT],
            &[SRP, ("PASSWORD_VERIFIER", false)],
            &[SRP, ("PASSWORD_VERIFIER", false), RIGHT],
            &[SRP, PASSWORD, ("SMS_MFA", false), RIGHT],
            &[("SRP_A", false)],
            &[SRP, SRP],
        ] {
            assert_eq!(next(skipping), Next::Fail, "{skipping:?}");
        }
        assert_eq!(super::next(&steps(&[SRP, PASSWORD, RIGHT]), true), Next::Fail, "nobody is there to give tokens to");
        assert_eq!(super::next(&steps(&[SRP]), true), Next::Challenge("PASSWORD_VERIFIER"), "and is led the same way");
    }

    proptest! {
        #[test]
        fn tokens_are_for_whoever_gave_password_and_code(all in proptest::collection::vec((0_usize..5, any::<bool>()), 0..9)) {
            let names = ["SRP_A", "PASSWORD_VERIFIER", "CUSTOM_CHALLENGE", "SMS_MFA", "DEVICE_SRP_AUTH"];
            let all: Vec<(&str, bool)> = all.into_iter().map(|(name, met)| (names[name], met)).collect();
            if super::next(&steps(&all), false) == Next::Tokens {
                let at = |wanted| all.iter().position(|step| *step == wanted);
                prop_assert!(at(SRP) == Some(0) && at(PASSWORD) < at(RIGHT) && at(PASSWORD).is_some() && all.last() == Some(&RIGHT));
            }
        }
    }

    #[test]
    fn a_code_is_eight_digits_of_one_notice_to_one_account_under_any_key_of_the_ring() {
        let id = NoticeId::new([7; 16]);
        let (old, both) = (KeyRing::parse(OLD).expect("keys"), KeyRing::parse(&format!("{NEW},{OLD}")).expect("keys"));
        let code = super::code(&id, &account(), &old);
        assert!(code.expose().len() == DIGITS && code.expose().bytes().all(|byte| byte.is_ascii_digit()), "{}", code.expose());
        let is_right = |typed: &str, keys: &KeyRing| super::is_right(&Password::new(typed).expect("short"), &id, &account(), keys);
        let (first, second) = code.expose().split_at(4);
        for typed in [code.expose().to_owned(), format!("{first} {second}"), format!(" {first}-{second}\u{a0}")] {
            assert!(is_right(&typed, &old) && is_right(&typed, &both), "{typed}");
            assert!(!is_right(&typed, &KeyRing::parse(NEW).expect("keys")), "{typed}");
        }
        for typed in ["", "00000000", first, &format!("{}0", code.expose())] {
            assert!(typed == code.expose() || !is_right(typed, &old), "{typed}");
        }
        assert_ne!(code.expose(), super::code(&NoticeId::new([8; 16]), &account(), &old).expose());
    }
}
