//! Mutations of values: one leaf of a value, whatever its schema.

use arbitrary::{Result, Unstructured};
use sim::air::{SchemaId, Schemas, Value};

use super::Palette;

/// Changes one leaf of a value, given and left as canonical bytes. False if nothing was changed:
/// it has no leaf, or what came of it does not fit the schema.
pub fn change(
    schemas: &Schemas,
    (schema, bytes): (SchemaId, &mut Vec<u8>),
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<bool> {
    let Ok(mut value) = schemas.decode(schema, bytes) else {
        return Ok(false);
    };
    let mut leaves = Vec::new();
    gather(&mut value, &mut leaves);
    if leaves.is_empty() {
        return Ok(false);
    }
    let index = pick(&leaves, palette, dice)?;
    replace(leaves[index], palette, dice)?;
    Ok(match schemas.encode(schema, &value) {
        Ok(encoded) if encoded != *bytes => {
            *bytes = encoded;
            true
        }
        _ => false,
    })
}

fn gather<'a>(value: &'a mut Value, leaves: &mut Vec<&'a mut Value>) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| gather(item, leaves)),
        Value::Map(entries) => entries
            .iter_mut()
            .for_each(|(_, value)| gather(value, leaves)),
        Value::Variant { value, .. } => gather(value, leaves),
        Value::Null => {}
        leaf => leaves.push(leaf),
    }
}

/// A leaf that a compare of the guest has seen, where there is one; now and then any.
fn pick(
    leaves: &[&mut Value],
    palette: &Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<usize> {
    if dice.ratio(1, 2)? {
        let compared = leaves.iter().position(|leaf| {
            number(leaf).is_some_and(|number| palette.dictionary.other_of(number).is_some())
        });
        if let Some(index) = compared {
            return Ok(index);
        }
    }
    dice.choose_index(leaves.len())
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Nat(number) => Some(*number),
        Value::Int(number) => Some(*number as u64),
        _ => None,
    }
}

fn replace(leaf: &mut Value, palette: &mut Palette<'_>, dice: &mut Unstructured<'_>) -> Result<()> {
    match leaf {
        Value::Bool(flag) => *flag = !*flag,
        Value::Nat(number) => *number = new_number(*number, palette, dice)?,
        Value::Int(number) => *number = new_number(*number as u64, palette, dice)? as i64,
        Value::Text(text) => *text = new_text(text, palette, dice)?,
        Value::Bytes(bytes) => palette.mutate_bytes(bytes),
        _ => {}
    }
    Ok(())
}

const NUMBERS: [u64; 10] = [
    0,
    1,
    2,
    3,
    10,
    1_000,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// What the guest compared it with, one of the extremes, a neighbour, a bit turned, or what
/// libFuzzer makes of its bytes.
fn new_number(number: u64, palette: &mut Palette<'_>, dice: &mut Unstructured<'_>) -> Result<u64> {
    let compared = palette.dictionary.other_of(number);
    if let Some(other) = compared
        && dice.ratio(3, 4)?
    {
        return Ok(other);
    }
    Ok(match dice.int_in_range(0..=7)? {
        0 | 1 => palette.dictionary.any(dice)?.unwrap_or(number),
        2 | 3 => *dice.choose(&NUMBERS)?,
        4 => number.wrapping_add(1),
        5 => number.wrapping_sub(1),
        6 => number ^ (1 << dice.int_in_range(0..=63)?),
        _ => {
            let length = if number <= u64::from(u32::MAX) { 4 } else { 8 };
            let mut bytes = number.to_le_bytes()[..length].to_vec();
            palette.mutate_bytes(&mut bytes);
            bytes.resize(8, 0);
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte))
        }
    })
}

fn new_text(text: &str, palette: &mut Palette<'_>, dice: &mut Unstructured<'_>) -> Result<String> {
    if !palette.words.is_empty() && dice.ratio(2, 3)? {
        return Ok(dice.choose(&palette.words)?.clone());
    }
    let mut bytes = text.as_bytes().to_vec();
    palette.mutate_bytes(&mut bytes);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
