//! What the operators give for values that are there. In which order arguments are evaluated is a
//! matter of the evaluator.

use std::cmp::Ordering;

use super::{Class, Evaluator};
use crate::plans::Planted;
use crate::plans::value::{Kind, Val};

pub fn len(value: &Val) -> Result<u64, Class> {
    match value {
        Val::Text(text) => Ok(text.chars().count() as u64),
        Val::Bytes(bytes) => Ok(bytes.len() as u64),
        Val::List(items) => Ok(items.len() as u64),
        Val::Map(entries) => Ok(entries.len() as u64),
        _ => Err(Class::Type),
    }
}

pub fn get(value: &Val, key: &Val) -> Result<Val, Class> {
    let found = match (value, key) {
        (Val::List(items), Val::Number(index, _)) => usize::try_from(*index)
            .ok()
            .and_then(|index| items.get(index)),
        (Val::List(_), _) => None,
        (Val::Map(entries), key) => {
            let entry = entries.iter().find(|(known, _)| alike(known, key));
            entry.map(|(_, value)| value)
        }
        _ => return Err(Class::Type),
    };
    found.cloned().ok_or(Class::NotThere)
}

pub fn has(value: &Val, key: &Val) -> Result<bool, Class> {
    match (value, key) {
        (Val::Null, _) => Ok(false),
        (Val::List(items), Val::Number(index, _)) => {
            Ok(*index >= 0 && *index < items.len() as i128)
        }
        (Val::Map(entries), key) => {
            let mut found = entries.iter().filter(|(known, _)| alike(known, key));
            Ok(found.any(|(_, value)| *value != Val::Null))
        }
        _ => Err(Class::Type),
    }
}

pub fn equal(left: &Val, right: &Val) -> Result<bool, Class> {
    let comparable = *left == Val::Null
        || *right == Val::Null
        || std::mem::discriminant(left) == std::mem::discriminant(right);
    match comparable {
        true => Ok(alike(left, right)),
        false => Err(Class::Type),
    }
}

/// Equal by value, whatever kind the numbers inside are. A variant is no map.
fn alike(left: &Val, right: &Val) -> bool {
    match (left, right) {
        (Val::Number(left, _), Val::Number(right, _)) => left == right,
        (Val::List(left), Val::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| alike(l, r))
        }
        (Val::Map(left), Val::Map(right)) => {
            let same = |(l, r): (&(Val, Val), &(Val, Val))| alike(&l.0, &r.0) && alike(&l.1, &r.1);
            left.len() == right.len() && left.iter().zip(right).all(same)
        }
        (Val::Variant(left, l), Val::Variant(right, r)) => left == right && alike(l, r),
        _ => left == right,
    }
}

pub fn order(left: &Val, right: &Val) -> Result<Ordering, Class> {
    match (left, right) {
        (Val::Number(left, _), Val::Number(right, _)) => Ok(left.cmp(right)),
        (Val::Text(left), Val::Text(right)) => Ok(left.as_bytes().cmp(right.as_bytes())),
        (Val::Bytes(left), Val::Bytes(right)) => Ok(left.cmp(right)),
        _ => Err(Class::Type),
    }
}

pub fn concat(args: &[Val]) -> Result<Val, Class> {
    let mut whole = match &args[0] {
        first @ (Val::Text(_) | Val::Bytes(_) | Val::List(_)) => first.clone(),
        _ => return Err(Class::Type),
    };
    for arg in &args[1..] {
        match (&mut whole, arg) {
            (Val::Text(whole), Val::Text(part)) => whole.push_str(part),
            (Val::Bytes(whole), Val::Bytes(part)) => whole.extend(part),
            (Val::List(whole), Val::List(part)) => whole.extend(part.iter().cloned()),
            _ => return Err(Class::Type),
        }
    }
    Ok(whole)
}

pub fn affix(op: &str, whole: &Val, part: &Val) -> Result<bool, Class> {
    let (whole, part) = match (whole, part) {
        (Val::Text(whole), Val::Text(part)) => (whole.as_bytes(), part.as_bytes()),
        (Val::Bytes(whole), Val::Bytes(part)) => (whole.as_slice(), part.as_slice()),
        _ => return Err(Class::Type),
    };
    Ok(match op {
        "starts_with" => whole.starts_with(part),
        _ => whole.ends_with(part),
    })
}

pub fn contains(whole: &Val, part: &Val) -> Result<bool, Class> {
    match (whole, part) {
        (Val::Text(whole), Val::Text(part)) => Ok(whole.contains(part.as_str())),
        (Val::List(items), part) => Ok(items.iter().any(|item| alike(item, part))),
        (Val::Map(entries), part) => Ok(entries.iter().any(|(key, _)| alike(key, part))),
        _ => Err(Class::Type),
    }
}

impl Evaluator<'_> {
    pub(super) fn arithmetic(&self, op: &str, left: &Val, right: &Val) -> Result<Val, Class> {
        let (Val::Number(a, left), Val::Number(b, right)) = (left, right) else {
            return Err(Class::Type);
        };
        if *b == 0 && matches!(op, "div" | "mod") {
            return Err(Class::ByZero);
        }
        let floors = self.planted == Planted::DivisionFloors;
        // A product of two numbers of 64 bits has at most 128, and a sign.
        let result = match op {
            "add" => Some(a + b),
            "sub" => Some(a - b),
            "mul" => a.checked_mul(*b),
            "div" if floors => Some(a.div_euclid(*b)),
            "div" => Some(a / b),
            _ => Some(a % b),
        };
        let result = result.ok_or(Class::Overflow)?;
        let both_nat = (*left, *right) == (Kind::Nat, Kind::Nat);
        let (kind, fits) = match both_nat && self.planted != Planted::AllInts {
            true => (Kind::Nat, u64::try_from(result).is_ok()),
            false => (Kind::Int, i64::try_from(result).is_ok()),
        };
        match fits {
            true => Ok(Val::Number(result, kind)),
            false => Err(Class::Overflow),
        }
    }
}
