//! Where things in flight came from and where they went, told by what is in flight before and
//! after each turn.

use std::collections::BTreeMap;

use super::{Arrow, Bar, Held, Place};
use crate::words;
use sim_record::scenario::ItemName;
use sim_record::trace::{Asker, Choice, CrashPoint, Item, Trace, Turn};
use sim_simulator::{Flight, InFlight, find, item};

/// Slots of timers and plans that a diagram has room for; further ones share the last.
const MOST_SLOTS: usize = 8;

/// So many things of each kind are told as in flight.
const MOST_HELD: usize = 32;

/// Follows everything in flight through a run.
#[derive(Default)]
pub(super) struct Tracker {
    before: Flight,
    /// The youngest sequence that was seen.
    last_sequence: u32,
    /// By sequence, what is in flight.
    sent: BTreeMap<u32, Sent>,
    /// The sequence that occupies each slot.
    plan_slots: Vec<Option<u32>>,
    timer_slots: Vec<Option<u32>>,
    /// Plan instances, by their ids.
    instances: BTreeMap<u32, u32>,
    pub arrows: Vec<Arrow>,
    pub bars: Vec<Bar>,
}

/// Something in flight: where and when it set out.
#[derive(Clone, Copy)]
struct Sent {
    from: Place,
    turn: usize,
    is_fault: bool,
    /// Of a plan or a timer: an index into the bars.
    bar: Option<usize>,
}

/// A turn as the tracker sees it.
pub(super) struct Seen<'a> {
    pub index: usize,
    pub trace: &'a Trace,
    pub turn: &'a Turn,
    pub flight: &'a Flight,
}

impl Tracker {
    /// Follows a turn, and tells what set out in it.
    pub fn turn(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let (choice, arrives) = match &seen.turn.choice {
            Choice::Crash { point, during, .. } => (&**during, *point != CrashPoint::BeforeAppend),
            choice => (choice, true),
        };
        let begun = self.launched(&seen.flight.plans);
        let begun = self.begin_plans(seen, &begun);
        if arrives {
            let goals = self.goals(seen, &begun);
            self.arrive(seen, choice, &goals);
        }
        let mut out = self.send_messages(seen, choice);
        out.extend(self.set_timers(seen));
        out.extend(self.send_effects(seen));
        out.extend(begun.iter().map(|place| self.begun_text(*place)));
        self.end_bars(seen);
        self.last_sequence = self.last_sequence.max(youngest(seen.flight));
        self.before.clone_from(seen.flight);
        out
    }

    /// Where an event of this turn went: the reducers that saw it and the plans that it began, or
    /// only the journal.
    fn goals(&self, seen: &Seen<'_>, begun: &[Place]) -> Vec<Place> {
        let mut goals: Vec<Place> = Vec::new();
        for step in seen.trace.steps_of(seen.turn) {
            let place = Place::Reducer(step.reducer.index());
            if !goals.contains(&place) {
                goals.push(place);
            }
        }
        goals.extend(begun);
        if goals.is_empty() {
            goals.push(Place::Journal);
        }
        goals
    }

    /// Draws what the decision brought, from where it was.
    fn arrive(&mut self, seen: &Seen<'_>, choice: &Choice, goals: &[Place]) {
        let turn = seen.index;
        match choice {
            Choice::Start { .. } => self.direct(seen, Place::Client, goals, "start", false),
            Choice::Inject { .. } => self.direct(seen, Place::Client, goals, "spurious", true),
            Choice::Deliver(item) => {
                let sequence = sequence_of(&self.before.messages, item);
                self.message(seen, sequence, item, goals, false);
            }
            Choice::Redeliver(item) => {
                let sequence = sequence_of(&self.before.dropped, item);
                self.message(seen, sequence, item, goals, true);
            }
            Choice::Drop(item) => {
                let sequence = sequence_of(&self.before.messages, item);
                self.message(seen, sequence, item, &[Place::Lost], true);
            }
            Choice::Fire { timer, .. } => {
                if let Some(sequence) = sequence_of(&self.before.timers, timer) {
                    let is_odd = seen.turn.remark.early
                        || seen.turn.remark.late
                        || seen.turn.remark.repeated;
                    let from = self.moved(sequence, turn, "fires");
                    self.direct(seen, from, goals, "timer", is_odd);
                }
            }
            Choice::Step { plan, answer } => {
                if let Some(sequence) = sequence_of(&self.before.plans, plan) {
                    self.moved(
                        sequence,
                        turn,
                        answer.map_or("step", |answer| answer.name()),
                    );
                }
            }
            Choice::Receipt { effect, answer, .. } => self.receipt(seen, effect, answer.name()),
            Choice::Duplicate(_)
            | Choice::Advance { .. }
            | Choice::Snapshot
            | Choice::Crash { .. } => {}
        }
    }

