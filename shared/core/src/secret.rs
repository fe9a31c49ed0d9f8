//! Secrets as types: wiped when dropped, redacted in `Debug`, bounded, without `Display`, `Serialize` or `==`.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The longest password read at all, in bytes: more is refused before any hashing (requirement r05; CVE-2013-1443 is what an
/// unbounded one costs).
pub const PASSWORD_MAX_BYTES: usize = 1_024;

/// A password as the client sent it: at most [`PASSWORD_MAX_BYTES`], any characters, outer spaces included.
///
/// ```compile_fail
/// fn shown<T: std::fmt::Display>(_: T) {}
/// shown(palisade_core::Password::new("secret").unwrap());
/// ```
/// ```compile_fail
/// fn sent<T: serde::Serialize>(_: T) {}
/// sent(palisade_core::Password::new("secret").unwrap());
/// ```
/// ```compile_fail
/// let password = palisade_core::Password::new("secret").unwrap();
/// let _ = password == palisade_core::Password::new("secret").unwrap();
/// ```
pub struct Password(Zeroizing<String>);

impl Password {
    /// `None` when `text` is longer than [`PASSWORD_MAX_BYTES`].
    pub fn new(text: impl Into<String>) -> Option<Self> {
        Self::of(Zeroizing::new(text.into()))
    }

    /// As [`Password::new`], of text that is wiped already.
    pub fn of(text: Zeroizing<String>) -> Option<Self> {
        (text.len() <= PASSWORD_MAX_BYTES).then_some(Self(text))
    }

    /// Whether `other` is the same password in NFC, in constant time for two of one length.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.nfc().as_slice().ct_eq(other.nfc().as_slice()).into()
    }

    /// The text as received, for the rules.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The bytes as received: what an imported hash was made from.
    pub fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The bytes in Unicode normalisation form C: what our own hashes are made from (NIST SP 800-63B-4, 3.1.1.2).
    pub fn nfc(&self) -> Zeroizing<Vec<u8>> {
        // Reserved up front so that growing never leaves an unwiped copy behind: NFC at most triples UTF-8 (UAX 15).
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len().saturating_mul(3)));
        let mut buffer = Zeroizing::new([0_u8; 4]);
        for character in self.0.nfc() {
            bytes.extend_from_slice(character.encode_utf8(buffer.as_mut()).as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// 32 random bytes that only their holder knows; what is stored is [`SecretBytes::digest`].
pub struct SecretBytes(Zeroizing<[u8; 32]>);

impl SecretBytes {
    /// Wraps 32 bytes from a cryptographic random source.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// SHA-256 of the bytes. A 256-bit random value needs no slow hash.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}

/// Text that is handed to its owner once and to nobody else: a session or device token on its way out.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps `text`.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc02_secrets_print_redacted() {
        let printed =
            format!("{:?} {:?} {:?}", Password::new("hunter2"), SecretBytes::new([7; 32]), SecretText::new("hunter2".into()));
        assert_eq!(printed, "Some(Password(redacted)) SecretBytes(redacted) SecretText(redacted)");
    }

    #[test]
    fn sc08_password_buffers_are_zeroized_types() {
        fn wiped_on_drop<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let password = Password::new("x").unwrap();
        wiped_on_drop(&password.0);
        wiped_on_drop(&password.nfc());
        wiped_on_drop(&SecretBytes::new([0; 32]).0);
        wiped_on_drop(&SecretText::new(String::new()).0);
    }

    #[test]
    fn p04_a_password_over_1024_bytes_is_no_password() {
        assert!(Password::new("a".repeat(1_024)).is_some());
        assert!(Password::new("a".repeat(1_025)).is_none());
    }

    #[test]
    fn p06_both_spellings_have_one_nfc_form_and_keep_their_raw_bytes() {
        let composed = Password::new("caf\u{e9}").unwrap();
        let decomposed = Password::new("cafe\u{301}").unwrap();
        assert_eq!(composed.nfc().as_slice(), decomposed.nfc().as_slice());
        assert_ne!(composed.raw(), decomposed.raw());
    }

    #[test]
    fn nfc_never_outgrows_what_was_reserved() {
        // U+1D160 is the worst case of UAX 15: 4 bytes become 12.
        let longest = Password::new("\u{1d160}".repeat(256)).unwrap();
        assert_eq!(longest.nfc().len(), 3_072);
        assert_eq!(longest.nfc().capacity(), 3_072);
    }
}
