//! One run: a discrete-event loop over virtual time.
//!
//! At every turn a [`Chooser`] looks at what is in flight and takes one decision; the simulator
//! applies it to the kernel and puts in flight what comes of it. It never polls: time jumps to
//! what is chosen. It draws nothing itself and judges nothing.

#![warn(missing_docs)]

mod arrival;
pub mod enabled;
mod flight;
mod given;
mod lapse;
mod liveness;
mod naming;
mod saved;
mod scripted;
mod seeded;
mod settle;

use std::num::NonZeroU32;

use sim_air::ReducerId;
use sim_host::{Coverage, StepError, encode_envelope};
use sim_kernel::{Kernel, Sampling, World, input_of};
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::scenario::{Bounds, Scenario, Verb};
use sim_record::trace::{Answer, Answers, Choice, Emitted, Item, Mark, Remark, Trace, ValueId};

pub use arrival::work_of;
pub use enabled::Enabled;
pub use flight::{Flight, InFlight, Message, Pending, PlanRun, Timer, find, item};
pub use given::{Given, GivenAnswers};
pub use liveness::Liveness;
use naming::Naming;
pub use saved::Saved;
pub use scripted::Scripted;
pub use seeded::Seeded;
pub use sim_record::trace::End;

/// Values of earlier runs are kept up to so many bytes: about what fits into a processor's caches.
const KEPT_BYTES: usize = 8 << 20;

/// Where every choice comes from.
pub trait Chooser {
    /// The next decision, or None to end the run. Bytes it makes up go into the trace.
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice>;

    /// The decision was not possible and was left out.
    fn skipped(&mut self) {}
}

/// What a chooser may look at.
pub struct Situation<'a> {
    /// Virtual time.
    pub now_ns: u64,
    /// What is run.
    pub scenario: &'a Scenario,
    /// What is known of the world.
    pub model: &'a dyn Model,
    /// What is in flight.
    pub flight: &'a Flight,
    /// How often each request has been started.
    pub started: &'a [u32],
}

/// The sequence of nothing: those of things in flight begin at 1.
const NOTHING: u32 = 0;

/// How a run went; what happened is in the trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Why it ended.
    pub end: End,
    /// Decisions that were not possible when they were taken, and were left out.
    pub skipped: u32,
}

/// Runs scenarios on one world. Reused between runs: its buffers are.
pub struct Simulator<'w> {
    kernel: Kernel<'w>,
    model: &'w dyn Model,
    answers: Answers,
    flight: Flight,
    started: Vec<u32>,
    now_ns: u64,
    naming: Naming<'w>,
    interrupt: Interrupt,
    scratch: Vec<u8>,
}

