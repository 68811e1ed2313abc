//! Runs and checks scenarios on one thread, as closely as wanted. Shrinks nothing: see `proof`.

use sim_air::ReducerId;
use sim_host::{Coverage, StepError};
use sim_kernel::{Sampling, World};
use sim_model::Model;
use sim_model::{Checker, Crashes, Replays, Signature, Violation};
use sim_record::interrupt::Interrupt;
use sim_record::random::{Component, Seed, Stream};
use sim_record::scenario::{Bounds, Depth, Faults, Knob, Mix, PlanMode, Scenario};
use sim_record::trace::{Answers, Digest, Trace};
use sim_simulator::{Chooser, End, Flight, Scripted, Seeded, Simulator};

/// One run in so many tries two recoveries, if effort is sampled.
const RUNS_PER_RECOVERY: u32 = 64;

/// How much is done beside the runs themselves, for `pure` and `replays`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Nothing: where only the other invariants matter.
    Plain,
    /// Steps are scrutinised, and recoveries tried, now and then.
    Sampled,
    /// Every step is scrutinised, and recoveries tried after every turn.
    Thorough,
}

/// Runs and checks scenarios, one after the other, on one thread.
pub struct Runner<'w> {
    pub(super) world: &'w World,
    simulator: Simulator<'w>,
    checker: Checker<'w>,
    replays: Replays<'w>,
    pub(super) effort: Effort,
    pub(super) model: &'w dyn Model,
    answers: Answers,
    interrupt: Interrupt,
    /// The last run.
    pub trace: Trace,
}

/// A run that fails, and how.
#[derive(Clone, PartialEq, Debug)]
pub struct Sighting {
    /// What tells it apart from other failures.
    pub signature: Signature,
    /// The violations of one turn.
    pub violations: Vec<Violation>,
    /// The digest of the run.
    pub digest: Digest,
    /// The scenario with the decisions of the run, up to that turn.
    pub scenario: Scenario,
}

/// How a checked run went. The trace is in the runner.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    /// In order of their turns.
    pub violations: Vec<Violation>,
    /// The digest of the run.
    pub digest: Digest,
    /// Why the run ended.
    pub end: End,
    /// Indices of decisions of the schedule that were not possible.
    pub skipped: Vec<usize>,
}

/// When a run was seen to violate a property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    /// In one of its turns.
    InTurn,
    /// When it had ended, and was judged as a whole.
    AtEnd,
}

impl Checked {
    /// The turns in which something was violated, in order.
    pub fn bad_turns(&self) -> Vec<usize> {
        let mut turns: Vec<usize> = self.violations.iter().map(|found| found.turn).collect();
        turns.sort_unstable();
        turns.dedup();
        turns
    }

    fn violations_at(&self, turn: usize) -> Vec<Violation> {
        let violations = self.violations.iter();
        violations
            .filter(|found| found.turn == turn)
            .cloned()
            .collect()
    }
}

