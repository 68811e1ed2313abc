//! Watches runs: what conditions say of each moment, by what is remembered of the run.
//!
//! Within a turn the moments come in this order: receipts; each step, before it the events and the
//! effects that it gives out; events and effects of plans; the end of the turn. At one moment
//! counters are brought up to date first, in the order of the file.
//!
//! What conditions say is decided by what they read, and is found out once for each row of that: a
//! row is known by its XXH3, 128 bits, as the explorer knows states.

mod rest;
mod run;
mod views;

use std::cell::RefCell;
use std::sync::Arc;

use crate::at::{At, By, is_still};
use crate::condition::Condition;
use crate::evaluate::{Change, Outcome, View, change, is_kept, outcome, ruled_out, whose};
use crate::fields::null;
use crate::known::Known;
use crate::memory::{Memory, Scalar, Who};
use crate::numbers::boxed;
use crate::properties::{Counter, Keeps, Reads, Rule, RuleKind, Sees};
use crate::watched::{Group, Watched};
use cel::common::value::Val;
use run::write_of_run;
use sim_air::ReducerId;
use sim_kernel::World;
use sim_model::{Finding, Observer, Seen, Verdicts};
use sim_record::trace::{End, Key, Packer, Record, Trace, Unpacker};

/// What was said before.
#[derive(Clone, Debug)]
enum Said {
    Change(Result<Change, String>),
    Outcome(Outcome),
}

/// Watches one run after the other.
pub(crate) struct Judge<'w> {
    world: &'w World,
    watched: Arc<Watched>,
    known: Known<Said>,
    /// What is said whatever is read beside the moment, if that is so.
    ruled_out: Known<Option<Outcome>>,
    /// Values as conditions see them, by schema and fingerprint.
    vals: RefCell<Known<Arc<dyn Val>>>,
    key: Key,
}

/// A counter or a property: what its conditions read, whose they are about, the reducer meant.
struct Subject<'s> {
    number: u64,
    sees: &'s Sees,
    reads: &'s Reads,
    by: Option<&'s Condition>,
    of: Option<ReducerId>,
}

impl Subject<'_> {
    /// Writes what it sees of a moment.
    fn write(&self, trace: &Trace, at: &At<'_>, who: &Who, key: &mut Key) {
        key.word(self.number);
        at.write(trace, self.sees, key);
        if self.sees.who {
            key.bytes(who.as_deref().unwrap_or_default().as_bytes());
        }
    }
}

