//! Simpler decisions in place of one: an answer that is ordinary, a timer that fires when due.
//!
//! What is simpler here has less [`oddity`]. Numbers and values are not this file's matter.

use super::Search;
use sim_model::Model;
use sim_record::scenario::{Decision, ItemName};
use sim_record::trace::{CrashPoint, Recovery, SILENCE, Status};

/// The names of the answers that work may get, the simplest first: the plain one, those that end
/// what asked for it, those with which it goes on, and that there is none.
pub(super) struct Answers(Vec<String>);

impl Answers {
    pub fn of(model: &dyn Model) -> Answers {
        let known = model.answers();
        let names = known.simplest_first().into_iter();
        let names = names.map(|answer| known.name(answer).to_owned());
        Answers(names.chain([SILENCE.to_owned()]).collect())
    }

    /// How odd an answer is: its place among them, or after all that are known.
    fn rank(&self, answer: &str) -> u64 {
        let place = self.0.iter().position(|other| other == answer);
        place.unwrap_or(self.0.len()) as u64
    }

    fn simpler_than(&self, answer: &str) -> impl Iterator<Item = &String> {
        self.0.iter().take(self.rank(answer) as usize)
    }

    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }

    /// All but silence.
    pub fn given(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|name| *name != SILENCE)
    }
}

/// How far a decision is from the ordinary one of its kind, kinds included.
pub(super) fn oddity(answers: &Answers, decision: &Decision) -> u64 {
    let place = |item: &ItemName| u64::from(item.nth.saturating_sub(1));
    match decision {
        Decision::Start { .. } | Decision::Inject { .. } => 0,
        Decision::Deliver(item) => place(item),
        Decision::Duplicate(item) | Decision::Drop(item) | Decision::Redeliver(item) => {
            1 + place(item)
        }
        Decision::Step { plan, answer } => {
            let rank = answer.as_ref().map(|answer| answers.rank(answer));
            place(plan) + rank.unwrap_or(0)
        }
        Decision::Receipt {
            effect,
            answer,
            value,
        } => place(effect) + answers.rank(answer) + given(answers, value),
        Decision::Fire {
            timer,
            at_ns,
            status,
            twice,
            value,
        } => {
            let status = u64::from(*status != Status::Ok) + u64::from(*status == Status::Timeout);
            let odd = u64::from(at_ns.is_some()) + status + u64::from(*twice);
            place(timer) + odd + given(answers, value)
        }
        Decision::Advance { .. } | Decision::Snapshot => 1,
        Decision::Crash {
            point,
            recovery,
            during,
        } => 1 + *point as u64 + *recovery as u64 + oddity(answers, during),
    }
}

/// A receipt of its own is odder than any plain one.
fn given(answers: &Answers, value: &Option<Vec<u8>>) -> u64 {
    match value {
        None => 0,
        Some(_) => 1 + answers.0.len() as u64,
    }
}

/// What may stand in for a decision and is simpler in one respect, the simplest first.
fn simplify(answers: &Answers, decision: &Decision) -> Vec<Decision> {
    match decision {
        Decision::Start { .. }
        | Decision::Inject { .. }
        | Decision::Advance { .. }
        | Decision::Snapshot => Vec::new(),
        Decision::Crash {
            point,
            recovery,
            during,
        } => simpler_crash(answers, (*point, *recovery), during),
        Decision::Deliver(item) => each(items(item), Decision::Deliver),
        Decision::Duplicate(item) => instead_of_fault(item, Decision::Duplicate),
        Decision::Drop(item) => instead_of_fault(item, Decision::Drop),
        Decision::Redeliver(item) => instead_of_fault(item, Decision::Redeliver),
        Decision::Step { plan, answer } => {
            let step = |plan: &ItemName, answer| Decision::Step {
                plan: plan.clone(),
                answer,
            };
            let mut simpler = each(items(plan), |plan| step(&plan, answer.clone()));
            let answers = answer
                .iter()
                .flat_map(|answer| answers.simpler_than(answer));
            simpler.extend(answers.map(|answer| step(plan, Some(answer.clone()))));
            simpler
        }
        Decision::Receipt {
            effect,
            answer,
            value,
        } => {
            let receipt =
                |effect: &ItemName, answer: &String, value: &Option<_>| Decision::Receipt {
                    effect: effect.clone(),
                    answer: answer.clone(),
                    value: value.clone(),
                };
            let mut simpler = each(items(effect), |effect| receipt(&effect, answer, value));
            let below = match value {
                Some(_) => answers.0.len(),
                None => answers.rank(answer) as usize,
            };
            let plainer = answers.0[..below].iter();
            simpler.extend(plainer.map(|answer| receipt(effect, answer, &None)));
            simpler
        }
        Decision::Fire { .. } => simpler_fire(decision),
    }
}

