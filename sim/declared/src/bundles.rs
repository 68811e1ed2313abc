//! Ids: those of a run, by the name of the bundle that they belong to.

use std::collections::BTreeMap;

use sim_air::{Hash, Type, Value};
use sim_model::texts;
use sim_record::random::{Ratio, Stream};

/// One run in so many has ids that are nearly equal.
const NEAR_IDS: Ratio = Ratio::new(1, 8);

/// The ids of a run.
#[derive(Clone, Default, Debug)]
pub(crate) struct Bundles {
    known: BTreeMap<String, Vec<Value>>,
    /// Texts that are nearly equal, in a run that has such.
    near: Option<[String; 3]>,
}

impl Bundles {
    /// Of a new run.
    pub fn draw(stream: &mut Stream) -> Bundles {
        Bundles {
            known: BTreeMap::new(),
            near: stream.chance(NEAR_IDS).then(|| texts::family(stream)),
        }
    }

    /// A new id.
    pub fn fresh(&mut self, ty: &Type, name: &str) -> Value {
        let ids = self.known.entry(name.to_owned()).or_default();
        // Of texts that are nearly equal two may be equal, and shrinking leaves gaps in numbers.
        let numbers = ids.len() as u64 + 1..;
        let mut made = numbers.map_while(|number| id(ty, name, number, self.near.as_ref()));
        let made = made.find(|id| !ids.contains(id)).unwrap_or(Value::Null);
        ids.push(made.clone());
        made
    }

    /// One that is known, if there is one.
    pub fn pick(&self, name: &str, stream: &mut Stream) -> Option<Value> {
        stream.pick(self.known.get(name)?).cloned()
    }

    /// Takes up one that stands somewhere.
    pub fn add(&mut self, name: &str, value: Value) {
        let ids = self.known.entry(name.to_owned()).or_default();
        if !ids.contains(&value) {
            ids.push(value);
        }
    }

    /// Whether one is known.
    pub fn has(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|ids| !ids.is_empty())
    }
}

/// The id of a number in its bundle; None if the type has no ids.
pub(crate) fn id(ty: &Type, name: &str, number: u64, near: Option<&[String; 3]>) -> Option<Value> {
    let near = || near?.get(usize::try_from(number).ok()?.checked_sub(1)?);
    Some(match ty {
        Type::Text => match near() {
            Some(near) => Value::text(near.clone()),
            None => Value::text(format!("{name}{number}")),
        },
        Type::Nat | Type::Time => Value::Nat(number),
        Type::Int | Type::Duration => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
        Type::Uuid => Value::text(format!("00000000-0000-4000-8000-{number:012x}")),
        Type::Hash => Value::text(Hash::of(format!("{name}{number}").as_bytes()).to_string()),
        Type::Bytes => Value::Bytes(format!("{name}{number}").into_bytes()),
        _ => return None,
    })
}
