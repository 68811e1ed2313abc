//! Watches runs: what conditions say of each moment, by what is remembered of the run.
//!
//! Within a turn the moments come in this order: receipts; each step, before it the events and the
//! effects that it gives out; events and effects of plans; the end of the turn. At one moment
//! counters are brought up to date first, in the order of the file.
//!
//! What conditions say that read nothing but the moment itself is decided by the ids of its values,
//! and is found out once for each.

mod rest;
mod run;
mod views;

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::at::{At, By, Ids, hash, is_still};
use crate::condition::Condition;
use crate::evaluate::{Change, Outcome, View, change, outcome, whose};
use crate::fields::null;
use crate::memory::{Memory, Scalar, Who};
use crate::numbers::boxed;
use crate::properties::{Counter, Keeps, Reads, Rule, RuleKind};
use crate::watched::{Group, Watched};
use cel::common::value::Val;
use sim_air::{ReducerId, SchemaId};
use sim_kernel::World;
use sim_model::{Finding, Observer, Seen, Verdicts};
use sim_record::trace::{End, Key, Packer, Record, Trace, Unpacker, ValueId};

/// So many moments are remembered; then all are forgotten.
const MOST_REMEMBERED: usize = 1 << 18;

/// What is said by conditions that read more than the moment.
#[derive(Clone, Debug)]
enum SaidOfRun {
    Change(Result<Change, String>),
    Outcome(Outcome),
}

/// Watches one run after the other.
pub(crate) struct Judge<'w> {
    world: &'w World,
    watched: Arc<Watched>,
    known: HashTable<(Ids, Arc<Said>)>,
    known_of_run: HashTable<(Ids, SaidOfRun)>,
    /// Values as conditions see them, by schema and id.
    vals: RefCell<HashTable<(SchemaId, ValueId, Box<dyn Val>)>>,
    generation: u64,
}

/// What conditions read that belong together, whose they are about, and the reducer that is meant.
type Subject<'s> = (&'s Reads, Option<&'s Condition>, Option<ReducerId>);

/// What is said of a moment by conditions that read nothing else.
#[derive(Debug)]
struct Said {
    who: Who,
    /// Of the group's counters, in order; None for those that read something else.
    changes: Vec<Option<Result<Change, String>>>,
    /// Of the group's properties likewise.
    outcomes: Vec<Option<Outcome>>,
}

