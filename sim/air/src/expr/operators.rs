//! The operators of expressions: names, arity and what they do with values.
//!
//! Integers are exact: `int` and `nat` compare and mix by their value; a result that does not fit
//! 64 bits is an error. Texts compare bytewise. Only null equals null; what else differs in kind
//! is an error rather than unequal, since it is a mistake in the plan.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::EvalError;
use super::budget::WorkBudget;
use crate::hash::Hash;
use crate::value::Value;

macro_rules! operators {
    ($($variant:ident $name:literal $min:literal $max:literal,)*) => {
        /// An operator; each is written in documents as the word `name` gives.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Operator {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Operator {
            /// Every operator.
            pub const ALL: &[Operator] = &[$(Operator::$variant,)*];

            /// The word by which documents call it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Operator::$variant => $name,)*
                }
            }

            /// The least and the greatest number of arguments.
            pub fn arity(self) -> (usize, usize) {
                match self {
                    $(Operator::$variant => ($min, $max),)*
                }
            }
        }
    };
}

operators! {
    Len "len" 1 1,
    Get "get" 2 2,
    Has "has" 2 2,
    Eq "eq" 2 2,
    Ne "ne" 2 2,
    Lt "lt" 2 2,
    Le "le" 2 2,
    Gt "gt" 2 2,
    Ge "ge" 2 2,
    And "and" 1 64,
    Or "or" 1 64,
    Not "not" 1 1,
    Concat "concat" 1 64,
    Hash "hash" 1 1,
    HashBytes "hash_bytes" 1 1,
    Add "add" 2 2,
    Sub "sub" 2 2,
    Mul "mul" 2 2,
    Div "div" 2 2,
    Mod "mod" 2 2,
    StartsWith "starts_with" 2 2,
    EndsWith "ends_with" 2 2,
    Contains "contains" 2 2,
}

