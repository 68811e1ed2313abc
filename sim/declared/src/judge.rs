//! Watches runs: what conditions say of each moment, by what is remembered of the run.
//!
//! Within a turn the moments come in this order: receipts; each step, before it the events and the
//! effects that it gives out; events and effects of plans; the end of the turn. At one moment
//! counters are brought up to date first, in the order of the file.
//!
//! What compiled conditions say is found out anew each time. What others say is decided by what
//! they read, and is found out once for each row of that: a row is known by its XXH3, 128 bits, as
//! the explorer knows states.

mod rest;
mod run;
mod views;

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use crate::at::{At, By, is_still};
use crate::condition::Condition;
use crate::evaluate::{Change, Outcome, change, is_kept, outcome, ruled_out, whose};
use crate::known::Known;
use crate::memory::{Memory, Scalar, Who};
use crate::properties::{Counter, Keeps, Reads, Rule, RuleKind, Sees};
use crate::scene::{Here, OfRun, Sources};
use crate::watched::Watched;
use cel::common::value::Val;
use run::write_of_run;
use sim_air::ReducerId;
use sim_kernel::World;
use sim_model::{Finding, Looks, Observer, Seen, Verdicts};
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
    known: RefCell<Known<Said>>,
    /// What is said whatever is read beside the moment, if that is so.
    ruled_out: RefCell<Known<Option<Outcome>>>,
    /// Values as conditions see them, by schema and fingerprint.
    vals: RefCell<Known<Arc<dyn Val>>>,
    key: RefCell<Key>,
}

/// A counter or a property: what its conditions read, whose they are about, the reducer meant.
#[derive(Clone, Copy)]
struct Subject<'s> {
    number: u64,
    sees: &'s Sees,
    reads: &'s Reads,
    by: Option<&'s Condition>,
    of: Option<ReducerId>,
}

