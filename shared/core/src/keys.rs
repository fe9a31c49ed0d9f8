//! The keys that everything keyed is made with, and how one is derived per use.
//!
//! `PALISADE_SECRET` holds one or more strings, first current: it signs, all verify. HKDF-SHA-256 (RFC 5869) gives one key per use,
//! with info `palisade/v1/<use>`, so that a token of one kind is never one of another. `PALISADE_IDENTITY_KEY` is apart and never
//! rotated, since every storage key hangs on it.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::identifier::Identifier;

/// The shortest accepted secret, in characters: 32 printable characters hold at least 128 bits even in hexadecimal.
pub const SECRET_MIN_CHARS: usize = 32;

/// HMAC-SHA-256 under one key, made when the settings are read, so that nothing can fail later.
#[derive(Clone)]
struct MacKey(Hmac<Sha256>);

impl MacKey {
    fn new(key: &[u8]) -> Result<Self, String> {
        Hmac::new_from_slice(key).map(Self).map_err(|_| "cannot be used as a key".to_owned())
    }

    /// Over `parts`, each preceded by its length, so that no two lists of parts share an input.
    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.over(parts).finalize().into_bytes().into()
    }
}

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Tokens against cross-site requests.
    Csrf,
    /// Known-device tokens.
    Device,
    /// One-time grants in notices.
    Grant,
    /// Public ids of sessions.
    Session,
    /// Places in a listing.
    Cursor,
    /// Pseudonyms in logs.
    Log,
}

impl Use {
    fn info(self) -> &'static str {
        match self {
            Self::Csrf => "palisade/v1/csrf",
            Self::Device => "palisade/v1/device",
            Self::Grant => "palisade/v1/grant",
            Self::Session => "palisade/v1/session",
            Self::Cursor => "palisade/v1/cursor",
            Self::Log => "palisade/v1/log",
        }
    }
}

struct Key {
    id: String,
    csrf: MacKey,
    device: MacKey,
    grant: MacKey,
    session: MacKey,
    cursor: MacKey,
    log: MacKey,
}

impl Key {
    fn derive(secret: &str) -> Result<Self, String> {
        let hkdf = Hkdf::<Sha256>::new(None, secret.as_bytes());
        let expand =
            |info: &str, into: &mut [u8]| hkdf.expand(info.as_bytes(), into).map_err(|_| "cannot be used as a key".to_owned());
        let mut id = [0_u8; 6];
        expand("palisade/v1/key-id", &mut id)?;
        let one = |of: Use| {
            let mut key = Zeroizing::new([0_u8; 32]);
            expand(of.info(), key.as_mut())?;
            MacKey::new(key.as_ref())
        };
        Ok(Self {
            id: Base64UrlUnpadded::encode_string(&id),
            csrf: one(Use::Csrf)?,
            device: one(Use::Device)?,
            grant: one(Use::Grant)?,
            session: one(Use::Session)?,
            cursor: one(Use::Cursor)?,
            log: one(Use::Log)?,
        })
    }

    fn of(&self, of: Use) -> &MacKey {
        match of {
            Use::Csrf => &self.csrf,
            Use::Device => &self.device,
            Use::Grant => &self.grant,
            Use::Session => &self.session,
            Use::Cursor => &self.cursor,
            Use::Log => &self.log,
        }
    }
}

/// The keys derived from `PALISADE_SECRET`: the first signs, all verify.
pub struct KeyRing {
    current: Key,
    retired: Vec<Key>,
}

