//! The wasm side of the ABI: linear memory as an arena, and what `alloc` and `step` do with it.
//!
//! Owns the only unsafe code. Never frees piece by piece and never leaks: the first `alloc`
//! after a step takes the whole arena back, so that the host may read an output until it asks
//! for the next buffer. Memory grows only when a step needs more than any before it.
//!
//! A host calls `alloc` twice a step, so that the little that is done here counts. Growing is rare:
//! it is done out of line and last, so that nothing need be kept in mind over it.

#![expect(
    unsafe_code,
    reason = "the host hands over addresses, and the arena makes slices of them"
)]

use core::arch::wasm32;
use core::fmt::Write;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::straight::{Page, Window};
use crate::{Envelope, Refusal, first_space_bytes};

const PAGE_BYTES: u64 = 65536;
/// What buffers are aligned to; two 32-bit words need 4.
const ALIGNMENT: u64 = 8;
/// The length of what `step` writes at `ret`.
const RESULT_BYTES: usize = 8;

/// An input that is longer is not read the fast way.
const SHORT_INPUT_BYTES: usize = 4096;

const NOT_ALLOCATED: Refusal =
    Refusal::because("input and result must lie in buffers that `alloc` gave");
const NO_MEMORY: Refusal = Refusal::because("memory cannot grow by as much as the step needs");

unsafe extern "C" {
    /// Where the linker's own data ends and free memory begins; only its address means anything.
    static __heap_base: u8;
}

/// The end of what `alloc` gave out since the arena was last taken back. It is aligned: its lowest
/// bit says whether a step ran since.
static NEXT: AtomicUsize = AtomicUsize::new(SPENT);
const SPENT: usize = 1;

/// One whole step: reads the input, writes the output, returns its length. A trait, as a function
/// that is handed over is not inlined.
pub trait Step {
    /// Takes the step, of an input and what follows it in memory.
    fn step(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal>;

    /// The same, of an input alone, which may be in any form.
    fn step_in_any_form(envelope: &[u8], space: &mut [u8]) -> Result<usize, Refusal>;
}

/// A buffer of `length` bytes, good until the first `alloc` after the next step.
/// Traps when memory can't grow.
#[inline(always)]
pub fn alloc(length: usize) -> usize {
    let next = NEXT.load(Relaxed);
    let start = if next & SPENT == 0 {
        next
    } else {
        arena_start()
    };
    let end = aligned(start as u64 + length as u64);
    if end > memory_bytes() {
        return alloc_beyond(start, end);
    }
    NEXT.store(end as usize, Relaxed);
    start
}

#[cold]
#[inline(never)]
fn alloc_beyond(start: usize, end: u64) -> usize {
    grow_to(end);
    NEXT.store(end as usize, Relaxed);
    start
}

/// Takes a step on the `length` bytes at `input`, and writes the address and the length of its
/// output at `result`. Traps if it refuses, or if a buffer is not one that `alloc` gave.
#[inline(always)]
pub fn serve<S: Step>(result: usize, input: usize, length: usize) {
    let next = NEXT.load(Relaxed) & !SPENT;
    if !is_allocated(result, RESULT_BYTES, next) || !is_allocated(input, length, next) {
        refuse(&NOT_ALLOCATED);
    }
    NEXT.store(next | SPENT, Relaxed);
    let (window_bytes, space_bytes) = room_for(length);
    let output = aligned(input as u64 + window_bytes as u64).max(next as u64);
    let end = output + space_bytes as u64;
    if end > memory_bytes() {
        grow_to(end);
    }
    let output = output as usize;
    // SAFETY: both ranges lie within linear memory, which is always initialised: the input and
    // what follows it end before `output`, where the space begins, so that they don't overlap.
    // Nothing else holds a reference into the arena: there is one thread, and each call ends before
    // the next begins.
    let (memory, space) = unsafe {
        (
            core::slice::from_raw_parts(input as *const u8, window_bytes),
            core::slice::from_raw_parts_mut(output as *mut u8, space_bytes),
        )
    };
    let output_length = match S::step(Envelope::within(memory, length), space) {
        Ok(output_length) => output_length,
        Err(refusal) => step_again::<S>(refusal, (input, length), output),
    };
    let words = [output as u32, output_length as u32];
    // SAFETY: the 8 bytes at `result` are within what `alloc` gave; `memory` may share them, but
    // its last use is over. The host may have aligned them as it likes.
    unsafe { (result as *mut [u32; 2]).write_unaligned(words) };
}

/// After a refusal: the same step with more and more space, if it had too little, until memory
/// can't grow any more. A step is a function of its input, so that it may be taken again.
#[cold]
#[inline(never)]
fn step_again<S: Step>(mut refusal: Refusal, input: (usize, usize), output: usize) -> usize {
    let (_, mut space_bytes) = room_for(input.1);
    while refusal.is_output_too_long() {
        space_bytes = space_bytes.saturating_mul(2);
        let end = output as u64 + space_bytes as u64;
        if end > memory_bytes() {
            grow_to(end);
        }
        // SAFETY: as in `serve`, whose references are no longer used.
        let (memory, space) = unsafe {
            (
                core::slice::from_raw_parts(input.0 as *const u8, input.1),
                core::slice::from_raw_parts_mut(output as *mut u8, space_bytes),
            )
        };
        match S::step_in_any_form(memory, space) {
            Ok(output_length) => return output_length,
            Err(other) => refusal = other,
        }
    }
    refuse(&refusal)
}

/// How a reducer says no: leaves the words where the host looks for them, and traps.
#[cold]
#[inline(never)]
pub fn refuse(refusal: &Refusal) -> ! {
    let mut message = Message::default();
    refusal.tell(&mut |piece| message.add(piece));
    message.trap()
}

/// The same of a panic.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let mut message = Message::default();
    message.add("panicked at ");
    if let Some(location) = info.location() {
        _ = write!(message, "{location}");
    }
    _ = write!(message, ": {}", info.message());
    message.trap()
}

