//! The reducer's side of linear memory: buffers that don't overlap, an arena that is taken back,
//! growth by what is needed, and addresses that `alloc` did not give.
//!
//! The reducer is called here as a host calls it that is not ours: by its bare exports.

use std::sync::OnceLock;

use libtest_mimic::Trial;
use wasmtime::{Engine, Instance, Memory, Module, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime::{Trap, TypedFunc};

use super::inputs::{self, ArgumentBytes, input, ok, start, waiting, working};
use super::trial;

const PAGE_BYTES: usize = 65_536;
const ALIGNMENT: u32 = 8;
/// What the linker puts below everything else.
const STACK_BYTES: u32 = 1 << 20;
/// Room for the largest input here and its output, and for little more.
const MEMORY_BYTES: usize = 4 << 20;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("memory", "buffers_are_apart", buffers_are_apart),
        trial("memory", "arena_is_taken_back", arena_is_taken_back),
        trial("memory", "grows_by_what_is_needed", grows_by_what_is_needed),
        trial("memory", "too_much_is_refused", too_much_is_refused),
        trial("memory", "output_is_apart", output_is_apart),
        trial("memory", "result_anywhere_in_a_buffer", result_anywhere),
        trial("memory", "result_elsewhere", result_elsewhere),
        trial("memory", "input_elsewhere", input_elsewhere),
    ]
}

struct Bare {
    store: Store<StoreLimits>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    step: TypedFunc<(u32, u32, u32), ()>,
}

impl Bare {
    fn new() -> Bare {
        static MODULE: OnceLock<Module> = OnceLock::new();
        let module = MODULE.get_or_init(|| {
            Module::new(&Engine::default(), retry_world::WASM).expect("the reducer is wasm")
        });
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES).build();
        let mut store = Store::new(module.engine(), limits);
        store.limiter(|limits| limits);
        let instance = Instance::new(&mut store, module, &[]).expect("it needs no imports");
        let memory = instance.get_memory(&mut store, "memory");
        let alloc = instance.get_typed_func(&mut store, "alloc");
        let step = instance.get_typed_func(&mut store, "step");
        Bare {
            memory: memory.expect("it is exported"),
            alloc: alloc.expect("it is exported"),
            step: step.expect("it is exported"),
            store,
        }
    }

    fn size_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    fn bytes(&self, start: u32, length: u32) -> &[u8] {
        &self.memory.data(&self.store)[start as usize..][..length as usize]
    }

    /// None if it refuses.
    fn try_alloc(&mut self, length: u32) -> Option<u32> {
        refusable(self.alloc.call(&mut self.store, length))
    }

    fn alloc(&mut self, length: u32) -> u32 {
        self.try_alloc(length).expect("there is room")
    }

    /// A buffer with these bytes in it.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let address = self.alloc(bytes.len() as u32);
        let memory = self.memory.data_mut(&mut self.store);
        memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
        address
    }

    /// The address and the length of the output; None if it refuses.
    fn step(&mut self, result: u32, input: u32, length: u32) -> Option<(u32, u32)> {
        refusable(self.step.call(&mut self.store, (result, input, length)))?;
        let word = |at| u32::from_le_bytes(self.bytes(at, 4).try_into().expect("four bytes"));
        Some((word(result), word(result + 4)))
    }

    /// A whole step as the ABI has it: the output's address and bytes.
    fn whole_step(&mut self, envelope: &[u8]) -> (u32, Vec<u8>) {
        let address = self.put(envelope);
        let result = self.alloc(8);
        let output = self.step(result, address, envelope.len() as u32);
        let (output, length) = output.expect("the input is valid");
        (output, self.bytes(output, length).to_vec())
    }
}

/// It refuses by `unreachable`: any other trap, such as an access out of bounds, is not its will.
fn refusable<T>(result: wasmtime::Result<T>) -> Option<T> {
    result
        .inspect_err(|error| {
            let trap = error.downcast_ref::<Trap>();
            assert_eq!(trap, Some(&Trap::UnreachableCodeReached), "{error:#}");
        })
        .ok()
}

