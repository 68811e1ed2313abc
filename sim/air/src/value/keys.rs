//! Which field or arm comes next in the input, however its name is spelled there.

use crate::cbor;
use crate::cbor::reader::ItemReader;
use crate::problems::value_error::{Fault, ValueError};
use crate::text::quote::{one_of, quote};
use crate::types::{RecordType, VariantType};

/// Up to so many fields are searched one by one.
const FIELDS_TO_SCAN: usize = 16;

/// Reads a field's name. Names mostly come in order, so the one after the last is tried first.
#[inline]
pub fn field_index(
    record: &RecordType,
    input: &mut ItemReader,
    next: usize,
) -> Result<usize, Fault> {
    let fields = record.fields();
    if let Some(field) = fields.get(next)
        && input.take(&field.key)
    {
        return Ok(next);
    }
    if fields.len() <= FIELDS_TO_SCAN
        && let Some(index) = fields.iter().position(|field| input.take(&field.key))
    {
        return Ok(index);
    }
    let mut found = Err(0);
    let mut unknown = None;
    input.string(cbor::TEXT, |name| {
        let order = |key: &[u8]| (key.len(), key).cmp(&(name.len(), name));
        found = fields.binary_search_by(|field| order(field.name.as_bytes()));
        unknown = found
            .is_err()
            .then(|| String::from_utf8_lossy(name).into_owned());
    })?;
    found.map_err(|_| {
        let name = unknown.unwrap_or_default();
        let found = match name.as_str() {
            "$schema" => "a payload with `$schema`, which only an envelope has".to_owned(),
            _ => format!("the unknown field {}", quote(&name)),
        };
        Box::new(ValueError::new(
            one_of(fields.iter().map(|field| &field.name)),
            found,
        ))
    })
}

/// What the first key of a variant is.
pub enum VariantKey {
    Tag,
    Value,
    /// The tag itself, as in `{Tag: value}`.
    Arm(usize),
}

/// Reads the first key of a variant, however it is spelled in the input.
pub fn variant_key(variant: &VariantType, input: &mut ItemReader) -> Result<VariantKey, Fault> {
    if input.take(cbor::TAG_KEY) {
        return Ok(VariantKey::Tag);
    }
    let start = input.position();
    let mut key = None;
    input.string(cbor::TEXT, |text| {
        key = [
            (cbor::TAG_KEY, VariantKey::Tag),
            (cbor::VALUE_KEY, VariantKey::Value),
        ]
        .into_iter()
        .find(|(item, _)| &item[1..] == text)
        .map(|(_, key)| key);
    })?;
    match key {
        Some(key) => Ok(key),
        None => {
            input.go_to(start);
            arm_index(variant, input).map(VariantKey::Arm)
        }
    }
}

pub fn arm_index(variant: &VariantType, input: &mut ItemReader) -> Result<usize, Fault> {
    let arms = variant.arms();
    if arms.len() <= FIELDS_TO_SCAN
        && let Some(index) = arms.iter().position(|arm| input.take(&arm.key))
    {
        return Ok(index);
    }
    let mut found = Err(0);
    let mut unknown = None;
    input.string(cbor::TEXT, |tag| {
        let order = |key: &[u8]| (key.len(), key).cmp(&(tag.len(), tag));
        found = arms.binary_search_by(|arm| order(arm.tag.as_bytes()));
        unknown = found
            .is_err()
            .then(|| String::from_utf8_lossy(tag).into_owned());
    })?;
    found.map_err(|_| {
        let found = format!("the unknown tag {}", quote(&unknown.unwrap_or_default()));
        Box::new(ValueError::new(
            one_of(arms.iter().map(|arm| &arm.tag)),
            found,
        ))
    })
}
