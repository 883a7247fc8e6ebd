//! Charts: pure functions from counted deliveries to inline SVG. Colours and patterns come from the style sheet. Words are
//! in `<title>`s and in a table beside the picture, so that nothing depends on colour alone.

mod bars;
mod model;
mod sparkline;
#[cfg(test)]
mod tests;

pub use model::{Bucket, Chart, Series, Svg};
pub use sparkline::sparkline;
