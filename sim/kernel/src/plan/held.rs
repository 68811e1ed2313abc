//! What a plan instance holds of its own: variables, results, events that arrived, effects sent.

use std::collections::BTreeMap;

use sim_air::Value;
use sim_record::trace::{IntentHash, Key, Trace};

/// What an instance holds of its own.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The input as a value, from when something may be evaluated: see
    /// [`PlanInstance::awaits_input`](super::PlanInstance::awaits_input).
    pub input: Option<Value>,
    pub vars: BTreeMap<String, Value>,
    pub results: BTreeMap<String, Value>,
    /// The event that an await waited for, by step.
    pub arrived: BTreeMap<usize, Value>,
    /// Handles of effects sent, and their receipts once there.
    pub effects: Vec<Sent>,
}

#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub handle: String,
    pub intent: IntentHash,
    pub receipt: Option<Value>,
}

pub(super) static NOTHING: Held = Held {
    input: None,
    vars: BTreeMap::new(),
    results: BTreeMap::new(),
    arrived: BTreeMap::new(),
    effects: Vec::new(),
};

impl Held {
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        let mut cbor = Vec::new();
        self.arrived
            .values()
            .for_each(|event| event.write_cbor(&mut cbor));
        for (name, value) in self.vars.iter().chain(&self.results) {
            Value::text(name).write_cbor(&mut cbor);
            value.write_cbor(&mut cbor);
        }
        for sent in &self.effects {
            key.value(trace, sent.intent.id());
            cbor.push(u8::from(sent.receipt.is_some()));
            if let Some(receipt) = &sent.receipt {
                receipt.write_cbor(&mut cbor);
            }
        }
        key.bytes(&cbor);
    }

    /// A step gives a value to a variable.
    pub fn give(&mut self, var: &str, step: &str, value: Value) {
        self.vars.insert(var.to_owned(), value.clone());
        self.results.insert(step.to_owned(), value);
    }
}
