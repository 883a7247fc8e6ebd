//! The stacked bars of the detail page. One path per layer keeps the image small; a transparent rectangle over each bar has
//! its tooltip.

use std::fmt::Write;

use super::model::{Bucket, Chart, Svg};
use crate::when;

const WIDTH: u64 = 960;
const HEIGHT: u64 = 180;
/// Space for the marks of spikes.
const TOP: u64 = 14;
/// Space for the time labels.
const BOTTOM: u64 = 18;
/// Maximum number of buckets that are drawn: more would be thinner than a pixel, and the page has a size limit.
const MAX_BUCKETS: usize = 96;
/// Number of time labels under the bars.
const TICKS: usize = 6;

impl Chart {
    /// The SVG image. `id` prefixes the IDs inside, so that they are unique in the page.
    #[must_use]
    pub fn svg(&self, id: &str) -> Svg {
        svg(self, id)
    }

    /// The legend: the class of each layer, its fill in the image with this `id`, and its name.
    pub(crate) fn legend(&self, id: &str) -> Vec<(String, String, &'static str)> {
        let layers = self.layers.iter().enumerate();
        layers
            .map(|(index, layer)| (format!("l{index}"), fill(id, index), layer.name()))
            .collect()
    }
}

fn svg(chart: &Chart, id: &str) -> Svg {
    let mut out = String::with_capacity(16 * 1024);
    // Writing to a String doesn't fail.
    let _ = draw(&mut out, chart, id);
    Svg(out)
}

fn draw(out: &mut String, chart: &Chart, id: &str) -> std::fmt::Result {
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t\"><title id=\"{id}-t\">Deliveries over time: {}</title>",
        chart.summary()
    )?;
    patterns(out, &id)?;
    let drawn = chart.series.buckets.len().min(MAX_BUCKETS);
    let first = chart.series.buckets.len() - drawn;
    let frame = Frame::of(chart, first, drawn);
    frame.grid(out)?;
    for layer in 0..chart.layers.len() {
        let path = frame.layer(layer);
        if !path.is_empty() {
            write!(
                out,
                "<path class=\"l{layer}\" d=\"{path}\" fill=\"{}\"/>",
                fill(&id, layer)
            )?;
        }
    }
    frame.words(out)?;
    out.push_str("</svg>");
    Ok(())
}

/// Fill of a layer; the first layer has the plain colour of its class.
fn fill(id: &str, layer: usize) -> String {
    match layer {
        0 => "currentColor".to_owned(),
        _ => format!("url(#{id}-p{layer})"),
    }
}

/// Stripe patterns, so that the layers differ without colour.
fn patterns(out: &mut String, id: &str) -> std::fmt::Result {
    write!(
        out,
        "<defs><pattern id=\"{id}-p1\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"p1\" width=\"4\" height=\"4\"/><path class=\"ink\" d=\"M1 0v4\"/></pattern><pattern id=\"{id}-p2\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"p2\" width=\"5\" height=\"5\"/><path class=\"ink\" d=\"M0 5 5 0\"/></pattern><pattern id=\"{id}-p3\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"p3\" width=\"4\" height=\"4\"/><path class=\"ink\" d=\"M0 2h4\"/></pattern></defs>"
    )
}

struct Frame<'a> {
    chart: &'a Chart,
    first: usize,
    drawn: usize,
    most: u64,
}

impl<'a> Frame<'a> {
    fn of(chart: &'a Chart, first: usize, drawn: usize) -> Self {
        let totals = chart.series.buckets[first..].iter().map(Bucket::total);
        Self {
            chart,
            first,
            drawn,
            most: totals.max().unwrap_or(0).max(1),
        }
    }

    /// Left edge and width of a bar.
    fn place(&self, bar: usize) -> (u64, u64) {
        let (bar, drawn) = (bar as u64, self.drawn.max(1) as u64);
        let left = bar * WIDTH / drawn;
        let right = (bar + 1) * WIDTH / drawn;
        (left, (right - left).saturating_sub(2).max(1))
    }

    /// Height of a bar for `count` deliveries: at least 1 if there are any, so that each is visible.
    fn height(&self, count: u64) -> u64 {
        let available = u128::from(HEIGHT - TOP - BOTTOM);
        let height = u128::from(count) * available / u128::from(self.most);
        u64::try_from(height).unwrap_or(0).max(u64::from(count > 0))
    }

    /// One layer of all bars, as one path.
    fn layer(&self, layer: usize) -> String {
        let mut path = String::new();
        for bar in 0..self.drawn {
            let bucket = &self.chart.series.buckets[self.first + bar];
            let height = |layer: usize| {
                let count = self.chart.layers[layer].of(bucket, &self.chart.layers);
                self.height(count)
            };
            let own = height(layer);
            if own == 0 {
                continue;
            }
            let below: u64 = (0..layer).map(height).sum();
            let (left, width) = self.place(bar);
            // Writing to a String doesn't fail.
            let _ = write!(
                path,
                "M{left} {}h{width}v-{own}h-{width}z",
                (HEIGHT - BOTTOM).saturating_sub(below)
            );
        }
        path
    }

    fn grid(&self, out: &mut String) -> std::fmt::Result {
        let foot = HEIGHT - BOTTOM;
        write!(
            out,
            "<path class=\"grid\" d=\"M0 {TOP}h{WIDTH}M0 {}h{WIDTH}M0 {foot}h{WIDTH}\"/><text class=\"tick\" x=\"2\" y=\"{}\">{}</text>",
            u64::midpoint(TOP, foot),
            TOP - 3,
            when::grouped(self.most)
        )?;
        for tick in 0..TICKS.min(self.drawn) {
            let bar = tick * self.drawn / TICKS.min(self.drawn);
            let at = self.chart.time(self.first + bar);
            write!(
                out,
                "<text class=\"tick\" x=\"{}\" y=\"{}\" data-time=\"{}\">{}</text>",
                self.place(bar).0,
                HEIGHT - 4,
                when::minutes(at),
                when::tick(at)
            )?;
        }
        Ok(())
    }

    /// The tooltip of each bar that is not empty, and the marks of spikes.
    fn words(&self, out: &mut String) -> std::fmt::Result {
        out.push_str("<g class=\"tips\">");
        for bar in 0..self.drawn {
            let bucket = &self.chart.series.buckets[self.first + bar];
            if bucket.total() == 0 {
                continue;
            }
            let (left, width) = self.place(bar);
            let spike = self.chart.series.buckets[self.first + bar].is_spike;
            write!(
                out,
                "<path d=\"M{left} 0h{width}v{}h-{width}z\"><title data-time=\"{}\">{}: {} accepted, {} refused</title></path>",
                HEIGHT - BOTTOM,
                when::minutes(self.chart.time(self.first + bar)),
                when::tick(self.chart.time(self.first + bar)),
                bucket.accepted,
                bucket.refused_total()
            )?;
            if spike {
                let middle = left + width / 2;
                let top = (HEIGHT - BOTTOM).saturating_sub(self.height(bucket.total()) + 3);
                write!(out, "<path class=\"spike\" d=\"M{middle} {top}l-5 -8h10z\"/>")?;
            }
        }
        out.push_str("</g>");
        Ok(())
    }
}
