//! Values of an incident's metadata. Numbers keep the sender's text.

use std::borrow::Cow;
use std::fmt;

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
pub enum MetadataValue<'a> {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// An integer that fits `i64`.
    Integer(i64),
    /// Any other number.
    Number(NumberText<'a>),
    /// A text.
    Text(Cow<'a, str>),
}

impl<'a> MetadataValue<'a> {
    /// Parses a JSON number; `None` if the text is not one.
    ///
    /// ```
    /// use hookgate_domain::draft::MetadataValue;
    ///
    /// assert_eq!(MetadataValue::number("12"), Some(MetadataValue::Integer(12)));
    /// let price = MetadataValue::number("1.10");
    /// assert_eq!(price, Some(MetadataValue::Number("1.10".try_into()?)));
    /// assert_eq!(MetadataValue::number("0x1F"), None);
    /// # Ok::<(), hookgate_domain::draft::NotANumber>(())
    /// ```
    #[must_use]
    pub fn number(text: &'a str) -> Option<Self> {
        let number = || text.try_into().ok().map(Self::Number);
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
/// let number = NumberText::try_from("12345678901234567890.10")?;
/// assert_eq!(number.as_str(), "12345678901234567890.10");
/// assert_eq!(NumberText::try_from("01"), Err(NotANumber));
/// # Ok::<(), NotANumber>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberText<'a>(&'a str);

impl<'a> NumberText<'a> {
    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for NumberText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'a> TryFrom<&'a str> for NumberText<'a> {
    type Error = NotANumber;

    fn try_from(text: &'a str) -> Result<Self, Self::Error> {
        is_number(text).then_some(Self(text)).ok_or(NotANumber)
    }
}

/// The text is not a JSON number.
///
/// ```
/// use hookgate_domain::draft::{NotANumber, NumberText};
///
/// for text in ["", "-", "+1", "1.", ".5", "1e", "NaN", "1 "] {
///     assert_eq!(NumberText::try_from(text), Err(NotANumber), "{text}");
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
