//! What conditions see of the run beside the moment: time, counters, cells.

use super::Judge;
use crate::at::write_value;
use crate::condition::Variables;
use crate::fields::{Fields, list, null};
use crate::memory::Memory;
use crate::numbers::boxed;
use crate::scene::OfRun;
use cel::common::value::Val;
use sim_air::ReducerId;
use sim_record::trace::{Key, Trace};

impl Judge<'_> {
    pub(super) fn set_of_run(&self, trace: &Trace, of_run: OfRun<'_>, variables: &mut Variables) {
        let (memory, reads) = (of_run.memory, of_run.reads);
        if reads.now {
            let now = boxed(of_run.at_ns.into()).unwrap_or_else(null);
            variables.set("now", now);
        }
        for place in &reads.counters {
            let counter = &self.watched.rules.counters[*place as usize];
            variables.set(&counter.name, of_run.count(counter, *place).val());
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
            && let Some(of) = of_run.of
        {
            variables.set("cells", self.cells(memory, trace, of));
        }
        if reads.world {
            let reducers = self
                .world
                .reducers()
                .map(|(id, reducer)| (reducer.name.as_str(), self.cells(memory, trace, id)));
            variables.set("world", Box::new(Fields::named(reducers)));
        }
    }

    /// The cells of a reducer, in the order of their keys.
    pub(super) fn cells(&self, memory: &Memory, trace: &Trace, of: ReducerId) -> Box<dyn Val> {
        let cells = memory.cells_of(trace, of).into_iter().map(|(key, state)| {
            let fields = [
                ("key", self.key(trace, of, key)),
                ("state", self.state(trace, of, Some(state))),
            ];
            Box::new(Fields::named(fields)) as Box<dyn Val>
        });
        list(cells.collect())
    }
}

/// Writes what conditions read beside the moment, to the last bit.
pub(super) fn write_of_run(key: &mut Key, trace: &Trace, of_run: OfRun<'_>) {
    let (memory, reads) = (of_run.memory, of_run.reads);
    if reads.now {
        key.word(of_run.at_ns);
    }
    for counter in &reads.counters {
        match memory.count(*counter, of_run.whose) {
            Some(count) => count.write_key(key),
            None => {
                key.word(u64::MAX);
            }
        }
    }
    key.bytes(of_run.whose.as_deref().unwrap_or_default().as_bytes());
    for counter in &reads.each {
        memory.write_each(*counter, key);
    }
    if reads.world || reads.cells {
        let of = of_run.of.map(|of| of.index() as u32);
        for ((reducer, cell), state) in &memory.cells {
            if reads.world || of == Some(*reducer) {
                key.word((*reducer).into());
                write_value(key, trace, *cell);
                key.value(trace, *state);
            }
        }
    }
}