impl<'w> Simulator<'w> {
    /// A simulator with instances of its own.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn new(world: &'w World, model: &'w dyn Model) -> Result<Simulator<'w>, StepError> {
        let kernel = Kernel::new(world)?;
        let flight = Flight::default();
        Ok(Simulator {
            kernel,
            model,
            answers: model.answers(),
            flight,
            started: Vec::new(),
            now_ns: 0,
            naming: Naming::new(world, model),
            interrupt: Interrupt::default(),
            scratch: Vec::new(),
        })
    }

    /// From now on a run ends at the next turn after this is asked.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Fresh wasm instances. Between runs they are otherwise kept, as making them costs as much
    /// as fifteen steps: a reducer that remembers something in its memory can carry it from one run
    /// to the next, and who needs to know renews.
    pub fn renew(&mut self) -> Result<(), StepError> {
        self.kernel.renew()
    }

    /// See [`Kernel::take_coverage`].
    pub fn take_coverage(&mut self, reducer: ReducerId, coverage: &mut Coverage) {
        self.kernel.take_coverage(reducer, coverage);
    }

    /// See [`Kernel::remember_steps`].
    pub fn remember_steps(&mut self) {
        self.kernel.remember_steps();
    }

    /// See [`Kernel::take_steps_alone`]. What goes between is what each request begins with.
    pub fn take_steps_alone(&mut self, scenario: &Scenario, trace: &mut Trace) {
        let mut between = Vec::new();
        for request in 0..scenario.requests.len() as u32 {
            self.begin(scenario, trace);
            self.turn(scenario, Choice::Start { request }, trace);
            for step in &trace.steps {
                let mut envelope = Vec::new();
                encode_envelope(&input_of(self.kernel.world(), trace, step), &mut envelope);
                between.push((step.reducer, envelope));
            }
        }
        self.kernel.take_steps_alone(between);
    }

    /// What is held of more than one run.
    pub fn held_bytes(&self) -> usize {
        self.kernel.held_bytes() + self.naming.held_bytes()
    }

    /// See [`Kernel::look_for_leaks`].
    pub fn look_for_leaks(&mut self) {
        self.kernel.look_for_leaks();
    }

    /// See [`Kernel::scrutinise`].
    pub fn scrutinise(&mut self, sampling: Sampling) {
        self.kernel.scrutinise(sampling);
    }

    /// Runs a scenario's requests as `chooser` decides. After each turn `observe` sees the trace
    /// and what is in flight, and says whether to go on. The schedule of the scenario is not read:
    /// see [`Scripted`]. The liveness phase follows the chooser's, if the scenario says so.
    pub fn run(
        &mut self,
        scenario: &Scenario,
        chooser: &mut dyn Chooser,
        trace: &mut Trace,
        mut observe: impl FnMut(&Trace, &Flight) -> bool,
    ) -> Outcome {
        trace.values.clear_if_above(KEPT_BYTES);
        self.begin(scenario, trace);
        let most = scenario.bounds.turns;
        let mut outcome = self.phase(scenario, chooser, trace, &mut observe, most);
        if scenario.liveness && matches!(outcome.end, End::Finished | End::TurnBound) {
            trace.liveness_from = Some(trace.turns.len());
            let air = &self.kernel.world().air;
            let most = liveness::most_turns(air, &scenario.bounds, &self.flight);
            let rest = self.phase(scenario, &mut Liveness, trace, &mut observe, most);
            match rest.end {
                End::Finished => {}
                End::TurnBound => outcome.end = End::LivenessBound,
                other => outcome.end = other,
            }
        }
        trace.is_quiescent = self.flight.is_quiescent();
        trace.end = Some(outcome.end);
        outcome
    }

    /// Lets one chooser decide, at most so many times.
    fn phase(
        &mut self,
        scenario: &Scenario,
        chooser: &mut dyn Chooser,
        trace: &mut Trace,
        observe: &mut dyn FnMut(&Trace, &Flight) -> bool,
        most_decisions: u32,
    ) -> Outcome {
        let mut skipped = 0;
        let mut decisions = 0;
        let end = loop {
            if self.interrupt.is_asked() {
                break End::Interrupted;
            }
            // What is skipped counts too, or a chooser that only errs would never end.
            if decisions >= most_decisions {
                break End::TurnBound;
            }
            decisions += 1;
            if let Some(end) = self.bound(&scenario.bounds, trace) {
                break end;
            }
            let Some(choice) = chooser.choose(&self.situation(scenario), trace) else {
                break End::Finished;
            };
            match self.turn(scenario, choice, trace) {
                false => {
                    skipped += 1;
                    chooser.skipped();
                }
                true if observe(trace, &self.flight) => {}
                true => break End::Stopped,
            }
        };
        Outcome { end, skipped }
    }

    /// The bound that the run has come to, if it has come to one.
    fn bound(&self, bounds: &Bounds, trace: &Trace) -> Option<End> {
        if trace.size_bytes() >= bounds.trace_bytes {
            return Some(End::TraceBound);
        }
        if self.flight.count() > bounds.in_flight {
            return Some(End::FlightBound);
        }
        (trace.work_bytes() > bounds.work_bytes).then_some(End::WorkBound)
    }

    fn situation<'a>(&'a self, scenario: &'a Scenario) -> Situation<'a> {
        Situation {
            now_ns: self.now_ns,
            scenario,
            model: self.model,
            flight: &self.flight,
            started: &self.started,
        }
    }

    /// Takes one decision and records the turn; false if it is not possible, and then nothing has
    /// changed.
    fn turn(&mut self, scenario: &Scenario, choice: Choice, trace: &mut Trace) -> bool {
        let mark = trace.mark();
        let first_launched = self.flight.next_sequence + 1;
        let is_enabled = cfg!(debug_assertions) && self.situation(scenario).is_enabled(&choice);
        let Some(mut remark) = self.apply(scenario, &choice, trace, &mark) else {
            let has_receipt = choice.without_crash().verb() == Verb::Fire;
            debug_assert!(
                !is_enabled || has_receipt,
                "enabled and refused: {choice:?}"
            );
            return false;
        };
        debug_assert!(is_enabled, "taken and not enabled: {choice:?}");
        self.settle(scenario, trace, mark);
        remark.first_launched = first_launched;
        trace.end_turn(self.now_ns, choice, remark, mark);
        true
    }

    /// Does what was decided; None if it is not possible.
    fn apply(
        &mut self,
        scenario: &Scenario,
        choice: &Choice,
        trace: &mut Trace,
        mark: &Mark,
    ) -> Option<Remark> {
        let taken = match choice {
            Choice::Start { .. }
            | Choice::Deliver(_)
            | Choice::Redeliver(_)
            | Choice::Fire { .. }
            | Choice::Inject { .. } => {
                let arrival = self.arrival(scenario, choice, trace)?;
                self.take(trace, &arrival);
                let (event, cell) = (arrival.event, arrival.cell);
                self.kernel.accept(trace, event, cell, self.now_ns);
                return Some(arrival.remark);
            }
            Choice::Crash {
                point,
                recovery,
                during,
            } => {
                let arrival = self.arrival(scenario, during, trace)?;
                self.crash(trace, &arrival, (*point, *recovery), mark);
                return Some(arrival.remark);
            }
            Choice::Duplicate(item) => {
                let index = find(&self.flight.messages, item)?;
                let message = &self.flight.messages[index];
                let (due_ns, names) = (message.due_ns, message.names());
                let body = Message {
                    copy: true,
                    ..message.body
                };
                let original = message.sequence;
                let copy = self.flight.launch(due_ns, names, body);
                self.flight.messages.push(copy);
                original
            }
            Choice::Drop(item) => {
                let index = find(&self.flight.messages, item)?;
                let message = self.flight.messages.remove(index);
                self.flight.dropped.push(message);
                message.sequence
            }
            Choice::Step { plan, answer } => self.step_plan(trace, plan, *answer)?,
            Choice::Receipt {
                effect,
                answer,
                value,
            } => self.answer_effect(trace, effect, *answer, *value)?,
            Choice::Advance { to_ns } if *to_ns > self.now_ns => {
                self.now_ns = *to_ns;
                NOTHING
            }
            Choice::Advance { .. } => return None,
            Choice::Snapshot => {
                self.kernel.snapshot(trace);
                NOTHING
            }
        };
        Some(Remark {
            taken: NonZeroU32::new(taken),
            ..Remark::default()
        })
    }

    /// Lets a plan take its next step. Where the step raises an event and the plan awaits
    /// nothing, the answer's event takes its place. Gives the sequence of the plan.
    fn step_plan(&mut self, trace: &mut Trace, item: &Item, answer: Option<Answer>) -> Option<u32> {
        let run = find(&self.flight.plans, item)?;
        let sequence = self.flight.plans[run].sequence;
        let plan = self.flight.plans[run].body;
        if !plan.can_step(answer) {
            return None;
        }
        let index = self.kernel.plan(plan.instance)?;
        let step = plan.next_step?;
        let Some((raised, answer)) = plan.answered.zip(answer) else {
            self.kernel.tick(trace, index, step, false, self.now_ns);
            return Some(sequence);
        };
        if !self.flight.given.allows(plan.same, answer, &self.answers) {
            return None;
        }
        self.flight.plans[run].body.silent = answer == Answer::SILENCE;
        if answer == Answer::SILENCE {
            return Some(sequence);
        }
        let instance = &self.kernel.plans()[index];
        let (definition, input) = (instance.plan, trace.bytes(instance.input_bytes));
        let kept = (answer, None);
        self.flight.given.keep(plan.same, kept, &self.answers);
        self.scratch.clear();
        let model = self.model;
        let answers = model.answer(definition, input, answer, &mut self.scratch);
        self.kernel.tick(trace, index, step, true, self.now_ns);
        if answers {
            let value = trace.store(&self.scratch);
            trace.emitted.push(Emitted {
                schema: raised,
                value,
            });
        }
        Some(sequence)
    }

    /// Gives the sequence of the effect.
    fn answer_effect(
        &mut self,
        trace: &mut Trace,
        item: &Item,
        answer: Answer,
        value: Option<ValueId>,
    ) -> Option<u32> {
        let index = find(&self.flight.pending, item)?;
        let sequence = self.flight.pending[index].sequence;
        let same = self.flight.pending[index].body.same;
        let is_possible = self.flight.given.allows(same, answer, &self.answers)
            && self.flight.given.fits(same, answer, value);
        if !is_possible {
            return None;
        }
        if answer == Answer::SILENCE {
            self.flight.pending[index].body.silent = true;
            return Some(sequence);
        }
        let pending = self.flight.pending.remove(index).body;
        let open = pending.open;
        let given = self.flight.given.of(same);
        let given = given.filter(|given| given.answer == answer);
        let receipt = match given.and_then(|given| given.receipt).or(value) {
            Some(value) => Some(value),
            None => self.plain_receipt(trace, &open, answer).0,
        };
        let kept = (answer, receipt);
        self.flight.given.keep(same, kept, &self.answers);
        if answer == Answer::PLAIN {
            self.keep_blob(trace, &open);
        }
        if let Some(receipt) = receipt {
            self.kernel.receive(trace, &open, receipt);
        }
        Some(sequence)
    }
}
