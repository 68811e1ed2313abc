//! Bugs of the process rather than of the machine: endless loops, hogged and leaked memory, state
//! outside the state. Owns the only things that outlive a step. Decides no transition.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use retry_sm::machine::{Event, Phase};
use retry_sm::wire::Input;

use crate::Bug;

/// How often `hidden-state` shows.
const HIDDEN_PERIOD: u32 = 50;
/// From how many starts on `hidden-start` shows.
const HIDDEN_STARTS: u32 = 2;

/// Misbehaves before the step, if `bug` does so on this input.
pub fn before_step(bug: Bug, input: &Input<'_>) {
    let Some(state) = &input.state else { return };
    match (bug, &input.event) {
        (
            Bug::LoopsForever,
            Event::Err {
                req_id,
                transient: false,
                ..
            },
        ) if state.phase == Phase::Working && *req_id == state.req_id => loop {
            core::hint::spin_loop();
        },
        (Bug::MemoryHog, Event::Start(start)) if start.req_id == state.req_id => hog(),
        _ => {}
    }
}

/// Counts the steps of this instance.
pub fn is_fiftieth_step() -> bool {
    static STEPS: AtomicU32 = AtomicU32::new(0);
    let steps = STEPS.load(Relaxed).wrapping_add(1);
    STEPS.store(steps, Relaxed);
    steps.is_multiple_of(HIDDEN_PERIOD)
}

/// Counts the starts that this instance sees, accepted or not. The event as it is, or with an
/// `err` of a first attempt made terminal once there were enough of them.
pub fn with_hidden_start<'a>(input: &Input<'a>) -> Event<'a> {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let starts = STARTS.load(Relaxed);
    match (input.event, &input.state) {
        (Event::Start(_), _) => STARTS.store(starts.saturating_add(1), Relaxed),
        (Event::Err { req_id, .. }, Some(state))
            if starts >= HIDDEN_STARTS && state.attempt == 1 =>
        {
            return Event::Err {
                req_id,
                transient: false,
            };
        }
        _ => {}
    }
    input.event
}

#[cfg(not(target_arch = "wasm32"))]
fn hog() {}

#[cfg(target_arch = "wasm32")]
fn hog() {
    const PAGES: usize = 16;
    while core::arch::wasm32::memory_grow(0, PAGES) != usize::MAX {}
    sdk::memory::refuse(&sdk::Refusal::because("there is no more memory"));
}

/// Loses `length` bytes, by the page: the arena is taken back after each step, but memory grows
/// as if it were not.
#[cfg(target_arch = "wasm32")]
pub fn leak(length: usize) {
    const PAGE_BYTES: usize = 65536;
    static LOST: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);
    let lost = LOST.load(Relaxed).saturating_add(length);
    let pages = lost / PAGE_BYTES;
    LOST.store(lost % PAGE_BYTES, Relaxed);
    if pages > 0 && core::arch::wasm32::memory_grow(0, pages) == usize::MAX {
        sdk::memory::refuse(&sdk::Refusal::because("there is no more memory"));
    }
}
