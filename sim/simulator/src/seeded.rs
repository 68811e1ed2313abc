//! The chooser of a campaign: every choice drawn from a seed, in the proportions of its faults.

use smallvec::SmallVec;

use crate::{Chooser, Enabled, Given, Situation, enabled, item, lapse, work_of};
use sim_kernel::OpenIntent;
use sim_model::Work;
use sim_record::random::{Component, Seed, Stream};
use sim_record::scenario::{Faults, Knob};
use sim_record::trace::{Answer, Answers, Choice, CrashPoint, Recovery, Status, Trace, ValueId};

/// Draws decisions for one seed.
pub struct Seeded {
    stream: Stream,
    faults: Faults,
    /// The weights of the world's answers, in its order, and that of silence.
    answers: Vec<u32>,
}

/// Of timers that are late, one in so many never fires before time ends.
const END_OF_TIME: u32 = 5;

impl Seeded {
    /// The chooser of a seed in a world with these answers. With [`Faults::fixed`] where the
    /// scenario has no mix.
    pub fn new(seed: Seed, faults: Option<&Faults>, answers: &Answers) -> Seeded {
        let faults = faults.cloned();
        let faults = faults.unwrap_or_else(|| Faults::fixed(answers));
        Seeded {
            stream: Stream::new(seed, Component::Chooser),
            answers: faults.of_answers(answers),
            faults,
        }
    }

    fn chance(&mut self, knob: Knob) -> bool {
        let ratio = self.faults.ratio(knob);
        self.stream.chance(ratio)
    }

    /// What goes on next: the oldest by (due time, sequence), or any.
    fn progress(&mut self, situation: &Situation<'_>) -> Option<Enabled> {
        let flight = situation.flight;
        let start = enabled::starts(situation.started).next();
        let early_start = start.filter(|_| flight.is_empty() || self.chance(Knob::StartEarly));
        if early_start.is_some() {
            return early_start;
        }
        if self.chance(Knob::Reorder) {
            let count = enabled::going_on(flight).count() as u32;
            return enabled::going_on(flight).nth(self.stream.below(count.max(1)) as usize);
        }
        enabled::going_on(flight).min_by_key(|enabled| enabled.age(flight))
    }

    /// Has it go on, perhaps with a fault.
    fn choice(&mut self, situation: &Situation<'_>, trace: &mut Trace, enabled: Enabled) -> Choice {
        let flight = situation.flight;
        match enabled {
            Enabled::Plan(index) => Choice::Step {
                plan: item(&flight.plans, index),
                answer: match flight.plans[index].body.answered {
                    Some(_) => {
                        let run = &flight.plans[index].body;
                        let given = flight.given.of(run.same);
                        Some(self.answer(situation, &run.work(trace), (given, &trace.answers)))
                    }
                    None => None,
                },
            },
            Enabled::Effect(index) => self.receipt(situation, trace, index),
            Enabled::Timer(index) => self.fire(situation, trace, index),
            Enabled::Start(_) | Enabled::Message(_) | Enabled::Dropped(_) => enabled.plain(flight),
        }
    }

    /// An answer that the work may get, also after what was given to other work with its key.
    fn answer(
        &mut self,
        situation: &Situation<'_>,
        work: &Work<'_>,
        (given, answers): (Option<Given>, &Answers),
    ) -> Answer {
        let silence = self.answers.len() - 1;
        let may = |place: usize| {
            let answer = Answer::nth(place as u8);
            match given {
                _ if place == silence => true,
                Some(given) if answer == given.answer => true,
                Some(given) if !given.allows(answer, answers) => false,
                _ => situation.model.may_answer(work, answer),
            }
        };
        let weights = self.answers.iter().enumerate();
        let weights = weights.map(|(place, weight)| if may(place) { *weight } else { 0 });
        let weights: SmallVec<[u32; 8]> = weights.collect();
        match self.stream.weighted(&weights) {
            None => given.map_or(Answer::PLAIN, |given| given.answer),
            Some(index) if index == silence => Answer::SILENCE,
            Some(index) => Answer::nth(index as u8),
        }
    }

