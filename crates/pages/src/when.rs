//! Points in time and spans in words. Pages are written in UTC; the script rewrites `<time>` to the reader's zone and keeps
//! UTC on hover. The module reads no clock: the caller passes "now".

use std::fmt;

use askama::filters::HtmlSafe;
use hookgate_domain::Timestamp;

const DAY: u64 = 24 * 60 * 60;

/// A value, a reference to it, or a reference to that reference: templates pass any of them.
pub(crate) trait Given<T> {
    /// The value.
    fn given(self) -> T;
}

impl<T> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<T: Copy> Given<T> for &T {
    fn given(self) -> T {
        *self
    }
}

impl<T: Copy> Given<T> for &&T {
    fn given(self) -> T {
        **self
    }
}

/// A point in time as a `<time>` element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When(Timestamp);

/// Shows a point in time.
pub(crate) fn at(at: impl Given<Timestamp>) -> When {
    When(at.given())
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = in_utc(self.0);
        write!(
            f,
            "<time datetime=\"{}\" title=\"{} UTC\">{}</time>",
            utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            utc.strftime("%Y-%m-%d %H:%M:%S"),
            utc.strftime("%-d %b %Y %H:%M:%S")
        )
    }
}

impl HtmlSafe for When {}

/// A point in time as plain text.
pub(crate) fn text(at: Timestamp) -> String {
    in_utc(at).strftime("%-d %b %Y %H:%M:%S UTC").to_string()
}

/// A point in time as the value of a form field or a query parameter: UTC, to the minute.
pub(crate) fn field(at: Timestamp) -> String {
    in_utc(at).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// A time of a query as the value of a form field. Such a field can't show a time with a zone, so that is converted to UTC;
/// any other text is unchanged.
pub(crate) fn typed(text: &str) -> String {
    let Ok(at) = text.parse::<jiff::Timestamp>() else {
        return text.to_owned();
    };
    let form = if at.as_second() % 60 == 0 {
        "%Y-%m-%dT%H:%M"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    };
    at.strftime(form).to_string()
}

/// Day and time for the labels of a chart. The script rewrites them from their `data-time` to the zone of the page.
pub(crate) fn tick(at: Timestamp) -> String {
    in_utc(at).strftime("%-d %b %H:%M").to_string()
}

/// A point in time for the script, in minutes since 1970: short, because a full chart has hundreds of them.
pub(crate) fn minutes(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(60_000_000)
}

/// Time since a point in time, in the largest unit that fits: `3 days ago`.
pub(crate) fn ago(at: impl Given<Timestamp>, now: impl Given<Timestamp>) -> String {
    match now.given().since(at.given()).as_secs() {
        0..60 => "just now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// A duration in the largest unit that fits: `2 hours`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => count(seconds, "second"),
        60..3_600 => count(seconds / 60, "minute"),
        3_600..DAY => count(seconds / 3_600, "hour"),
        _ => count(seconds / DAY, "day"),
    }
}

/// Whole days between two points in time.
pub(crate) fn days(from: impl Given<Timestamp>, now: impl Given<Timestamp>) -> u64 {
    now.given().since(from.given()).as_secs() / DAY
}

/// [`counted`], for templates.
pub(crate) fn count(number: impl Given<u64>, noun: &str) -> String {
    counted(number.given(), noun)
}

/// A number with its noun, which is given in the singular: `1 delivery`, `1,204 deliveries`. A number that is not a `u64`
/// counts as `u64::MAX`.
#[must_use]
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ if noun.ends_with("ss") => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    format!("{} {}", grouped(number), if number == 1 { noun } else { &plural })
}

/// A number with thousands separators.
pub(crate) fn grouped(number: impl Given<u64>) -> String {
    let digits = number.given().to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size in bytes, KiB or MiB.
pub(crate) fn bytes(number: impl Given<u64>) -> String {
    match number.given() {
        number @ 0..1_024 => count(number, "byte"),
        number @ 1_024..1_048_576 => format!("{} KiB", number / 1_024),
        number => format!("{} MiB", number / 1_048_576),
    }
}

/// Converts to jiff. A time outside jiff's range, which ends in the year 9999, becomes its nearer end.
fn in_utc(at: Timestamp) -> jiff::Timestamp {
    let nearer_end = if at.as_micros() < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    };
    jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(nearer_end)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_795_000_000_123_456);

    #[test]
    fn a_time_with_a_zone_fills_a_field_in_utc() {
        assert_eq!(typed("2026-11-18T11:06:40Z"), "2026-11-18T11:06:40");
        assert_eq!(typed("2026-11-18T11:06:00+01:00"), "2026-11-18T10:06");
        assert_eq!(typed("2026-11-18T11:06"), "2026-11-18T11:06");
        assert_eq!(typed("yesterday"), "yesterday");
    }

    #[test]
    fn a_time_has_a_machine_form_and_a_utc_title() {
        assert_eq!(
            at(AT).to_string(),
            "<time datetime=\"2026-11-18T11:06:40Z\" title=\"2026-11-18 11:06:40 UTC\">18 Nov 2026 11:06:40</time>"
        );
        assert!(
            at(Timestamp::from_micros(i64::MAX))
                .to_string()
                .contains("9999-12-30")
        );
    }

    #[test]
    fn spans_and_counts_read_well() {
        assert_eq!(ago(AT, AT), "just now");
        assert_eq!(ago(AT, AT.after(Duration::from_hours(49))), "2 days ago");
        assert_eq!(span(60), "1 minute");
        assert_eq!(count(1, "delivery"), "1 delivery");
        assert_eq!(count(1_204_000, "delivery"), "1,204,000 deliveries");
        assert_eq!(count(3, "day"), "3 days");
        assert_eq!(count(2, "address"), "2 addresses");
        assert_eq!(bytes(262_144), "256 KiB");
    }
}
