//! The `sometimes` properties that are made from the documents of a world. Watches none.

use std::collections::BTreeMap;

use super::tags::tags_of_type;
use super::{ArmSometimes, Documents};
use crate::property::{Asked, Property, SEEDS_FOR_ARMS, SEEDS_FOR_SOMETIMES};
use sim_air::{Air, EffectId, Op, ReducerId};
use sim_kernel::{EventArm, EventSource, World, local_name};
use sim_record::trace::Status;

/// Adds properties to the list.
struct Adder<'a>(&'a mut Vec<Property>);

impl Adder<'_> {
    fn add(&mut self, name: String, says: String, asked: Asked) -> usize {
        self.0.push(Property::sometimes(name, says, asked));
        self.0.len() - 1
    }

    fn unasked(&mut self, name: String, says: String) -> usize {
        self.add(name, says, Asked::Never)
    }
}

impl<'w> Documents<'w> {
    pub(super) fn of(world: &'w World, list: &mut Vec<Property>) -> Documents<'w> {
        let air = &world.air;
        let mut to = Adder(list);
        let changed = to.add(
            "something_changed".to_owned(),
            "a state changed, or a reducer or a plan gave something out".to_owned(),
            Asked::Always,
        );
        let arms = world.arms.all().iter();
        let arms = arms.map(|arm| of_arm(&mut to, world, arm)).collect();
        let mut documents = Documents {
            world,
            changed,
            arms,
            stepped: Vec::new(),
            started: Vec::new(),
            steps: Vec::new(),
            ended: Vec::new(),
            edges: Vec::new(),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            tags: Vec::new(),
            known_arms: Vec::new(),
            known_states: Vec::new(),
            generation: 0,
            edges_seen: 0,
            awaited_seen: 0,
            is_forged: false,
        };
        documents.of_reducers(&mut to, air);
        documents.of_effects(&mut to, air);
        documents.of_plans(&mut to, world);
        documents.of_states(&mut to, air);
        documents
    }

    fn of_reducers(&mut self, to: &mut Adder<'_>, air: &Air) {
        for (id, reducer) in air.reducer_ids().zip(&air.reducers) {
            let says = format!("{} took a step", reducer.name);
            let name = format!("stepped{}", of_reducer(air, id));
            self.stepped
                .push(to.add(name, says, Asked::From(SEEDS_FOR_ARMS)));
        }
    }

    fn of_effects(&mut self, to: &mut Adder<'_>, air: &Air) {
        for (id, reducer) in air.reducer_ids().zip(&air.reducers) {
            for effect in &reducer.effects_emitted {
                let kind = &air.effects[effect.index()].kind;
                let name = format!("asked {kind}{}", of_reducer(air, id));
                let says = format!("{} asked for {kind}", reducer.name);
                self.asked.insert((id, *effect), to.unasked(name, says));
                for status in Status::ALL {
                    self.of_answer(to, air, *effect, status);
                }
            }
        }
        for plan in &air.plans {
            for step in &plan.steps {
                if let Op::EmitEffect { effect, .. } = &step.op {
                    self.of_answer(to, air, *effect, Status::Ok);
                }
            }
        }
    }

    fn of_answer(&mut self, to: &mut Adder<'_>, air: &Air, effect: EffectId, status: Status) {
        self.answered.entry((effect, status)).or_insert_with(|| {
            let kind = &air.effects[effect.index()].kind;
            let status = status.name();
            to.unasked(
                format!("answered {kind} {status}"),
                format!("a receipt of {kind} with status {status} arrived"),
            )
        });
    }

    fn of_plans(&mut self, to: &mut Adder<'_>, world: &World) {
        for plan in &world.air.plans {
            let name = local_name(&plan.name);
            let asked = match world.expected.unstarted(&plan.name) {
                true => Asked::Never,
                false => Asked::From(SEEDS_FOR_SOMETIMES),
            };
            let says = format!("an instance of {} was started", plan.name);
            self.started
                .push(to.add(format!("started {name}"), says, asked));
            let id = |step: usize| plan.steps[step].id.as_str();
            let steps = (0..plan.steps.len()).map(|step| {
                to.unasked(
                    format!("ran {name}/{}", id(step)),
                    format!("step {} of {} was run", id(step), plan.name),
                )
            });
            self.steps.push(steps.collect());
            let edges = plan.edges.iter().map(|edge| {
                edge.when.as_ref()?;
                let (from, to_step) = (id(edge.from), id(edge.to));
                let of = format!("{name}/{from} -> {to_step}");
                let says = format!("the guard from {from} to {to_step} in {} was", plan.name);
                Some([
                    to.unasked(format!("taken {of}"), format!("{says} true")),
                    to.unasked(format!("not taken {of}"), format!("{says} false")),
                ])
            });
            let edges = edges.collect();
            self.edges.push(edges);
            let ended = format!("an instance of {} ended without error", plan.name);
            self.ended.push(to.unasked(format!("ended {name}"), ended));
        }
    }

    fn of_states(&mut self, to: &mut Adder<'_>, air: &Air) {
        for (id, reducer) in air.reducer_ids().zip(&air.reducers) {
            let paths = tags_of_type(air, air.schemas.ty(reducer.state));
            let tags = paths.into_iter().map(|path| {
                let of = of_reducer(air, id);
                let says = format!("a state of {} had {path}", reducer.name);
                let property = to.unasked(format!("state {path}{of}"), says);
                (path, property)
            });
            self.tags.push(tags.collect());
        }
    }
}

/// That what clients send is accepted is asked of campaigns, of each reducer that it is routed to.
fn of_arm(to: &mut Adder<'_>, world: &World, arm: &EventArm) -> ArmSometimes {
    let air = &world.air;
    let label = world.arms.name(air, arm);
    let schema = air.schemas.name(arm.schema);
    let asked = match arm.source {
        EventSource::Client if !world.expected.unaccepted(arm.label(air)) => {
            Asked::From(SEEDS_FOR_ARMS)
        }
        _ => Asked::Never,
    };
    let from = match arm.source {
        EventSource::Client => "from a client",
        EventSource::Plan => "from a plan",
        EventSource::Reducer if world.declared.is_some() => {
            "from a reducer, for no client sends it"
        }
        EventSource::Reducer => "from a reducer",
        EventSource::Receipt => "with a receipt",
    };
    // Where clients are declared, the rest comes from within, or it was forgotten.
    let is_forgotten = arm.source == EventSource::Reducer
        && world.declared.is_some()
        && !world.expected.unaccepted(arm.label(air));
    let is_delivered = match is_forgotten {
        true => Asked::From(SEEDS_FOR_SOMETIMES),
        false => Asked::Never,
    };
    let delivered = to.add(
        format!("delivered {label}"),
        format!("{label} of {schema} arrived, {from}"),
        is_delivered,
    );
    let routes = air.routes.iter().filter(|route| route.event == arm.schema);
    let mut by: Vec<Option<ReducerId>> = routes.map(|route| Some(route.reducer)).collect();
    by.dedup();
    if by.is_empty() {
        by.push(None);
    }
    let several = by.len() > 1;
    let accepted = by.into_iter().map(|by| {
        let (of, in_it) = match by.filter(|_| several) {
            Some(id) => {
                let name = &air.reducers[id.index()].name;
                (of_reducer(air, id), format!(" in {name}"))
            }
            None => (String::new(), String::new()),
        };
        let name = format!("accepted {label}{of}");
        let says = format!("{label} of {schema} changed something{in_it}, {from}");
        (by, to.add(name, says, asked))
    });
    ArmSometimes {
        delivered,
        accepted: accepted.collect(),
    }
}

/// ` (Name)` where the world has several reducers.
fn of_reducer(air: &Air, id: ReducerId) -> String {
    match air.reducers.len() {
        1 => String::new(),
        _ => format!(" ({})", local_name(&air.reducers[id.index()].name)),
    }
}
