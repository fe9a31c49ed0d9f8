//! Reads stored hashes: our own PHC strings and Django's encodings. One spelling per hash, every number bounded before it is used, and
//! nothing computed or allocated that is larger than the string.

use base64ct::{Base64, Base64Bcrypt, Base64Unpadded, Encoding};

use super::Argon2Params;
use super::scheme::{Prf, Scheme, Variety};

/// The longest accepted string: salt and output of 64 bytes need less.
const MAX_CHARS: usize = 256;

/// A stored hash, taken apart.
pub struct Hash {
    /// How it was made.
    pub scheme: Scheme,
    /// With what salt.
    pub salt: Vec<u8>,
    /// What came of it.
    pub output: Vec<u8>,
}

/// Why a stored string is no hash that is computed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Of a known kind, but not in its strict form.
    #[error("malformed")]
    Malformed,
    /// Its cost is above the ceiling or below what the hash takes.
    #[error("cost out of bounds")]
    CostOutOfBounds,
    /// Of a kind that is not read: unsalted, fast, or not Django's.
    #[error("unsupported")]
    Unsupported,
}

impl Hash {
    /// Takes `encoded` apart.
    ///
    /// # Errors
    /// Why it is no hash that is computed here.
    pub fn parse(encoded: &str) -> Result<Self, FormatError> {
        if encoded.len() > MAX_CHARS {
            return Err(FormatError::Malformed);
        }
        let (kind, rest) = encoded.split_once('$').ok_or(FormatError::Unsupported)?;
        match kind {
            "" => argon2(rest, &[("argon2id", Variety::Id)], |bytes| (16..=64).contains(&bytes)),
            // Django's argon2-cffi makes 32 bytes today and made 16.
            "argon2" => argon2(rest, &[("argon2id", Variety::Id), ("argon2i", Variety::I)], |bytes| bytes == 16 || bytes == 32),
            "pbkdf2_sha256" => pbkdf2(rest, Prf::Sha256, 32),
            "pbkdf2_sha1" => pbkdf2(rest, Prf::Sha1, 20),
            "scrypt" => scrypt(rest),
            "bcrypt" => bcrypt(rest, false),
            "bcrypt_sha256" => bcrypt(rest, true),
            _ => Err(FormatError::Unsupported),
        }
    }
}

/// `<variety>$v=19$m=…,t=…,p=…$<salt>$<output>`, unpadded base64.
fn argon2(text: &str, varieties: &[(&str, Variety)], is_length: impl Fn(usize) -> bool) -> Result<Hash, FormatError> {
    let [kind, version, params, salt, output] = fields(text)?;
    let (_, variety) = *varieties.iter().find(|(name, _)| *name == kind).ok_or(FormatError::Malformed)?;
    if version != "v=19" {
        return Err(FormatError::Malformed);
    }
    let params = argon2_params(params)?;
    let salt = decode::<Base64Unpadded>(salt)?;
    let output = decode::<Base64Unpadded>(output)?;
    if !(8..=64).contains(&salt.len()) || !is_length(output.len()) {
        return Err(FormatError::Malformed);
    }
    Ok(Hash { scheme: Scheme::Argon2 { variety, params }.bounded()?, salt, output })
}

/// `m=…,t=…,p=…`, in this order.
pub(crate) fn argon2_params(text: &str) -> Result<Argon2Params, FormatError> {
    let mut numbers = text.split(',');
    let mut next = |name: &str| number(numbers.next().and_then(|field| field.strip_prefix(name)).ok_or(FormatError::Malformed)?);
    let params = Argon2Params { memory_kib: next("m=")?, passes: next("t=")?, lanes: next("p=")? };
    if numbers.next().is_some() { Err(FormatError::Malformed) } else { Ok(params) }
}

/// `<rounds>$<salt>$<output>`, padded base64; the salt is its own text.
fn pbkdf2(text: &str, prf: Prf, output_bytes: usize) -> Result<Hash, FormatError> {
    let [rounds, salt, output] = fields(text)?;
    let scheme = Scheme::Pbkdf2 { prf, rounds: number(rounds)? };
    let output = decode::<Base64>(output)?;
    if salt.is_empty() || output.len() != output_bytes {
        return Err(FormatError::Malformed);
    }
    Ok(Hash { scheme: scheme.bounded()?, salt: salt.as_bytes().to_vec(), output })
}

/// `<N>$<salt>$<r>$<p>$<output>`: Django stores N itself.
fn scrypt(text: &str) -> Result<Hash, FormatError> {
    let [n, salt, r, p, output] = fields(text)?;
    let scheme = scrypt_scheme(n, r, p)?;
    let output = decode::<Base64>(output)?;
    if salt.is_empty() || output.len() != 64 {
        return Err(FormatError::Malformed);
    }
    Ok(Hash { scheme: scheme.bounded()?, salt: salt.as_bytes().to_vec(), output })
}

pub(super) fn scrypt_scheme(n: &str, r: &str, p: &str) -> Result<Scheme, FormatError> {
    let n = number(n)?;
    if !n.is_power_of_two() {
        return Err(FormatError::Malformed);
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| FormatError::CostOutOfBounds)?;
    Ok(Scheme::Scrypt { log_n, r: number(r)?, p: number(p)? })
}

/// `$2b$<two digits>$<22 characters of salt><31 of output>`, bcrypt's own base64; 2a and 2y are the same for what is hashed here.
fn bcrypt(text: &str, prehashed: bool) -> Result<Hash, FormatError> {
    let [empty, version, cost, salt_and_output] = fields(text)?;
    let is_two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    if !empty.is_empty() || !["2a", "2b", "2y"].contains(&version) || !is_two_digits {
        return Err(FormatError::Malformed);
    }
    let (salt, output) = salt_and_output.split_at_checked(22).ok_or(FormatError::Malformed)?;
    let (salt, output) = (decode::<Base64Bcrypt>(salt)?, decode::<Base64Bcrypt>(output)?);
    if salt.len() != 16 || output.len() != 23 {
        return Err(FormatError::Malformed);
    }
    let cost = cost.parse().map_err(|_| FormatError::Malformed)?;
    Ok(Hash { scheme: Scheme::Bcrypt { prehashed, cost }.bounded()?, salt, output })
}

/// Exactly `N` fields between dollar signs.
pub(super) fn fields<const N: usize>(text: &str) -> Result<[&str; N], FormatError> {
    let fields: Vec<&str> = text.splitn(N + 1, '$').collect();
    fields.try_into().map_err(|_| FormatError::Malformed)
}

/// A number in its only spelling. Digits that do not fit are a number all the same: a cost far out of bounds.
pub(super) fn number(digits: &str) -> Result<u32, FormatError> {
    let is_zero = digits == "0";
    let is_canonical = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_zero || is_canonical { digits.parse().map_err(|_| FormatError::CostOutOfBounds) } else { Err(FormatError::Malformed) }
}

/// Decoders of `base64ct` refuse bits beyond the last byte, so a text decodes only if it is the one spelling.
fn decode<E: Encoding>(text: &str) -> Result<Vec<u8>, FormatError> {
    E::decode_vec(text).map_err(|_| FormatError::Malformed)
}
