//! Times on the command line: a point in time, a day, or a duration before now. A text with two possible readings is refused
//! with both of them. A time of day needs a zone; a day alone is in UTC, like all output.

use std::str::FromStr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_wire as wire;

/// Seconds of the units of durations.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
const DAY: Duration = Duration::from_hours(24);
/// Longest duration, in seconds: a hundred years, far longer than any history.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

/// A time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// This one.
    At(Timestamp),
    /// A day in UTC, by its start.
    Day(Timestamp),
    /// A duration before now.
    Ago(Duration),
}

impl Moment {
    /// Start of a range that begins with it.
    pub(crate) fn start(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) | Self::Day(at) => at,
            Self::Ago(ago) => now.before(ago),
        }
    }

    /// End of a range that includes it; a day is included to its end.
    pub(crate) fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Day(at) => at.after(DAY),
            other => other.start(now),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // The parser rejects a time without a zone.
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp::from_micros(at.as_microsecond())));
        }
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && is_iso_date(text)
        {
            let start = wire::read_time(&format!("{date}T00:00:00Z")).ok_or_else(unknown)?;
            return Ok(Self::Day(start));
        }
        if let Some(at) = wire::read_time(text).filter(|_| text.contains(':')) {
            let utc = wire::time(at);
            let local = utc.replace('Z', "+01:00");
            return Err(format!(
                "it has no time zone: write {utc} for UTC, or with an offset, for instance {local}"
            ));
        }
        duration(text).map(Self::Ago)
    }
}

fn is_iso_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Some(readings) = two_dates(text) {
        return Err(readings);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "it has no unit: {text}m is minutes, {text}h is hours, {text}d is days"
        ));
    }
    if let Some(number) = text
        .strip_suffix('M')
        .filter(|number| number.parse::<u64>().is_ok())
    {
        return Err(format!(
            "M is ambiguous: {number}m is minutes; for months, write the date"
        ));
    }
    let (mut rest, mut seconds) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| unknown())?;
        let unit = rest[digits..].chars().next().ok_or_else(unknown)?;
        let (_, unit_seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(unknown)?;
        seconds = seconds.saturating_add(number.saturating_mul(*unit_seconds));
        rest = &rest[digits + unit.len_utf8()..];
    }
    match seconds {
        0 => Err(unknown()),
        _ if seconds > MAX_SECONDS => Err("it is longer than any history is stored".to_owned()),
        _ => Ok(Duration::from_secs(seconds)),
    }
}

/// Both readings of a date such as 11/12/2026 or 11.12.2026.
fn two_dates(text: &str) -> Option<String> {
    let parts: Vec<_> = text.split(['/', '.', '-']).collect();
    let [first, second, year] = parts[..] else {
        return None;
    };
    let number = |part: &str| part.parse::<u16>().ok();
    let (first, second, year) = (number(first)?, number(second)?, number(year)?);
    if year < 100 {
        return None;
    }
    Some(format!(
        "day and month are ambiguous: write {year}-{first:02}-{second:02} or {year}-{second:02}-{first:02}"
    ))
}

fn unknown() -> String {
    "not a time: write how long ago (30s, 5m, 2h, 7d), a day in UTC (2026-11-30), or a time with its zone \
     (2026-11-30T03:30:00Z)"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        wire::read_time(text).unwrap()
    }

    #[test]
    fn times_days_and_durations_are_read() {
        let now = at("2026-11-30T12:00:00Z");
        for (text, start, end) in [
            ("1h", "2026-11-30T11:00:00Z", "2026-11-30T11:00:00Z"),
            ("30s", "2026-11-30T11:59:30Z", "2026-11-30T11:59:30Z"),
            ("1d12h", "2026-11-29T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("2026-11-29", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"),
            (
                "2026-11-29T01:00:00+01:00",
                "2026-11-29T00:00:00Z",
                "2026-11-29T00:00:00Z",
            ),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(
                (moment.start(now), moment.end(now)),
                (at(start), at(end)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_with_both() {
        for (text, readings) in [
            ("11/12/2026", ["2026-11-12", "2026-12-11"]),
            ("11.12.2026", ["2026-11-12", "2026-12-11"]),
            ("2026-11-30T03:30", ["2026-11-30T03:30:00Z", "+01:00"]),
            ("2026-11-30 03:30:00", ["2026-11-30T03:30:00Z", "+01:00"]),
            ("10", ["10m", "10h"]),
            ("5M", ["5m", "months"]),
        ] {
            let error = text.parse::<Moment>().unwrap_err();
            for reading in readings {
                assert!(error.contains(reading), "{text}: {error}");
            }
        }
        for wrong in [
            "",
            "yesterday",
            "1.5h",
            "-1h",
            "0s",
            "h",
            "1x",
            "99999999999999999999s",
            "99999999999w",
        ] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
