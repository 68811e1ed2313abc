//! The chooser of a campaign: every choice drawn from a seed, in the proportions of its faults.

use crate::{Chooser, Situation, item};
use sim_kernel::OpenIntent;
use sim_record::random::{Component, Seed, Stream};
use sim_record::scenario::{Faults, Knob};
use sim_record::trace::{Answer, Choice, CrashPoint, Recovery, Status, Trace, ValueId};

/// Draws decisions for one seed.
pub struct Seeded {
    stream: Stream,
    faults: Faults,
}

/// Something that can go on by itself, by its place in the flight.
#[derive(Clone, Copy)]
enum Candidate {
    Message(usize),
    Plan(usize),
    Pending(usize),
    Timer(usize),
    Start(u32),
}

const LATENESS_NS: [u64; 5] = [1, 1_000_000, 1_000_000_000, 1 << 40, u64::MAX];

impl Seeded {
    /// The chooser of a seed. With [`Faults::FIXED`] where the scenario has no mix.
    pub fn new(seed: Seed, faults: Option<Faults>) -> Seeded {
        Seeded {
            stream: Stream::new(seed, Component::Chooser),
            faults: faults.unwrap_or(Faults::FIXED),
        }
    }

    fn chance(&mut self, knob: Knob) -> bool {
        let ratio = self.faults.ratio(knob);
        self.stream.chance(ratio)
    }

    /// What goes on next: the oldest by (due time, sequence), or any.
    fn progress(&mut self, situation: &Situation<'_>) -> Option<Candidate> {
        let start = next_start(situation);
        let early_start =
            start.filter(|_| situation.flight.is_empty() || self.chance(Knob::StartEarly));
        if let Some(request) = early_start {
            return Some(Candidate::Start(request));
        }
        if self.chance(Knob::Reorder) {
            let count = candidates(situation).count() as u32;
            return candidates(situation).nth(self.stream.below(count.max(1)) as usize);
        }
        candidates(situation).min_by_key(|candidate| age(situation, *candidate))
    }

    fn choice(
        &mut self,
        situation: &Situation<'_>,
        trace: &mut Trace,
        candidate: Candidate,
    ) -> Choice {
        let flight = situation.flight;
        match candidate {
            Candidate::Start(request) => Choice::Start { request },
            Candidate::Message(index) => Choice::Deliver(item(&flight.messages, index)),
            Candidate::Plan(index) => {
                let answer = flight.plans[index].body.answered.map(|_| self.answer());
                Choice::Step {
                    plan: item(&flight.plans, index),
                    answer,
                }
            }
            Candidate::Pending(index) => self.receipt(situation, trace, index),
            Candidate::Timer(index) => self.fire(situation, trace, index),
        }
    }

    fn answer(&mut self) -> Answer {
        let drawn = self.stream.weighted(self.faults.answers());
        drawn.map_or(Answer::Ok, |index| Answer::ALL[index])
    }

    /// An effect of a plan is answered ok half the time, for a plan goes on from there; the receipt is
    /// a plain one or made up.
    fn receipt(&mut self, situation: &Situation<'_>, trace: &mut Trace, index: usize) -> Choice {
        let pending = &situation.flight.pending;
        let answer = match self.stream.below(2) {
            0 => Answer::Ok,
            _ => self.answer(),
        };
        let value = match answer {
            Answer::Silence => None,
            _ => self.made_up(situation, trace, &pending[index].body.open),
        };
        Choice::Receipt {
            effect: item(pending, index),
            answer,
            value,
        }
    }

    fn made_up(
        &mut self,
        situation: &Situation<'_>,
        trace: &mut Trace,
        open: &OpenIntent,
    ) -> Option<ValueId> {
        if self.stream.below(2) == 0 {
            return None;
        }
        let params = trace.bytes(open.params);
        let made = situation
            .workload
            .receipt(open.effect, params, &mut self.stream)?;
        Some(trace.store(&made))
    }

    fn fire(&mut self, situation: &Situation<'_>, trace: &mut Trace, index: usize) -> Choice {
        let due_ns = situation.flight.timers[index].due_ns;
        let at_ns = if due_ns > situation.now_ns && self.chance(Knob::TimerEarly) {
            let early_ns = self.stream.word() % (due_ns - situation.now_ns);
            Some(situation.now_ns + early_ns)
        } else if self.chance(Knob::TimerLate) {
            let late_ns = self.stream.pick(&LATENESS_NS).copied().unwrap_or(1);
            Some(due_ns.saturating_add(late_ns))
        } else {
            None
        };
        let status = if self.chance(Knob::TimerStatus) {
            Status::ALL[1 + self.stream.below(2) as usize]
        } else {
            Status::Ok
        };
        let twice = self.chance(Knob::TimerTwice);
        let timer = &situation.flight.timers[index].body;
        let value = match timer.is_timer {
            true => None,
            false => self.made_up(situation, trace, &timer.open),
        };
        Choice::Fire {
            timer: item(&situation.flight.timers, index),
            at_ns,
            status,
            twice,
            value,
        }
    }