impl Operator {
    /// The result for arguments of the right number. `and` and `or` are not here: they must not
    /// evaluate all of theirs.
    pub(super) fn apply<'s>(
        self,
        args: &[Cow<'s, Value>],
        budget: &mut WorkBudget,
    ) -> Result<Cow<'s, Value>, EvalError> {
        let (first, second) = match args {
            [first] => (first, &Cow::Owned(Value::Null)),
            [first, second, ..] => (first, second),
            [] => return Err(self.mismatch("arguments", &Value::Null)),
        };
        let owned = |value| Ok(Cow::Owned(value));
        match self {
            Operator::Get => get(first, second, budget),
            Operator::Len => owned(Value::Nat(self.len(first)?)),
            Operator::Has => owned(Value::Bool(self.has(first, second)?)),
            Operator::Eq => owned(Value::Bool(self.equal(first, second)?)),
            Operator::Ne => owned(Value::Bool(!self.equal(first, second)?)),
            Operator::Lt => owned(Value::Bool(self.order(first, second)?.is_lt())),
            Operator::Le => owned(Value::Bool(self.order(first, second)?.is_le())),
            Operator::Gt => owned(Value::Bool(self.order(first, second)?.is_gt())),
            Operator::Ge => owned(Value::Bool(self.order(first, second)?.is_ge())),
            Operator::Not => match **first {
                Value::Bool(flag) => owned(Value::Bool(!flag)),
                _ => Err(self.mismatch("a bool", first)),
            },
            Operator::Concat => owned(self.concat(args, budget)?),
            Operator::Hash => {
                budget.charge(first)?;
                owned(Value::Text(Hash::of(&first.to_cbor()).to_string()))
            }
            Operator::HashBytes => match &**first {
                Value::Bytes(bytes) => owned(Value::Text(Hash::of(bytes).to_string())),
                other => Err(self.mismatch("bytes", other)),
            },
            Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Mod => {
                owned(self.arithmetic(first, second)?)
            }
            Operator::StartsWith | Operator::EndsWith => {
                owned(Value::Bool(self.affix(first, second)?))
            }
            Operator::Contains => owned(Value::Bool(self.contains(first, second)?)),
            Operator::And | Operator::Or => Err(self.mismatch("bools", first)),
        }
    }

    /// Characters of a text, bytes, items or entries.
    fn len(self, value: &Value) -> Result<u64, EvalError> {
        match value {
            Value::Text(text) => Ok(text.chars().count() as u64),
            Value::Bytes(bytes) => Ok(bytes.len() as u64),
            Value::List(items) => Ok(items.len() as u64),
            Value::Map(entries) => Ok(entries.len() as u64),
            other => Err(self.mismatch("text, bytes, a list, a set or a map", other)),
        }
    }

    /// Whether a map has the key, or a record has the field and it is not null.
    fn has(self, value: &Value, key: &Value) -> Result<bool, EvalError> {
        match value {
            Value::Map(entries) => Ok(entries
                .iter()
                .any(|(k, value)| same(k, key) && *value != Value::Null)),
            Value::List(items) => match integer(key) {
                Some(index) => Ok((0..items.len() as i128).contains(&index)),
                None => Err(self.mismatch("an index", key)),
            },
            Value::Null => Ok(false),
            other => Err(self.mismatch("a record, a map or a list", other)),
        }
    }

    fn equal(self, left: &Value, right: &Value) -> Result<bool, EvalError> {
        let comparable = *left == Value::Null
            || *right == Value::Null
            || integer(left).is_some() && integer(right).is_some()
            || std::mem::discriminant(left) == std::mem::discriminant(right);
        match comparable {
            true => Ok(same(left, right)),
            false => Err(self.mismatch("two values of one type", right)),
        }
    }

    fn order(self, left: &Value, right: &Value) -> Result<Ordering, EvalError> {
        match (left, right) {
            (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
            (Value::Bytes(left), Value::Bytes(right)) => Ok(left.cmp(right)),
            _ => match (integer(left), integer(right)) {
                (Some(left), Some(right)) => Ok(left.cmp(&right)),
                (None, _) => Err(self.mismatch("two numbers, two texts or two bytes", left)),
                _ => Err(self.mismatch("two numbers, two texts or two bytes", right)),
            },
        }
    }

    fn concat(self, args: &[Cow<'_, Value>], budget: &mut WorkBudget) -> Result<Value, EvalError> {
        let expected = "texts, bytes or lists, all alike";
        args.iter().try_for_each(|arg| budget.charge(arg))?;
        let mut result = match args.first() {
            Some(first) => (**first).clone(),
            None => return Err(self.mismatch(expected, &Value::Null)),
        };
        if !matches!(result, Value::Text(_) | Value::Bytes(_) | Value::List(_)) {
            return Err(self.mismatch(expected, &result));
        }
        for arg in args.iter().skip(1) {
            match (&mut result, &**arg) {
                (Value::Text(whole), Value::Text(part)) => whole.push_str(part),
                (Value::Bytes(whole), Value::Bytes(part)) => whole.extend_from_slice(part),
                (Value::List(whole), Value::List(part)) => whole.extend_from_slice(part),
                (_, other) => return Err(self.mismatch(expected, other)),
            }
        }
        Ok(result)
    }

    /// Two `nat` give a `nat`; with an `int` among them the result is an `int`. Division cuts
    /// towards zero, and the remainder has the sign of what is divided.
    fn arithmetic(self, left: &Value, right: &Value) -> Result<Value, EvalError> {
        let Some(a) = integer(left) else {
            return Err(self.mismatch("two numbers", left));
        };
        let Some(b) = integer(right) else {
            return Err(self.mismatch("two numbers", right));
        };
        if b == 0 && matches!(self, Operator::Div | Operator::Mod) {
            return Err(EvalError::DivisionByZero(self.name()));
        }
        let result = match self {
            Operator::Add => a.checked_add(b),
            Operator::Sub => a.checked_sub(b),
            Operator::Mul => a.checked_mul(b),
            Operator::Div => a.checked_div(b),
            _ => a.checked_rem(b),
        };
        let both_nat = matches!((left, right), (Value::Nat(_), Value::Nat(_)));
        let result = result.and_then(|number| match both_nat {
            true => u64::try_from(number).ok().map(Value::Nat),
            false => i64::try_from(number).ok().map(Value::Int),
        });
        result.ok_or(EvalError::Overflow(self.name()))
    }

    fn affix(self, whole: &Value, part: &Value) -> Result<bool, EvalError> {
        let at_start = self == Operator::StartsWith;
        match (whole, part) {
            (Value::Text(whole), Value::Text(part)) if at_start => Ok(whole.starts_with(part)),
            (Value::Text(whole), Value::Text(part)) => Ok(whole.ends_with(part)),
            (Value::Bytes(whole), Value::Bytes(part)) if at_start => Ok(whole.starts_with(part)),
            (Value::Bytes(whole), Value::Bytes(part)) => Ok(whole.ends_with(part)),
            (Value::Text(_) | Value::Bytes(_), other) => {
                Err(self.mismatch("two texts or two bytes", other))
            }
            (other, _) => Err(self.mismatch("two texts or two bytes", other)),
        }
    }

    fn contains(self, whole: &Value, part: &Value) -> Result<bool, EvalError> {
        match (whole, part) {
            (Value::Text(whole), Value::Text(part)) => Ok(whole.contains(part.as_str())),
            (Value::List(items), _) => Ok(items.iter().any(|item| same(item, part))),
            (Value::Map(entries), _) => Ok(entries.iter().any(|(key, _)| same(key, part))),
            (Value::Text(_), other) => Err(self.mismatch("two texts", other)),
            (other, _) => Err(self.mismatch("text, a list, a set or a map", other)),
        }
    }

    pub(super) fn mismatch(self, expected: &'static str, found: &Value) -> EvalError {
        EvalError::Type {
            operator: self.name(),
            expected,
            found: kind(found).to_owned(),
        }
    }
}

/// An item by index, a field or an entry by key.
fn get<'s>(
    value: &Cow<'s, Value>,
    key: &Value,
    budget: &mut WorkBudget,
) -> Result<Cow<'s, Value>, EvalError> {
    let find = |value: &Value| match value {
        Value::List(items) => {
            let index = integer(key).and_then(|index| usize::try_from(index).ok());
            index.filter(|index| *index < items.len())
        }
        Value::Map(entries) => entries.iter().position(|(k, _)| same(k, key)),
        _ => None,
    };
    let item = |value: &'s Value, index: usize| match value {
        Value::List(items) => items.get(index),
        Value::Map(entries) => entries.get(index).map(|(_, value)| value),
        _ => None,
    };
    if !matches!(**value, Value::List(_) | Value::Map(_)) {
        return Err(Operator::Get.mismatch("a record, a map or a list", value));
    }
    let missing = || EvalError::NotFound {
        operator: "get",
        what: kind(key).to_owned(),
    };
    let index = find(value).ok_or_else(missing)?;
    match value {
        Cow::Borrowed(value) => item(value, index).map(Cow::Borrowed).ok_or_else(missing),
        Cow::Owned(value) => {
            let found = match value {
                Value::List(items) => items.get(index),
                Value::Map(entries) => entries.get(index).map(|(_, value)| value),
                _ => None,
            };
            let found = found.ok_or_else(missing)?;
            budget.charge(found)?;
            Ok(Cow::Owned(found.clone()))
        }
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Nat(number) => Some(i128::from(*number)),
        _ => None,
    }
}

/// Equality by value: `int` 1 is `nat` 1, at any depth.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Map(left), Value::Map(right)) => {
            let pairs = left.iter().zip(right);
            left.len() == right.len() && { pairs }
                .all(|(l, r)| same(&l.0, &r.0) && same(&l.1, &r.1))
        }
        (
            Value::Variant {
                tag: left_tag,
                value: left,
            },
            Value::Variant {
                tag: right_tag,
                value: right,
            },
        ) => left_tag == right_tag && same(left, right),
        _ => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => left == right,
            _ => left == right,
        },
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Int(_) => "an int",
        Value::Nat(_) => "a nat",
        Value::Bytes(_) => "bytes",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a record or map",
        Value::Variant { .. } => "a variant",
    }
}
