//! What a node gives: a scalar, or what is read no further than to where it is looked at.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::fields::is_plain_enum;
use sim_air::cbor::canonical::Canonical;
use sim_air::{RecordType, Schemas, Type, VariantType};

/// Why there is no value. As wide as what values hold, as those are handed on in whole words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// The crate `cel` gives an error.
    Fails,
    /// What the crate gives cannot be told.
    Unsure,
}

/// A value. Texts are UTF-8. What variants hold is made of whole words: a processor waits for a
/// value that is read in other pieces than it was written in.
#[derive(Clone, Debug)]
pub(crate) enum Item<'a> {
    Null,
    True,
    False,
    Number(i128),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// A record, a map, a list, a set, or a variant whose arms carry something: its type, and
    /// canonical bytes that begin with it.
    Air(&'a Type, Canonical<'a>),
    /// None is one without items.
    List(Option<Rc<[Item<'a>]>>),
    /// Names, each once, and values.
    Fields(Rc<[(&'a str, Item<'a>)]>),
}

impl<'a> Item<'a> {
    /// A text.
    pub fn text(text: &'a str) -> Item<'a> {
        Item::Text(text.as_bytes())
    }

    /// A bool.
    pub fn bool(flag: bool) -> Item<'a> {
        match flag {
            true => Item::True,
            false => Item::False,
        }
    }

    /// Values by names.
    pub fn fields<const COUNT: usize>(fields: [(&'a str, Item<'a>); COUNT]) -> Item<'a> {
        Item::Fields(Rc::new(fields))
    }

    /// A list of what was made.
    pub fn made(items: Vec<Item<'a>>) -> Item<'a> {
        Item::List((!items.is_empty()).then(|| items.into()))
    }

    /// A list of so many items.
    pub fn list(
        items: impl ExactSizeIterator<Item = Result<Item<'a>, Halt>>,
    ) -> Result<Item<'a>, Halt> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(item?);
        }
        Ok(Item::made(list))
    }

    /// Whether it is true; None if it is no bool.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Item::True => Some(true),
            Item::False => Some(false),
            _ => None,
        }
    }

    /// The number that it is.
    pub fn number(&self) -> Result<i128, Halt> {
        match self {
            Item::Number(number) => Ok(*number),
            _ => Err(Halt::Fails),
        }
    }

    /// What it holds by a name.
    pub fn select(&self, schemas: &'a Schemas, name: &'a [u8]) -> Result<Item<'a>, Halt> {
        match self {
            Item::Fields(fields) => {
                let found = fields.iter().find(|(known, _)| known.as_bytes() == name);
                found.map(|(_, item)| item.clone()).ok_or(Halt::Fails)
            }
            Item::Air(Type::Record(record), at) => field(schemas, record, *at, name),
            Item::Air(Type::Variant(variant), at) => arm(schemas, variant, *at, name),
            Item::Air(Type::Map(_), _) => self.entry(schemas, &Item::Text(name)),
            _ => Err(Halt::Fails),
        }
    }

    /// Whether it is something that is selected from.
    pub fn is_map(&self) -> bool {
        match self {
            Item::Fields(_) => true,
            Item::Air(ty, _) => !is_list(ty),
            _ => false,
        }
    }

    /// Whether it equals another.
    pub fn equals(&self, schemas: &'a Schemas, other: &Item<'a>) -> Result<bool, Halt> {
        Ok(match (self, other) {
            (Item::Null, Item::Null) | (Item::True, Item::True) | (Item::False, Item::False) => {
                true
            }
            (Item::Number(left), Item::Number(right)) => left == right,
            (Item::Text(left), Item::Text(right)) => left == right,
            (Item::Bytes(left), Item::Bytes(right)) => left == right,
            (Item::Air(left_type, left), Item::Air(right_type, right))
                if std::ptr::eq(*left_type, *right_type) =>
            {
                // Equal values of a type have equal canonical bytes.
                let (mut left, mut right) = (*left, *right);
                let items = left.item().zip(right.item());
                let (left, right) = items.ok_or(Halt::Unsure)?;
                left == right
            }
            (left, right) if left.is_list() && right.is_list() => {
                let mut left = left.items(schemas)?;
                let mut right = right.items(schemas)?;
                loop {
                    match (left.next()?, right.next()?) {
                        (None, None) => break true,
                        (Some(left), Some(right)) if left.equals(schemas, &right)? => {}
                        _ => break false,
                    }
                }
            }
            (left, right) if left.is_map() && right.is_map() => return Err(Halt::Unsure),
            _ => false,
        })
    }

    /// Which of the two is less.
    pub fn order(&self, other: &Item<'a>) -> Result<Ordering, Halt> {
        match (self, other) {
            (Item::Number(left), Item::Number(right)) => Ok(left.cmp(right)),
            (Item::Text(left), Item::Text(right)) => Ok(left.cmp(right)),
            (Item::Bytes(left), Item::Bytes(right)) => Ok(left.cmp(right)),
            (left, right) => match left.flag().zip(right.flag()) {
                Some((left, right)) => Ok(left.cmp(&right)),
                None => Err(Halt::Fails),
            },
        }
    }
}

