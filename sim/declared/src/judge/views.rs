//! What conditions see of a moment.

use super::Judge;
use crate::at::{At, By, plan_of};
use crate::condition::Variables;
use crate::evaluate::{MakesVariables, View};
use crate::fields::{self, Fields, flag, list, null, text};
use crate::memory::{Scalar, Who};
use crate::scene::{Here, OfRun, Scene, Sight};
use crate::watched::Group;
use cel::common::value::Val;
use sim_air::{EffectId, PlanId, ReducerId, SchemaId};
use sim_record::trace::{Asker, Emitted, Step, Trace, ValueId};

/// An odd number without a pattern.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

impl MakesVariables for Judge<'_> {
    fn variables(&self, scene: &Scene<'_>) -> Variables {
        let trace = scene.sources.trace;
        let mut variables = Variables::default();
        match scene.sight {
            Sight::Moment(here) => {
                let shared = here.variables.get_or_init(|| self.of_moment(here).into());
                variables = Variables::beside(shared.clone());
            }
            Sight::Before(step) => {
                variables.set("state", self.state(trace, step.reducer, step.before));
                variables.set("key", self.key(trace, step.reducer, step.key));
            }
            Sight::Rest(cell) => {
                if let Some((of, (key, state))) = cell {
                    variables.set("state", self.state(trace, of, Some(state)));
                    variables.set("key", self.key(trace, of, key));
                }
                let who = scene.who.as_ref();
                variables.set("who", who.map_or_else(null, |who| text(who)));
            }
        }
        if let Some(of_run) = scene.of_run {
            self.set_of_run(trace, of_run, &mut variables);
        }
        variables
    }
}

