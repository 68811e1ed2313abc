//! The forms of values, and which values two types may have in common.
//!
//! A value has one of a few forms at run time, whatever its schema says: numbers of all kinds are
//! alike, and so are texts, hashes and uuids.

use std::cell::Cell;

use crate::types::schemas::Schemas;
use crate::types::{RecordType, Type};

/// Comparing types stops after so many steps: refs can make a small document a vast type.
const MAX_COMPARISONS: usize = 100_000;

/// The form of a value at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    List,
    /// A record or a map.
    Map,
    Variant,
}

/// The form of a type's values, and whether null is among them.
pub(super) fn form(schemas: &Schemas, ty: &Type) -> (Form, bool) {
    let form = match schemas.resolve(ty) {
        Type::Option(inner) => return (form(schemas, inner).0, true),
        Type::Unit => return (Form::Null, true),
        Type::Bool => Form::Bool,
        Type::Int | Type::Nat | Type::Time | Type::Duration => Form::Number,
        Type::Text | Type::Hash | Type::Uuid | Type::Dec128 => Form::Text,
        Type::Bytes => Form::Bytes,
        Type::List(_) | Type::Set(_) => Form::List,
        Type::Record(_) | Type::Map(_) => Form::Map,
        Type::Variant(_) => Form::Variant,
        // It is resolved.
        Type::Ref(_) => Form::Null,
    };
    (form, false)
}

/// Whether some value of one type is one of the other.
pub fn fits(schemas: &Schemas, found: &Type, expected: &Type) -> bool {
    may_fit(schemas, found, expected, &Cell::new(MAX_COMPARISONS))
}

fn may_fit(schemas: &Schemas, found: &Type, expected: &Type, fuel: &Cell<usize>) -> bool {
    let Some(left) = fuel.get().checked_sub(1) else {
        return true;
    };
    fuel.set(left);
    let again = |found, expected| may_fit(schemas, found, expected, fuel);
    match (found, expected) {
        (Type::Ref(found), Type::Ref(expected)) if found == expected => true,
        (Type::Ref(_), _) | (_, Type::Ref(_)) => {
            again(schemas.resolve(found), schemas.resolve(expected))
        }
        (Type::Option(found), Type::Option(expected)) => again(found, expected),
        (Type::Option(inner), other) | (other, Type::Option(inner)) => {
            *other == Type::Unit || again(inner, other)
        }
        (
            Type::Nat | Type::Int | Type::Time | Type::Duration,
            Type::Nat | Type::Int | Type::Time | Type::Duration,
        ) => true,
        (
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128,
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128,
        ) => true,
        (Type::List(_) | Type::Set(_), Type::List(_) | Type::Set(_)) => true,
        (Type::Map(_), Type::Map(_)) => true,
        (Type::Record(found), Type::Record(expected)) => {
            let has = |record: &RecordType, name: &str| record.field(name).is_some();
            let known = found
                .fields()
                .iter()
                .all(|field| match expected.field(&field.name) {
                    Some(other) => again(&field.ty, &other.ty),
                    None => false,
                });
            let needed = expected.fields().iter();
            known && { needed }.all(|field| field.optional || has(found, &field.name))
        }
        (Type::Variant(found), Type::Variant(expected)) => found.arms().iter().any(|arm| {
            expected
                .arm(&arm.tag)
                .is_some_and(|other| again(&arm.ty, &other.ty))
        }),
        _ => found == expected,
    }
}

/// Whether a value of one type may be equal to one of the other.
pub(super) fn may_equal(schemas: &Schemas, left: &Type, right: &Type) -> bool {
    may_equal_within(schemas, left, right, &Cell::new(MAX_COMPARISONS))
}

fn may_equal_within(schemas: &Schemas, left: &Type, right: &Type, fuel: &Cell<usize>) -> bool {
    let Some(rest) = fuel.get().checked_sub(1) else {
        return true;
    };
    fuel.set(rest);
    let again = |left, right| may_equal_within(schemas, left, right, fuel);
    let (left, right) = (schemas.resolve(left), schemas.resolve(right));
    let ((left_form, left_null), (right_form, right_null)) =
        (form(schemas, left), form(schemas, right));
    if left_null && right_null {
        return true;
    }
    match (left, right) {
        (Type::Option(left), right) => again(left, right),
        (left, Type::Option(right)) => again(left, right),
        (Type::Record(left), Type::Record(right)) => {
            let pairs = left.fields().iter().zip(right.fields());
            left.fields().len() == right.fields().len() && { pairs }
                .all(|(left, right)| left.name == right.name && again(&left.ty, &right.ty))
        }
        (Type::Variant(left), Type::Variant(right)) => left.arms().iter().any(|arm| {
            let other = right.arm(&arm.tag);
            other.is_some_and(|other| again(&arm.ty, &other.ty))
        }),
        _ => left_form == right_form,
    }
}