/// No crash, one of a simpler kind, or one during something simpler.
fn simpler_crash(
    answers: &Answers,
    (point, recovery): (CrashPoint, Recovery),
    during: &Decision,
) -> Vec<Decision> {
    let crash = |point, recovery, during: &Decision| Decision::Crash {
        point,
        recovery,
        during: Box::new(during.clone()),
    };
    let mut simpler = vec![during.clone()];
    if recovery != Recovery::Journal {
        simpler.push(crash(point, Recovery::Journal, during));
    }
    let earlier = CrashPoint::ALL.into_iter().filter(|other| *other < point);
    simpler.extend(earlier.map(|point| crash(point, recovery, during)));
    let during = simplify(answers, during);
    simpler.extend(during.iter().map(|during| crash(point, recovery, during)));
    simpler
}

/// The same firing with one thing about it ordinary.
fn simpler_fire(fire: &Decision) -> Vec<Decision> {
    let Decision::Fire {
        timer,
        at_ns,
        status,
        twice,
        value,
    } = fire
    else {
        return Vec::new();
    };
    let with = |timer: &ItemName, at_ns, status, twice, value: Option<&_>| Decision::Fire {
        timer: timer.clone(),
        at_ns,
        status,
        twice,
        value: value.cloned(),
    };
    let (at_ns, status, twice, value) = (*at_ns, *status, *twice, value.as_ref());
    let mut simpler = Vec::new();
    if twice {
        simpler.push(with(timer, at_ns, status, false, value));
    }
    if at_ns.is_some() {
        simpler.push(with(timer, None, status, twice, value));
    }
    if status != Status::Ok {
        simpler.push(with(timer, at_ns, Status::Ok, twice, value));
    }
    if status == Status::Timeout {
        simpler.push(with(timer, at_ns, Status::Error, twice, value));
    }
    if value.is_some() {
        simpler.push(with(timer, at_ns, status, twice, None));
    }
    let older = items(timer).into_iter();
    simpler.extend(older.map(|older| with(&older, at_ns, status, twice, value)));
    simpler
}

/// Older ones of the same name.
fn items(item: &ItemName) -> Vec<ItemName> {
    let at = |nth| ItemName {
        nth,
        ..item.clone()
    };
    let mut older = Vec::new();
    if item.nth > 1 {
        older.push(at(1));
    }
    if item.nth > 2 {
        older.push(at(item.nth - 1));
    }
    older
}

/// A message may just be delivered, rather than be copied, lost or found.
fn instead_of_fault(item: &ItemName, fault: fn(ItemName) -> Decision) -> Vec<Decision> {
    let mut simpler = vec![Decision::Deliver(item.clone())];
    simpler.extend(each(items(item), fault));
    simpler
}

fn each(items: Vec<ItemName>, decision: impl FnMut(ItemName) -> Decision) -> Vec<Decision> {
    items.into_iter().map(decision).collect()
}

impl Search<'_> {
    /// Each decision on its own.
    pub(super) fn simplify_decisions(&mut self) {
        let mut index = 0;
        while let Some(decision) = self.best.schedule.get(index) {
            let improved = simplify(&self.context.answers, decision)
                .into_iter()
                .any(|simpler| {
                    let mut schedule = self.best.schedule.clone();
                    schedule[index] = simpler;
                    let candidate = self.with_schedule(schedule);
                    self.attempt(&candidate)
                });
            // What improved may be simplified further; each time it has less oddity.
            if !improved {
                index += 1;
            }
        }
    }
}
