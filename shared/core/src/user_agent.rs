//! The browser's own name: kept short, compared by hash.

use base64ct::{Base64UrlUnpadded, Encoding};
use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::password::is_python_space;

/// The most that is stored of a user agent, in bytes.
pub const MAX_BYTES: usize = 256;

/// The most that is logged of a user agent, in characters (requirement r32).
pub const LOGGED_CHARS: usize = 200;

/// A user agent: the hash of all of it, and its first [`MAX_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent {
    text: String,
    hash: String,
}

impl UserAgent {
    /// From the header's value; empty when there is none.
    pub fn new(header: &str) -> Self {
        let mut end = header.len().min(MAX_BYTES);
        while !header.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            text: header.get(..end).unwrap_or_default().to_owned(),
            hash: Base64UrlUnpadded::encode_string(&Sha256::digest(header.as_bytes())),
        }
    }

    /// As it was stored: its beginning, and the hash of the whole.
    pub fn stored_as(text: &str, hash: &str) -> Self {
        Self { text: text.to_owned(), hash: hash.to_owned() }
    }

    /// At most [`MAX_BYTES`].
    pub fn stored(&self) -> &str {
        &self.text
    }

    /// At most [`LOGGED_CHARS`].
    pub fn logged(&self) -> String {
        self.text.chars().take(LOGGED_CHARS).collect()
    }

    /// SHA-256 of the whole header, base64url.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// How many words two browsers' names share, and how many they have together, in lower case and each counted once; words end at white
/// space as Python's `split` knows it.
pub fn words_in_common(a: &str, b: &str) -> (usize, usize) {
    let words = |name: &str| -> BTreeSet<String> {
        let lowered = name.to_lowercase();
        lowered.split(is_python_space).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    (a.intersection(&b).count(), a.union(&b).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i06_a_long_user_agent_is_cut_at_a_character_and_hashed_whole() {
        let header = "\u{20ac}".repeat(200);
        let agent = UserAgent::new(&header);
        assert_eq!(agent.stored().len(), 255);
        assert_eq!(agent.logged().chars().count(), 85);
        assert_ne!(agent.hash(), UserAgent::new(agent.stored()).hash());
    }
}