impl<'w> Judge<'w> {
    pub fn new(world: &'w World, watched: Arc<Watched>) -> Judge<'w> {
        Judge {
            world,
            watched,
            known: Known::default(),
            ruled_out: Known::default(),
            vals: RefCell::default(),
            key: Key::default(),
        }
    }

    fn moment(&mut self, memory: &mut Memory, seen: &Seen<'_>, at: At<'_>, to: &mut Verdicts<'_>) {
        let watched = self.watched.clone();
        let Some(place) = watched.group_of(at.moment(), at.reducer()) else {
            return;
        };
        let group = &watched.groups[place];
        let who = match group.needs_who {
            true => self.who(seen.trace, &at),
            false => None,
        };
        let mut view = None;
        for place in &group.counters {
            let counter = &watched.rules.counters[*place];
            match self.change(memory, seen, &at, &mut view, (*place, counter), &who) {
                Ok(change) => apply(memory, counter, *place, change),
                Err(error) => {
                    let place = watched.rules.counters_place.unwrap_or_default();
                    let expected = format!("the counter `{}` can be kept", counter.name);
                    to.note(place, Finding::violated(expected, error));
                }
            }
        }
        for place in &group.rules {
            let rule = &watched.rules.rules[*place];
            let outcome = self.outcome(memory, seen, &at, &mut view, (*place, rule), &who);
            tell(memory, (*place, rule), &outcome, to);
        }
    }

    /// What a moment does to a counter.
    fn change(
        &mut self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        (place, counter): (usize, &Counter),
        who: &Who,
    ) -> Result<Change, String> {
        let subject = Subject {
            number: (place as u64) << 1,
            sees: &counter.sees,
            reads: &counter.reads,
            by: counter.by.as_ref(),
            of: counter.of,
        };
        if subject.reads.has_any() {
            let print = self.print(seen.trace, at, &subject, who);
            let is_kept = match self.ruled_out.get(print) {
                Some(known) => known.is_some(),
                None => {
                    let view = self.view_of(seen, at, view, who);
                    let kept = is_kept(counter, view).then_some(Outcome::Silent);
                    let is_kept = kept.is_some();
                    self.ruled_out.insert(print, kept);
                    is_kept
                }
            };
            if is_kept {
                return Ok(Change::default());
            }
        }
        let (print, whose) = self.print_of_run(memory, seen, at, view, &subject, who);
        if let Some(Said::Change(change)) = self.known.get(print) {
            return change.clone();
        }
        let view = self.complete(memory, seen, at, view, &subject, (who, &whose));
        let said = change(counter, view, who);
        self.known.insert(print, Said::Change(said.clone()));
        said
    }

    /// What a property says of a moment.
    fn outcome(
        &mut self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        (place, rule): (usize, &Rule),
        who: &Who,
    ) -> Outcome {
        let subject = Subject {
            number: (place as u64) << 1 | 1,
            sees: &rule.sees,
            reads: &rule.reads,
            by: rule.by.as_ref(),
            of: rule.of,
        };
        if subject.reads.has_any() {
            let print = self.print(seen.trace, at, &subject, who);
            if self.ruled_out.get(print).is_none() {
                let view = self.view_of(seen, at, view, who);
                let outcome = ruled_out(rule, view);
                self.ruled_out.insert(print, outcome);
            }
            if let Some(Some(outcome)) = self.ruled_out.get(print) {
                return outcome.clone();
            }
        }
        let (print, whose) = self.print_of_run(memory, seen, at, view, &subject, who);
        if let Some(Said::Outcome(outcome)) = self.known.get(print) {
            return outcome.clone();
        }
        let mut before = match rule.kind {
            RuleKind::Absorbing => self.view_before(seen.trace, at),
            _ => None,
        };
        if let Some(before) = &mut before {
            self.set_of_run(memory, seen, &rule.reads, rule.of, &whose, before);
        }
        let view = self.complete(memory, seen, at, view, &subject, (who, &whose));
        let said = outcome(rule, view, before.as_ref(), who, is_still(at));
        self.known.insert(print, Said::Outcome(said.clone()));
        said
    }

    /// What decides what is said by what reads nothing but the moment.
    fn print(&mut self, trace: &Trace, at: &At<'_>, subject: &Subject<'_>, who: &Who) -> u128 {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        subject.write(trace, at, who, &mut key);
        let print = key.fingerprint();
        self.key = key;
        print
    }

    /// What decides what is said, and whose it is about.
    fn print_of_run(
        &mut self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        subject: &Subject<'_>,
        who: &Who,
    ) -> (u128, Who) {
        if !subject.reads.has_any() {
            return (self.print(seen.trace, at, subject, who), who.clone());
        }
        let whose_it_is = match subject.by.map(|by| (by, by.constant())) {
            None => who.clone(),
            Some((_, Some(constant))) => Some(constant),
            Some((by, None)) => {
                let view = self.view_of(seen, at, view, who);
                whose(Some(by), view, who).unwrap_or_default()
            }
        };
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        subject.write(seen.trace, at, who, &mut key);
        write_of_run(
            &mut key,
            memory,
            seen,
            subject.reads,
            subject.of,
            &whose_it_is,
        );
        let print = key.fingerprint();
        self.key = key;
        (print, whose_it_is)
    }

    /// The view of a moment, made once.
    fn view_of<'v>(
        &self,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &'v mut Option<View>,
        who: &Who,
    ) -> &'v mut View {
        view.get_or_insert_with(|| self.view(seen.trace, at, self.group(at), who))
    }

    /// The view of a moment with all that its conditions read of the run.
    fn complete<'v>(
        &self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &'v mut Option<View>,
        subject: &Subject<'_>,
        (who, whose): (&Who, &Who),
    ) -> &'v View {
        let view = self.view_of(seen, at, view, who);
        view.variables.forget();
        self.set_of_run(memory, seen, subject.reads, subject.of, whose, view);
        view
    }

    fn group(&self, at: &At<'_>) -> &Group {
        let place = self.watched.group_of(at.moment(), at.reducer());
        &self.watched.groups[place.expect("something is watched there")]
    }

    fn of_turn(&mut self, memory: &mut Memory, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        let (trace, turn) = (seen.trace, seen.turn);
        let mut plan_of_turn = None;
        for record in trace.journal_in(&turn.journal) {
            match record {
                Record::PlanStep { plan, .. } => plan_of_turn = Some(*plan),
                Record::EffectReceipt {
                    effect,
                    params,
                    plan,
                    status,
                    receipt,
                    ..
                } => {
                    let at = At::Receipt {
                        effect: *effect,
                        params: *params,
                        plan: *plan,
                        status: *status,
                        value: *receipt,
                    };
                    self.moment(memory, seen, at, to);
                }
                _ => {}
            }
        }
        let (mut emitted, mut intents) = (turn.emitted.start, turn.intents.start);
        for step in trace.steps_of(turn) {
            for event in trace.emitted_in(&step.emitted) {
                self.moment(memory, seen, At::Sent(event, By::Reducer(step.reducer)), to);
            }
            for intent in trace.intents_in(&step.intents) {
                self.moment(memory, seen, At::Effect(intent), to);
            }
            (emitted, intents) = (step.emitted.end.max(emitted), step.intents.end.max(intents));
            if self.watched.needs_cells {
                let key = (step.reducer.index() as u32, step.key);
                match step.after {
                    Some(state) => memory.cells.insert(key, state),
                    None => memory.cells.remove(&key),
                };
            }
            if step.fault.is_none() {
                self.moment(memory, seen, At::Step(step), to);
            }
        }
        for event in trace.emitted_in(&(emitted..turn.emitted.end.max(emitted))) {
            self.moment(memory, seen, At::Sent(event, By::Plan(plan_of_turn)), to);
        }
        for intent in trace.intents_in(&(intents..turn.intents.end.max(intents))) {
            self.moment(memory, seen, At::Effect(intent), to);
        }
        self.moment(memory, seen, At::Turn, to);
    }
}

