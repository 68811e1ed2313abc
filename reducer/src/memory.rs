//! The wasm side of the ABI: linear memory as an arena, and the exports `alloc` and `step`.
//!
//! Owns the only unsafe code. Never frees piece by piece and never leaks: the first `alloc`
//! after a step takes the whole arena back, so that the host may read an output until it asks
//! for the next buffer. Memory grows only when a step needs more than any before it.

#![expect(
    unsafe_code,
    reason = "the host hands over addresses, and the arena makes slices of them"
)]

use core::arch::wasm32;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::{Refusal, output_bound};

const PAGE_BYTES: usize = 65536;
/// What buffers are aligned to; two 32-bit words need 4.
const ALIGNMENT: usize = 8;
/// The length of what `step` writes at `ret`.
const RESULT_BYTES: usize = 8;

unsafe extern "C" {
    /// Where the linker's own data ends and free memory begins; only its address means anything.
    static __heap_base: u8;
}

/// The end of what `alloc` gave out since the arena was last taken back; 0 before the first.
static NEXT: AtomicUsize = AtomicUsize::new(0);
/// Whether a step ran since the last `alloc`.
static SPENT: AtomicBool = AtomicBool::new(true);

/// One whole step: reads the input, writes the output, returns its length.
pub type Step = fn(&[u8], &mut [u8]) -> Result<usize, Refusal>;

/// A buffer of `length` bytes, good until the first `alloc` after the next step.
/// Traps when memory can't grow.
#[inline]
pub fn alloc(length: usize) -> usize {
    if SPENT.load(Relaxed) {
        SPENT.store(false, Relaxed);
        NEXT.store(arena_start(), Relaxed);
    }
    let start = NEXT.load(Relaxed);
    NEXT.store(reserve(start, length), Relaxed);
    start
}

/// Runs `step` on the `length` bytes at `input`, and writes the address and the length of its
/// output at `result`. Traps if it refuses, or if a buffer is not one that `alloc` gave.
#[inline]
pub fn serve(result: usize, input: usize, length: usize, step: Step) {
    let output = NEXT.load(Relaxed).next_multiple_of(ALIGNMENT);
    let bound = output_bound(length);
    if !is_allocated(result, RESULT_BYTES) || !is_allocated(input, length) {
        refuse();
    }
    reserve(output, bound);
    SPENT.store(true, Relaxed);
    // SAFETY: both ranges lie within linear memory, which is always initialised: the input below
    // `NEXT`, the output at or above it, so that they don't overlap. Nothing else holds a
    // reference into the arena: there is one thread, and each call ends before the next begins.
    let (input, space) = unsafe {
        (
            core::slice::from_raw_parts(input as *const u8, length),
            core::slice::from_raw_parts_mut(output as *mut u8, bound),
        )
    };
    let Ok(output_length) = step(input, space) else {
        refuse()
    };
    let words = [output as u32, output_length as u32];
    // SAFETY: the 8 bytes at `result` are within what `alloc` gave; the input may share them, but
    // its last use is over. The host may have aligned them as it likes.
    unsafe { (result as *mut [u32; 2]).write_unaligned(words) };
}

/// How a reducer says no.
pub fn refuse() -> ! {
    wasm32::unreachable()
}

#[inline]
fn arena_start() -> usize {
    (&raw const __heap_base as usize).next_multiple_of(ALIGNMENT)
}

#[inline]
fn is_allocated(start: usize, length: usize) -> bool {
    let end = NEXT.load(Relaxed);
    start >= arena_start() && start <= end && length <= end - start
}

/// Makes sure that memory goes on for `length` bytes from `start`; returns the aligned end.
#[inline]
fn reserve(start: usize, length: usize) -> usize {
    let end = start
        .checked_add(length)
        .and_then(|end| end.checked_next_multiple_of(ALIGNMENT));
    let Some(end) = end else { refuse() };
    let memory_bytes = wasm32::memory_size(0) * PAGE_BYTES;
    if end > memory_bytes {
        let pages = (end - memory_bytes).div_ceil(PAGE_BYTES);
        if wasm32::memory_grow(0, pages) == usize::MAX {
            refuse();
        }
    }
    end
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    refuse()
}

/// Exports `alloc` and `step` for a function of type [`Step`], and, if that of this module won't
/// do, for an allocator of the type of [`alloc`].
#[macro_export]
macro_rules! export_abi {
    ($step:path) => {
        $crate::export_abi!($step, $crate::memory::alloc);
    };
    ($step:path, $alloc:path) => {
        #[expect(unsafe_code, reason = "the ABI fixes the names of the exports")]
        mod exports {
            #[unsafe(no_mangle)]
            extern "C" fn alloc(length: usize) -> usize {
                $alloc(length)
            }

            #[unsafe(no_mangle)]
            extern "C" fn step(result: usize, input: usize, length: usize) {
                $crate::memory::serve(result, input, length, $step);
            }
        }
    };
}
