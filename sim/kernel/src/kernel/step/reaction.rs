//! What a reducer makes of an event: its output, checked against the documents and canonical, taken
//! whole or refused whole. What comes of it in a run is not known here.

use smallvec::SmallVec;

use crate::envelope::intent_hash;
use crate::kernel::{Asked, Kernel};
use sim_air::{Origin, Reducer, SchemaId};
use sim_host::{OutEffect, Output};
use sim_record::trace::{Emitted, Fault, ValueId, Values};

/// What a reducer makes of an event, checked and canonical.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::kernel) struct Reaction {
    pub after: Option<ValueId>,
    pub emitted: SmallVec<[Emitted; 2]>,
    pub asked: Option<Asked>,
    pub annotations: Option<ValueId>,
    /// Why its output was refused; then the rest is as if it had done nothing.
    pub fault: Option<Box<Fault>>,
}

impl Reaction {
    pub(super) fn refused(before: Option<ValueId>, fault: Fault) -> Reaction {
        Reaction {
            after: before,
            fault: Some(Box::new(fault)),
            ..Reaction::default()
        }
    }
}

impl Kernel<'_> {
    /// The output as a reaction: canonical, and what the documents allow.
    pub(super) fn check_output(
        &mut self,
        values: &mut Values,
        before: Option<ValueId>,
        reducer: &Reducer,
        output: &Output,
    ) -> Result<Reaction, Fault> {
        let schemas = &self.world.air.schemas;
        let mut reaction = Reaction::default();
        if output.effects().len() > 1 {
            return Err(nonconforming("at most one effect", output.effects().len()));
        }
        reaction.after = match output.state() {
            None => None,
            // Most ignored events echo the state, which is canonical already.
            Some(bytes) if before.is_some_and(|id| values.bytes(id) == bytes) => before,
            Some(bytes) => Some(
                values
                    .try_build(|out| schemas.canonicalise(reducer.state, bytes, out))
                    .map_err(|error| nonconforming(schemas.name(reducer.state), error))?,
            ),
        };
        for event in output.events() {
            let schema = schemas.find(event.schema).ok_or_else(|| {
                nonconforming("an event of a known schema", format!("`{}`", event.schema))
            })?;
            let value = values
                .try_build(|out| schemas.canonicalise(schema, event.value, out))
                .map_err(|error| nonconforming(schemas.name(schema), error))?;
            if let Some(key) = event.key {
                self.check_key((schema, values.bytes(value)), key)?;
            }
            reaction.emitted.push(Emitted { schema, value });
        }
        for effect in output.effects() {
            reaction.asked = Some(self.check_effect(values, reducer, &effect)?);
        }
        if let Some(bytes) = output.annotations() {
            if let Some(schema) = reducer.annotations {
                schemas
                    .canonicalise(schema, bytes, &mut Vec::new())
                    .map_err(|error| nonconforming(schemas.name(schema), error))?;
            }
            reaction.annotations = Some(values.intern(bytes));
        }
        Ok(reaction)
    }

    /// An event that says to which cell it goes says it as its route does, or it would arrive
    /// elsewhere. To whom no cell belongs it is nothing.
    fn check_key(&self, (schema, event): (SchemaId, &[u8]), key: &[u8]) -> Result<(), Fault> {
        let air = &self.world.air;
        for route in air.routes.iter().filter(|route| route.event == schema) {
            let key_schema = air.reducers[route.reducer.index()].key_schema;
            let (Some(path), Some(key_schema)) = (&route.key_field, key_schema) else {
                continue;
            };
            let mut said = Vec::new();
            air.schemas
                .canonicalise(key_schema, key, &mut said)
                .map_err(|error| nonconforming(air.schemas.name(key_schema), error))?;
            let routed = self
                .cell_key(route.reducer, (schema, event), path)
                .map_err(|error| nonconforming("a key in the event", error))?;
            if said != routed {
                return Err(nonconforming(
                    format!("an event for the cell of its `{path}`"),
                    "the key of another cell".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn check_effect(
        &mut self,
        values: &mut Values,
        reducer: &Reducer,
        asked: &OutEffect<'_>,
    ) -> Result<Asked, Fault> {
        let air = &self.world.air;
        let declared = reducer.effects_emitted.iter().copied().find(|effect| {
            let effect = &air.effects[effect.index()];
            effect.kind == asked.kind && effect.origin != Origin::Plan
        });
        let effect = declared.ok_or_else(|| {
            nonconforming(
                "an effect kind of `effects_emitted`",
                format!("`{}`", asked.kind),
            )
        })?;
        let slot = asked.cap_slot.unwrap_or("default");
        let grant = reducer
            .slots
            .get(slot)
            .and_then(|slot| slot.grant)
            .ok_or_else(|| nonconforming("a slot that is bound to a grant", format!("`{slot}`")))?;
        let definition = &air.effects[effect.index()];
        let params = values
            .try_build(|out| {
                air.schemas
                    .canonicalise(definition.params, asked.params, out)
            })
            .map_err(|error| nonconforming(air.schemas.name(definition.params), error))?;
        let hash = intent_hash(
            &mut self.scratch,
            &definition.kind,
            values.bytes(params),
            &air.grants[grant.index()].name,
            asked.idempotency_key,
        );
        Ok(Asked {
            effect,
            params,
            grant,
            hash: values.intent_over(&hash, &self.scratch),
        })
    }
}

pub(super) fn nonconforming(expected: impl ToString, found: impl ToString) -> Fault {
    Fault::Nonconforming {
        expected: expected.to_string(),
        found: found.to_string(),
    }
}