    /// An effect of a plan is answered ok half the time, for a plan goes on from there; the receipt
    /// is a plain one or made up.
    fn receipt(&mut self, situation: &Situation<'_>, trace: &mut Trace, index: usize) -> Choice {
        let pending = &situation.flight.pending;
        let open = &pending[index].body.open;
        let given = situation.flight.given.of(pending[index].body.same);
        let answer = match self.stream.below(2) {
            0 => given.map_or(Answer::PLAIN, |given| given.answer),
            _ => self.answer(situation, &work_of(trace, open), (given, &trace.answers)),
        };
        let value = match answer {
            Answer::SILENCE => None,
            _ if given.is_some_and(|given| given.answer == answer) => None,
            _ if situation.model.lists_answers(&work_of(trace, open)) => {
                let reply = self.reply(situation, trace, open, answer);
                reply.map(|(_, receipt)| receipt)
            }
            _ => self.made_up(situation, trace, open),
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
            .model
            .receipt(open.effect, params, &mut self.stream)?;
        Some(trace.store(&made))
    }

    /// What a listed answer is this time; None for the plainest.
    fn reply(
        &mut self,
        situation: &Situation<'_>,
        trace: &mut Trace,
        open: &OpenIntent,
        answer: Answer,
    ) -> Option<(Status, ValueId)> {
        let model = situation.model;
        let reply = model.reply(&work_of(trace, open), answer, Some(&mut self.stream))?;
        Some((reply.status, trace.store(&reply.receipt)))
    }

    /// The status and the receipt of a reducer's effect whose answers are listed.
    fn listed(
        &mut self,
        situation: &Situation<'_>,
        trace: &mut Trace,
        (open, given): (&OpenIntent, Option<Given>),
    ) -> (Status, Option<ValueId>) {
        let answer = self.answer(situation, &work_of(trace, open), (None, &trace.answers));
        let reply = match answer {
            Answer::SILENCE => None,
            _ => self.reply(situation, trace, open, answer),
        };
        // What the service has said it says again, unless nothing of it arrives.
        let reply = reply.filter(|(status, _)| given.is_none() || *status != Status::Ok);
        reply.map_or((Status::Ok, None), |(status, receipt)| {
            (status, Some(receipt))
        })
    }

    fn fire(&mut self, situation: &Situation<'_>, trace: &mut Trace, index: usize) -> Choice {
        let due_ns = situation.flight.timers[index].due_ns;
        let at_ns = if due_ns > situation.now_ns && self.chance(Knob::TimerEarly) {
            let early_ns = self.stream.word() % (due_ns - situation.now_ns);
            Some(situation.now_ns + early_ns)
        } else if self.chance(Knob::TimerLate) {
            let late_ns = match self.stream.below(END_OF_TIME) {
                0 => u64::MAX,
                _ => lapse::draw(&mut self.stream, trace, due_ns, situation.model.spans_ns()),
            };
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
        let is_listed = !timer.is_timer && {
            let work = work_of(trace, &timer.open);
            situation.model.lists_answers(&work)
        };
        let given = situation.flight.given.of(timer.same);
        let (status, value) = match timer.is_timer {
            true => (status, None),
            false if is_listed => self.listed(situation, trace, (&timer.open, given)),
            false if given.is_some() && status == Status::Ok => (status, None),
            false => (status, self.made_up(situation, trace, &timer.open)),
        };
        Choice::Fire {
            timer: item(&situation.flight.timers, index),
            at_ns,
            status,
            twice,
            value,
        }
    }

    fn spurious(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let requests = &situation.scenario.requests;
        let event = situation.model.spurious(requests, &mut self.stream)?;
        Some(Choice::Inject {
            schema: event.schema,
            value: trace.store(&event.value),
            cell: event.cell.map(|key| trace.store(&key)),
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
        let mut starts = enabled::starts(situation.started);
        let can_go_on = !flight.is_empty() || starts.next().is_some();
        let if_any = |weight: u32, count: usize| if count > 0 { weight } else { 0 };
        let weights = [
            if can_go_on {
                Faults::PROGRESS
            } else {
                Faults::STOP
            },
            weight(Knob::Spurious),
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
                .map(|enabled| self.choice(situation, trace, enabled)),
            1 => self.spurious(situation, trace),
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
                Some(Enabled::Dropped(index).plain(flight))
            }
            5 => {
                let request = self.stream.below(situation.scenario.requests.len() as u32);
                Some(Choice::Start { request })
            }
            6 => {
                let span_ns = lapse::draw(
                    &mut self.stream,
                    trace,
                    situation.now_ns,
                    situation.model.spans_ns(),
                );
                Some(Choice::Advance {
                    to_ns: situation.now_ns.saturating_add(span_ns),
                })
            }
            _ => Some(Choice::Snapshot),
        }
    }
}
