//! What a plan instance holds of its own: variables, results, events that arrived, effects sent.

use std::collections::BTreeMap;

use sim_air::{Value, cbor};
use sim_record::trace::{Element, IntentHash, Key, Renaming, Trace, Unpacker};

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
    /// What an instance is, as keys have it, with what it holds. Of the hashes of effects whose
    /// receipts are there nothing more comes.
    pub fn element(&self, element: Element, trace: &Trace, key: &mut Key) -> Element {
        let mut items = Vec::new();
        self.arrived
            .values()
            .for_each(|event| event.write_cbor(&mut items));
        let handles = match key.symmetry() {
            Some(_) => self.handles(trace),
            None => Vec::new(),
        };
        for (name, value) in self.vars.iter().chain(&self.results) {
            Value::text(name).write_cbor(&mut items);
            // The text of a hash says nothing of ids: what it was taken over does, further below.
            match handles.iter().position(|handle| handle == value) {
                Some(place) => {
                    cbor::write_head(&mut items, cbor::TAG, place as u64);
                    items.push(cbor::NULL);
                }
                None => value.write_cbor(&mut items),
            }
        }
        for sent in &self.effects {
            // As it was taken over, so that ids in it are seen.
            let intent = sent.intent.id();
            let preimage = trace.values.preimage(intent).unwrap_or(intent);
            let preimage = trace.bytes(preimage);
            match preimage.starts_with(&cbor::SELF_DESCRIBED) {
                true => items.extend_from_slice(preimage),
                false => cbor::write_bytes(&mut items, preimage),
            }
            items.push(u8::from(sent.receipt.is_some()));
            if let Some(receipt) = &sent.receipt {
                receipt.write_cbor(&mut items);
            }
        }
        key.with_items(element, &items)
    }

    /// Handles of the effects that it has sent, as values.
    fn handles(&self, trace: &Trace) -> Vec<Value> {
        let sent = self.effects.iter();
        let hashes = sent.map(|sent| trace.values.intent_hash(sent.intent));
        hashes.map(|hash| Value::text(hash.to_string())).collect()
    }

    /// Exchanges ids in all that it holds.
    pub fn rename(&mut self, renaming: &Renaming, (packed, trace): (&Unpacker<'_>, &Trace)) {
        let before = self.handles(trace);
        for sent in &mut self.effects {
            sent.intent = packed.renamed_intent(sent.intent);
        }
        let after = self.handles(trace);
        for value in self.vars.values_mut().chain(self.results.values_mut()) {
            let place = before.iter().position(|handle| handle == value);
            if let Some(after) = place.and_then(|place| after.get(place)) {
                value.clone_from(after);
            }
        }
        let values = self.vars.values_mut().chain(self.results.values_mut());
        let values = values.chain(self.arrived.values_mut());
        values
            .chain(&mut self.input)
            .for_each(|value| rename(value, renaming));
        for sent in &mut self.effects {
            sent.receipt
                .iter_mut()
                .for_each(|value| rename(value, renaming));
        }
    }

    /// A step gives a value to a variable.
    pub fn give(&mut self, var: &str, step: &str, value: Value) {
        self.vars.insert(var.to_owned(), value.clone());
        self.results.insert(step.to_owned(), value);
    }
}

/// Exchanges ids in the texts of a value, keys of maps among them.
fn rename(value: &mut Value, renaming: &Renaming) {
    match value {
        Value::Text(text) => {
            let renamed = renaming.text(text.as_bytes());
            if let Some(Ok(renamed)) = renamed.map(String::from_utf8) {
                *text = renamed;
            }
        }
        Value::Bytes(bytes) if std::str::from_utf8(bytes).is_ok() => {
            if let Some(renamed) = renaming.text(bytes) {
                *bytes = renamed;
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rename(item, renaming)),
        Value::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                rename(key, renaming);
                rename(value, renaming);
            }
            entries.sort_by_cached_key(|(key, _)| {
                let mut bytes = Vec::new();
                key.write_cbor(&mut bytes);
                bytes
            });
        }
        Value::Variant { value, .. } => rename(value, renaming),
        _ => {}
    }
}
