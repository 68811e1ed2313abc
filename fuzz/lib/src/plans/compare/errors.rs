//! Why a plan instance of `sim` ended, by the text of its error: the journal keeps no more.

use crate::plans::evaluate::Class;
use crate::plans::interpret::{Cause, Failure};

/// What the text of an error says: the journal keeps no more.
pub fn failure(error: &str) -> Failure {
    let mut names = error.split('`').skip(1).step_by(2).map(str::to_owned);
    let mut place = Vec::new();
    let rest = if let Some(rest) = error.strip_prefix("the guard from ") {
        place.push("guard".to_owned());
        place.extend(names.by_ref().take(2));
        rest.splitn(5, '`').nth(4)
    } else if let Some(rest) = error.strip_prefix("invariant ") {
        place.push("invariant".to_owned());
        place.extend(rest.split(' ').next().map(str::to_owned));
        place.extend(names.next());
        match rest.contains(" is false after ") {
            true => Some(" is false"),
            false => rest.splitn(3, '`').nth(2),
        }
    } else {
        place.push("step".to_owned());
        place.extend(names.next());
        error.splitn(3, '`').nth(2)
    };
    let cause = cause(rest.unwrap_or_default());
    Failure { place, cause }
}

/// The cause, by the words of its message.
fn cause(text: &str) -> Cause {
    let expression = [
        ("has no value here", Class::Missing),
        ("overflows 64 bits", Class::Overflow),
        ("by zero", Class::ByZero),
        ("is not there", Class::NotThere),
        ("the same key twice in a map", Class::SameKey),
    ];
    let ends = expression.iter().find(|(words, _)| text.ends_with(words));
    match ends {
        Some((_, class)) => Cause::Expression(*class),
        None if text.contains("the expression needs more than") => Cause::Expression(Class::Limit),
        None if text == " is false" => Cause::False,
        None if text.ends_with("is not a bool") => Cause::NotBool,
        None if text.contains("the idempotency key is neither") => Cause::Key,
        None if text.contains("the effect gate said no") => Cause::Gate,
        None if text.starts_with(": at ") => Cause::Misfit,
        None => Cause::Expression(Class::Type),
    }
}
