//! What is enabled: the one rule of which decisions are possible, and what each thing in flight
//! can have done to it.
//!
//! All choosers take it from here, those that list everything and those that draw from what there
//! is. The simulator leaves out what is not enabled, and in builds with debug assertions compares
//! what it does with this rule. Chooses nothing, and says nothing of bounds and proportions.

use super::{Flight, InFlight, PlanRun, Situation, find, item};
use sim_record::trace::{Answer, Choice, Status, ValueId};

/// Something that a decision can have go on, by its place in the flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enabled {
    /// A request.
    Start(u32),
    /// A message that is on its way.
    Message(usize),
    /// A message that was dropped.
    Dropped(usize),
    /// An instance of a plan.
    Plan(usize),
    /// A plan's effect that has had no receipt.
    Effect(usize),
    /// A timer, or another effect of a reducer.
    Timer(usize),
}

/// Messages: to be delivered, duplicated or dropped.
pub fn messages(flight: &Flight) -> impl Iterator<Item = Enabled> + use<> {
    (0..flight.messages.len()).map(Enabled::Message)
}

/// Messages that were dropped: to be redelivered.
pub fn dropped(flight: &Flight) -> impl Iterator<Item = Enabled> + use<> {
    (0..flight.dropped.len()).map(Enabled::Dropped)
}

/// Plans that can take a step, silent ones among them.
pub fn plans(flight: &Flight) -> impl Iterator<Item = Enabled> + '_ {
    let runs = flight.plans.iter().enumerate();
    let can_step = runs.filter(|(_, run)| run.body.next_step.is_some());
    can_step.map(|(index, _)| Enabled::Plan(index))
}

/// Effects of plans, silent ones among them.
pub fn effects(flight: &Flight) -> impl Iterator<Item = Enabled> + use<> {
    (0..flight.pending.len()).map(Enabled::Effect)
}

/// Timers, and other effects of reducers: to be fired.
pub fn timers(flight: &Flight) -> impl Iterator<Item = Enabled> + use<> {
    (0..flight.timers.len()).map(Enabled::Timer)
}

/// Requests that have not been started; `started` says how often each has been. The others may be
/// started again.
pub fn starts(started: &[u32]) -> impl Iterator<Item = Enabled> + '_ {
    let requests = started.iter().zip(0..);
    let new = requests.filter(|(count, _)| **count == 0);
    new.map(|(_, request)| Enabled::Start(request))
}

/// What goes on by itself: all but what was dropped, and what is silent.
pub fn going_on(flight: &Flight) -> impl Iterator<Item = Enabled> + '_ {
    messages(flight)
        .chain(plans(flight))
        .chain(effects(flight))
        .chain(timers(flight))
        .filter(|enabled| !enabled.is_silent(flight))
}

impl Enabled {
    /// Whether it was decided that it gives no answer, for now.
    fn is_silent(self, flight: &Flight) -> bool {
        match self {
            Enabled::Plan(index) => flight.plans[index].body.silent,
            Enabled::Effect(index) => flight.pending[index].body.silent,
            _ => false,
        }
    }

    /// Its place in time: when it is due, and its sequence. A request is older than all else.
    pub fn age(self, flight: &Flight) -> (u64, u32) {
        fn of<T>(entry: &InFlight<T>) -> (u64, u32) {
            (entry.due_ns, entry.sequence)
        }
        match self {
            Enabled::Start(_) => (0, 0),
            Enabled::Message(index) => of(&flight.messages[index]),
            Enabled::Dropped(index) => of(&flight.dropped[index]),
            Enabled::Plan(index) => of(&flight.plans[index]),
            Enabled::Effect(index) => of(&flight.pending[index]),
            Enabled::Timer(index) => of(&flight.timers[index]),
        }
    }

    /// The decision that has it go on without a fault: it is started, delivered, answered ok, or
    /// fires when it is due.
    pub fn plain(self, flight: &Flight) -> Choice {
        match self {
            Enabled::Start(request) => Choice::Start { request },
            Enabled::Message(index) => Choice::Deliver(item(&flight.messages, index)),
            Enabled::Dropped(index) => Choice::Redeliver(item(&flight.dropped, index)),
            Enabled::Plan(index) => Choice::Step {
                plan: item(&flight.plans, index),
                answer: flight.plans[index].body.plain_answer(flight),
            },
            Enabled::Effect(index) => Choice::Receipt {
                effect: item(&flight.pending, index),
                answer: flight.given.plain(flight.pending[index].body.same),
                value: None,
            },
            Enabled::Timer(index) => Choice::Fire {
                timer: item(&flight.timers, index),
                at_ns: None,
                status: Status::Ok,
                twice: false,
                value: None,
            },
        }
    }
}

impl PlanRun {
    /// The answer to its next step that goes on by itself, if one stands in for an event.
    fn plain_answer(&self, flight: &Flight) -> Option<Answer> {
        self.answered.map(|_| flight.given.plain(self.same))
    }

    /// Whether it can take its next step with this answer, which may stand in for an event.
    pub(super) fn can_step(&self, answer: Option<Answer>) -> bool {
        let is_silence = self.answered.is_some() && answer == Some(Answer::SILENCE);
        self.next_step.is_some() && !(is_silence && self.silent)
    }
}

impl Situation<'_> {
    /// Whether a decision is possible. The simulator also leaves out a firing whose receipt does
    /// not fit its schema.
    pub fn is_enabled(&self, choice: &Choice) -> bool {
        let flight = self.flight;
        match choice {
            Choice::Start { request } => (*request as usize) < self.started.len(),
            Choice::Deliver(item) | Choice::Duplicate(item) | Choice::Drop(item) => {
                find(&flight.messages, item).is_some()
            }
            Choice::Redeliver(item) => find(&flight.dropped, item).is_some(),
            Choice::Step { plan, answer } => find(&flight.plans, plan).is_some_and(|index| {
                let run = &flight.plans[index].body;
                run.can_step(*answer)
                    && self.allows(
                        run.same.filter(|_| run.answered.is_some()),
                        answer.unwrap_or(Answer::SILENCE),
                    )
            }),
            Choice::Receipt {
                effect,
                answer,
                value,
            } => find(&flight.pending, effect).is_some_and(|index| {
                let same = flight.pending[index].body.same;
                self.allows(same, *answer) && flight.given.fits(same, *answer, *value)
            }),
            Choice::Fire { timer, .. } => find(&flight.timers, timer).is_some(),
            Choice::Inject { .. } | Choice::Snapshot => true,
            Choice::Advance { to_ns } => *to_ns > self.now_ns,
            Choice::Crash { during, .. } => during.verb().arrives() && self.is_enabled(during),
        }
    }
}

impl Situation<'_> {
    fn allows(&self, key: Option<ValueId>, answer: Answer) -> bool {
        key.is_none() || self.flight.given.allows(key, answer, &self.model.answers())
    }
}

impl Flight {
    /// Whether nothing is left that could go on by itself.
    pub fn is_empty(&self) -> bool {
        going_on(self).next().is_none()
    }

    /// Whether nothing is left at all: nothing that was dropped could be delivered, nothing that
    /// is silent could answer.
    pub fn is_quiescent(&self) -> bool {
        messages(self)
            .chain(dropped(self))
            .chain(timers(self))
            .chain(effects(self))
            .chain(plans(self))
            .next()
            .is_none()
    }
}