/// What a counter holds for somebody.
fn count_of(memory: &Memory, counter: &Counter, place: u32, who: &Who) -> Box<dyn Val> {
    let count = memory.counts.get(&(place, who.clone()));
    count.map_or_else(
        || match counter.keeps {
            Keeps::First | Keeps::Last => null(),
            _ => boxed(0).unwrap_or_else(null),
        },
        Scalar::val,
    )
}

fn apply(memory: &mut Memory, counter: &Counter, place: usize, change: Change) {
    let key = (place as u32, change.who);
    if change.reset {
        memory.counts.remove(&key);
    }
    let Some(put) = change.put else { return };
    let kept = memory.counts.get(&key);
    let number = |scalar: Option<&Scalar>| match scalar {
        Some(Scalar::Number(number)) => *number,
        _ => 0,
    };
    let new = match counter.keeps {
        Keeps::Count | Keeps::Sum => {
            Scalar::Number(number(kept).saturating_add(number(Some(&put))))
        }
        Keeps::Max => Scalar::Number(number(kept).max(number(Some(&put)))),
        Keeps::First => kept.cloned().unwrap_or(put),
        Keeps::Last => put,
    };
    memory.counts.insert(key, new);
}

/// Hands on what a property says.
fn tell(
    memory: &mut Memory,
    (place, rule): (usize, &Rule),
    outcome: &Outcome,
    to: &mut Verdicts<'_>,
) {
    if let Some(judged) = rule.judged.filter(|_| !matches!(outcome, Outcome::Silent)) {
        to.reach(judged);
    }
    match outcome {
        Outcome::Silent => {}
        Outcome::Holds => to.note(rule.place, Finding::Holds),
        Outcome::Seen => to.reach(rule.place),
        Outcome::Wrong(expected, found) => {
            to.note(
                rule.place,
                Finding::violated(expected.clone(), found.clone()),
            );
        }
        Outcome::Once(who, looked_at) => {
            let is_first = memory.once.insert((place as u32, who.clone()));
            let finding = Finding::check(is_first, || {
                let whose = who
                    .as_ref()
                    .map_or(String::new(), |who| format!(" for {who:?}"));
                (
                    rule.expected.clone(),
                    format!("a second time{whose}: {looked_at}"),
                )
            });
            to.note(rule.place, finding);
        }
    }
}

impl Observer for Judge<'_> {
    type Memory = Memory;

    fn end_turn(&mut self, memory: &mut Memory, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.of_turn(memory, seen, to);
    }

    fn finish(&mut self, memory: &Memory, trace: &Trace, to: &mut Verdicts<'_>) {
        if trace.is_quiescent || trace.end == Some(End::LivenessBound) {
            self.at_rest(memory, trace, to);
        }
    }

    fn pack(memory: &Memory, packer: &mut Packer<'_>) {
        memory.pack(packer);
    }

    fn unpack(packed: &mut Unpacker<'_>, _: &Trace) -> Memory {
        Memory::unpack(packed)
    }

    fn write_key(memory: &Memory, trace: &Trace, key: &mut Key) {
        memory.write_key(trace, key);
    }
}
