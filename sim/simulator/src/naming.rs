//! What things in flight are called: a label, and the request that they belong to.
//!
//! An event goes by the tag of its variant or the name of its schema, an effect by the event that
//! its receipt comes back as, a plan instance by its plan. Names are found once for each value.

use std::borrow::Cow;

use sim_air::{EffectId, PlanId, ReducerId, SchemaId, Type};
use sim_kernel::{World, local_name, variant_tag};
use sim_model::Model;
use sim_record::trace::{Name, Trace, ValueId};

/// A thing to be named; beside it there is a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Thing {
    /// The event itself.
    Event(SchemaId),
    /// By the event that started it.
    Plan(PlanId),
    /// By its parameters.
    Effect(ReducerId, EffectId),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub label: Name,
    pub correlation: Option<Name>,
}

pub(super) struct Naming<'w> {
    world: &'w World,
    model: &'w dyn Model,
    /// By value, one for events and effects, one for plans.
    known: Vec<[Option<(Thing, Names)>; 2]>,
    generation: u64,
}

impl<'w> Naming<'w> {
    pub fn new(world: &'w World, model: &'w dyn Model) -> Naming<'w> {
        Naming {
            world,
            model,
            known: Vec::new(),
            generation: 0,
        }
    }

    /// What is held: the names that were found.
    pub fn held_bytes(&self) -> usize {
        self.known.len() * size_of::<[Option<(Thing, Names)>; 2]>()
    }

    pub fn names(&mut self, trace: &mut Trace, thing: Thing, value: ValueId) -> Names {
        if self.generation != trace.values.generation() {
            self.generation = trace.values.generation();
            self.known.clear();
        }
        let place = (value.index(), usize::from(matches!(thing, Thing::Plan(_))));
        let known = self.known.get(place.0).and_then(|slots| slots[place.1]);
        if let Some((_, names)) = known.filter(|(of, _)| *of == thing) {
            return names;
        }
        let names = Names {
            label: self.label(trace, thing, value),
            correlation: self.correlation(trace, thing, value),
        };
        if self.known.len() <= place.0 {
            self.known.resize(trace.values.count(), [None; 2]);
        }
        self.known[place.0][place.1] = Some((thing, names));
        names
    }

    fn label(&self, trace: &mut Trace, thing: Thing, value: ValueId) -> Name {
        let air = &self.world.air;
        match thing {
            Thing::Event(schema) => {
                let schemas = &air.schemas;
                match schemas.resolve(schemas.ty(schema)) {
                    Type::Variant(_) => trace
                        .name_in(value, |bytes| variant_tag(bytes).map(Cow::Borrowed))
                        .unwrap_or_else(|| trace.name("event")),
                    _ => trace.name(local_name(schemas.name(schema))),
                }
            }
            Thing::Plan(plan) => trace.name(local_name(&air.plans[plan.index()].name)),
            Thing::Effect(reducer, effect) => {
                let reducer = &air.reducers[reducer.index()];
                match reducer.receipt_arms.get(&effect) {
                    Some(Some(arm)) => trace.name(arm),
                    Some(None) => trace.name(local_name(air.schemas.name(reducer.event))),
                    None => trace.name(&air.effects[effect.index()].kind),
                }
            }
        }
    }

    fn correlation(&self, trace: &mut Trace, thing: Thing, value: ValueId) -> Option<Name> {
        let (air, model) = (&self.world.air, self.model);
        match thing {
            Thing::Event(schema) => trace.name_in(value, |bytes| model.correlation(schema, bytes)),
            Thing::Plan(plan) => {
                let input = air.plans[plan.index()].input;
                trace.name_in(value, |bytes| model.correlation(input, bytes))
            }
            Thing::Effect(_, effect) => {
                trace.name_in(value, |bytes| model.effect_correlation(effect, bytes))
            }
        }
    }
}
