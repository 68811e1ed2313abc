//! What an error of the engine means, when guest code ran: where the guest was, and what it said.
//!
//! Costs nothing until a guest stops. All that it says is the same on any machine.

use wasmtime::{Instance, Memory, Store, Trap};

use super::call_stack::{CallStack, Recursion};
use super::frames::frames;
use super::limiter::{Denied, Limiter};
use super::panic::{MESSAGE_EXPORT, PANICKED_AT, last_words};
use super::{Code, StepError};

/// An error while a module was instantiated.
pub(super) fn explain_start(error: &wasmtime::Error, code: &Code) -> StepError {
    explain(error, code, || None)
}

/// An error while a function of an instance ran.
pub(super) fn explain_call(
    error: &wasmtime::Error,
    code: &Code,
    (instance, memory, store): (Instance, Memory, &mut Store<Limiter>),
) -> StepError {
    explain(error, code, || {
        let global = instance.get_global(&mut *store, MESSAGE_EXPORT);
        let address = global.and_then(|global| global.get(&mut *store).i32());
        let address = address.map(i32::cast_unsigned);
        last_words(memory.data(store), address, code.anatomy())
    })
}

fn explain(
    error: &wasmtime::Error,
    code: &Code,
    said: impl FnOnce() -> Option<String>,
) -> StepError {
    let frames = || {
        let origins = code.instruments().map(|made| &made.origins);
        frames(error, origins)
    };
    let stack = |has_place| CallStack::of(&frames(), code, has_place);
    if let Some(Denied(reason)) = error.downcast_ref() {
        return reason.clone().at(stack(false));
    }
    let Some(trap) = error.downcast_ref::<Trap>() else {
        return host(error);
    };
    match trap {
        Trap::StackOverflow => StepError::StackExhausted {
            recursion: Recursion::of(&frames(), code.anatomy()),
        },
        // Guests that panic stop by one, or go on in a loop that does nothing.
        Trap::UnreachableCodeReached | Trap::OutOfFuel => match said() {
            Some(said) => StepError::Panic {
                ended_by: Box::new(ended(trap, code, CallStack::default())),
                stack: stack(said.starts_with(PANICKED_AT)),
                said,
            },
            None => ended(trap, code, stack(false)),
        },
        _ => ended(trap, code, stack(false)),
    }
}

fn ended(trap: &Trap, code: &Code, stack: CallStack) -> StepError {
    if *trap == Trap::OutOfFuel {
        let limit = code.limits().fuel_per_step;
        return StepError::OutOfFuel { limit, stack };
    }
    let message = trap.to_string();
    let message = message.strip_prefix("wasm trap: ").unwrap_or(&message);
    StepError::Trap {
        message: message.to_owned(),
        stack,
    }
}

pub(super) fn host(error: &wasmtime::Error) -> StepError {
    StepError::Host {
        message: format!("{error:#}"),
    }
}
