//! What lists and maps hold: their items and keys in order, their entries, how many there are.

use std::rc::Rc;

use super::item::{Halt, Item, arm_names, is_list, read};
use sim_air::cbor::canonical::Canonical;
use sim_air::{Schemas, Type};

/// What is gone through, item by item.
pub(crate) enum Items<'a> {
    Made(Option<Rc<[Item<'a>]>>, usize),
    Read {
        schemas: &'a Schemas,
        of: &'a Type,
        at: Canonical<'a>,
        left: u64,
    },
}

impl<'a> Items<'a> {
    /// The next one.
    pub fn next(&mut self) -> Result<Option<Item<'a>>, Halt> {
        match self {
            Items::Made(items, place) => {
                let item = items
                    .as_deref()
                    .and_then(|items| items.get(*place))
                    .cloned();
                *place += 1;
                Ok(item)
            }
            Items::Read { left: 0, .. } => Ok(None),
            Items::Read {
                schemas,
                of,
                at,
                left,
            } => {
                *left -= 1;
                read(schemas, of, at).map(Some)
            }
        }
    }
}

impl<'a> Item<'a> {
    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        match self {
            Item::List(_) => true,
            Item::Air(ty, _) => is_list(ty),
            _ => false,
        }
    }

    /// The items of a list, or the keys of a map, in order.
    pub fn items(&self, schemas: &'a Schemas) -> Result<Items<'a>, Halt> {
        match self {
            Item::List(items) => Ok(Items::Made(items.clone(), 0)),
            Item::Fields(fields) => {
                let keys = fields.iter().map(|(name, _)| Item::text(name));
                Ok(Items::Made(sorted(keys.collect()), 0))
            }
            Item::Air(Type::List(of) | Type::Set(of), at) => {
                let mut at = *at;
                let left = at.array().ok_or(Halt::Unsure)?;
                Ok(Items::Read {
                    schemas,
                    of,
                    at,
                    left,
                })
            }
            Item::Air(Type::Record(record), _) => {
                let keys = record.fields().iter().map(|field| Item::text(&field.name));
                Ok(Items::Made(sorted(keys.collect()), 0))
            }
            Item::Air(Type::Map(map), at) => {
                let mut keys = Vec::new();
                let mut at = *at;
                for _ in 0..at.map().ok_or(Halt::Unsure)? {
                    keys.push(read(schemas, &map.key, &mut at)?);
                    at.skip(1).ok_or(Halt::Unsure)?;
                }
                Ok(Items::Made(sorted(keys), 0))
            }
            Item::Air(Type::Variant(_), at) => {
                let names = arm_names(at)?.into_iter().flatten();
                Ok(Items::Made(sorted(names.map(Item::Text).collect()), 0))
            }
            Item::Air(..) => Err(Halt::Unsure),
            _ => Err(Halt::Fails),
        }
    }

    /// What a map holds by a key, or a list at a place.
    pub fn entry(&self, schemas: &'a Schemas, key: &Item<'a>) -> Result<Item<'a>, Halt> {
        match (self, key) {
            (list, Item::Number(place)) if list.is_list() => {
                let mut items = list.items(schemas)?;
                let mut left = usize::try_from(*place).map_err(|_| Halt::Fails)?;
                loop {
                    match (items.next()?, left) {
                        (None, _) => return Err(Halt::Fails),
                        (Some(item), 0) => return Ok(item),
                        _ => left -= 1,
                    }
                }
            }
            (Item::Air(Type::Map(map), at), key) => {
                let mut at = *at;
                for _ in 0..at.map().ok_or(Halt::Unsure)? {
                    if read(schemas, &map.key, &mut at)?.equals(schemas, key)? {
                        return read(schemas, &map.value, &mut at);
                    }
                    at.skip(1).ok_or(Halt::Unsure)?;
                }
                Err(Halt::Fails)
            }
            (map, Item::Text(name)) if map.is_map() => map.select(schemas, name),
            _ => Err(Halt::Fails),
        }
    }

    /// Whether a list holds an item, or a map a key.
    pub fn contains(&self, schemas: &'a Schemas, item: &Item<'a>) -> Result<bool, Halt> {
        if self.is_list() {
            let mut items = self.items(schemas)?;
            while let Some(known) = items.next()? {
                if known.equals(schemas, item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match item {
            Item::Text(_) | Item::Number(_) | Item::True | Item::False if self.is_map() => {
                match self.entry(schemas, item) {
                    Ok(_) => Ok(true),
                    Err(Halt::Fails) => Ok(false),
                    Err(Halt::Unsure) => Err(Halt::Unsure),
                }
            }
            _ => Err(Halt::Fails),
        }
    }

    /// How many items, entries, bytes or characters there are.
    pub fn size(&self) -> Result<i128, Halt> {
        let head = |count: Option<u64>| count.map(i128::from).ok_or(Halt::Unsure);
        match self {
            // All but the bytes that go on with a character.
            Item::Text(text) => {
                Ok(text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as i128)
            }
            Item::Bytes(bytes) => Ok(bytes.len() as i128),
            Item::List(items) => Ok(items.as_deref().map_or(0, <[Item<'_>]>::len) as i128),
            Item::Fields(fields) => Ok(fields.len() as i128),
            Item::Air(Type::List(_) | Type::Set(_), at) => head(at.clone().array()),
            Item::Air(Type::Variant(_), at) => Ok(arm_names(at)?.iter().flatten().count() as i128),
            Item::Air(_, at) => head(at.clone().map()),
            _ => Err(Halt::Fails),
        }
    }
}

/// Keys of one kind, in their order.
fn sorted(mut keys: Vec<Item<'_>>) -> Option<Rc<[Item<'_>]>> {
    keys.sort_by(|left, right| left.order(right).unwrap_or(std::cmp::Ordering::Equal));
    Some(keys.into())
}