    /// An arrow within the turn.
    fn direct(
        &mut self,
        seen: &Seen<'_>,
        from: Place,
        goals: &[Place],
        text: &str,
        is_fault: bool,
    ) {
        for to in goals {
            self.arrows.push(Arrow {
                from,
                from_turn: seen.index,
                to: *to,
                to_turn: seen.index,
                text: text.to_owned(),
                is_fault,
            });
        }
    }

    /// A message that was delivered or dropped.
    fn message(
        &mut self,
        seen: &Seen<'_>,
        sequence: Option<u32>,
        wanted: &Item,
        goals: &[Place],
        is_fault: bool,
    ) {
        let sent = sequence.and_then(|id| Some((id, *self.sent.get(&id)?)));
        let Some((sequence, sent)) = sent else {
            return;
        };
        for to in goals {
            self.arrows.push(Arrow {
                from: sent.from,
                from_turn: sent.turn,
                to: *to,
                to_turn: seen.index,
                text: name(seen.trace, wanted).to_string(),
                is_fault: is_fault || sent.is_fault,
            });
        }
        // What was delivered is not met again; what was dropped may be.
        self.sent.remove(&sequence);
        if goals == [Place::Lost] {
            let sent = Sent {
                from: Place::Lost,
                turn: seen.index,
                is_fault: true,
                bar: None,
            };
            self.sent.insert(sequence, sent);
        }
    }

    /// The receipt of a plan's effect.
    fn receipt(&mut self, seen: &Seen<'_>, effect: &Item, answer: &str) {
        let Some(index) = find(&self.before.pending, effect) else {
            return;
        };
        let pending = &self.before.pending[index];
        let (sequence, asker) = (pending.sequence, pending.body.open.asker);
        let from = self.moved(sequence, seen.index, answer);
        if let Asker::Plan { instance, .. } = asker
            && answer != "silence"
        {
            let to = self.plan_place(instance);
            self.direct(seen, from, &[to], answer, false);
        }
    }

    /// Notes that something with a bar moved, and tells where it is.
    fn moved(&mut self, sequence: u32, turn: usize, how: &str) -> Place {
        let bar = self.sent.get(&sequence).and_then(|sent| sent.bar);
        match bar {
            Some(bar) => {
                self.bars[bar].moves.push((turn, how.to_owned()));
                self.bars[bar].place
            }
            None => Place::Journal,
        }
    }

    fn send_messages(&mut self, seen: &Seen<'_>, choice: &Choice) -> Vec<String> {
        let mut emitted = seen.turn.emitted.clone();
        let mut out = Vec::new();
        for index in self.launched(&seen.flight.messages) {
            let message = &seen.flight.messages[index];
            // A copy comes from where its original does, at the turn that made it.
            let original = match choice {
                Choice::Duplicate(item) => find(&self.before.messages, item)
                    .and_then(|index| self.sent.get(&self.before.messages[index].sequence)),
                _ => None,
            };
            let from = match original {
                Some(original) => original.from,
                None => self.sender(seen, choice, emitted.next()),
            };
            let sent = Sent {
                from,
                turn: seen.index,
                is_fault: message.body.copy,
                bar: None,
            };
            self.sent.insert(message.sequence, sent);
            out.push(name_of(seen.trace, &seen.flight.messages, index));
        }
        out
    }

