//! What the breach service's answer means (requirements r15 to r19): HaveIBeenPwned's range of suffixes, read strictly where a mistake
//! would let a known password pass.

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::secret::Password;

/// What is known of a password. `Unknown` is never treated as `Clean`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Seen so many times.
    Breached(u64),
    /// Not seen.
    Clean,
    /// The service gave no answer that can be trusted.
    Unknown(Reason),
}

/// Why nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No connection, or none in time.
    Unreachable,
    /// A status other than 200.
    Status,
    /// Not the form of a range, or too large.
    Malformed,
    /// Not asked, since it failed several times in a row.
    BreakerOpen,
}

impl Reason {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Status => "status",
            Self::Malformed => "malformed",
            Self::BreakerOpen => "breaker_open",
        }
    }
}

/// What to do when nothing is known (requirement r18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// Let the password pass, flag the account, and check again at its next login.
    Allow,
    /// Refuse with 503; nothing is changed.
    Refuse,
}

/// The numbers of requirement r19.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreachRules {
    /// `PALISADE_BREACH_BLOCK_OVER`: a password seen more often is refused; the article's 100, `nist` 0.
    pub block_over: u64,
    /// `PALISADE_BREACH_WARN_OVER`: one seen more often is logged; the article's 10, `nist` 0.
    pub warn_over: u64,
    /// `PALISADE_BREACH_UNAVAILABLE`.
    pub unavailable: Unavailable,
}

/// The SHA-1 of a password as the range protocol splits it: the first five hexadecimal digits leave, the rest never does.
pub struct RangeKey {
    prefix: String,
    suffix: Zeroizing<String>,
}

impl RangeKey {
    /// Of the password in NFC, in UTF-8.
    pub fn of(password: &Password) -> Self {
        let digest: Zeroizing<[u8; 20]> = Zeroizing::new(Sha1::digest(password.nfc().as_slice()).into());
        let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'A' - 10 + nibble });
        let digits = || digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        let mut suffix = Zeroizing::new(String::with_capacity(35));
        suffix.extend(digits().skip(5));
        Self { prefix: digits().take(5).collect(), suffix }
    }

    /// Five upper-case hexadecimal digits.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The rest: 35 digits, which leave nothing but a service of our own.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// What `range`, the body of an answer for [`RangeKey::prefix`], says of the password.
    ///
    /// Lines are `SUFFIX:COUNT`. A count of 0 is padding. A count of our suffix that is no number is a breach all the same. Lines of
    /// another form are skipped; where more than a tenth are and ours is not found, nothing is known.
    pub fn look_up(&self, range: &str) -> Breach {
        let (mut good, mut bad) = (0_usize, 0_usize);
        for line in range.lines().map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')) {
            match line.split_once(':') {
                Some((suffix, count)) if is_suffix(suffix.trim()) => {
                    good += 1;
                    if suffix.trim().eq_ignore_ascii_case(&self.suffix) {
                        return match self::count(count) {
                            0 => Breach::Clean,
                            count => Breach::Breached(count),
                        };
                    }
                }
                _ if line.is_empty() => {}
                _ => bad += 1,
            }
        }
        if good == 0 || bad * 10 > good + bad { Breach::Unknown(Reason::Malformed) } else { Breach::Clean }
    }
}

impl std::fmt::Debug for RangeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RangeKey(redacted)")
    }
}

fn is_suffix(text: &str) -> bool {
    text.len() == 35 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Digits, with commas between thousands or not; too many are the largest count, and what is no count is the largest too.
fn count(text: &str) -> u64 {
    let mut digits = text.trim().bytes().filter(|byte| *byte != b',').peekable();
    if digits.peek().is_none() {
        return u64::MAX;
    }
    digits
        .try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'))))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RangeKey {
        RangeKey::of(&Password::new("password").unwrap())
    }

    // SHA-1 of "password", as `sha1sum` gives it.
    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65:3";

    #[test]
    fn b14_five_upper_case_digits_leave() {
        assert_eq!(key().prefix(), "5BAA6");
        assert_eq!(key().suffix.as_str(), SUFFIX);
        assert_eq!(format!("{:?}", key()), "RangeKey(redacted)");
    }

    #[test]
    fn b06_bad_lines_are_skipped_and_too_many_of_them_mean_nothing_is_known() {
        let good = format!("{OTHER}\r\n").repeat(20);
        assert_eq!(key().look_up(&format!("\u{feff}{good}\n\n  {SUFFIX}:7 \nnonsense")), Breach::Breached(7));
        assert_eq!(key().look_up(&format!("{good}nonsense\n{SUFFIX}")), Breach::Clean, "two of 22 are bad");
        assert_eq!(key().look_up(&format!("{OTHER}\nnonsense")), Breach::Unknown(Reason::Malformed));
        assert_eq!(key().look_up(""), Breach::Unknown(Reason::Malformed));
        assert_eq!(key().look_up("<html>sorry</html>"), Breach::Unknown(Reason::Malformed));
    }

    #[test]
    fn b08_odd_counts_of_our_suffix_are_breaches() {
        for (count, seen) in
            [("1,352", 1_352), ("0,6", 6), (&"9".repeat(49), u64::MAX), ("-1", u64::MAX), ("text", u64::MAX), ("", u64::MAX)]
        {
            assert_eq!(key().look_up(&format!("{OTHER}\n{SUFFIX}:{count}")), Breach::Breached(seen), "{count}");
        }
        assert_eq!(key().look_up(&format!("{}:7", SUFFIX.to_lowercase())), Breach::Breached(7));
    }

    #[test]
    fn b09_a_padding_row_is_clean() {
        assert_eq!(key().look_up(&format!("{OTHER}\n{SUFFIX}:0")), Breach::Clean);
    }
}