fn valid() -> Vec<u8> {
    input(Some(&waiting()), ok("req-123")).encode()
}

/// A valid input whose payload is of that length.
fn long(payload_bytes: usize) -> Vec<u8> {
    let state = inputs::State {
        payload: "x".repeat(payload_bytes),
        ..working()
    };
    input(None, start(&state)).encode()
}

fn buffers_are_apart() {
    let mut bare = Bare::new();
    let mut end = STACK_BYTES;
    for length in [0, 1, 7, 8, 9, 0, 100, 65_536, 3] {
        let start = bare.alloc(length);
        assert_eq!(start % ALIGNMENT, 0);
        assert!(start >= end, "{start:#x} before {end:#x}");
        end = start + length;
        assert!(end as usize <= bare.size_bytes());
    }
}

fn arena_is_taken_back() {
    let mut bare = Bare::new();
    let first = bare.alloc(16);
    let second = bare.alloc(16);
    assert!(second >= first + 16);
    let envelopes: Vec<Vec<u8>> = inputs::all().iter().map(|input| input.encode()).collect();
    bare.whole_step(&envelopes[0]);
    for envelope in &envelopes {
        bare.whole_step(envelope);
    }
    let size_bytes = bare.size_bytes();
    for _ in 0..1_000 {
        for envelope in &envelopes {
            let address = bare.put(envelope);
            assert_eq!(address, first);
            let result = bare.alloc(8);
            let output = bare.step(result, address, envelope.len() as u32);
            output.expect("the input is valid");
        }
    }
    assert_eq!(bare.size_bytes(), size_bytes);
}

/// To the page: not at its end, by one just after it, and by many at once.
fn grows_by_what_is_needed() {
    let pages = |bytes: usize| bytes.div_ceil(PAGE_BYTES);
    let mut bare = Bare::new();
    let start = bare.alloc(0) as usize;
    let fresh_bytes = bare.size_bytes();
    assert_eq!(
        pages(fresh_bytes),
        pages(start + 1),
        "a fresh one has no page too many"
    );
    let left = fresh_bytes - start;
    for (length, expected) in [
        (left - 8, 0),
        (left, 0),
        (left + 1, 1),
        (left + PAGE_BYTES, 1),
        (left + PAGE_BYTES + 1, 2),
        (left + 10 * PAGE_BYTES, 10),
    ] {
        let mut bare = Bare::new();
        assert_eq!(bare.alloc(length as u32) as usize, start);
        let grown_bytes = bare.size_bytes() - fresh_bytes;
        assert_eq!(grown_bytes, expected * PAGE_BYTES, "{length} bytes");
    }
    for payload_bytes in [0, 10_000, 65_536, 300_000] {
        let mut bare = Bare::new();
        let envelope = long(payload_bytes);
        let (output, _) = bare.whole_step(&envelope);
        // As long as any output may be: twice the input, and half a KiB.
        let end = output as usize + 2 * envelope.len() + 512;
        let expected = pages(end).max(pages(fresh_bytes));
        assert_eq!(pages(bare.size_bytes()), expected, "{payload_bytes} bytes");
    }
}

fn too_much_is_refused() {
    for length in [
        u32::MAX,
        u32::MAX - 8,
        u32::MAX - STACK_BYTES,
        1 << 31,
        8 << 20,
    ] {
        assert_eq!(Bare::new().try_alloc(length), None, "{length}");
    }
    // The input fits, but not with its output.
    let envelope = long(2 << 20);
    let mut bare = Bare::new();
    let address = bare.put(&envelope);
    let result = bare.alloc(8);
    assert_eq!(bare.step(result, address, envelope.len() as u32), None);
}

