//! What conditions see of the run beside the moment: time, counters, cells.

use super::{Judge, count_of};
use crate::at::write_value;
use crate::evaluate::View;
use crate::fields::{Fields, list, null};
use crate::memory::{Memory, Who};
use crate::numbers::boxed;
use crate::properties::Reads;
use cel::common::value::Val;
use sim_air::ReducerId;
use sim_model::Seen;
use sim_record::trace::{Key, Trace, ValueId};

impl Judge<'_> {
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
        if !reads.each.is_empty() {
            let each = reads.each.iter().map(|place| {
                let counter = &self.watched.rules.counters[*place as usize];
                let each: Box<dyn Val> = Box::new(memory.each(*place));
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
            let reducers = self
                .world
                .reducers()
                .map(|(id, reducer)| (reducer.name.as_str(), self.cells(memory, seen.trace, id)));
            variables.set("world", Box::new(Fields::named(reducers)));
        }
    }

    /// The cells of a reducer, in the order of their keys.
    pub(super) fn cells(&self, memory: &Memory, trace: &Trace, of: ReducerId) -> Box<dyn Val> {
        let cells = self
            .cells_of(memory, trace, of)
            .into_iter()
            .map(|(key, state)| {
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

/// Writes what conditions read beside the moment, to the last bit.
pub(super) fn write_of_run(
    key: &mut Key,
    memory: &Memory,
    seen: &Seen<'_>,
    reads: &Reads,
    of: Option<ReducerId>,
    who: &Who,
) {
    if reads.now {
        key.word(seen.turn.at_ns);
    }
    for counter in &reads.counters {
        match memory.counts.get(&(*counter, who.clone())) {
            Some(count) => count.write_key(key),
            None => {
                key.word(u64::MAX);
            }
        }
    }
    key.bytes(who.as_deref().unwrap_or_default().as_bytes());
    for counter in &reads.each {
        memory.write_each(*counter, key);
    }
    if reads.world || reads.cells {
        let of = of.map(|of| of.index() as u32);
        for ((reducer, cell), state) in &memory.cells {
            if reads.world || of == Some(*reducer) {
                key.word((*reducer).into());
                write_value(key, seen.trace, *cell);
                key.value(seen.trace, *state);
            }
        }
    }
}
