//! How much of what goes wrong in a run: a plain struct of integer weights and ratios.
//!
//! A seed draws its own mix (swarm testing: Groce et al., ISSTA 2012): each kind of fault is off
//! in half of the seeds, so that those that hide one another also run apart.

use crate::random::{Ratio, Stream};

/// The fault mix of one seed. Weights are relative to [`Faults::PROGRESS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Faults {
    /// Weights of ok, transient, terminal and silence as answers to work.
    pub answers: [u32; 4],
    pub stray: u32,
    pub duplicate: u32,
    pub drop: u32,
    pub redeliver: u32,
    pub second_start: u32,
    pub advance: u32,
    /// How often progress is not the oldest thing in flight.
    pub reorder: Ratio,
    /// How often the next request starts while another is under way.
    pub start_early: Ratio,
    pub timer_early: Ratio,
    pub timer_late: Ratio,
    pub timer_twice: Ratio,
    /// How often a timer's receipt says error or timeout.
    pub timer_status: Ratio,
}

impl Faults {
    /// The weight of letting the run go on.
    pub const PROGRESS: u32 = 100;
    /// The weight of ending the run once nothing is left to go on.
    pub const STOP: u32 = 15;

    pub fn draw(stream: &mut Stream) -> Faults {
        Faults {
            answers: draw_answers(stream),
            stray: weight(stream),
            duplicate: weight(stream),
            drop: weight(stream),
            redeliver: weight(stream),
            second_start: weight(stream),
            advance: weight(stream),
            reorder: ratio(stream),
            start_early: ratio(stream),
            timer_early: ratio(stream),
            timer_late: ratio(stream),
            timer_twice: ratio(stream),
            timer_status: ratio(stream),
        }
    }
}

/// Mostly transient errors, or there would be little to retry; each other answer may be off.
fn draw_answers(stream: &mut Stream) -> [u32; 4] {
    [
        1 + stream.below(10),
        10 + stream.below(30),
        stream.below(2) * 4,
        stream.below(2) * 4,
    ]
}

fn weight(stream: &mut Stream) -> u32 {
    const WEIGHTS: [u32; 8] = [0, 0, 0, 0, 5, 10, 20, 40];
    WEIGHTS[stream.below(8) as usize]
}

fn ratio(stream: &mut Stream) -> Ratio {
    const PERCENT: [u32; 8] = [0, 0, 0, 0, 10, 20, 40, 70];
    Ratio::new(PERCENT[stream.below(8) as usize], 100)
}
