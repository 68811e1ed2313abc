//! Where in a value something stands: names of fields, one within the other.

use std::borrow::Cow;

use minicbor::Decoder;
use minicbor::data::Type as Item;

use sim_air::{Schemas, Type, Value};

/// A path: `order.id`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// From its text, with dots between the names.
    pub fn new(text: &str) -> Path {
        let names = text.split('.').filter(|name| !name.is_empty());
        Path(names.map(str::to_owned).collect())
    }

    /// The type of what stands there.
    ///
    /// # Errors
    /// The name that there is not, and those that there are.
    pub fn resolve<'s>(
        &self,
        schemas: &'s Schemas,
        ty: &'s Type,
    ) -> Result<&'s Type, (String, Vec<String>)> {
        let mut ty = schemas.resolve(ty);
        for name in &self.0 {
            while let Type::Option(some) = ty {
                ty = schemas.resolve(some);
            }
            let next = match ty {
                Type::Record(record) => record.field(name).map(|field| &field.ty),
                Type::Map(map) => Some(&map.value),
                _ => None,
            };
            let known = || match ty {
                Type::Record(record) => record
                    .fields()
                    .iter()
                    .map(|field| field.name.clone())
                    .collect(),
                _ => Vec::new(),
            };
            ty = schemas.resolve(next.ok_or_else(|| (name.clone(), known()))?);
        }
        Ok(ty)
    }

    /// What stands there.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(value, |value, name| value.field(name))
    }

    /// What stands there in canonical bytes, as a text; in the payload, if it is a variant.
    pub fn read<'a>(&self, canonical: &'a [u8]) -> Option<Cow<'a, str>> {
        let mut decoder = Decoder::new(canonical);
        if decoder.datatype().ok()? == Item::Tag {
            decoder.tag().ok()?;
        }
        if canonical_variant(&decoder) {
            enter(&mut decoder, "$value")?;
        }
        for name in &self.0 {
            enter(&mut decoder, name)?;
        }
        match decoder.datatype().ok()? {
            Item::String => decoder.str().ok().map(Cow::Borrowed),
            Item::U8 | Item::U16 | Item::U32 | Item::U64 => {
                Some(Cow::Owned(decoder.u64().ok()?.to_string()))
            }
            Item::I8 | Item::I16 | Item::I32 | Item::I64 => {
                Some(Cow::Owned(decoder.i64().ok()?.to_string()))
            }
            _ => None,
        }
    }
}

/// Whether what comes next is a variant.
fn canonical_variant(decoder: &Decoder<'_>) -> bool {
    let mut ahead = decoder.clone();
    ahead.map().is_ok() && ahead.str().is_ok_and(|key| key == "$tag")
}

/// Goes to the value of a key of the map that comes next.
fn enter(decoder: &mut Decoder<'_>, name: &str) -> Option<()> {
    let count = decoder.map().ok()??;
    for _ in 0..count {
        match decoder.datatype().ok()? {
            Item::String if decoder.str().ok()? == name => return Some(()),
            Item::String => {}
            _ => decoder.skip().ok()?,
        }
        decoder.skip().ok()?;
    }
    None
}
