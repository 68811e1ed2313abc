//! The moves of a state: every decision that the bounds leave, each once.
//!
//! The order is that of a plain story: what goes on by itself first, faults after. Among schedules
//! of equal length it decides which one is shown.

use super::Limits;
use sim_kernel::OpenIntent;
use sim_model::{Model, Scene, Work};
use sim_record::scenario::Knob;
use sim_record::trace::{Answer, Choice, CrashPoint, Recovery, Status, Trace, ValueId};
use sim_simulator::{Enabled, Flight, InFlight, Message, Situation, enabled, item, work_of};

/// What of the bounds has been used up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Used {
    pub duplicates: u8,
    pub drops: u8,
    pub spurious: u8,
    pub crashes: u8,
}

impl Used {
    pub fn bytes(self) -> [u8; 4] {
        [self.duplicates, self.drops, self.spurious, self.crashes]
    }

    pub fn of([duplicates, drops, spurious, crashes]: [u8; 4]) -> Used {
        Used {
            duplicates,
            drops,
            spurious,
            crashes,
        }
    }
}

/// A decision, and what is used up once it is taken.
pub(super) struct Move {
    pub choice: Choice,
    pub used: Used,
    /// Without a fault: something in flight goes on as it does by itself, or a request comes.
    pub is_plain: bool,
}

/// What is looked at to find the moves.
pub(super) struct Position<'a> {
    pub model: &'a dyn Model,
    pub flight: &'a Flight,
    pub trace: &'a Trace,
    pub started: &'a [u32],
    /// Of requests that are alike, the next is started only after those before it.
    pub alike: bool,
    /// Receipts beside the plain ones, for each effect of a plan in flight.
    pub receipts: &'a [Vec<ValueId>],
    /// Receipts beside the plain ones, for each effect of a reducer in flight.
    pub replies: &'a [Vec<(Status, ValueId)>],
    /// Decisions that bring spurious events.
    pub spurious: &'a [Choice],
}

/// How work may be answered; that it is not, for now, is to take another move.
fn answers<'a>(
    position: &'a Position<'_>,
    limits: &Limits,
    (work, key): (Work<'a>, Option<ValueId>),
) -> impl Iterator<Item = Answer> + 'a {
    let only = limits.scene.only;
    let all = position.trace.answers.all();
    all.filter(move |answer| only.is_none_or(|only| only == *answer))
        .filter(move |answer| match position.flight.given.of(key) {
            Some(given) if given.answer == *answer => true,
            Some(given) if !given.allows(*answer, &position.trace.answers) => false,
            _ => position.model.may_answer(&work, *answer),
        })
}

/// Which statuses receipts may have.
fn statuses(position: &Position<'_>, limits: &Limits) -> impl Iterator<Item = Status> + use<> {
    let has_others = limits.scene.only.is_none() && !position.model.forbids(Knob::TimerStatus);
    Status::ALL
        .into_iter()
        .filter(move |status| has_others || *status == Status::Ok)
}

pub(super) fn moves(position: &Position<'_>, limits: &Limits, used: Used) -> Vec<Move> {
    let mut moves = Vec::new();
    arrivals(position, limits, used, &mut moves);
    let arrivals: Vec<Choice> = moves
        .iter()
        .map(|step: &Move| step.choice.clone())
        .collect();
    work(position, limits, used, &mut moves);
    faults(position, limits, used, &mut moves);
    if used.crashes < limits.crashes {
        let used = Used {
            crashes: used.crashes + 1,
            ..used
        };
        for during in arrivals.into_iter().filter(is_plain) {
            for point in CrashPoint::ALL {
                let choice = Choice::Crash {
                    point,
                    recovery: Recovery::Snapshot,
                    during: Box::new(during.clone()),
                };
                moves.push(Move {
                    choice,
                    used,
                    is_plain: false,
                });
            }
        }
    }
    moves
}

/// Every decision that is possible in a situation and needs no value made up: what goes on, with
/// each answer, a start of each request, and a copy or the loss of each message.
pub(crate) fn possible(situation: &Situation<'_>, trace: &Trace) -> Vec<Choice> {
    let model = situation.model;
    let if_met = |knob| u8::from(!model.forbids(knob));
    let limits = Limits {
        scene: Scene {
            starts: u32::MAX,
            ..Scene::default()
        },
        duplicates: if_met(Knob::Duplicate),
        drops: if_met(Knob::Drop),
        spurious: 1,
        crashes: 0,
        depth: u32::MAX,
    };
    let position = Position {
        model,
        flight: situation.flight,
        trace,
        started: situation.started,
        alike: false,
        receipts: &[],
        replies: &[],
        spurious: &[],
    };
    let moves = moves(&position, &limits, Used::default()).into_iter();
    moves.map(|step| step.choice).collect()
}

/// A crash meets what happens by itself, not another fault.
fn is_plain(choice: &Choice) -> bool {
    let is_fault = matches!(
        choice,
        Choice::Fire {
            status: Status::Error | Status::Timeout,
            ..
        } | Choice::Fire { twice: true, .. }
    );
    !is_fault
}