impl KeyRing {
    /// From the setting's text: strings of at least [`SECRET_MIN_CHARS`] printable ASCII characters, separated by commas.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (place, secret) in text.split(',').map(str::trim).enumerate() {
            check_secret(secret).map_err(|why| format!("secret {} {why}", place + 1))?;
            keys.push(Key::derive(secret)?);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or("is empty")?;
        Ok(Self { current, retired: keys.collect() })
    }

    /// The id of the key that signs: 8 characters of base64url.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// A tag over `parts` with each key, the current one first.
    pub fn sign_with_all(&self, of: Use, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        std::iter::once(&self.current).chain(&self.retired).map(|key| key.of(of).tag(parts)).collect()
    }

    /// A tag over `parts` with the current key, 32 bytes.
    pub fn sign(&self, of: Use, parts: &[&[u8]]) -> [u8; 32] {
        self.current.of(of).tag(parts)
    }

    /// Whether `tag` is the tag over `parts` by the key `key_id`; an unknown id is a plain no. In constant time.
    pub fn verify(&self, of: Use, key_id: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        std::iter::once(&self.current)
            .chain(&self.retired)
            .find(|key| key.id == key_id)
            .is_some_and(|key| key.of(of).over(parts).verify_slice(tag).is_ok())
    }

    /// The id by which its owner and the functions behind the authorizer name a session: says nothing of its token.
    pub fn session_id(&self, account_key: &str, secret_hash: &str) -> String {
        let tag = self.sign(Use::Session, &[account_key.as_bytes(), secret_hash.as_bytes()]);
        Base64UrlUnpadded::encode_string(tag.split_at(16).0)
    }

    /// What stands for `what` in logs: 16 characters of a keyed hash, stable until the secret is rotated.
    pub fn pseudonym(&self, what: &str) -> String {
        let tag = self.sign(Use::Log, &[what.as_bytes()]);
        Base64UrlUnpadded::encode_string(tag.split_at(12).0)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current.id).field("retired", &self.retired.len()).finish_non_exhaustive()
    }
}

fn check_secret(secret: &str) -> Result<(), String> {
    if secret.chars().count() < SECRET_MIN_CHARS {
        return Err(format!("is shorter than {SECRET_MIN_CHARS} characters"));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has characters other than printable ASCII".into());
    }
    if secret.bytes().all(|byte| Some(byte) == secret.bytes().next()) {
        return Err("repeats one character".into());
    }
    Ok(())
}

/// The key under which identifiers become storage keys. Never rotated.
pub struct IdentityKey(MacKey);

impl IdentityKey {
    /// From the setting's text, at least [`SECRET_MIN_CHARS`] printable ASCII characters.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        check_secret(text)?;
        MacKey::new(text.as_bytes()).map(Self)
    }

    /// The storage key of `identifier`, whether or not such an account exists.
    pub fn account_key(&self, identifier: &Identifier) -> AccountKey {
        let tag = self.0.tag(&[b"account", identifier.as_str().as_bytes()]);
        AccountKey(Base64UrlUnpadded::encode_string(tag.split_at(16).0))
    }

    /// The storage key of a name that is no [`Identifier`]: what a user pool may hold all the same.
    pub fn foreign_key(&self, name: &str) -> AccountKey {
        let tag = self.0.tag(&[b"foreign name", name.as_bytes()]);
        AccountKey(Base64UrlUnpadded::encode_string(tag.split_at(16).0))
    }

    /// What stands for a user of a pool, by the pool's own id of them.
    pub fn pool_user_key(&self, sub: &str) -> AccountKey {
        let tag = self.0.tag(&[b"pool user", sub.as_bytes()]);
        AccountKey(Base64UrlUnpadded::encode_string(tag.split_at(16).0))
    }

    /// A short tag of a name for counting distinct names of one address: 6 bytes, 8 characters of base64url, under another label
    /// than the storage key, so that a counter item does not list whom an address tried.
    pub fn name_tag(&self, identifier: &Identifier) -> String {
        let tag = self.0.tag(&[b"name", identifier.as_str().as_bytes()]);
        Base64UrlUnpadded::encode_string(tag.split_at(6).0)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(redacted)")
    }
}

/// Whether `text` is exactly what 16 bytes are in base64url: 22 characters in canonical form.
pub(crate) fn is_of_16_bytes(text: &str) -> bool {
    let mut bytes = [0_u8; 16];
    text.len() == AccountKey::CHARS && Base64UrlUnpadded::decode(text, &mut bytes).is_ok_and(|bytes| bytes.len() == 16)
}

/// The storage key of an account, its sessions and counters: 128 bits of HMAC-SHA-256 as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountKey(String);

impl AccountKey {
    /// How many characters a key has.
    pub const CHARS: usize = 22;

    /// `None` unless `text` is exactly what [`IdentityKey::account_key`] could have made: a key that a client sent is checked
    /// before it becomes part of a request to the store.
    pub fn parse(text: &str) -> Option<Self> {
        is_of_16_bytes(text).then(|| Self(text.to_owned()))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
#[path = "keys/tests.rs"]
mod tests;
