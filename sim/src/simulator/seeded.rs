//! The chooser of a campaign: every choice drawn from a seed, in the proportions of its faults.

use crate::random::{Component, Seed, Stream};
use crate::simulator::{Chooser, Faults, Situation, item};
use crate::trace::{Answer, Choice, Status, Trace};

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
    /// The chooser of a seed, with the seed's own fault mix.
    pub fn new(seed: Seed) -> Seeded {
        Seeded {
            stream: Stream::new(seed, Component::Chooser),
            faults: Faults::draw(&mut Stream::new(seed, Component::Faults)),
        }
    }

    /// What goes on next: the oldest by (due time, sequence), or any.
    fn progress(&mut self, situation: &Situation<'_>) -> Option<Candidate> {
        let start = next_start(situation);
        let early_start = start
            .filter(|_| situation.flight.is_empty() || self.stream.chance(self.faults.start_early));
        if let Some(request) = early_start {
            return Some(Candidate::Start(request));
        }
        if self.stream.chance(self.faults.reorder) {
            let count = candidates(situation).count() as u32;
            return candidates(situation).nth(self.stream.below(count.max(1)) as usize);
        }
        candidates(situation).min_by_key(|candidate| age(situation, *candidate))
    }

    fn choice(&mut self, situation: &Situation<'_>, candidate: Candidate) -> Choice {
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
            Candidate::Pending(index) => Choice::Receipt {
                effect: item(&flight.pending, index),
                answer: self.answer(),
            },
            Candidate::Timer(index) => self.fire(situation, index),
        }
    }

    fn answer(&mut self) -> Answer {
        let drawn = self.stream.weighted(&self.faults.answers);
        drawn.map_or(Answer::Ok, |index| Answer::ALL[index])
    }

    fn fire(&mut self, situation: &Situation<'_>, index: usize) -> Choice {
        let due_ns = situation.flight.timers[index].due_ns;
        let at_ns = if due_ns > situation.now_ns && self.stream.chance(self.faults.timer_early) {
            let early_ns = self.stream.word() % (due_ns - situation.now_ns);
            Some(situation.now_ns + early_ns)
        } else if self.stream.chance(self.faults.timer_late) {
            let late_ns = self.stream.pick(&LATENESS_NS).copied().unwrap_or(1);
            Some(due_ns.saturating_add(late_ns))
        } else {
            None
        };
        let status = if self.stream.chance(self.faults.timer_status) {
            Status::ALL[1 + self.stream.below(2) as usize]
        } else {
            Status::Ok
        };
        let twice = self.stream.chance(self.faults.timer_twice);
        Choice::Fire {
            timer: item(&situation.flight.timers, index),
            at_ns,
            status,
            twice,
        }
    }

    fn stray(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let requests = &situation.scenario.requests;
        let (schema, value) = situation.workload.stray(requests, &mut self.stream)?;
        Some(Choice::Inject {
            schema,
            value: trace.store(&value),
        })
    }

    fn message(&mut self, count: usize) -> usize {
        self.stream.below(count as u32) as usize
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let flight = situation.flight;
        let can_go_on = !flight.is_empty() || next_start(situation).is_some();
        let if_any = |weight: u32, count: usize| if count > 0 { weight } else { 0 };
        let weights = [
            if can_go_on {
                Faults::PROGRESS
            } else {
                Faults::STOP
            },
            self.faults.stray,
            if_any(self.faults.duplicate, flight.messages.len()),
            if_any(self.faults.drop, flight.messages.len()),
            if_any(self.faults.redeliver, flight.dropped.len()),
            if_any(self.faults.second_start, situation.scenario.requests.len()),
            self.faults.advance,
        ];
        match self.stream.weighted(&weights)? {
            0 if !can_go_on => None,
            0 => self
                .progress(situation)
                .map(|candidate| self.choice(situation, candidate)),
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
            _ => {
                let step_ns = self.stream.pick(&LATENESS_NS[..3]).copied().unwrap_or(1);
                Some(Choice::Advance {
                    to_ns: situation.now_ns.saturating_add(step_ns),
                })
            }
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
        .filter(|(_, plan)| plan.body.next_step.is_some());
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