impl<'w> Runner<'w> {
    /// A runner with instances of its own.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn new(world: &'w World, model: &'w dyn Model) -> Result<Runner<'w>, StepError> {
        let simulator = Simulator::new(world, model)?;
        let checker = Checker::new(world, model);
        Ok(Runner {
            world,
            simulator,
            checker,
            replays: Replays::new(world)?,
            effort: Effort::Plain,
            model,
            answers: model.answers(),
            interrupt: Interrupt::default(),
            trace: Trace::default(),
        })
    }

    /// From now on a run, and what is checked after it, ends soon after this is asked: see
    /// [`End::Interrupted`].
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.simulator.set_interrupt(interrupt.clone());
        self.replays.set_interrupt(interrupt.clone());
        self.interrupt = interrupt;
    }

    /// Fresh wasm instances: see [`Simulator::renew`]. Nothing is remembered of the runs before.
    pub fn renew(&mut self) -> Result<(), StepError> {
        self.trace.values.clear();
        self.simulator.renew()
    }

    /// See [`Simulator::remember_steps`].
    pub fn remember_steps(&mut self) {
        self.simulator.remember_steps();
    }

    /// What a reducer's code reached in the runs since this was last called; recoveries that
    /// `replays` tries do not count. See [`Simulator::take_coverage`].
    pub fn take_coverage(&mut self, reducer: ReducerId, coverage: &mut Coverage) {
        self.simulator.take_coverage(reducer, coverage);
    }

    /// Another runner of the same world.
    pub(super) fn twin(&self) -> Result<Runner<'w>, StepError> {
        let mut twin = Runner::new(self.world, self.model)?;
        twin.set_interrupt(self.interrupt.clone());
        Ok(twin)
    }

    /// See [`Simulator::look_for_leaks`].
    pub fn look_for_leaks(&mut self) {
        self.simulator.look_for_leaks();
    }

    /// How much is done beside the runs, from now on.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
        self.simulator.scrutinise(match effort {
            Effort::Plain => Sampling::Never,
            Effort::Sampled => Sampling::Sampled,
            Effort::Thorough => Sampling::Every,
        });
    }

    /// The requests and the fault mix of a seed, with nothing decided, and a liveness phase.
    pub fn scenario(&self, seed: Seed, plans: PlanMode, bounds: Bounds, mix: Mix) -> Scenario {
        let depth = Depth::draw(&mut Stream::new(seed, Component::Depth));
        let mut requests = Stream::new(seed, Component::Requests);
        let turns = bounds.turns.saturating_mul(depth.factor());
        Scenario {
            requests: self.model.requests(&mut requests, depth),
            plans,
            bounds: Bounds {
                turns: turns.min(Bounds::MOST_TURNS),
                ..bounds
            },
            liveness: true,
            faults: Some(self.faults(seed, mix, depth)),
            schedule: Vec::new(),
        }
    }

    /// The mix of a seed, without the kinds of fault that its world never meets.
    pub(crate) fn faults(&self, seed: Seed, mix: Mix, depth: Depth) -> Faults {
        let faults = match (mix, depth) {
            (Mix::Fixed, Depth::Usual) => Faults::fixed(&self.answers),
            _ => {
                let mut stream = Stream::new(seed, Component::Faults);
                Faults::draw(&mut stream, depth, &self.answers)
            }
        };
        let forbidden = Knob::ALL
            .into_iter()
            .filter(|knob| self.model.forbids(*knob));
        forbidden.fold(faults, Faults::without)
    }

    /// Runs a seed and checks it.
    pub fn seed(&mut self, seed: Seed, scenario: &Scenario) -> Checked {
        let mut chooser = Seeded::new(seed, scenario.faults.as_ref(), &self.answers);
        self.run(seed, scenario, &mut chooser)
    }

    /// Runs a scenario as `chooser` decides, and checks it; `seed` says how closely.
    pub fn run(&mut self, seed: Seed, scenario: &Scenario, chooser: &mut dyn Chooser) -> Checked {
        self.checker.reset();
        let checker = &mut self.checker;
        let outcome = self
            .simulator
            .run(scenario, chooser, &mut self.trace, |trace, _| {
                checker.observe(trace)
            });
        let crashes = match self.effort {
            Effort::Sampled => self.drawn_crashes(seed),
            effort => crashes(effort),
        };
        self.finish(outcome.end, Vec::new(), crashes)
    }

    /// The answers that the world's work may get.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The invariants, for the self-test to silence one.
    pub fn checker_mut(&mut self) -> &mut Checker<'w> {
        &mut self.checker
    }

    /// One seed in [`RUNS_PER_RECOVERY`] tries two recoveries, after turns that it draws.
    fn drawn_crashes(&self, seed: Seed) -> Option<Crashes> {
        let turns = self.trace.turns.len() as u32;
        let mut stream = Stream::new(seed, Component::Samples);
        let is_drawn = stream.below(RUNS_PER_RECOVERY) == 0 && turns > 0;
        is_drawn.then(|| Crashes::At {
            journal: stream.below(turns) as usize,
            snapshot: stream.below(turns) as usize,
        })
    }

    /// Follows the schedule of a scenario and checks what happens.
    pub fn replay(&mut self, scenario: &Scenario) -> Checked {
        self.watch(scenario, |_, _| {})
    }

    /// The same; `watcher` sees the trace after each turn, and what is in flight.
    pub fn watch(
        &mut self,
        scenario: &Scenario,
        mut watcher: impl FnMut(&Trace, &Flight),
    ) -> Checked {
        self.checker.reset();
        let checker = &mut self.checker;
        let mut chooser = Scripted::new(scenario);
        let outcome =
            self.simulator
                .run(scenario, &mut chooser, &mut self.trace, |trace, flight| {
                    watcher(trace, flight);
                    checker.observe(trace)
                });
        let crashes = crashes(self.effort);
        self.finish(outcome.end, chooser.skipped, crashes)
    }

    /// Runs a scenario as `chooser` decides until the property at a place is violated: in a turn,
    /// or once the run as a whole was judged. None if it holds, or the run was interrupted.
    pub(crate) fn until(
        &mut self,
        scenario: &Scenario,
        chooser: &mut dyn Chooser,
        rank: usize,
    ) -> Option<Shown> {
        let is_found = |checker: &Checker<'_>| {
            let mut violations = checker.violations().iter();
            violations.any(|violation| violation.rank == rank)
        };
        self.checker.reset();
        let checker = &mut self.checker;
        let outcome = self
            .simulator
            .run(scenario, chooser, &mut self.trace, |trace, _| {
                checker.observe(trace) && !is_found(checker)
            });
        if is_found(&self.checker) {
            return Some(Shown::InTurn);
        }
        self.finish(outcome.end, Vec::new(), crashes(self.effort));
        is_found(&self.checker).then_some(Shown::AtEnd)
    }

    /// How the last run failed, in order of their turns.
    pub fn sightings(&self, scenario: &Scenario, checked: &Checked) -> Vec<Sighting> {
        let turns = checked.bad_turns().into_iter();
        let sightings = turns.map(|turn| {
            let violations = checked.violations_at(turn);
            Sighting {
                signature: Signature::of(self.world, &self.trace, &violations),
                violations,
                digest: checked.digest,
                scenario: scenario.with_schedule_up_to(&self.trace, turn),
            }
        });
        sightings.collect()
    }

    fn finish(&mut self, mut end: End, skipped: Vec<usize>, crashes: Option<Crashes>) -> Checked {
        self.checker.finish(&self.trace);
        if let Some(crashes) = crashes
            && end != End::Interrupted
            && self.checker.violations().is_empty()
        {
            let found = self.replays.check(&mut self.trace, &crashes);
            match found.is_none() && self.interrupt.is_asked() {
                true => end = End::Interrupted,
                false => self.checker.note_replays(found),
            }
        }
        let violations = self.checker.violations().to_vec();
        Checked {
            violations,
            digest: self.trace.digest(),
            end,
            skipped,
        }
    }

    /// What the last run was checked against, and what it saw.
    pub fn checker(&self) -> &Checker<'w> {
        &self.checker
    }
}

fn crashes(effort: Effort) -> Option<Crashes> {
    (effort == Effort::Thorough).then_some(Crashes::Everywhere)
}
