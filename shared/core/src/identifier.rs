//! What a person signs in with, in its one canonical form.
//!
//! Two spellings that fold to one form are one account; what does not fold is another account. The form is Unicode's compatibility
//! caseless folding (The Unicode Standard, 3.13, D146): NFD, full case folding and NFKC, repeated until nothing changes. Characters
//! are then held to UTS 39: nothing invisible, nothing deprecated, no white space, and each part (before the `@`, and each label
//! after it) in a single script, so that `admin` with a Cyrillic first letter is no name at all.
//!
//! Sub-addresses and dots of e-mail names are kept: `a+1@x` and `a@x` are two names.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::{GeneralSecurityProfile, MixedScript};

/// The longest identifier, in bytes of its canonical form: the longest path of SMTP (RFC 5321, 4.5.3.1.3).
pub const MAX_BYTES: usize = 254;

/// The characters of an e-mail local part (RFC 5322 atext) and its separators that UTS 39 leaves out.
const EMAIL_SIGNS: &str = "@+!#$%&*/=?^`{|}~";

/// A canonical identifier: not empty, at most [`MAX_BYTES`], in the form the module describes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identifier(String);

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing is left once outer white space is gone.
    #[error("is empty")]
    Empty,
    /// Longer than [`MAX_BYTES`].
    #[error("is too long")]
    TooLong,
    /// A control, invisible, space or otherwise unusable character.
    #[error("has a character that names cannot have")]
    Character,
    /// Letters of several scripts in one part.
    #[error("mixes scripts")]
    MixedScripts,
}

impl Identifier {
    /// The canonical form of what was typed; outer white space is dropped first.
    pub fn parse(typed: &str) -> Result<Self, IdentifierError> {
        // Folding at most triples twice over; what is longer than this cannot come out short enough and is not worth folding.
        if typed.len() > 4 * MAX_BYTES {
            return Err(IdentifierError::TooLong);
        }
        let folded = fold(typed.trim());
        if folded.is_empty() {
            return Err(IdentifierError::Empty);
        }
        if folded.len() > MAX_BYTES {
            return Err(IdentifierError::TooLong);
        }
        if !folded.chars().all(usable) {
            return Err(IdentifierError::Character);
        }
        if !single_scripts(&folded) {
            return Err(IdentifierError::MixedScripts);
        }
        Ok(Self(folded))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fold(text: &str) -> String {
    let mut current = text.to_owned();
    // Two rounds settle every known string; the bound only guards against a table that never settles.
    for _ in 0..4 {
        let next: String = current.chars().nfd().default_case_fold().nfkc().default_case_fold().nfkc().collect();
        if next == current {
            break;
        }
        current = next;
    }
    current
}

fn usable(character: char) -> bool {
    EMAIL_SIGNS.contains(character)
        || character.identifier_type().is_some_and(|of| match of {
            IdentifierType::Recommended
            | IdentifierType::Inclusion
            | IdentifierType::Limited_Use
            | IdentifierType::Uncommon_Use
            | IdentifierType::Exclusion
            | IdentifierType::Technical
            | IdentifierType::Obsolete => true,
            IdentifierType::Not_Character
            | IdentifierType::Deprecated
            | IdentifierType::Default_Ignorable
            | IdentifierType::Not_NFKC
            | IdentifierType::Not_XID => false,
        })
}

fn single_scripts(folded: &str) -> bool {
    let (local, domain) = folded.split_once('@').unwrap_or((folded, ""));
    std::iter::once(local).chain(domain.split('.')).all(MixedScript::is_single_script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(typed: &str) -> Result<String, IdentifierError> {
        Identifier::parse(typed).map(|identifier| identifier.0)
    }

    #[test]
    fn a10_composed_full_width_and_superscript_letters_are_one_name() {
        for typed in ["Ren\u{e9}e", "Rene\u{301}e", "\u{ff32}\u{ff45}\u{ff4e}\u{e9}\u{ff45}", "\u{1d3f}en\u{e9}e"] {
            assert_eq!(canonical(typed).as_deref(), Ok("ren\u{e9}e"), "{typed}");
        }
    }

    #[test]
    fn a11_what_folds_is_one_name_and_what_does_not_is_another() {
        assert_eq!(canonical("mar\u{212a}"), canonical("mark"), "the Kelvin sign folds to k");
        assert_eq!(canonical("stra\u{df}e"), canonical("STRASSE"), "sharp s folds to ss");
        assert_ne!(canonical("m\u{131}ke"), canonical("mike"), "the dotless i stays itself");
    }

    #[test]
    fn a12_outer_space_is_dropped_and_the_invisible_is_refused() {
        for outer in [" ", "\t", "\u{a0}", "\u{3000}"] {
            assert_eq!(canonical(&format!("{outer}alice{outer}")).as_deref(), Ok("alice"));
        }
        for hidden in ["alice\u{200b}", "al\u{ad}ice", "\u{feff}alice", "al\u{202e}ice", "al ice", "\u{115f}"] {
            assert_eq!(canonical(hidden), Err(IdentifierError::Character), "{hidden:?}");
        }
        for empty in ["", " ", "\u{a0}\t"] {
            assert_eq!(canonical(empty), Err(IdentifierError::Empty));
        }
    }

    #[test]
    fn a13_mixed_scripts_are_refused_and_single_ones_accepted() {
        for mixed in ["\u{430}dmin", "p\u{430}ypal@example.com", "a@ex\u{430}mple.com"] {
            assert_eq!(canonical(mixed), Err(IdentifierError::MixedScripts), "{mixed}");
        }
        for single in [
            "\u{438}\u{432}\u{430}\u{43d}",
            "\u{5c71}\u{7530}\u{592a}\u{90ce}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            "a@\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.com",
        ] {
            assert!(canonical(single).is_ok(), "{single}");
        }
    }

    #[test]
    fn a14_sub_addresses_and_dots_are_names_of_their_own() {
        assert_eq!(canonical("a+1@example.com").as_deref(), Ok("a+1@example.com"));
        assert_ne!(canonical("a.b@example.com"), canonical("ab@example.com"));
    }

    #[test]
    fn i13_control_and_replacement_characters_are_refused() {
        for bad in ["al\0ice", "al\nice", "al\u{7f}ice", "al\u{fffd}ice", "\u{85}x\u{1b}"] {
            assert_eq!(canonical(bad), Err(IdentifierError::Character), "{bad:?}");
        }
    }

    #[test]
    fn length_is_bounded_before_and_after_folding() {
        assert!(canonical(&"a".repeat(MAX_BYTES)).is_ok());
        assert_eq!(canonical(&"a".repeat(MAX_BYTES + 1)), Err(IdentifierError::TooLong));
        // U+FDFA folds to eighteen characters, spaces among them.
        assert!(canonical(&"\u{fdfa}".repeat(300)).is_err());
    }

    proptest! {
        #[test]
        fn a10_the_canonical_form_is_its_own_canonical_form(typed in any::<String>()) {
            if let Ok(once) = canonical(&typed) {
                prop_assert_eq!(canonical(&once), Ok(once));
            }
        }
    }
}
