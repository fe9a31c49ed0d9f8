//! How passwords are stored and checked.
//!
//! One rule shapes this module: a check always costs exactly one Argon2id run at today's parameters, whether the account exists, has a
//! usable password, or neither. That is why [`verify`] takes an `Option`: the run for nobody can't be skipped (Django #20760). A stored
//! hash at other parameters costs its own run besides.
//!
//! Cost numbers in a stored string are checked against ceilings before anything is computed: whoever can write a hash must not be able
//! to buy gigabytes or hours with it (ory/kratos `hash_limits_test.go`).

mod phc;

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Password;

pub use phc::{Argon2idHash, PhcError};

/// Bytes of salt in a new hash (RFC 9106, 3.1: 16 recommended).
pub const SALT_BYTES: usize = 16;

const OUTPUT_BYTES: usize = 32;

/// What one Argon2id run costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Argon2Params {
    /// The least that a deployment may use, and the default (OWASP Password Storage Cheat Sheet: m=19456, t=2, p=1; requirement r01).
    pub const OWASP_FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// The most that a stored hash may ask for; Django's own default (m=102400, t=2, p=8) is below.
    pub const CEILING: Self = Self { memory_kib: 131_072, passes: 10, lanes: 16 };

    /// Whether no number is below that of `other`.
    pub fn at_least(&self, other: &Self) -> bool {
        self.memory_kib >= other.memory_kib && self.passes >= other.passes && self.lanes >= other.lanes
    }

    /// Whether Argon2 takes these numbers and none is above the ceiling: at least 8 KiB a lane (RFC 9106, 3.1).
    pub fn is_usable(&self) -> bool {
        Self::CEILING.at_least(self) && self.lanes >= 1 && self.passes >= 1 && self.memory_kib >= self.lanes.saturating_mul(8)
    }
}

/// How a stored hash reads the password's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Normalised to NFC: ours.
    Nfc,
    /// As received: imported.
    Raw,
}

impl Normalization {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nfc => "nfc",
            Self::Raw => "raw",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Nfc, Self::Raw].into_iter().find(|scheme| scheme.as_str() == word)
    }
}

/// A password as an account's item holds it. The text is not yet known to be a hash.
#[derive(Clone)]
pub struct StoredPassword {
    /// The encoded hash.
    pub encoded: String,
    /// How it reads the password's bytes.
    pub normalization: Normalization,
}

impl std::fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredPassword(redacted)")
    }
}

/// What checking a password came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The password is the account's.
    Right,
    /// It is not, or there is no password to be right with.
    Wrong,
    /// It can't be, since what is stored is damaged; an operator should look.
    Corrupt(PhcError),
}

/// A hash could not be computed; with parameters that [`Argon2Params::is_usable`] accepts it does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Argon2id refused its parameters")]
pub struct HashError;

/// Hashes `password` with a new `salt` into a PHC string.
pub fn hash(password: &Password, salt: &[u8; SALT_BYTES], params: &Argon2Params) -> Result<StoredPassword, HashError> {
    let output = run(&password.nfc(), salt, params, OUTPUT_BYTES)?;
    let Argon2Params { memory_kib, passes, lanes } = params;
    let salt = Base64Unpadded::encode_string(salt);
    let output = Base64Unpadded::encode_string(&output);
    Ok(StoredPassword {
        encoded: format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}"),
        normalization: Normalization::Nfc,
    })
}

/// Checks `password` against what is stored, at the cost of exactly one run at `current` parameters, beside the run of a stored hash
/// with others. `None` and unusable or damaged hashes cost that run as well.
///
/// # Errors
/// [`HashError`] when a run could not be made; nothing is known of the password then.
pub fn verify(password: &Password, stored: Option<&StoredPassword>, current: &Argon2Params) -> Result<Checked, HashError> {
    let parsed = stored
        .filter(|stored| !is_unusable(&stored.encoded))
        .map(|stored| Argon2idHash::parse(&stored.encoded).map(|hash| (hash, stored.normalization)));
    match parsed {
        Some(Ok((hash, normalization))) => {
            let checked = check(password, &hash, normalization)?;
            if hash.params != *current {
                dummy(password, current)?;
            }
            Ok(checked)
        }
        Some(Err(error)) => dummy(password, current).map(|()| Checked::Corrupt(error)),
        None => dummy(password, current).map(|()| Checked::Wrong),
    }
}

/// How many Argon2id runs [`verify`] will make: one, and one more for a stored hash at other parameters.
pub fn runs(stored: Option<&StoredPassword>, current: &Argon2Params) -> u32 {
    let other = stored.and_then(|stored| Argon2idHash::parse(&stored.encoded).ok()).is_some_and(|hash| hash.params != *current);
    1 + u32::from(other)
}

/// Empty, or Django's mark of an account without a password.
fn is_unusable(encoded: &str) -> bool {
    encoded.is_empty() || encoded.starts_with('!')
}

fn check(password: &Password, hash: &Argon2idHash, normalization: Normalization) -> Result<Checked, HashError> {
    let output = match normalization {
        Normalization::Nfc => run(&password.nfc(), &hash.salt, &hash.params, hash.output.len())?,
        Normalization::Raw => run(password.raw(), &hash.salt, &hash.params, hash.output.len())?,
    };
    Ok(if output.ct_eq(&hash.output).into() { Checked::Right } else { Checked::Wrong })
}

fn dummy(password: &Password, params: &Argon2Params) -> Result<(), HashError> {
    let output = run(&password.nfc(), b"palisade-no-hash", params, OUTPUT_BYTES)?;
    std::hint::black_box(&output);
    Ok(())
}

fn run(password: &[u8], salt: &[u8], params: &Argon2Params, output_bytes: usize) -> Result<Zeroizing<Vec<u8>>, HashError> {
    let params = Params::new(params.memory_kib, params.passes, params.lanes, Some(output_bytes)).map_err(|_| HashError)?;
    let mut output = Zeroizing::new(vec![0; output_bytes]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, &mut output)
        .map_err(|_| HashError)?;
    Ok(output)
}

#[cfg(test)]
#[path = "hashing/tests.rs"]
mod tests;
