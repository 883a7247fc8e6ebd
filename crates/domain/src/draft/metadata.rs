//! Values of an incident's metadata. Numbers keep the sender's text.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A value of an incident's metadata: any value of JSON (RFC 8259) but arrays and objects.
///
/// ```
/// use hookgate_domain::IncidentDraft;
/// use hookgate_domain::draft::{DraftFields, MetadataValue};
///
/// let metadata = vec![("rack".into(), MetadataValue::Integer(12)), ("hall".into(), MetadataValue::Text("B".into()))];
/// let fields = DraftFields { title: Some("Disk full".into()), metadata, ..DraftFields::default() };
/// assert!(IncidentDraft::check(fields).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataValue {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// An integer that fits `i64`.
    Integer(i64),
    /// Any other number.
    Number(NumberText),
    /// A text.
    Text(String),
}

impl MetadataValue {
    /// Parses a JSON number; `None` if the text is not one.
    ///
    /// ```
    /// use hookgate_domain::draft::MetadataValue;
    ///
    /// assert_eq!(MetadataValue::number("12"), Some(MetadataValue::Integer(12)));
    /// let price = MetadataValue::number("1.10");
    /// assert_eq!(price, Some(MetadataValue::Number("1.10".parse()?)));
    /// assert_eq!(MetadataValue::number("0x1F"), None);
    /// # Ok::<(), hookgate_domain::draft::NotANumber>(())
    /// ```
    #[must_use]
    pub fn number(text: &str) -> Option<Self> {
        let number = || text.parse().ok().map(Self::Number);
        // `-0` is kept as text: an integer would lose the sign.
        match text.parse::<i64>() {
            Ok(integer) if integer != 0 || text == "0" => is_number(text).then_some(Self::Integer(integer)),
            _ => number(),
        }
    }
}

/// The text of a JSON number (RFC 8259, section 6), of any length and precision.
///
/// ```
/// use hookgate_domain::draft::{NotANumber, NumberText};
///
/// let number: NumberText = "12345678901234567890.10".parse()?;
/// assert_eq!(number.as_str(), "12345678901234567890.10");
/// assert_eq!("01".parse::<NumberText>(), Err(NotANumber));
/// # Ok::<(), NotANumber>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NumberText(Box<str>);

impl NumberText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for NumberText {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_number(text).then(|| Self(text.into())).ok_or(NotANumber)
    }
}

/// The text is not a JSON number.
///
/// ```
/// use hookgate_domain::draft::{NotANumber, NumberText};
///
/// for text in ["", "-", "+1", "1.", ".5", "1e", "NaN", "1 "] {
///     assert_eq!(text.parse::<NumberText>(), Err(NotANumber), "{text}");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a number as JSON writes one")]
pub struct NotANumber;

/// Returns `true` for `[ "-" ] int [ frac ] [ exp ]`.
fn is_number(text: &str) -> bool {
    let (whole, rest) = digits(text.strip_prefix('-').unwrap_or(text));
    let (rest, fraction_fits) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            (rest, !fraction.is_empty())
        }
        None => (rest, true),
    };
    let exponent_fits = match rest.strip_prefix(['e', 'E']) {
        Some(rest) => {
            let (exponent, rest) = digits(rest.strip_prefix(['+', '-']).unwrap_or(rest));
            !exponent.is_empty() && rest.is_empty()
        }
        None => rest.is_empty(),
    };
    let whole_fits = whole == "0" || !(whole.is_empty() || whole.starts_with('0'));
    whole_fits && fraction_fits && exponent_fits
}

/// Splits a text behind its leading digits.
fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(end)
}
