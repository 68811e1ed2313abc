//! Records, maps and variants as conditions see them.
//!
//! The maps of the crate `cel` are gone through in an order that differs from process to process;
//! [`Fields`] are in the order of their keys.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer};
use cel::common::types::{
    CelBool, CelBytes, CelInt, CelList, CelMap, CelNull, CelString, MAP_TYPE, Type as CelType,
};
use cel::common::value::{CowVal, StaticVal, Val};

use crate::numbers::{boxed, number};
use sim_air::{Schemas, Type, Value, VariantType};

/// A row of values by key, in order of the keys. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Arc<[Entry]>);

#[derive(Debug)]
struct Entry {
    key: Key,
    key_val: Box<dyn Val>,
    val: Box<dyn Val>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Bool(bool),
    Number(i128),
    Text(String),
}

impl Key {
    fn of(val: &dyn Val) -> Option<Key> {
        if let Some(text) = val.downcast_ref::<CelString<'_>>() {
            return Some(Key::Text(text.inner().to_string()));
        }
        if let Some(flag) = val.downcast_ref::<CelBool>() {
            return Some(Key::Bool(*flag.inner()));
        }
        number(val).map(Key::Number)
    }

    fn text(&self) -> String {
        match self {
            Key::Bool(flag) => flag.to_string(),
            Key::Number(number) => number.to_string(),
            Key::Text(text) => text.clone(),
        }
    }
}

impl Fields {
    /// From names and values; of two alike the first counts.
    pub fn named<'n>(entries: impl IntoIterator<Item = (&'n str, Box<dyn Val>)>) -> Fields {
        let entries = entries.into_iter();
        Fields::of(entries.map(|(name, val)| (text(name), val)))
    }

    /// From keys and values.
    pub fn of(entries: impl IntoIterator<Item = (Box<dyn Val>, Box<dyn Val>)>) -> Fields {
        let entries = entries.into_iter().filter_map(|(key_val, val)| {
            let key = Key::of(&*key_val)?;
            Some(Entry { key, key_val, val })
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_by(|left, right| left.key.cmp(&right.key));
        entries.dedup_by(|later, earlier| later.key == earlier.key);
        Fields(entries.into())
    }

    fn find(&self, key: &dyn Val) -> Result<Option<&(dyn Val + 'static)>, ExecutionError> {
        let key = Key::of(key).ok_or_else(|| ExecutionError::UnexpectedType {
            got: key.get_type().name().to_owned(),
            want: "a text, a number or a bool".to_owned(),
        })?;
        let place = self.0.binary_search_by(|entry| entry.key.cmp(&key));
        Ok(place.ok().map(|place| &*self.0[place].val))
    }

    /// Keys as texts, and values.
    pub fn entries(&self) -> impl Iterator<Item = (String, &dyn Val)> {
        self.0.iter().map(|entry| (entry.key.text(), &*entry.val))
    }
}

impl Val for Fields {
    fn get_type(&self) -> &CelType {
        &MAP_TYPE
    }

    fn cel_type() -> &'static CelType {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        if let Some(other) = other.downcast_ref::<Fields>() {
            let pairs = || self.0.iter().zip(&*other.0);
            return self.0.len() == other.0.len()
                && pairs()
                    .all(|(left, right)| left.key == right.key && left.val.equals(&*right.val));
        }
        let Some(other) = other.downcast_ref::<CelMap<'_>>() else {
            return false;
        };
        let has = |entry: &Entry| {
            let found = Indexer::get(other, &*entry.key_val);
            found.is_ok_and(|found| entry.val.equals(&*found))
        };
        self.0.len() == other.inner().len() && self.0.iter().all(has)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Fields {}

impl Container for Fields {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        self.find(key).map(|found| found.is_some())
    }
}

impl Indexer for Fields {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        match self.find(key)? {
            Some(val) => Ok(CowVal::Borrowed(val)),
            None => {
                let key = Key::of(key).map(|key| key.text()).unwrap_or_default();
                Err(ExecutionError::NoSuchKey(Arc::new(key)))
            }
        }
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

struct Keys<'b>(std::slice::Iter<'b, Entry>);

impl<'b, 'v> traits::Iterator<'b, 'v> for Keys<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0
            .next()
            .map(|entry| -> &(dyn Val + 'v) { &*entry.key_val })
    }
}

