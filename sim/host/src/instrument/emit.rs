//! The instructions that are put in. None of them traps: what they load and store lies in the
//! memory that is added, at offsets that are fixed here.

use wasm_encoder::{BlockType, InstructionSink, MemArg};

use super::body::{LEAST_LOGGED, Operand};
use super::layout::{COMPARED_BYTES, COUNT_AT, LOG_AT, LOG_ENTRIES, Layout, MEMORY};

/// The type of the function that logs, encoded: `(site i32, a i64, b i64) -> ()`.
pub(super) const RECORD_TYPE: &[u8] = &[0x60, 3, 0x7f, 0x7e, 0x7e, 0];

/// The most parameters and locals that engines allow a function.
const MOST_LOCALS: u32 = 50_000;

/// Locals added to each function, by index.
#[derive(Clone, Copy, Default)]
pub(super) struct Scratch {
    i32s: [u32; Scratch::I32S as usize],
    i64s: [u32; Scratch::I64S as usize],
}

impl Scratch {
    pub const I32S: u32 = 3;
    pub const I64S: u32 = 2;

    /// Those after so many others, if a function may have as many.
    pub fn after(count: u32) -> Option<Scratch> {
        let all = count.checked_add(Scratch::I32S + Scratch::I64S)?;
        if all > MOST_LOCALS {
            return None;
        }
        let i64s = count + Scratch::I32S;
        Some(Scratch {
            i32s: [count, count + 1, count + 2],
            i64s: [i64s, i64s + 1],
        })
    }
}

/// The code of one function as it grows.
pub(super) struct Emitter {
    pub code: Vec<u8>,
    pub scratch: Scratch,
    /// The index of the function that logs.
    record: u32,
}

impl Emitter {
    pub fn new(record: u32) -> Emitter {
        Emitter {
            code: Vec::new(),
            scratch: Scratch::default(),
            record,
        }
    }

    pub fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// Adds one to a counter, which stays at 255.
    pub fn count(&mut self, at: u32) {
        let [value, ..] = self.scratch.i32s;
        let mut sink = self.sink();
        sink.i32_const(0).i32_const(0).i32_load8_u(byte(at));
        increment(&mut sink, value);
        sink.i32_store8(byte(at));
    }

    /// Before a `select`: adds one to the counter at `at` if it takes its first operand, else to
    /// the one behind that.
    pub fn select(&mut self, at: u32) {
        let [value, second, condition] = self.scratch.i32s;
        let mut sink = self.sink();
        sink.local_tee(condition).i32_eqz().local_tee(second);
        sink.local_get(second).i32_load8_u(byte(at));
        increment(&mut sink, value);
        sink.i32_store8(byte(at)).local_get(condition);
    }

    /// A compare, which is `raw`; its operands are logged if both are large enough and they were
    /// never equal.
    pub fn compare(&mut self, operand: Operand, raw: &[u8], site: u32, solved_at: u32) {
        let (record, scratch) = (self.record, self.scratch);
        let (a, b) = match operand {
            Operand::I32 => (scratch.i32s[0], scratch.i32s[1]),
            Operand::I64 => (scratch.i64s[0], scratch.i64s[1]),
        };
        self.sink().local_set(b).local_tee(a).local_get(b);
        self.code.extend_from_slice(raw);
        let mut sink = self.sink();
        is_large(&mut sink, operand, a);
        is_large(&mut sink, operand, b);
        sink.i32_and().if_(BlockType::Empty);
        sink.i32_const(0).i32_load8_u(byte(solved_at)).i32_eqz();
        sink.if_(BlockType::Empty).i32_const(site.cast_signed());
        for value in [a, b] {
            sink.local_get(value);
            if operand == Operand::I32 {
                sink.i64_extend_i32_u();
            }
        }
        sink.call(record).end().end();
    }
}

/// `value` is where the counter is kept that is on the stack.
fn increment(sink: &mut InstructionSink<'_>, value: u32) {
    sink.local_tee(value).local_get(value);
    sink.i32_const(i32::from(u8::MAX)).i32_ne().i32_add();
}

fn is_large(sink: &mut InstructionSink<'_>, operand: Operand, value: u32) {
    let most = LEAST_LOGGED.cast_signed() - 1;
    sink.local_get(value);
    match operand {
        Operand::I32 => sink.i32_const(most as i32).i32_gt_u(),
        Operand::I64 => sink.i64_const(most).i64_gt_u(),
    };
}

/// The function that logs, as a body: it notes that a compare was equal, or else its operands.
pub(super) fn record(layout: &Layout) -> Vec<u8> {
    const SITE: u32 = 0;
    const A: u32 = 1;
    const B: u32 = 2;
    const COUNT: u32 = 3;
    const ENTRY: u32 = 4;
    // One group of locals: two of type i32.
    let mut code = vec![1, 2, 0x7f];
    let mut sink = InstructionSink::new(&mut code);
    sink.local_get(A)
        .local_get(B)
        .i64_eq()
        .if_(BlockType::Empty);
    sink.local_get(SITE).i32_const(1);
    sink.i32_store8(byte(layout.solved_at(0))).return_().end();
    sink.i32_const(0).i32_load(argument(COUNT_AT, 2));
    sink.local_tee(COUNT).i32_const(LOG_ENTRIES.cast_signed());
    sink.i32_ge_u().if_(BlockType::Empty).return_().end();
    sink.local_get(COUNT)
        .i32_const(COMPARED_BYTES.cast_signed());
    sink.i32_mul().local_tee(ENTRY).local_get(SITE);
    sink.i32_store(argument(LOG_AT, 2));
    sink.local_get(ENTRY)
        .local_get(A)
        .i64_store(argument(LOG_AT + 8, 3));
    sink.local_get(ENTRY)
        .local_get(B)
        .i64_store(argument(LOG_AT + 16, 3));
    sink.i32_const(0).local_get(COUNT).i32_const(1).i32_add();
    sink.i32_store(argument(COUNT_AT, 2)).end();
    code
}

fn byte(at: u32) -> MemArg {
    argument(at, 0)
}

fn argument(at: u32, align: u32) -> MemArg {
    MemArg {
        offset: u64::from(at),
        align,
        memory_index: MEMORY,
    }
}
