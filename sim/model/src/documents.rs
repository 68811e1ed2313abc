//! What must happen sometimes, made from the documents of any world: every kind of event delivered
//! and accepted, every effect asked for and answered, every plan step run, every guarded edge taken
//! both ways, every tag of a variant seen in a state.
//!
//! What is found out about a value is found out once: values recur all the time. Never judges.

mod sometimes;
mod tags;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::observer::{Looks, Observer, Seen, Verdicts, Watch};
use sim_air::{EffectId, ReducerId, SchemaId, Type};
use sim_kernel::{EventSource, World, variant_tag};
use sim_record::trace::{Asker, Choice, EdgeTaken, Record, Status, Step, Trace, Turn, ValueId};
use tags::tags_of_value;

/// Watches runs for what the documents ask; the numbers are places among its properties.
pub(crate) struct Documents<'w> {
    world: &'w World,
    changed: usize,
    arms: Vec<ArmSometimes>,
    /// By reducer: it took a step.
    stepped: Vec<usize>,
    /// By plan: an instance was started.
    started: Vec<usize>,
    /// By plan and step.
    steps: Vec<Vec<usize>>,
    /// By plan: ended without error.
    ended: Vec<usize>,
    /// By plan and edge, for those with a guard: taken, not taken.
    edges: Vec<Vec<Option<[usize; 2]>>>,
    /// Of a reducer's effects: asked for.
    asked: BTreeMap<(ReducerId, EffectId), usize>,
    /// Of the effects of reducers and plans: answered, by status.
    answered: BTreeMap<(EffectId, Status), usize>,
    /// Of a reducer's state, by where the tag stands.
    tags: Vec<BTreeMap<String, usize>>,
    /// What is known of values, by their place: the arm of an event, the tags of a state.
    known_arms: Vec<Option<(SchemaId, Option<usize>)>>,
    known_states: Vec<Option<(ReducerId, Box<[usize]>)>>,
    generation: u64,
    edges_seen: usize,
    awaited_seen: u32,
    /// An event that was not sent from within the world had an effect in this run: what comes
    /// after it may come of it, and is no longer counted.
    is_forged: bool,
}

/// Of one arm.
struct ArmSometimes {
    delivered: usize,
    /// By reducer that it is routed to; of plans alone if there is none.
    accepted: Vec<(Option<ReducerId>, usize)>,
}

