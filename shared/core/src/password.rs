//! What a new password has to be (requirements r04 to r12): one list of rules, all of them checked, every violation told at once.
//!
//! The rules see the password as received. Lengths, runs and ratios count code points.

mod classes;
mod common;
mod rule;
mod similarity;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::breach::Breach;
use crate::secret::Password;

pub(crate) use classes::is_python_space;
pub use common::{common_passwords, is_common};
pub use rule::{Rule, Words};
pub use similarity::quick_ratio;

/// The longest password in code points (requirement r05; NIST SP 800-63B-4, 3.1.1.2 asks for at least 64).
pub const MAX_CHARS: usize = 128;

/// The words that a password must not be made of (requirement r10): the article's ten.
pub const DICTIONARY: [&str; 10] =
    ["password", "admin", "user", "login", "welcome", "qwerty", "abc123", "letmein", "monkey", "dragon"];

/// What is known of the person a password is for. Compared with it, never stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// The user name.
    pub username: Option<&'a str>,
    /// Given name.
    pub first_name: Option<&'a str>,
    /// Family name.
    pub last_name: Option<&'a str>,
    /// E-mail address.
    pub email: Option<&'a str>,
}

/// A password that somebody would like to have.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The password.
    pub password: &'a Password,
    /// Of whom.
    pub attributes: Attributes<'a>,
    /// Whether it is the current one or one of those before.
    pub reused: bool,
    /// What the breach service said of it; `None` where it was not asked.
    pub breach: Option<Breach>,
}

/// A rule not met, as the client is told: a stable code, its numbers and names, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The stable code.
    pub code: &'static str,
    /// What the rule asks for, and what of the person is too similar.
    pub params: BTreeMap<&'static str, Param>,
    /// In English.
    pub message: String,
}

/// A number or a name in a [`Violation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Param {
    /// A number.
    Number(u64),
    /// A name.
    Name(String),
}

/// The rules in force, in the order they are told in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRules {
    /// `PALISADE_PASSWORD_MIN_LENGTH`: the article's 12 (r05); `nist` 15 (SP 800-63B-4, 3.1.1.2: single factor).
    pub min_chars: u64,
    /// `PALISADE_PASSWORD_MAX_SIMILARITY`, in percent: Django's 70 (r04).
    pub max_similarity_percent: u64,
    /// Whether digits alone are refused (r07); not in `nist`.
    pub refuse_numeric: bool,
    /// `PALISADE_PASSWORD_MIN_{UPPERCASE,LOWERCASE,DIGITS,SPECIAL}`: the article's one each (r08); `nist` none (3.1.1.2: no composition
    /// rules).
    pub min_of: Composition,
    /// `PALISADE_PASSWORD_MAX_CONSECUTIVE`: the article's two equal characters in a row (r09); `nist` any number.
    pub max_consecutive: Option<u64>,
    /// Whether [`DICTIONARY`] and the context words are refused within a password (the article's, r10) or only as the whole of it.
    pub words_as_substrings: bool,
    /// `PALISADE_CONTEXT_WORDS`: the service's own name and the like, in lower case.
    pub context_words: Vec<String>,
    /// `PALISADE_PASSWORD_HISTORY`: the last five (r11), beside the current one; ten are kept (r13).
    pub reuse: u64,
}

/// How many characters of each class there have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composition {
    /// Capital letters of any script.
    pub uppercase: u64,
    /// Small letters of any script.
    pub lowercase: u64,
    /// Decimal digits of any script.
    pub digits: u64,
    /// Punctuation and symbols.
    pub special: u64,
}

impl PasswordRules {
    /// The article's.
    pub fn seed() -> Self {
        Self {
            min_chars: 12,
            max_similarity_percent: 70,
            refuse_numeric: true,
            min_of: Composition { uppercase: 1, lowercase: 1, digits: 1, special: 1 },
            max_consecutive: Some(2),
            words_as_substrings: true,
            context_words: Vec::new(),
            reuse: 5,
        }
    }

    /// NIST SP 800-63B-4.
    pub fn nist() -> Self {
        Self {
            min_chars: 15,
            refuse_numeric: false,
            min_of: Composition { uppercase: 0, lowercase: 0, digits: 0, special: 0 },
            max_consecutive: None,
            words_as_substrings: false,
            ..Self::seed()
        }
    }

    /// The list. `blocks_breaches_over` is the count of breaches that is still accepted.
    pub fn rules(&self, blocks_breaches_over: u64) -> Vec<Rule> {
        let Composition { uppercase, lowercase, digits, special } = self.min_of;
        let mut rules = vec![
            Rule::NotTooSimilar { max_percent: self.max_similarity_percent },
            Rule::MinLength(self.min_chars),
            Rule::MaxLength(u64::try_from(MAX_CHARS).unwrap_or(u64::MAX)),
            Rule::NotCommon,
        ];
        rules.extend(self.refuse_numeric.then_some(Rule::NotNumeric));
        rules.extend((uppercase > 0).then_some(Rule::Uppercase(uppercase)));
        rules.extend((lowercase > 0).then_some(Rule::Lowercase(lowercase)));
        rules.extend((digits > 0).then_some(Rule::Digits(digits)));
        rules.extend((special > 0).then_some(Rule::Special(special)));
        rules.extend(self.max_consecutive.map(Rule::MaxConsecutive));
        rules.push(Rule::NoWord(Words { as_substrings: self.words_as_substrings, context: self.context_words.clone() }));
        rules.push(Rule::NotReused(self.reuse));
        rules.push(Rule::NotBreached { over: blocks_breaches_over });
        rules
    }
}

/// Every rule that `candidate` does not meet, in order.
pub fn violations(rules: &[Rule], candidate: &Candidate<'_>) -> Vec<Violation> {
    rules.iter().filter_map(|rule| rule.violated_by(candidate)).collect()
}

#[cfg(test)]
#[path = "password/tests.rs"]
mod tests;
