//! What conditions see of the run beside the moment: time, counters, cells.

use super::{Judge, count_of};
use crate::at::{Ids, id};
use crate::evaluate::View;
use crate::fields::{Fields, list, null};
use crate::memory::{Memory, Scalar, Who};
use crate::numbers::boxed;
use crate::properties::Reads;
use cel::common::value::Val;
use sim_air::ReducerId;
use sim_model::Seen;
use sim_record::trace::{Trace, ValueId};

impl Judge<'_> {
    /// What conditions read beside the moment, to the last bit.
    pub(super) fn ids_of_run(
        &self,
        memory: &Memory,
        seen: &Seen<'_>,
        reads: &Reads,
        of: Option<ReducerId>,
        who: &Who,
        ids: &mut Ids,
    ) {
        let number = |ids: &mut Ids, number: u64| {
            ids.extend([number as u32, (number >> 32) as u32]);
        };
        let words = |ids: &mut Ids, text: &str| {
            ids.push(text.len() as u32);
            ids.extend(text.as_bytes().chunks(4).map(|few| {
                let mut word = [0; 4];
                word[..few.len()].copy_from_slice(few);
                u32::from_le_bytes(word)
            }));
        };
        let scalar = |ids: &mut Ids, scalar: &Scalar| match scalar {
            Scalar::Null => ids.push(0),
            Scalar::Bool(is) => ids.extend([1, u32::from(*is)]),
            Scalar::Number(value) => {
                ids.push(2);
                number(ids, *value as u64);
                number(ids, (*value >> 64) as u64);
            }
            Scalar::Text(text) => {
                ids.push(3);
                words(ids, text);
            }
        };
        if reads.now {
            number(ids, seen.turn.at_ns);
        }
        for counter in &reads.counters {
            match memory.counts.get(&(*counter, who.clone())) {
                Some(count) => scalar(ids, count),
                None => ids.push(u32::MAX),
            }
        }
        words(ids, who.as_deref().unwrap_or_default());
        if reads.each {
            ids.push(memory.counts.len() as u32);
            for ((counter, who), count) in &memory.counts {
                ids.push(*counter);
                words(ids, who.as_deref().unwrap_or_default());
                scalar(ids, count);
            }
        }
        let all = reads.world;
        if all || reads.cells {
            let of = of.map(|of| of.index() as u32);
            for ((reducer, key), state) in &memory.cells {
                if all || of == Some(*reducer) {
                    ids.extend([*reducer, id(*key), id(Some(*state))]);
                }
            }
        }
    }

    pub(super) fn set_of_run(
        &self,
        memory: &Memory,
        seen: &Seen<'_>,
        reads: &Reads,
        of: Option<ReducerId>,
        who: &Who,
        view: &mut View,
    ) {
        let variables = &mut view.variables;
        if reads.now {
            let now = boxed(seen.turn.at_ns.into()).unwrap_or_else(null);
            variables.set("now", now);
        }
        for place in &reads.counters {
            let counter = &self.watched.rules.counters[*place as usize];
            variables.set(&counter.name, count_of(memory, counter, *place, who));
        }
        if reads.each {
            let counters = self.watched.rules.counters.iter().zip(0..);
            let each = counters.map(|(counter, place)| {
                let each: Box<dyn Val> = Box::new(memory.each(place));
                (counter.name.as_str(), each)
            });
            variables.set("each", Box::new(Fields::named(each)));
        }
        if reads.cells
            && let Some(of) = of
        {
            variables.set("cells", self.cells(memory, seen.trace, of));
        }
        if reads.world {
            let reducers = self.world.reducers().map(|(id, reducer)| {
                (reducer.name.as_str(), self.cells(memory, seen.trace, id))
            });
            variables.set("world", Box::new(Fields::named(reducers)));
        }
    }

    /// The cells of a reducer, in the order of their keys.
    pub(super) fn cells(&self, memory: &Memory, trace: &Trace, of: ReducerId) -> Box<dyn Val> {
        let cells = self.cells_of(memory, trace, of).into_iter().map(|(key, state)| {
            let fields = [
                ("key", self.key(trace, of, key)),
                ("state", self.state(trace, of, Some(state))),
            ];
            Box::new(Fields::named(fields)) as Box<dyn Val>
        });
        list(cells.collect())
    }

    pub(super) fn cells_of(
        &self,
        memory: &Memory,
        trace: &Trace,
        of: ReducerId,
    ) -> Vec<(Option<ValueId>, ValueId)> {
        let all = memory.cells.iter();
        let of_it = all.filter(|((reducer, _), _)| *reducer == of.index() as u32);
        let mut cells: Vec<_> = of_it.map(|((_, key), state)| (*key, *state)).collect();
        cells.sort_by_key(|(key, _)| key.map(|key| trace.bytes(key)));
        cells
    }
}
