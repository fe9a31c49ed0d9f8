//! Reads an Argon2id PHC string, strictly: one spelling per hash, every number bounded before it is used.

use base64ct::{Base64Unpadded, Encoding};

use super::Argon2Params;

/// The longest accepted string: salt and output of 64 bytes need less.
const MAX_CHARS: usize = 256;

const SALT: std::ops::RangeInclusive<usize> = 8..=64;
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

/// A stored Argon2id hash, taken apart.
pub struct Argon2idHash {
    /// Its cost, within [`Argon2Params::CEILING`].
    pub params: Argon2Params,
    /// 8 to 64 bytes.
    pub salt: Vec<u8>,
    /// 16 to 64 bytes.
    pub output: Vec<u8>,
}

/// Why a stored string is no hash that is computed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhcError {
    /// Not the strict form `$argon2id$v=19$m=…,t=…,p=…$salt$output`.
    #[error("malformed")]
    Malformed,
    /// Its cost is above the ceiling or below what Argon2 takes.
    #[error("cost out of bounds")]
    CostOutOfBounds,
}

impl Argon2idHash {
    /// Takes `encoded` apart; nothing is computed and nothing larger than the string allocated.
    pub fn parse(encoded: &str) -> Result<Self, PhcError> {
        if encoded.len() > MAX_CHARS {
            return Err(PhcError::Malformed);
        }
        let rest = encoded.strip_prefix("$argon2id$v=19$").ok_or(PhcError::Malformed)?;
        let mut fields = rest.split('$');
        let (params, salt, output) = (fields.next(), fields.next(), fields.next());
        let (Some(params), Some(salt), Some(output), None) = (params, salt, output, fields.next()) else {
            return Err(PhcError::Malformed);
        };
        Ok(Self { params: parse_params(params)?, salt: decode(salt, SALT)?, output: decode(output, OUTPUT)? })
    }
}

fn parse_params(text: &str) -> Result<Argon2Params, PhcError> {
    let mut fields = text.split(',');
    let mut number = |name: &str| {
        let digits = fields.next().and_then(|field| field.strip_prefix(name)).ok_or(PhcError::Malformed)?;
        let canonical = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !canonical {
            return Err(PhcError::Malformed);
        }
        // Digits that do not fit are a number all the same: a cost far out of bounds.
        digits.parse::<u32>().map_err(|_| PhcError::CostOutOfBounds)
    };
    let params = Argon2Params { memory_kib: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
    if fields.next().is_some() {
        return Err(PhcError::Malformed);
    }
    if !params.is_usable() {
        return Err(PhcError::CostOutOfBounds);
    }
    Ok(params)
}

fn decode(text: &str, bytes: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, PhcError> {
    let decoded = Base64Unpadded::decode_vec(text).map_err(|_| PhcError::Malformed)?;
    if bytes.contains(&decoded.len()) { Ok(decoded) } else { Err(PhcError::Malformed) }
}
