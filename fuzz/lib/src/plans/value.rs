//! The reference's own types and values, as plain as can be: what fits a type, what its canonical
//! bytes are. Written from the text of the format, and never with the help of `sim::air`'s types,
//! codec or operators; only SHA-256 is theirs.

use serde_json::{Value as Json, json};
use sim::air::Value;

/// A type of AIR. A ref is an index among the schemas of the world.
#[derive(Clone, PartialEq, Debug)]
pub enum Ty {
    Bool,
    Int,
    Nat,
    Dec,
    Bytes,
    Text,
    Time,
    Duration,
    Hash,
    Uuid,
    Unit,
    Record(Vec<(&'static str, Ty)>),
    Variant(Vec<(&'static str, Ty)>),
    List(Box<Ty>),
    Set(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Option(Box<Ty>),
    Ref(usize),
}

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

/// The value does not fit the type.
#[derive(Debug)]
pub struct Misfit;

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
fn head(out: &mut Vec<u8>, major: u8, number: i128) {
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

/// The schemas of a world, by number.
pub struct Types(pub Vec<Ty>);

impl Types {
    pub fn name(index: usize) -> String {
        format!("t/S{index}@1")
    }

    /// The number in a schema's name.
    pub fn index(name: &str) -> Option<usize> {
        name.strip_prefix("t/S")?.strip_suffix("@1")?.parse().ok()
    }

    /// The type at the end of its refs.
    pub fn resolve<'t>(&'t self, mut ty: &'t Ty) -> &'t Ty {
        while let Ty::Ref(index) = ty {
            ty = &self.0[*index];
        }
        ty
    }

    /// Whether both have the same values.
    pub fn same(&self, left: &Ty, right: &Ty) -> bool {
        let fields = |left: &[(&str, Ty)], right: &[(&str, Ty)]| {
            let mut pairs = left.iter().zip(right);
            left.len() == right.len() && pairs.all(|(l, r)| l.0 == r.0 && self.same(&l.1, &r.1))
        };
        match (self.resolve(left), self.resolve(right)) {
            (Ty::Record(left), Ty::Record(right)) | (Ty::Variant(left), Ty::Variant(right)) => {
                fields(left, right)
            }
            (Ty::List(left), Ty::List(right))
            | (Ty::Set(left), Ty::Set(right))
            | (Ty::Option(left), Ty::Option(right)) => self.same(left, right),
            (Ty::Map(key, value), Ty::Map(other_key, other_value)) => {
                self.same(key, other_key) && self.same(value, other_value)
            }
            (left, right) => left == right,
        }
    }

    /// The value as its type has it: numbers of the type's kind, sets and maps in order, absent
    /// options null. Any form that a value may have at run time comes in.
    pub fn fit(&self, ty: &Ty, value: &Val) -> Result<Val, Misfit> {
        self.fit_erased(ty, &value.erased())
    }

    fn fit_erased(&self, ty: &Ty, value: &Val) -> Result<Val, Misfit> {
        let within = |number: i128, low: i128, high: i128, kind| match number {
            _ if (low..=high).contains(&number) => Ok(Val::Number(number, kind)),
            _ => Err(Misfit),
        };
        match (self.resolve(ty), value) {
            (Ty::Option(_), Val::Null) | (Ty::Unit, Val::Null) => Ok(Val::Null),
            (Ty::Option(inner), _) => self.fit_erased(inner, value),
            (Ty::Nat | Ty::Time, Val::Number(number, _)) => {
                within(*number, 0, u64::MAX.into(), Kind::Nat)
            }
            (Ty::Int | Ty::Duration, Val::Number(number, _)) => {
                within(*number, i64::MIN.into(), i64::MAX.into(), Kind::Int)
            }
            (Ty::Bool, Val::Bool(_)) | (Ty::Bytes, Val::Bytes(_)) | (Ty::Text, Val::Text(_)) => {
                Ok(value.clone())
            }
            (Ty::Hash, Val::Text(text)) if is_hash(text) => Ok(value.clone()),
            (Ty::Dec, Val::Text(text)) if is_decimal(text) => Ok(value.clone()),
            (Ty::Uuid, Val::Text(text)) if is_uuid(text) => Ok(Val::Text(text.to_lowercase())),
            (Ty::Record(fields), Val::Map(entries)) => self.fit_record(fields, entries),
            (Ty::Variant(arms), Val::Map(entries)) => self.fit_variant(arms, entries),
            (Ty::List(item), Val::List(items)) => {
                let items = items.iter().map(|value| self.fit_erased(item, value));
                Ok(Val::List(items.collect::<Result<_, _>>()?))
            }
            (Ty::Set(item), Val::List(items)) => {
                let items = items.iter().map(|value| self.fit_erased(item, value));
                let mut items: Vec<Val> = items.collect::<Result<_, _>>()?;
                items.sort_by_key(|value| self.bytes(item, value));
                items.dedup_by_key(|value| self.bytes(item, value));
                Ok(Val::List(items))
            }
            (Ty::Map(key_ty, value_ty), Val::Map(entries)) => {
                let mut fitted = Vec::new();
                for (key, value) in entries {
                    let key = self.fit_erased(key_ty, key)?;
                    fitted.push((key, self.fit_erased(value_ty, value)?));
                }
                fitted.sort_by_key(|(key, _)| key.cbor());
                match fitted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    true => Err(Misfit),
                    false => Ok(Val::Map(fitted)),
                }
            }
            _ => Err(Misfit),
        }
    }

    fn fit_record(&self, fields: &[(&str, Ty)], entries: &[(Val, Val)]) -> Result<Val, Misfit> {
        let known = |name: &Val| fields.iter().any(|field| name.as_text() == Some(field.0));
        if !entries.iter().all(|(name, _)| known(name)) {
            return Err(Misfit);
        }
        let mut fitted = Vec::new();
        for (name, ty) in fields {
            let name = Val::text(*name);
            let value = match entries.iter().find(|(key, _)| *key == name) {
                Some((_, value)) => self.fit_erased(ty, value)?,
                None if matches!(self.resolve(ty), Ty::Option(_)) => Val::Null,
                None => return Err(Misfit),
            };
            fitted.push((name, value));
        }
        Ok(Val::map(fitted))
    }

    /// `{"$tag": …, "$value": …}`, or `{Tag: value}`.
    fn fit_variant(&self, arms: &[(&str, Ty)], entries: &[(Val, Val)]) -> Result<Val, Misfit> {
        let entry = |name| Val::Map(entries.to_vec()).field(name).cloned();
        let (tag, value) = match (entry("$tag"), entry("$value"), entries) {
            (Some(tag), None, [_]) => (tag, None),
            (Some(tag), Some(value), [_, _]) => (tag, Some(value)),
            (None, None, [(tag, value)]) => (tag.clone(), Some(value.clone())),
            _ => return Err(Misfit),
        };
        let arm = arms.iter().find(|arm| tag.as_text() == Some(arm.0));
        let (tag, ty) = arm.ok_or(Misfit)?;
        let value = match (value, self.resolve(ty)) {
            (Some(value), ty) => self.fit_erased(ty, &value)?,
            (None, Ty::Unit | Ty::Option(_)) => Val::Null,
            (None, _) => return Err(Misfit),
        };
        Ok(Val::Variant((*tag).to_owned(), Box::new(value)))
    }

    /// The canonical bytes of a value that [`Types::fit`] gave, without the leading tag. Only a
    /// variant needs its type for that: `$value` is left out for unit, and is null for an option.
    pub fn bytes(&self, ty: &Ty, value: &Val) -> Vec<u8> {
        let mut out = Vec::new();
        match (self.resolve(ty), value) {
            (Ty::Option(inner), value) if *value != Val::Null => out = self.bytes(inner, value),
            (Ty::List(item) | Ty::Set(item), Val::List(items)) => {
                head(&mut out, 4, items.len() as i128);
                items
                    .iter()
                    .for_each(|value| out.extend(self.bytes(item, value)));
            }
            (Ty::Record(fields), Val::Map(entries)) => {
                head(&mut out, 5, entries.len() as i128);
                for (name, value) in entries {
                    out.extend(name.cbor());
                    let field = fields.iter().find(|field| name.as_text() == Some(field.0));
                    out.extend(field.map_or_else(Vec::new, |field| self.bytes(&field.1, value)));
                }
            }
            (Ty::Map(_, ty), Val::Map(entries)) => {
                head(&mut out, 5, entries.len() as i128);
                for (key, value) in entries {
                    out.extend(key.cbor());
                    out.extend(self.bytes(ty, value));
                }
            }
            (Ty::Variant(arms), Val::Variant(tag, value)) => {
                let ty = arms.iter().find(|arm| arm.0 == tag).map(|arm| &arm.1);
                let ty = ty.filter(|ty| *self.resolve(ty) != Ty::Unit);
                head(&mut out, 5, if ty.is_some() { 2 } else { 1 });
                out.extend(Val::text("$tag").cbor());
                out.extend(Val::text(tag).cbor());
                if let Some(ty) = ty {
                    out.extend(Val::text("$value").cbor());
                    out.extend(self.bytes(ty, value));
                }
            }
            (_, value) => out = value.cbor(),
        }
        out
    }

    /// The type as a document has it.
    pub fn document(ty: &Ty) -> Json {
        let members = |members: &[(&str, Ty)]| -> Json {
            let member = |(name, ty): &(&str, Ty)| ((*name).to_owned(), Types::document(ty));
            Json::Object(members.iter().map(member).collect())
        };
        match ty {
            Ty::Bool => json!({"bool": {}}),
            Ty::Int => json!({"int": {}}),
            Ty::Nat => json!({"nat": {}}),
            Ty::Dec => json!({"dec128": {}}),
            Ty::Bytes => json!({"bytes": {}}),
            Ty::Text => json!({"text": {}}),
            Ty::Time => json!({"time": {}}),
            Ty::Duration => json!({"duration": {}}),
            Ty::Hash => json!({"hash": {}}),
            Ty::Uuid => json!({"uuid": {}}),
            Ty::Unit => json!({"unit": {}}),
            Ty::Record(fields) => json!({"record": members(fields)}),
            Ty::Variant(arms) => json!({"variant": members(arms)}),
            Ty::List(item) => json!({"list": Types::document(item)}),
            Ty::Set(item) => json!({"set": Types::document(item)}),
            Ty::Map(key, value) => {
                json!({"map": {"key": Types::document(key), "value": Types::document(value)}})
            }
            Ty::Option(inner) => json!({"option": Types::document(inner)}),
            Ty::Ref(index) => json!({"ref": Types::name(*index)}),
        }
    }
}

pub fn is_hash(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 64 && digits.bytes().all(digit))
}

pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(digits)
}

/// Without an exponent: none is generated.
pub fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix('-').unwrap_or(text);
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    }
}