/// Starts, messages and timers.
fn arrivals(position: &Position<'_>, limits: &Limits, used: Used, moves: &mut Vec<Move>) {
    let flight = position.flight;
    let mut add = |choice, used, is_plain| {
        moves.push(Move {
            choice,
            used,
            is_plain,
        });
    };
    for index in different_messages(position.trace, &flight.messages) {
        add(Enabled::Message(index).plain(flight), used, true);
    }
    for index in different_messages(position.trace, &flight.dropped) {
        add(Enabled::Dropped(index).plain(flight), used, true);
    }
    let started: u32 = position.started.iter().map(|count| (*count).min(1)).sum();
    if started < limits.scene.starts {
        let most = if position.alike { 1 } else { usize::MAX };
        for start in enabled::starts(position.started).take(most) {
            add(start.plain(flight), used, true);
        }
    }
    let intents = flight.timers.iter().map(|timer| &timer.body.open);
    for index in different_intents(intents) {
        for status in statuses(position, limits) {
            let fire = |twice| Choice::Fire {
                timer: item(&flight.timers, index),
                at_ns: None,
                status,
                twice,
                value: None,
            };
            add(fire(false), used, status == Status::Ok);
            let again = !position.model.forbids(Knob::TimerTwice);
            if again && used.duplicates < limits.duplicates && status == Status::Ok {
                let duplicates = used.duplicates + 1;
                add(fire(true), Used { duplicates, ..used }, false);
            }
        }
        let given = flight.given.of(flight.timers[index].body.same);
        let replies = position.replies.get(index).into_iter().flatten();
        for (status, value) in replies {
            if given.is_some() && *status == Status::Ok {
                continue;
            }
            let choice = Choice::Fire {
                timer: item(&flight.timers, index),
                at_ns: None,
                status: *status,
                twice: false,
                value: Some(*value),
            };
            add(choice, used, false);
        }
    }
}

/// Plans and the answers to what they ask.
fn work(position: &Position<'_>, limits: &Limits, used: Used, moves: &mut Vec<Move>) {
    let flight = position.flight;
    let mut add = |choice, is_plain| {
        moves.push(Move {
            choice,
            used,
            is_plain,
        });
    };
    // Where only one answer is given, it is what comes by itself.
    let plain = |same| {
        limits
            .scene
            .only
            .unwrap_or_else(|| flight.given.plain(same))
    };
    for enabled in enabled::plans(flight) {
        let choice = enabled.plain(flight);
        let (Choice::Step { plan, answer }, Enabled::Plan(index)) = (&choice, enabled) else {
            continue;
        };
        if answer.is_none() {
            add(choice, true);
            continue;
        }
        let run = &flight.plans[index].body;
        let work = run.work(position.trace);
        for answer in answers(position, limits, (work, run.same)) {
            let step = Choice::Step {
                plan: *plan,
                answer: Some(answer),
            };
            add(step, answer == plain(run.same));
        }
    }
    let intents = flight.pending.iter().map(|pending| &pending.body.open);
    for index in different_intents(intents) {
        let receipt = |answer, value| Choice::Receipt {
            effect: item(&flight.pending, index),
            answer,
            value,
        };
        let body = &flight.pending[index].body;
        let work = work_of(position.trace, &body.open);
        for answer in answers(position, limits, (work, body.same)) {
            add(receipt(answer, None), answer == plain(body.same));
        }
        if flight.given.of(body.same).is_some() {
            continue;
        }
        for value in position.receipts.get(index).into_iter().flatten() {
            add(receipt(Answer::PLAIN, Some(*value)), false);
        }
    }
}

fn faults(position: &Position<'_>, limits: &Limits, used: Used, moves: &mut Vec<Move>) {
    let messages = &position.flight.messages;
    let mut add = |choice, used| {
        moves.push(Move {
            choice,
            used,
            is_plain: false,
        });
    };
    for index in different_messages(position.trace, messages) {
        let item = item(messages, index);
        if used.duplicates < limits.duplicates {
            let duplicates = used.duplicates + 1;
            let used = Used { duplicates, ..used };
            add(Choice::Duplicate(item), used);
        }
        if used.drops < limits.drops {
            let drops = used.drops + 1;
            add(Choice::Drop(item), Used { drops, ..used });
        }
    }
    if used.spurious < limits.spurious {
        let spurious = used.spurious + 1;
        let used = Used { spurious, ..used };
        let again = !position.model.forbids(Knob::SecondStart);
        for (count, request) in position.started.iter().zip(0..) {
            if again && *count > 0 {
                add(Choice::Start { request }, used);
            }
        }
        for choice in position.spurious {
            add(choice.clone(), used);
        }
    }
}

/// The first of each of those that are alike to the byte.
fn different_messages<'a>(
    trace: &'a Trace,
    messages: &'a [InFlight<Message>],
) -> impl Iterator<Item = usize> + 'a {
    let same = move |a: &InFlight<Message>, b: &InFlight<Message>| {
        a.body.schema == b.body.schema && trace.bytes(a.body.value) == trace.bytes(b.body.value)
    };
    let is_first = move |index: &usize| {
        !messages[..*index]
            .iter()
            .any(|other| same(other, &messages[*index]))
    };
    (0..messages.len()).filter(is_first)
}

fn different_intents<'a>(intents: impl Iterator<Item = &'a OpenIntent>) -> Vec<usize> {
    let mut seen = Vec::new();
    let mut first = Vec::new();
    for (index, intent) in intents.enumerate() {
        let which = (intent.hash, intent.asker.cell());
        if !seen.contains(&which) {
            seen.push(which);
            first.push(index);
        }
    }
    first
}
