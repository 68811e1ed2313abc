//! Output envelopes that the shipped codec has no reason to write: two effects, another kind, a
//! state that grows. Owns only their outline; items and records are the shipped codec's.

use retry_sm::machine::State;
use retry_sm::wire::{put_state, put_timer, put_unchanged_state, put_work};
use sdk::Refusal;
use sdk::cbor::{Buffer, Sink};
use sdk::text::Text;

use crate::machine::Reaction;

/// Writes the output envelope into `space` and returns its length.
pub fn encode(
    state_bytes: Option<&[u8]>,
    reaction: &Reaction<'_>,
    space: &mut [u8],
) -> Result<usize, Refusal> {
    let mut out = Buffer::new(space);
    out.map(1 + u64::from(reaction.work.is_some()) + u64::from(reaction.timer.is_some()));
    match &reaction.state {
        Some(state) => put_state(&mut out, state),
        None => put_unchanged_state(&mut out, state_bytes),
    }
    if let Some(timer) = &reaction.timer {
        out.text("effects");
        out.array(reaction.timer_count);
        for _ in 0..reaction.timer_count {
            put_timer(&mut out, reaction.kind, timer);
        }
    }
    if let Some(work) = &reaction.work {
        out.text("domain_events");
        out.array(1);
        put_work(&mut out, work);
    }
    out.finish()
}

/// Writes an output that holds just `state`, its payload a byte longer. The longer payload is put
/// together at the end of `space`, which is long enough for far more than one state.
pub fn encode_grown(state: &State<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    let mut room = [0; 8];
    let payload = state.payload.bytes(&mut room);
    let start = space.len().checked_sub(payload.len() + 1);
    let (space, grown) = space.split_at_mut(start.ok_or(Refusal::output_too_long())?);
    let mut longer = Buffer::new(grown);
    longer.put(payload);
    longer.put(b".");
    longer.finish()?;
    let payload =
        core::str::from_utf8(grown).map_err(|_| Refusal::because("a payload is not UTF-8"))?;
    let grown = State {
        payload: Text::new(payload),
        ..*state
    };
    let mut out = Buffer::new(space);
    out.map(1);
    put_state(&mut out, &grown);
    out.finish()
}
