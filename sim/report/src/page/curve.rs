//! Where the curve of a case is drawn: for each turn how many continuations fail from there on.
//!
//! It stands in a lane of its own, from 0 at its left to all at its right. A point is on the line
//! between two rows: chance takes over after the turn above it.

use std::ops::Range;

use serde::Serialize;

use crate::why::Why;
use crate::why::interval::{WHOLE, percent};

/// The width of the lane.
pub(super) const CURVE: usize = 120;

/// The lane, and what is drawn in it.
#[derive(Serialize)]
pub(super) struct Curve {
    /// Its left end, its middle and its right end.
    at: [usize; 3],
    /// Its top and its bottom.
    from: usize,
    to: usize,
    /// The points of the line, as SVG has them.
    line: String,
    /// The points around the intervals.
    band: String,
    dots: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    x: usize,
    y: usize,
    text: String,
}

impl Curve {
    /// The curve of the turns that are shown, with its left end at `x`; `y` is the line above a
    /// turn.
    pub fn of(why: &Why<'_>, shown: &Range<usize>, x: usize, y: impl Fn(usize) -> usize) -> Curve {
        let within = (shown.start..=shown.end).filter_map(|taken| why.after.get(taken));
        let all = u64::from(why.continuations.max(1));
        let place = |hundredths: u64| x + (hundredths as usize * CURVE) / WHOLE as usize;
        let mut dots = Vec::new();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for after in within {
            let y = y(after.taken);
            let share = u64::from(after.failing) * u64::from(WHOLE) / all;
            left.push((place(after.low.into()), y));
            right.push((place(after.high.into()), y));
            let schedules = after.schedules.map_or(String::new(), |it| {
                format!(", {} of {} schedules", it.failing, it.all)
            });
            let (low, high) = (percent(after.low), percent(after.high));
            dots.push(Point {
                x: place(share),
                y,
                text: format!(
                    "{} of {} fail from here ({low}–{high} %){schedules}",
                    after.failing, why.continuations
                ),
            });
        }
        let band: Vec<_> = left.into_iter().chain(right.into_iter().rev()).collect();
        let line: Vec<_> = dots.iter().map(|dot| (dot.x, dot.y)).collect();
        Curve {
            at: [x, x + CURVE / 2, x + CURVE],
            from: y(shown.start),
            to: y(shown.end),
            line: points(&line),
            band: points(&band),
            dots,
        }
    }
}

fn points(points: &[(usize, usize)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    points.join(" ")
}
