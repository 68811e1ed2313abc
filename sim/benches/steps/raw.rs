//! The reducer in the bare engine, without our host: what each way to bound a loop costs.

use std::hint::black_box;

use wasmtime::{
    Config, Engine, InstancePre, Linker, Memory, Module, Store, TypedFunc, UpdateDeadline,
};

use super::rounds::{Contender, compare};
use super::subject::Subject;

const SEEDS: u64 = 128;
/// How often their steps are taken in a round.
const REPEATS: u64 = 20;
const ROUNDS: usize = 40;

/// What keeps a guest from going on for ever.
#[derive(Clone, Copy, PartialEq)]
pub enum Bound {
    Nothing,
    Fuel,
    Epoch,
}

/// More than any step needs.
const FUEL: u64 = 50_000_000;

/// The engine's default allocator makes each instance anew.
pub fn template(wasm: &[u8], bound: Bound) -> InstancePre<()> {
    let mut config = Config::new();
    config
        .consume_fuel(bound == Bound::Fuel)
        .epoch_interruption(bound == Bound::Epoch)
        .cranelift_nan_canonicalization(true);
    let engine = Engine::new(&config).expect("the settings are valid");
    let module = Module::from_binary(&engine, wasm).expect("it is compiled");
    Linker::new(&engine)
        .instantiate_pre(&module)
        .expect("it has no imports")
}

/// An instance of a reducer whose `step` is of the form with a return area.
pub struct Raw {
    store: Store<()>,
    bound: Bound,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    step: TypedFunc<(u32, u32, u32), ()>,
}

impl Raw {
    pub fn new(template: &InstancePre<()>, bound: Bound) -> Raw {
        let mut store = Store::new(template.module().engine(), ());
        match bound {
            Bound::Nothing => {}
            Bound::Fuel => store.set_fuel(FUEL).expect("fuel is on"),
            Bound::Epoch => {
                store.set_epoch_deadline(1);
                store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
            }
        }
        let instance = template.instantiate(&mut store).expect("it can be made");
        let memory = instance.get_memory(&mut store, "memory").expect("memory");
        let alloc = instance.get_typed_func(&mut store, "alloc").expect("alloc");
        let step = instance.get_typed_func(&mut store, "step").expect("step");
        Raw {
            store,
            bound,
            memory,
            alloc,
            step,
        }
    }

    /// The bytes of the output envelope.
    pub fn step(&mut self, input: &[u8]) -> &[u8] {
        let store = &mut self.store;
        if self.bound == Bound::Fuel {
            store.set_fuel(FUEL).expect("fuel is on");
        }
        let length = input.len() as u32;
        let pointer = self.alloc.call(&mut *store, length).expect("alloc");
        let start = pointer as usize;
        self.memory.data_mut(&mut *store)[start..start + input.len()].copy_from_slice(input);
        let area = self.alloc.call(&mut *store, 8).expect("alloc");
        self.step
            .call(&mut *store, (area, pointer, length))
            .expect("step");
        let memory = self.memory.data(store);
        let word = |at: u32| {
            let bytes = memory[at as usize..][..4].try_into().expect("four bytes");
            u32::from_le_bytes(bytes) as usize
        };
        let (start, length) = (word(area), word(area + 4));
        &memory[start..start + length]
    }
}

pub fn measure(subject: &Subject) {
    println!("a loop's bound in the bare engine, one reused instance    ns a step   with none");
    let inputs = &subject.inputs(SEEDS);
    let contender = |name, bound| {
        let template = template(retry_world::WASM, bound);
        let mut raw = Raw::new(&template, bound);
        Contender::new(name, move || {
            for _ in 0..REPEATS {
                for input in inputs {
                    black_box(raw.step(input));
                }
            }
            inputs.len() as u64 * REPEATS
        })
    };
    let contenders = vec![
        contender("none", Bound::Nothing),
        contender("fuel, set for every step (ours)", Bound::Fuel),
        contender("epoch", Bound::Epoch),
    ];
    let figures = compare(ROUNDS, contenders);
    for each in &figures {
        let (ns, none) = (each.best_ns(), each.times(&figures[0]));
        println!("{:<57} {ns:>9.0}   {:>9.2}", each.name, 1.0 / none);
    }
}
