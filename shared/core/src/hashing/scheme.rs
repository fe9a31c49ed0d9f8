//! The password hashes that can be computed, and what each may cost at most.

use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::format::{argon2_params, fields, number, scrypt_scheme};
use super::memory;
use super::{Argon2Params, FormatError, HashError};

/// PBKDF2 rounds that a stored hash may ask for at most; Django 5.2 makes 1,000,000.
pub(super) const MAX_PBKDF2_ROUNDS: u32 = 2_000_000;
/// bcrypt's cost, as a power of two: its own least, and twice as many doublings as Django's default of 12 would be absurd.
pub(super) const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;
/// scrypt: N = 2^17, r = 8, p = 10 (Django's default: 2^14, 8, 5).
pub(super) const MAX_SCRYPT: (u8, u32, u32) = (17, 8, 10);
/// What bcrypt reads of a password.
const BCRYPT_BYTES: usize = 72;

/// Which of Argon2's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variety {
    /// Argon2id: ours.
    Id,
    /// Argon2i: Django's before version 3.2.
    I,
}

/// The hash under PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prf {
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-1.
    Sha1,
}

/// A way of hashing with its cost, always within the ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 9106, version 19.
    Argon2 {
        /// Which.
        variety: Variety,
        /// Its cost.
        params: Argon2Params,
    },
    /// RFC 8018.
    Pbkdf2 {
        /// Under it.
        prf: Prf,
        /// How often.
        rounds: u32,
    },
    /// OpenBSD's.
    Bcrypt {
        /// Whether the password's SHA-256 in hexadecimal is hashed instead of the password.
        prehashed: bool,
        /// As a power of two.
        cost: u32,
    },
    /// RFC 7914.
    Scrypt {
        /// N as a power of two.
        log_n: u8,
        /// Block size.
        r: u32,
        /// Lanes.
        p: u32,
    },
}

impl Scheme {
    /// The scheme, unless its cost is above the ceilings or none at all.
    pub(super) fn bounded(self) -> Result<Self, FormatError> {
        let usable = match self {
            Self::Argon2 { params, .. } => params.is_usable(),
            Self::Pbkdf2 { rounds, .. } => (1..=MAX_PBKDF2_ROUNDS).contains(&rounds),
            Self::Bcrypt { cost, .. } => BCRYPT_COST.contains(&cost),
            Self::Scrypt { log_n, r, p } => {
                let (most_log_n, most_r, most_p) = MAX_SCRYPT;
                (1..=most_log_n).contains(&log_n) && (1..=most_r).contains(&r) && (1..=most_p).contains(&p)
            }
        };
        if usable { Ok(self) } else { Err(FormatError::CostOutOfBounds) }
    }

    /// How many bytes Django stores of its output.
    pub(super) fn output_bytes(self) -> usize {
        match self {
            Self::Argon2 { .. } | Self::Pbkdf2 { prf: Prf::Sha256, .. } => 32,
            Self::Pbkdf2 { prf: Prf::Sha1, .. } => 20,
            Self::Bcrypt { .. } => 23,
            Self::Scrypt { .. } => 64,
        }
    }

    /// `output_bytes` of the hash of `password`; `None` for a password that plain bcrypt would cut, which is never tried (a longer
    /// password must not log in by its first 72 bytes).
    pub(super) fn run(self, password: &[u8], salt: &[u8], output_bytes: usize) -> Result<Option<Zeroizing<Vec<u8>>>, HashError> {
        let mut output = Zeroizing::new(vec![0; output_bytes]);
        match self {
            Self::Argon2 { variety, params } => argon2(variety, params, password, salt, &mut output)?,
            Self::Pbkdf2 { prf: Prf::Sha256, rounds } => {
                pbkdf2::pbkdf2::<Hmac<Sha256>>(password, salt, rounds, &mut output).map_err(|_| HashError)?;
            }
            Self::Pbkdf2 { prf: Prf::Sha1, rounds } => {
                pbkdf2::pbkdf2::<Hmac<Sha1>>(password, salt, rounds, &mut output).map_err(|_| HashError)?;
            }
            Self::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError)?;
                scrypt::scrypt(password, salt, &params, &mut output).map_err(|_| HashError)?;
            }
            Self::Bcrypt { prehashed: false, .. } if password.len() > BCRYPT_BYTES => return Ok(None),
            Self::Bcrypt { prehashed, cost } => {
                let password = if prehashed { hex_of_sha_256(password) } else { Zeroizing::new(password.to_vec()) };
                bcrypt(cost, &password, salt, &mut output)?;
            }
        }
        Ok(Some(output))
    }
}

/// Django's name of an algorithm, alone for the cost Django 5.2 gives it, or with a cost: `pbkdf2_sha256$600000`, `bcrypt_sha256$12`,
/// `scrypt$16384$8$5`, `argon2$m=102400,t=2,p=8`.
impl FromStr for Scheme {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let (name, cost) = text.split_once('$').map_or((text, None), |(name, cost)| (name, Some(cost)));
        let one = |default: u32| cost.map_or(Ok(default), number);
        let scheme = match name {
            "pbkdf2_sha256" => Self::Pbkdf2 { prf: Prf::Sha256, rounds: one(1_000_000)? },
            "pbkdf2_sha1" => Self::Pbkdf2 { prf: Prf::Sha1, rounds: one(1_000_000)? },
            "bcrypt_sha256" => Self::Bcrypt { prehashed: true, cost: one(12)? },
            "bcrypt" => Self::Bcrypt { prehashed: false, cost: one(12)? },
            "scrypt" => scrypt_cost(cost.unwrap_or("16384$8$5"))?,
            "argon2" => {
                let params = argon2_params(cost.unwrap_or("m=102400,t=2,p=8"))?;
                Self::Argon2 { variety: Variety::Id, params }
            }
            _ => return Err(FormatError::Unsupported),
        };
        scheme.bounded()
    }
}

fn scrypt_cost(text: &str) -> Result<Scheme, FormatError> {
    let [n, r, p] = fields(text)?;
    scrypt_scheme(n, r, p)
}

fn argon2(variety: Variety, params: Argon2Params, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), HashError> {
    let algorithm = match variety {
        Variety::Id => Algorithm::Argon2id,
        Variety::I => Algorithm::Argon2i,
    };
    let params = Params::new(params.memory_kib, params.passes, params.lanes, Some(output.len())).map_err(|_| HashError)?;
    let (blocks, argon2) = (params.block_count(), Argon2::new(algorithm, Version::V0x13, params));
    memory::with(blocks, |memory| argon2.hash_password_into_with_memory(password, salt, output, memory)).map_err(|_| HashError)
}

/// bcrypt reads the password with a NUL behind it, of both 72 bytes at most.
fn bcrypt(cost: u32, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), HashError> {
    let mut terminated = Zeroizing::new(Vec::with_capacity(BCRYPT_BYTES + 1));
    terminated.extend_from_slice(password.get(..BCRYPT_BYTES).unwrap_or(password));
    terminated.push(0);
    terminated.truncate(BCRYPT_BYTES);
    let salt: [u8; 16] = salt.try_into().map_err(|_| HashError)?;
    let full = Zeroizing::new(bcrypt::bcrypt(cost, salt, &terminated));
    output.copy_from_slice(full.get(..output.len()).ok_or(HashError)?);
    Ok(())
}

fn hex_of_sha_256(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let digest: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(password).into());
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    let mut hex = Zeroizing::new(Vec::with_capacity(64));
    for byte in digest.iter() {
        hex.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}
