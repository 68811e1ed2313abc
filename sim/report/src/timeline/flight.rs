//! Where things in flight came from and where they went, by what each turn notes of them: what its
//! decision took, and what set out.

use std::collections::BTreeMap;

use super::held::{name, name_of};
use super::{Arrow, Bar, Place};
use crate::words;
use sim_record::trace::{Asker, Choice, CrashPoint, Item, SILENCE, Trace, Turn};
use sim_simulator::{Flight, InFlight};

/// Slots of timers and plans that a diagram has room for; further ones share the last.
const MOST_SLOTS: usize = 8;

/// Follows everything in flight through a run.
#[derive(Default)]
pub(super) struct Tracker {
    /// By sequence, what is in flight.
    sent: BTreeMap<u32, Sent>,
    /// The sequence that occupies each slot.
    plan_slots: Vec<Option<u32>>,
    timer_slots: Vec<Option<u32>>,
    /// Plan instances, by their ids.
    instances: BTreeMap<u32, u32>,
    /// Of plans' effects, by sequence, the instance that asked.
    askers: BTreeMap<u32, u32>,
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
        let begun = self.begin_plans(seen);
        if arrives {
            let targets = self.targets(seen, &begun);
            self.arrive(seen, choice, &targets);
        }
        let mut out = self.send_messages(seen, choice);
        out.extend(self.set_timers(seen));
        out.extend(self.send_effects(seen));
        out.extend(begun.iter().map(|place| self.begun_text(*place)));
        self.end_bars(seen);
        out
    }

    /// Where an event of this turn went: the reducers that saw it and the plans that it began, or
    /// only the journal.
    fn targets(&self, seen: &Seen<'_>, begun: &[Place]) -> Vec<Place> {
        let mut targets: Vec<Place> = Vec::new();
        for step in seen.trace.steps_of(seen.turn) {
            let place = Place::Reducer(step.reducer.index());
            if !targets.contains(&place) {
                targets.push(place);
            }
        }
        targets.extend(begun);
        if targets.is_empty() {
            targets.push(Place::Journal);
        }
        targets
    }

    /// Draws what the decision brought, from where it was.
    fn arrive(&mut self, seen: &Seen<'_>, choice: &Choice, targets: &[Place]) {
        match choice {
            Choice::Start { .. } => self.direct(seen, Place::Client, targets, "start", false),
            Choice::Inject { .. } => self.direct(seen, Place::Client, targets, "spurious", true),
            Choice::Deliver(item) => self.message(seen, item, targets, false),
            Choice::Redeliver(item) => self.message(seen, item, targets, true),
            Choice::Drop(item) => self.message(seen, item, &[Place::Lost], true),
            Choice::Fire { .. } => {
                let remark = &seen.turn.remark;
                let is_odd = remark.early || remark.late || remark.repeated;
                let from = self.moved(seen, "fires");
                self.direct(seen, from, targets, "timer", is_odd);
            }
            Choice::Step { answer, .. } => {
                let how = answer.map_or("step", |answer| seen.trace.answers.name(answer));
                self.moved(seen, how);
            }
            Choice::Receipt { answer, .. } => {
                self.receipt(seen, seen.trace.answers.name(*answer));
            }
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
        targets: &[Place],
        text: &str,
        is_fault: bool,
    ) {
        for to in targets {
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
    fn message(&mut self, seen: &Seen<'_>, wanted: &Item, targets: &[Place], is_fault: bool) {
        let Some((sequence, sent)) = self.taken(seen) else {
            return;
        };
        for to in targets {
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
        if targets == [Place::Lost] {
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
    fn receipt(&mut self, seen: &Seen<'_>, answer: &str) {
        let asker = seen.turn.remark.taken;
        let asker = asker.and_then(|id| self.askers.get(&id.get()));
        let to = asker.map(|instance| self.plan_place(*instance));
        let from = self.moved(seen, answer);
        if let Some(to) = to
            && answer != SILENCE
        {
            self.direct(seen, from, &[to], answer, false);
        }
    }

    /// What the decision was about: its sequence, and where it set out.
    fn taken(&self, seen: &Seen<'_>) -> Option<(u32, Sent)> {
        let sequence = seen.turn.remark.taken?.get();
        Some((sequence, *self.sent.get(&sequence)?))
    }

    /// Notes that what the decision was about moved, if it has a bar, and tells where it is.
    fn moved(&mut self, seen: &Seen<'_>, how: &str) -> Place {
        match self.taken(seen).and_then(|(_, sent)| sent.bar) {
            Some(bar) => {
                self.bars[bar].moves.push((seen.index, how.to_owned()));
                self.bars[bar].place
            }
            None => Place::Journal,
        }
    }

    fn send_messages(&mut self, seen: &Seen<'_>, choice: &Choice) -> Vec<String> {
        let mut emitted = seen.turn.emitted.clone();
        let mut out = Vec::new();
        for index in seen.launched(&seen.flight.messages) {
            let message = &seen.flight.messages[index];
            // A copy comes from where its original does, at the turn that made it.
            let original = match choice {
                Choice::Duplicate(_) => self.taken(seen),
                _ => None,
            };
            let from = match original {
                Some((_, original)) => original.from,
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
            (None, Choice::Step { .. }) => {
                let plan = self.taken(seen);
                plan.map_or(Place::Journal, |(_, plan)| plan.from)
            }
            (None, _) => Place::Journal,
        }
    }

    fn set_timers(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let mut out = Vec::new();
        for index in seen.launched(&seen.flight.timers) {
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
        for index in seen.launched(&seen.flight.pending) {
            let pending = &seen.flight.pending[index];
            let slot = take_slot(&mut self.timer_slots, pending.sequence);
            let text = name_of(seen.trace, &seen.flight.pending, index);
            let bar = self.begin(pending.sequence, Place::Timer(slot), seen.index, &text);
            let to = self.bars[bar].place;
            if let Asker::Plan { instance, .. } = pending.body.open.asker {
                self.askers.insert(pending.sequence, instance);
                let from = self.plan_place(instance);
                self.direct(seen, from, &[to], &text, false);
            }
            out.push(text);
        }
        out
    }

    fn begin_plans(&mut self, seen: &Seen<'_>) -> Vec<Place> {
        let mut begun = Vec::new();
        for index in seen.launched(&seen.flight.plans) {
            let plan = &seen.flight.plans[index];
            let slot = take_slot(&mut self.plan_slots, plan.sequence);
            let name = name_of(seen.trace, &seen.flight.plans, index);
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

    /// Ends the bars of what is not in flight any more.
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
                self.askers.remove(&sequence);
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
}

impl Seen<'_> {
    /// Places in a list of what set out in the turn.
    fn launched<T>(&self, list: &[InFlight<T>]) -> std::ops::Range<usize> {
        let first = self.turn.remark.first_launched;
        list.partition_point(|entry| entry.sequence < first)..list.len()
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
