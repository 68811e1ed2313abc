//! What one evaluation may still copy.

use std::borrow::Cow;

use super::EvalError;
use crate::value::Value;

/// The most that one evaluation may copy: nodes of values and bytes of texts, together.
const MAX_WORK: usize = 4 << 20;

/// What may still be copied.
pub(super) struct WorkBudget(usize);

impl WorkBudget {
    pub fn new() -> WorkBudget {
        WorkBudget(MAX_WORK)
    }

    /// Pays for a copy of the value.
    pub fn charge(&mut self, value: &Value) -> Result<(), EvalError> {
        let size = match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        let limit = EvalError::Limit {
            limit: MAX_WORK,
            what: "nodes and bytes",
        };
        self.0 = self.0.checked_sub(size + 1).ok_or(limit)?;
        match value {
            Value::List(items) => items.iter().try_for_each(|item| self.charge(item)),
            Value::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                self.charge(key)?;
                self.charge(value)
            }),
            Value::Variant { value, .. } => self.charge(value),
            _ => Ok(()),
        }
    }

    pub fn own(&mut self, value: Cow<'_, Value>) -> Result<Value, EvalError> {
        if let Cow::Borrowed(value) = value {
            self.charge(value)?;
        }
        Ok(value.into_owned())
    }
}