impl Iterable for Fields {
    fn iter<'b, 'v>(&'b self) -> Box<dyn traits::Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.0.iter()))
    }
}

impl Sizer for Fields {
    fn size(&self) -> CelInt {
        (self.0.len() as i64).into()
    }
}

/// A text.
pub(crate) fn text(text: &str) -> Box<dyn Val> {
    Box::new(CelString::from(text.to_owned()))
}

/// A bool.
pub(crate) fn flag(flag: bool) -> Box<dyn Val> {
    Box::new(CelBool::from(flag))
}

/// Null.
pub(crate) fn null() -> Box<dyn Val> {
    Box::new(CelNull)
}

/// A list.
pub(crate) fn list(items: Vec<Box<dyn Val>>) -> Box<dyn Val> {
    Box::new(CelList::from(items))
}

/// Whether the arms of a variant carry nothing: then a value of it is its tag.
pub(crate) fn is_plain_enum(variant: &VariantType) -> bool {
    variant.arms().iter().all(|arm| arm.unit)
}

/// A value of a type, as conditions see it.
pub(crate) fn val(schemas: &Schemas, ty: &Type, value: &Value) -> Box<dyn Val> {
    let ty = schemas.resolve(ty);
    match (ty, value) {
        (Type::Option(_), Value::Null) => null(),
        (Type::Option(some), value) => val(schemas, some, value),
        (Type::Variant(variant), Value::Variant { tag, value }) => {
            if is_plain_enum(variant) {
                return text(tag);
            }
            let payload = variant.arm(tag).map(|arm| val(schemas, &arm.ty, value));
            let payload = payload.unwrap_or_else(null);
            let again = payload.clone_as_boxed();
            let named = [("tag", text(tag)), ("value", again), (tag, payload)];
            Box::new(Fields::named(named))
        }
        (Type::Record(record), value) => {
            let fields = record.fields().iter().map(|field| {
                let found = value.field(&field.name).unwrap_or(&Value::Null);
                (field.name.as_str(), val(schemas, &field.ty, found))
            });
            Box::new(Fields::named(fields))
        }
        (Type::Map(map), Value::Map(entries)) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (val(schemas, &map.key, key), val(schemas, &map.value, value)));
            Box::new(Fields::of(entries))
        }
        (Type::List(item) | Type::Set(item), Value::List(items)) => list(
            items
                .iter()
                .map(|value| val(schemas, item, value))
                .collect(),
        ),
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> Box<dyn Val> {
    match value {
        Value::Bool(is) => flag(*is),
        Value::Int(number) => boxed(i128::from(*number)).unwrap_or_else(null),
        Value::Nat(number) => boxed(i128::from(*number)).unwrap_or_else(null),
        Value::Text(value) => text(value),
        Value::Bytes(bytes) => Box::new(CelBytes::from(bytes.clone())),
        _ => null(),
    }
}

/// A value in words, for what was found.
pub(crate) fn words(val: &dyn Val) -> String {
    if let Some(number) = number(val) {
        return number.to_string();
    }
    if let Some(text) = val.downcast_ref::<CelString<'_>>() {
        return format!("{:?}", text.inner());
    }
    if let Some(flag) = val.downcast_ref::<CelBool>() {
        return flag.inner().to_string();
    }
    if let Some(bytes) = val.downcast_ref::<CelBytes<'_>>() {
        return format!("{} bytes", bytes.inner().len());
    }
    if let Some(fields) = val.downcast_ref::<Fields>() {
        let entries = fields.entries();
        let entries = entries.map(|(name, val)| format!("{name}: {}", words(val)));
        return format!("{{{}}}", entries.collect::<Vec<String>>().join(", "));
    }
    if let Some(list) = val.downcast_ref::<CelList<'_>>() {
        let items = list.inner().iter().map(|item| words(item.as_ref()));
        return format!("[{}]", items.collect::<Vec<String>>().join(", "));
    }
    match val.get_type() == CelNull.get_type() {
        true => "null".to_owned(),
        false => val.get_type().name().to_owned(),
    }
}

/// The order of two scalars, for `min` and `max`.
pub(crate) fn order(left: &dyn Val, right: &dyn Val) -> Option<Ordering> {
    Some(number(left)?.cmp(&number(right)?))
}
