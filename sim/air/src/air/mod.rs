//! The checked world: what the documents say once every name is resolved to an index.
//!
//! Only `load` makes these, so whoever holds an [`Air`] may rely on every load-time check.
//! Nothing here reads documents or runs anything.

pub mod allow_lists;
pub mod effects;
pub mod ids;
pub mod plans;

use std::collections::BTreeMap;

use self::effects::{Cap, Effect, Grant, Rule};
use self::ids::{EffectId, GrantId, PlanId, ReducerId};
use self::plans::Plan;
use crate::hash::Hash;
use crate::problems::diagnostic::Warnings;
use crate::types::schemas::{SchemaId, Schemas};

/// A world whose documents passed every check.
#[derive(Clone, Debug)]
pub struct Air {
    /// Every schema, the built-in ones included.
    pub schemas: Schemas,
    /// The reducers that the manifest lists, in its order.
    pub reducers: Vec<Reducer>,
    /// The plans that the manifest lists, in its order.
    pub plans: Vec<Plan>,
    /// The built-in effects first, then those of the manifest.
    pub effects: Vec<Effect>,
    /// The built-in caps first, then those of the manifest.
    pub caps: Vec<Cap>,
    /// The grants of `defaults.cap_grants`, in their order.
    pub grants: Vec<Grant>,
    /// The world's own modules that judge what a grant covers: those of caps that are granted.
    pub enforcers: Vec<PureModule>,
    /// The rules of `defaults.policy`, first match wins. Empty denies everything.
    pub policy: Vec<Rule>,
    /// The routes of `routing.events`, in their order.
    pub routes: Vec<Route>,
    /// The triggers, in their order.
    pub triggers: Vec<Trigger>,
    /// Hash of the manifest with every missing or zero hash filled in.
    pub manifest_hash: Hash,
    /// Every document of the sources, in source order; built-ins are not listed.
    pub documents: Vec<DocumentInfo>,
    /// What its author should look at, and what refuses nothing.
    pub warnings: Warnings,
}

impl Air {
    /// The schema of the receipts of an effect, by what it goes by in a schedule: the arm in which
    /// a reducer gets them, or the effect's kind. None if there is none, or if it may be one of
    /// several.
    pub fn receipt_of(&self, label: &str) -> Option<SchemaId> {
        let arms = self
            .reducers
            .iter()
            .flat_map(|reducer| &reducer.receipt_arms);
        let by_arm = arms.filter(|(_, arm)| arm.as_deref() == Some(label));
        let of_arms = by_arm.map(|(effect, _)| &self.effects[effect.index()]);
        let of_kind = self.effects.iter().filter(|effect| effect.kind == label);
        let mut found = of_arms.chain(of_kind).map(|effect| effect.receipt);
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    /// The keyed reducer that listens to a schema, and the schema of its keys.
    pub fn keyed_listener(&self, schema: SchemaId) -> Option<(ReducerId, SchemaId)> {
        let routes = self.routes.iter().filter(|route| route.event == schema);
        let mut routed = routes.map(|route| route.reducer);
        // Receipts are of the reducer's own event schema, whatever its routes are.
        let mut own = self.reducer_ids().filter(|id| {
            let reducer = &self.reducers[id.index()];
            reducer.event == schema && !reducer.receipt_arms.is_empty()
        });
        let is_keyed = |id: ReducerId| Some((id, self.reducers[id.index()].key_schema?));
        routed.find_map(is_keyed).or_else(|| own.find_map(is_keyed))
    }

    /// The schema of the keys of the reducer with cells that listens to a schema.
    pub fn key_of(&self, schema: SchemaId) -> Option<SchemaId> {
        self.keyed_listener(schema).map(|(_, key)| key)
    }

    /// The ids of [`Air::reducers`], in their order.
    pub fn reducer_ids(&self) -> impl Iterator<Item = ReducerId> + use<> {
        (0..self.reducers.len()).map(ReducerId::new)
    }
}

/// A document of the sources. `name` is empty for the manifest, which has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentInfo {
    /// As `$kind` says it, such as `defschema`.
    pub kind: String,
    /// As `name` says it.
    pub name: String,
    /// The hash of its canonical CBOR, comments left out.
    pub hash: Hash,
    /// The file that holds it: [`crate::Source::file`].
    pub file: String,
}

/// A module of kind `reducer` (`defmodule`): a state machine in wasm.
#[derive(Clone, Debug)]
pub struct Reducer {
    /// Its name, such as `demo/Counter@1`.
    pub name: String,
    /// The file that holds its `defmodule`.
    pub file: String,
    /// The schema of its state, which is private to it.
    pub state: SchemaId,
    /// The schema of what it takes.
    pub event: SchemaId,
    /// The schema of the context that it asks for, `sys/ReducerContext@1`, if it does.
    pub context: Option<SchemaId>,
    /// The schema of the annotations of an output.
    pub annotations: Option<SchemaId>,
    /// Present exactly when the reducer is keyed.
    pub key_schema: Option<SchemaId>,
    /// The effects that it may ask for.
    pub effects_emitted: Vec<EffectId>,
    /// Slot to grant, the rule for the slot `default` already applied.
    pub slots: BTreeMap<String, SlotBinding>,
    /// None: not pinned yet.
    pub wasm_hash: Option<Hash>,
    /// The tag of the event variant's arm that carries each effect's receipt event; none where
    /// the reducer's event is that event itself.
    pub receipt_arms: BTreeMap<EffectId, Option<String>>,
}

/// A pure function in wasm.
#[derive(Clone, Debug)]
pub struct PureModule {
    /// Its name.
    pub name: String,
    /// The file that holds its `defmodule`.
    pub file: String,
    /// The schema of what it takes.
    pub input: SchemaId,
    /// The schema of what it gives.
    pub output: SchemaId,
    /// `sys/PureContext@1`, if it declares one.
    pub context: Option<SchemaId>,
    /// None: not pinned yet.
    pub wasm_hash: Option<Hash>,
}

/// What a slot stands for. Without a grant, an effect asked for through it is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotBinding {
    /// The cap type that the slot declares.
    pub cap_type: String,
    /// The grant that `module_bindings` names for it, or the only one that can be meant.
    pub grant: Option<GrantId>,
}

/// A line of `routing.events`: which reducer gets the events of a schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The reducer's event schema, or one that the reducer's takes in: see [`Route::wrap`].
    pub event: SchemaId,
    /// Who gets it.
    pub reducer: ReducerId,
    /// A dotted path into the event as it is routed; `$value.` leads into whichever arm a variant
    /// has.
    pub key_field: Option<String>,
    /// The arm into which the event is put; none if it is as the reducer takes it.
    pub wrap: Option<Wrap>,
}

/// The arm of the reducer's event variant into which an event is put before the reducer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrap {
    /// The tag of the arm.
    pub tag: String,
    /// The arm carries nothing.
    pub unit: bool,
}

/// A line of `triggers`: which plan an event starts. The event is the plan's input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// The schema of the event.
    pub event: SchemaId,
    /// What it starts.
    pub plan: PlanId,
    /// A dotted path; `$value.` leads into whichever arm a variant has.
    pub correlate_by: Option<String>,
}