impl<'w> Documents<'w> {
    /// An observer of a world, and what it answers for.
    pub fn watch(world: &'w World) -> Watch<'w> {
        let mut properties = Vec::new();
        let documents = Documents::of(world, &mut properties);
        Watch::new(properties, documents)
    }

    fn of_turn(&mut self, seen: &Seen<'_>, set: &mut Verdicts<'_>) {
        let (world, trace, turn) = (self.world, seen.trace, seen.turn);
        if self.generation != trace.values.generation() {
            self.generation = trace.values.generation();
            self.known_arms.clear();
            self.known_states.clear();
        }
        if seen.index == 0 {
            self.edges_seen = 0;
            self.awaited_seen = 0;
            self.is_forged = false;
        }
        let mut active: SmallVec<[ReducerId; 2]> = SmallVec::new();
        for step in trace.steps_of(turn) {
            if is_active(world, trace, step) {
                active.push(step.reducer);
            }
        }
        let is_awaited = trace.awaited > self.awaited_seen;
        self.awaited_seen = trace.awaited;
        if self.is_forged || self.forges(world, trace, &turn.choice) {
            let moves_plans = is_awaited || starts_plans(world, trace, turn);
            self.is_forged |= !active.is_empty() || moves_plans;
            self.edges_seen = trace.edges.len();
            return;
        }
        for step in trace.steps_of(turn) {
            set.reach(self.stepped[step.reducer.index()]);
            if let Some(after) = step
                .after
                .filter(|_| step.fault.is_none() && !step.is_unchanged())
            {
                self.of_state(world, trace, step.reducer, after, set);
            }
        }
        for record in trace.journal_in(&turn.journal) {
            self.of_record(world, trace, record, (&active, is_awaited), set);
        }
        for intent in trace.intents_in(&turn.intents) {
            if let Asker::Reducer { reducer, .. } = intent.asker
                && let Some(property) = self.asked.get(&(reducer, intent.effect))
            {
                set.reach(*property);
            }
        }
        for EdgeTaken { plan, edge, taken } in
            &trace.edges[self.edges_seen.min(trace.edges.len())..]
        {
            if let Some(Some(both)) = self.edges[plan.index()].get(*edge as usize) {
                set.reach(both[usize::from(!taken)]);
            }
        }
        self.edges_seen = trace.edges.len();
        if !active.is_empty() || !turn.emitted.is_empty() || !turn.intents.is_empty() {
            set.reach(self.changed);
        }
    }

    fn of_record(
        &mut self,
        world: &World,
        trace: &Trace,
        record: &Record,
        (active, is_awaited): (&[ReducerId], bool),
        set: &mut Verdicts<'_>,
    ) {
        match record {
            Record::DomainEvent { schema, value, .. } => {
                let Some(arm) = self.arm(world, trace, *schema, *value) else {
                    return;
                };
                let of_arm = &self.arms[arm];
                set.reach(of_arm.delivered);
                for (by, property) in &of_arm.accepted {
                    let is_accepted = match by {
                        Some(reducer) => active.contains(reducer),
                        None => world.starts_plans(*schema),
                    };
                    if is_accepted || is_awaited {
                        set.reach(*property);
                    }
                }
                for trigger in &world.air.triggers {
                    if trigger.event == *schema {
                        set.reach(self.started[trigger.plan.index()]);
                    }
                }
            }
            Record::PlanStep { plan, step, .. } => {
                set.reach(self.steps[plan.index()][*step as usize]);
            }
            Record::PlanEnded {
                plan, error: None, ..
            } => set.reach(self.ended[plan.index()]),
            Record::EffectReceipt { effect, status, .. } => {
                if let Some(property) = self.answered.get(&(*effect, *status)) {
                    set.reach(*property);
                }
            }
            _ => {}
        }
    }

    /// Whether a decision brings an event that only the world itself sends, and has not sent.
    fn forges(&mut self, world: &World, trace: &Trace, choice: &Choice) -> bool {
        match choice {
            Choice::Inject { schema, value, .. } => {
                let arm = self.arm(world, trace, *schema, *value);
                arm.is_none_or(|arm| world.arms.all()[arm].source != EventSource::Client)
            }
            Choice::Crash { during, .. } => self.forges(world, trace, during),
            _ => false,
        }
    }

    /// The arm of an event.
    fn arm(
        &mut self,
        world: &World,
        trace: &Trace,
        schema: SchemaId,
        value: ValueId,
    ) -> Option<usize> {
        let place = value.index();
        if let Some(Some((of, arm))) = self.known_arms.get(place)
            && *of == schema
        {
            return *arm;
        }
        let schemas = &world.air.schemas;
        let tag = match schemas.resolve(schemas.ty(schema)) {
            Type::Variant(_) => variant_tag(trace.bytes(value)),
            _ => None,
        };
        let arm = world.arms.find(schema, tag);
        if self.known_arms.len() <= place {
            self.known_arms.resize(trace.values.count(), None);
        }
        self.known_arms[place] = Some((schema, arm));
        arm
    }

    fn of_state(
        &mut self,
        world: &World,
        trace: &Trace,
        reducer: ReducerId,
        state: ValueId,
        set: &mut Verdicts<'_>,
    ) {
        let tags = &self.tags[reducer.index()];
        if tags.is_empty() {
            return;
        }
        let place = state.index();
        let known = self.known_states.get(place).and_then(Option::as_ref);
        if known.is_none_or(|(of, _)| *of != reducer) {
            let schemas = &world.air.schemas;
            let schema = world.air.reducers[reducer.index()].state;
            let mut found = Vec::new();
            if let Ok(value) = schemas.decode(schema, trace.bytes(state)) {
                tags_of_value(&world.air, schemas.ty(schema), &value, "", &mut |path| {
                    found.extend(tags.get(path).copied());
                });
            }
            found.sort_unstable();
            found.dedup();
            if self.known_states.len() <= place {
                self.known_states.resize(trace.values.count(), None);
            }
            self.known_states[place] = Some((reducer, found.into()));
        }
        if let Some(Some((_, found))) = self.known_states.get(place) {
            found.iter().for_each(|property| set.reach(*property));
        }
    }
}

impl Observer for Documents<'_> {
    type Memory = ();

    /// What it says of a turn is said of that alone, where each is looked at by itself.
    fn looks(&self) -> Looks {
        Looks::STEPS
    }

    fn end_turn(&mut self, (): &mut (), seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.of_turn(seen, to);
    }
}

/// Whether a step did anything. To take on the state that a reducer begins with is nothing.
fn is_active(world: &World, trace: &Trace, step: &Step) -> bool {
    if step.fault.is_some() {
        return false;
    }
    let begins = |after: ValueId| {
        let mut initial = world.initial_states.iter();
        initial.any(|(id, state)| *id == step.reducer && state == trace.bytes(after))
    };
    let is_changed = match (step.before, step.after) {
        (None, Some(after)) => !begins(after),
        _ => !step.is_unchanged(),
    };
    is_changed || !step.emitted.is_empty() || !step.intents.is_empty()
}

/// Whether an event that arrived in the turn starts a plan.
fn starts_plans(world: &World, trace: &Trace, turn: &Turn) -> bool {
    trace.journal_in(&turn.journal).iter().any(|record| {
        matches!(record, Record::DomainEvent { schema, .. } if world.starts_plans(*schema))
    })
}
