//! The retry machine with planted bugs: what the harness must find.
//!
//! One wasm holds them all. Which one it has is a byte in its data, just after [`MARKER`], which
//! occurs once in the binary: [`select`] overwrites it before the module is loaded. The byte is 0
//! as built, which is no bug: then it behaves, to the byte of output, as the shipped machine.
//!
//! Owns the bugs and nothing of the machine: `bugs` names them, `machine` bends what the shipped
//! machine answers, `ids` compares ids in wrong ways, `output` writes what the shipped codec can't,
//! `process` misuses memory and time. The shipped crate knows nothing of this one. Apart from all
//! that, `deep` is a machine of its own, with bugs for guided fuzzing: the byte selects it from 100
//! on. [`IDS_IN_ORDER`] is for a trial of the explorer. With [`OTHER_WORDS`] added, the state is in
//! other words, which is no bug: see `words`.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod bugs;
pub mod deep;
mod ids;
mod machine;
mod output;
mod process;
#[cfg(target_arch = "wasm32")]
mod words;

pub use bugs::{BUGS, Bug, SAYS};
pub use deep::{DEEP, Deep};
#[cfg(target_arch = "wasm32")]
use retry_sm::machine::Event;
use retry_sm::wire;
use sdk::cbor::{Buffer, Reader};
use sdk::{Envelope, Refusal};

/// What stands before the byte that selects the bug.
pub const MARKER: &[u8] = b"planted-bug-select:";

/// Added to a bug's number, or to 0: the state is in other words.
pub const OTHER_WORDS: u8 = 128;

/// A number that is not among [`BUGS`]: a start is ignored if its id sorts before that of the
/// request before. Where requests start in the order of their ids it never shows.
pub const IDS_IN_ORDER: u8 = 99;

/// Makes a planted wasm binary have that bug, one of [`BUGS`], [`IDS_IN_ORDER`] or 0, or be the
/// deep machine with one of [`DEEP`] or 100. False if the binary does not have the marker exactly
/// once: then nothing is written.
pub fn select(wasm: &mut [u8], number: u8) -> bool {
    let mut places = wasm
        .windows(MARKER.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == MARKER);
    let (Some((start, _)), None) = (places.next(), places.next()) else {
        return false;
    };
    match wasm.get_mut(start + MARKER.len()) {
        Some(byte) => {
            *byte = number;
            true
        }
        None => false,
    }
}

/// One step with `bug`, as `retry_sm::step` is one without. On the host too, but there memory
/// is not hogged or leaked.
pub fn step_with(bug: Bug, envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    let input = decode(envelope, space)?;
    process::before_step(bug, &input);
    if bug == Bug::HiddenState && process::is_fiftieth_step() {
        return wire::encode(
            input.state_bytes,
            &retry_sm::machine::Reaction::Ignored,
            Buffer::new(space),
        );
    }
    let traps = match bug {
        Bug::TrapInBackoffStale => machine::is_err_in_backoff(&input),
        Bug::TrapAtAttempt28 => machine::is_err_of_attempt_28(&input),
        _ => false,
    };
    if traps {
        return Err(Refusal::because("a planted trap"));
    }
    let event = if bug == Bug::HiddenStart {
        process::with_hidden_start(&input)
    } else {
        input.event
    };
    let reaction = machine::react(bug, input.state.as_ref(), &event);
    if bug == Bug::StateGrows
        && reaction.state.is_none()
        && let Some(state) = &input.state
    {
        return output::encode_grown(state, space);
    }
    output::encode(input.state_bytes, &reaction, space)
}

/// One step of the machine that has [`IDS_IN_ORDER`].
#[cfg(target_arch = "wasm32")]
fn step_in_order(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    let input = decode(envelope, space)?;
    if let (Some(state), Event::Start(start)) = (&input.state, &input.event) {
        let (mut known, mut started) = ([0; 8], [0; 8]);
        if start.req_id.bytes(&mut started) < state.req_id.bytes(&mut known) {
            let ignored = retry_sm::machine::Reaction::Ignored;
            return wire::encode(input.state_bytes, &ignored, Buffer::new(space));
        }
    }
    step_with(Bug::None, envelope, space)
}

/// Reads as the shipped reducer does: the usual form first, any other if it isn't that.
fn decode<'a>(envelope: Envelope<'a>, space: &mut [u8]) -> Result<wire::Input<'a>, Refusal> {
    match envelope
        .straight(space)
        .map(|(reader, _)| wire::decode(reader))
    {
        Some(Ok(input)) => Ok(input),
        _ => wire::decode(Reader::new(envelope.bytes())),
    }
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    //! The byte that selects the bug, and the exports.

    use sdk::{Envelope, Refusal, memory};

    use crate::{Bug, Deep, IDS_IN_ORDER, OTHER_WORDS};
    use crate::{deep, process, step_in_order, step_with, words};

    /// [`crate::MARKER`], the number, and padding, so that the number isn't the last byte.
    #[used]
    static SELECT: [u8; 24] = *b"planted-bug-select:\0....";

    #[expect(
        unsafe_code,
        reason = "a volatile read is not folded into the value as built"
    )]
    fn selected() -> u8 {
        // SAFETY: a reference to a static is valid to read.
        let select = unsafe { core::ptr::read_volatile(&SELECT) };
        select[crate::MARKER.len()]
    }

    fn answer(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
        let number = selected() & !OTHER_WORDS;
        if let Some(bug) = Deep::from_number(number) {
            return deep::step(bug, envelope.bytes(), space);
        }
        if number == IDS_IN_ORDER {
            return step_in_order(envelope, space);
        }
        let bug = Bug::from_number(number).ok_or(Refusal::because("no such planted bug"))?;
        step_with(bug, envelope, space)
    }

    struct Exported;

    impl memory::Step for Exported {
        fn step(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
            answer(envelope, space)
        }

        fn step_in_any_form(envelope: &[u8], space: &mut [u8]) -> Result<usize, Refusal> {
            answer(Envelope::within(envelope, envelope.len()), space)
        }
    }

    #[expect(unsafe_code, reason = "the ABI fixes the names of the exports")]
    #[unsafe(no_mangle)]
    extern "C" fn alloc(length: usize) -> usize {
        if selected() & !OTHER_WORDS == Bug::Leaks as u8 {
            process::leak(length);
        }
        memory::alloc(length)
    }

    #[expect(
        unsafe_code,
        reason = "the host hands over addresses, and states are translated where they are"
    )]
    #[unsafe(no_mangle)]
    extern "C" fn step(result: usize, input: usize, length: usize) {
        if selected() & OTHER_WORDS == 0 {
            return memory::serve::<Exported>(result, input, length);
        }
        // SAFETY: the input lies in a buffer that `alloc` gave, and nothing else refers to it yet.
        // A host that hands over anything else gets what it asks for: this is a guest.
        words::translate(unsafe { core::slice::from_raw_parts_mut(input as *mut u8, length) });
        memory::serve::<Exported>(result, input, length);
        // SAFETY: `serve` has written address and length of its output at `result`, and is done.
        let [output, length] = unsafe { (result as *const [u32; 2]).read_unaligned() };
        let output = output as *mut u8;
        // SAFETY: as above.
        words::translate(unsafe { core::slice::from_raw_parts_mut(output, length as usize) });
    }
}
