//! What stands for adapters: what a kind of effect means beside its schemas.
//!
//! Each adapter has a file, which owns the names of its kinds, what it is asked, what it answers
//! and what it keeps. Of any other kind the schemas are all that is known. Which answer is given,
//! and when, is decided elsewhere.

pub mod blob;
pub mod http;
pub mod timer;

use sim_air::{Effect, Hash, Value};
use sim_record::random::Stream;
use sim_record::trace::{Answers, Often, Outcome};

/// Who answers an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adapter {
    /// That of timers.
    Timer,
    /// That of HTTP requests.
    Http,
    /// That which stores a blob.
    BlobPut,
    /// That which gets one.
    BlobGet,
    /// One that nothing is known about.
    Unknown,
}

impl Adapter {
    /// By the kind of the effect.
    #[inline]
    pub fn of(effect: &Effect) -> Adapter {
        match effect.kind.as_str() {
            timer::SET => Adapter::Timer,
            http::REQUEST => Adapter::Http,
            blob::PUT => Adapter::BlobPut,
            blob::GET => Adapter::BlobGet,
            _ => Adapter::Unknown,
        }
    }

    /// When the answer is due to an effect with these canonical parameters that is asked for now.
    #[inline]
    pub fn due_ns(self, params: &[u8], now_ns: u64) -> u64 {
        match self {
            Adapter::Timer => timer::due_ns(params).unwrap_or(now_ns),
            _ => now_ns,
        }
    }

    /// Sets the fields of a receipt that follow from the answer, from what was asked and from the
    /// bytes that are `stored` under the blob that it names.
    pub fn complete(self, receipt: &mut Value, asked: &Value, answer: &str, stored: Option<&[u8]>) {
        match self {
            Adapter::Http => http::complete(receipt, answer),
            Adapter::BlobPut => blob::complete_put(receipt, asked),
            Adapter::BlobGet => blob::complete_get(receipt, stored),
            Adapter::Timer | Adapter::Unknown => {}
        }
    }

    /// Whether there are receipts beside the plain ones: those of blobs follow from the store.
    pub fn has_other_receipts(self) -> bool {
        !matches!(self, Adapter::BlobPut | Adapter::BlobGet)
    }

    /// Sets the fields of another receipt that it has values of its own for. `numbers` are those
    /// that the world's documents and code mention. None if there is nothing to draw from.
    pub fn vary(self, receipt: &mut Value, numbers: &[u64], stream: &mut Stream) -> Option<()> {
        match self {
            Adapter::Http => http::vary(receipt, numbers, stream),
            _ => Some(()),
        }
    }
}

/// What answers there are where a model lists none: done, not now, never. Which status they are is
/// the matter of adapters that have one.
pub fn answers() -> Answers {
    Answers::new([
        Outcome::new("ok"),
        Outcome::new("transient").given(Often::MOSTLY).going_on(),
        Outcome::new("terminal").given(Often::RARELY),
    ])
}

/// Sets a field of a record that has it.
pub fn set_field(record: &mut Value, name: &str, value: Value) {
    let Value::Map(entries) = record else { return };
    if let Some(entry) = entries
        .iter_mut()
        .find(|(key, _)| key.as_text() == Some(name))
    {
        entry.1 = value;
    }
}

/// What an adapter says beside its answer: its name, what it cost and a signature. A reducer has no
/// reason to look at them, so half of the intents get something else than the plainest.
pub(crate) struct Stamp {
    pub id: &'static str,
    pub cost_cents: Option<u64>,
    pub signature: &'static [u8],
}

const PLAIN: Stamp = Stamp {
    id: "sim",
    cost_cents: None,
    signature: &[],
};
const STAMPS: [Stamp; 8] = [
    PLAIN,
    PLAIN,
    PLAIN,
    PLAIN,
    Stamp {
        cost_cents: Some(0),
        ..PLAIN
    },
    Stamp {
        cost_cents: Some(u64::MAX),
        signature: &[0xa5; 64],
        ..PLAIN
    },
    Stamp {
        signature: &[0],
        ..PLAIN
    },
    Stamp {
        id: "an adapter of a long name, in a region far away, of its second version",
        cost_cents: Some(17),
        ..PLAIN
    },
];

impl Stamp {
    /// The same for the same intent.
    pub fn of(intent: &Hash) -> &'static Stamp {
        &STAMPS[usize::from(intent.as_bytes()[0]) % STAMPS.len()]
    }
}
