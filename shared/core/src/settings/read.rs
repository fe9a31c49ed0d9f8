//! Reads single settings and gathers what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{SETTINGS, SettingsError};

/// AWS's own variables that are honoured.
const AWS: [&str; 5] = [
    "AWS_REGION",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
];

/// The pairs, and the problems found so far.
pub(super) struct Reader {
    values: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    problems: Vec<String>,
}

impl Reader {
    /// Keeps what concerns us and notes every unknown `PALISADE_` name.
    pub(super) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |name: &str| name.starts_with("PALISADE_") || AWS.contains(&name);
        let values: BTreeMap<_, _> = pairs.into_iter().filter(|(name, _)| ours(name)).collect();
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
        let unknown = values.keys().filter(|name| name.starts_with("PALISADE_") && !known(name));
        Self { problems: unknown.map(|name| format!("{name} is no setting")).collect(), values, asked: BTreeSet::new() }
    }

    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Notes a problem once.
    pub(super) fn problem(&mut self, text: String) {
        if !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    pub(super) fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        self.asked.insert(name.to_owned());
        let value = self.values.get(name)?.trim();
        let parsed = if value.is_empty() { Err("is blank".into()) } else { parse(value) };
        parsed.map_err(|why| self.problem(format!("{name} {why}"))).ok()
    }

    pub(super) fn required<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        if !self.values.contains_key(name) {
            self.problem(format!("{name} is missing"));
        }
        self.optional(name, parse)
    }

    pub(super) fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        self.optional(name, |text| text.split(',').map(|part| parse(part.trim())).collect()).unwrap_or_default()
    }

    pub(super) fn switch(&mut self, name: &str) -> bool {
        self.switch_or(name, false)
    }

    pub(super) fn switch_or(&mut self, name: &str, default: bool) -> bool {
        self.optional(name, |word| match word {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".into()),
        })
        .unwrap_or(default)
    }

    /// One of two words; the first where nothing is set.
    pub(super) fn one_of(&mut self, name: &str, words: &[(&str, bool); 2]) -> bool {
        let [(first, _), (second, _)] = words;
        let known = |word: &str| words.iter().find(|(known, _)| *known == word).map(|(_, means)| *means);
        self.optional(name, |word| known(word).ok_or_else(|| format!("must be {first} or {second}"))).unwrap_or(false)
    }

    pub(super) fn number(&mut self, name: &str, range: &RangeInclusive<u64>, slot: &mut u64) {
        if let Some(number) = self.optional(name, |text| in_range(text, range, "")) {
            *slot = number;
        }
    }

    pub(super) fn number_or_never(&mut self, name: &str, range: &RangeInclusive<u64>, slot: &mut Option<u64>) {
        let parse = |text: &str| if text == "never" { Ok(None) } else { in_range(text, range, " or never").map(Some) };
        if let Some(number) = self.optional(name, parse) {
            *slot = number;
        }
    }

    pub(super) fn seconds(&mut self, name: &str, range: &RangeInclusive<u64>, slot: &mut Duration) {
        let mut seconds = slot.as_secs();
        self.number(name, range, &mut seconds);
        *slot = Duration::from_secs(seconds);
    }

    /// Notes everything that nobody asked for.
    pub(super) fn refuse_unread(&mut self) {
        let unread: Vec<String> = self.values.keys().filter(|name| !self.asked.contains(*name)).cloned().collect();
        for name in unread {
            self.problem(format!("{name} does not belong here"));
        }
    }

    /// What `build` gives when there was no problem.
    pub(super) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, SettingsError> {
        if self.problems.is_empty()
            && let Some(built) = build()
        {
            return Ok(built);
        }
        Err(SettingsError { problems: self.problems })
    }
}

fn in_range(text: &str, range: &RangeInclusive<u64>, or: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("must be a whole number from {} to {}{or}", range.start(), range.end()))
}
