//! The same violation by another way: steps out of a local minimum that deleting cannot take.
//!
//! A spurious event is brought about in a natural way instead, or a long way is cut short by
//! one, if that saves more decisions than it costs.

use super::Search;
use super::decisions::Answers;
use sim_air::SchemaId;
use sim_record::random::{Component, Seed, Stream};
use sim_record::scenario::{Decision, ItemName, Request, Scenario};
use sim_record::trace::Status;

/// Events that are made up to end a schedule early.
const SPURIOUS: usize = 96;
/// Detours by another end that are followed, each at the price of deleting anew.
const DETOURS: usize = 6;

impl Search<'_> {
    pub(super) fn tell_otherwise(&mut self) {
        self.bring_spurious_about();
        self.raise_numbers();
        self.change_answers();
        self.answer_alike();
        // Before the next, which asks for some of the same and only takes what is simpler at once.
        self.end_otherwise();
        self.end_early();
        self.draw_spurious_anew();
    }

    fn bring_spurious_about(&mut self) {
        let mut index = 0;
        while let Some(decision) = self.best.schedule.get(index) {
            if let Decision::Inject { schema, value, .. } = decision {
                let (schema, value) = (*schema, value.clone());
                let mut candidates = Vec::new();
                for item in self.items(schema, &value) {
                    for story in self.natural(index, schema, &item) {
                        candidates.extend(with_other_answers(&self.context.answers, &story, index));
                        candidates.push(story);
                    }
                }
                // The story itself before its variants, which were put in first.
                candidates.reverse();
                let mut candidates = candidates.into_iter();
                let found = candidates.any(|story| self.attempt(&self.with_schedule(story)));
                if !found && let Some(candidate) = self.as_request(index, schema, &value) {
                    self.attempt(&candidate);
                }
            }
            index += 1;
        }
    }

    /// What a spurious event would be called in flight; that of a stranger, also as a request's.
    fn items(&self, schema: SchemaId, value: &[u8]) -> Vec<ItemName> {
        let item = self.context.item(schema, value);
        let correlations = self.context.correlations(&self.best);
        let is_known = item
            .correlation
            .as_deref()
            .is_none_or(|id| correlations.iter().any(|known| known == id));
        let others = correlations.into_iter().filter(|_| !is_known);
        let mut items: Vec<ItemName> = others
            .map(|correlation| ItemName {
                correlation: Some(correlation.into_owned()),
                ..item.clone()
            })
            .collect();
        items.push(item);
        items
    }

    /// Schedules in which a spurious event at `index` comes about by itself.
    fn natural(&self, index: usize, schema: SchemaId, item: &ItemName) -> Vec<Vec<Decision>> {
        let schedule = &self.best.schedule;
        let deliver = || Decision::Deliver(item.clone());
        let duplicate = || Decision::Duplicate(item.clone());
        let fire = || Decision::Fire {
            timer: item.clone(),
            at_ns: None,
            status: Status::Ok,
            twice: false,
            value: None,
        };
        let spliced = |decisions: Vec<Decision>| {
            let mut spliced = schedule[..index].to_vec();
            spliced.extend(decisions);
            spliced.extend_from_slice(&schedule[index + 1..]);
            spliced
        };
        let mut ways: Vec<Vec<Decision>> = self.context.ways(schema, item);
        // It is in flight, and may be needed there again.
        ways.push(vec![duplicate(), deliver()]);
        ways.push(vec![deliver()]);
        ways.push(vec![fire()]);
        ways.extend(
            self.best
                .requests
                .iter()
                .map(|request| vec![start(request)]),
        );
        let mut stories: Vec<Vec<Decision>> = ways.into_iter().map(spliced).collect();
        // It was in flight, and comes a second time.
        for earlier in 0..index {
            match &schedule[earlier] {
                Decision::Deliver(other) if other == item => {
                    let mut story = spliced(vec![deliver()]);
                    story.insert(earlier, duplicate());
                    stories.push(story);
                }
                Decision::Fire { timer, .. } if timer == item => {
                    let mut story = spliced(vec![fire()]);
                    if let Decision::Fire { twice, .. } = &mut story[earlier] {
                        *twice = true;
                    }
                    stories.push(story);
                }
                _ => {}
            }
        }
        stories
    }

    /// A spurious event that looks like a request's start becomes a request's start.
    fn as_request(&self, index: usize, schema: SchemaId, value: &[u8]) -> Option<Scenario> {
        let label = self.context.item(schema, value).label;
        let kind = (schema, label);
        // A name says what a request is: it takes that of one of its kind.
        let known = self.context.identities.iter().zip(&self.context.starts);
        let of_kind = known.filter(|(_, start)| **start == kind);
        let mut names = of_kind.map(|(identity, _)| identity);
        let to = names.find(|to| {
            let mut requests = self.best.requests.iter();
            requests.all(|request| request.name != to.name)
        })?;
        let spurious = Request {
            // Nothing starts it yet.
            name: to.name.clone(),
            schema,
            value: value.to_vec(),
        };
        let from = self.context.identity(&spurious);
        let request = self.context.renamed(&spurious, &from, to)?;
        let mut candidate = self.best.clone();
        candidate.schedule[index] = start(&request);
        candidate.requests.push(request);
        self.context.rename(&mut candidate, &from, to);
        Some(candidate)
    }

    /// Other answers, which may lead to the violation sooner.
    fn change_answers(&mut self) {
        for base in self.bases() {
            let answers = &self.context.answers;
            for schedule in with_other_answers(answers, &base.schedule, base.schedule.len()) {
                let candidate = Scenario {
                    schedule,
                    ..base.clone()
                };
                if self.attempt(&candidate) {
                    return;
                }
            }
        }
    }

    /// One answer for all work: where two answers differ, each may need a plan of its own.
    fn answer_alike(&mut self) {
        let all: Vec<String> = self.context.answers.all().cloned().collect();
        for other in all {
            let mut schedule = self.best.schedule.clone();
            for answer in schedule.iter_mut().filter_map(Decision::answer_mut) {
                answer.clone_from(&other);
            }
            let candidate = self.with_schedule(schedule);
            if self.detour(&candidate) {
                return;
            }
        }
    }

    /// Ends the schedule after each of its first decisions, with a start or a spurious event.
    fn end_early(&mut self) {
        let spurious_cost = self.context.spurious_cost;
        for base in self.bases() {
            let starts = base.requests.iter().map(|request| (1, start(request)));
            let mut ends: Vec<(u64, Decision)> = starts.collect();
            if self.measure.cost > spurious_cost {
                let spurious = self.spurious(&base).into_iter();
                ends.extend(spurious.map(|spurious| (spurious_cost, spurious)));
            }
            for length in 0..base.schedule.len() {
                for (cost, end) in &ends {
                    // A prefix that holds spurious events costs more, and is then not accepted.
                    if length as u64 + cost <= self.measure.cost
                        && self.attempt(&ended(&base, length, end))
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Ends the schedule with a start or a spurious event instead of its last decision, which may
    /// make much of what led up to that one superfluous.
    fn end_otherwise(&mut self) {
        let is_worth_spurious = self.measure.cost > self.context.spurious_cost + 1;
        for base in self.bases() {
            let Some(last) = base.schedule.len().checked_sub(1) else {
                return;
            };
            let mut ends: Vec<Decision> = base.requests.iter().map(start).collect();
            if is_worth_spurious {
                ends.extend(self.spurious(&base));
            }
            let mut detours = 0;
            for end in ends {
                let attempts = self.attempts;
                if self.detour(&ended(&base, last, &end)) {
                    return;
                }
                // More than one attempt: it failed, and was followed.
                detours += usize::from(self.attempts > attempts + 1);
                if detours == DETOURS {
                    break;
                }
            }
        }
    }

    /// The best scenario, and the same with plain numbers: few attempts end a request sooner.
    fn bases(&self) -> [Scenario; 2] {
        let plain = self.context.with_plain_requests(&self.best);
        [self.best.clone(), plain]
    }

    /// A larger number may show at once what a smaller one shows late.
    fn raise_numbers(&mut self) {
        const SHIFTS: [u32; 5] = [1, 2, 4, 16, 32];
        let mut index = 0;
        while let Some(number) = self.context.request_number(&self.best, index) {
            let raised = SHIFTS.map(|shift| number.1.saturating_mul(1 << shift));
            for raised in raised.into_iter().chain([i128::from(u64::MAX)]) {
                if self.set(&number.0, raised.min(i128::from(u64::MAX))) {
                    return;
                }
            }
            index += 1;
        }
    }

    /// A spurious event often has to match the numbers of its request, and neither can be lowered
    /// without the other: so all of the requests' are made plain, and spurious events made up to
    /// match.
    fn draw_spurious_anew(&mut self) {
        for index in 0..self.best.schedule.len() {
            if !matches!(self.best.schedule.get(index), Some(Decision::Inject { .. })) {
                continue;
            }
            let plain = self.context.with_plain_requests(&self.best);
            for spurious in self.spurious(&plain) {
                let mut candidate = plain.clone();
                candidate.schedule[index] = spurious;
                if self.attempt(&candidate) {
                    break;
                }
            }
        }
    }

    /// Spurious events of a scenario: always the same ones.
    fn spurious(&self, scenario: &Scenario) -> Vec<Decision> {
        let model = self.context.subject.model;
        let mut stream = Stream::new(Seed(0), Component::Shrinker);
        let drawn = (0..SPURIOUS).filter_map(|_| model.spurious(&scenario.requests, &mut stream));
        let injected = drawn.map(|spurious| Decision::Inject {
            schema: spurious.schema,
            value: spurious.value,
            cell: spurious.cell,
        });
        injected.collect()
    }
}

/// The scenario with its first decisions only, and then another one.
fn ended(scenario: &Scenario, length: usize, end: &Decision) -> Scenario {
    let mut ended = scenario.clone();
    ended.schedule.truncate(length);
    ended.schedule.push(end.clone());
    ended
}

fn start(request: &Request) -> Decision {
    Decision::Start {
        request: request.name.clone(),
    }
}

/// The schedule with one of its first answers replaced by another.
fn with_other_answers(
    answers: &Answers,
    schedule: &[Decision],
    before: usize,
) -> Vec<Vec<Decision>> {
    let mut others = Vec::new();
    for index in 0..before.min(schedule.len()) {
        let Some(answer) = schedule[index].answer() else {
            continue;
        };
        for other in answers.all().filter(|other| *other != answer) {
            let mut changed = schedule.to_vec();
            if let Some(answer) = changed[index].answer_mut() {
                answer.clone_from(other);
                others.push(changed);
            }
        }
    }
    others
}
