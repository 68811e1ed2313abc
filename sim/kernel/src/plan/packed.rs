//! What a plan instance holds, as a row of bytes and back.

use std::collections::BTreeMap;

use super::held::{Held, Sent};
use sim_air::Value;
use sim_record::trace::{Packer, Unpacker};

impl Held {
    /// Appends it as [`Held::unpack`] reads it.
    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer.flag(self.input.is_some());
        if let Some(input) = &self.input {
            pack_value(packer, input);
        }
        pack_named(packer, &self.vars);
        pack_named(packer, &self.results);
        packer.count(self.arrived.len());
        for (step, event) in &self.arrived {
            packer.count(*step);
            pack_value(packer, event);
        }
        packer.count(self.effects.len());
        for sent in &self.effects {
            packer.row(sent.handle.as_bytes()).intent(sent.intent);
            packer.flag(sent.receipt.is_some());
            if let Some(receipt) = &sent.receipt {
                pack_value(packer, receipt);
            }
        }
    }

    /// Takes back what [`Held::pack`] packed. Exchanges no ids: see [`Held::rename`].
    pub fn unpack(packed: &mut Unpacker<'_>) -> Held {
        let input = packed.flag().then(|| unpack_value(packed));
        let (vars, results) = (unpack_named(packed), unpack_named(packed));
        let arrived = 0..packed.count();
        let arrived = arrived.map(|_| (packed.count(), unpack_value(packed)));
        let arrived = arrived.collect();
        let effects = 0..packed.count();
        let effects = effects.map(|_| Sent {
            handle: unpack_text(packed),
            intent: packed.intent(),
            receipt: packed.flag().then(|| unpack_value(packed)),
        });
        Held {
            input,
            vars,
            results,
            arrived,
            effects: effects.collect(),
        }
    }
}

fn pack_named(packer: &mut Packer<'_>, named: &BTreeMap<String, Value>) {
    packer.count(named.len());
    for (name, value) in named {
        packer.row(name.as_bytes());
        pack_value(packer, value);
    }
}

fn unpack_named(packed: &mut Unpacker<'_>) -> BTreeMap<String, Value> {
    let count = packed.count();
    let named = (0..count).map(|_| (unpack_text(packed), unpack_value(packed)));
    named.collect()
}

fn unpack_text(packed: &mut Unpacker<'_>) -> String {
    String::from_utf8_lossy(packed.row()).into_owned()
}

/// A number for each kind of value, and what is in it.
fn pack_value(packer: &mut Packer<'_>, value: &Value) {
    match value {
        Value::Null => {
            packer.number(0);
        }
        Value::Bool(flag) => {
            packer.number(1).flag(*flag);
        }
        Value::Int(number) => {
            packer.number(2).number(*number as u64);
        }
        Value::Nat(number) => {
            packer.number(3).number(*number);
        }
        Value::Bytes(bytes) => {
            packer.number(4).row(bytes);
        }
        Value::Text(text) => {
            packer.number(5).row(text.as_bytes());
        }
        Value::List(items) => {
            packer.number(6).count(items.len());
            items.iter().for_each(|item| pack_value(packer, item));
        }
        Value::Map(entries) => {
            packer.number(7).count(entries.len());
            for (key, value) in entries {
                pack_value(packer, key);
                pack_value(packer, value);
            }
        }
        Value::Variant { tag, value } => {
            packer.number(8).row(tag.as_bytes());
            pack_value(packer, value);
        }
    }
}

fn unpack_value(packed: &mut Unpacker<'_>) -> Value {
    match packed.number() {
        0 => Value::Null,
        1 => Value::Bool(packed.flag()),
        2 => Value::Int(packed.number() as i64),
        3 => Value::Nat(packed.number()),
        4 => Value::Bytes(packed.row().to_vec()),
        5 => Value::Text(unpack_text(packed)),
        6 => {
            let items = 0..packed.count();
            Value::List(items.map(|_| unpack_value(packed)).collect())
        }
        7 => {
            let entries = 0..packed.count();
            let entries = entries.map(|_| (unpack_value(packed), unpack_value(packed)));
            Value::Map(entries.collect())
        }
        _ => Value::Variant {
            tag: unpack_text(packed),
            value: Box::new(unpack_value(packed)),
        },
    }
}
