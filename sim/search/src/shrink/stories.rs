//! The same violation by another way: steps out of a local minimum that deleting cannot take.
//!
//! A spurious event is brought about in a natural way instead, or a long way is cut short by
//! one, if that saves more decisions than it costs.

use super::decisions::Answers;
use super::{Context, Identity, Search};
use sim_air::{Air, Op, Plan, SchemaId, Trigger};
use sim_kernel::{local_name, variant_tag};
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
            .is_none_or(|id| correlations.contains(&id));
        let others = correlations.into_iter().filter(|_| !is_known);
        let mut items: Vec<ItemName> = others
            .map(|correlation| ItemName {
                correlation: Some(correlation.to_owned()),
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
        if !self.context.starts.contains(&(schema, label)) {
            return None;
        }
        let is_free = |to: &&Identity| {
            let mut requests = self.best.requests.iter();
            requests.all(|request| request.name != to.name)
        };
        let to = self.context.identities.iter().find(is_free)?;
        let spurious = Request {
            // No request is called so, and nothing starts it.
            name: String::new(),
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

impl Context<'_> {
    /// What an event would be called in flight.
    pub(super) fn item(&self, schema: SchemaId, value: &[u8]) -> ItemName {
        let schemas = &self.subject.air.schemas;
        let label = variant_tag(value).unwrap_or_else(|| local_name(schemas.name(schema)));
        let correlation = self.subject.model.correlation(schema, value);
        ItemName {
            label: label.to_owned(),
            correlation: correlation.map(str::to_owned),
            nth: 1,
        }
    }

    /// How plans could come to raise an event: what triggers them is delivered, they take the
    /// steps that lead there, with an answer where one is chosen, and their event is delivered.
    fn ways(&self, schema: SchemaId, item: &ItemName) -> Vec<Vec<Decision>> {
        let air = self.subject.air;
        let mut ways = Vec::new();
        for trigger in &air.triggers {
            let plan = &air.plans[trigger.plan.index()];
            for (index, step) in plan.steps.iter().enumerate() {
                if !matches!(step.op, Op::RaiseEvent { event, .. } if event == schema) {
                    continue;
                }
                for answer in self.answers.given() {
                    ways.push(self.way(trigger, index, answer, schema, item));
                }
            }
        }
        ways
    }

    /// One of these ways: to the step at `raise`.
    fn way(
        &self,
        trigger: &Trigger,
        raise: usize,
        answer: &str,
        schema: SchemaId,
        item: &ItemName,
    ) -> Vec<Decision> {
        let air = self.subject.air;
        let plan = &air.plans[trigger.plan.index()];
        let named = |name: &str| ItemName {
            label: local_name(name).to_owned(),
            ..item.clone()
        };
        let is_known = self.subject.model.knows_answers(schema, plan.input);
        let awaits = |op: &Op| matches!(op, Op::AwaitReceipt { .. } | Op::AwaitEvent { .. });
        let is_chosen = is_known && !plan.steps.iter().any(|step| awaits(&step.op));
        let mut way = vec![Decision::Deliver(named(air.schemas.name(trigger.event)))];
        for index in steps_to(plan, raise) {
            if let Op::AwaitReceipt { handle, .. } = &plan.steps[index].op {
                way.extend(kind_of(air, plan, handle).map(|kind| Decision::Receipt {
                    effect: named(kind),
                    answer: answer.to_owned(),
                    value: None,
                }));
            }
            way.push(Decision::Step {
                plan: named(&plan.name),
                answer: is_chosen.then(|| answer.to_owned()),
            });
        }
        way.push(Decision::Deliver(item.clone()));
        way
    }

    /// What a spurious event costs in this world; see [`Measure::cost`](super::Measure).
    pub(super) fn longest_way(&self) -> u64 {
        let schemas = self.subject.air.schemas.ids();
        let item = ItemName {
            label: String::new(),
            correlation: None,
            nth: 1,
        };
        let ways = schemas.flat_map(|schema| self.ways(schema, &item));
        ways.map(|way| way.len() as u64).max().unwrap_or_default()
    }
}

/// The steps of a plan that come before one, and that one: the furthest first, which for a chain
/// is the order in which they are taken.
fn steps_to(plan: &Plan, last: usize) -> Vec<usize> {
    let mut steps = vec![last];
    let mut seen = 0;
    while let Some(&step) = steps.get(seen) {
        for edge in plan.edges.iter().filter(|edge| edge.to == step) {
            if !steps.contains(&edge.from) {
                steps.push(edge.from);
            }
        }
        seen += 1;
    }
    steps.reverse();
    steps
}

/// The kind of the effect that a plan knows by that handle.
fn kind_of<'a>(air: &'a Air, plan: &Plan, handle: &str) -> Option<&'a str> {
    plan.steps.iter().find_map(|step| match &step.op {
        Op::EmitEffect {
            effect,
            handle: other,
            ..
        } if other == handle => Some(air.effects[effect.index()].kind.as_str()),
        _ => None,
    })
}
