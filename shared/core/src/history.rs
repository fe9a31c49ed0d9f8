//! The passwords an account had before (requirements r11 and r13), at a cost that does not grow with their number.
//!
//! Beside its own hash every password set here leaves a digest: Argon2id under the account's one history salt. A candidate is hashed
//! once under that salt and compared with all digests. A password that came with an import has no digest; its encoded hash is kept and
//! takes a run of its own.

use base64ct::{Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;

use crate::account::Account;
use crate::denial::{LimitReason, RateLimited};
use crate::hashing::{self, Argon2Params, HashError, SALT_BYTES, StoredPassword};
use crate::ip_window::{RateStatus, whole_seconds};
use crate::secret::Password;
use crate::timestamp::Timestamp;
use std::time::Duration;

/// How many old passwords are kept (requirement r13).
pub const KEPT: usize = 10;

/// Changes in [`CHANGES_WITHIN`] (CASES P21: fewer than it takes to cycle through the history).
pub const CHANGES: usize = 4;

/// See [`CHANGES`].
pub const CHANGES_WITHIN: Duration = Duration::from_hours(24);

/// A password under its account's history salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    bytes: [u8; 32],
    params: Argon2Params,
}

impl Digest {
    /// As it is stored: `m=…,t=…,p=…$<base64>`.
    pub fn encode(&self) -> String {
        let Argon2Params { memory_kib, passes, lanes } = self.params;
        format!("m={memory_kib},t={passes},p={lanes}${}", Base64Unpadded::encode_string(&self.bytes))
    }

    /// `None` unless `text` is one, within the cost ceilings.
    pub fn parse(text: &str) -> Option<Self> {
        let (params, bytes) = text.split_once('$')?;
        let params = hashing::argon2_params(params).ok().filter(Argon2Params::is_usable)?;
        let bytes = Base64Unpadded::decode_vec(bytes).ok()?.try_into().ok()?;
        Some(Self { bytes, params })
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

/// What is kept of a password.
#[derive(Debug, Clone)]
pub enum Old {
    /// One set here.
    Digest(Digest),
    /// One that came with an import.
    Encoded(StoredPassword),
}

impl Old {
    /// What is to be kept of the password `account` has now; `None` when it has none.
    pub fn of(account: &Account) -> Option<Self> {
        let digest = account.current_digest.clone().filter(|_| account.history_salt.is_some());
        digest.map(Self::Digest).or_else(|| account.password.clone().map(Self::Encoded))
    }
}

/// An old password.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was replaced; distinct for the entries of an account.
    pub changed_at: Timestamp,
    /// What is left of it.
    pub old: Old,
}

/// What a candidate is compared with.
#[derive(Debug, Clone)]
pub struct Past {
    salt: Option<[u8; SALT_BYTES]>,
    olds: Vec<Old>,
}

/// What comparing came to.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Whether the candidate is one of them.
    pub reused: bool,
    /// The candidate's own digest at today's parameters.
    pub digest: Digest,
    /// The salt it was made with, to be kept with the account.
    pub salt: [u8; SALT_BYTES],
}

impl Past {
    /// The current password of `account` and the newest `reuse` of `entries`, newest first.
    pub fn of(account: &Account, entries: &[Entry], reuse: usize) -> Self {
        let older = entries.iter().take(reuse).map(|entry| entry.old.clone());
        Self { salt: account.history_salt, olds: Old::of(account).into_iter().chain(older).collect() }
    }

    /// These, under this salt.
    pub fn among(salt: [u8; SALT_BYTES], olds: impl IntoIterator<Item = Old>) -> Self {
        Self { salt: Some(salt), olds: olds.into_iter().collect() }
    }

    /// Nothing to compare with: for an account to be.
    pub fn nothing() -> Self {
        Self { salt: None, olds: Vec::new() }
    }

    /// The same as [`Past::of`] for somebody whose current password was just proved: comparing with it takes no run.
    pub fn without_current(account: &Account, entries: &[Entry], reuse: usize) -> Self {
        let olds = Self::of(account, entries, reuse).olds.into_iter().skip(usize::from(Old::of(account).is_some())).collect();
        Self { salt: account.history_salt, olds }
    }

    /// How many runs [`Past::compare`] makes: one, one more for each other set of parameters, one for each imported hash.
    pub fn runs(&self, today: &Argon2Params) -> u32 {
        let encoded = self.olds.iter().filter(|old| matches!(old, Old::Encoded(_))).count();
        u32::try_from(self.parameter_sets(today).len() + encoded).unwrap_or(u32::MAX)
    }

    /// Compares `candidate` with all of them, in constant time. `fresh_salt` is for an account that has no history salt yet.
    ///
    /// # Errors
    /// [`HashError`] when a run could not be made.
    pub fn compare(&self, candidate: &Password, fresh_salt: [u8; SALT_BYTES], today: &Argon2Params) -> Result<Compared, HashError> {
        let salt = self.salt.unwrap_or(fresh_salt);
        let digest = |params: Argon2Params| Ok(Digest { bytes: hashing::digest(candidate, &salt, &params)?, params });
        let candidates = self.parameter_sets(today).into_iter().map(digest).collect::<Result<Vec<_>, HashError>>()?;
        let mut reused = false;
        for old in &self.olds {
            reused |= match old {
                Old::Digest(old) => candidates.iter().any(|one| one.params == old.params && one.bytes.ct_eq(&old.bytes).into()),
                Old::Encoded(stored) => hashing::matches(candidate, stored)?,
            };
        }
        let digest = candidates.into_iter().next().ok_or(HashError)?;
        Ok(Compared { reused, digest, salt })
    }

    /// Today's parameters, then each other set in use.
    fn parameter_sets(&self, today: &Argon2Params) -> Vec<Argon2Params> {
        let mut sets = vec![*today];
        for old in &self.olds {
            if let Old::Digest(digest) = old
                && !sets.contains(&digest.params)
            {
                sets.push(digest.params);
            }
        }
        sets
    }
}

/// Where the changes of the last day stand, for the headers (requirement r39); `entries` are newest first.
pub fn change_status(entries: &[Entry], now: Timestamp) -> RateStatus {
    let lately: Vec<Timestamp> =
        entries.iter().map(|entry| entry.changed_at).filter(|at| now < at.plus(CHANGES_WITHIN)).take(CHANGES).collect();
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    RateStatus {
        limit: wide(CHANGES),
        remaining: wide(CHANGES - lately.len()),
        resets_at: lately.last().copied().unwrap_or(now).plus(CHANGES_WITHIN),
    }
}

/// The refusal when the password was changed [`CHANGES`] times within [`CHANGES_WITHIN`]; `entries` are newest first.
pub fn change_limit(entries: &[Entry], now: Timestamp) -> Option<RateLimited> {
    let opens_at = entries.get(CHANGES - 1)?.changed_at.plus(CHANGES_WITHIN);
    (now < opens_at).then(|| RateLimited {
        reason: LimitReason::ChangeLimit,
        limit: u64::try_from(CHANGES).unwrap_or(u64::MAX),
        retry_after: whole_seconds(opens_at.since(now)),
    })
}

#[cfg(test)]
#[path = "history/tests.rs"]
mod tests;