    fn stray(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let requests = &situation.scenario.requests;
        let stray = situation.workload.stray(requests, &mut self.stream)?;
        Some(Choice::Inject {
            schema: stray.schema,
            value: trace.store(&stray.value),
            cell: stray.cell.map(|key| trace.store(&key)),
        })
    }

    /// An arrival now and then meets a crash.
    fn perhaps_crash(&mut self, choice: Choice) -> Choice {
        if !choice.verb().arrives() || !self.chance(Knob::Crash) {
            return choice;
        }
        Choice::Crash {
            point: CrashPoint::ALL[self.stream.below(3) as usize],
            recovery: Recovery::ALL[self.stream.below(2) as usize],
            during: Box::new(choice),
        }
    }

    fn message(&mut self, count: usize) -> usize {
        self.stream.below(count as u32) as usize
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let choice = self.decide(situation, trace)?;
        Some(self.perhaps_crash(choice))
    }
}

impl Seeded {
    fn decide(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let weight = |knob| self.faults.weight(knob);
        let flight = situation.flight;
        let can_go_on = !flight.is_empty() || next_start(situation).is_some();
        let if_any = |weight: u32, count: usize| if count > 0 { weight } else { 0 };
        let weights = [
            if can_go_on {
                Faults::PROGRESS
            } else {
                Faults::STOP
            },
            weight(Knob::Stray),
            if_any(weight(Knob::Duplicate), flight.messages.len()),
            if_any(weight(Knob::Drop), flight.messages.len()),
            if_any(weight(Knob::Redeliver), flight.dropped.len()),
            if_any(weight(Knob::SecondStart), situation.scenario.requests.len()),
            weight(Knob::Advance),
            weight(Knob::Snapshot),
        ];
        match self.stream.weighted(&weights)? {
            0 if !can_go_on => None,
            0 => self
                .progress(situation)
                .map(|candidate| self.choice(situation, trace, candidate)),
            1 => self.stray(situation, trace),
            2 => {
                let index = self.message(flight.messages.len());
                Some(Choice::Duplicate(item(&flight.messages, index)))
            }
            3 => {
                let index = self.message(flight.messages.len());
                Some(Choice::Drop(item(&flight.messages, index)))
            }
            4 => {
                let index = self.message(flight.dropped.len());
                Some(Choice::Redeliver(item(&flight.dropped, index)))
            }
            5 => {
                let request = self.stream.below(situation.scenario.requests.len() as u32);
                Some(Choice::Start { request })
            }
            6 => {
                let step_ns = self.stream.pick(&LATENESS_NS[..3]).copied().unwrap_or(1);
                Some(Choice::Advance {
                    to_ns: situation.now_ns.saturating_add(step_ns),
                })
            }
            _ => Some(Choice::Snapshot),
        }
    }
}

/// The first request that has not been started.
fn next_start(situation: &Situation<'_>) -> Option<u32> {
    situation
        .started
        .iter()
        .position(|&count| count == 0)
        .map(|index| index as u32)
}

fn candidates<'a>(situation: &'a Situation<'_>) -> impl Iterator<Item = Candidate> + 'a {
    let flight = situation.flight;
    let plans = flight
        .plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| plan.body.can_step());
    let pending = flight
        .pending
        .iter()
        .enumerate()
        .filter(|(_, pending)| !pending.body.silent);
    (0..flight.messages.len())
        .map(Candidate::Message)
        .chain(plans.map(|(index, _)| Candidate::Plan(index)))
        .chain(pending.map(|(index, _)| Candidate::Pending(index)))
        .chain((0..flight.timers.len()).map(Candidate::Timer))
}

fn age(situation: &Situation<'_>, candidate: Candidate) -> (u64, u32) {
    let flight = situation.flight;
    match candidate {
        Candidate::Message(index) => (
            flight.messages[index].due_ns,
            flight.messages[index].sequence,
        ),
        Candidate::Plan(index) => (flight.plans[index].due_ns, flight.plans[index].sequence),
        Candidate::Pending(index) => (flight.pending[index].due_ns, flight.pending[index].sequence),
        Candidate::Timer(index) => (flight.timers[index].due_ns, flight.timers[index].sequence),
        Candidate::Start(_) => (0, 0),
    }
}