impl<'s> Subject<'s> {
    fn of_counter((place, counter): (usize, &'s Counter)) -> Subject<'s> {
        Subject {
            number: (place as u64) << 1,
            sees: &counter.sees,
            reads: &counter.reads,
            by: counter.by.as_ref(),
            of: counter.of,
        }
    }

    fn of_rule((place, rule): (usize, &'s Rule)) -> Subject<'s> {
        Subject {
            number: (place as u64) << 1 | 1,
            sees: &rule.sees,
            reads: &rule.reads,
            by: rule.by.as_ref(),
            of: rule.of,
        }
    }

    /// Writes what it sees of a moment.
    fn write(&self, here: &Here<'_>, key: &mut Key) {
        key.word(self.number);
        here.at.write(here.sources.trace, self.sees, key);
        if self.sees.who {
            key.bytes(here.who.as_deref().unwrap_or_default().as_bytes());
        }
    }
}

impl<'w> Judge<'w> {
    pub fn new(world: &'w World, watched: Arc<Watched>) -> Judge<'w> {
        Judge {
            world,
            watched,
            known: RefCell::default(),
            ruled_out: RefCell::default(),
            vals: RefCell::default(),
            key: RefCell::default(),
        }
    }

    fn moment(&self, memory: &mut Memory, seen: &Seen<'_>, at: At<'_>, to: &mut Verdicts<'_>) {
        let watched = &*self.watched;
        let Some(place) = watched.group_of(at.moment(), at.reducer()) else {
            return;
        };
        let group = &watched.groups[place];
        let who = match group.needs_who {
            true => self.who(seen.trace, &at),
            false => None,
        };
        let sources = Sources {
            air: &self.world.air,
            trace: seen.trace,
            watched,
        };
        let here = Here {
            sources,
            at: &at,
            at_ns: seen.turn.at_ns,
            group,
            who: &who,
            variables: OnceCell::new(),
        };
        for place in &group.counters {
            let counter = &watched.rules.counters[*place];
            match self.change(memory, &here, (*place, counter)) {
                Ok(change) => {
                    if change.put.is_some() {
                        to.reach(counter.counted);
                    }
                    apply(memory, counter, *place, change);
                }
                Err(error) => {
                    let place = watched.rules.counters_place.unwrap_or_default();
                    let expected = format!("the counter `{}` can be kept", counter.name);
                    to.note(place, Finding::violated(expected, error));
                }
            }
        }
        // What reads nothing but the moment looks at it together.
        let view = self.view(&here, None);
        let before = match group.needs_view_before {
            true => self.view_before(&here, None),
            false => None,
        };
        for place in &group.rules {
            let rule = &watched.rules.rules[*place];
            if matches!(at, At::Turn) && rule.is_of_each() {
                self.of_each(memory, &here, (*place, rule), to);
                continue;
            }
            let outcome = match rule.is_compiled && !rule.reads.has_any() {
                true => outcome(rule, &view, before.as_ref(), &who, is_still(&at)),
                false => self.outcome(memory, &here, (*place, rule)),
            };
            let looked_at = |memory: &Memory| self.looked_at(memory, &here, (*place, rule));
            tell(memory, (*place, rule), &outcome, looked_at, to);
        }
    }

    /// At the end of a turn nobody is there whose counters are meant: they are those of each.
    fn of_each(
        &self,
        memory: &mut Memory,
        here: &Here<'_>,
        (place, rule): (usize, &Rule),
        to: &mut Verdicts<'_>,
    ) {
        for who in memory.known(&rule.reads.counters) {
            let here = Here {
                who: &who,
                variables: OnceCell::new(),
                ..*here
            };
            let outcome = self.outcome(memory, &here, (place, rule));
            let looked_at = |memory: &Memory| self.looked_at(memory, &here, (place, rule));
            tell(memory, (place, rule), &outcome, looked_at, to);
        }
    }

    /// What a moment does to a counter.
    fn change(
        &self,
        memory: &Memory,
        here: &Here<'_>,
        (place, counter): (usize, &Counter),
    ) -> Result<Change, String> {
        let subject = Subject::of_counter((place, counter));
        if counter.is_compiled {
            return match subject.reads.has_any() && is_kept(counter, &self.view(here, None)) {
                true => Ok(Change::default()),
                false => self.change_anew(memory, here, counter, &self.whose(here, subject)),
            };
        }
        if subject.reads.has_any() {
            let print = self.print(here, subject);
            let known = self.ruled_out.borrow_mut().get(print).map(Option::is_some);
            let is_kept = known.unwrap_or_else(|| {
                let is_kept = is_kept(counter, &self.view(here, None));
                let kept = is_kept.then_some(Outcome::Silent);
                self.ruled_out.borrow_mut().insert(print, kept);
                is_kept
            });
            if is_kept {
                return Ok(Change::default());
            }
        }
        let (print, whose) = self.print_of_run(memory, here, subject);
        if let Some(Said::Change(change)) = self.known.borrow_mut().get(print) {
            return change.clone();
        }
        let said = self.change_anew(memory, here, counter, &whose);
        self.known
            .borrow_mut()
            .insert(print, Said::Change(said.clone()));
        said
    }

    fn change_anew(
        &self,
        memory: &Memory,
        here: &Here<'_>,
        counter: &Counter,
        whose: &Who,
    ) -> Result<Change, String> {
        let of_run = OfRun {
            memory,
            at_ns: here.at_ns,
            reads: &counter.reads,
            of: counter.of,
            whose,
        };
        change(counter, &self.view(here, Some(of_run)), here.who)
    }

    /// What a property says of a moment.
    fn outcome(&self, memory: &Memory, here: &Here<'_>, (place, rule): (usize, &Rule)) -> Outcome {
        let subject = Subject::of_rule((place, rule));
        if rule.is_compiled {
            let anew = || self.outcome_anew(memory, here, rule, &self.whose(here, subject));
            return ruled_out(rule, &self.view(here, None)).unwrap_or_else(anew);
        }
        if subject.reads.has_any() {
            let print = self.print(here, subject);
            let known = self.ruled_out.borrow_mut().get(print).cloned();
            let ruled_out = known.unwrap_or_else(|| {
                let outcome = ruled_out(rule, &self.view(here, None));
                self.ruled_out.borrow_mut().insert(print, outcome.clone());
                outcome
            });
            if let Some(outcome) = ruled_out {
                return outcome;
            }
        }
        let (print, whose) = self.print_of_run(memory, here, subject);
        if let Some(Said::Outcome(outcome)) = self.known.borrow_mut().get(print) {
            return outcome.clone();
        }
        let said = self.outcome_anew(memory, here, rule, &whose);
        self.known
            .borrow_mut()
            .insert(print, Said::Outcome(said.clone()));
        said
    }

    fn outcome_anew(&self, memory: &Memory, here: &Here<'_>, rule: &Rule, whose: &Who) -> Outcome {
        let of_run = of_run(memory, here, rule, whose);
        let before = match rule.kind {
            RuleKind::Absorbing => self.view_before(here, Some(of_run)),
            _ => None,
        };
        let view = self.view(here, Some(of_run));
        outcome(rule, &view, before.as_ref(), here.who, is_still(here.at))
    }

    /// What a property looked at, in words.
    fn looked_at(&self, memory: &Memory, here: &Here<'_>, (place, rule): (usize, &Rule)) -> String {
        let whose = self.whose(here, Subject::of_rule((place, rule)));
        let of_run = of_run(memory, here, rule, &whose);
        self.view(here, Some(of_run)).looked_at(&rule.what)
    }

    /// What decides what is said by what reads nothing but the moment.
    fn print(&self, here: &Here<'_>, subject: Subject<'_>) -> u128 {
        let mut key = self.key.borrow_mut();
        key.clear();
        subject.write(here, &mut key);
        key.fingerprint()
    }

    /// What decides what is said, and whose it is about.
    fn print_of_run(&self, memory: &Memory, here: &Here<'_>, subject: Subject<'_>) -> (u128, Who) {
        let whose = self.whose(here, subject);
        let mut key = self.key.borrow_mut();
        key.clear();
        subject.write(here, &mut key);
        if subject.reads.has_any() {
            let of_run = OfRun {
                memory,
                at_ns: here.at_ns,
                reads: subject.reads,
                of: subject.of,
                whose: &whose,
            };
            write_of_run(&mut key, here.sources.trace, of_run);
        }
        let print = key.fingerprint();
        drop(key);
        (print, whose)
    }

    /// Whose the counters are that something reads.
    fn whose(&self, here: &Here<'_>, subject: Subject<'_>) -> Who {
        match subject.by.map(|by| (by, by.constant())) {
            None => here.who.clone(),
            Some(_) if !subject.reads.has_any() => here.who.clone(),
            Some((_, Some(constant))) => Some(constant),
            Some((by, None)) => {
                let view = self.view(here, None);
                whose(Some(by), &view, here.who).unwrap_or_default()
            }
        }
    }

    fn of_turn(&self, memory: &mut Memory, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
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

/// What a property may read beside a moment.
fn of_run<'a>(memory: &'a Memory, here: &Here<'_>, rule: &'a Rule, whose: &'a Who) -> OfRun<'a> {
    OfRun {
        memory,
        at_ns: here.at_ns,
        reads: &rule.reads,
        of: rule.of,
        whose,
    }
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
    looked_at: impl FnOnce(&Memory) -> String,
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
        Outcome::Once(who) => {
            let is_first = memory.once.insert((place as u32, who.clone()));
            let finding = Finding::check(is_first, || {
                let whose = who
                    .as_ref()
                    .map_or(String::new(), |who| format!(" for {who:?}"));
                (
                    rule.expected.clone(),
                    format!("a second time{whose}: {}", looked_at(memory)),
                )
            });
            to.note(rule.place, finding);
        }
    }
}

impl Observer for Judge<'_> {
    type Memory = Memory;

    fn looks(&self) -> Looks {
        self.watched.looks()
    }

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
