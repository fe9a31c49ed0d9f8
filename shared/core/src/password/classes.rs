//! Classes of characters as Python and Django know them, where Rust's own are others.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The characters beside decimal digits that Python's `str.isdigit` takes for digits: superscripts, circled and parenthesised numbers.
const OTHER_DIGITS: &[(char, char)] = &[
    ('\u{b2}', '\u{b3}'),
    ('\u{b9}', '\u{b9}'),
    ('\u{1369}', '\u{1371}'),
    ('\u{19da}', '\u{19da}'),
    ('\u{2070}', '\u{2070}'),
    ('\u{2074}', '\u{2079}'),
    ('\u{2080}', '\u{2089}'),
    ('\u{2460}', '\u{2468}'),
    ('\u{2474}', '\u{247c}'),
    ('\u{2488}', '\u{2490}'),
    ('\u{24ea}', '\u{24ea}'),
    ('\u{24f5}', '\u{24fd}'),
    ('\u{24ff}', '\u{24ff}'),
    ('\u{2776}', '\u{277e}'),
    ('\u{2780}', '\u{2788}'),
    ('\u{278a}', '\u{2792}'),
    ('\u{10a40}', '\u{10a43}'),
    ('\u{10e60}', '\u{10e68}'),
    ('\u{11052}', '\u{1105a}'),
    ('\u{1f100}', '\u{1f10a}'),
];

/// General category Nd: Python's `\d`.
pub(super) fn is_decimal_digit(character: char) -> bool {
    character.general_category() == GeneralCategory::DecimalNumber
}

/// Python's `str.isdigit` for one character.
pub(super) fn is_python_digit(character: char) -> bool {
    is_decimal_digit(character) || OTHER_DIGITS.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

/// A letter, a number or `_`: Python's `\w`.
pub(super) fn is_word(character: char) -> bool {
    use GeneralCategory as G;
    character == '_'
        || matches!(
            character.general_category(),
            G::UppercaseLetter
                | G::LowercaseLetter
                | G::TitlecaseLetter
                | G::ModifierLetter
                | G::OtherLetter
                | G::DecimalNumber
                | G::LetterNumber
                | G::OtherNumber
        )
}

/// Visible and no letter, number or mark: punctuation and symbols of any script.
pub(super) fn is_special(character: char) -> bool {
    use GeneralCategory as G;
    matches!(
        character.general_category(),
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
            | G::MathSymbol
            | G::CurrencySymbol
            | G::ModifierSymbol
            | G::OtherSymbol
    )
}

/// White space as Python's `str.strip` knows it: the four separators U+001C to U+001F as well.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}