/// The longest message, in bytes.
const MESSAGE_BYTES: usize = 1024;

/// What the host shows when the reducer traps.
static MESSAGE: [AtomicU8; MESSAGE_BYTES] = [const { AtomicU8::new(0) }; MESSAGE_BYTES];

/// Its address and its length, where the host looks for them.
#[unsafe(export_name = "trap_message")]
static TRAP_MESSAGE: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// A message that is being put together; what is too long is cut.
#[derive(Default)]
struct Message {
    length: usize,
}

impl Message {
    fn add(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if let Some(place) = MESSAGE.get(self.length) {
                place.store(byte, Relaxed);
                self.length += 1;
            }
        }
    }

    fn trap(self) -> ! {
        TRAP_MESSAGE[0].store(MESSAGE.as_ptr() as usize, Relaxed);
        TRAP_MESSAGE[1].store(self.length, Relaxed);
        wasm32::unreachable()
    }
}

impl Write for Message {
    fn write_str(&mut self, piece: &str) -> core::fmt::Result {
        self.add(piece);
        Ok(())
    }
}

/// How many bytes from the input on may be read, and how many the output may have: for a short
/// input as many as the fast way wants, which is more than the output's bound.
#[inline(always)]
fn room_for(length: usize) -> (usize, usize) {
    const { assert!(first_space_bytes(SHORT_INPUT_BYTES) <= size_of::<Page>()) };
    if length <= SHORT_INPUT_BYTES {
        (size_of::<Window>(), size_of::<Page>())
    } else {
        (length, first_space_bytes(length))
    }
}

#[inline(always)]
fn arena_start() -> usize {
    aligned(&raw const __heap_base as u64) as usize
}

#[inline(always)]
fn aligned(end: u64) -> u64 {
    (end + ALIGNMENT - 1) & !(ALIGNMENT - 1)
}

#[inline(always)]
fn is_allocated(start: usize, length: usize, end: usize) -> bool {
    start >= arena_start() && start as u64 + length as u64 <= end as u64
}

#[inline(always)]
fn memory_bytes() -> u64 {
    wasm32::memory_size(0) as u64 * PAGE_BYTES
}

#[cold]
#[inline(never)]
fn grow_to(end: u64) {
    let pages = (end - memory_bytes()).div_ceil(PAGE_BYTES);
    if wasm32::memory_grow(0, pages as usize) == usize::MAX {
        refuse(&NO_MEMORY);
    }
}