/// Whether a type is one of lists.
pub(super) fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Set(_))
}

/// The value of a type that canonical bytes begin with. What it holds is not gone through.
pub(crate) fn first<'a>(
    schemas: &'a Schemas,
    ty: &'a Type,
    mut at: Canonical<'a>,
) -> Result<Item<'a>, Halt> {
    let ty = schemas.resolve(ty);
    let item = match ty {
        Type::Option(_) if at.take_null() => Some(Item::Null),
        Type::Option(some) => return first(schemas, some, at),
        Type::Nat | Type::Time | Type::Int | Type::Duration => at.int().map(Item::Number),
        Type::Text | Type::Hash | Type::Uuid | Type::Dec128 => {
            at.text().map(|text| Item::Text(text.as_bytes()))
        }
        Type::Bool => at.boolean().map(Item::bool),
        Type::Unit => at.take_null().then_some(Item::Null),
        Type::Bytes => at.byte_string().map(Item::Bytes),
        Type::Variant(variant) if is_plain_enum(variant) => {
            tag(&mut at).map(|(tag, _)| Item::Text(tag))
        }
        Type::Variant(_) | Type::Record(_) | Type::Map(_) | Type::List(_) | Type::Set(_) => {
            Some(Item::Air(ty, at))
        }
        Type::Ref(_) => None,
    };
    item.ok_or(Halt::Unsure)
}

/// The value of a type that comes next, which is gone past.
pub(super) fn read<'a>(
    schemas: &'a Schemas,
    ty: &'a Type,
    at: &mut Canonical<'a>,
) -> Result<Item<'a>, Halt> {
    let item = first(schemas, ty, *at)?;
    at.skip(1).map(|()| item).ok_or(Halt::Unsure)
}

fn field<'a>(
    schemas: &'a Schemas,
    record: &'a RecordType,
    mut at: Canonical<'a>,
    name: &[u8],
) -> Result<Item<'a>, Halt> {
    let mut fields = record.fields().iter();
    let place = fields.position(|field| field.name.as_bytes() == name);
    let place = place.ok_or(Halt::Fails)?;
    if at.map() != Some(record.fields().len() as u64) {
        return Err(Halt::Unsure);
    }
    // The fields before it, each a name and a value, and its own name.
    at.skip(2 * place as u64 + 1).ok_or(Halt::Unsure)?;
    first(schemas, &record.fields()[place].ty, at)
}

/// The tag of a variant, and whether a value comes after it.
fn tag<'a>(at: &mut Canonical<'a>) -> Option<(&'a [u8], bool)> {
    let entries = at.map()?;
    at.take(b"\x64$tag")?;
    let tag = at.text()?.as_bytes();
    match entries {
        1 => Some((tag, false)),
        _ => at.take(b"\x66$value").map(|()| (tag, true)),
    }
}

/// `tag`, `value`, or by its own name the value of the arm that it is.
fn arm<'a>(
    schemas: &'a Schemas,
    variant: &'a VariantType,
    mut at: Canonical<'a>,
    name: &[u8],
) -> Result<Item<'a>, Halt> {
    let (tag, has_value) = tag(&mut at).ok_or(Halt::Unsure)?;
    match name {
        b"tag" => return Ok(Item::Text(tag)),
        b"value" => {}
        name if name == tag => {}
        _ => return Err(Halt::Fails),
    }
    let mut arms = variant.arms().iter();
    let arm = arms.find(|arm| arm.tag.as_bytes() == tag);
    match (arm.ok_or(Halt::Unsure)?, has_value) {
        (arm, true) => first(schemas, &arm.ty, at),
        (arm, false) if arm.unit => Ok(Item::Null),
        _ => Err(Halt::Unsure),
    }
}

/// The names by which conditions see what is in a variant.
pub(super) fn arm_names<'a>(at: &Canonical<'a>) -> Result<[Option<&'a [u8]>; 3], Halt> {
    let (tag, _) = tag(&mut at.clone()).ok_or(Halt::Unsure)?;
    let own = Some(tag).filter(|tag| !matches!(*tag, b"tag" | b"value"));
    Ok([Some(b"tag"), Some(b"value"), own])
}
