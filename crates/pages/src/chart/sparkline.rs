//! The small chart in a row of a list: 24 hours of accepted deliveries, with the refused ones stacked on top.

use std::fmt::Write;

use super::model::Svg;
use crate::when;

/// Width of one bar, in units of the view box: the style sheet sets the size of the image.
const BAR: usize = 4;
const HEIGHT: u64 = 24;
/// Maximum number of bars: one for each hour of a day.
const MAX_BARS: usize = 24;

/// Draws accepted and refused deliveries by the hour, oldest first. Only the newest 24 hours are drawn.
#[must_use]
pub fn sparkline(hours: &[(u64, u64)]) -> Svg {
    let hours = &hours[hours.len().saturating_sub(MAX_BARS)..];
    let sum = |pick: fn(&(u64, u64)) -> u64| hours.iter().map(pick).fold(0, u64::saturating_add);
    let (accepted, refused) = (sum(|hour| hour.0), sum(|hour| hour.1));
    let most = hours
        .iter()
        .map(|hour| hour.0.saturating_add(hour.1))
        .max()
        .unwrap_or(0)
        .max(1);
    let mut out = String::with_capacity(512);
    // Writing to a String doesn't fail.
    let _ = write!(
        out,
        "<svg class=\"spark\" viewBox=\"0 0 {} {HEIGHT}\" role=\"img\" aria-label=\"24 hours: {} accepted, {} refused\">",
        MAX_BARS * BAR,
        when::grouped(accepted),
        when::grouped(refused)
    );
    for (class, path) in [("l0", path(hours, most, false)), ("l1", path(hours, most, true))] {
        if !path.is_empty() {
            let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    out.push_str("</svg>");
    Svg(out)
}

fn path(hours: &[(u64, u64)], most: u64, refused: bool) -> String {
    let height = |count: u64| {
        let height = u128::from(count) * u128::from(HEIGHT) / u128::from(most);
        u64::try_from(height).unwrap_or(0).max(u64::from(count > 0))
    };
    let mut path = String::new();
    for (bar, (accepted, rejected)) in hours.iter().enumerate() {
        let (own, below) = if refused {
            (height(*rejected), height(*accepted))
        } else {
            (height(*accepted), 0)
        };
        if own > 0 {
            let left = (MAX_BARS - hours.len() + bar) * BAR;
            // Writing to a String doesn't fail.
            let _ = write!(path, "M{left} {}h3v-{own}h-3z", HEIGHT.saturating_sub(below));
        }
    }
    path
}
