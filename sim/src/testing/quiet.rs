//! Panics of a property: each is an answer, and is not printed as it comes. A campaign would print
//! it thousands of times.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// A property of this thread is asked.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
    /// Where it panicked.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `ask` answers, or what it said when it panicked, and where.
pub(super) fn caught<T>(ask: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match IS_ASKED.get() {
            true => note(info),
            false => usual(info),
        }));
    });
    IS_ASKED.set(true);
    let answer = panic::catch_unwind(AssertUnwindSafe(ask));
    IS_ASKED.set(false);
    answer.map_err(|panic| format!("{} ({})", said(&*panic), PLACE.take()))
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    PLACE.set(place.unwrap_or_default());
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked")
}
