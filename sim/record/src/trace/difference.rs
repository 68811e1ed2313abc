//! The first place where two traces differ.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::trace::{Intent, Trace, Turn, ValueId};

/// The first turn that is not the same in both, and the field that tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Its index, from 0.
    pub turn: usize,
    /// What differs, in a word or two.
    pub field: Cow<'static, str>,
}

const END: &str = "end of the run";

impl Difference {
    /// One of the two ends where the other goes on, and they are the same up to there.
    pub fn is_end(&self) -> bool {
        self.field == END
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "turn {}: `{}` differs", self.turn, self.field)
    }
}

impl Trace {
    /// None when both tell the same. Bytes are compared, not where they lie.
    pub fn difference(&self, other: &Trace) -> Option<Difference> {
        for (index, (mine, theirs)) in self.turns.iter().zip(&other.turns).enumerate() {
            if let Some(field) = self.differing_field(mine, other, theirs) {
                let field = field.into();
                return Some(Difference { turn: index, field });
            }
        }
        let shorter = self.turns.len().min(other.turns.len());
        let longer = self.turns.len().max(other.turns.len());
        (shorter < longer).then_some(Difference {
            turn: shorter,
            field: END.into(),
        })
    }

    fn differing_field(&self, mine: &Turn, other: &Trace, theirs: &Turn) -> Option<&'static str> {
        let same = |a: Option<ValueId>, b: Option<ValueId>| {
            a.map(|id| self.bytes(id)) == b.map(|id| other.bytes(id))
        };
        if mine.at_ns != theirs.at_ns {
            return Some("at_ns");
        }
        if self.choice_record(&mine.choice) != other.choice_record(&theirs.choice) {
            return Some("decision");
        }
        let (my_steps, their_steps) = (self.steps_of(mine), other.steps_of(theirs));
        if my_steps.len() != their_steps.len() {
            return Some("steps");
        }
        for (a, b) in my_steps.iter().zip(their_steps) {
            if a.reducer != b.reducer || !same(a.key, b.key) || !same(Some(a.event), Some(b.event))
            {
                return Some("event");
            }
            if !same(a.after, b.after) {
                return Some("state");
            }
            if a.fault != b.fault {
                return Some("fault");
            }
        }
        self.differing_output(mine, other, theirs)
    }

    fn differing_output(&self, mine: &Turn, other: &Trace, theirs: &Turn) -> Option<&'static str> {
        let (my_events, their_events) = (
            self.emitted_in(&mine.emitted),
            other.emitted_in(&theirs.emitted),
        );
        let events_equal = my_events.len() == their_events.len()
            && my_events
                .iter()
                .zip(their_events)
                .all(|(a, b)| a.schema == b.schema && self.bytes(a.value) == other.bytes(b.value));
        if !events_equal {
            return Some("emitted events");
        }
        let (my_intents, their_intents) = (
            self.intents_in(&mine.intents),
            other.intents_in(&theirs.intents),
        );
        let hash = |trace: &Trace, intent: &Intent| trace.values.intent_hash(intent.hash);
        let intents_equal = my_intents.len() == their_intents.len()
            && my_intents
                .iter()
                .zip(their_intents)
                .all(|(a, b)| hash(self, a) == hash(other, b) && a.allowed == b.allowed);
        if !intents_equal {
            return Some("effects");
        }
        let journals_equal = mine.journal.len() == theirs.journal.len();
        if !journals_equal {
            return Some("journal");
        }
        (mine.divergence != theirs.divergence).then_some("recovery")
    }
}
