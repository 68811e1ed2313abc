//! Things measured in turns, so that what slows the machine slows all of them.

use std::time::{Duration, Instant};

/// One thing to measure.
pub struct Contender<'a> {
    pub name: &'a str,
    /// Does some work, and tells how many units of it.
    pub work: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'a str, work: impl FnMut() -> u64 + 'a) -> Contender<'a> {
        Contender {
            name,
            work: Box::new(work),
        }
    }
}

/// What was measured of one contender.
pub struct Figures {
    pub name: String,
    /// Nanoseconds per unit, of each round.
    rounds: Vec<f64>,
}

impl Figures {
    /// Nanoseconds per unit in the best round.
    pub fn best_ns(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Units per second in the best round.
    pub fn rate(&self) -> f64 {
        1e9 / self.best_ns()
    }

    /// How many times as fast as `other`: the median of the rounds.
    pub fn times(&self, other: &Figures) -> f64 {
        let rounds = self.rounds.iter().zip(&other.rounds);
        let mut ratios: Vec<f64> = rounds.map(|(own, other)| other / own).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }
}

/// Measures all contenders, `rounds` times each after one round that does not count.
pub fn compare(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<Figures> {
    let mut figures: Vec<Figures> = contenders
        .iter()
        .map(|contender| Figures {
            name: contender.name.to_owned(),
            rounds: Vec::new(),
        })
        .collect();
    for round in 0..=rounds {
        for (contender, figures) in contenders.iter_mut().zip(&mut figures) {
            let (units, took) = timed(&mut *contender.work);
            if round > 0 {
                figures.rounds.push(took.as_nanos() as f64 / units as f64);
            }
        }
    }
    figures
}

/// The units of one piece of work, and its time.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