impl<'w> Judge<'w> {
    pub fn new(world: &'w World, watched: Arc<Watched>) -> Judge<'w> {
        Judge {
            world,
            watched,
            known: HashTable::new(),
            known_of_run: HashTable::new(),
            vals: RefCell::default(),
            generation: 0,
        }
    }

    fn forget(&mut self) {
        self.known.clear();
        self.known_of_run.clear();
        self.vals.get_mut().clear();
    }

    /// What is said of a moment by what reads nothing else.
    fn said(&self, trace: &Trace, at: &At<'_>, group: &Group) -> Said {
        let watched = &self.watched;
        let who = self.who(trace, at);
        let view = self.view(trace, at, group, &who);
        let changes = group.counters.iter().map(|place| {
            let counter = &watched.rules.counters[*place];
            (!counter.reads.has_any()).then(|| change(counter, &view, &who))
        });
        let is_still = is_still(at);
        let outcomes = group.rules.iter().map(|place| {
            let rule = &watched.rules.rules[*place];
            (!rule.reads.has_any()).then(|| {
                let before = (rule.kind == RuleKind::Absorbing)
                    .then(|| self.view_before(trace, at))
                    .flatten();
                outcome(rule, &view, before.as_ref(), &who, is_still)
            })
        });
        let (changes, outcomes) = (changes.collect(), outcomes.collect());
        Said {
            who,
            changes,
            outcomes,
        }
    }

    fn moment(&mut self, memory: &mut Memory, seen: &Seen<'_>, at: At<'_>, to: &mut Verdicts<'_>) {
        let watched = self.watched.clone();
        let Some(place) = watched.group_of(at.moment(), at.reducer()) else {
            return;
        };
        let group = &watched.groups[place];
        let ids = at.ids(place, seen.trace);
        let hashed = hash(&ids);
        let known = self.known.find(hashed, |(known, _)| *known == ids);
        let said = match known {
            Some((_, said)) => said.clone(),
            None => {
                let said = Arc::new(self.said(seen.trace, &at, group));
                if self.known.len() >= MOST_REMEMBERED {
                    self.known.clear();
                }
                let entry = (ids.clone(), said.clone());
                self.known.insert_unique(hashed, entry, |(ids, _)| hash(ids));
                said
            }
        };
        let mut view = None;
        for (counter, change) in group.counters.iter().zip(&said.changes) {
            let change = match change {
                Some(change) => change.clone(),
                None => {
                    let key = (ids.as_slice(), *counter);
                    self.change_of_run(memory, seen, &at, &mut view, key, &said.who)
                }
            };
            match change {
                Ok(change) => apply(memory, &watched.rules.counters[*counter], *counter, change),
                Err(error) => {
                    let place = watched.rules.counters_place.unwrap_or_default();
                    let name = &watched.rules.counters[*counter].name;
                    let expected = format!("the counter `{name}` can be kept");
                    to.note(place, Finding::violated(expected, error));
                }
            }
        }
        for (rule, outcome) in group.rules.iter().zip(&said.outcomes) {
            let rule_of = &watched.rules.rules[*rule];
            match outcome {
                Some(outcome) => tell(memory, (*rule, rule_of), outcome, to),
                None => {
                    let key = (ids.as_slice(), *rule);
                    let outcome = self.outcome_of_run(memory, seen, &at, &mut view, key, &said.who);
                    tell(memory, (*rule, rule_of), &outcome, to);
                }
            }
        }
    }

    /// What a moment does to a counter that reads more than the moment.
    fn change_of_run(
        &mut self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        (ids, place): (&[u32], usize),
        who: &Who,
    ) -> Result<Change, String> {
        let watched = self.watched.clone();
        let counter = &watched.rules.counters[place];
        let subject = (&counter.reads, counter.by.as_ref(), counter.of);
        let (ids, whose) =
            self.of_run(memory, seen, at, view, (ids, place as u32), subject, who);
        if let Some(SaidOfRun::Change(change)) = self.recall(&ids) {
            return change;
        }
        let view = self.complete(memory, seen, at, view, subject, (who, &whose));
        let said = change(counter, view, who);
        self.remember(ids, SaidOfRun::Change(said.clone()));
        said
    }

    /// What a property says that reads more than the moment.
    fn outcome_of_run(
        &mut self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        (ids, place): (&[u32], usize),
        who: &Who,
    ) -> Outcome {
        let watched = self.watched.clone();
        let rule = &watched.rules.rules[place];
        let subject = (&rule.reads, rule.by.as_ref(), rule.of);
        let number = !(place as u32);
        let (ids, whose) = self.of_run(memory, seen, at, view, (ids, number), subject, who);
        if let Some(SaidOfRun::Outcome(outcome)) = self.recall(&ids) {
            return outcome;
        }
        let mut before = match rule.kind {
            RuleKind::Absorbing => self.view_before(seen.trace, at),
            _ => None,
        };
        if let Some(before) = &mut before {
            self.set_of_run(memory, seen, &rule.reads, rule.of, &whose, before);
        }
        let view = self.complete(memory, seen, at, view, subject, (who, &whose));
        let said = outcome(rule, view, before.as_ref(), who, is_still(at));
        self.remember(ids, SaidOfRun::Outcome(said.clone()));
        said
    }

    /// What decides what conditions say that read more than the moment, and whose they are about.
    fn of_run(
        &self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &mut Option<View>,
        (ids, number): (&[u32], u32),
        (reads, by, of): Subject<'_>,
        who: &Who,
    ) -> (Ids, Who) {
        let mut whose_it_is = who.clone();
        if let Some(by) = by {
            match by.constant() {
                Some(constant) => whose_it_is = Some(constant),
                None => {
                    let made = || self.view(seen.trace, at, self.group(at), who);
                    let view = view.get_or_insert_with(made);
                    whose_it_is = whose(Some(by), view, who).unwrap_or_default();
                }
            }
        }
        let mut ids: Ids = ids.into();
        ids.extend([u32::MAX, number]);
        self.ids_of_run(memory, seen, reads, of, &whose_it_is, &mut ids);
        (ids, whose_it_is)
    }

    /// The view of a moment with all that its conditions read of the run.
    fn complete<'v>(
        &self,
        memory: &Memory,
        seen: &Seen<'_>,
        at: &At<'_>,
        view: &'v mut Option<View>,
        (reads, _, of): Subject<'_>,
        (who, whose): (&Who, &Who),
    ) -> &'v View {
        let view = view.get_or_insert_with(|| self.view(seen.trace, at, self.group(at), who));
        view.variables.forget();
        self.set_of_run(memory, seen, reads, of, whose, view);
        view
    }

    fn group(&self, at: &At<'_>) -> &Group {
        let place = self.watched.group_of(at.moment(), at.reducer());
        &self.watched.groups[place.expect("something is watched there")]
    }

    fn recall(&self, ids: &Ids) -> Option<SaidOfRun> {
        let known = self.known_of_run.find(hash(ids), |(known, _)| known == ids);
        known.map(|(_, said)| said.clone())
    }

    fn remember(&mut self, ids: Ids, said: SaidOfRun) {
        if self.known_of_run.len() >= MOST_REMEMBERED {
            self.known_of_run.clear();
        }
        let hashed = hash(&ids);
        self.known_of_run
            .insert_unique(hashed, (ids, said), |(ids, _)| hash(ids));
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
            to.note(rule.place, Finding::violated(expected.clone(), found.clone()));
        }
        Outcome::Once(who, looked_at) => {
            let is_first = memory.once.insert((place as u32, who.clone()));
            let finding = Finding::check(is_first, || {
                let whose = who.as_ref().map_or(String::new(), |who| format!(" for {who:?}"));
                (rule.says.clone(), format!("a second time{whose}: {looked_at}"))
            });
            to.note(rule.place, finding);
        }
    }
}

impl Observer for Judge<'_> {
    type Memory = Memory;

    fn end_turn(&mut self, memory: &mut Memory, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        if self.generation != seen.trace.values.generation() {
            self.generation = seen.trace.values.generation();
            self.forget();
        }
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
