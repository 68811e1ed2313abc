//! Rebuilding a kernel from a journal alone.
//!
//! Reducers are stepped again with the journalled events; what they give out is not sent, for
//! the journal holds what became of it. A snapshot replaces the state of its cell.

use super::kernel::Moment;
use super::{Kernel, World};
use crate::reducer::StepError;
use crate::trace::{Record, Trace};

/// Why a journal could not be replayed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("record {index}: the journal begins with another world's manifest")]
    OtherWorld { index: usize },
    #[error("the reducers could not be instantiated: {0}")]
    Instantiate(#[from] StepError),
}

/// A kernel in the state that the first `records` of the trace's journal lead to, and the trace
/// of getting there. Contexts are rebuilt from the times and heights of the journal itself.
pub fn replay<'w>(
    world: &'w World,
    source: &Trace,
    records: usize,
) -> Result<(Kernel<'w>, Trace), ReplayError> {
    let mut kernel = Kernel::new(world)?;
    let mut trace = Trace::default();
    for (index, record) in source.journal.iter().take(records).enumerate() {
        match record {
            Record::Manifest { hash } if *hash == world.air.manifest_hash => {
                kernel.reset(&mut trace);
            }
            Record::Manifest { .. } => return Err(ReplayError::OtherWorld { index }),
            Record::DomainEvent {
                schema,
                value,
                at_ns,
            } => {
                let value = trace.store(source.bytes(*value));
                let moment = Moment {
                    now_ns: *at_ns,
                    journal_height: index,
                };
                kernel.accept_at(&mut trace, *schema, value, moment);
            }
            Record::Snapshot {
                reducer,
                key,
                state,
            } => {
                let state = state.map(|span| trace.store(source.bytes(span)));
                kernel.restore(*reducer, key.map(|span| source.bytes(span)), state);
            }
            // What was asked for, allowed and answered follows from the events, or is the
            // business of whoever sends the effects.
            _ => {}
        }
    }
    Ok((kernel, trace))
}