impl Judge<'_> {
    /// A value of a schema, as conditions see it: made once, for values recur.
    pub(super) fn val(&self, trace: &Trace, schema: SchemaId, value: ValueId) -> Box<dyn Val> {
        // Few schemas, and fingerprints of 128 bits: they stay apart.
        let spread = (schema.index() as u128 + 1).wrapping_mul(SPREAD);
        let print = trace.values.fingerprint(value) ^ spread;
        let mut vals = self.vals.borrow_mut();
        if let Some(val) = vals.get(print) {
            return val.clone_as_boxed();
        }
        let schemas = &self.world.air.schemas;
        let val = match schemas.decode(schema, trace.bytes(value)) {
            Ok(value) => fields::val(schemas, schemas.ty(schema), &value),
            Err(_) => null(),
        };
        vals.insert(print, val.clone_as_boxed().into());
        val
    }

    pub(super) fn key(
        &self,
        trace: &Trace,
        reducer: ReducerId,
        key: Option<ValueId>,
    ) -> Box<dyn Val> {
        let schema = self.world.air.reducers[reducer.index()].key_schema;
        match schema.zip(key) {
            Some((schema, key)) => self.val(trace, schema, key),
            None => null(),
        }
    }

    /// Whose a moment is.
    pub(super) fn who(&self, trace: &Trace, at: &At<'_>) -> Who {
        let correlation = &self.watched.correlation;
        let of_effect = |effect: EffectId, params: ValueId, plan: Option<(PlanId, ValueId)>| {
            let own = correlation.of_effect(effect, trace.bytes(params));
            own.or_else(|| {
                let (plan, input) = plan?;
                let schema = self.world.air.plans[plan.index()].input;
                correlation.of_event(schema, trace.bytes(input))
            })
        };
        let found = match at {
            At::Receipt {
                effect,
                params,
                plan,
                ..
            } => of_effect(*effect, *params, *plan),
            At::Sent(emitted, _) => {
                correlation.of_event(emitted.schema, trace.bytes(emitted.value))
            }
            At::Effect(intent) => of_effect(intent.effect, intent.params, plan_of(intent)),
            // The key of a timer may be any: in a cell it is the cell that is meant.
            At::Step(step) => {
                let event = trace.bytes(step.event);
                match (correlation.by_path(step.schema, event), step.key) {
                    (None, Some(_)) => return self.who_of_key(trace, step.reducer, step.key),
                    (None, None) => correlation.of_event(step.schema, event),
                    (who, _) => who,
                }
            }
            At::Turn => None,
        };
        found.map(|who| who.as_ref().into())
    }

    pub(super) fn who_of_key(
        &self,
        trace: &Trace,
        reducer: ReducerId,
        key: Option<ValueId>,
    ) -> Who {
        let key = self.key(trace, reducer, key);
        Scalar::of(&*key).and_then(|scalar| scalar.who())
    }

    /// A moment, and what of the run is given.
    pub(super) fn view<'a>(&'a self, here: &'a Here<'a>, of_run: Option<OfRun<'a>>) -> View<'a> {
        let scene = Scene::new(here.sources, Sight::Moment(here), here.who, of_run);
        View::new(scene, self)
    }

    /// A step as it is for what is absorbing: the state before it is the state.
    pub(super) fn view_before<'a>(
        &'a self,
        here: &'a Here<'a>,
        of_run: Option<OfRun<'a>>,
    ) -> Option<View<'a>> {
        let At::Step(step) = here.at else { return None };
        step.before?;
        let scene = Scene::new(here.sources, Sight::Before(step), here.who, of_run);
        Some(View::new(scene, self))
    }

    /// The variables of a moment that its group reads.
    fn of_moment(&self, here: &Here<'_>) -> Variables {
        let (trace, at, group, who) = (here.sources.trace, here.at, here.group, here.who);
        let mut variables = Variables::default();
        if group.reads("who") {
            variables.set("who", who.as_ref().map_or_else(null, |who| text(who)));
        }
        let air = &self.world.air;
        match at {
            At::Receipt {
                effect,
                params,
                plan,
                status,
                value,
            } => {
                let of = &air.effects[effect.index()];
                let fields = [
                    ("kind", text(&of.kind)),
                    ("params", self.val(trace, of.params, *params)),
                    ("input", self.input(trace, *plan)),
                    ("status", text(status.name())),
                    ("value", self.val(trace, of.receipt, *value)),
                ];
                variables.set("receipt", Box::new(Fields::named(fields)));
            }
            At::Sent(emitted, by) => {
                let by = match by {
                    By::Reducer(reducer) => text(&air.reducers[reducer.index()].name),
                    By::Plan(Some(plan)) => text(&air.plans[plan.index()].name),
                    By::Plan(None) => null(),
                };
                variables.set("sent", self.sent(trace, emitted, Some(by)));
            }
            At::Effect(intent) => {
                let by = match intent.asker {
                    Asker::Reducer { reducer, .. } => &air.reducers[reducer.index()].name,
                    Asker::Plan { plan, .. } => &air.plans[plan.index()].name,
                };
                let of = &air.effects[intent.effect.index()];
                let fields = [
                    ("kind", text(&of.kind)),
                    ("params", self.val(trace, of.params, intent.params)),
                    ("input", self.input(trace, plan_of(intent))),
                    ("by", text(by)),
                    ("allowed", flag(intent.allowed)),
                ];
                variables.set("effect", Box::new(Fields::named(fields)));
            }
            At::Step(step) => {
                self.set_of_step(trace, step, group, &mut variables);
            }
            At::Turn => {}
        }
        variables
    }

    pub(super) fn input(&self, trace: &Trace, plan: Option<(PlanId, ValueId)>) -> Box<dyn Val> {
        plan.map_or_else(null, |(plan, input)| {
            self.val(trace, self.world.air.plans[plan.index()].input, input)
        })
    }

    pub(super) fn sent(
        &self,
        trace: &Trace,
        emitted: &Emitted,
        by: Option<Box<dyn Val>>,
    ) -> Box<dyn Val> {
        let schema = self.world.air.schemas.name(emitted.schema);
        let value = self.val(trace, emitted.schema, emitted.value);
        let fields = [("schema", text(schema)), ("value", value)];
        let by = by.map(|by| ("by", by));
        Box::new(Fields::named(fields.into_iter().chain(by)))
    }

    pub(super) fn state(
        &self,
        trace: &Trace,
        reducer: ReducerId,
        state: Option<ValueId>,
    ) -> Box<dyn Val> {
        let schema = self.world.air.reducers[reducer.index()].state;
        state.map_or_else(null, |state| self.val(trace, schema, state))
    }

    fn set_of_step(&self, trace: &Trace, step: &Step, group: &Group, variables: &mut Variables) {
        let air = &self.world.air;
        let mut set = |name: &str, val: &dyn Fn() -> Box<dyn Val>| {
            if group.reads(name) {
                variables.set(name, val());
            }
        };
        set("event", &|| self.val(trace, step.schema, step.event));
        set("before", &|| self.state(trace, step.reducer, step.before));
        set("state", &|| self.state(trace, step.reducer, step.after));
        set("key", &|| self.key(trace, step.reducer, step.key));
        set("changed", &|| flag(!step.is_unchanged()));
        set("emitted", &|| {
            let emitted = trace.emitted_in(&step.emitted).iter();
            list(
                emitted
                    .map(|emitted| self.sent(trace, emitted, None))
                    .collect(),
            )
        });
        set("effects", &|| {
            let intents = trace.intents_in(&step.intents).iter().map(|intent| {
                let of = &air.effects[intent.effect.index()];
                let fields = [
                    ("kind", text(&of.kind)),
                    ("params", self.val(trace, of.params, intent.params)),
                    ("allowed", flag(intent.allowed)),
                ];
                Box::new(Fields::named(fields)) as Box<dyn Val>
            });
            list(intents.collect())
        });
    }
}
