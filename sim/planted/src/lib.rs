//! The retry machine with planted bugs: what the harness must find.
//!
//! One wasm holds them all. Which one it has is a byte in its data, just after [`MARKER`], which
//! occurs once in the binary: [`select`] overwrites it before the module is loaded. The byte is 0
//! as built, which is no bug: then it behaves, to the byte of output, as the shipped machine.
//!
//! Owns the bugs and nothing of the machine: `bugs` names them, `machine` bends what the shipped
//! machine answers, `output` writes what the shipped codec can't, `process` misuses memory and
//! time. The shipped crate knows nothing of this one. Apart from all that, `deep` is a machine of
//! its own, with bugs for guided fuzzing: the byte selects it from 100 on.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_code)]

mod bugs;
pub mod deep;
mod machine;
mod output;
mod process;

pub use bugs::{BUGS, Bug};
pub use deep::{DEEP, Deep};
use retry_sm::cbor::{Buffer, Reader};
use retry_sm::{Envelope, Refusal, wire};

/// What stands before the byte that selects the bug.
pub const MARKER: &[u8] = b"planted-bug-select:";

/// Makes a planted wasm binary have that bug, one of [`BUGS`] or 0, or be the deep machine with
/// one of [`DEEP`] or 100. False if the binary does not have the marker exactly once: then nothing
/// is written.
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
    let input = decode(envelope)?;
    process::before_step(bug, &input);
    if bug == Bug::HiddenState && process::is_fiftieth_step() {
        return wire::encode(
            input.state_bytes,
            &retry_sm::machine::Reaction::Ignored,
            Buffer::new(space),
        );
    }
    if bug == Bug::TrapInBackoffStale && machine::is_err_in_backoff(&input) {
        return Err(Refusal::InvalidValue);
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

/// Reads as the shipped reducer does: the usual form first, any other if it isn't that.
fn decode(envelope: Envelope<'_>) -> Result<wire::Input<'_>, Refusal> {
    match envelope.straight().map(wire::decode) {
        Some(Ok(input)) => Ok(input),
        _ => wire::decode(Reader::new(envelope.bytes())),
    }
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    //! The byte that selects the bug, and the exports.

    use retry_sm::{Envelope, Refusal};

    use crate::{Bug, Deep, deep, process, step_with};

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

    fn step(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
        let number = selected();
        if let Some(bug) = Deep::from_number(number) {
            return deep::step(bug, envelope.bytes(), space);
        }
        let bug = Bug::from_number(number).ok_or(Refusal::InvalidValue)?;
        step_with(bug, envelope, space)
    }

    fn alloc(length: usize) -> usize {
        if selected() == Bug::Leaks as u8 {
            process::leak(length);
        }
        retry_sm::memory::alloc(length)
    }

    retry_sm::export_abi!(super::step, super::alloc);
}
