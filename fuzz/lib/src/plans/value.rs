//! The reference's own values, as plain as can be: what they are, and what their canonical bytes
//! are without a schema. Written from the text of the format, and never with the help of
//! `sim::air`'s codec or operators; only SHA-256 is theirs.

use sim::air::Value;

/// Which kind of integer a number is held as: the result of arithmetic depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Nat,
    Int,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Val {
    Null,
    Bool(bool),
    Number(i128, Kind),
    Bytes(Vec<u8>),
    Text(String),
    /// A list, or a set in order.
    List(Vec<Val>),
    /// A record or a map, in the order of the encoded keys.
    Map(Vec<(Val, Val)>),
    Variant(String, Box<Val>),
}

impl Val {
    pub fn text(text: impl Into<String>) -> Val {
        Val::Text(text.into())
    }

    pub fn nat(number: u64) -> Val {
        Val::Number(number.into(), Kind::Nat)
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A record or map, put in order.
    pub fn map(mut entries: Vec<(Val, Val)>) -> Val {
        entries.sort_by_key(|(key, _)| key.cbor());
        Val::Map(entries)
    }

    pub fn field(&self, name: &str) -> Option<&Val> {
        let Val::Map(entries) = self else { return None };
        let is_it = |(key, _): &&(Val, Val)| key.as_text() == Some(name);
        entries.iter().find(is_it).map(|(_, value)| value)
    }

    /// The same as it is at run time: a variant is a map, without `$value` where that is null.
    pub fn erased(&self) -> Val {
        match self {
            Val::List(items) => Val::List(items.iter().map(Val::erased).collect()),
            Val::Map(entries) => {
                let entry = |(key, value): &(Val, Val)| (key.erased(), value.erased());
                Val::Map(entries.iter().map(entry).collect())
            }
            Val::Variant(tag, value) => {
                let mut entries = vec![(Val::text("$tag"), Val::text(tag))];
                if **value != Val::Null {
                    entries.push((Val::text("$value"), value.erased()));
                }
                Val::Map(entries)
            }
            other => other.clone(),
        }
    }

    /// Canonical CBOR, without the leading tag and without a schema.
    pub fn cbor(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Val::Null => out.push(0xf6),
            Val::Bool(flag) => out.push(if *flag { 0xf5 } else { 0xf4 }),
            Val::Number(number, _) if *number < 0 => head(&mut out, 1, -1 - number),
            Val::Number(number, _) => head(&mut out, 0, *number),
            Val::Bytes(bytes) => {
                head(&mut out, 2, bytes.len() as i128);
                out.extend(bytes);
            }
            Val::Text(text) => {
                head(&mut out, 3, text.len() as i128);
                out.extend(text.bytes());
            }
            Val::List(items) => {
                head(&mut out, 4, items.len() as i128);
                items.iter().for_each(|item| out.extend(item.cbor()));
            }
            Val::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().map(|(k, v)| (k.cbor(), v)).collect();
                entries.sort_by(|left, right| left.0.cmp(&right.0));
                head(&mut out, 5, entries.len() as i128);
                for (key, value) in entries {
                    out.extend(key);
                    out.extend(value.cbor());
                }
            }
            Val::Variant(..) => out = self.erased().cbor(),
        }
        out
    }

    /// How many nodes and bytes it has.
    pub fn size(&self) -> usize {
        1 + match self {
            Val::Bytes(bytes) => bytes.len(),
            Val::Text(text) => text.len(),
            Val::List(items) => items.iter().map(Val::size).sum(),
            Val::Map(entries) => entries.iter().map(|(k, v)| k.size() + v.size()).sum(),
            Val::Variant(_, value) => value.size(),
            _ => 0,
        }
    }
}

/// The head of a CBOR item: the shortest that holds the number.
pub fn head(out: &mut Vec<u8>, major: u8, number: i128) {
    let major = major << 5;
    let bytes = (number as u64).to_be_bytes();
    match number {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend([major | 24, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend(bytes);
        }
    }
}

/// The canonical bytes with the tag that they begin with.
pub fn described(item: &[u8]) -> Vec<u8> {
    let mut out = vec![0xd9, 0xd9, 0xf7];
    out.extend(item);
    out
}

impl From<&Value> for Val {
    fn from(value: &Value) -> Val {
        match value {
            Value::Null => Val::Null,
            Value::Bool(flag) => Val::Bool(*flag),
            Value::Int(number) => Val::Number((*number).into(), Kind::Int),
            Value::Nat(number) => Val::Number((*number).into(), Kind::Nat),
            Value::Bytes(bytes) => Val::Bytes(bytes.clone()),
            Value::Text(text) => Val::Text(text.clone()),
            Value::List(items) => Val::List(items.iter().map(Val::from).collect()),
            Value::Map(entries) => {
                let entry = |(key, value): &(Value, Value)| (key.into(), value.into());
                Val::Map(entries.iter().map(entry).collect())
            }
            Value::Variant { tag, value } => Val::Variant(tag.clone(), Box::new((&**value).into())),
        }
    }
}

impl From<&Val> for Value {
    fn from(value: &Val) -> Value {
        match value {
            Val::Null => Value::Null,
            Val::Bool(flag) => Value::Bool(*flag),
            Val::Number(number, Kind::Int) => Value::Int(*number as i64),
            Val::Number(number, Kind::Nat) => Value::Nat(*number as u64),
            Val::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Val::Text(text) => Value::Text(text.clone()),
            Val::List(items) => Value::List(items.iter().map(Value::from).collect()),
            Val::Map(entries) => {
                let entry = |(key, value): &(Val, Val)| (key.into(), value.into());
                Value::Map(entries.iter().map(entry).collect())
            }
            Val::Variant(tag, value) => Value::Variant {
                tag: tag.clone(),
                value: Box::new((&**value).into()),
            },
        }
    }
}
