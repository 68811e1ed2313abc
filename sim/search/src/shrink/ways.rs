//! How an event could come about by itself: what has to be delivered, stepped and answered before.

use std::borrow::Cow;

use super::Context;
use sim_air::{Air, Op, Plan, SchemaId, Trigger};
use sim_kernel::{local_name, variant_tag};
use sim_record::scenario::{Decision, ItemName};

impl Context<'_> {
    /// What an event would be called in flight.
    pub(super) fn item(&self, schema: SchemaId, value: &[u8]) -> ItemName {
        let schemas = &self.subject.air.schemas;
        let label = variant_tag(value).unwrap_or_else(|| local_name(schemas.name(schema)));
        let correlation = self.subject.model.correlation(schema, value);
        ItemName {
            label: label.to_owned(),
            correlation: correlation.map(Cow::into_owned),
            nth: 1,
        }
    }

    /// How plans could come to raise an event: what triggers them is delivered, they take the
    /// steps that lead there, with an answer where one is chosen, and their event is delivered.
    pub(super) fn ways(&self, schema: SchemaId, item: &ItemName) -> Vec<Vec<Decision>> {
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
        let model = self.subject.model;
        let is_known = model.knows_answers(trigger.plan, schema, plan.input);
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
