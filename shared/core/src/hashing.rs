//! How passwords are stored and checked.
//!
//! One rule shapes this module: a check always costs exactly one Argon2id run at today's parameters, whether the account exists, has a
//! usable password, or neither. That is why [`verify`] takes an `Option`: the run for nobody can't be skipped (Django #20760). A stored
//! hash of another kind or cost takes its own run besides, and then the run at today's parameters is not thrown away: it is the hash
//! that replaces the old one (requirement r03).
//!
//! Cost numbers in a stored string are checked against ceilings before anything is computed: whoever can write a hash must not be able
//! to buy gigabytes or hours with it (ory/kratos `hash_limits_test.go`).

mod format;
mod memory;
mod scheme;

use base64ct::{Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Password;

pub(crate) use format::argon2_params;
pub use format::{FormatError, Hash};
pub use scheme::{Prf, Scheme, Variety};

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

/// A password's bytes as a stored hash reads them.
fn bytes(password: &Password, normalization: Normalization) -> Zeroizing<Vec<u8>> {
    match normalization {
        Normalization::Nfc => password.nfc(),
        Normalization::Raw => Zeroizing::new(password.raw().to_vec()),
    }
}

/// What every check costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Today's parameters.
    pub params: Argon2Params,
    /// The kind of hash that imported accounts have, run for everybody else too so that nobody can be told by the time it takes;
    /// `None` once no imported account is left.
    pub dummy: Option<Scheme>,
}

/// What checking a password came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The password is the account's.
    Right,
    /// It is not, or there is no password to be right with.
    Wrong,
    /// It can't be, since what is stored is damaged; an operator should look.
    Corrupt(FormatError),
}

/// A check, and the hash that should replace an old one.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What it came to.
    pub checked: Checked,
    /// The same password at today's parameters, where it was right and what is stored is of another kind or cost.
    pub rehashed: Option<StoredPassword>,
}

/// A hash could not be computed; with a [`Scheme`] within the ceilings it does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password hash refused its parameters")]
pub struct HashError;

/// Hashes `password` with a new `salt` into a PHC string.
///
/// # Errors
/// [`HashError`] when the run could not be made.
pub fn hash(password: &Password, salt: &[u8; SALT_BYTES], params: &Argon2Params) -> Result<StoredPassword, HashError> {
    let output = argon2id(&password.nfc(), salt, params)?;
    let Argon2Params { memory_kib, passes, lanes } = params;
    let salt = Base64Unpadded::encode_string(salt);
    let output = Base64Unpadded::encode_string(&output);
    Ok(StoredPassword {
        encoded: format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}"),
        normalization: Normalization::Nfc,
    })
}

/// Checks `password` against what is stored, at the cost of exactly one run at today's parameters, beside the run of a stored hash of
/// another kind or cost and of the dummy scheme. `None` and unusable or damaged hashes cost the same. `salt` is 16 new random bytes.
///
/// # Errors
/// [`HashError`] when a run could not be made; nothing is known of the password then.
pub fn verify(
    password: &Password,
    stored: Option<&StoredPassword>,
    salt: &[u8; SALT_BYTES],
    cost: &Cost,
) -> Result<Verified, HashError> {
    let plan = Plan::of(stored, cost);
    if let Some(scheme) = plan.dummy {
        std::hint::black_box(scheme.run(password.raw(), salt, scheme.output_bytes())?);
    }
    let checked = match &plan.stored {
        Some(Ok((hash, normalization))) if hash.matches(&bytes(password, *normalization))? => Checked::Right,
        Some(Ok(_)) | None => Checked::Wrong,
        Some(Err(error)) => Checked::Corrupt(*error),
    };
    let today = if plan.is_todays { None } else { Some(std::hint::black_box(hash(password, salt, &cost.params)?)) };
    Ok(Verified { checked, rehashed: today.filter(|_| checked == Checked::Right) })
}

/// Whether `password` is the one that `stored` was made from, at the cost of that one run. For those who are signed in already: it
/// tells by its time what is stored.
///
/// # Errors
/// [`HashError`] when the run could not be made.
pub fn matches(password: &Password, stored: &StoredPassword) -> Result<bool, HashError> {
    match Hash::parse(&stored.encoded) {
        Ok(hash) => hash.matches(&bytes(password, stored.normalization)),
        Err(_) => Ok(false),
    }
}

/// Why `stored` cannot be used, if it cannot: the word of its error.
pub fn corruption(stored: &StoredPassword) -> Option<String> {
    let is_meant_to_be = !is_unusable(&stored.encoded);
    Hash::parse(&stored.encoded).err().filter(|_| is_meant_to_be).map(|error| error.to_string())
}

/// How many runs [`verify`] will make.
pub fn runs(stored: Option<&StoredPassword>, cost: &Cost) -> u32 {
    let plan = Plan::of(stored, cost);
    let own = matches!(plan.stored, Some(Ok(_)));
    u32::from(own) + u32::from(!plan.is_todays) + u32::from(plan.dummy.is_some())
}

/// `password` hashed with the account's history salt: one run compares it with every digest made so .
///
/// # Errors
/// [`HashError`] when the run could not be made.
pub fn digest(password: &Password, salt: &[u8; SALT_BYTES], params: &Argon2Params) -> Result<[u8; OUTPUT_BYTES], HashError> {
    let output = argon2id(&password.nfc(), salt, params)?;
    output.as_slice().try_into().map_err(|_| HashError)
}

/// Which runs a check takes.
struct Plan {
    stored: Option<Result<(Hash, Normalization), FormatError>>,
    /// Whether the stored hash is at today's parameters, so that its own run is the one that everybody pays.
    is_todays: bool,
    /// The scheme to run for nothing.
    dummy: Option<Scheme>,
}

impl Plan {
    fn of(stored: Option<&StoredPassword>, cost: &Cost) -> Self {
        let stored = stored
            .filter(|stored| !is_unusable(&stored.encoded))
            .map(|stored| Hash::parse(&stored.encoded).map(|hash| (hash, stored.normalization)));
        let todays = Scheme::Argon2 { variety: Variety::Id, params: cost.params };
        let found = stored.as_ref().and_then(|stored| stored.as_ref().ok());
        let is_todays = found.is_some_and(|(hash, _)| hash.scheme == todays);
        let dummy = cost.dummy.filter(|dummy| found.is_none_or(|(hash, _)| hash.scheme != *dummy));
        Self { stored, is_todays, dummy }
    }
}

impl Hash {
    fn matches(&self, password: &[u8]) -> Result<bool, HashError> {
        let output = self.scheme.run(password, &self.salt, self.output.len())?;
        Ok(output.is_some_and(|output| output.ct_eq(&self.output).into()))
    }
}

/// Empty, or Django's mark of an account without a password.
pub(crate) fn is_unusable(encoded: &str) -> bool {
    encoded.is_empty() || encoded.starts_with('!')
}

fn argon2id(password: &[u8], salt: &[u8], params: &Argon2Params) -> Result<Zeroizing<Vec<u8>>, HashError> {
    let scheme = Scheme::Argon2 { variety: Variety::Id, params: *params };
    scheme.run(password, salt, OUTPUT_BYTES)?.ok_or(HashError)
}

#[cfg(test)]
#[path = "hashing/tests.rs"]
mod tests;
