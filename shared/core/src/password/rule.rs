//! Each rule: its code, what it asks for in words, and when it is not met.

use std::collections::BTreeMap;

use super::{Attributes, Candidate, DICTIONARY, Param, Violation, classes, common, similarity};
use crate::breach::Breach;

/// One rule with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Django's `UserAttributeSimilarityValidator` (r04).
    NotTooSimilar {
        /// From this similarity on, in percent, it is too similar.
        max_percent: u64,
    },
    /// At least this many code points (r05).
    MinLength(u64),
    /// At most this many (r05).
    MaxLength(u64),
    /// Django's `CommonPasswordValidator` with its whole list (r06).
    NotCommon,
    /// Django's `NumericPasswordValidator` (r07).
    NotNumeric,
    /// Capital letters (r08).
    Uppercase(u64),
    /// Small letters.
    Lowercase(u64),
    /// Digits.
    Digits(u64),
    /// Punctuation and symbols.
    Special(u64),
    /// At most so many equal characters in a row (r09).
    MaxConsecutive(u64),
    /// No well-known word (r10).
    NoWord(Words),
    /// Neither the current password nor one of so many before (r11).
    NotReused(u64),
    /// Not found in breaches more often than this (r19).
    NotBreached {
        /// The count that is still accepted.
        over: u64,
    },
}

/// Words and how they are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Anywhere in the password, or only as the whole of it.
    pub as_substrings: bool,
    /// Beside the ten of [`DICTIONARY`].
    pub context: Vec<String>,
}

impl Rule {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTooSimilar { .. } => "too_similar",
            Self::MinLength(_) => "too_short",
            Self::MaxLength(_) => "too_long",
            Self::NotCommon => "too_common",
            Self::NotNumeric => "entirely_numeric",
            Self::Uppercase(_) => "too_few_uppercase",
            Self::Lowercase(_) => "too_few_lowercase",
            Self::Digits(_) => "too_few_digits",
            Self::Special(_) => "too_few_special",
            Self::MaxConsecutive(_) => "too_many_consecutive",
            Self::NoWord(_) => "contains_dictionary_word",
            Self::NotReused(_) => "reused",
            Self::NotBreached { .. } => "breached",
        }
    }

    /// What the rule asks for, as numbers.
    pub fn params(&self) -> BTreeMap<&'static str, Param> {
        let number = |name, number| BTreeMap::from([(name, Param::Number(number))]);
        match self {
            Self::NotTooSimilar { max_percent } => number("max_similarity_percent", *max_percent),
            Self::MinLength(least) => number("min_length", *least),
            Self::MaxLength(most) => number("max_length", *most),
            Self::Uppercase(least) | Self::Lowercase(least) | Self::Digits(least) | Self::Special(least) => {
                number("min_count", *least)
            }
            Self::MaxConsecutive(most) => number("max_consecutive", *most),
            Self::NotReused(count) => number("previous", *count),
            Self::NotBreached { over } => number("max_breaches", *over),
            Self::NotCommon | Self::NotNumeric | Self::NoWord(_) => BTreeMap::new(),
        }
    }

    /// The rule as a sentence.
    pub fn sentence(&self) -> String {
        let at_least = |count: u64, one: &str, many: &str| match count {
            1 => format!("The password must contain at least one {one}."),
            _ => format!("The password must contain at least {count} {many}."),
        };
        match self {
            Self::NotTooSimilar { .. } => "The password must not be too similar to your name, user name or e-mail address.".into(),
            Self::MinLength(least) => format!("The password must have at least {least} characters."),
            Self::MaxLength(most) => format!("The password must have at most {most} characters."),
            Self::NotCommon => "The password must not be one that is commonly used.".into(),
            Self::NotNumeric => "The password must not be entirely numeric.".into(),
            Self::Uppercase(least) => at_least(*least, "capital letter", "capital letters"),
            Self::Lowercase(least) => at_least(*least, "small letter", "small letters"),
            Self::Digits(least) => at_least(*least, "digit", "digits"),
            Self::Special(least) => at_least(*least, "special character", "special characters"),
            Self::MaxConsecutive(most) => format!("The password must not repeat a character more than {most} times in a row."),
            Self::NoWord(words) if words.as_substrings => "The password must not contain a well-known word.".into(),
            Self::NoWord(_) => "The password must not be a well-known word.".into(),
            Self::NotReused(0) => "The password must not be your current one.".into(),
            Self::NotReused(count) => format!("The password must not be your current one or one of the {count} before it."),
            Self::NotBreached { over: 0 } => "The password must not be known from data breaches.".into(),
            Self::NotBreached { over } => format!("The password must not be known from data breaches more than {over} times."),
        }
    }

    /// How `candidate` fails the rule; `None` when it meets it.
    pub(super) fn violated_by(&self, candidate: &Candidate<'_>) -> Option<Violation> {
        let text = candidate.password.text();
        let counted = |is_one: fn(char) -> bool| count(text.chars().filter(|character| is_one(*character)));
        let fails = match self {
            Self::NotTooSimilar { max_percent } => {
                let attribute = too_similar(text, &candidate.attributes, *max_percent)?;
                let mut params = self.params();
                params.insert("attribute", Param::Name(attribute.to_owned()));
                return Some(Violation { code: self.code(), params, message: self.sentence() });
            }
            Self::MinLength(least) => count(text.chars()) < *least,
            Self::MaxLength(most) => count(text.chars()) > *most,
            Self::NotCommon => common::is_common(text),
            Self::NotNumeric => !text.is_empty() && text.chars().all(classes::is_python_digit),
            Self::Uppercase(least) => counted(char::is_uppercase) < *least,
            Self::Lowercase(least) => counted(char::is_lowercase) < *least,
            Self::Digits(least) => counted(classes::is_decimal_digit) < *least,
            Self::Special(least) => counted(classes::is_special) < *least,
            Self::MaxConsecutive(most) => longest_run(text) > *most,
            Self::NoWord(words) => words.found_in(&text.to_lowercase()),
            Self::NotReused(_) => candidate.reused,
            Self::NotBreached { over } => matches!(candidate.breach, Some(Breach::Breached(count)) if count > *over),
        };
        fails.then(|| Violation { code: self.code(), params: self.params(), message: self.sentence() })
    }
}

impl Words {
    fn found_in(&self, lowered: &str) -> bool {
        let mut words = DICTIONARY.into_iter().chain(self.context.iter().map(String::as_str));
        words.any(|word| if self.as_substrings { lowered.contains(word) } else { lowered.trim() == word })
    }
}

/// The first attribute that is too similar.
fn too_similar(password: &str, attributes: &Attributes<'_>, max_percent: u64) -> Option<&'static str> {
    let named = [
        ("username", attributes.username),
        ("first_name", attributes.first_name),
        ("last_name", attributes.last_name),
        ("email", attributes.email),
    ];
    let password = similarity::Lowered::new(password);
    named
        .into_iter()
        .find(|(_, value)| value.is_some_and(|value| password.is_too_similar_to(value, max_percent)))
        .map(|(name, _)| name)
}

fn longest_run(text: &str) -> u64 {
    let (mut longest, mut run, mut before) = (0, 0, None);
    for character in text.chars() {
        run = if before == Some(character) { run + 1 } else { 1 };
        before = Some(character);
        longest = longest.max(run);
    }
    longest
}

fn count(characters: impl Iterator<Item = char>) -> u64 {
    u64::try_from(characters.count()).unwrap_or(u64::MAX)
}