    /// Who gave out the event at a place of the trace's list.
    fn sender(&self, seen: &Seen<'_>, choice: &Choice, emitted: Option<u32>) -> Place {
        let emitted = emitted.unwrap_or(u32::MAX);
        let steps = seen.trace.steps_of(seen.turn);
        let step = steps.iter().find(|step| step.emitted.contains(&emitted));
        match (step, choice) {
            (Some(step), _) => Place::Reducer(step.reducer.index()),
            (None, Choice::Step { plan, .. }) => {
                let index = find(&self.before.plans, plan);
                index.map_or(Place::Journal, |index| {
                    self.plan_place(self.before.plans[index].body.instance)
                })
            }
            (None, _) => Place::Journal,
        }
    }

    fn set_timers(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let mut out = Vec::new();
        for index in self.launched(&seen.flight.timers) {
            let timer = &seen.flight.timers[index];
            let slot = take_slot(&mut self.timer_slots, timer.sequence);
            let due = words::time(timer.due_ns);
            let text = format!(
                "{}, due {due}",
                name_of(seen.trace, &seen.flight.timers, index)
            );
            let bar = self.begin(timer.sequence, Place::Timer(slot), seen.index, &text);
            let from = match timer.body.open.asker {
                // It was asked for again by the kernel that was rebuilt.
                _ if timer.body.copy => Place::Journal,
                Asker::Reducer { reducer, .. } => Place::Reducer(reducer.index()),
                Asker::Plan { instance, .. } => self.plan_place(instance),
            };
            let to = self.bars[bar].place;
            self.direct(seen, from, &[to], "timer", timer.body.copy);
            out.push(text);
        }
        out
    }

    fn send_effects(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let mut out = Vec::new();
        for index in self.launched(&seen.flight.pending) {
            let pending = &seen.flight.pending[index];
            let slot = take_slot(&mut self.timer_slots, pending.sequence);
            let text = name_of(seen.trace, &seen.flight.pending, index);
            let bar = self.begin(pending.sequence, Place::Timer(slot), seen.index, &text);
            let to = self.bars[bar].place;
            if let Asker::Plan { instance, .. } = pending.body.open.asker {
                let from = self.plan_place(instance);
                self.direct(seen, from, &[to], &text, false);
            }
            out.push(text);
        }
        out
    }

    fn begin_plans(&mut self, seen: &Seen<'_>, launched: &[usize]) -> Vec<Place> {
        let mut begun = Vec::new();
        for index in launched {
            let plan = &seen.flight.plans[*index];
            let slot = take_slot(&mut self.plan_slots, plan.sequence);
            let name = name_of(seen.trace, &seen.flight.plans, *index);
            let place = Place::Plan(slot);
            self.begin(plan.sequence, place, seen.index, &name);
            self.instances.insert(plan.body.instance, plan.sequence);
            begun.push(place);
        }
        begun
    }

    fn begin(&mut self, sequence: u32, place: Place, turn: usize, text: &str) -> usize {
        self.bars.push(Bar {
            place,
            from_turn: turn,
            to_turn: None,
            text: text.to_owned(),
            moves: Vec::new(),
        });
        let bar = self.bars.len() - 1;
        let sent = Sent {
            from: place,
            turn,
            is_fault: false,
            bar: Some(bar),
        };
        self.sent.insert(sequence, sent);
        bar
    }

    fn begun_text(&self, place: Place) -> String {
        let bar = self.bars.iter().rev().find(|bar| bar.place == place);
        format!("begins {}", bar.map_or("a plan", |bar| &bar.text))
    }

    /// Ends the bars of what was in flight before the turn and is not any more.
    fn end_bars(&mut self, seen: &Seen<'_>) {
        let flight = seen.flight;
        let is_there = |sequence: u32| {
            is_in(&flight.timers, sequence)
                || is_in(&flight.pending, sequence)
                || is_in(&flight.plans, sequence)
        };
        for slots in [&mut self.plan_slots, &mut self.timer_slots] {
            for slot in slots {
                let Some(sequence) = slot.filter(|sequence| !is_there(*sequence)) else {
                    continue;
                };
                *slot = None;
                let sent = self.sent.remove(&sequence);
                if let Some(bar) = sent.and_then(|sent| sent.bar) {
                    self.bars[bar].to_turn = Some(seen.index);
                }
            }
        }
    }

