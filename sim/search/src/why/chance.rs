//! Chance takes over: after each turn of a case the scheduler of campaigns goes on, many times.
//!
//! A continuation is a run of the case's requests. The first decisions are the case's; from then on
//! the chooser of campaigns decides ([`Seeded`]), by a mix of faults that the continuation draws
//! as a seed of a campaign does. It ends as any run does: when the chooser ends it, at the bounds
//! of the case, of which the case's own decisions are part, or with the failure; the liveness
//! phase follows if the case has one. Its seed is the XXH3 of the seed that was asked for, of how
//! many decisions are the case's, and of its number, so that none depends on another.
//!
//! They are run in pieces, each on fresh instances, and only counted: any number of threads comes
//! to the same.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use twox_hash::XxHash3_128;

use super::{Failing, NoAnswer, Options};
use crate::campaign::{Effort, Runner, most_runners};
use crate::threads;
use sim_host::StepError;
use sim_kernel::World;
use sim_model::Model;
use sim_record::random::Seed;
use sim_record::scenario::{Depth, Mix, Scenario};
use sim_record::trace::{Choice, Trace};
use sim_simulator::{Chooser, Scripted, Seeded, Situation};

/// Continuations that are run on the same instances.
const PIECE: u32 = 1_000;

/// Some continuations after so many decisions of the case.
#[derive(Clone, Copy)]
struct Piece {
    taken: usize,
    first: u32,
    count: u32,
}

/// How many continuations of each turn fail.
pub(super) fn sampled(
    (world, model): (&World, &dyn Model),
    (failing, options): (Failing<'_>, &Options),
    mut progress: impl FnMut(u64),
) -> Result<Vec<u32>, NoAnswer> {
    let turns = failing.scenario.schedule.len() + 1;
    let pieces = pieces(turns, options.continuations);
    let mut counts = vec![0; turns];
    let mut done = 0;
    let mut error = None;
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let work = |sink: &mut dyn FnMut(Result<(Piece, u32), StepError>) -> bool| {
        let mut thread = Thread::new(world, model, (failing, options));
        while !stop.load(Ordering::Relaxed) && !options.interrupt.is_asked() {
            let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let ran = match &mut thread {
                Ok(thread) => thread.run(*piece),
                Err(error) => Err(error.clone()),
            };
            if !sink(ran.map(|failing| (*piece, failing))) {
                break;
            }
        }
    };
    let mut take = |ran| {
        match ran {
            Ok((Piece { taken, count, .. }, failing)) => {
                counts[taken] += failing;
                done += u64::from(count);
                progress(done);
            }
            Err(found) => error = Some(found),
        }
        error.is_none()
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let jobs = 0..options.jobs.clamp(1, most_runners());
        let works = jobs.map(|_| {
            let (sender, work) = (sender.clone(), &work);
            move || work(&mut |ran| sender.send(ran).is_ok())
        });
        let count = threads::begin(scope, works);
        drop(sender);
        if count == 0 {
            work(&mut take);
        }
        for ran in receiver {
            if !take(ran) {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    match error {
        Some(error) => Err(error.into()),
        None if options.interrupt.is_asked() => Err(NoAnswer::Interrupted),
        None => Ok(counts),
    }
}

/// All continuations of each turn.
fn pieces(turns: usize, continuations: u32) -> Vec<Piece> {
    let of_turn = |taken| {
        let firsts = (0..continuations).step_by(PIECE as usize);
        firsts.map(move |first| Piece {
            taken,
            first,
            count: PIECE.min(continuations - first),
        })
    };
    (0..turns).flat_map(of_turn).collect()
}

/// What runs continuations on one thread.
struct Thread<'a, 'w> {
    runner: Runner<'w>,
    scenario: &'a Scenario,
    rank: usize,
    seed: Seed,
    effort: Effort,
}

impl<'a, 'w> Thread<'a, 'w> {
    fn new(
        world: &'w World,
        model: &'w dyn Model,
        (failing, options): (Failing<'a>, &Options),
    ) -> Result<Thread<'a, 'w>, StepError> {
        let mut runner = Runner::new(world, model)?;
        runner.set_interrupt(options.interrupt.clone());
        runner.trace.leave_out_digest();
        if failing.effort == Effort::Plain {
            runner.remember_steps();
        }
        Ok(Thread {
            runner,
            scenario: failing.scenario,
            rank: failing.rank,
            seed: options.seed,
            effort: failing.effort,
        })
    }

    /// How many of these fail.
    fn run(&mut self, piece: Piece) -> Result<u32, StepError> {
        self.runner.renew()?;
        self.runner.set_effort(self.effort);
        let numbers = piece.first..piece.first + piece.count;
        let failing = numbers.filter(|number| self.fails(piece.taken, *number));
        Ok(failing.count() as u32)
    }

    fn fails(&mut self, taken: usize, number: u32) -> bool {
        let seed = sub_seed(self.seed, taken, number);
        let faults = self.runner.faults(seed, Mix::Swarm, Depth::Usual);
        let mut chooser = Continuing {
            case: Scripted::new(self.scenario),
            left: taken,
            chance: Seeded::new(seed, Some(&faults), self.runner.answers()),
        };
        let shown = self.runner.until(self.scenario, &mut chooser, self.rank);
        shown.is_some()
    }
}

/// The seed of a continuation: of the XXH3 of three numbers, little endian, the lower 64 bits.
fn sub_seed(seed: Seed, taken: usize, number: u32) -> Seed {
    let numbers = [seed.0, taken as u64, number.into()];
    let bytes = numbers.map(u64::to_le_bytes);
    Seed(XxHash3_128::oneshot(bytes.as_flattened()) as u64)
}

/// The decisions of the case, and then chance.
struct Continuing<'a> {
    case: Scripted<'a>,
    /// Decisions of the case that are still to be taken.
    left: usize,
    chance: Seeded,
}

impl Chooser for Continuing<'_> {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.case.choose(situation, trace)
            }
            None => self.chance.choose(situation, trace),
        }
    }
}
