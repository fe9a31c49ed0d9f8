//! Django's list of common passwords, searched where it lies in the binary.

use super::classes::is_python_space;

/// One password a line, sorted by code point, which is the order of UTF-8 bytes; the first line is a comment.
const LIST: &str = include_str!("../../data/common-passwords.txt");

/// Whether `password`, in lower case and without outer white space, is on Django's list.
pub fn is_common(password: &str) -> bool {
    let lowered = password.to_lowercase();
    let wanted = lowered.trim_matches(is_python_space).as_bytes();
    let list = LIST.split_once('\n').map_or("", |(_, list)| list).as_bytes();
    // Halves a range of whole lines: `low` and `high` always stand at the start of a line or at the end.
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = line_start(list, low, usize::midpoint(low, high));
        let line = list.get(middle..high).unwrap_or_default().split(|byte| *byte == b'\n').next().unwrap_or_default();
        match line.cmp(wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = (middle + line.len() + 1).min(high),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

/// The start of the line in which `place` lies, not before `low`.
fn line_start(list: &[u8], low: usize, place: usize) -> usize {
    let before = list.get(low..place).unwrap_or_default();
    before.iter().rposition(|byte| *byte == b'\n').map_or(low, |newline| low + newline + 1)
}

/// The list's passwords, in order: what the offline breach service answers from.
pub fn common_passwords() -> impl Iterator<Item = &'static str> {
    LIST.lines().skip(1)
}