/// The output is in no buffer that the host has, and leaves them as they are.
fn output_is_apart() {
    for payload_bytes in [0, 1, 2, 3, 4, 5, 6, 7, 1_000, 65_000] {
        let mut bare = Bare::new();
        let envelope = long(payload_bytes);
        let length = envelope.len() as u32;
        let address = bare.put(&envelope);
        let result = bare.alloc(8);
        let output = bare.step(result, address, length);
        let (output, output_length) = output.expect("the input is valid");
        assert!(output >= result + 8);
        assert_eq!(bare.bytes(address, length), envelope);
        let mut expected = b"\xa2\x65state".to_vec();
        let state = inputs::State {
            payload: "x".repeat(payload_bytes),
            ..working()
        };
        expected.extend(inputs::Node::Bytes(state.bytes()).encode_wide(ArgumentBytes(0)));
        let found = bare.bytes(output, output_length);
        assert_eq!(&found[..expected.len()], expected);
    }
}

/// The place for the result is the host's: aligned or not, and within the input if it likes.
fn result_anywhere() {
    let envelope = valid();
    let length = envelope.len() as u32;
    let (_, expected) = Bare::new().whole_step(&envelope);
    for offset in (0..9).chain(length - 8..=length.next_multiple_of(ALIGNMENT) - 8) {
        let mut bare = Bare::new();
        let address = bare.put(&envelope);
        let output = bare.step(address + offset, address, length);
        let (output, length) = output.unwrap_or_else(|| panic!("refused at {offset}"));
        assert_eq!(bare.bytes(output, length), expected, "{offset}");
    }
}

fn result_elsewhere() {
    let envelope = valid();
    let length = envelope.len() as u32;
    let place = |bare: &mut Bare| {
        let address = bare.put(&envelope);
        (address, (address + length).next_multiple_of(ALIGNMENT))
    };
    let (start, end) = place(&mut Bare::new());
    let below = [0, 8, STACK_BYTES, start - 8, start - 1];
    let above = [end - 7, end - 1, end, end + 1, end + 8, end + 800];
    let far = [u32::MAX - 8, u32::MAX];
    for result in below.into_iter().chain(above).chain(far) {
        let mut bare = Bare::new();
        let (address, _) = place(&mut bare);
        let refused = bare.step(result, address, length);
        assert_eq!(
            refused, None,
            "{result:#x}, the buffer is {start:#x} to {end:#x}"
        );
    }
}

/// A valid input is refused for its place.
fn input_elsewhere() {
    let envelope = valid();
    let length = envelope.len() as u32;
    let try_at = |allocated: u32, place: &dyn Fn(u32, u32) -> u32| {
        let mut bare = Bare::new();
        let result = bare.alloc(8);
        let start = bare.alloc(allocated);
        let input = place(start, (start + allocated).next_multiple_of(ALIGNMENT));
        // Where there is no room for it, there is nothing to be read either.
        let memory = bare.memory.data_mut(&mut bare.store);
        let slot = memory.get_mut(input as usize..);
        if let Some(slot) = slot.and_then(|rest| rest.get_mut(..envelope.len())) {
            slot.copy_from_slice(&envelope);
        }
        bare.step(result, input, length)
    };
    assert!(try_at(length, &|start, _| start).is_some());
    let too_short = [0, 1, length / 2, length - ALIGNMENT];
    for allocated in too_short {
        assert_eq!(
            try_at(allocated, &|start, _| start),
            None,
            "{allocated} bytes"
        );
    }
    for below in [1, 8, 16, 64] {
        assert_eq!(
            try_at(length, &|start, _| start - 8 - below),
            None,
            "{below}"
        );
    }
    for above in [0, 1, 8, 800] {
        assert_eq!(try_at(length, &|_, end| end + above), None, "{above}");
    }
    for address in [0, 8, STACK_BYTES / 2, u32::MAX - length, u32::MAX] {
        assert_eq!(try_at(length, &|_, _| address), None, "{address:#x}");
    }
    assert_eq!(try_at(length, &|start, _| start + ALIGNMENT), None);
}
