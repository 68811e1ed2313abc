//! Whole numbers as conditions know them: CEL's `int`, and `uint` above its range. They mix.

use cel::ExecutionError;
use cel::common::types::{CelInt, CelUInt};
use cel::common::value::Val;

/// A number, if it is one.
pub(crate) fn number(val: &dyn Val) -> Option<i128> {
    let int = val
        .downcast_ref::<CelInt>()
        .map(|int| i128::from(*int.inner()));
    int.or_else(|| {
        val.downcast_ref::<CelUInt>()
            .map(|uint| i128::from(*uint.inner()))
    })
}

/// A number of 64 bits, with a sign or without.
pub(crate) fn boxed(number: i128) -> Option<Box<dyn Val>> {
    if let Ok(int) = i64::try_from(number) {
        return Some(Box::new(CelInt::from(int)));
    }
    let uint = u64::try_from(number).ok()?;
    Some(Box::new(CelUInt::from(uint)))
}

/// The result of a calculation.
pub(crate) fn result(what: &str, number: Option<i128>) -> Result<Box<dyn Val>, ExecutionError> {
    let fits = number.and_then(boxed);
    fits.ok_or_else(|| ExecutionError::function_error(what, "the result is past 64 bits"))
}
