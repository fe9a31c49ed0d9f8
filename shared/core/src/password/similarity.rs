//! Django's `UserAttributeSimilarityValidator`, exactly: parts split at characters that are no word's, Python's `quick_ratio`, and
//! the short-cut for attributes that are too short to matter.

use super::classes::is_word;

/// A password in lower case with its characters sorted, ready to be compared with several attributes.
pub(super) struct Lowered {
    sorted: Vec<char>,
}

impl Lowered {
    pub(super) fn new(password: &str) -> Self {
        Self { sorted: sorted(&password.to_lowercase()) }
    }

    /// Whether the password is as similar as `max_percent` to `value` or to one of its parts. An empty value is like nothing.
    pub(super) fn is_too_similar_to(&self, value: &str, max_percent: u64) -> bool {
        if value.is_empty() {
            return false;
        }
        let value = value.to_lowercase();
        parts(&value).chain([value.as_str()]).any(|part| self.is_like(part, max_percent))
    }

    fn is_like(&self, part: &str, max_percent: u64) -> bool {
        let part = sorted(part);
        !self.is_much_longer_than(part.len(), max_percent)
            && at_least(matches(&self.sorted, &part), self.sorted.len() + part.len(), max_percent)
    }

    /// Django's short-cut: ten times as long, and longer than any similarity of that size allows.
    fn is_much_longer_than(&self, part: usize, max_percent: u64) -> bool {
        let length = self.sorted.len();
        // part < max / 2 · length
        let is_too_short = wide(part).saturating_mul(200) < u128::from(max_percent).saturating_mul(wide(length));
        length >= part.saturating_mul(10) && is_too_short
    }
}

/// Python's `difflib.SequenceMatcher(a=a, b=b).quick_ratio()` as the fraction that it is: twice the characters in common, and all
/// characters; of two empty texts 1 and 1.
pub fn quick_ratio(a: &str, b: &str) -> (usize, usize) {
    let (a, b) = (sorted(a), sorted(b));
    match a.len() + b.len() {
        0 => (1, 1),
        length => (2 * matches(&a, &b), length),
    }
}

/// 2 · matches / length ≥ percent / 100, in whole numbers; two empty texts are alike.
fn at_least(matches: usize, length: usize, percent: u64) -> bool {
    length == 0 || wide(matches).saturating_mul(200) >= u128::from(percent).saturating_mul(wide(length))
}

fn wide(number: usize) -> u128 {
    u128::try_from(number).unwrap_or(u128::MAX)
}

/// Python's `re.split(r"\W+", value)`: empty pieces at both ends are kept.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(|character| !is_word(character)) else {
            rest = None;
            return Some(text);
        };
        let (part, after) = text.split_at(end);
        rest = Some(after.trim_start_matches(|character| !is_word(character)));
        Some(part)
    })
}

fn sorted(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters
}

/// How many characters two sorted texts have in common, each counted as often as in both.
fn matches(a: &[char], b: &[char]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut common = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => {
                a.next();
            }
            std::cmp::Ordering::Greater => {
                b.next();
            }
            std::cmp::Ordering::Equal => {
                common += 1;
                a.next();
                b.next();
            }
        }
    }
    common
}