    fn plan_place(&self, instance: u32) -> Place {
        let sent = self
            .instances
            .get(&instance)
            .and_then(|id| self.sent.get(id));
        sent.map_or(Place::Journal, |sent| sent.from)
    }

    /// Places in a list of what was not in flight before.
    fn launched<T>(&self, list: &[InFlight<T>]) -> Vec<usize> {
        let first = list.partition_point(|entry| entry.sequence <= self.last_sequence);
        (first..list.len()).collect()
    }
}

/// Lists are in order of sequence.
fn is_in<T>(list: &[InFlight<T>], sequence: u32) -> bool {
    list.binary_search_by_key(&sequence, |entry| entry.sequence)
        .is_ok()
}

/// The first free slot; the last one is shared when there are too many.
fn take_slot(slots: &mut Vec<Option<u32>>, sequence: u32) -> usize {
    match slots.iter().position(Option::is_none) {
        Some(free) => {
            slots[free] = Some(sequence);
            free
        }
        None => {
            slots.push(Some(sequence));
            slots.len() - 1
        }
    }
    .min(MOST_SLOTS - 1)
}

fn sequence_of<T>(list: &[InFlight<T>], item: &Item) -> Option<u32> {
    find(list, item).map(|index| list[index].sequence)
}

fn youngest(flight: &Flight) -> u32 {
    let messages = flight.messages.iter().chain(&flight.dropped);
    let messages = messages.map(|message| message.sequence);
    let timers = flight.timers.iter().map(|timer| timer.sequence);
    let pending = flight.pending.iter().map(|pending| pending.sequence);
    let plans = flight.plans.iter().map(|plan| plan.sequence);
    let all = messages.chain(timers).chain(pending).chain(plans);
    all.max().unwrap_or(0)
}

pub(super) fn name(trace: &Trace, item: &Item) -> ItemName {
    ItemName {
        label: trace.text(item.label).to_owned(),
        correlation: item.correlation.map(|name| trace.text(name).to_owned()),
        nth: item.nth,
    }
}

fn name_of<T>(trace: &Trace, list: &[InFlight<T>], index: usize) -> String {
    name(trace, &item(list, index)).to_string()
}

/// What is in flight, in words: as much as anyone would read.
pub(super) fn held(trace: &Trace, flight: &Flight) -> Vec<Held> {
    let Flight {
        messages,
        dropped,
        timers,
        pending,
        plans,
        ..
    } = flight;
    let mut held = Vec::new();
    for (index, message) in messages.iter().enumerate().take(MOST_HELD) {
        let copy = if message.body.copy { ", a copy" } else { "" };
        held.push(("message", name_of(trace, messages, index) + copy));
    }
    for index in 0..dropped.len().min(MOST_HELD) {
        held.push(("dropped", name_of(trace, dropped, index)));
    }
    for (index, timer) in timers.iter().enumerate().take(MOST_HELD) {
        let name = name_of(trace, timers, index);
        let again = if timer.body.copy { ", again" } else { "" };
        let due = words::time(timer.due_ns);
        held.push(("timer", format!("{name}, due {due}{again}")));
    }
    for (index, pending) in pending.iter().enumerate().take(MOST_HELD) {
        let silent = if pending.body.silent { ", silent" } else { "" };
        held.push(("effect", name_of(trace, &flight.pending, index) + silent));
    }
    for (index, plan) in plans.iter().enumerate().take(MOST_HELD) {
        let stands = match plan.body.next_step {
            _ if plan.body.silent => ", silent",
            None => ", waits",
            Some(_) => "",
        };
        held.push(("plan", name_of(trace, plans, index) + stands));
    }
    let further = flight.count() - held.len();
    if further > 0 {
        held.push(("and", format!("{further} more")));
    }
    let held = held.into_iter();
    held.map(|(kind, text)| Held { kind, text }).collect()
}
